//! The enforced guardrail configuration of an account in a Region: none or one (`aws-facts` 2.2,
//! 2.3).

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Reply};
use super::super::switches::{EchoDefaults, EnforcedListEmpty, EnforcedPutWithoutId, Switches};
use super::super::world::World;
use super::failure::{conflict, not_found, validation};
use super::guardrail::Status;
use super::guardrails::{unknown, unknown_version, version_number};
use super::page::Page;
use super::permission::{Context, permit_guardrail, permit_operation};
use super::reference::Reference;
use super::regional::{Enforced, Stamp};
use super::shape::{accept, accept_text};
use super::shapes;
use super::timestamp::iso8601;

/// `PUT /enforcedGuardrailsConfiguration`.
pub(super) fn put(world: &mut World, call: &Call) -> Answer {
    let body = accept(&shapes::PUT_ENFORCED, &call.body)?;
    permit_operation(world, call, "*")?;
    let current = world
        .regional(&call.caller.account, &call.region)
        .and_then(|regional| regional.enforced())
        .map(|enforced| (enforced.config.clone(), enforced.created.clone()));
    let config = body.get("configId").and_then(Value::as_str);
    let known = match (config, current) {
        (None, None) => None,
        (Some(sent), Some((config, created))) if sent == config => Some((config, created)),
        (Some(sent), _) => return Err(unknown_config(sent)),
        (None, Some(current)) => match world.switches.enforced_put_without_id {
            EnforcedPutWithoutId::Conflict => {
                return Err(conflict(
                    "An enforced guardrail configuration exists in this account and Region",
                ));
            }
            EnforcedPutWithoutId::Overwrite => Some(current),
        },
    };
    let inference = body.get("guardrailInferenceConfig").cloned().unwrap_or_default();
    let (guardrail, version) = enforceable(world, call, &inference)?;

    let updated = Stamp { at: call.at, by: call.caller.arn.clone() };
    let (config, created) = known.unwrap_or_else(|| (world.identifier(12), updated.clone()));
    let answer = json!({
        "configId": config,
        "updatedAt": iso8601(call.at),
        "updatedBy": call.caller.arn,
    });
    world.regional_mut(&call.caller.account, &call.region).enforced = Some(Enforced {
        config,
        guardrail: guardrail.arn,
        version,
        selective: inference.get("selectiveContentGuarding").cloned(),
        models: inference.get("modelEnforcement").cloned(),
        created,
        updated,
    });
    Ok(Reply::ok(answer))
}

/// `GET /enforcedGuardrailsConfiguration`.
pub(super) fn list(world: &World, call: &Call) -> Answer {
    Page::of(call, 1)?;
    permit_operation(world, call, "*")?;
    let enforced =
        world.regional(&call.caller.account, &call.region).and_then(|regional| regional.enforced());
    match (enforced, world.switches.enforced_list_empty) {
        (Some(enforced), _) => {
            Ok(Reply::ok(json!({"guardrailsConfig": [render(enforced, &world.switches)]})))
        }
        (None, EnforcedListEmpty::Empty) => Ok(Reply::ok(json!({"guardrailsConfig": []}))),
        (None, EnforcedListEmpty::NotFound) => {
            Err(not_found("No enforced guardrail configuration exists in this account and Region"))
        }
    }
}

/// `DELETE /enforcedGuardrailsConfiguration/{configId}`.
pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let config = call.labels.first().map_or("", String::as_str);
    accept_text(&shapes::CONFIG, "configId", config)?;
    permit_operation(world, call, "*")?;
    let is_known = world
        .regional(&call.caller.account, &call.region)
        .and_then(|regional| regional.enforced())
        .is_some_and(|enforced| enforced.config == config);
    if !is_known {
        return Err(unknown_config(config));
    }
    world.regional_mut(&call.caller.account, &call.region).enforced = None;
    Ok(Reply::ok(json!({})))
}

/// The guardrail and version that a Put names, if this account can have them enforced.
fn enforceable(world: &World, call: &Call, inference: &Value) -> Result<(Reference, u32), Failure> {
    let text = |member| inference.get(member).and_then(Value::as_str).unwrap_or_default();
    let number = version_number(text("guardrailVersion"))?;
    let reference = Reference::resolve(call, &world.partition, text("guardrailIdentifier"))?;
    if reference.owner != call.caller.account {
        permit_guardrail(world, &call.caller, "ApplyGuardrail", &reference, Context::new())?;
    }
    let guardrail = world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.guardrail(&reference.id))
        .ok_or_else(|| unknown(&reference))?;
    let version = guardrail.version(number).ok_or_else(|| unknown_version(&reference, number))?;
    match version.settling.status(call.at, &world.switches) {
        Status::Ready => Ok((reference, number)),
        status @ (Status::Creating | Status::Updating | Status::Versioning | Status::Failed) => {
            Err(validation(format!(
                "Version {number} of the guardrail {} is {}",
                reference.arn,
                status.name()
            )))
        }
    }
}

fn unknown_config(config: &str) -> Failure {
    not_found(format!("The enforced guardrail configuration {config} does not exist"))
}

impl Enforced {
    /// Whether an item of the List is this one as it was last put.
    pub(in crate::simulator) fn was_listed_as(&self, item: &Value) -> bool {
        let put = (iso8601(self.updated.at), self.updated.by.as_str());
        let text = |member| item.get(member).and_then(Value::as_str);
        (text("updatedAt"), text("updatedBy")) == (Some(put.0.as_str()), Some(put.1))
    }
}

/// An item of the List. `inputTags` is the preview's name for selective guarding of messages.
fn render(enforced: &Enforced, switches: &Switches) -> Value {
    let mode = |side: &str| {
        enforced.selective.as_ref().and_then(|sent| sent.get(side)).and_then(Value::as_str)
    };
    let input_tags = if mode("messages") == Some("SELECTIVE") { "HONOR" } else { "IGNORE" };
    let mut item = Map::new();
    let texts = [
        ("configId", enforced.config.clone()),
        ("guardrailArn", enforced.guardrail.clone()),
        ("guardrailId", enforced.guardrail.rsplit('/').next().unwrap_or_default().to_owned()),
        ("guardrailVersion", enforced.version.to_string()),
        ("inputTags", input_tags.to_owned()),
        ("createdAt", iso8601(enforced.created.at)),
        ("createdBy", enforced.created.by.clone()),
        ("updatedAt", iso8601(enforced.updated.at)),
        ("updatedBy", enforced.updated.by.clone()),
        ("owner", "ACCOUNT".to_owned()),
    ];
    item.extend(texts.map(|(member, value)| (member.to_owned(), value.into())));
    let (selective, models) = match switches.echo_defaults {
        EchoDefaults::TierOnly | EchoDefaults::None => {
            (enforced.selective.clone(), enforced.models.clone())
        }
        EchoDefaults::All => (
            Some(json!({
                "system": mode("system").unwrap_or("COMPREHENSIVE"),
                "messages": mode("messages").unwrap_or("COMPREHENSIVE"),
            })),
            enforced
                .models
                .clone()
                .or_else(|| Some(json!({"includedModels": ["ALL"], "excludedModels": []}))),
        ),
    };
    for (member, value) in [("selectiveContentGuarding", selective), ("modelEnforcement", models)] {
        if let Some(value) = value {
            item.insert(member.to_owned(), value);
        }
    }
    item.into()
}
