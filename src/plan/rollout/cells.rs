//! Rollouts of account enforcements: their places are cells, their marks are on replicas.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::decide::{Decision, Standing, Subject, decide, to_be_tried};
use crate::model::{
    Cell, DesiredCell, DesiredRollout, EnforcementKey, EnforcementKind, Facts, GateProbe,
    GateVerdict, GuardrailArn, GuardrailTests, Name, OnForeign, Presence, ReplicaFact, Revision,
    RolloutMarks, Version,
};
use crate::plan::context::Context;
use crate::plan::reference::replica_of;

/// One cell in which a gate is to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Where.
    pub cell: Cell,
    /// The revision it is about.
    pub revision: Revision,
    /// Its guardrail there.
    pub guardrail: GuardrailArn,
    /// Its version there.
    pub version: Version,
    /// What is asked.
    pub probe: GateProbe,
    /// Tests to be run as well; of the cells of a Region the first runs them for all.
    pub tests: Arc<GuardrailTests>,
    /// Why a model call should say that it ran there (`aws-facts` 7.2).
    pub origin: &'static str,
}

/// The origin of what the account enforces itself.
const ACCOUNT_ENFORCED: &str = "ACCOUNT_ENFORCED";

/// Decides how far the rollout of an account enforcement is. `None` where the text has no
/// rollout, or no guardrail is placed from which to tell which revision it desires.
pub fn decide_rollout(name: &Name, context: &Context) -> Option<Decision> {
    with_subject(name, context, decide)
}

/// The cells in which the gate of a rollout is to be tried now.
pub fn trials(name: &Name, context: &Context) -> Vec<Trial> {
    let Some(decision) = context.rollouts.get(name) else { return Vec::new() };
    let found = with_subject(name, context, |subject| {
        let trial = |cell: &Cell| {
            let (guardrail, version) = context.facts.cells.get(cell)?.clone()?;
            Some(Trial {
                cell: cell.clone(),
                revision: subject.target.clone(),
                guardrail,
                version,
                probe: subject.rollout.gate.probe.clone(),
                tests: Arc::default(),
                origin: ACCOUNT_ENFORCED,
            })
        };
        let mut trials: Vec<Trial> =
            to_be_tried(subject, decision).into_iter().filter_map(trial).collect();
        if subject.rollout.gate.tests {
            give_tests(&mut trials, context);
        }
        trials
    });
    found.unwrap_or_default()
}

/// Gives the first trial of each Region the tests of its guardrail.
pub(in crate::plan) fn give_tests(trials: &mut [Trial], context: &Context) {
    let mut regions = BTreeSet::new();
    for trial in trials {
        let replica = replica_of(&trial.guardrail, context).map(|(key, _)| key);
        let desired = replica.and_then(|key| context.replicas.get(key));
        if let Some(desired) = desired
            && regions.insert(trial.cell.region.clone())
        {
            trial.tests = Arc::clone(&desired.tests);
        }
    }
}

/// Gathers what a rollout is decided from.
pub(super) fn with_subject<T>(
    name: &Name,
    context: &Context,
    then: impl FnOnce(&Subject<'_, Cell>) -> T,
) -> Option<T> {
    let rollout = context.waves.get(name)?;
    let key = EnforcementKey { kind: EnforcementKind::Account, name: name.clone() };
    let guardrail = &context.enforcements.get(&key)?.guardrail;
    let target = target(rollout, guardrail, context)?;
    let Facts { replicas, replicas_read, verdicts, .. } = context.facts;
    let of_it = replicas.iter().filter(|(replica, _)| replica.guardrail == *guardrail);
    let marks: Vec<&RolloutMarks> = of_it.filter_map(|(_, fact)| fact.rollouts.get(name)).collect();
    let is_complete = context
        .replicas
        .iter()
        .filter(|(replica, it)| replica.guardrail == *guardrail && it.state == Presence::Present)
        .all(|(replica, _)| replicas_read.contains(replica));
    let verdicts = verdicts.get(name);
    let standing = |cell: &Cell| match context.cells.get(cell) {
        Some(desired) => standing(cell, desired, context),
        None => Standing::Excluded,
    };
    let verdict = |cell: &Cell| -> Option<&GateVerdict> { verdicts?.get(cell) };
    let subject = Subject {
        rollout,
        target: &target,
        marks: &marks,
        is_complete,
        standing: &standing,
        verdict: &verdict,
        now: context.wall,
    };
    Some(then(&subject))
}

/// The revision that the text desires: the pinned one, else what the guardrail's text says.
fn target(rollout: &DesiredRollout<Cell>, guardrail: &Name, context: &Context) -> Option<Revision> {
    let first = rollout.waves.iter().flat_map(|wave| &wave.places).next();
    let pinned = first.and_then(|cell| context.cells.get(cell)?.revision.clone());
    pinned.or_else(|| {
        let mut all = context.replicas.iter().filter(|(key, _)| key.guardrail == *guardrail);
        all.next().map(|(_, replica)| replica.revision.clone())
    })
}

/// How a cell stands to the revision that its text desires.
pub(super) fn standing(cell: &Cell, desired: &DesiredCell, context: &Context) -> Standing {
    let Some(slot) = context.facts.cells.get(cell) else {
        let is_unreachable = context.facts.unreachable.contains(cell);
        return if is_unreachable { Standing::Unreachable } else { Standing::Unknown };
    };
    let Some((arn, version)) = slot else { return Standing::Bare };
    let Some(fact) = context.facts.replicas.get(&desired.replica) else {
        return Standing::Unknown;
    };
    if fact.arn == *arn {
        if wanted(desired, fact, context) == Some(*version) {
            return Standing::Converged;
        }
        let revision = fact.revisions.iter().find(|(_, number)| *number == version);
        return Standing::Behind(revision.map(|(revision, _)| revision.clone()));
    }
    match (replica_of(arn, context), desired.on_foreign) {
        (Some(_), _) => Standing::Behind(None),
        (None, OnForeign::Hold) => Standing::Excluded,
        (None, OnForeign::Replace) => Standing::Bare,
    }
}

/// The version that the text desires, where it is published.
fn wanted(desired: &DesiredCell, fact: &ReplicaFact, context: &Context) -> Option<Version> {
    if let Some(revision) = &desired.revision {
        return fact.revisions.get(revision).copied();
    }
    let replica = context.replicas.get(&desired.replica)?;
    fact.versions.get(&replica.replica_revision).copied()
}

#[cfg(test)]
#[path = "cells_tests.rs"]
pub(super) mod tests;
