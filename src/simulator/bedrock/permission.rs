//! Questions to the policies: which action on which resource, with which context.

use std::collections::BTreeMap;

use super::super::call::{Call, Caller, Failure};
use super::super::identity::Access;
use super::super::world::World;
use super::reference::Reference;

/// Condition keys of a request.
pub(crate) type Context = BTreeMap<String, Vec<String>>;

/// Asks whether the caller may do what it calls, on a resource of its own account.
pub(super) fn permit_operation(world: &World, call: &Call, resource: &str) -> Result<(), Failure> {
    permit(world, call, call.operation, resource, Context::new())
}

/// Asks whether the caller may do `operation` on a resource of its own account.
pub(super) fn permit(
    world: &World,
    call: &Call,
    operation: &str,
    resource: &str,
    context: Context,
) -> Result<(), Failure> {
    world.authorize(&Access {
        caller: &call.caller,
        action: &format!("bedrock:{operation}"),
        resource,
        resource_owner: &call.caller.account,
        resource_policy: None,
        context,
    })
}

/// Asks whether `caller` may do `operation` on a guardrail, whoever owns it: its resource policy
/// and its tags take part.
pub(crate) fn permit_guardrail(
    world: &World,
    caller: &Caller,
    operation: &str,
    guardrail: &Reference,
    mut context: Context,
) -> Result<(), Failure> {
    let regional = world.regional(&guardrail.owner, &guardrail.region);
    let tags = regional
        .and_then(|regional| regional.guardrail(&guardrail.id))
        .map(|guardrail| &guardrail.tags);
    for (key, value) in tags.into_iter().flatten() {
        context.insert(format!("aws:ResourceTag/{key}"), vec![value.clone()]);
    }
    world.authorize(&Access {
        caller,
        action: &format!("bedrock:{operation}"),
        resource: &guardrail.arn,
        resource_owner: &guardrail.owner,
        resource_policy: regional.and_then(|regional| regional.resource_policy(&guardrail.arn)),
        context,
    })
}

/// The condition keys of a request that sets these tags.
pub(super) fn request_tags(tags: &BTreeMap<String, String>) -> Context {
    let mut context: Context = tags
        .iter()
        .map(|(key, value)| (format!("aws:RequestTag/{key}"), vec![value.clone()]))
        .collect();
    if !tags.is_empty() {
        context.insert("aws:TagKeys".to_owned(), tags.keys().cloned().collect());
    }
    context
}
