//! Decides what the organization's Bedrock policies say and where they are attached.
//!
//! ```text
//!   enforcement ─> find its policies ─> render each Region ─> place it ─> create, or update
//!                                                                 └─────> then attach, where every
//!                            account below can apply what the document references
//! ```
//!
//! While a revision is rolled out in waves of targets, policies of *lanes* stand beside its own:
//! [`grounds`] decides how far each is, [`handover`] when one may take over from another, [`lanes`]
//! what is written.

mod bent;
mod clearance;
pub(super) mod document;
mod enforcement;
mod find;
mod grounds;
mod handover;
mod lanes;
mod prove;
mod removal;
mod render;
mod shards;
mod succession;
mod waves;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::confirm::Sightings;
use super::context::Context;
use super::describe::Effect;
use super::effective::Landscape;
use super::hold::listed;
use super::service_control::is_control_sighting;
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{
    AccountId, DesiredOrganizationEnforcement, EnforcementKey, EnforcementKind, Name,
    ObservedOrganization, ObservedPolicy, OwnerId, PolicyId, PolicyTypeStatus, Presence, Read,
};
use enforcement::Visit;
use find::{Identity, Shards, Whose};

/// Decides the next steps for the organization.
///
/// # Guarantees
///
/// - No step while the policies, or the organization, are unknown.
/// - A document is right before it is attached; what takes away comes after all else.
/// - A Region's block leaves a document only by consent: while the fact it would be rendered from
///   is unknown, the live block stays as it is.
///
/// - Nothing is attached where AWS takes no further policy.
pub fn plan_organization(
    desired: &BTreeMap<Name, DesiredOrganizationEnforcement>,
    observed: &ObservedOrganization,
    memory: &mut Sightings,
    context: &Context,
) -> Plan {
    memory.begin_visit();
    let mut plan = Plan::default();
    let wanted = desired.values().any(|it| it.state == Presence::Present);
    if wanted {
        report_invalid(observed, memory, context, &mut plan);
    }
    let nothing = BTreeMap::new();
    let policies = match &observed.policies {
        Read::Known(policies) => policies,
        Read::KnownAbsent => &nothing,
        Read::Unknown(unread) => {
            memory.reset_each(|object| !is_control_sighting(object));
            if context.is_about_guardrails() {
                plan.hold(Held::unread("the Bedrock policies", unread, context));
            } else {
                plan.warnings.push(format!(
                    "the Bedrock policies could not be read ({}); no manifest is about guardrails, so \
                     nothing waits for them: {}",
                    unread.class, unread.message
                ));
            }
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
    let landscape = Landscape::of(policies, context.owner, fleet);
    if wanted {
        bent::report(&landscape, observed, memory, context, &mut plan);
    }
    let doubtful = doubtful(&landscape, observed);
    let doubtful = doubtful.as_ref();
    for (name, desired) in desired {
        let former = former_names(name, context);
        let landscape = landscape.clone();
        let visit = Visit { name, desired, former, policies, landscape, doubtful, fleet, context };
        visit.plan(memory, &mut plan);
    }
    // Protect first, across all enforcements.
    plan.steps.sort_by_key(|step| step.effect() == Effect::Delete);
    plan
}

/// Accounts that do not show what follows from the policies, or keep an older effective policy;
/// `None` while that is not known.
fn doubtful(landscape: &Landscape, observed: &ObservedOrganization) -> Option<BTreeSet<AccountId>> {
    let mut doubtful = match &observed.invalid {
        Read::Known(invalid) => invalid.clone(),
        Read::KnownAbsent | Read::Unknown(_) => return None,
    };
    doubtful.append(&mut landscape.unproven_accounts(&observed.effective));
    Some(doubtful)
}

/// The Regions that the document of a policy has blocks for.
pub fn policy_regions(document: &Value) -> BTreeSet<String> {
    document::blocks(document).into_keys().collect()
}

/// The policies that carry no owner and that the next plan takes over by name, with the enforcement
/// that each belongs to then.
pub fn taken_over(
    desired: &BTreeMap<Name, DesiredOrganizationEnforcement>,
    policies: &BTreeMap<PolicyId, ObservedPolicy>,
    owner: &OwnerId,
) -> BTreeMap<PolicyId, Name> {
    let wanted = desired.iter().filter(|(_, it)| it.adopt && it.state == Presence::Present);
    let found = wanted.filter_map(|(name, desired)| {
        let written = desired.policy_name.as_deref();
        let identity = Identity { us: owner, name, former: &NO_NAMES, written };
        match identity.stranger(policies, 1)? {
            (policy, Whose::Nobodys) => Some((policy.id.clone(), name.clone())),
            (_, Whose::Others(_)) => None,
        }
    });
    found.collect()
}

static NO_NAMES: BTreeSet<Name> = BTreeSet::new();

/// The names an enforcement had before.
fn former_names<'a>(name: &Name, context: &Context<'a>) -> &'a BTreeSet<Name> {
    let key = EnforcementKey { kind: EnforcementKind::Organization, name: name.clone() };
    context.enforcements.get(&key).map_or(&NO_NAMES, |text| &text.former_names)
}

/// Whether Bedrock policies take effect; if not, enables them, and all else waits.
fn is_enabled(observed: &ObservedOrganization, context: &Context, plan: &mut Plan) -> bool {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::PolicyTypeAssumed) {
        return true;
    }
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
/// What was just written may cure it, so that it is looked at again for a while.
fn report_invalid(
    observed: &ObservedOrganization,
    memory: &mut Sightings,
    context: &Context,
    plan: &mut Plan,
) {
    const OBJECT: &str = "invalid effective policies";
    match &observed.invalid {
        Read::Known(accounts) if !accounts.is_empty() => {
            let message = format!(
                "the effective Bedrock policy of these accounts is invalid, so what is attached is \
                 not what is enforced there: {}; see ListEffectivePolicyValidationErrors",
                listed(accounts)
            );
            let since = memory.noticed(OBJECT, context.now);
            plan.hold(if since < bent::patience(context.timing) {
                Held::after(HoldReason::Failed, context.timing.confirm_after, message)
            } else {
                Held::for_person(HoldReason::Failed, message)
            });
        }
        Read::Known(_) | Read::KnownAbsent => memory.forget(OBJECT),
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
    let found: BTreeSet<&PolicyId> = desired
        .iter()
        .flat_map(|(name, desired)| {
            let former = former_names(name, context);
            let written = desired.policy_name.as_deref();
            let identity = Identity { us: context.owner, name, former, written };
            let lanes = identity.lanes(policies).into_values().flat_map(Shards::into_values);
            identity.shards(policies).into_values().chain(lanes)
        })
        .map(|shard| &shard.live.id)
        .collect();
    for policy in policies.values() {
        if policy.owner.as_ref() == Some(context.owner) && !found.contains(&policy.id) {
            let message = format!(
                "the policy `{}` is ours and no manifest describes it; write its enforcement with \
                 `state: Absent` to remove it",
                policy.name
            );
            plan.orphan(&policy.id, message);
        }
    }
}
