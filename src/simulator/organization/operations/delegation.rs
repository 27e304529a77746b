//! The organization's resource policy, which delegates to member accounts (`aws-facts` 3.6).

use serde_json::{Value, json};

use super::{constraint, exception, invalid, required};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::identity;
use crate::simulator::world::World;

/// Characters a delegation policy may have.
const CONTENT_LENGTH_MAX: usize = 40_000;

pub(super) fn describe(world: &World) -> Answer {
    let Some((content, _)) = &world.organization.delegation else { return Err(not_found()) };
    Ok(Reply::ok(json!({"ResourcePolicy": shape(world, content)})))
}

pub(super) fn put(world: &mut World, call: &Call) -> Answer {
    let content = required(call, "Content")?;
    if content.chars().count() > CONTENT_LENGTH_MAX {
        return Err(constraint(
            "POLICY_CONTENT_LIMIT_EXCEEDED",
            "The resource policy exceeds 40,000 characters.",
        ));
    }
    let document: Value = serde_json::from_str(content).map_err(|_| {
        invalid("INVALID_RESOURCE_POLICY_JSON", "The resource policy is not valid JSON.")
    })?;
    if identity::statements(&document).next().is_none() {
        return Err(invalid(
            "INVALID_RESOURCE_POLICY_JSON",
            "The resource policy has no statement.",
        ));
    }
    if identity::statements(&document).any(|statement| !statement.contains_key("Principal")) {
        return Err(invalid("INVALID_PRINCIPAL", "Every statement needs a Principal."));
    }
    world.organization.delegation = Some((content.to_owned(), document));
    Ok(Reply::ok(json!({"ResourcePolicy": shape(world, content)})))
}

pub(super) fn delete(world: &mut World) -> Answer {
    world.organization.delegation.take().ok_or_else(not_found)?;
    Ok(Reply::ok(json!({})))
}

fn shape(world: &World, content: &str) -> Value {
    let organization = &world.organization;
    let id = format!("rp-{}", organization.id.trim_start_matches("o-"));
    let arn = format!(
        "arn:{}:organizations::{}:resourcepolicy/{}/{id}",
        organization.partition, organization.management, organization.id
    );
    json!({"ResourcePolicySummary": {"Id": id, "Arn": arn}, "Content": content})
}

fn not_found() -> Failure {
    exception(
        "ResourcePolicyNotFoundException",
        "We can't find a resource policy request with the parameter that you specified.",
    )
}
