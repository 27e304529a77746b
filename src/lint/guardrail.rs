//! Policies that demand a guardrail, and policies on a guardrail (`aws-facts` 6.2 and 2.5).

use std::collections::BTreeSet;

use super::actions::named;
use super::document::{Condition, Document, Effect, Statement, Text, prefix};
use super::known::{BEDROCK_KEYS, INFERENCE, SHAREABLE};
use super::pattern::has_wildcard;
use super::principals::of_aws;
use super::{Finding, Rule};

/// The endpoint that speaks OpenAI's protocol, with actions of its own.
const MANTLE: &str = "bedrock-mantle";

const KEY: &str = "bedrock:GuardrailIdentifier";

/// Conditions that the policy of a guardrail may have.
const SHARING_KEYS: [&str; 2] = ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"];

/// Judges conditions on the guardrail of a request.
pub(super) fn required(
    statement: &Statement<'_>,
    document: &Document<'_>,
    findings: &mut Vec<Finding>,
) {
    let conditions = statement.conditions();
    let about: Vec<_> = conditions.iter().filter(|it| it.is_about(KEY)).collect();
    for condition in &about {
        if condition.operator.base == "Null" {
            findings.extend(any_guardrail(statement, condition, document));
        } else {
            findings.extend(inverted(statement, condition, &about));
            for value in &condition.values {
                findings.extend(identifier(condition, value));
            }
        }
    }
    if let Some(condition) = about.first() {
        findings.extend(beyond_inference(statement, condition));
    }
}

/// Absent from the request: the weakest demand there is.
fn any_guardrail(
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    document: &Document<'_>,
) -> Option<Finding> {
    let is_demand = condition.values.iter().any(|it| it.text.eq_ignore_ascii_case("true"));
    let names_one = document.statements.iter().any(|it| {
        it.effect == Effect::Deny
            && it.conditions().iter().any(|it| it.is_about(KEY) && it.operator.base != "Null")
    });
    if statement.effect != Effect::Deny || !is_demand || names_one {
        return None;
    }
    let message = "any guardrail satisfies this, an empty one and a DRAFT too, which every developer \
                   can make; demand the company's: `\"ArnNotLike\": \
                   {\"bedrock:GuardrailIdentifier\": \"arn:aws:bedrock:*:<account>:guardrail/<id>:*\"}`";
    Some(Finding::risky(Rule::AnyGuardrail, &condition.pointer, message))
}

fn inverted(
    statement: &Statement<'_>,
    condition: &Condition<'_>,
    about: &[&Condition<'_>],
) -> Option<Finding> {
    if statement.effect != Effect::Deny || condition.operator.is_negated() || about.len() > 1 {
        return None;
    }
    let message = format!(
        "denies the calls that name this guardrail and lets those without one through; to demand it \
         write `{}`",
        match condition.operator.base {
            "StringEquals" => "StringNotEquals",
            "StringLike" => "StringNotLike",
            _ => "ArnNotLike",
        }
    );
    Some(Finding::risky(Rule::Inverted, &condition.operator_pointer, message))
}

/// The key is the guardrail's ARN for DRAFT, and the ARN, a colon and the number for a version.
fn identifier(condition: &Condition<'_>, value: &Text<'_>) -> Option<Finding> {
    let Text { pointer, text } = value;
    let wrong = |message: String| Some(Finding::wrong(Rule::GuardrailIdentifier, pointer, message));
    if *text == "*" || text.contains("${") {
        return None;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let resource = match parts.as_slice() {
        ["arn", _, _, _, _, resource] => *resource,
        _ if text.starts_with('*') || text.starts_with("arn:") => return None,
        _ => {
            return wrong(format!(
                "`{text}` is no ARN, and no request has this value; write \
                 `arn:aws:bedrock:<region>:<account>:guardrail/<id>:<version>`"
            ));
        }
    };
    let name = resource.strip_prefix("guardrail/")?;
    if let Some((id, version)) = name.split_once('/') {
        return wrong(format!(
            "`{text}`: a version follows a colon; write `guardrail/{id}:{version}`"
        ));
    }
    let risky = |message: String| Some(Finding::risky(Rule::GuardrailIdentifier, pointer, message));
    match name.split_once(':') {
        Some((_, version)) if version.eq_ignore_ascii_case("DRAFT") => wrong(format!(
            "`{text}`: a request that names DRAFT has the ARN alone, so no request has this value; \
             and DRAFT can be changed by its owners at any time: write the number of a version"
        )),
        Some(_) => None,
        None if condition.operator.takes_wildcards() && name.ends_with('*') => risky(format!(
            "`{text}` takes DRAFT in, which is the ARN without a version; for published versions \
             alone write `{}:*`",
            text.trim_end_matches('*')
        )),
        None => risky(format!(
            "`{text}` names DRAFT and no version: calls that name a version do not have this value. \
             Write `{text}:<version>`, or for any version `{text}:*` with a Like operator"
        )),
    }
}

/// Only requests that run a model have the key.
fn beyond_inference(statement: &Statement<'_>, condition: &Condition<'_>) -> Option<Finding> {
    let (action, others) = statement.texts("Action").into_iter().find_map(|it| {
        let others: Vec<&str> =
            named(it.text)?.into_iter().filter(|it| !INFERENCE.contains(it)).collect();
        let is_another = prefix(it.text).eq_ignore_ascii_case(MANTLE);
        (is_another || !others.is_empty()).then_some((it, others))
    })?;
    let so = match (condition.operator.holds_when_absent(), statement.effect) {
        (true, Effect::Deny) => "so this denies all of them, with or without a guardrail",
        (false, Effect::Deny) => "so this denies none of them",
        (true, Effect::Allow | Effect::Unclear) => "so the condition does not bound them",
        (false, Effect::Allow | Effect::Unclear) => "so this allows none of them",
    };
    let Text { pointer, text } = &action;
    let message = if others.is_empty() {
        format!(
            "`{text}`: calls of this endpoint do not carry `{}`, {so}. Deny them in a statement \
                 of their own, without it",
            condition.key
        )
    } else {
        format!(
            "`{text}`: only `bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream` carry \
             `{}`; other calls ({}) do not, {so}. Name the two alone",
            condition.key,
            others
                .iter()
                .filter(|it| it.contains("Guardrail"))
                .chain(&others)
                .take(2)
                .copied()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    Some(Finding::wrong(Rule::KeyNotInRequest, pointer, message))
}

/// Judges a statement of a policy on a guardrail or a guardrail profile.
pub(super) fn shared(statement: &Statement<'_>, findings: &mut Vec<Finding>) {
    let resources = statement.texts("Resource");
    let is_guardrails = resources
        .iter()
        .any(|it| it.text.contains(":guardrail/") || it.text.contains(":guardrail-profile/"))
        || statement.speaks_of("ApplyGuardrail") && statement.names("bedrock");
    if !is_guardrails {
        return;
    }
    let mut wrong = |pointer: &str, message: String| {
        findings.push(Finding::wrong(Rule::Sharing, pointer, message));
    };
    for Text { pointer, text } in statement.texts("Action") {
        let name = text.split_once(':').map_or("*", |(_, name)| name);
        if !SHAREABLE.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            wrong(
                &pointer,
                format!(
                    "`{text}`: the policy of a guardrail takes `bedrock:ApplyGuardrail` and \
                 `bedrock:GetGuardrail`, and that of a guardrail profile the first alone"
                ),
            );
        }
    }
    for Text { pointer, text } in &resources {
        if has_wildcard(text) {
            wrong(
                pointer,
                format!(
                    "`{text}`: the policy of a guardrail names its own ARN exactly, without wildcards"
                ),
            );
        }
    }
    for condition in statement.conditions() {
        let is_known = condition
            .key
            .split_once(':')
            .is_some_and(|(prefix, name)| prefix != "bedrock" || BEDROCK_KEYS.contains(&name));
        if is_known && !SHARING_KEYS.iter().any(|it| condition.is_about(it)) {
            wrong(
                &condition.pointer,
                format!(
                    "`{}`: the policy of a guardrail takes conditions on `aws:PrincipalOrgID` and \
                 `aws:PrincipalOrgPaths`, and no others",
                    condition.key
                ),
            );
        }
    }
    strangers(statement, &resources, findings);
    if statement.effect == Effect::Deny {
        let message = "AWS describes no Deny in the policy of a guardrail: leave out whom you do not \
                       want to admit";
        findings.push(Finding::risky(Rule::Sharing, &statement.at("Effect"), message));
    }
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
