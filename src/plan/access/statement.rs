//! One statement of a policy without principals against one request.

use serde_json::{Map, Value};

use super::condition::meets;
use super::pattern::like;
use super::request::Request;
use super::truth::Truth;

/// The members of a statement that are understood.
const MEMBERS: [&str; 7] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// What a statement does where it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// The statements of a document; `None` for what is no policy document.
pub(super) fn statements(document: &Value) -> Option<Vec<&Value>> {
    match document.get("Statement")? {
        Value::Array(items) => Some(items.iter().collect()),
        statement @ Value::Object(_) => Some(vec![statement]),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// What a statement does; anything but an Allow counts as a Deny.
pub(super) fn effect(statement: &Value) -> Effect {
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some(_) | None => Effect::Deny,
    }
}

/// Whether a statement speaks about a request.
pub(super) fn matches(statement: &Value, request: &Request<'_>) -> Truth {
    let Some(members) = statement.as_object() else { return Truth::Unknown };
    let is_understood = members.keys().all(|name| MEMBERS.contains(&name.as_str()));
    Truth::all([
        if is_understood { Truth::True } else { Truth::Unknown },
        element(members, ("Action", "NotAction"), |pattern| {
            like(&pattern.to_ascii_lowercase(), &request.action.to_ascii_lowercase()).into()
        }),
        element(members, ("Resource", "NotResource"), |pattern| {
            if pattern.contains("${") {
                Truth::Unknown
            } else {
                like(pattern, request.resource).into()
            }
        }),
        members.get("Condition").map_or(Truth::True, |it| meets(it, request)),
    ])
}

/// An element or its negation: one of the two is there.
fn element(
    members: &Map<String, Value>,
    (positive, negative): (&str, &str),
    claim: impl Fn(&str) -> Truth,
) -> Truth {
    let any = |values: &Value| match texts(values) {
        Some(texts) => Truth::any(texts.into_iter().map(&claim)),
        None => Truth::Unknown,
    };
    match (members.get(positive), members.get(negative)) {
        (Some(values), None) => any(values),
        (None, Some(values)) => any(values).not(),
        (Some(_), Some(_)) | (None, None) => Truth::Unknown,
    }
}

/// A text, or a list of texts; `None` where anything else is among them.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Bool(claim) => Some(vec![if *claim { "true" } else { "false" }]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        Value::Null | Value::Number(_) | Value::Object(_) => None,
    }
}
