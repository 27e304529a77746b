//! Attachments of policies to the root, units and accounts.

use std::sync::Arc;

use serde_json::json;

use super::page::page;
use super::policies::{existing, kind_filter};
use super::{constraint, exception, identifiers, required_id, shape};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::organization::{Organization, Policy, PolicyKind, TypeStatus};
use crate::simulator::world::World;

pub(super) fn attach(world: &mut World, call: &Call) -> Answer {
    let (id, policy) = existing(world, call)?;
    let (id, kind) = (id.to_owned(), policy.kind);
    let target = target(world, call)?;
    let attachments_max = kind.attachments_max(&world.switches);
    let organization = &mut world.organization;
    if !matches!(organization.types.get(&kind), Some(TypeStatus::Enabled)) {
        return Err(exception(
            "PolicyTypeNotEnabledException",
            "This operation can be performed only for enabled policy types.",
        ));
    }
    if organization.attachments.get(target).is_some_and(|ids| ids.contains(&id)) {
        return Err(exception(
            "DuplicatePolicyAttachmentException",
            "The selected policy is already attached to the specified target.",
        ));
    }
    if attached(organization, target, kind).len() >= attachments_max {
        return Err(constraint(
            "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You have attached the maximum number of policies of this type to the target.",
        ));
    }
    Arc::make_mut(&mut organization.attachments).entry(target.to_owned()).or_default().push(id);
    organization.changed(call.at + world.switches.effective_policy_delay_ms);
    Ok(Reply::ok(json!({})))
}

pub(super) fn detach(world: &mut World, call: &Call) -> Answer {
    let (id, policy) = existing(world, call)?;
    let (id, kind) = (id.to_owned(), policy.kind);
    let target = target(world, call)?;
    let organization = &mut world.organization;
    if !organization.attachments.get(target).is_some_and(|ids| ids.contains(&id)) {
        return Err(exception(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target.",
        ));
    }
    let remaining = attached(organization, target, kind).len().saturating_sub(1);
    if organization.is_enabled(kind) && remaining < kind.attachments_min() {
        return Err(constraint(
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You can't detach the last policy of this type from the target.",
        ));
    }
    if let Some(ids) = Arc::make_mut(&mut organization.attachments).get_mut(target) {
        ids.retain(|other| *other != id);
    }
    organization.changed(call.at + world.switches.effective_policy_delay_ms);
    Ok(Reply::ok(json!({})))
}

pub(super) fn list_targets(world: &World, call: &Call) -> Answer {
    let (id, _) = existing(world, call)?;
    let organization = &world.organization;
    let targets: Vec<&String> = organization
        .attachments
        .iter()
        .filter(|(_, ids)| ids.iter().any(|other| other == id))
        .map(|(target, _)| target)
        .collect();
    page(call, "Targets", &targets, |target| shape::target(organization, target))
}

pub(super) fn list_policies(world: &World, call: &Call) -> Answer {
    let kind = kind_filter(call)?;
    let target = target(world, call)?;
    let organization = &world.organization;
    let mut policies = kind.map(|kind| attached(organization, target, kind)).unwrap_or_default();
    // No API shows the order of attachment: by id, it cannot be mistaken for one.
    policies.sort_by_key(|(id, _)| *id);
    page(call, "Policies", &policies, |(id, policy)| {
        shape::policy_summary(organization, id, policy)
    })
}

/// The root, unit or account a call names.
pub(super) fn target<'a>(world: &World, call: &'a Call) -> Result<&'a str, Failure> {
    let id = required_id(call, "TargetId", identifiers::is_target)?;
    if world.organization.tree.kind(id).is_some() {
        Ok(id)
    } else {
        Err(exception("TargetNotFoundException", "You specified a target that doesn't exist."))
    }
}

/// The policies of `kind` directly attached to `target`.
fn attached<'a>(
    organization: &'a Organization,
    target: &str,
    kind: PolicyKind,
) -> Vec<(&'a str, &'a Policy)> {
    let ids = organization.attachments.get(target).map(Vec::as_slice).unwrap_or_default();
    ids.iter()
        .filter_map(|id| Some((id.as_str(), organization.policies.get(id)?)))
        .filter(|(_, policy)| policy.kind == kind)
        .collect()
}
