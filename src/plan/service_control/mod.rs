//! Decides what service control policies of ours say and where they are attached.
//!
//! ```text
//!   manifest ─► render ─► find its policies ─► shuts us out? ─► create, or put right
//!                                                  │               │
//!                                               refused            ├─► first stage ─► tried ─► …
//!                                                                  ├─► every target
//!                                                                  └─► what it replaces leaves
//! ```
//!
//! `UpdatePolicy` reaches every target at once and has no way back, so a document that changes is a
//! new policy: it is attached to one account (or the first wave), our own role is tried there, and
//! only then does it go everywhere; the policy before it leaves last. How far it has come stands in
//! its tags, and so does what its text selected: a process that knows nothing goes on.
//!
//! # Invariants
//!
//! - **Never bare, never locked out.** No target loses its last policy; no document is attached that
//!   surely denies our own role what it needs, or everybody a guardrail that is enforced.
//! - **Ours only.** Policies of others leave a target only where a manifest is `Exclusive`, as a loss;
//!   AWS's own and those of other installations never.
//! - **By meaning.** Documents that differ in form alone are equal.

mod document;
mod exclusive;
mod find;
mod keep;
mod lockout;
mod render;
mod retire;
mod room;
mod stage;
mod step;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(in crate::plan) use document::{is_same, length, parts};
pub(in crate::plan) use find::default_name;
pub(in crate::plan) use step::is_control_sighting;
pub use step::{ControlStep, Leaving};

use super::confirm::Sightings;
use super::context::Context;
use super::describe::Effect;
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{
    ControlLimits, DesiredControl, Name, ObservedControls, OwnerId, PolicyTypeStatus, Presence,
    Read, RootId, Seen,
};
use keep::Visit;

/// Decides the next steps for service control policies.
///
/// # Guarantees
///
/// - No step while the policies, or the organization, are unknown.
/// - What takes away comes after all else.
pub fn plan_service_controls(
    desired: &BTreeMap<Name, DesiredControl>,
    (observed, root): (&Read<ObservedControls>, &RootId),
    limits: ControlLimits,
    memory: &mut Sightings,
    context: &Context,
) -> Plan {
    let mut plan = Plan::default();
    let (observed, seen) = match (observed.known(), observed) {
        (Some(known), _) => known,
        (None, Read::Unknown(unread)) if !desired.is_empty() => {
            memory.reset_each(is_control_sighting);
            plan.hold(Held::unread("the service control policies", unread, context));
            return plan;
        }
        (None, Read::Known(_) | Read::KnownAbsent | Read::Unknown(_)) => return plan,
    };
    let Some(fleet) = &context.facts.fleet else { return plan };
    report_orphans(desired, observed, context, &mut plan);
    let wanted = desired.values().any(|it| it.state == Presence::Present);
    if wanted && !is_enabled(observed, root, context, &mut plan) {
        return plan;
    }
    for (name, desired) in desired {
        let visit = Visit { name, desired, observed, seen, fleet, limits, context };
        visit.plan(memory, &mut plan);
    }
    // Protect first, across all manifests.
    plan.steps.sort_by_key(|step| step.effect() == Effect::Delete);
    plan
}

/// Attachments of policies of ours: what the change guard counts.
pub fn control_attachments(observed: &ObservedControls, owner: &OwnerId) -> usize {
    let ours = observed.policies.values().filter(|it| it.marks.is_owned_by(owner));
    ours.filter_map(|it| it.body.as_ref()).map(|body| body.targets.len()).sum()
}

/// Whether service control policies take effect; if not, enables them, and all else waits. AWS
/// attaches `FullAWSAccess` everywhere when it does, so that nothing is denied by it.
fn is_enabled(
    observed: &ObservedControls,
    root: &RootId,
    context: &Context,
    plan: &mut Plan,
) -> bool {
    let message = match observed.status {
        PolicyTypeStatus::Enabled => return true,
        PolicyTypeStatus::Disabled => {
            plan.steps.push(Step::Control(ControlStep::EnableType { root: root.clone() }));
            "policies will be made once the policy type SERVICE_CONTROL_POLICY is enabled"
        }
        PolicyTypeStatus::Pending => {
            "AWS is changing the status of the policy type SERVICE_CONTROL_POLICY"
        }
    };
    plan.hold(Held::after(HoldReason::InProgress, context.timing.confirm_after, message));
    false
}

/// Names the policies that carry our mark and belong to no manifest.
fn report_orphans(
    desired: &BTreeMap<Name, DesiredControl>,
    observed: &ObservedControls,
    context: &Context,
    plan: &mut Plan,
) {
    let is_described = |manifest: &Name| {
        desired.contains_key(manifest)
            || desired.values().any(|it| it.former_names.contains(manifest))
    };
    for policy in observed.policies.values() {
        let is_orphan = policy.marks.is_owned_by(context.owner)
            && !policy.marks.manifest.as_ref().is_some_and(is_described);
        if is_orphan {
            let message = format!(
                "the service control policy `{}` is ours and no manifest describes it; write its \
                 manifest with `state: Absent` to remove it",
                policy.name
            );
            plan.orphan(&policy.id, message);
        }
    }
}

/// The proof that the list of policies was read completely.
type Proof = Seen;
