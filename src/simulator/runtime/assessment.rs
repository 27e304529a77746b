//! How what a guardrail found is reported: `GuardrailAssessment` and its parts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::bedrock::Content;
use super::evaluate::{Action, Evaluation, Finding, Listing};
use super::guards::Guard;

/// How much a caller wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// What was found.
    Found,
    /// Also what was looked for and not found.
    Full,
}

/// How much text there was, and how much of it a guardrail looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coverage {
    pub(super) guarded: usize,
    pub(super) total: usize,
}

impl Coverage {
    /// `guardrailCoverage`.
    pub(super) fn render(self) -> Value {
        json!({"textCharacters": {"guarded": self.guarded, "total": self.total}})
    }
}

/// A `GuardrailAssessment` of one guardrail, for a caller of `account`.
pub(super) fn assessment(
    guard: &Guard,
    evaluation: &Evaluation,
    coverage: Coverage,
    detail: Detail,
    account: &str,
) -> Value {
    let mut assessment = Map::new();
    for finding in &evaluation.findings {
        if finding.is_detected || (detail == Detail::Full && is_shown_unfound(finding.listing)) {
            list(&mut assessment, finding);
        }
    }
    complete_lists(&mut assessment);
    assessment.insert(
        "invocationMetrics".to_owned(),
        json!({
            // A plausible figure that depends on nothing but the text.
            "guardrailProcessingLatency": 100 + coverage.guarded / 10,
            "usage": usage(&guard.content, coverage.guarded),
            "guardrailCoverage": coverage.render(),
        }),
    );
    let origins: Vec<&str> = guard.origins.iter().map(|origin| origin.name()).collect();
    let ownership = if guard.reference.owner == account { "SELF" } else { "CROSS_ACCOUNT" };
    assessment.insert(
        "appliedGuardrailDetails".to_owned(),
        json!({
            "guardrailId": guard.reference.id,
            "guardrailVersion": guard.version(),
            "guardrailArn": guard.reference.arn,
            "guardrailOrigin": origins,
            "guardrailOwnership": ownership,
        }),
    );
    assessment.into()
}

/// `usage`: text units of 1,000 characters, for each kind of policy the guardrail has.
pub(super) fn usage(content: &Content, characters: usize) -> Value {
    let units = |lists: &[(&str, &str)]| {
        let is_used = lists.iter().any(|(policy, list)| !content.rules(policy, list).is_empty());
        if is_used { characters.div_ceil(1000) } else { 0 }
    };
    let words =
        [("wordPolicyConfig", "wordsConfig"), ("wordPolicyConfig", "managedWordListsConfig")];
    let sensitive = "sensitiveInformationPolicyConfig";
    json!({
        "topicPolicyUnits": units(&[("topicPolicyConfig", "topicsConfig")]),
        "contentPolicyUnits": units(&[("contentPolicyConfig", "filtersConfig")]),
        "wordPolicyUnits": units(&words),
        "sensitiveInformationPolicyUnits": units(&[(sensitive, "piiEntitiesConfig")]),
        "sensitiveInformationPolicyFreeUnits": units(&[(sensitive, "regexesConfig")]),
        "contextualGroundingPolicyUnits":
            units(&[("contextualGroundingPolicyConfig", "filtersConfig")]),
    })
}

/// `actionReason`, for a person.
pub(super) fn reason(verdict: Action) -> &'static str {
    match verdict {
        Action::None => "No action.",
        Action::Anonymize => "Guardrail masked.",
        Action::Block => "Guardrail blocked.",
    }
}

/// Assessments by guardrail id. Two versions of one guardrail share an entry: lists are joined, the
/// first one names the version.
#[derive(Clone, Debug, Default)]
pub(super) struct ById(BTreeMap<String, Value>);

impl ById {
    /// Adds the assessment of a guardrail.
    pub(super) fn add(&mut self, id: &str, assessment: Value) {
        match self.0.get_mut(id) {
            Some(first) => join(first, assessment),
            None => {
                self.0.insert(id.to_owned(), assessment);
            }
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each id with its assessment as `as_value` has it.
    pub(super) fn map(&self, as_value: impl Fn(&Value) -> Value) -> Value {
        let entries = self.0.iter();
        Value::Object(entries.map(|(id, value)| (id.clone(), as_value(value))).collect())
    }
}

fn join(first: &mut Value, second: Value) {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            for (member, value) in second {
                match first.get_mut(&member) {
                    Some(known) => join(known, value),
                    None => {
                        first.insert(member, value);
                    }
                }
            }
        }
        (Value::Array(first), Value::Array(second)) => {
            for item in second {
                if !first.contains(&item) {
                    first.push(item);
                }
            }
        }
        _ => {}
    }
}

/// Full output names topics, filters and grounding that found nothing; words and PII never.
fn is_shown_unfound(listing: Listing) -> bool {
    match listing {
        Listing::Topics | Listing::Filters | Listing::Grounding => true,
        Listing::CustomWords | Listing::ManagedWords | Listing::Pii | Listing::Regexes => false,
    }
}

fn list(assessment: &mut Map<String, Value>, finding: &Finding) {
    let (policy, listing) = finding.listing.path();
    let mut entry = finding.entry.clone();
    let action = if finding.is_detected { finding.action } else { Action::None };
    entry.insert("action".to_owned(), action.name().into());
    entry.insert("detected".to_owned(), finding.is_detected.into());
    let policy = assessment.entry(policy).or_insert_with(|| json!({}));
    if let Value::Object(policy) = policy {
        let listing = policy.entry(listing).or_insert_with(|| json!([]));
        if let Value::Array(listing) = listing {
            listing.push(entry.into());
        }
    }
}

/// Both lists of a policy that has two are required in the model, empty or not.
fn complete_lists(assessment: &mut Map<String, Value>) {
    for (policy, lists) in [
        ("wordPolicy", ["customWords", "managedWordLists"]),
        ("sensitiveInformationPolicy", ["piiEntities", "regexes"]),
    ] {
        if let Some(Value::Object(policy)) = assessment.get_mut(policy) {
            for list in lists {
                policy.entry(list).or_insert_with(|| json!([]));
            }
        }
    }
}
