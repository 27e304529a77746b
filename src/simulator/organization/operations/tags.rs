//! Tags of roots, units, accounts and policies.

use std::sync::Arc;

use serde_json::{Value, json};

use super::page::page;
use super::policies::TAGS_MAX;
use super::{constraint, exception, identifiers, required_id, tags_of};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::world::World;

pub(super) fn tag(world: &mut World, call: &Call) -> Answer {
    let id = resource(world, call)?;
    let new = tags_of(call)?;
    let mut tags = world.organization.tags.get(id).cloned().unwrap_or_default();
    tags.extend(new);
    if tags.len() > TAGS_MAX {
        return Err(constraint("MAX_TAG_LIMIT_EXCEEDED", "A resource can have 50 tags."));
    }
    Arc::make_mut(&mut world.organization.tags).insert(id.to_owned(), tags);
    Ok(Reply::ok(json!({})))
}

pub(super) fn untag(world: &mut World, call: &Call) -> Answer {
    let id = resource(world, call)?;
    if let Some(tags) = Arc::make_mut(&mut world.organization.tags).get_mut(id) {
        let keys = call.body.get("TagKeys").and_then(Value::as_array);
        for key in keys.into_iter().flatten().filter_map(Value::as_str) {
            tags.remove(key);
        }
    }
    Ok(Reply::ok(json!({})))
}

pub(super) fn list(world: &World, call: &Call) -> Answer {
    let id = resource(world, call)?;
    let tags: Vec<(&String, &String)> =
        world.organization.tags.get(id).into_iter().flatten().collect();
    page(call, "Tags", &tags, |(key, value)| json!({"Key": key, "Value": value}))
}

fn resource<'a>(world: &World, call: &'a Call) -> Result<&'a str, Failure> {
    let is_resource = |id: &str| identifiers::is_target(id) || identifiers::is_policy(id);
    let id = required_id(call, "ResourceId", is_resource)?;
    let organization = &world.organization;
    if organization.tree.kind(id).is_some() || organization.policies.contains_key(id) {
        Ok(id)
    } else {
        Err(exception("TargetNotFoundException", "You specified a target that doesn't exist."))
    }
}
