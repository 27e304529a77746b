//! Policies: list, describe, create, update, delete.

use std::sync::Arc;

use serde_json::{Value, json};

use super::page::page;
use super::{
    constraint, exception, identifiers, invalid, required, required_id, required_kind, shape,
    tags_of,
};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::organization::{Policy, PolicyKind};
use crate::simulator::switches::{PolicyDuplicateScope, Switches};
use crate::simulator::world::World;

/// Tags a resource may have.
pub(super) const TAGS_MAX: usize = 50;

pub(super) fn list(world: &World, call: &Call) -> Answer {
    let organization = &world.organization;
    let kind = kind_filter(call)?;
    let policies: Vec<(&String, &Policy)> =
        organization.policies.iter().filter(|(_, policy)| Some(policy.kind) == kind).collect();
    page(call, "Policies", &policies, |(id, policy)| {
        shape::policy_summary(organization, id, policy)
    })
}

pub(super) fn describe(world: &World, call: &Call) -> Answer {
    let (id, policy) = existing(world, call)?;
    Ok(Reply::ok(json!({"Policy": shape_of(world, id, policy)})))
}

pub(super) fn create(world: &mut World, call: &Call) -> Answer {
    let kind = required_kind(call, "Type", || {
        exception(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled.",
        )
    })?;
    let name = required(call, "Name")?;
    let description = required(call, "Description")?;
    check_words(Some(name), Some(description))?;
    let content = required(call, "Content")?;
    let document = parse(kind, content, &world.switches)?;
    check_name_is_free(world, kind, name, None)?;
    let tags = tags_of(call)?;
    if tags.len() > TAGS_MAX {
        return Err(constraint("MAX_TAG_LIMIT_EXCEEDED", "A resource can have 50 tags."));
    }
    let count = world.organization.policies.values().filter(|policy| policy.kind == kind).count();
    if count >= kind.count_max() {
        return Err(constraint(
            "POLICY_NUMBER_LIMIT_EXCEEDED",
            "You have reached the limit of policies of this type.",
        ));
    }

    let policy = Policy {
        kind,
        name: name.to_owned(),
        description: description.to_owned(),
        content: content.to_owned(),
        document,
        aws_managed: false,
    };
    let id = format!("p-{}", world.identifier(8));
    if !tags.is_empty() {
        Arc::make_mut(&mut world.organization.tags).insert(id.clone(), tags);
    }
    Arc::make_mut(&mut world.organization.policies).insert(id.clone(), policy.clone());
    Ok(Reply::ok(json!({"Policy": shape_of(world, &id, &policy)})))
}

pub(super) fn update(world: &mut World, call: &Call) -> Answer {
    let (id, policy) = existing(world, call)?;
    let id = id.to_owned();
    let mut policy = policy.clone();
    refuse_managed(&policy)?;
    check_words(call.text("Name"), call.text("Description"))?;
    if let Some(name) = call.text("Name") {
        check_name_is_free(world, policy.kind, name, Some(&id))?;
        name.clone_into(&mut policy.name);
    }
    if let Some(description) = call.text("Description") {
        description.clone_into(&mut policy.description);
    }
    if let Some(content) = call.text("Content") {
        policy.document = parse(policy.kind, content, &world.switches)?;
        content.clone_into(&mut policy.content);
    }

    let shape = shape_of(world, &id, &policy);
    Arc::make_mut(&mut world.organization.policies).insert(id, policy);
    world.organization.changed(call.at + world.switches.effective_policy_delay_ms);
    Ok(Reply::ok(json!({"Policy": shape})))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let (id, policy) = existing(world, call)?;
    refuse_managed(policy)?;
    let id = id.to_owned();
    if world.organization.attachments.values().any(|ids| ids.contains(&id)) {
        return Err(exception(
            "PolicyInUseException",
            "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.",
        ));
    }
    Arc::make_mut(&mut world.organization.policies).remove(&id);
    Arc::make_mut(&mut world.organization.tags).remove(&id);
    Ok(Reply::ok(json!({})))
}

/// The policy a call names.
pub(super) fn existing<'a>(
    world: &'a World,
    call: &Call,
) -> Result<(&'a str, &'a Policy), Failure> {
    let id = required_id(call, "PolicyId", identifiers::is_policy)?;
    let found = world.organization.policies.get_key_value(id);
    found.map(|(id, policy)| (id.as_str(), policy)).ok_or_else(|| {
        exception(
            "PolicyNotFoundException",
            "We can't find a policy with the PolicyId that you specified.",
        )
    })
}

/// The member `Filter`; `None` for a type that has no policies here.
pub(super) fn kind_filter(call: &Call) -> Result<Option<PolicyKind>, Failure> {
    PolicyKind::parse(required(call, "Filter")?)
        .ok_or_else(|| invalid("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type."))
}

fn shape_of(world: &World, id: &str, policy: &Policy) -> Value {
    let summary = shape::policy_summary(&world.organization, id, policy);
    json!({"PolicySummary": summary, "Content": policy.content})
}

fn refuse_managed(policy: &Policy) -> Result<(), Failure> {
    if policy.aws_managed {
        return Err(invalid(
            "IMMUTABLE_POLICY",
            "You specified a policy that is managed by AWS and can't be modified.",
        ));
    }
    Ok(())
}

fn check_words(name: Option<&str>, description: Option<&str>) -> Result<(), Failure> {
    if name.is_some_and(str::is_empty) {
        return Err(invalid("MIN_LENGTH_EXCEEDED", "A policy name has at least one character."));
    }
    let is_long = |text: Option<&str>, length_max: usize| {
        text.is_some_and(|text| text.chars().count() > length_max)
    };
    if is_long(name, 128) || is_long(description, 512) {
        return Err(invalid(
            "MAX_LENGTH_EXCEEDED",
            "A policy name has at most 128 characters, a description at most 512.",
        ));
    }
    Ok(())
}

fn parse(kind: PolicyKind, content: &str, switches: &Switches) -> Result<Value, Failure> {
    let length_max = kind.content_length_max(switches);
    if content.chars().count() > length_max {
        return Err(constraint(
            "POLICY_CONTENT_LIMIT_EXCEEDED",
            format!("The policy content exceeds {length_max} characters."),
        ));
    }
    kind.parse_content(content)
        .map_err(|problem| exception("MalformedPolicyDocumentException", problem))
}

fn check_name_is_free(
    world: &World,
    kind: PolicyKind,
    name: &str,
    except: Option<&str>,
) -> Result<(), Failure> {
    let is_in_scope = |policy: &Policy| match world.switches.policy_duplicate_scope {
        PolicyDuplicateScope::Type => policy.kind == kind,
        PolicyDuplicateScope::Org => true,
    };
    let is_taken = world.organization.policies.iter().any(|(id, policy)| {
        Some(id.as_str()) != except && policy.name == name && is_in_scope(policy)
    });
    if is_taken {
        return Err(exception(
            "DuplicatePolicyException",
            "A policy with the same name already exists.",
        ));
    }
    Ok(())
}
