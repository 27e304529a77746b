//! `CreateGuardrail`, `UpdateGuardrail`, `CreateGuardrailVersion` and `DeleteGuardrail`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Reply};
use super::super::switches::{UpdateOmission, VersionDeleteInUse};
use super::super::world::World;
use super::failure::{conflict, in_use, not_found, quota, validation};
use super::guardrail::{Guardrail, Read, Settling, Status, Version};
use super::permission::{Context, permit, permit_guardrail, request_tags};
use super::reference::{Place, Reference};
use super::shape::{accept, accept_text};
use super::tags::{read_tags, require_room};
use super::timestamp::iso8601;
use super::{profiles, rules, shapes};

/// Guardrails per account and Region; not adjustable.
const GUARDRAILS_MAX: usize = 100;
/// Versions per guardrail (L-D471AEAB); not adjustable.
const VERSIONS_MAX: usize = 20;

/// `POST /guardrails`.
pub(super) fn create(world: &mut World, call: &Call) -> Answer {
    let mut body = accept(&shapes::CREATE_GUARDRAIL, &call.body)?;
    let token = request_token(call)?;
    let tags = read_tags(body.get("tags"))?;
    let place = Place::of(call, &world.partition);
    let any = place.arn("guardrail/*");
    permit(world, call, call.operation, &any, request_tags(&tags))?;
    if !tags.is_empty() {
        permit(world, call, "TagResource", &any, request_tags(&tags))?;
    }
    permit_profile(world, call, &body)?;

    let parameters = Value::Object(body.clone());
    if let Some(regional) = world.regional(&call.caller.account, &call.region)
        && let Some(answer) = regional.replay(call.operation, token.as_deref(), &parameters)?
    {
        return Ok(Reply::status(202, answer));
    }
    body.remove("tags");
    let content = rules::content(Place::of(call, &world.partition), body)?;
    require_room(&tags, &any)?;
    require_free_name(world, call, content.name(), None)?;
    let held = world
        .regional(&call.caller.account, &call.region)
        .map_or(0, |regional| regional.guardrails().count());
    if held >= GUARDRAILS_MAX {
        return Err(quota(format!("This account has {GUARDRAILS_MAX} guardrails in this Region")));
    }

    let id = world.identifier(12);
    let arn = Place::of(call, &world.partition).arn(&format!("guardrail/{id}"));
    let answer = json!({
        "guardrailId": id,
        "guardrailArn": arn,
        "version": "DRAFT",
        "createdAt": iso8601(call.at),
    });
    let read = Read::new(call.at, &world.switches);
    let takes_ms = world.switches.ready_delay_ms;
    let regional = world.regional_mut(&call.caller.account, &call.region);
    regional.purge(read);
    regional.guardrails.insert(
        id.clone(),
        Guardrail {
            id,
            arn,
            created_at: call.at,
            updated_at: call.at,
            draft: Arc::new(content),
            settling: Settling::of(Status::Creating, call, takes_ms),
            versions: BTreeMap::new(),
            last_number: 0,
            tags,
            deleted_at: None,
        },
    );
    regional.remember(call.operation, token, parameters, answer.clone());
    Ok(Reply::status(202, answer))
}

/// `PUT /guardrails/{guardrailIdentifier}`: the draft is replaced as a whole.
pub(super) fn update(world: &mut World, call: &Call) -> Answer {
    let mut body = accept(&shapes::UPDATE_GUARDRAIL, &call.body)?;
    let reference = addressed(world, call)?;
    permit_profile(world, call, &body)?;
    let guardrail = require_settled(world, call, &reference)?;
    match world.switches.update_omission {
        UpdateOmission::Clear => {}
        UpdateOmission::Keep => {
            for member in ["kmsKeyId", "description", "crossRegionConfig"] {
                if let Some(value) = guardrail.draft.body.get(member) {
                    body.entry(member).or_insert_with(|| value.clone());
                }
            }
        }
    }
    let content = rules::content(Place::of(call, &world.partition), body)?;
    require_free_name(world, call, content.name(), Some(&reference.id))?;

    let takes_ms = world.switches.ready_delay_ms;
    let guardrail = world
        .regional_mut(&reference.owner, &reference.region)
        .guardrail_mut(&reference.id)
        .ok_or_else(|| unknown(&reference))?;
    guardrail.draft = Arc::new(content);
    guardrail.updated_at = call.at;
    guardrail.settling = Settling::of(Status::Updating, call, takes_ms);
    Ok(Reply::status(
        202,
        json!({
            "guardrailId": reference.id,
            "guardrailArn": reference.arn,
            "version": "DRAFT",
            "updatedAt": iso8601(call.at),
        }),
    ))
}

/// `POST /guardrails/{guardrailIdentifier}`: a snapshot of the draft.
pub(super) fn create_version(world: &mut World, call: &Call) -> Answer {
    let body = accept(&shapes::CREATE_VERSION, &call.body)?;
    let token = request_token(call)?;
    let reference = addressed(world, call)?;
    let description = body.get("description").and_then(Value::as_str).map(str::to_owned);

    let parameters = json!({"guardrail": reference.id, "description": description});
    if let Some(regional) = world.regional(&reference.owner, &reference.region)
        && let Some(answer) = regional.replay(call.operation, token.as_deref(), &parameters)?
    {
        return Ok(Reply::status(202, answer));
    }
    let guardrail = require_settled(world, call, &reference)?;
    if guardrail.settling.status(call.at, &world.switches) == Status::Failed {
        return Err(conflict(format!("The guardrail {} is FAILED", reference.arn)));
    }
    if guardrail.live_versions().count() >= VERSIONS_MAX {
        return Err(quota(format!("The guardrail has {VERSIONS_MAX} versions")));
    }
    let number = guardrail.next_number(world.switches.version_numbers_reused);

    let answer = json!({"guardrailId": reference.id, "version": number.to_string()});
    let read = Read::new(call.at, &world.switches);
    let takes_ms = world.switches.ready_delay_ms;
    let regional = world.regional_mut(&reference.owner, &reference.region);
    regional.purge(read);
    let guardrail = regional.guardrail_mut(&reference.id).ok_or_else(|| unknown(&reference))?;
    guardrail.last_number = guardrail.last_number.max(number);
    // What fails is the version; the draft is what it was.
    guardrail.settling = Settling::of(Status::Versioning, call, takes_ms).surely();
    guardrail.versions.insert(
        number,
        Version {
            content: Arc::clone(&guardrail.draft),
            description,
            created_at: call.at,
            settling: Settling::of(Status::Creating, call, takes_ms),
            deleted_at: None,
        },
    );
    regional.remember(call.operation, token, parameters, answer.clone());
    Ok(Reply::status(202, answer))
}

/// `DELETE /guardrails/{guardrailIdentifier}?guardrailVersion=`: one version, or everything.
pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let number = match call.parameter("guardrailVersion") {
        Some(version) => Some(version_number(version)?),
        None => None,
    };
    let reference = addressed(world, call)?;
    let guardrail = world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.guardrail(&reference.id))
        .ok_or_else(|| unknown(&reference))?;
    if let Some(number) = number
        && guardrail.version(number).is_none()
    {
        return Err(unknown_version(&reference, number));
    }
    refuse_in_use(world, &reference, number)?;

    let read = Read::new(call.at, &world.switches);
    let regional = world.regional_mut(&reference.owner, &reference.region);
    if let Some(guardrail) = regional.guardrail_mut(&reference.id) {
        match number {
            Some(number) => {
                if let Some(version) = guardrail.versions.get_mut(&number) {
                    version.deleted_at = Some(call.at);
                }
            }
            None => guardrail.deleted_at = Some(call.at),
        }
    }
    if number.is_none() {
        regional.policies.remove(&reference.arn);
    }
    regional.purge(read);
    Ok(Reply::status(202, json!({})))
}

/// A number of a version in the query or the body of a request.
pub(super) fn version_number(text: &str) -> Result<u32, Failure> {
    accept_text(&shapes::NUMERIC_VERSION, "guardrailVersion", text)?;
    text.parse().map_err(|_| validation(format!("The guardrail version {text} is invalid")))
}

/// A guardrail that nobody has.
pub(super) fn unknown(reference: &Reference) -> Failure {
    not_found(format!("The guardrail {} does not exist", reference.arn))
}

/// A version that the guardrail does not have.
pub(super) fn unknown_version(reference: &Reference, number: u32) -> Failure {
    not_found(format!("The guardrail {} has no version {number}", reference.arn))
}

/// The caller's own guardrail in the path, once the caller may do the operation on it.
fn addressed(world: &World, call: &Call) -> Result<Reference, Failure> {
    let identifier = call.labels.first().map_or("", String::as_str);
    let reference = Reference::resolve(call, &world.partition, identifier)?;
    reference.require_own(call)?;
    permit_guardrail(world, &call.caller, call.operation, &reference, Context::new())?;
    Ok(reference)
}

/// Creating and updating with a guardrail profile is also an action on the profile.
fn permit_profile(world: &World, call: &Call, body: &Map<String, Value>) -> Result<(), Failure> {
    let identifier = body
        .get("crossRegionConfig")
        .and_then(|config| config.get("guardrailProfileIdentifier"))
        .and_then(Value::as_str);
    let Some(identifier) = identifier else { return Ok(()) };
    let id = identifier.rsplit('/').next().unwrap_or(identifier);
    if !profiles::is_offered(id, &call.region) {
        return Ok(()); // The rules of the content refuse it with a better reason.
    }
    let arn = Place::of(call, &world.partition).arn(&format!("guardrail-profile/{id}"));
    permit(world, call, call.operation, &arn, Context::new())
}

fn request_token(call: &Call) -> Result<Option<String>, Failure> {
    let accepted = accept(&shapes::REQUEST_TOKEN, &call.body)?;
    Ok(accepted.get("clientRequestToken").and_then(Value::as_str).map(str::to_owned))
}

fn require_free_name(
    world: &World,
    call: &Call,
    name: &str,
    except: Option<&str>,
) -> Result<(), Failure> {
    let is_taken = world.regional(&call.caller.account, &call.region).is_some_and(|regional| {
        regional.guardrails().any(|other| other.name() == name && Some(other.id.as_str()) != except)
    });
    if is_taken {
        return Err(conflict(format!("Another guardrail of this account is named {name}")));
    }
    Ok(())
}

fn require_settled<'a>(
    world: &'a World,
    call: &Call,
    reference: &Reference,
) -> Result<&'a Guardrail, Failure> {
    let guardrail = world
        .regional(&reference.owner, &reference.region)
        .and_then(|regional| regional.guardrail(&reference.id))
        .ok_or_else(|| unknown(reference))?;
    if !guardrail.is_settled(call.at, &world.switches) {
        let status = guardrail.settling.status(call.at, &world.switches).name();
        return Err(conflict(format!("The guardrail {} is {status}", reference.arn)));
    }
    Ok(guardrail)
}

/// Refuses to delete what an enforced configuration or an organization policy refers to.
fn refuse_in_use(world: &World, reference: &Reference, number: Option<u32>) -> Result<(), Failure> {
    let is_allowed = number.is_some()
        && match world.switches.version_delete_in_use {
            VersionDeleteInUse::Allow => true,
            VersionDeleteInUse::Refuse => false,
        };
    if is_allowed {
        return Ok(());
    }
    let concerns = |referred: &str| match number {
        Some(number) => referred == format!("{}:{number}", reference.arn),
        None => referred
            .strip_prefix(&reference.arn)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':')),
    };
    let enforced = world
        .bedrock
        .values()
        .filter_map(|regional| regional.enforced())
        .map(|enforced| format!("{}:{}", enforced.guardrail, enforced.version));
    if enforced.chain(world.organization.bedrock_references()).any(|referred| concerns(&referred)) {
        return Err(in_use(format!(
            "The guardrail {} is used by an enforced configuration",
            reference.arn
        )));
    }
    Ok(())
}
