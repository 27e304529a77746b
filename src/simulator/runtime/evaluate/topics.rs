//! Denied topics, by their name, their examples, or the marker `[topic:NAME]`.

use serde_json::Value;

use super::super::super::bedrock::Content;
use super::{Evaluation, Finding, Listing, Material, action_of, entry, text_of};

/// Looks for every denied topic.
pub(super) fn find(content: &Content, material: &Material<'_>, evaluation: &mut Evaluation) {
    for topic in content.rules("topicPolicyConfig", "topicsConfig") {
        let Some(action) = action_of(topic, material.source) else { continue };
        let phrases = phrases(topic);
        let is_detected = material.passages.iter().any(|passage| {
            let text = passage.text.to_lowercase();
            phrases.iter().any(|phrase| text.contains(phrase))
        });
        evaluation.findings.push(Finding {
            listing: Listing::Topics,
            action,
            is_detected,
            entry: entry([
                ("name", text_of(topic, "name").into()),
                ("type", text_of(topic, "type").into()),
            ]),
        });
    }
}

fn phrases(topic: &Value) -> Vec<String> {
    let name = text_of(topic, "name").to_lowercase();
    let examples = topic.get("examples").and_then(Value::as_array).into_iter().flatten();
    let mut phrases: Vec<String> =
        examples.filter_map(Value::as_str).map(str::to_lowercase).collect();
    phrases.push(format!("[topic:{name}]"));
    phrases.push(name);
    phrases
}
