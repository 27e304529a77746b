//! Says where each wave of a rollout stands.

use super::cells::with_subject;
use super::decide::{Decision, Halt, Stage, Subject, Tally, failures};
use crate::model::{DesiredWave, EnforcementKey, EnforcementKind, Name};
use crate::plan::context::Context;
use crate::plan::hold::listed;
use crate::plan::step::{Held, HoldReason, Plan};

/// Where a rollout stands: a plan without steps, with one hold for each wave that is not
/// passed. Empty once it is in force everywhere.
pub fn plan_rollout(name: &Name, context: &Context) -> Plan {
    let mut plan = Plan::default();
    let Some(decision) = context.rollouts.get(name) else { return plan };
    let shown = with_subject(name, context, |subject| {
        let key = EnforcementKey { kind: EnforcementKind::Account, name: name.clone() };
        let text = context.enforcements.get(&key);
        let guardrail = text.map(|text| text.guardrail.to_string()).unwrap_or_default();
        holds(subject, decision, (&guardrail, "cells"), context)
    });
    plan.held.extend(shown.into_iter().flatten());
    plan
}

/// One hold for each wave that is not passed. `guardrail` is its name, `noun` what its places are
/// called.
pub(in crate::plan) fn holds<P: Ord>(
    subject: &Subject<'_, P>,
    decision: &Decision,
    (guardrail, noun): (&str, &'static str),
    context: &Context,
) -> Vec<Held> {
    let what = format!("{guardrail} {}", decision.target.short());
    Show { subject, decision, what, noun }.holds(context)
}

struct Show<'a, 'b, P: Ord> {
    subject: &'a Subject<'b, P>,
    decision: &'a Decision,
    /// The revision, as people call it.
    what: String,
    noun: &'static str,
}

impl<P: Ord> Show<'_, '_, P> {
    fn holds(&self, context: &Context) -> Vec<Held> {
        let waves = &self.subject.rollout.waves;
        let Some((wave, first)) = self.current(context) else { return Vec::new() };
        let mut holds = vec![first];
        let names = || waves.iter().skip(wave);
        // What stands behind a wave waits for it, whatever it waits for itself.
        for (index, (before, closed)) in names().zip(names().skip(1)).enumerate() {
            let count = self.count(wave + index + 1);
            let message = format!(
                "wave `{}` is closed: {count} have {}; it opens after `{}`",
                closed.name, self.what, before.name
            );
            if !closed.places.is_empty() {
                holds.push(Held::for_fact(HoldReason::WaveClosed, message));
            }
        }
        holds
    }

    /// The wave that is not passed, and what it waits for; `None` when all is done.
    fn current(&self, context: &Context) -> Option<(usize, Held)> {
        let what = &self.what;
        let halted = |wave: usize, halt: Halt, more: &str| {
            let message = format!("{} {}{more}", self.wave(wave), self.why(halt));
            (wave, Held::for_person(HoldReason::Halted, message))
        };
        let rolling =
            |wave: usize, message: String| (wave, Held::for_fact(HoldReason::RollingOut, message));
        Some(match &self.decision.stage {
            Stage::Done => return None,
            Stage::Reading => rolling(0, format!("{what}: how far it is was not read yet")),
            Stage::Beginning => {
                rolling(0, format!("{what}: what it replaces is being recorded before it moves"))
            }
            Stage::Moving(wave) => rolling(*wave, format!("{} is open", self.wave(*wave))),
            Stage::Restarting(wave) => {
                rolling(*wave, format!("{} lost it, and begins to bake again", self.wave(*wave)))
            }
            Stage::Verified(wave) => rolling(*wave, format!("{} is complete", self.wave(*wave))),
            Stage::Accepting => {
                let last = self.subject.rollout.waves.len().saturating_sub(1);
                rolling(last, format!("{what} has passed every wave and is being recorded"))
            }
            Stage::Baking(wave, until) => {
                let message = format!("{} is baking until {until}", self.wave(*wave));
                let left = until.duration_since(self.subject.now);
                let left = left.try_into().unwrap_or_default();
                (*wave, Held::after(HoldReason::Baking, left, message))
            }
            Stage::Gating(wave) => {
                let message = format!("{} has baked and is being tried", self.wave(*wave));
                (*wave, Held::after(HoldReason::Gating, context.timing.confirm_after, message))
            }
            Stage::Paused(wave) => {
                let message = format!("{} is paused; write `paused: false`", self.wave(*wave));
                (*wave, Held::for_person(HoldReason::Paused, message))
            }
            Stage::Halted(_, Halt::Unresolved) => {
                let message = format!("{what} is halted: a target of a wave resolves to nothing");
                (0, Held::for_person(HoldReason::Halted, message))
            }
            Stage::Halted(wave, halt) => halted(*wave, *halt, "; correct it, or change the text"),
            Stage::Rejecting(wave) => {
                halted(*wave, Halt::Failed, "; it goes back once that is recorded")
            }
            Stage::RolledBack => {
                let back = match &self.decision.accepted {
                    Some(accepted) => format!("{} go back to {}", self.noun, accepted.short()),
                    None => "nothing was accepted before, so that what has it keeps it".to_owned(),
                };
                let why = listed(failures(self.subject));
                let why = if why.is_empty() { why } else { format!(" ({why})") };
                let message = format!(
                    "{what} was rejected by a gate{why}: {back}, and it is not desired again until \
                     the text changes"
                );
                (0, Held::for_person(HoldReason::RolledBack, message))
            }
        })
    }

    /// `wave canary (1 of 3): 2 of 2 cells have baseline 3f9c2a41; it`.
    fn wave(&self, index: usize) -> String {
        let waves = &self.subject.rollout.waves;
        let name =
            waves.get(index).map(|DesiredWave { name, .. }| name.as_str()).unwrap_or_default();
        format!(
            "wave `{name}` ({} of {}): {} have {}; it",
            index + 1,
            waves.len(),
            self.count(index),
            self.what
        )
    }

    /// `2 of 5 cells`, and those that do not count.
    fn count(&self, index: usize) -> String {
        let tally = Tally::of(self.subject, index..=index);
        let Tally { converged, unknown, reachable, all, .. } = tally;
        let beyond = all.saturating_sub(reachable + unknown);
        let unknown = if unknown > 0 { format!(", {unknown} unread") } else { String::new() };
        let beyond = if beyond > 0 { format!(", {beyond} out of reach") } else { String::new() };
        format!("{converged} of {all} {}{unknown}{beyond}", self.noun)
    }

    fn why(&self, halt: Halt) -> String {
        match halt {
            Halt::Unresolved => "is halted: a target of a wave resolves to nothing".to_owned(),
            Halt::Unreachable => "is halted: nothing of it can be reached".to_owned(),
            Halt::Failed => format!(
                "did not pass its gate (at most {} may fail): {}",
                self.subject.rollout.gate.failures_max,
                listed(failures(self.subject))
            ),
        }
    }
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
