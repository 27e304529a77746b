//! `TagResource`, `UntagResource` and `ListTagsForResource`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::failure::{not_found, validation};
use super::permission::{Context, permit_guardrail, request_tags};
use super::reference::Reference;
use super::shape::accept;
use super::shapes;

/// AWS's limit on tags of one resource.
const TAGS_MAX: usize = 50;

/// `POST /tagResource`.
pub(super) fn tag(world: &mut World, call: &Call) -> Answer {
    let body = accept(&shapes::TAG_RESOURCE, &call.body)?;
    let tags = read_tags(body.get("tags"))?;
    let reference = tagged(world, call, &body, request_tags(&tags))?;
    let mut all = guardrail_tags(world, &reference)?.clone();
    all.extend(tags);
    require_room(&all, &reference.arn)?;
    Ok(write(world, &reference, all))
}

/// `POST /untagResource`.
pub(super) fn untag(world: &mut World, call: &Call) -> Answer {
    let body = accept(&shapes::UNTAG_RESOURCE, &call.body)?;
    let keys: Vec<String> = body
        .get("tagKeys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|key| key.as_str().map(str::to_owned))
        .collect();
    let context = Context::from([("aws:TagKeys".to_owned(), keys.clone())]);
    let reference = tagged(world, call, &body, context)?;
    let mut all = guardrail_tags(world, &reference)?.clone();
    all.retain(|key, _| !keys.contains(key));
    Ok(write(world, &reference, all))
}

/// `POST /listTagsForResource`.
pub(super) fn list(world: &World, call: &Call) -> Answer {
    let body = accept(&shapes::LIST_TAGS, &call.body)?;
    let reference = tagged(world, call, &body, Context::new())?;
    let tags: Vec<Value> = guardrail_tags(world, &reference)?
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    Ok(Reply::ok(json!({"tags": tags})))
}

/// The tags of a request; a key twice or a reserved one is refused.
pub(super) fn read_tags(sent: Option<&Value>) -> Result<BTreeMap<String, String>, Failure> {
    let mut tags = BTreeMap::new();
    for tag in sent.and_then(Value::as_array).into_iter().flatten() {
        let text = |member| tag.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key: String = text("key");
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(validation(format!("The tag key {key} is reserved: aws: is AWS's prefix")));
        }
        if tags.insert(key.clone(), text("value")).is_some() {
            return Err(validation(format!("Duplicate tag key {key}")));
        }
    }
    Ok(tags)
}

/// Refuses more tags than a resource may have.
pub(super) fn require_room(tags: &BTreeMap<String, String>, resource: &str) -> Result<(), Failure> {
    if tags.len() <= TAGS_MAX {
        return Ok(());
    }
    let message = format!("A resource may have {TAGS_MAX} tags");
    Err(Failure::new("TooManyTagsException", 400, message).with("resourceName", resource))
}

/// The caller's own guardrail that the body names, once the caller may do the operation on it.
fn tagged(
    world: &World,
    call: &Call,
    body: &Map<String, Value>,
    context: Context,
) -> Result<Reference, Failure> {
    let arn = body.get("resourceARN").and_then(Value::as_str).unwrap_or_default();
    if !arn.starts_with("arn:") {
        return Err(validation(format!("The ARN {arn} is invalid")));
    }
    let reference = match Reference::parse(arn) {
        Some(_) => Reference::resolve(call, &world.partition, arn)?,
        None => return Err(not_found(format!("The resource {arn} does not exist"))),
    };
    reference.require_own(call)?;
    permit_guardrail(world, &call.caller, call.operation, &reference, context)?;
    Ok(reference)
}

fn guardrail_tags<'a>(
    world: &'a World,
    reference: &Reference,
) -> Result<&'a BTreeMap<String, String>, Failure> {
    world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.guardrail(&reference.id))
        .map(|guardrail| &guardrail.tags)
        .ok_or_else(|| not_found(format!("The resource {} does not exist", reference.arn)))
}

/// Tags do not touch `updatedAt`.
fn write(world: &mut World, reference: &Reference, tags: BTreeMap<String, String>) -> Reply {
    let regional = world.regional_mut(&reference.owner, &reference.region);
    if let Some(guardrail) = regional.guardrail_mut(&reference.id) {
        guardrail.tags = tags;
    }
    Reply::ok(json!({}))
}
