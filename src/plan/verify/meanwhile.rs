//! Says what a rollout means in a place until the place moves, so that what it keeps back on purpose
//! is not called a failure.
//!
//! | the rollout | the place has | judged against |
//! |---|---|---|
//! | has not come to its wave, is paused or halted | the new revision | the new one |
//! | | anything else | the one it is kept on, with a remark |
//! | went back | anything | the accepted one, with a remark |
//! | was not read | the new revision | the new one |
//! | | anything else | nobody can say |
//!
//! In a wave that is open the new revision is meant, and nothing else.

use super::{Claim, Expected, Finding, Reading, Reason};
use crate::model::{
    Cell, DesiredCell, DesiredOrganizationEnforcement, Name, Region, ReplicaKey, Revision,
    RolloutMarks,
};
use crate::plan::context::Context;
use crate::plan::rollout::{Course, Decision, Standing, Subject, course, decide, heading, waiting};

/// What is meant in a place that does not have what the text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// What is meant there; or why that cannot be told.
    pub expected: Result<Expected, Finding>,
    /// What it waits for, as people read it.
    pub remark: String,
}

/// Where a rollout keeps a place.
pub(super) struct Kept {
    /// On which revision; `None` when how far the rollout is was not read.
    pub(super) revision: Option<Revision>,
    /// Whether even a place that has what the text says is to leave it.
    pub(super) is_back: bool,
    /// What it waits for.
    pub(super) why: String,
}

impl Kept {
    fn unread(guardrail: &Name) -> Self {
        let why = format!("how far the rollout of {guardrail} is was not read");
        Self { revision: None, is_back: false, why }
    }
}

/// Where the rollout of an account enforcement keeps a cell, if it does.
pub(super) fn of_cell(cell: &Cell, desired: &DesiredCell, context: &Context) -> Option<Kept> {
    context.waves.get(&desired.enforcement)?;
    let Some(decision) = context.rollouts.get(&desired.enforcement) else {
        return Some(Kept::unread(&desired.replica.guardrail));
    };
    let found = heading(cell, desired, context);
    let why = found.held?.message;
    kept(found.course, decision, why)
}

/// Where the rollout of an organization enforcement keeps a Region, if it does.
pub(super) fn of_region(
    (name, desired): (&Name, &DesiredOrganizationEnforcement),
    replica: &ReplicaKey,
    context: &Context,
) -> Option<Kept> {
    let rollout = context.organization_waves.get(name)?;
    let pinned = desired.guardrail.revision.as_ref();
    let target = pinned.or(context.replicas.get(replica).map(|it| &it.revision))?;
    let Some(policies) = &context.facts.own_policies else {
        return Some(Kept::unread(&replica.guardrail));
    };
    let marks: Vec<&RolloutMarks> =
        policies.values().filter_map(|policy| policy.rollouts.get(name)).collect();
    // What stands in the Regions is read for each claim; how far it is, the marks say.
    let subject = Subject {
        rollout,
        target,
        marks: &marks,
        is_complete: true,
        standing: &|_: &Region| Standing::Unknown,
        verdict: &|_| None,
        now: context.wall,
    };
    let decision = decide(&subject);
    let wave = rollout.wave_of(&replica.region);
    let fact = context.facts.replicas.get(replica);
    let course = course(Standing::Bare, decision.opens(wave), &decision, (fact, true));
    let why = waiting(&decision, rollout, (&replica.guardrail, wave)).message;
    kept(course, &decision, why)
}

fn kept(course: Course, decision: &Decision, why: String) -> Option<Kept> {
    let revision = match course {
        Course::Free => return None,
        Course::At(revision) => revision,
        // It stays as it is, and what that is, is meant only if it was accepted.
        Course::Stay => decision.accepted.clone()?,
    };
    let is_back = decision.is_back();
    (is_back || revision != decision.target).then_some(Kept {
        revision: Some(revision),
        is_back,
        why,
    })
}

/// The claim as it is to be judged by what was read: what the text says where that is in force, and
/// else what a rollout means there until it moves.
pub fn meant(claim: Claim, reading: &Reading) -> Claim {
    let Claim { cell, enforcement, expected, meanwhile, remark } = claim;
    let is_there = |expected: &Expected| {
        let live = super::judge::live(&cell, enforcement.kind, reading);
        live.is_ok_and(|live| live.is(expected))
    };
    let (expected, remark) = match (expected, meanwhile) {
        (Ok(expected), Some(_)) if is_there(&expected) => (Ok(expected), remark),
        (_, Some(meanwhile)) => (meanwhile.expected, Some(meanwhile.remark)),
        (expected, None) => (expected, remark),
    };
    Claim { cell, enforcement, expected, meanwhile: None, remark }
}

/// That nobody can say what is meant.
pub(super) fn untold(why: &str) -> Finding {
    Finding::unknown(Reason::Unreadable, why)
}
