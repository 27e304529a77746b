//! Inline policies of roles.

use serde_json::{Value, json};

use super::{document, encoded, no_such_entity, page, permitted};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::identity::sts;
use crate::simulator::world::World;

/// Characters that the inline policies of a role may have together, without white space.
const INLINE_LENGTH_MAX: usize = 10_240;

pub(super) fn put(world: &mut World, call: &Call) -> Answer {
    let (name, role) = permitted(world, call)?;
    let policy = policy_name(call)?;
    let text = sts::required(call, "PolicyDocument", 1, 131_072)?;
    let document = document::identity(text)?;
    let others = role.policies.iter().filter(|(other, _)| *other != policy);
    let length: usize = others.map(|(_, document)| document.to_string().len()).sum();
    if length + document.to_string().len() > INLINE_LENGTH_MAX {
        let message =
            format!("Maximum policy size of {INLINE_LENGTH_MAX} bytes exceeded for role {name}");
        return Err(Failure::new("LimitExceeded", 409, message));
    }
    let policy = policy.to_owned();
    if let Some(role) = world.identity.roles_mut(&call.caller.account).get_mut(&name) {
        role.policies.insert(policy, document);
    }
    Ok(Reply::ok(json!({})))
}

pub(super) fn get(world: &World, call: &Call) -> Answer {
    let (name, role) = permitted(world, call)?;
    let policy = policy_name(call)?;
    let document = role.policies.get(policy).ok_or_else(|| no_such_policy(policy))?;
    Ok(Reply::ok(json!({
        "RoleName": name,
        "PolicyName": policy,
        "PolicyDocument": encoded(document),
    })))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let (name, role) = permitted(world, call)?;
    let policy = policy_name(call)?;
    if !role.policies.contains_key(policy) {
        return Err(no_such_policy(policy));
    }
    if let Some(role) = world.identity.roles_mut(&call.caller.account).get_mut(&name) {
        role.policies.remove(policy);
    }
    Ok(Reply::ok(json!({})))
}

pub(super) fn list(world: &World, call: &Call) -> Answer {
    let (_, role) = permitted(world, call)?;
    let names = role.policies.keys().map(|name| json!(name)).collect();
    Ok(Reply::ok(Value::Object(page(call, "PolicyNames", names)?)))
}

fn policy_name(call: &Call) -> Result<&str, Failure> {
    let name = sts::required(call, "PolicyName", 1, 128)?;
    sts::check_characters("policyName", name, "=,.@-_")?;
    Ok(name)
}

fn no_such_policy(name: &str) -> Failure {
    no_such_entity(&format!("The role policy with name {name} cannot be found."))
}
