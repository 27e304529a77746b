//! What is shown of a guardrail's content.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::Content;

/// The content as AWS takes it; without words and patterns these by number and hash. Names of
/// patterns are no secret, what they look for is.
pub(super) fn shown(content: &Content, shows_words: bool) -> Value {
    let mut value = serde_json::to_value(content).unwrap_or_default();
    if shows_words {
        return value;
    }
    if let Some(words) = value.pointer_mut("/wordPolicyConfig/wordsConfig") {
        let count = words.as_array().map_or(0, Vec::len);
        *words = json!({"count": count, "sha256": hash(&words.to_string())});
    }
    let patterns = value.pointer_mut("/sensitiveInformationPolicyConfig/regexesConfig");
    for pattern in patterns.and_then(Value::as_array_mut).into_iter().flatten() {
        for field in ["pattern", "description"] {
            if let Some(text) = pattern.get_mut(field) {
                let of = text.as_str().map(hash).unwrap_or_default();
                *text = json!({"sha256": of});
            }
        }
    }
    value
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_patterns_are_counted_and_hashed_unless_asked_for() {
        let content: Content = serde_json::from_value(json!({
            "blockedInputMessaging": "no",
            "wordPolicyConfig": {"wordsConfig": [{"text": "heliotrope"}, {"text": "vermilion"}]},
            "sensitiveInformationPolicyConfig": {"regexesConfig": [
                {"name": "badge", "description": "of plant 7", "pattern": "EMP-[0-9]+", "action": "BLOCK"}]},
        }))
        .unwrap();
        let whole = shown(&content, true).to_string();
        let redacted = shown(&content, false).to_string();
        for word in ["heliotrope", "vermilion", "EMP-", "plant 7"] {
            assert!(whole.contains(word), "{whole}");
            assert!(!redacted.contains(word), "{redacted}");
        }
        let redacted = shown(&content, false);
        assert_eq!(redacted["wordPolicyConfig"]["wordsConfig"]["count"], 2);
        let pattern = &redacted["sensitiveInformationPolicyConfig"]["regexesConfig"][0];
        assert_eq!((&pattern["name"], &pattern["action"]), (&json!("badge"), &json!("BLOCK")));
    }
}
