//! Policies on a guardrail or a guardrail profile: what Bedrock supports there (`aws-facts` 2.5).

use super::document::{Effect, Statement, Text};
use super::known::SHAREABLE;
use super::pattern::has_wildcard;
use super::principals::of_aws;
use super::{Finding, Rule};

/// Keys that its conditions may have.
const KEYS: [&str; 2] = ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"];

/// Judges a statement of a policy on a resource, if that is a guardrail.
pub(super) fn shared(statement: &Statement<'_>, findings: &mut Vec<Finding>) {
    let resources = statement.texts("Resource");
    if !is_about_guardrails(statement, &resources) {
        return;
    }
    let mut wrong = |pointer: &str, message: String| {
        findings.push(Finding::wrong(Rule::Sharing, pointer, message));
    };
    for Text { pointer, text } in statement.texts("Action") {
        let name = text.split_once(':').map_or("*", |(_, name)| name);
        if !SHAREABLE.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            let takes = "the policy of a guardrail takes `bedrock:ApplyGuardrail` and \
                         `bedrock:GetGuardrail`, and that of a guardrail profile the first alone";
            wrong(&pointer, format!("`{text}`: {takes}"));
        }
    }
    for Text { pointer, text } in resources.iter().filter(|it| has_wildcard(it.text)) {
        let exactly = "the policy of a guardrail names its own ARN exactly, without wildcards";
        wrong(pointer, format!("`{text}`: {exactly}"));
    }
    // A key that does not exist is reported as such.
    let global = |key: &str| key.to_ascii_lowercase().starts_with("aws:");
    for condition in statement.conditions().iter().filter(|it| global(it.key)) {
        if !KEYS.iter().any(|it| condition.is_about(it)) {
            let takes = "the policy of a guardrail takes conditions on `aws:PrincipalOrgID` and \
                         `aws:PrincipalOrgPaths`, and no others";
            wrong(&condition.pointer, format!("`{}`: {takes}", condition.key));
        }
    }
    strangers(statement, &resources, findings);
    if statement.effect == Effect::Deny {
        let message = "AWS describes no Deny in the policy of a guardrail: leave out whom you do not \
                       want to admit";
        findings.push(Finding::risky(Rule::Sharing, &statement.at("Effect"), message));
    }
}

fn is_about_guardrails(statement: &Statement<'_>, resources: &[Text<'_>]) -> bool {
    let names_one =
        |it: &Text<'_>| it.text.contains(":guardrail/") || it.text.contains(":guardrail-profile/");
    resources.iter().any(names_one)
        || (statement.names("bedrock") && statement.speaks_of("ApplyGuardrail"))
}

/// Another account is reached through its organization alone.
fn strangers(statement: &Statement<'_>, resources: &[Text<'_>], findings: &mut Vec<Finding>) {
    let account = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
    let Some(owner) = resources.first().map(|it| account(it.text)).filter(|it| !it.is_empty())
    else {
        return;
    };
    for Text { pointer, text } in of_aws(statement, "Principal") {
        let named = if text.starts_with("arn:") { account(text) } else { text.to_owned() };
        let is_account = named.len() == 12 && named.chars().all(|c| c.is_ascii_digit());
        if is_account && named != owner {
            let message = format!(
                "`{text}`: a guardrail is shared with its own account (`arn:aws:iam::{owner}:root`), \
                 or with an organization or a unit: `\"Principal\": \"*\"` and a condition on \
                 `aws:PrincipalOrgID`"
            );
            findings.push(Finding::wrong(Rule::Sharing, &pointer, message));
        }
    }
}
