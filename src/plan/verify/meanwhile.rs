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

use std::collections::BTreeMap;

use super::{Claim, Expected, Finding, Reading, Reason};
use crate::model::{
    Cell, DesiredCell, DesiredRollout, Name, ReplicaKey, Revision, RolloutMarks, TargetId,
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

/// A cell in which an organization enforcement has the word.
pub(super) struct OrganizationCell<'a> {
    pub(super) enforcement: &'a Name,
    /// From the root down to the account.
    pub(super) lineage: &'a [TargetId],
    /// What is enforced there.
    pub(super) replica: &'a ReplicaKey,
}

/// How far the rollouts of organization enforcements are; none where that was not read.
pub(super) fn decided<'a>(context: &Context<'a>) -> BTreeMap<&'a Name, Decision> {
    let by_region = context.organization_waves.iter();
    let by_region = by_region.map(|(name, rollout)| (name, of_marks(name, rollout, context)));
    let by_target = context.target_waves.iter();
    let by_target = by_target.map(|(name, it)| (name, of_marks(name, &it.rollout, context)));
    by_region.chain(by_target).filter_map(|(name, decision)| Some((name, decision?))).collect()
}

/// How far a rollout is by its marks alone: what stands in its places is read for each claim.
fn of_marks<P: Ord>(
    name: &Name,
    rollout: &DesiredRollout<P>,
    context: &Context,
) -> Option<Decision> {
    let target = target(name, context)?;
    let marks = marks(name, context)?;
    let subject = Subject {
        rollout,
        target,
        marks: &marks,
        is_complete: true,
        standing: &|_: &P| Standing::Unknown,
        verdict: &|_| None,
        now: context.wall,
    };
    Some(decide(&subject))
}

/// The revision that the text desires, the same in every Region.
fn target<'a>(name: &Name, context: &Context<'a>) -> Option<&'a Revision> {
    let guardrail = &context.organization.get(name)?.guardrail;
    guardrail.revision.as_ref().or_else(|| {
        let management = &context.facts.fleet.as_ref()?.management;
        let is_its =
            |key: &ReplicaKey| key.guardrail == guardrail.name && key.account == *management;
        let found = context.replicas.iter().find(|(key, _)| is_its(key));
        found.map(|(_, replica)| &replica.revision)
    })
}

/// The marks on the main policies of an enforcement; before there is one, on those of its lanes.
fn marks<'a>(name: &Name, context: &Context<'a>) -> Option<Vec<&'a RolloutMarks>> {
    let policies = context.facts.own_policies.as_ref()?;
    let of = |is_lane: bool| -> Vec<&RolloutMarks> {
        let those = policies.values().filter(|it| it.is_lane == is_lane);
        those.filter_map(|it| it.rollouts.get(name)).collect()
    };
    let main = of(false);
    Some(if main.is_empty() { of(true) } else { main })
}

/// Where the rollout of an organization enforcement keeps a cell, if it does.
pub(super) fn of_organization_cell(
    cell: &OrganizationCell,
    decided: &BTreeMap<&Name, Decision>,
    context: &Context,
) -> Option<Kept> {
    let OrganizationCell { enforcement, lineage, replica } = *cell;
    let region = &replica.region;
    if let Some(rollout) = context.organization_waves.get(enforcement) {
        return of_wave(cell, (rollout, rollout.wave_of(region)), decided, context);
    }
    let found = context.target_waves.get(enforcement)?;
    of_wave(cell, (&found.rollout, found.wave_of(lineage, region)), decided, context)
}

fn of_wave<P: Ord>(
    OrganizationCell { enforcement, replica, .. }: &OrganizationCell,
    (rollout, wave): (&DesiredRollout<P>, Option<usize>),
    decided: &BTreeMap<&Name, Decision>,
    context: &Context,
) -> Option<Kept> {
    target(enforcement, context)?;
    let Some(decision) = decided.get(enforcement) else {
        return Some(Kept::unread(&replica.guardrail));
    };
    let fact = context.facts.replicas.get(replica);
    let course = course(Standing::Bare, decision.opens(wave), decision, (fact, true));
    let why = waiting(decision, rollout, (&replica.guardrail, wave)).message;
    kept(course, decision, why)
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
    let Claim { cell, enforcement, expected, meanwhile, remark, callers } = claim;
    let is_there = |expected: &Expected| {
        let live = super::judge::live(&cell, enforcement.kind, reading);
        live.is_ok_and(|live| live.is(expected))
    };
    let (expected, remark) = match (expected, meanwhile) {
        (Ok(expected), Some(_)) if is_there(&expected) => (Ok(expected), remark),
        (_, Some(meanwhile)) => (meanwhile.expected, Some(meanwhile.remark)),
        (expected, None) => (expected, remark),
    };
    Claim { cell, enforcement, expected, meanwhile: None, remark, callers }
}

/// That nobody can say what is meant.
pub(super) fn untold(why: &str) -> Finding {
    Finding::unknown(Reason::Unreadable, why)
}

#[cfg(test)]
#[path = "meanwhile_tests.rs"]
mod tests;
