//! Contextual grounding, scored by how many words two texts share.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::super::bedrock::Content;
use super::{Evaluation, Finding, Listing, Material, Source, action_of, entry, text_of};

/// What an answer is compared with: texts qualified `grounding_source` and `query`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Grounding {
    pub(in super::super) source: String,
    pub(in super::super) query: String,
}

/// Scores an answer; input is never scored.
pub(super) fn find(content: &Content, material: &Material<'_>, evaluation: &mut Evaluation) {
    let (Source::Output, Some(grounding)) = (material.source, material.grounding) else { return };
    let answer: Vec<&str> = material.passages.iter().map(|passage| passage.text).collect();
    let answer = words(&answer.join(" "));
    for filter in content.rules("contextualGroundingPolicyConfig", "filtersConfig") {
        let is_enabled = filter.get("enabled").and_then(Value::as_bool) != Some(false);
        let Some(action) = action_of(filter, Source::Output).filter(|_| is_enabled) else {
            continue;
        };
        let score = match text_of(filter, "type") {
            // How much of the answer the source tells.
            "GROUNDING" => share(&answer, &words(&grounding.source)),
            // How much of the question the answer takes up.
            _ => share(&words(&grounding.query), &answer),
        };
        let threshold = filter.get("threshold").and_then(Value::as_f64).unwrap_or_default();
        evaluation.findings.push(Finding {
            listing: Listing::Grounding,
            action,
            is_detected: score < threshold,
            entry: entry([
                ("type", text_of(filter, "type").into()),
                ("threshold", threshold.into()),
                ("score", score.into()),
            ]),
        });
    }
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The share of `part` that `whole` has, from 0 to 1.
fn share(part: &BTreeSet<String>, whole: &BTreeSet<String>) -> f64 {
    let (Ok(common), Ok(all)) =
        (u32::try_from(part.intersection(whole).count()), u32::try_from(part.len()))
    else {
        return 0.0;
    };
    if all == 0 { 1.0 } else { f64::from(common) / f64::from(all) }
}
