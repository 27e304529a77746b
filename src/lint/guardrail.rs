//! Policies that demand a guardrail (`aws-facts` 6.2).

use super::actions::named;
use super::document::{Condition, Document, Effect, Statement, Text, prefix};
use super::known::{GUARDRAIL_KEY, INFERENCE};
use super::{Finding, Rule};

/// The endpoint that speaks OpenAI's protocol, with actions of its own.
const MANTLE: &str = "bedrock-mantle";

/// Judges conditions on the guardrail of a request.
pub(super) fn required(
    statement: &Statement<'_>,
    document: &Document<'_>,
    findings: &mut Vec<Finding>,
) {
    let conditions = statement.conditions();
    let about: Vec<_> = conditions.iter().filter(|it| it.is_about(GUARDRAIL_KEY)).collect();
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
            && it
                .conditions()
                .iter()
                .any(|it| it.is_about(GUARDRAIL_KEY) && it.operator.base != "Null")
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
    let key = condition.key;
    let message = if others.is_empty() {
        format!(
            "`{text}`: calls of this endpoint do not carry `{key}`, {so}. Deny them in a statement \
             of their own, without it"
        )
    } else {
        format!(
            "`{text}`: only `bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream` carry \
             `{key}`; other calls ({}) do not, {so}. Name the two alone",
            examples(&others)
        )
    };
    Some(Finding::wrong(Rule::KeyNotInRequest, pointer, message))
}

/// Two actions, those about guardrails first.
fn examples(actions: &[&str]) -> String {
    let (ours, others): (Vec<&str>, Vec<&str>) =
        actions.iter().partition(|it| it.contains("Guardrail"));
    ours.into_iter().chain(others).take(2).collect::<Vec<_>>().join(", ")
}
