//! Shows many plans as one: to people, and to programs.

mod groups;
mod json;
mod table;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

pub(in crate::plan) use groups::placeless;
pub use json::to_json;
pub use table::{Row, table};
pub use text::to_text;

use super::describe::Effect;
use super::sharing::ProfilePolicy;
use super::step::Plan;
use crate::model::{Cell, Name, ReplicaKey};

/// What a plan is about: the name without the place, so that plans alike can be shown as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// `Guardrail/baseline`, `AccountEnforcement/everywhere`, `Organization`, …
    pub label: String,
    /// Where; `None` for the organization.
    pub place: Option<Cell>,
}

impl Subject {
    /// A replica.
    pub fn replica(key: &ReplicaKey) -> Self {
        Self { label: format!("Guardrail/{}", key.guardrail), place: Some(key.cell()) }
    }

    /// A guardrail profile's policy.
    pub fn profile(profile: &ProfilePolicy) -> Self {
        let id = profile.resource.rsplit('/').next().unwrap_or_default();
        let ProfilePolicy { account, region, .. } = profile.clone();
        Self { label: format!("Profile/{id}"), place: Some(Cell { account, region }) }
    }

    /// A cell, and the enforcement that claims it, if any.
    pub fn cell(cell: &Cell, enforcement: Option<&Name>) -> Self {
        let label = match enforcement {
            Some(name) => format!("AccountEnforcement/{name}"),
            None => "Unclaimed".to_owned(),
        };
        Self { label, place: Some(cell.clone()) }
    }

    /// The invocation logging of a cell, and the manifest that claims it, if any.
    pub fn logging(cell: &Cell, manifest: Option<&Name>) -> Self {
        let label = match manifest {
            Some(name) => format!("InvocationLogging/{name}"),
            None => "Unclaimed".to_owned(),
        };
        Self { label, place: Some(cell.clone()) }
    }

    /// The rollout of an enforcement.
    pub fn rollout(enforcement: &Name) -> Self {
        Self { label: format!("AccountEnforcement/{enforcement}"), place: None }
    }

    /// The organization.
    pub fn organization() -> Self {
        Self { label: "Organization".to_owned(), place: None }
    }
}

/// One plan and what it is about.
#[derive(Clone, Debug)]
pub struct Planned<'a> {
    /// What it is about.
    pub subject: Subject,
    /// The plan.
    pub plan: &'a Plan,
}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Objects that would come to be.
    pub create: usize,
    /// Objects that would change.
    pub update: usize,
    /// Objects that would go away.
    pub delete: usize,
    /// What is desired and not done now.
    pub held: usize,
    /// What will not be done until a manifest changes.
    pub refused: usize,
    /// What is ours and no longer described.
    pub orphans: usize,
    /// Calls that change something: an object may need more than one.
    pub writes: usize,
}

impl Summary {
    /// Counts.
    pub fn of(planned: &[Planned]) -> Self {
        let mut summary = Self::default();
        let mut objects: BTreeMap<_, Effect> = BTreeMap::new();
        for Planned { plan, .. } in planned {
            summary.held += plan.held.len();
            summary.refused += plan.refusals.len();
            summary.orphans += plan.orphans.len();
            summary.writes += plan.steps.len();
            for step in &plan.steps {
                objects.entry((step.place(), step.object())).or_insert(step.effect());
            }
        }
        for effect in objects.into_values() {
            match effect {
                Effect::Create => summary.create += 1,
                Effect::Update => summary.update += 1,
                Effect::Delete => summary.delete += 1,
            }
        }
        summary
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { create, update, delete, held, refused, orphans, writes } = *self;
        write!(f, "Plan: {create} to create, {update} to update, {delete} to delete; {held} held")?;
        if refused > 0 {
            write!(f, ", {refused} refused")?;
        }
        if orphans > 0 {
            write!(f, ", {orphans} {}", if orphans == 1 { "orphan" } else { "orphans" })?;
        }
        write!(f, "; {writes} API {}", if writes == 1 { "write" } else { "writes" })
    }
}
