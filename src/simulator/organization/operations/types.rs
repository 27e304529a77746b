//! Policy types: enabled and disabled for the whole root, asynchronously.

use std::sync::Arc;

use serde_json::json;

use super::{exception, required_kind, required_root, shape};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::organization::{FULL_ACCESS, PolicyKind, TypeStatus};
use crate::simulator::world::World;

pub(super) fn enable(world: &mut World, call: &Call) -> Answer {
    required_root(world, call)?;
    let kind = kind(call)?;
    match world.organization.types.get(&kind) {
        None => {}
        Some(TypeStatus::Enabled | TypeStatus::PendingEnable(_)) => {
            return Err(exception(
                "PolicyTypeAlreadyEnabledException",
                "The specified policy type is already enabled.",
            ));
        }
        Some(TypeStatus::PendingDisable(_)) => return Err(in_progress()),
    }
    let due = call.at + world.switches.policy_type_delay_ms;
    world.organization.types.insert(kind, TypeStatus::PendingEnable(due));
    if kind == PolicyKind::ServiceControlPolicy {
        attach_full_access(world);
    }
    Ok(Reply::ok(json!({"Root": shape::root(&world.organization)})))
}

pub(super) fn disable(world: &mut World, call: &Call) -> Answer {
    required_root(world, call)?;
    let kind = kind(call)?;
    match world.organization.types.get(&kind) {
        Some(TypeStatus::Enabled) => {}
        None => {
            return Err(exception(
                "PolicyTypeNotEnabledException",
                "This operation can be performed only for enabled policy types.",
            ));
        }
        Some(TypeStatus::PendingEnable(_) | TypeStatus::PendingDisable(_)) => {
            return Err(in_progress());
        }
    }
    let due = call.at + world.switches.policy_type_delay_ms;
    world.organization.types.insert(kind, TypeStatus::PendingDisable(due));
    Ok(Reply::ok(json!({"Root": shape::root(&world.organization)})))
}

/// What AWS does when service control policies are enabled: nothing is denied at first.
fn attach_full_access(world: &mut World) {
    let nodes: Vec<String> = world.organization.tree.nodes().cloned().collect();
    let attachments = Arc::make_mut(&mut world.organization.attachments);
    for node in nodes {
        let ids = attachments.entry(node).or_default();
        if !ids.iter().any(|id| id == FULL_ACCESS) {
            ids.push(FULL_ACCESS.to_owned());
        }
    }
}

fn kind(call: &Call) -> Result<PolicyKind, Failure> {
    required_kind(call, "PolicyType", || {
        exception(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled.",
        )
    })
}

fn in_progress() -> Failure {
    exception(
        "PolicyChangesInProgressException",
        "Changes to the effective policy are in progress, and its contents can't be returned. Try the operation again later.",
    )
}
