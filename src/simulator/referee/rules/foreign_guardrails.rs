//! S7 in Bedrock: guardrails, enforced configurations and logging that are not the controller's
//! are left alone.
//!
//! Asking is the mistake, whatever AWS answers. Taking over an unowned guardrail is adding the
//! owner tag to it: allowed when the intent adopts it, and as long as no intent is told. Writing
//! over a foreign configuration is a loss (S11); deleting one is forbidden.

use serde_json::Value;

use super::super::memory::{owns_guardrail, owns_reference};
use super::super::protection::resource;
use super::super::reference::{Reference, name_of};
use super::{Violation, Write};
use crate::simulator::bedrock::Guardrail;
use crate::simulator::call::Service;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if write.call.service != Service::Bedrock {
        return Vec::new();
    }
    let complaint = match write.call.operation {
        "DeleteEnforcedGuardrailConfiguration" => foreign_slot(write),
        "DeleteModelInvocationLoggingConfiguration" => foreign_logging(write),
        "UpdateGuardrail"
        | "DeleteGuardrail"
        | "CreateGuardrailVersion"
        | "PutResourcePolicy"
        | "DeleteResourcePolicy"
        | "TagResource"
        | "UntagResource" => foreign_guardrail(write),
        _ => None,
    };
    complaint.map(|complaint| write.violates("S7", complaint)).into_iter().collect()
}

fn foreign_guardrail(write: &Write<'_>) -> Option<String> {
    let arn = resource(write.before, write.call);
    let reference = Reference { arn: arn.clone(), version: String::new() };
    let guardrail = reference.guardrail(write.before)?;
    if owns_guardrail(write.memory, write.intent, guardrail) {
        return removed_tag(write, &arn);
    }
    let is_adopted = write.call.operation == "TagResource" && is_adoption(write, guardrail);
    (!is_adopted).then(|| format!("{arn} is not the controller's"))
}

fn is_adoption(write: &Write<'_>, guardrail: &Guardrail) -> bool {
    let tags = write.call.body.get("tags").and_then(Value::as_array).into_iter().flatten();
    let owner = tags.filter(|tag| tag.get("key") == Some(&"bedrail:owner".into()));
    let owner = owner.filter_map(|tag| tag.get("value")).find_map(Value::as_str);
    let names = [name_of(guardrail), guardrail.name(), guardrail.id(), guardrail.arn()];
    let is_allowed = !write.intent.is_told() || write.intent.adopts(&names);
    let is_right = write.intent.owner.as_deref().is_none_or(|wanted| Some(wanted) == owner);
    !guardrail.tags().contains_key("bedrail:owner") && owner.is_some() && is_allowed && is_right
}

/// A tag that is neither in the controller's name space nor was written by it.
fn removed_tag(write: &Write<'_>, arn: &str) -> Option<String> {
    if write.call.operation != "UntagResource" {
        return None;
    }
    let mut keys = write
        .call
        .body
        .get("tagKeys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let foreign =
        keys.find(|key| !key.starts_with("bedrail:") && !write.memory.tagged(arn, key))?;
    Some(format!("the tag {foreign} of {arn} is not the controller's"))
}

fn foreign_slot(write: &Write<'_>) -> Option<String> {
    let place = (write.call.caller.account.clone(), write.call.region.clone());
    let enforced = write.before.regional(&place.0, &place.1)?.enforced()?;
    let reference = Reference::of_enforced(enforced);
    let is_ours = write.memory.put(&place, enforced)
        || owns_reference(write.memory, write.intent, write.before, &reference);
    (!is_ours).then(|| format!("the configuration of {reference} is not the controller's"))
}

fn foreign_logging(write: &Write<'_>) -> Option<String> {
    let place = (write.call.caller.account.clone(), write.call.region.clone());
    let logging = write.before.regional(&place.0, &place.1)?.logging()?;
    let is_ours = write.memory.put_logging(&place, logging);
    (!is_ours).then(|| "the logging configuration is not the controller's".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, Stranger, body};

    /// Everything that can be done to a guardrail: operation, and its body.
    fn writes(arn: &str) -> Vec<(&'static str, Value)> {
        let mut draft = body("lion");
        draft["name"] = "theirs".into();
        vec![
            ("UpdateGuardrail", draft),
            ("CreateGuardrailVersion", json!({})),
            ("TagResource", json!({"resourceARN": arn, "tags": [{"key": "team", "value": "x"}]})),
            ("UntagResource", json!({"resourceARN": arn, "tagKeys": ["team"]})),
            ("DeleteGuardrail", json!({})),
        ]
    }

    #[test]
    fn guardrails_without_the_owner_tag_are_left_alone() {
        for index in 0..5 {
            let mut arena = Arena::new();
            let arn = arena.guardrail(Stranger, "theirs", "zebra");
            let (operation, body) = writes(&arn).remove(index);
            let labels: &[&str] = if operation.contains("Tag") { &[] } else { &[&arn] };
            let management = arena.management.clone();
            arena.bedrock(Controller, &management, operation, labels, body);
            assert_eq!(arena.broken(), ["S7"], "{operation}");
        }
    }

    #[test]
    fn another_installations_guardrail_is_not_ours() {
        for (owner, expected) in [("us", vec![]), ("them", vec!["S7"])] {
            let mut arena = Arena::new();
            let arn = arena.guardrail(Controller, "baseline", "zebra");
            arena.intend(json!({"owner": owner}));
            arena.publish(Controller, &arn);
            assert_eq!(arena.broken(), expected, "{owner}");
        }
    }

    #[test]
    fn an_unowned_guardrail_is_adopted_only_where_it_is_intended() {
        for (intent, owner, expected) in [
            (json!(null), "us", vec![]),
            (json!({}), "us", vec!["S7"]),
            (json!({"adopt": ["theirs"]}), "us", vec![]),
            (json!({"adopt": ["theirs"], "owner": "them"}), "us", vec!["S7"]),
        ] {
            let mut arena = Arena::new();
            let arn = arena.guardrail(Stranger, "theirs", "zebra");
            arena.intend(intent.clone());
            let tags = json!([{"key": "bedrail:owner", "value": owner}]);
            let management = arena.management.clone();
            let body = json!({"resourceARN": arn, "tags": tags});
            arena.bedrock(Controller, &management, "TagResource", &[], body);
            assert_eq!(arena.broken(), expected, "{intent}");
        }
    }

    #[test]
    fn a_strangers_tag_stays_and_ones_own_may_go() {
        for (who, expected) in [(Stranger, vec!["S7"]), (Controller, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.guardrail(Controller, "baseline", "zebra");
            let management = arena.management.clone();
            let body = json!({"resourceARN": arn, "tags": [{"key": "team", "value": "x"}]});
            arena.bedrock(who, &management, "TagResource", &[], body);
            let body = json!({"resourceARN": arn, "tagKeys": ["team"]});
            arena.bedrock(Controller, &management, "UntagResource", &[], body);
            assert_eq!(arena.broken(), expected);
        }
    }

    #[test]
    fn a_strangers_configuration_is_not_deleted() {
        for (who, expected) in [(Stranger, vec!["S7"]), (Controller, vec![])] {
            let mut arena = Arena::new();
            let member = arena.members[0].clone();
            let (management, theirs) =
                (arena.management.clone(), arena.guardrail(Stranger, "theirs", "zebra"));
            arena.publish(Stranger, &theirs);
            let grant = arena.grant(&theirs);
            arena.share(Stranger, &theirs, &json!([grant]));
            arena.enforce(who, &member, &theirs, "1").unwrap();
            arena.release(Controller, &member);
            assert_eq!(arena.broken(), expected, "in {management}");
        }
    }

    #[test]
    fn a_strangers_logging_is_not_deleted() {
        for (who, expected) in [(Stranger, vec!["S7"]), (Controller, vec![])] {
            let mut arena = Arena::new();
            let member = arena.members[0].clone();
            let body = json!({"loggingConfig": {"s3Config": {"bucketName": "logs"}}});
            arena.bedrock(who, &member, "PutModelInvocationLoggingConfiguration", &[], body);
            let operation = "DeleteModelInvocationLoggingConfiguration";
            arena.bedrock(Controller, &member, operation, &[], json!({}));
            assert_eq!(arena.broken(), expected);
        }
    }
}
