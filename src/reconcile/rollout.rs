//! Keeps what is decided of each rollout up to date with what is known.

use super::engine::Engine;
use super::gate::Tried;
use super::key::Key;
use super::state::State;
use crate::aws::ErrorClass;
use crate::model::{
    Cell, EnforcementKey, EnforcementKind, Name, ObservedGuardrail, Read, ReplicaFact, ReplicaKey,
    Unread,
};
use crate::plan::{self, Decision};

impl Engine {
    /// Decides every rollout anew of which something has changed, or whose time has come, and wakes
    /// the keys whose plans change with it. Comes before every plan: a plan made from an older
    /// decision could open a wave that is closed.
    pub(super) fn decide_rollouts(&self, state: &mut State) {
        let wall = self.date();
        let desired = &state.desired;
        state.rollouts.retain(|name, _| desired.rollouts.contains_key(name));
        let is_due = |decision: &Decision| decision.due().is_some_and(|due| due <= wall);
        let names: Vec<Name> = desired
            .rollouts
            .keys()
            .filter(|name| {
                state.undecided.contains(*name) || state.rollouts.get(*name).is_none_or(is_due)
            })
            .cloned()
            .collect();
        for name in names {
            state.undecided.remove(&name);
            let context = self.context(&state.desired, &state.facts, &state.rollouts);
            match plan::decide_rollout(&name, &context) {
                Some(decision) => state.decided(&name, decision),
                None => {
                    state.rollouts.remove(&name);
                }
            }
        }
    }
}

impl State {
    fn decided(&mut self, name: &Name, decision: Decision) {
        let before = self.rollouts.get(name);
        if before == Some(&decision) {
            return;
        }
        if decision.is_done() {
            self.facts.verdicts.remove(name);
        }
        let mut woken: Vec<Key> = vec![Key::Rollout(name.clone())];
        woken.extend(self.concerned(name, &decision, before));
        let key = EnforcementKey { kind: EnforcementKind::Account, name: name.clone() };
        let guardrail = self.desired.enforcements.get(&key).map(|text| &text.guardrail);
        let marked = self.facts.replicas.iter().filter(|(replica, fact)| {
            Some(&replica.guardrail) == guardrail
                && decision.is_to_be_marked(fact.rollouts.get(name))
        });
        woken.extend(marked.map(|(replica, _)| Key::Replica(replica.clone())));
        self.woken.extend(woken);
        self.rollouts.insert(name.clone(), decision);
    }

    /// The cells that a decision lets move and that do not move already.
    fn concerned(&self, name: &Name, decision: &Decision, before: Option<&Decision>) -> Vec<Key> {
        let Some(rollout) = self.desired.rollouts.get(name) else { return Vec::new() };
        let cells = decision.admitted(before, rollout).cloned().map(Key::Cell);
        let is_waiting = |key: &Key| self.plans.get(key).is_none_or(|plan| !plan.held.is_empty());
        cells.filter(|key| decision.is_back() || is_waiting(key)).collect()
    }

    /// Notes what was read of a replica, for the rollouts of its guardrail.
    pub(super) fn note_replica(
        &mut self,
        replica: &ReplicaKey,
        read: &Read<ObservedGuardrail>,
        before: Option<&ReplicaFact>,
    ) {
        let is_answer = read.unread().is_none_or(is_lasting);
        let is_new = is_answer && self.facts.replicas_read.insert(replica.clone());
        if is_new || before != self.facts.replicas.get(replica) {
            let of_it = self.desired.enforcements.iter().filter(|(key, text)| {
                key.kind == EnforcementKind::Account && text.guardrail == replica.guardrail
            });
            self.undecided.extend(of_it.map(|(key, _)| key.name.clone()));
        }
    }

    /// Notes what was read of a cell, for the rollout of its enforcement.
    pub(super) fn note_cell(&mut self, cell: &Cell, unread: Option<&Unread>, mut changed: bool) {
        changed |= if unread.is_some_and(is_lasting) {
            self.facts.unreachable.insert(cell.clone())
        } else {
            self.facts.unreachable.remove(cell)
        };
        if changed && let Some(desired) = self.desired.cells.get(cell) {
            self.undecided.insert(desired.enforcement.clone());
        }
    }

    /// Notes what was found where a gate was tried.
    pub(super) fn note_verdicts(&mut self, name: &Name, tried: &[Tried]) {
        let verdicts = self.facts.verdicts.entry(name.clone()).or_default();
        for (tried, verdict) in tried.iter().filter_map(|it| Some((it, it.verdict()?))) {
            verdicts.insert(tried.trial.cell.clone(), verdict);
            self.undecided.insert(name.clone());
        }
    }

    /// The same for an organization enforcement, whose places are Regions, or Regions at targets.
    pub(super) fn note_region_verdicts(&mut self, name: &Name, tried: &[Tried]) {
        let verdicts = self.facts.region_verdicts.entry(name.clone()).or_default();
        for (tried, verdict) in tried.iter().filter_map(|it| Some((it, it.verdict()?))) {
            verdicts.insert(tried.trial.cell.region.clone(), verdict.clone());
            let witnesses = self.facts.witness_verdicts.entry(name.clone()).or_default();
            witnesses.insert(tried.trial.cell.clone(), verdict);
        }
    }
}

/// Whether a read fails until a person has done something: then it is an answer of a kind.
fn is_lasting(unread: &Unread) -> bool {
    let lasting = [
        ErrorClass::Denied,
        ErrorClass::NotAssumable,
        ErrorClass::RegionUnavailable,
        ErrorClass::Invalid,
    ];
    lasting.iter().any(|class| class.reason() == unread.class)
}
