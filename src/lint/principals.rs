//! Whom a policy names.

use serde_json::Value;

use super::document::{Effect, Statement, Text, texts};
use super::pattern::has_wildcard;
use super::{Finding, PolicyType, Rule};

/// Keys that bound `"Principal": "*"` to an organization, an account or a network.
const BOUNDS: &[&str] = &[
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceVpc",
    "aws:SourceVpce",
];

/// Judges who is named, or that somebody is.
pub(super) fn principals(
    statement: &Statement<'_>,
    policy_type: PolicyType,
    findings: &mut Vec<Finding>,
) {
    let names = ["Principal", "NotPrincipal"];
    let (holder, instead) = match policy_type {
        PolicyType::Resource => {
            named(statement, findings);
            return;
        }
        PolicyType::ServiceControl => (
            "a service control policy",
            "it binds everybody in its accounts. To exempt roles, use a condition on \
             `aws:PrincipalArn`",
        ),
        PolicyType::Identity => {
            ("an identity policy", "it is about the role or user it is attached to")
        }
    };
    for name in names.into_iter().filter(|it| statement.has(it)) {
        let message = format!("{holder} has no `{name}` (AWS refuses it): {instead}");
        findings.push(Finding::wrong(Rule::Malformed, &statement.at(name), message));
    }
}

/// The principals of a statement, those of AWS alone.
pub(super) fn of_aws<'a>(statement: &Statement<'a>, element: &str) -> Vec<Text<'a>> {
    let pointer = statement.at(element);
    match statement.value.get(element) {
        Some(Value::Object(kinds)) => kinds
            .iter()
            .filter(|(kind, _)| *kind == "AWS" || *kind == "*")
            .flat_map(|(kind, value)| texts(format!("{pointer}/{kind}"), value))
            .collect(),
        Some(value) => texts(pointer, value),
        None => Vec::new(),
    }
}

fn named(statement: &Statement<'_>, findings: &mut Vec<Finding>) {
    if !statement.has("Principal") && !statement.has("NotPrincipal") {
        let message = "a policy on a resource says whom it is about: add `Principal`";
        findings.push(Finding::wrong(Rule::Malformed, &statement.at("Principal"), message));
        return;
    }
    let is_ours = ["bedrock", "organizations"].iter().any(|it| statement.names(it));
    if is_ours && statement.has("NotPrincipal") && statement.effect == Effect::Allow {
        let message = "`NotPrincipal` with `Allow` admits everybody else, strangers included; name \
                       those who are admitted";
        findings.push(Finding::wrong(Rule::Principal, &statement.at("NotPrincipal"), message));
    }
    for Text { pointer, text } in of_aws(statement, "Principal") {
        if text == "*" {
            // Whether a bucket is public is not ours to say.
            if is_ours {
                everybody(statement, &pointer, findings);
            }
        } else if has_wildcard(text) {
            let message = format!(
                "`{text}`: AWS refuses wildcards inside a principal; write `\"*\"` with a condition \
                 on `aws:PrincipalOrgID`, or the ARN of one account: `arn:aws:iam::<account>:root`"
            );
            findings.push(Finding::wrong(Rule::Principal, &pointer, message));
        }
    }
}

fn everybody(statement: &Statement<'_>, pointer: &str, findings: &mut Vec<Finding>) {
    let conditions = statement.conditions();
    let is_bounded = conditions
        .iter()
        .any(|it| !it.operator.holds_when_absent() && BOUNDS.iter().any(|key| it.is_about(key)));
    if statement.effect == Effect::Allow && !is_bounded {
        let message = "`\"*\"` is everybody, in every organization; add the condition \
                       `{\"StringEquals\": {\"aws:PrincipalOrgID\": \"o-…\"}}`";
        findings.push(Finding::wrong(Rule::Principal, pointer, message));
    }
}
