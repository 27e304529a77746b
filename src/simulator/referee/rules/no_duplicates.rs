//! S8: nothing twice: one guardrail for a name in a place, one version for a content, one policy
//! for an enforcement.
//!
//! Two policies are twins when all their `bedrail:` tags that do not record progress are equal,
//! so that one sharded by Region, or a second one for the time of a rollout, says so in a tag.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::content::is_equal;
use super::super::memory::{member, owns_guardrail};
use super::super::protection::resource;
use super::super::reference::Reference;
use super::{Violation, Write};
use crate::simulator::bedrock::Status;
use crate::simulator::call::Service;

/// Tags that say how far something got, not what it is.
const PROGRESS: [&str; 3] = ["bedrail:accepted/", "bedrail:rejected/", "bedrail:wave/"];

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.has_succeeded() {
        return Vec::new();
    }
    let twin = match (write.call.service, write.call.operation) {
        (Service::Bedrock, "CreateGuardrail" | "TagResource") => guardrail(write),
        (Service::Bedrock, "CreateGuardrailVersion") => version(write),
        (Service::Organizations, "CreatePolicy" | "TagResource") => policy(write),
        _ => None,
    };
    twin.map(|twin| write.violates("S8", twin)).into_iter().collect()
}

fn guardrail(write: &Write<'_>) -> Option<String> {
    let created = member(write.answer, "/guardrailArn").map(str::to_owned);
    let arn = created.unwrap_or_else(|| resource(write.before, write.call));
    let new = Reference { arn, version: String::new() };
    let name = new.guardrail(write.after)?.tags().get("bedrail:guardrail")?;
    let regional = write.after.regional(new.owner(), new.region())?;
    let twin = regional.guardrails().find(|other| {
        other.arn() != new.arn
            && other.tags().get("bedrail:guardrail") == Some(name)
            && (write.memory.created(other.arn())
                || owns_guardrail(write.memory, write.intent, other))
    })?;
    Some(format!("{} and {} are both {name}", new.arn, twin.arn()))
}

/// A token AWS has seen before publishes nothing, so the version must be new to be a second one. One
/// that FAILED is none: nothing can ever refer to it.
fn version(write: &Write<'_>) -> Option<String> {
    let arn = resource(write.before, write.call);
    let number: u32 = member(write.answer, "/version")?.parse().ok()?;
    let reference = Reference { arn, version: number.to_string() };
    if reference.content(write.before).is_some() {
        return None;
    }
    let content = reference.content(write.after)?;
    let guardrail = reference.guardrail(write.after)?;
    let switches = &write.after.switches;
    let is_usable = |it: u32| {
        guardrail.status(Some(it), write.call.at, switches) != Some(Status::Failed.name())
    };
    let twin = guardrail.version_numbers().find(|other| {
        *other != number
            && is_usable(*other)
            && write.memory.published(&reference.arn, *other)
            && guardrail
                .body(Some(*other))
                .is_some_and(|body| is_equal(&Value::Object(body.clone()), &content))
    })?;
    Some(format!("{reference} says what version {twin} says"))
}

fn policy(write: &Write<'_>) -> Option<String> {
    let created = member(write.answer, "/Policy/PolicySummary/Id");
    let id = created.or_else(|| write.call.text("ResourceId"))?;
    let organization = &write.after.organization;
    let policy = organization.policies.get(id)?;
    let identity = identity(organization.tags.get(id)?);
    identity.get("bedrail:enforcement")?;
    let twin = organization.policies.iter().find(|(other, other_policy)| {
        other.as_str() != id
            && other_policy.kind == policy.kind
            && organization
                .tags
                .get(other.as_str())
                .is_some_and(|tags| self::identity(tags) == identity)
    })?;
    Some(format!("{id} and {} are both {}", twin.0, identity.get("bedrail:enforcement")?))
}

fn identity(tags: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    tags.iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .filter(|(key, _)| key.starts_with("bedrail:"))
        .filter(|(key, _)| !PROGRESS.iter().any(|progress| key.starts_with(progress)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};

    #[test]
    fn a_second_guardrail_of_one_name_is_reported() {
        let mut arena = Arena::new();
        arena.guardrail(Stranger, "baseline-of-theirs", "zebra");
        arena.guardrail(Controller, "baseline", "zebra");
        assert_eq!(arena.broken(), [""; 0]);
        let management = arena.management.clone();
        let mut body = super::super::super::testing::body("zebra");
        body["name"] = "baseline-2".into();
        body["tags"] = json!([
            {"key": "bedrail:owner", "value": "us"},
            {"key": "bedrail:guardrail", "value": "baseline"},
        ]);
        arena.bedrock(Controller, &management, "CreateGuardrail", &[], body);
        assert_eq!(arena.broken(), ["S8"]);
    }

    #[test]
    fn a_second_version_of_one_content_is_reported_unless_the_first_is_a_strangers() {
        for (first, expected) in [(Controller, vec!["S8"]), (Stranger, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.guardrail(Controller, "baseline", "zebra");
            arena.publish(first, &arn);
            arena.publish(Controller, &arn);
            assert_eq!(arena.broken(), expected);
        }
    }

    #[test]
    fn a_token_sent_twice_publishes_nothing_twice() {
        let mut arena = Arena::new();
        let arn = arena.guardrail(Controller, "baseline", "zebra");
        let management = arena.management.clone();
        for _ in 0..2 {
            let body = json!({"clientRequestToken": "one"});
            arena.bedrock(Controller, &management, "CreateGuardrailVersion", &[&arn], body);
            arena.pass(1_000);
        }
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn a_second_policy_of_one_enforcement_is_reported_unless_its_tags_tell_it_apart() {
        for (more, expected) in [
            (json!([]), vec!["S8"]),
            (json!([{"Key": "bedrail:accepted/baseline", "Value": "r1"}]), vec!["S8"]),
            (json!([{"Key": "bedrail:shard", "Value": "2"}]), vec![]),
        ] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let document = document(&[(HERE, &arn, "1")]);
            arena.policy(Controller, "baseline", &document);
            assert_eq!(arena.broken(), [""; 0]);
            let mut tags = json!([
                {"Key": "bedrail:owner", "Value": "us"},
                {"Key": "bedrail:enforcement", "Value": "baseline"},
            ]);
            tags.as_array_mut().unwrap().extend(more.as_array().cloned().unwrap());
            let body = json!({"Name": "another", "Description": "", "Type": "BEDROCK_POLICY",
                "Content": document.to_string(), "Tags": tags});
            arena.organize(Controller, "CreatePolicy", body);
            assert_eq!(arena.broken(), expected, "{more}");
        }
    }
}
