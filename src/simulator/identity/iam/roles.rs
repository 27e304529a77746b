//! Roles, and whom they trust.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Context, arn, document, encoded, page, permit, permitted, role_name};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::clock;
use crate::simulator::identity::{Role, sts};
use crate::simulator::world::World;

/// Seconds of a session where nothing is said.
const SESSION_SECONDS_DEFAULT: u64 = 3_600;

pub(super) fn create(world: &mut World, call: &Call) -> Answer {
    let name = role_name(call)?;
    let path = call.text("Path").unwrap_or("/");
    check_path(path)?;
    let account = &call.caller.account;
    let tags = tags(call);
    permit(world, call, &arn(world, account, path, name), request_tags(&tags))?;
    if call.text("PermissionsBoundary").is_some() {
        let message = "permissions boundaries are not simulated";
        return Err(Failure::new("InvalidInput", 400, message));
    }
    let is_taken = |taken: &&str| taken.eq_ignore_ascii_case(name);
    if world.identity.role_names(account).iter().any(is_taken) {
        let message = format!("Role with name {name} already exists.");
        return Err(Failure::new("EntityAlreadyExists", 409, message));
    }
    let text = sts::required(call, "AssumeRolePolicyDocument", 1, 131_072)?;
    let role = Role {
        path: path.to_owned(),
        trust: document::trust(world, text)?,
        policies: BTreeMap::new(),
        max_session_duration_s: session_seconds(call)?,
        created: call.at,
        description: call.text("Description").unwrap_or_default().to_owned(),
        tags,
    };
    let shown = shape(world, account, name, &role);
    world.identity.roles_mut(account).insert(name.to_owned(), role);
    Ok(Reply::ok(json!({"Role": shown})))
}

pub(super) fn get(world: &World, call: &Call) -> Answer {
    let (name, role) = permitted(world, call)?;
    Ok(Reply::ok(json!({"Role": shape(world, &call.caller.account, &name, role)})))
}

pub(super) fn list(world: &World, call: &Call) -> Answer {
    let account = &call.caller.account;
    let prefix = call.text("PathPrefix").unwrap_or("/");
    permit(world, call, &arn(world, account, prefix, ""), Context::new())?;
    let roles = world.identity.roles_of(account).unwrap_or_default();
    let listed = roles.iter().filter(|(_, role)| role.path.starts_with(prefix));
    let shown = listed.map(|(name, role)| shape(world, account, name, role)).collect();
    Ok(Reply::ok(Value::Object(page(call, "Roles", shown)?)))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let (name, role) = permitted(world, call)?;
    if !role.policies.is_empty() {
        let message = "Cannot delete entity, must delete policies first.";
        return Err(Failure::new("DeleteConflict", 409, message));
    }
    world.identity.roles_mut(&call.caller.account).remove(&name);
    Ok(Reply::ok(json!({})))
}

pub(super) fn update_trust(world: &mut World, call: &Call) -> Answer {
    let (name, _) = permitted(world, call)?;
    let text = sts::required(call, "PolicyDocument", 1, 131_072)?;
    let trust = document::trust(world, text)?;
    if let Some(role) = world.identity.roles_mut(&call.caller.account).get_mut(&name) {
        role.trust = trust;
    }
    Ok(Reply::ok(json!({})))
}

fn shape(world: &World, account: &str, name: &str, role: &Role) -> Value {
    let mut shape = json!({
        "Path": role.path,
        "RoleName": name,
        "RoleId": sts::role_id(account, name),
        "Arn": arn(world, account, &role.path, name),
        "CreateDate": clock::iso8601_seconds(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "MaxSessionDuration": role.max_session_duration_s,
    });
    if !role.description.is_empty() {
        shape["Description"] = json!(role.description);
    }
    if !role.tags.is_empty() {
        let tags: Vec<Value> =
            role.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        shape["Tags"] = json!(tags);
    }
    shape
}

fn check_path(path: &str) -> Result<(), Failure> {
    let is_path = path == "/"
        || path.len() <= 512
            && path.starts_with('/')
            && path.ends_with('/')
            && path.chars().all(|c| ('!'..='~').contains(&c));
    if is_path {
        return Ok(());
    }
    let message = "The specified value for path is invalid. It must begin and end with / and \
                   contain only alphanumeric characters and/or / characters.";
    Err(Failure::new("ValidationError", 400, message))
}

fn session_seconds(call: &Call) -> Result<u64, Failure> {
    let Some(text) = call.text("MaxSessionDuration") else { return Ok(SESSION_SECONDS_DEFAULT) };
    let seconds = text.parse().ok().filter(|seconds| (3_600..=43_200).contains(seconds));
    seconds.ok_or_else(|| {
        let message = format!(
            "1 validation error detected: Value '{text}' at 'maxSessionDuration' failed to satisfy \
             constraint: Member must have value between 3600 and 43200"
        );
        Failure::new("ValidationError", 400, message)
    })
}

fn tags(call: &Call) -> BTreeMap<String, String> {
    let nth = |number: usize| {
        let of = |part: &str| call.text(&format!("Tags.member.{number}.{part}"));
        Some((of("Key")?.to_owned(), of("Value").unwrap_or_default().to_owned()))
    };
    (1..).map_while(nth).collect()
}

fn request_tags(tags: &BTreeMap<String, String>) -> Context {
    let mut context: Context = tags
        .iter()
        .map(|(key, value)| (format!("aws:RequestTag/{key}"), vec![value.clone()]))
        .collect();
    if !tags.is_empty() {
        context.insert("aws:TagKeys".to_owned(), tags.keys().cloned().collect());
    }
    context
}
