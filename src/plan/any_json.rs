//! Made-up documents, for properties of what compares them.

use proptest::prelude::*;
use serde_json::{Value, json};

/// What stands in policies, and what does not.
const TEXTS: [&str; 8] = [
    "*",
    "",
    "bedrock:InvokeModel",
    "bedrock:*",
    "111122223333",
    "arn:aws:iam::111122223333:root",
    "arn:aws-us-gov:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/a",
];

const NAMES: [&str; 18] = [
    "Version",
    "Statement",
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "Principal",
    "NotPrincipal",
    "Condition",
    "StringEquals",
    "AWS",
    "Service",
    "@@assign",
    "selective_content_guarding",
    "messages",
    "model_enforcement",
    "included_models",
];

pub(super) fn text() -> impl Strategy<Value = Value> {
    prop::sample::select(TEXTS.to_vec()).prop_map(Value::from)
}

/// Any JSON, with names of policies in it.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text(),
    ];
    leaf.prop_recursive(5, 48, 4, |inner| {
        let name = prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// The same with every list turned round.
pub(super) fn turned(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().rev().map(turned).collect(),
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, member)| (name.clone(), turned(member))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
