//! Decides where one cell is headed while its enforcement is rolled out.

use super::cells::standing;
use super::decide::{Decision, Stage, Standing};
use crate::model::{Cell, DesiredCell, DesiredRollout, Name, ReplicaFact, Revision};
use crate::plan::context::Context;
use crate::plan::step::{Held, HoldReason};

/// Which revision a cell is to reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Course {
    /// The one that the text desires.
    Free,
    /// This one.
    At(Revision),
    /// Whatever it references.
    Stay,
}

/// Where a cell is headed, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Heading {
    pub(in crate::plan) course: Course,
    pub(in crate::plan) held: Option<Held>,
}

/// Decides where a cell is headed.
///
/// | cell | its wave is open | closed | rolled back |
/// |---|---|---|---|
/// | has the new revision | new | new | accepted |
/// | has another of ours | new | as it is; accepted if older than that, or rejected | the same |
/// | has nothing of ours | new | accepted | accepted |
/// | references what is not known | new | accepted | accepted |
///
/// Where nothing was ever accepted, there is nothing to give or to go back to: it stays as it is.
pub(in crate::plan) fn heading(cell: &Cell, desired: &DesiredCell, context: &Context) -> Heading {
    let Some(rollout) = context.waves.get(&desired.enforcement) else {
        return Heading { course: Course::Free, held: None };
    };
    let Some(decision) = context.rollouts.get(&desired.enforcement) else {
        let message = format!("the rollout of {} is not known yet", desired.replica.guardrail);
        let held = Held::for_fact(HoldReason::WaveClosed, message);
        return Heading { course: Course::Stay, held: Some(held) };
    };
    let wave = rollout.wave_of(cell);
    let fact = context.facts.replicas.get(&desired.replica);
    let standing = standing(cell, desired, context);
    let is_its_own = is_its_own(cell, fact, context);
    let course = course(standing, decision.opens(wave), decision, (fact, is_its_own));
    let name = &desired.replica.guardrail;
    let held = (course != Course::Free).then(|| waiting(decision, rollout, (name, wave)));
    Heading { course, held }
}

/// Decides where a place is headed that stands so, by the table of [`heading`]. `is_its_own` says
/// whether it references the guardrail of `fact`.
pub(in crate::plan) fn course(
    standing: Standing,
    is_open: bool,
    decision: &Decision,
    (fact, is_its_own): (Option<&ReplicaFact>, bool),
) -> Course {
    match standing {
        _ if is_open => Course::Free,
        Standing::Excluded | Standing::Unreachable => Course::Free,
        Standing::Converged if !decision.is_back() => Course::Free,
        Standing::Converged | Standing::Bare => accepted(decision, fact),
        Standing::Behind(None) if is_its_own => accepted(decision, fact),
        Standing::Unknown | Standing::Behind(None) => Course::Stay,
        Standing::Behind(Some(revision)) => {
            if is_to_leave(&revision, decision, fact) {
                accepted(decision, fact)
            } else {
                Course::At(revision)
            }
        }
    }
}

/// To the accepted revision, where it is published.
fn accepted(decision: &Decision, fact: Option<&ReplicaFact>) -> Course {
    let is_here = |it: &&Revision| fact.is_some_and(|fact| fact.revisions.contains_key(*it));
    match decision.accepted.as_ref().filter(is_here) {
        Some(revision) => Course::At(revision.clone()),
        None => Course::Stay,
    }
}

/// Whether the cell references the guardrail that it is to reference, in an unknown version.
fn is_its_own(cell: &Cell, fact: Option<&ReplicaFact>, context: &Context) -> bool {
    let slot = context.facts.cells.get(cell).and_then(Option::as_ref);
    slot.zip(fact).is_some_and(|((arn, _), fact)| fact.arn == *arn)
}

/// Whether a cell is not to keep this revision even while its wave is closed: it is older than the
/// accepted one, so that somebody put it back, or it was rejected.
fn is_to_leave(revision: &Revision, decision: &Decision, fact: Option<&ReplicaFact>) -> bool {
    let rejected = decision.marks.as_ref().and_then(|marks| marks.rejected.as_ref());
    if rejected.is_some_and(|it| it.revision == *revision) {
        return true;
    }
    let number = |revision: &Revision| fact.and_then(|fact| fact.revisions.get(revision));
    let accepted = decision.accepted.as_ref().and_then(number);
    accepted.is_some_and(|accepted| number(revision).is_some_and(|it| it < accepted))
}

/// What a place of this wave says that does not have the desired revision of a guardrail. The same
/// for many, so that they are one line.
pub(in crate::plan) fn waiting<P: Ord>(
    decision: &Decision,
    rollout: &DesiredRollout<P>,
    (name, wave): (&Name, Option<usize>),
) -> Held {
    let target = decision.target.short();
    let wave = wave.and_then(|wave| rollout.waves.get(wave));
    let wave = wave.map_or_else(|| "a wave".to_owned(), |wave| format!("wave `{}`", wave.name));
    match &decision.stage {
        Stage::Paused(_) => {
            let message = format!("{name} {target} waits for {wave}; the rollout is paused");
            Held::for_person(HoldReason::Paused, message)
        }
        Stage::Halted(..) | Stage::Rejecting(_) => {
            let message = format!("{name} {target} waits for {wave}; the rollout is halted");
            Held::for_person(HoldReason::Halted, message)
        }
        Stage::RolledBack => {
            let message = format!(
                "{name} {target} was rejected by a gate and is not desired again until the text \
                 changes"
            );
            Held::for_person(HoldReason::RolledBack, message)
        }
        Stage::Reading
        | Stage::Beginning
        | Stage::Moving(_)
        | Stage::Restarting(_)
        | Stage::Verified(_)
        | Stage::Baking(..)
        | Stage::Gating(_)
        | Stage::Accepting
        | Stage::Done => {
            let message = format!("{name} {target} waits for {wave} to open");
            Held::for_fact(HoldReason::WaveClosed, message)
        }
    }
}

#[cfg(test)]
#[path = "heading_tests.rs"]
mod tests;
