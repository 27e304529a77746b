//! Content filters and prompt attacks, by markers (`[hate]`, `[hate:high]`) and a few phrases.

use serde_json::Value;

use super::super::super::bedrock::Content;
use super::{Action, Evaluation, Finding, Listing, Material, Source, action_of, entry, text_of};

/// How sure the classifier is, and how much a filter lets through: the same four words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    None,
    Low,
    Medium,
    High,
}

impl Level {
    fn read(name: &str) -> Self {
        match name {
            "LOW" => Self::Low,
            "MEDIUM" => Self::Medium,
            "HIGH" => Self::High,
            _ => Self::None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }

    /// Whether a filter of this strength catches what is classified with `confidence`: a strong
    /// filter catches everything, a weak one only what is certain.
    fn catches(self, confidence: Self) -> bool {
        let least = match self {
            Self::None => return false,
            Self::Low => Self::High,
            Self::Medium => Self::Medium,
            Self::High => Self::Low,
        };
        confidence >= least
    }
}

/// What people really write, classified with medium confidence.
fn phrases(kind: &str) -> &'static [&'static str] {
    match kind {
        "HATE" => &["those people are inferior", "i hate those people"],
        "VIOLENCE" => &["build a bomb", "hurt somebody", "hurt someone"],
        "SEXUAL" => &["sexually explicit"],
        "INSULTS" => &["you are an idiot", "you idiot"],
        "MISCONDUCT" => &["launder money", "hack into"],
        "PROMPT_ATTACK" => &[
            "ignore previous instructions",
            "ignore all previous instructions",
            "ignore your instructions",
            "disregard the above",
            "reveal your system prompt",
        ],
        _ => &[],
    }
}

/// Looks with every content filter.
pub(super) fn find(content: &Content, material: &Material<'_>, evaluation: &mut Evaluation) {
    for filter in content.rules("contentPolicyConfig", "filtersConfig") {
        if let Some(finding) = classify(filter, material) {
            evaluation.findings.push(finding);
        }
    }
}

fn classify(filter: &Value, material: &Material<'_>) -> Option<Finding> {
    let action: Action = action_of(filter, material.source)?;
    let (strength, modalities) = match material.source {
        Source::Input => ("inputStrength", "inputModalities"),
        Source::Output => ("outputStrength", "outputModalities"),
    };
    let strength = Level::read(text_of(filter, strength));
    let looks_at_text = filter
        .get(modalities)
        .and_then(Value::as_array)
        .is_none_or(|modalities| modalities.iter().any(|modality| modality == "TEXT"));
    if strength == Level::None || !looks_at_text {
        return None;
    }
    let kind = text_of(filter, "type");
    let confidence = material
        .passages
        .iter()
        .map(|passage| confidence(kind, &passage.text.to_lowercase()))
        .max()
        .unwrap_or(Level::None);
    Some(Finding {
        listing: Listing::Filters,
        action,
        is_detected: strength.catches(confidence),
        entry: entry([
            ("type", kind.into()),
            ("confidence", confidence.name().into()),
            ("filterStrength", strength.name().into()),
        ]),
    })
}

fn confidence(kind: &str, text: &str) -> Level {
    let kind_marker = kind.to_lowercase();
    let has = |level: &str| text.contains(&format!("[{kind_marker}{level}]"));
    if has(":high") {
        Level::High
    } else if has(":medium") || has("") || phrases(kind).iter().any(|phrase| text.contains(phrase))
    {
        Level::Medium
    } else if has(":low") {
        Level::Low
    } else {
        Level::None
    }
}
