//! Compares what guardrails say: two bodies are equal when AWS would do the same with both.
//!
//! Lists are sets, and what `aws-facts` 1.9 gives as the server's default is filled in. This is
//! written from the documentation, apart from the controller's own canonical form.

use serde_json::{Map, Value};

/// Members that say where a body came from, or that a version does not hold.
const NOT_CONTENT: [&str; 4] = ["name", "description", "tags", "clientRequestToken"];

/// Members compared only when both sides have been told of them.
const REGIONAL: [&str; 2] = ["kmsKeyId", "crossRegionConfig"];

/// Lists whose elements mask: the action of each side is `action`.
const MASKING: [&str; 2] = ["piiEntitiesConfig", "regexesConfig"];

/// Lists whose elements block on both sides.
const BLOCKING: [&str; 3] = ["topicsConfig", "wordsConfig", "managedWordListsConfig"];

/// Whether a live body says what a test wants. Members of one Region are compared only if wanted.
pub(super) fn satisfies(live: &Value, wanted: &Value) -> bool {
    let (mut live, wanted) = (canonical(live), canonical(wanted));
    for member in REGIONAL {
        if !wanted.contains_key(member) {
            live.remove(member);
        }
    }
    live == wanted
}

/// Whether two live bodies say the same.
pub(super) fn is_equal(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}

fn canonical(body: &Value) -> Map<String, Value> {
    let members = body.as_object().into_iter().flatten();
    members
        .filter(|(member, value)| !NOT_CONTENT.contains(&member.as_str()) && !value.is_null())
        .map(|(member, value)| (member.clone(), policy(member, value)))
        .filter(|(_, value)| value.as_object().is_none_or(|policy| !policy.is_empty()))
        .collect()
}

fn policy(member: &str, value: &Value) -> Value {
    if member == "crossRegionConfig" {
        let profile = value.get("guardrailProfileIdentifier").and_then(Value::as_str);
        return profile.and_then(|named| named.rsplit('/').next()).unwrap_or_default().into();
    }
    let Some(policy) = value.as_object() else { return value.clone() };
    let is_grounding = member == "contextualGroundingPolicyConfig";
    let lists = policy.iter().filter(|(_, list)| list.as_array().is_none_or(|it| !it.is_empty()));
    let mut policy: Map<String, Value> = lists
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), list(name, value, is_grounding)))
        .collect();
    let is_classic = policy
        .get("tierConfig")
        .is_some_and(|tier| tier.get("tierName") == Some(&"CLASSIC".into()));
    if is_classic {
        policy.remove("tierConfig");
    }
    Value::Object(policy)
}

fn list(name: &str, value: &Value, is_grounding: bool) -> Value {
    let Some(elements) = value.as_array() else { return value.clone() };
    let mut elements: Vec<Value> =
        elements.iter().map(|element| with_defaults(name, element, is_grounding)).collect();
    elements.sort_by_key(Value::to_string);
    elements.dedup();
    Value::Array(elements)
}

fn with_defaults(list: &str, element: &Value, is_grounding: bool) -> Value {
    let Some(element) = element.as_object() else { return element.clone() };
    let mut element: Map<String, Value> = element
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut default = |member: &str, value: Value| {
        element.entry(member).or_insert(value);
    };
    if is_grounding {
        default("action", "BLOCK".into());
        default("enabled", true.into());
        return Value::Object(element);
    }
    let is_masking = MASKING.contains(&list);
    if is_masking || BLOCKING.contains(&list) || list == "filtersConfig" {
        default("inputEnabled", true.into());
        default("outputEnabled", true.into());
    }
    if list == "filtersConfig" {
        default("inputModalities", serde_json::json!(["TEXT"]));
        default("outputModalities", serde_json::json!(["TEXT"]));
    }
    if is_masking {
        let action = element.get("action").cloned().unwrap_or_else(|| "BLOCK".into());
        element.entry("inputAction").or_insert_with(|| action.clone());
        element.entry("outputAction").or_insert(action);
    } else if BLOCKING.contains(&list) || list == "filtersConfig" {
        element.entry("inputAction").or_insert_with(|| "BLOCK".into());
        element.entry("outputAction").or_insert_with(|| "BLOCK".into());
    }
    for nested in ["inputModalities", "outputModalities", "examples"] {
        if let Some(Value::Array(values)) = element.get_mut(nested) {
            values.sort_by_key(Value::to_string);
        }
    }
    Value::Object(element)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_equal_when_only_order_and_defaults_differ() {
        let words = |words: Value| json!({"wordPolicyConfig": {"wordsConfig": words}});
        let plain = words(json!([{"text": "a"}, {"text": "b"}]));
        let rows = [
            ("order", words(json!([{"text": "b"}, {"text": "a"}])), true),
            (
                "defaults",
                words(
                    json!([{"text": "a", "inputAction": "BLOCK", "outputEnabled": true}, {"text": "b"}]),
                ),
                true,
            ),
            ("a name", json!({"name": "x", "wordPolicyConfig": plain["wordPolicyConfig"]}), true),
            (
                "an empty policy",
                json!({"topicPolicyConfig": {"topicsConfig": []}, "wordPolicyConfig": plain["wordPolicyConfig"]}),
                true,
            ),
            ("one word less", words(json!([{"text": "a"}])), false),
            (
                "a weaker action",
                words(json!([{"text": "a", "inputAction": "NONE"}, {"text": "b"}])),
                false,
            ),
            (
                "another message",
                json!({"blockedInputMessaging": "x", "wordPolicyConfig": plain["wordPolicyConfig"]}),
                false,
            ),
        ];
        for (name, other, expected) in rows {
            assert_eq!(is_equal(&plain, &other), expected, "{name}");
        }
    }

    #[test]
    fn members_of_one_region_count_only_when_wanted() {
        let live = json!({"blockedInputMessaging": "x", "kmsKeyId": "k1"});
        assert!(satisfies(&live, &json!({"blockedInputMessaging": "x"})));
        assert!(!satisfies(&live, &json!({"blockedInputMessaging": "x", "kmsKeyId": "k2"})));
    }
}
