//! What spans all keys: the pass of a generation, what it found would be lost, and what waits for
//! its end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tracing::{info, warn};

use super::engine::Engine;
use super::key::Key;
use super::state::State;
use super::visit::is_retryable;
use crate::aws::ErrorClass;
use crate::model::{
    AccountState, Cell, EnforcementKind, GuardrailArn, Name, PolicyFact, Presence, Region,
    ReplicaKey, Unread,
};
use crate::plan::{self, Loss, Losses, Plan, Ruling};

/// How far it is with what is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Keys that were found as they should be, or wait for a person alone.
    pub done: usize,
    /// All keys, as far as they are known.
    pub total: usize,
    /// Keys that were not visited yet.
    pub unread: usize,
}

/// What a visit could read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'a> {
    /// What it could not.
    pub(super) unread: Option<&'a Unread>,
    /// Whether it is to be read again before it is believed.
    pub(super) is_doubtful: bool,
}

/// Visits in a row that find no answer, after which a key is passed without one.
const UNANSWERED_MAX: u32 = 5;

impl Engine {
    /// How far it is with what is in force. Looks at every key.
    pub fn progress(&self) -> Progress {
        let state = self.state();
        let generation = state.generation();
        let done = state.settled.values().filter(|settled| **settled == generation).count();
        let total = state.keys().len();
        // Nothing is known to be there before the organization was read.
        let unread = if state.facts.fleet.is_some() { state.unpassed.len() } else { total };
        Progress { done: done.min(total), total, unread }
    }
}

impl State {
    /// Begins a pass: nothing counts as visited under what is desired now.
    pub(super) fn begin_pass(&mut self) {
        self.audit();
        self.unpassed = self.keys();
        // What is to be written next is planned from a complete read.
        self.at_rest.clear();
        self.foreign.forget();
        self.unanswered.clear();
        self.losses.clear();
        self.guarded.clear();
        self.unsettled.clear();
        self.warned.clear();
    }

    /// Goes on with the pass after the fleet has changed: of all `keys` only the `concerned` are to
    /// be visited again. What was read of the others stands.
    pub(super) fn extend_pass(&mut self, keys: &BTreeSet<Key>, concerned: &BTreeSet<Key>) {
        self.unpassed.retain(|key| keys.contains(key));
        self.unpassed.extend(concerned.iter().cloned());
        self.unanswered.retain(|key, _| keys.contains(key));
        self.losses.retain(|key, _| keys.contains(key) && !concerned.contains(key));
        self.guarded.retain(|key| keys.contains(key));
        self.unsettled.retain(|key| keys.contains(key));
    }

    /// Finds the cells that no manifest claims and that may reference a guardrail of ours: what
    /// left a selection is there.
    pub(super) fn audit(&mut self) {
        let Some(fleet) = &self.facts.fleet else { return };
        let named = self.desired.enforcements.iter();
        let named = named.filter(|(key, _)| key.kind == EnforcementKind::Account);
        let tagged = self.facts.replicas.iter().filter(|(_, fact)| {
            fact.enforcements.keys().any(|key| key.kind == EnforcementKind::Account)
        });
        let guardrails: BTreeSet<&Name> = named
            .map(|(_, text)| &text.guardrail)
            .chain(tagged.map(|(key, _)| &key.guardrail))
            .collect();
        let replicas = self.desired.replicas.keys();
        let regions: BTreeSet<&Region> = replicas
            .filter(|key| guardrails.contains(&key.guardrail))
            .map(|key| &key.region)
            .collect();
        let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
        let cells = active.flat_map(|account| {
            regions
                .iter()
                .map(|region| Cell { account: account.id.clone(), region: (*region).clone() })
        });
        let cells = cells.filter(|cell| !self.desired.cells.contains_key(cell)).collect();
        self.watched = cells;
    }

    /// Whether every replica was visited since the start: only then is it known which enforcements
    /// their tags name.
    pub(super) fn knows_replicas(&self) -> bool {
        let wanted = &self.desired.replicas;
        self.visited.len() >= wanted.len() && wanted.keys().all(|key| self.visited.contains(key))
    }

    /// The keys to visit once the last replica was read: cells nobody claims.
    pub(super) fn replicas_known(&mut self) -> BTreeSet<Key> {
        let before = std::mem::take(&mut self.watched);
        self.audit();
        let new = self.watched.difference(&before).cloned().map(Key::Cell);
        self.unpassed.extend(new);
        self.watched.iter().cloned().map(Key::Cell).collect()
    }

    /// The cells to visit once a replica is known: those that give its guardrail up, of which nobody
    /// could tell whether they have it. However far the pass is, it goes on until that is known of
    /// all: how much is lost is ruled of the whole.
    pub(super) fn removals_known(&mut self, replica: &ReplicaKey) -> BTreeSet<Key> {
        let cells = self.desired.cells.iter();
        let removed = cells.filter(|(_, desired)| {
            desired.state == Presence::Absent && desired.replica == *replica
        });
        let removed: BTreeSet<Key> = removed.map(|(cell, _)| Key::Cell(cell.clone())).collect();
        self.unpassed.extend(removed.iter().cloned());
        removed
    }

    /// Whether a key counts as visited under what is desired now. What AWS did not answer may hide a
    /// loss, so it is waited for; but a Region that is down must not hold up all others for ever.
    fn passes(&mut self, key: &Key, unread: Option<&Unread>) -> bool {
        let Some(unread) = unread else {
            self.unanswered.remove(key);
            return true;
        };
        if unread.class == ErrorClass::Throttled.reason() {
            return false;
        }
        let count = self.unanswered.entry(key.clone()).or_default();
        *count += 1;
        !is_retryable(unread.class) || *count >= UNANSWERED_MAX
    }

    /// Records what a visit planned. Returns the plan without what the change guard holds, and adds
    /// to `wake` the keys that waited for this visit.
    pub(super) fn guard(
        &mut self,
        key: &Key,
        (plan, Reading { unread, is_doubtful }): (Plan, Reading<'_>),
        wall: Timestamp,
        wake: &mut BTreeSet<Key>,
    ) -> Plan {
        let was_complete = self.unpassed.is_empty();
        if is_doubtful {
            self.unpassed.insert(key.clone());
        }
        if !was_complete {
            // Their plans were made from less than is known now.
            self.unpassed.extend(wake.iter().cloned());
        }
        if self.passes(key, unread) && !is_doubtful {
            self.unpassed.remove(key);
        }
        let is_completed = !was_complete && self.unpassed.is_empty();
        let has_changed = self.keep_losses(key, &plan, unread.is_none());
        if plan.is_unsettled {
            self.unsettled.insert(key.clone());
        } else {
            self.unsettled.remove(key);
        }
        let ruling = if plan.losses.is_empty() { Ruling::Open } else { self.ruling(wall) };
        if ruling == Ruling::Open {
            self.guarded.remove(key);
        } else {
            self.guarded.insert(key.clone());
        }
        if is_completed || (has_changed && self.is_released(wall)) {
            wake.append(&mut self.guarded);
        }
        if self.losses.is_empty() && (is_completed || has_changed) {
            wake.append(&mut self.unsettled);
        }
        self.announce(&ruling, wall);
        plan::withhold(plan, &ruling)
    }

    /// Keeps what the plan would take away. Whether that is news. Of what could not be read, the last
    /// word stands: else a read that fails would make the others look like few.
    fn keep_losses(&mut self, key: &Key, plan: &Plan, is_read: bool) -> bool {
        if plan.losses.is_empty() && !is_read {
            return false;
        }
        let before = if plan.losses.is_empty() {
            self.losses.remove(key)
        } else {
            self.losses.insert(key.clone(), plan.losses.clone())
        };
        before.as_ref().map_or(&[][..], Vec::as_slice) != plan.losses
    }

    /// What the change guard says of all that would be lost now.
    pub(super) fn ruling(&self, wall: Timestamp) -> Ruling {
        let set: BTreeSet<&Loss> = self.losses.values().flatten().collect();
        let is_complete = self.unpassed.is_empty();
        let owned = if is_complete && !set.is_empty() { owned(self) } else { 0 };
        let losses = Losses { set: &set, owned, is_complete };
        let desired = &self.desired;
        plan::rule(&losses, &desired.spec_hashes(), &desired.approvals, wall.as_second())
    }

    fn is_released(&self, wall: Timestamp) -> bool {
        !self.guarded.is_empty() && self.unpassed.is_empty() && self.ruling(wall) == Ruling::Open
    }

    /// Says once what is held, and once that it is released.
    fn announce(&mut self, ruling: &Ruling, wall: Timestamp) {
        match ruling {
            Ruling::Held(held) => {
                if self.announced.as_ref() != Some(&held.name) {
                    let approval = held.approval(wall);
                    warn!(plan = held.name, approval, "held by the change guard: {held}");
                    self.announced = Some(held.name.clone());
                }
            }
            Ruling::Open if self.losses.is_empty() => {
                if let Some(plan) = self.announced.take() {
                    info!(plan, "nothing is held by the change guard any more");
                }
            }
            Ruling::Open | Ruling::Incomplete => {}
        }
    }
}

/// Cells that reference a guardrail of ours, targets our policies of either type are attached to, and
/// cells whose calls are logged as a manifest asks.
fn owned(state: &State) -> usize {
    let facts = &state.facts;
    let logged = state.logging.values().filter(|memory| memory.is_in_force()).count();
    let arns: BTreeSet<&GuardrailArn> = facts.replicas.values().map(|fact| &fact.arn).collect();
    let slots = facts.cells.values().flatten().filter(|(arn, _)| arns.contains(arn)).count();
    let policies = facts.own_policies.iter().flat_map(|policies| policies.values());
    let policies = policies.map(|PolicyFact { targets, .. }| targets.len()).sum::<usize>();
    slots + logged + policies + facts.control_attachments
}
