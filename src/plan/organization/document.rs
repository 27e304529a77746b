//! Renders and reads documents of type `BEDROCK_POLICY` (`aws-facts` 3.1, 3.2).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::model::{
    EnforcementSettings, Guarding, GuardrailArn, ModelEnforcement, SelectiveContentGuarding,
    Version,
};

/// Characters a document may have (`aws-facts` 3.5).
pub(super) const SIZE_MAX: usize = 10_000;

/// The configuration's name: the one of the documentation, everywhere the same, so that policies
/// at several levels merge into one configuration instead of two.
pub(in crate::plan) const CONFIG: &str = "config_1";

/// What keeps policies nearer the leaf from changing what stands beside it.
pub(in crate::plan) const LOCK: &str = "@@operators_allowed_for_child_policies";

/// One Region's block. Every field is assigned: one that is left out would be inherited. The lock
/// stands once, on the Region: on each leaf, 17 Regions would not fit.
pub(super) fn block(
    (arn, version): (&GuardrailArn, Version),
    settings: &EnforcementSettings,
    allow_override: bool,
) -> Value {
    let guarding = |guarding: Guarding| match guarding {
        Guarding::Comprehensive => json!({"@@assign": "comprehensive"}),
        Guarding::Selective => json!({"@@assign": "selective"}),
    };
    let configuration = json!({
        "identifier": {"@@assign": arn.with_version(version)},
        "selective_content_guarding": {
            "system": guarding(settings.guarding.system),
            "messages": guarding(settings.guarding.messages),
        },
        "model_enforcement": {
            "included_models": {"@@assign": settings.models.included},
            "excluded_models": {"@@assign": settings.models.excluded},
        },
    });
    let mut block = Map::new();
    if !allow_override {
        block.insert(LOCK.to_owned(), json!(["@@none"]));
    }
    block.insert(CONFIG.to_owned(), configuration);
    Value::Object(block)
}

/// The document of these blocks.
pub(super) fn document(blocks: &BTreeMap<String, Value>) -> Value {
    json!({"bedrock": {"guardrail_inference": blocks}})
}

/// The blocks of a document, by Region; empty for what is no such document.
pub(in crate::plan) fn blocks(document: &Value) -> BTreeMap<String, Value> {
    document
        .pointer("/bedrock/guardrail_inference")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.starts_with("@@"))
        .map(|(region, block)| (region.clone(), block.clone()))
        .collect()
}

/// The version each configuration of a block references; `None` where one is not understood.
pub(in crate::plan) fn references(block: &Value) -> Option<Vec<(GuardrailArn, Version)>> {
    let configurations = block.as_object()?.iter().filter(|(name, _)| !name.starts_with("@@"));
    configurations
        .map(|(_, configuration)| {
            let identifier = configuration.pointer("/identifier/@@assign")?.as_str()?;
            GuardrailArn::parse_versioned(identifier)
        })
        .collect()
}

/// What the configurations of a block set, each with AWS's defaults for what it leaves out.
pub(in crate::plan) fn settings(block: &Value) -> Vec<EnforcementSettings> {
    let members = block.as_object().into_iter().flatten();
    let configurations = members.filter(|(name, _)| !name.starts_with("@@"));
    configurations
        .map(|(_, configuration)| {
            let models = |name: &str| -> BTreeSet<String> {
                let list = configuration.pointer(&format!("/model_enforcement/{name}/@@assign"));
                let items = list.and_then(Value::as_array).into_iter().flatten();
                items.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let guarding = |part: &str| {
                let path = format!("/selective_content_guarding/{part}/@@assign");
                match configuration.pointer(&path).and_then(Value::as_str) {
                    Some("selective") => Guarding::Selective,
                    Some(_) | None => Guarding::Comprehensive,
                }
            };
            EnforcementSettings {
                models: ModelEnforcement {
                    included: models("included_models"),
                    excluded: models("excluded_models"),
                },
                exclude_embeddings: false,
                guarding: SelectiveContentGuarding {
                    system: guarding("system"),
                    messages: guarding("messages"),
                },
            }
        })
        .collect()
}

/// One Region's block with everything assigned that it leaves to AWS's defaults.
pub(super) fn explicit(block: &Value) -> Value {
    let mut explicit = block.clone();
    if let Some(configuration) = explicit.get_mut(CONFIG).and_then(Value::as_object_mut) {
        let defaults = [
            ("selective_content_guarding", "system", json!("comprehensive")),
            ("selective_content_guarding", "messages", json!("comprehensive")),
            ("model_enforcement", "included_models", json!(["ALL"])),
            ("model_enforcement", "excluded_models", json!([])),
        ];
        for (part, field, default) in defaults {
            let part = configuration.entry(part).or_insert_with(|| json!({}));
            let Some(part) = part.as_object_mut() else { continue };
            let value = part.entry(field).or_insert_with(|| json!({"@@assign": default.clone()}));
            if field == "included_models" && *value == json!({"@@assign": []}) {
                *value = json!({"@@assign": default});
            }
        }
    }
    normalised(&explicit)
}

/// The document in the form in which equal meanings are equal values: every list in it, of models
/// or of operators, is a set.
pub(super) fn normalised(document: &Value) -> Value {
    match document {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normalised).collect();
            items.sort_by_key(ToString::to_string);
            items.dedup();
            Value::Array(items)
        }
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, member)| (name.clone(), normalised(member))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => document.clone(),
    }
}

/// Characters of the minified document, as AWS counts them.
pub(super) fn size(document: &Value) -> usize {
    document.to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::any_json::{any_json, turned};

    /// AWS takes a list without a model for all of them, where it names those that are included.
    #[test]
    fn no_included_model_means_all_and_no_excluded_one_means_none() {
        let block = |models: Value| explicit(&json!({CONFIG: {"model_enforcement": models}}));
        let empty = json!({"@@assign": []});
        let all = block(json!({"included_models": {"@@assign": ["ALL"]}}));
        assert_eq!(block(json!({})), all);
        assert_eq!(block(json!({"included_models": empty, "excluded_models": empty})), all);
        let one = json!({"included_models": {"@@assign": ["a.b"]}});
        assert_ne!(block(one.clone()), all);
        assert_ne!(block(json!({"included_models": empty, "excluded_models": ["a.b"]})), all);
    }

    proptest! {
        #[test]
        fn what_is_normalised_stays_as_it_is_and_order_means_nothing(document in any_json()) {
            let once = normalised(&document);
            prop_assert_eq!(normalised(&once), once.clone());
            prop_assert_eq!(normalised(&turned(&document)), once);
            let block = explicit(&json!({CONFIG: document}));
            prop_assert_eq!(explicit(&block), block);
        }
    }
}
