//! Decides what the organization's Bedrock policies say and where they are attached.
//!
//! ```text
//!   enforcement ─> find our policy ─> render its document ─> create, or update
//!                                                    └─────> then attach, where every account
//!                                                            below can apply what it references
//! ```

mod document;
mod enforcement;
mod find;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::confirm::Sightings;
use super::context::Context;
use super::describe::Effect;
use super::hold::listed;
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{
    DesiredOrganizationEnforcement, Name, ObservedOrganization, ObservedPolicy, PolicyId,
    PolicyTypeStatus, Presence, Read,
};
use enforcement::Visit;
use find::find;

/// Decides the next steps for the organization.
///
/// # Guarantees
///
/// - No step while the policies, or the organization, are unknown.
/// - A document is right before it is attached; what takes away comes after all else.
/// - A Region's block leaves a document only by consent: while the fact it would be rendered from
///   is unknown, the live block stays as it is.
///
/// # Caveats
///
/// How many policies are attached to a target cannot be seen, so the limit of ten is AWS's to
/// report.
pub fn plan_organization(
    desired: &BTreeMap<Name, DesiredOrganizationEnforcement>,
    observed: &ObservedOrganization,
    memory: &mut Sightings,
    context: &Context,
) -> Plan {
    let mut plan = Plan::default();
    let wanted = desired.values().any(|it| it.state == Presence::Present);
    if wanted {
        report_invalid(observed, context, &mut plan);
    }
    let nothing = BTreeMap::new();
    let policies = match &observed.policies {
        Read::Known(policies) => policies,
        Read::KnownAbsent => &nothing,
        Read::Unknown(unread) => {
            memory.reset_all();
            plan.hold(Held::unread("the Bedrock policies", unread, context));
            return plan;
        }
    };
    let Some(fleet) = &context.facts.fleet else {
        let message = "organization enforcements wait until the organization was read";
        plan.hold(Held::for_fact(HoldReason::Unreadable, message));
        return plan;
    };
    report_orphans(desired, policies, context, &mut plan);
    if wanted && !is_enabled(observed, context, &mut plan) {
        return plan;
    }
    for (name, desired) in desired {
        let visit = Visit { name, desired, fleet, context };
        visit.plan(&find(policies, name, context.owner), memory, &mut plan);
    }
    // Protect first, across all enforcements.
    plan.steps.sort_by_key(|step| step.effect() == Effect::Delete);
    plan
}

/// The Regions that the document of a policy has blocks for.
pub fn policy_regions(document: &Value) -> BTreeSet<String> {
    document::blocks(document).into_keys().collect()
}

/// Whether Bedrock policies take effect; if not, enables them, and all else waits.
fn is_enabled(observed: &ObservedOrganization, context: &Context, plan: &mut Plan) -> bool {
    let message = match observed.bedrock_policies {
        PolicyTypeStatus::Enabled => return true,
        PolicyTypeStatus::Disabled => {
            plan.steps.push(Step::EnablePolicyType { root: observed.root.clone() });
            "policies will be made once the policy type BEDROCK_POLICY is enabled"
        }
        PolicyTypeStatus::Pending => "AWS is changing the status of the policy type BEDROCK_POLICY",
    };
    plan.hold(Held::after(HoldReason::InProgress, context.timing.confirm_after, message));
    false
}

/// Attached is not enforced: an account whose effective policy is invalid keeps its last valid one.
fn report_invalid(observed: &ObservedOrganization, context: &Context, plan: &mut Plan) {
    match &observed.invalid {
        Read::Known(accounts) if !accounts.is_empty() => {
            let message = format!(
                "the effective Bedrock policy of these accounts is invalid, so what is attached is \
                 not what is enforced there: {}; see ListEffectivePolicyValidationErrors",
                listed(accounts)
            );
            plan.hold(Held::for_person(HoldReason::Failed, message));
        }
        Read::Known(_) | Read::KnownAbsent => {}
        Read::Unknown(unread) => {
            plan.hold(Held::unread("the list of invalid effective policies", unread, context));
        }
    }
}

/// Names the policies that carry our mark and belong to no enforcement of the manifests.
fn report_orphans(
    desired: &BTreeMap<Name, DesiredOrganizationEnforcement>,
    policies: &BTreeMap<PolicyId, ObservedPolicy>,
    context: &Context,
    plan: &mut Plan,
) {
    let found: Vec<&PolicyId> = desired
        .keys()
        .filter_map(|name| match find(policies, name, context.owner) {
            Read::Known(policy) => Some(&policy.id),
            Read::KnownAbsent | Read::Unknown(_) => None,
        })
        .collect();
    for policy in policies.values() {
        if policy.owner.as_ref() == Some(context.owner) && !found.contains(&&policy.id) {
            let message = format!(
                "the policy `{}` is ours and no manifest describes it; write its enforcement with \
                 `state: Absent` to remove it",
                policy.name
            );
            plan.orphan(&policy.id, message);
        }
    }
}
