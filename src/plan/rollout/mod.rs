//! Decides which cell of an account enforcement references which revision while a new one is
//! rolled out in waves (S12).
//!
//! ```text
//!   text (waves, gate) ──┐
//!   facts: cells, marks ─┼─► decide_rollout ─► Decision ─► heading of each cell
//!   verdicts, clock ─────┘                        └──────► marks that the replicas should carry
//! ```
//!
//! # Invariants
//!
//! - **No memory but marks.** A process that starts with an empty disk goes on with the same wave.
//! - **One wave at a time** is moving; the places of those before it stay as they were verified.
//! - **Never bare for a rollout's sake.** A cell with nothing enforced gets the accepted revision at
//!   once. Before anything was ever accepted there is none to give: then waves open one after
//!   another for what is bare, too, since a first revision can be as wrong as any.
//! - **Never back** to an older revision, but by a rejection on record or by newer text.
//!
//! # Caveats
//!
//! Waves govern revisions. Settings of the enforcement (models, guarding), and what a Region has of
//! its own (key, profile), are the same revision and move at once.

mod cells;
mod decide;
mod heading;
mod progress;
mod show;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod marks_tests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use cells::give_tests;
pub use cells::{Trial, decide_rollout, trials};
pub use decide::Decision;
pub(super) use decide::{Standing, Subject, decide, to_be_tried};
pub(super) use heading::{Course, Heading, course, heading, waiting};
pub(super) use progress::progress;
pub use progress::rollout_progress;
pub(super) use show::holds;
pub use show::plan_rollout;

use super::context::Context;
use crate::model::{Accepted, EnforcementKey, EnforcementKind, MarkKind, Name, Revision};

/// What the tags of every replica of a guardrail should say of rollouts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MarkTags {
    /// To be there, with these values.
    pub(super) wanted: BTreeMap<String, String>,
    /// To be gone, if they are there.
    pub(super) unwanted: BTreeSet<String>,
}

/// Decides the marks on the replicas of a guardrail. Those of an enforcement that has no manifest
/// are not touched; those of one that has no rollout any more would only be wrong one day.
pub(super) fn tags(guardrail: &Name, context: &Context) -> MarkTags {
    let mut tags = MarkTags::default();
    for (EnforcementKey { kind, name }, text) in context.enforcements {
        if *kind != EnforcementKind::Account {
            continue;
        }
        let is_rolled_out = text.guardrail == *guardrail && context.waves.contains_key(name);
        let marks = context.rollouts.get(name).map(|decision| decision.marks.as_ref());
        let marks = match marks {
            Some(Some(marks)) if is_rolled_out => Some(marks),
            Some(None) | None if is_rolled_out => continue,
            Some(_) | None => None,
        };
        for kind in MarkKind::ALL {
            match marks.and_then(|marks| marks.value(kind)) {
                Some(value) => {
                    tags.wanted.insert(kind.tag(name), value);
                }
                None => {
                    tags.unwanted.insert(kind.tag(name));
                }
            }
        }
    }
    tags
}

/// The revisions of a guardrail that rollouts may still reference: none of their versions may go.
/// What is referenced now is known from elsewhere, and what a text pins, too.
pub(super) fn revisions_in_use(guardrail: &Name, context: &Context) -> BTreeSet<Revision> {
    let is_its = |key: &EnforcementKey| {
        context.enforcements.get(key).is_none_or(|text| text.guardrail == *guardrail)
    };
    let key = |kind, name: &Name| EnforcementKey { kind, name: name.clone() };
    let replicas = context.facts.replicas.iter().filter(|(key, _)| key.guardrail == *guardrail);
    let policies = context.facts.own_policies.iter().flat_map(BTreeMap::values);
    let of_policies = policies.flat_map(|policy| &policy.rollouts);
    let of_policies =
        of_policies.filter(|(name, _)| is_its(&key(EnforcementKind::Organization, name)));
    let marks = replicas.flat_map(|(_, fact)| fact.rollouts.values());
    let mut revisions = BTreeSet::new();
    for marks in marks.chain(of_policies.map(|(_, marks)| marks)) {
        revisions.extend(marks.accepted.as_ref().and_then(Accepted::revision).cloned());
        revisions.extend(marks.wave.as_ref().map(|it| it.revision.clone()));
    }
    for (name, decision) in context.rollouts {
        if is_its(&key(EnforcementKind::Account, name)) {
            revisions.insert(decision.target.clone());
            revisions.extend(decision.accepted.clone());
        }
    }
    revisions
}
