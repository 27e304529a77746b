//! Old and new of each field, named by natural keys, for plans and logs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What a change of a guardrail's content does to what the guardrail stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// The same is stopped.
    Same,
    /// All that was stopped is, and more may be.
    Stronger,
    /// Less may be stopped.
    Weaker,
    /// More of one and less of another, or nobody can say.
    Mixed,
}

impl Strength {
    /// As plans spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Stronger => "stronger",
            Self::Weaker => "weaker",
            Self::Mixed => "mixed",
        }
    }

    /// What two changes together do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, it) | (it, Self::Same) => it,
            (Self::Stronger, Self::Stronger) => Self::Stronger,
            (Self::Weaker, Self::Weaker) => Self::Weaker,
            (Self::Stronger | Self::Weaker | Self::Mixed, _) => Self::Mixed,
        }
    }
}

/// One field that differs. `None` means absent on that side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FieldChange {
    /// `contentPolicyConfig.filtersConfig[HATE].inputStrength`.
    pub path: String,
    /// What is live.
    pub old: Option<String>,
    /// What is desired.
    pub new: Option<String>,
    /// What it does to what a guardrail stops; `None` where no guardrail's content changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
}

impl FieldChange {
    /// A change named by hand.
    pub fn new(path: &str, old: Option<String>, new: Option<String>) -> Self {
        Self { path: path.to_owned(), old, new, strength: None }
    }

    /// The same for logs and journals, which more people read than may read a guardrail's words and
    /// patterns: each of those by the beginning of its SHA-256.
    #[must_use]
    pub fn without_words(&self) -> Self {
        let Some((list, item)) = WORD_LISTS.iter().find_map(|list| {
            let item = self.path.strip_prefix(list)?.strip_prefix('[')?;
            Some((*list, item))
        }) else {
            return self.clone();
        };
        let (key, field) = item.rsplit_once(']').unwrap_or((item, ""));
        // The name of a pattern is no secret, the pattern is.
        let key = if list == WORDS { digest(key) } else { key.to_owned() };
        let is_secret = [".text", ".pattern", ".description"].contains(&field);
        let side = |side: &Option<String>| match side {
            Some(text) if is_secret => Some(digest(text)),
            other => other.clone(),
        };
        Self {
            path: format!("{list}[{key}]{field}"),
            old: side(&self.old),
            new: side(&self.new),
            strength: self.strength,
        }
    }
}

/// The words that a guardrail blocks.
const WORDS: &str = "wordPolicyConfig.wordsConfig";

/// Lists whose items say what a company does not want to be said.
const WORD_LISTS: [&str; 2] = [WORDS, "sensitiveInformationPolicyConfig.regexesConfig"];

fn digest(text: &str) -> String {
    let digest = hex::encode(Sha256::digest(text.as_bytes()));
    format!("sha256:{}", digest.get(..12).unwrap_or_default())
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "(absent)".to_owned());
        match self.strength {
            None | Some(Strength::Same) => {}
            Some(strength) => write!(f, "{}: ", strength.as_str())?,
        }
        write!(f, "{}: {} → {}", self.path, side(&self.old), side(&self.new))
    }
}

/// Lists every leaf in which two JSON documents differ, in order of the path. List items that
/// carry a `name`, `type`, `text` or `Sid` are matched by it, others by position.
pub fn changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    let (old, new) = (leaves(old), leaves(new));
    let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .map(|path| FieldChange {
            path: path.clone(),
            old: old.get(path).cloned(),
            new: new.get(path).cloned(),
            strength: None,
        })
        .collect()
}

fn leaves(document: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(document, String::new(), &mut found);
    found
}

fn collect(value: &Value, path: String, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(member, path, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                let key = natural_key(item).unwrap_or_else(|| index.to_string());
                collect(item, format!("{path}[{key}]"), found);
            }
        }
        Value::String(text) => {
            found.insert(path, text.clone());
        }
        Value::Null => {}
        Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_) => {
            found.insert(path, value.to_string());
        }
    }
}

fn natural_key(item: &Value) -> Option<String> {
    ["name", "type", "text", "Sid"]
        .iter()
        .find_map(|key| item.get(key).and_then(Value::as_str))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_are_matched_by_natural_key_not_by_position() {
        let old = json!({"f": [{"type": "HATE", "s": "HIGH"}, {"type": "INSULTS", "s": "LOW"}]});
        let new = json!({"f": [{"type": "INSULTS", "s": "LOW"}, {"type": "HATE", "s": "LOW"}]});
        let found: Vec<String> = changes(&old, &new).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["f[HATE].s: HIGH → LOW"]);
    }

    #[test]
    fn words_and_patterns_are_not_in_what_logs_say() {
        let old = json!({
            "wordPolicyConfig": {"wordsConfig": [{"text": "heliotrope]"}]},
            "sensitiveInformationPolicyConfig": {"regexesConfig": [{"name": "badge", "pattern": "B[0-9]+"}]},
        });
        let new = json!({
            "wordPolicyConfig": {"wordsConfig": [{"text": "amaranth", "inputAction": "BLOCK"}]},
            "sensitiveInformationPolicyConfig": {"regexesConfig": [{"name": "badge", "pattern": "C[0-9]+"}]},
        });
        let said: Vec<String> =
            changes(&old, &new).iter().map(|it| it.without_words().to_string()).collect();
        let said = said.join("\n");
        for secret in ["heliotrope", "amaranth", "B[0-9]", "C[0-9]"] {
            assert!(!said.contains(secret), "{said}");
        }
        for told in ["regexesConfig[badge].pattern: sha256:", "inputAction: (absent) → BLOCK"] {
            assert!(said.contains(told), "{said}");
        }
    }

    #[test]
    fn a_member_on_one_side_only_is_absent_on_the_other() {
        let found: Vec<String> = changes(&json!({"a": 1}), &json!({"b": [1, 2]}))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["a: 1 → (absent)", "b: (absent) → [1,2]"]);
    }
}
