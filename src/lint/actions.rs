//! Actions that do not exist, and those that were forgotten.

use crate::model::suggest::nearest;

use super::document::{Document, Effect, Statement, Text, prefix};
use super::known::{ACTIONS, INFERENCE, WRONG_ACTIONS, WRONG_PREFIXES};
use super::pattern::{has_wildcard, like};
use super::{Finding, PolicyType, Rule};

/// Judges the actions of a statement.
pub(super) fn actions(
    statement: &Statement<'_>,
    document: &Document<'_>,
    policy_type: PolicyType,
    findings: &mut Vec<Finding>,
) {
    for element in ["Action", "NotAction"] {
        for text in statement.texts(element) {
            findings.extend(exists(&text));
        }
    }
    if statement.has("Action") {
        findings.extend(streaming(statement, document));
        if policy_type == PolicyType::Identity {
            findings.extend(apply(statement, document));
        }
    }
}

fn exists(action: &Text<'_>) -> Option<Finding> {
    let Text { pointer, text } = action;
    if *text == "*" {
        return None;
    }
    let Some((service, name)) = text.split_once(':') else {
        let message = format!("`{text}` is no action; an action reads `bedrock:InvokeModel`");
        return Some(Finding::wrong(Rule::UnknownAction, pointer, message));
    };
    let service = service.to_ascii_lowercase();
    if WRONG_PREFIXES.contains(&service.as_str()) {
        let message = format!(
            "`{text}`: `{service}` is an endpoint and no prefix of IAM; its actions begin with \
             `bedrock:`"
        );
        return Some(Finding::wrong(Rule::UnknownAction, pointer, message));
    }
    if service != "bedrock" || name == "*" {
        return None;
    }
    let folded = name.to_ascii_lowercase();
    if ACTIONS.iter().any(|known| like(&folded, &known.to_ascii_lowercase())) {
        return None;
    }
    if let Some(wrong) =
        WRONG_ACTIONS.iter().find(|it| like(&folded, &it.name.to_ascii_lowercase()))
    {
        let message = format!("there is no action `{text}`: {}", wrong.instead);
        return Some(Finding::wrong(Rule::UnknownAction, pointer, message));
    }
    if has_wildcard(name) {
        let message = format!("`{text}` matches no action of Bedrock");
        return Some(Finding::wrong(Rule::UnknownAction, pointer, message));
    }
    let Some(near) = nearest(name, ACTIONS.iter().copied()) else {
        let message = format!(
            "`{text}` is no action that AWS documented when this release was made; IAM takes \
                 any name, so check the spelling"
        );
        return Some(Finding::risky(Rule::UnknownAction, pointer, message));
    };
    let message = format!("there is no action `{text}` (did you mean `bedrock:{near}`?)");
    Some(Finding::wrong(Rule::UnknownAction, pointer, message))
}

/// A Deny of one way to run a model leaves the other open.
fn streaming(statement: &Statement<'_>, document: &Document<'_>) -> Option<Finding> {
    if statement.effect != Effect::Deny {
        return None;
    }
    let [plain, stream] = INFERENCE;
    let (named, forgotten, what) = match (statement.speaks_of(plain), statement.speaks_of(stream)) {
        (true, false) => (plain, stream, "streaming and ConverseStream go on"),
        (false, true) => (stream, plain, "InvokeModel and Converse go on"),
        (true, true) | (false, false) => return None,
    };
    let condition = statement.value.get("Condition");
    let is_elsewhere = document.statements.iter().any(|other| {
        other.effect == Effect::Deny
            && other.speaks_of(forgotten)
            && other.value.get("Condition") == condition
    });
    if is_elsewhere {
        return None;
    }
    let pointer = at_action(statement, named)?;
    let message = format!("denies `bedrock:{named}` alone: {what}; add `bedrock:{forgotten}`");
    Some(Finding::wrong(Rule::StreamingForgotten, &pointer, message))
}

/// Callers need ApplyGuardrail on what is enforced on them (`aws-facts` 2.4).
fn apply(statement: &Statement<'_>, document: &Document<'_>) -> Option<Finding> {
    let allows = |statement: &Statement<'_>, action: &str| {
        statement.effect == Effect::Allow && statement.speaks_of(action)
    };
    let named = INFERENCE.into_iter().find(|action| allows(statement, action))?;
    if document.statements.iter().any(|it| allows(it, "ApplyGuardrail")) {
        return None;
    }
    let pointer = at_action(statement, named)?;
    let message = "allows to run models and not `bedrock:ApplyGuardrail`: where a guardrail is \
                   enforced or demanded, every call of this role fails, unless another policy of it \
                   allows that on the guardrail's ARN";
    Some(Finding::risky(Rule::ApplyGuardrailForgotten, &pointer, message))
}

/// Where a statement names an action.
fn at_action(statement: &Statement<'_>, name: &str) -> Option<String> {
    let action = format!("bedrock:{name}").to_ascii_lowercase();
    let texts = statement.texts("Action");
    let named = texts.into_iter().find(|it| like(&it.text.to_ascii_lowercase(), &action));
    named.map(|it| it.pointer)
}

/// The actions of Bedrock that a text names, none of its other endpoints; `None` if it is about
/// another service.
pub(super) fn named(action: &str) -> Option<Vec<&'static str>> {
    let service = prefix(action).to_ascii_lowercase();
    if action != "*" && !like(&service, "bedrock") {
        return service.starts_with("bedrock-").then(Vec::new);
    }
    let name = action.split_once(':').map_or("*", |(_, name)| name).to_ascii_lowercase();
    let all = ACTIONS.iter().copied();
    Some(all.filter(|known| like(&name, &known.to_ascii_lowercase())).collect())
}
