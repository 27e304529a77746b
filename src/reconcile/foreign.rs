//! How often Bedrock policies of others are read as a whole: document, tags and targets, three calls
//! each.
//!
//! Nothing tells that a policy was edited or attached elsewhere, so ours are read at every visit of
//! the organization. Those of others matter to what is written (one on the same path may make
//! something else of ours, one that references a guardrail keeps it) and to what is reported. So
//! while the organization is at rest they are taken as they were read last, once a sweep excepted;
//! one that is new in the list, or has another name, is read at once. Whatever is written, taken away
//! or held is planned from a complete read:
//!
//! ```text
//!   at rest ──► others from memory ──► nothing to do ──► at rest
//!                      │
//!                      └── something to do ──► nothing is done; at once, everything is read
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::engine::Engine;
use super::key::Key;
use super::state::State;
use crate::model::{ObservedOrganization, ObservedPolicy, OwnerId, PolicyId, Read};
use crate::plan::Plan;

/// What is remembered of policies of others.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// As read last, at this time; `None` where that is not to be relied upon.
    read: Option<(Duration, BTreeMap<PolicyId, ObservedPolicy>)>,
    /// Whether the visit that runs, or the last, took them from memory.
    is_from_memory: bool,
}

impl Foreign {
    /// Has everything read at the next visit.
    pub(super) fn forget(&mut self) {
        self.read = None;
    }

    /// Whether what was read last was complete.
    pub(super) fn was_read(&self) -> bool {
        !self.is_from_memory
    }
}

impl State {
    /// Policies of others that a visit which begins now need not read.
    pub(super) fn foreign_policies(
        &mut self,
        now: Duration,
        sweep: Duration,
    ) -> BTreeMap<PolicyId, ObservedPolicy> {
        let is_due = |at: Duration| now >= at.saturating_add(sweep);
        let read =
            self.foreign.read.as_ref().filter(|(at, _)| !is_due(*at) && !self.asked.policies);
        let known = read.map(|(_, policies)| policies.clone()).unwrap_or_default();
        self.foreign.is_from_memory = !known.is_empty();
        known
    }

    /// Keeps policies of others, as read by a visit that began then.
    pub(super) fn keep_foreign_policies(
        &mut self,
        observed: &ObservedOrganization,
        began: Duration,
        owner: &OwnerId,
    ) {
        let Read::Known(policies) = &observed.policies else { return self.foreign.forget() };
        let ours = self.facts.own_policies.iter().flatten().map(|(id, _)| id);
        let ours: BTreeSet<&PolicyId> = ours.collect();
        let is_foreign = |(id, policy): &(&PolicyId, &ObservedPolicy)| {
            policy.owner.as_ref() != Some(owner) && !ours.contains(id)
        };
        let foreign = policies.iter().filter(is_foreign);
        let foreign = foreign.map(|(id, policy)| (id.clone(), policy.clone())).collect();
        let at = match (&self.foreign.read, self.foreign.is_from_memory) {
            (Some((at, _)), true) => *at,
            (None, true) => return,
            (_, false) => began,
        };
        self.foreign.read = Some((at, foreign));
    }
}

impl Engine {
    /// Whether a plan of the organization was made from memory, and is not one of doing nothing. It
    /// is not carried out; the next visit reads everything.
    pub(super) fn is_from_memory(&self, key: &Key, plan: &Plan) -> bool {
        let mut state = self.state();
        if *key != Key::Organization || state.foreign.was_read() {
            return false;
        }
        let is_at_rest = plan.steps.is_empty()
            && plan.losses.is_empty()
            && plan.held.is_empty()
            && plan.refusals.is_empty()
            && plan.trials.is_empty();
        if !is_at_rest {
            state.foreign.forget();
        }
        !is_at_rest
    }
}
