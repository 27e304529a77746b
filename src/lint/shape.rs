//! Whether AWS would take the document at all.

use serde_json::Value;

use crate::model::suggest::did_you_mean;

use super::document::{Effect, Statement, escaped};
use super::known::ELEMENTS;
use super::{Finding, PolicyType, Rule};

/// The version of the policy language; the older one has no variables.
const VERSION: &str = "2012-10-17";

/// The largest service control policy (`aws-facts` 4.6), in characters without white space.
const SERVICE_CONTROL_CHARS_MAX: usize = 10_240;

/// Judges the document around its statements.
pub(super) fn policy(policy: &Value, policy_type: PolicyType, findings: &mut Vec<Finding>) {
    let mut malformed = |pointer: &str, message: String| {
        findings.push(Finding::wrong(Rule::Malformed, pointer, message));
    };
    let Some(members) = policy.as_object() else {
        malformed("", "a policy is a JSON object with `Version` and `Statement`".to_owned());
        return;
    };
    for name in members.keys().filter(|it| !["Version", "Id", "Statement"].contains(&it.as_str())) {
        let near = did_you_mean(name, ["Version", "Id", "Statement"]);
        let message = format!("a policy has no element `{name}`{near}");
        malformed(&format!("/{}", escaped(name)), message);
    }
    match members.get("Version").map(Value::as_str) {
        Some(Some(VERSION)) => {}
        Some(_) => malformed(
            "/Version",
            format!(
                "`Version` is the version of the policy language, not yours; write `{VERSION}`"
            ),
        ),
        None if policy_type == PolicyType::ServiceControl => malformed(
            "/Version",
            format!("a service control policy needs `\"Version\": \"{VERSION}\"`"),
        ),
        None => findings.push(Finding::risky(
            Rule::Malformed,
            "/Version",
            format!("without `Version` policy variables are not replaced; write `{VERSION}`"),
        )),
    }
    statements(policy, findings);
    let size = policy.to_string().chars().count();
    if policy_type == PolicyType::ServiceControl && size > SERVICE_CONTROL_CHARS_MAX {
        let message = format!(
            "has {size} characters; AWS takes {SERVICE_CONTROL_CHARS_MAX} in a service control \
             policy, so split it into several"
        );
        findings.push(Finding::wrong(Rule::TooLong, "", message));
    }
}

fn statements(policy: &Value, findings: &mut Vec<Finding>) {
    let mut malformed = |pointer: &str, message: &str| {
        findings.push(Finding::wrong(Rule::Malformed, pointer, message));
    };
    match policy.get("Statement") {
        None => malformed("/Statement", "a policy has a list `Statement`"),
        Some(Value::Array(many)) if many.is_empty() => {
            malformed("/Statement", "a policy has at least one statement");
        }
        Some(Value::Array(many)) => {
            for (index, one) in many.iter().enumerate().filter(|(_, it)| !it.is_object()) {
                let message = format!("a statement is an object, not `{one}`");
                malformed(&format!("/Statement/{index}"), &message);
            }
        }
        Some(one) if one.is_object() => {}
        Some(_) => malformed("/Statement", "`Statement` is an object or a list of objects"),
    }
}

/// Judges one statement's elements.
pub(super) fn statement(
    statement: &Statement<'_>,
    policy_type: PolicyType,
    findings: &mut Vec<Finding>,
) {
    let mut malformed = |pointer: String, message: String| {
        findings.push(Finding::wrong(Rule::Malformed, &pointer, message));
    };
    for name in statement.value.keys().filter(|it| !ELEMENTS.contains(&it.as_str())) {
        let near = did_you_mean(name, ELEMENTS.iter().copied());
        malformed(statement.at(name), format!("a statement has no element `{name}`{near}"));
    }
    if statement.effect == Effect::Unclear {
        malformed(statement.at("Effect"), "`Effect` is `Allow` or `Deny`".to_owned());
    }
    let needs_resource = policy_type != PolicyType::Resource;
    for (positive, negative, is_needed) in
        [("Action", "NotAction", true), ("Resource", "NotResource", needs_resource)]
    {
        match (statement.has(positive), statement.has(negative)) {
            (true, true) => malformed(
                statement.at(negative),
                format!("a statement has `{positive}` or `{negative}`, not both"),
            ),
            (false, false) if is_needed => malformed(
                statement.at(positive),
                format!("a statement needs `{positive}` or `{negative}`"),
            ),
            (true | false, false) | (false, true) => {}
        }
    }
    let condition = statement.value.get("Condition");
    let is_condition = condition.is_none_or(|it| {
        it.as_object().is_some_and(|operators| operators.values().all(Value::is_object))
    });
    if !is_condition {
        let message = "a condition reads `{\"<operator>\": {\"<key>\": \"<value>\"}}`";
        malformed(statement.at("Condition"), message.to_owned());
    }
}
