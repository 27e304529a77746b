//! What a guardrail finds in text. Deterministic: words, regexes and common PII are really
//! matched; topics and harmful content are recognised by marker phrases, since no model runs here.
//!
//! # What does not belong here
//!
//! Which guardrails apply to which text is [`guards`](super::guards)'s; how findings are reported
//! is [`assessment`](super::assessment)'s.

mod filters;
mod grounding;
mod sensitive;
mod topics;
mod words;

use serde_json::{Map, Value};

use super::super::bedrock::Content;

pub(super) use grounding::Grounding;

/// Which side of the model the text is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// What a caller sends.
    Input,
    /// What the model answers.
    Output,
}

/// What a guardrail does about a finding; the greater is the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Only reports it.
    None,
    /// Masks it.
    Anonymize,
    /// Blocks the whole text.
    Block,
}

impl Action {
    /// As assessments spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Anonymize => "ANONYMIZED",
            Self::Block => "BLOCKED",
        }
    }
}

/// Where a finding is listed in an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Topics,
    Filters,
    CustomWords,
    ManagedWords,
    Pii,
    Regexes,
    Grounding,
}

impl Listing {
    /// The policy and the list in `GuardrailAssessment`.
    pub(super) fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::Topics => ("topicPolicy", "topics"),
            Self::Filters => ("contentPolicy", "filters"),
            Self::CustomWords => ("wordPolicy", "customWords"),
            Self::ManagedWords => ("wordPolicy", "managedWordLists"),
            Self::Pii => ("sensitiveInformationPolicy", "piiEntities"),
            Self::Regexes => ("sensitiveInformationPolicy", "regexes"),
            Self::Grounding => ("contextualGroundingPolicy", "filters"),
        }
    }
}

/// One thing a policy looked for.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) listing: Listing,
    pub(super) action: Action,
    /// `false` for what was looked for and not found, which only full traces show.
    pub(super) is_detected: bool,
    /// The members of the entry beside `action` and `detected`.
    pub(super) entry: Map<String, Value>,
}

/// A piece of a passage that is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mask {
    /// The passage's number.
    pub(super) passage: usize,
    /// Byte offsets in the passage.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) placeholder: String,
}

/// Text to look at, under the number its masks are to carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

/// Everything a guardrail looks at at once.
#[derive(Clone, Debug)]
pub(super) struct Material<'a> {
    pub(super) source: Source,
    pub(super) passages: Vec<Passage<'a>>,
    /// What answers must be grounded in.
    pub(super) grounding: Option<&'a Grounding>,
}

impl Material<'_> {
    /// How many characters the guardrail looks at.
    pub(super) fn characters(&self) -> usize {
        self.passages.iter().map(|passage| passage.text.chars().count()).sum()
    }
}

/// What one guardrail found.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluation {
    pub(super) findings: Vec<Finding>,
    pub(super) masks: Vec<Mask>,
}

impl Evaluation {
    /// The strictest action of what was found.
    pub(super) fn verdict(&self) -> Action {
        self.findings
            .iter()
            .filter(|finding| finding.is_detected)
            .map(|finding| finding.action)
            .max()
            .unwrap_or(Action::None)
    }
}

/// Looks at `material` with every policy of `content`.
pub(super) fn evaluate(content: &Content, material: &Material<'_>) -> Evaluation {
    let mut evaluation = Evaluation::default();
    topics::find(content, material, &mut evaluation);
    filters::find(content, material, &mut evaluation);
    words::find(content, material, &mut evaluation);
    sensitive::find(content, material, &mut evaluation);
    grounding::find(content, material, &mut evaluation);
    evaluation
}

/// Replaces masked pieces of `text`; where masks overlap, the one that starts first wins.
pub(super) fn apply_masks(text: &str, number: usize, masks: &[Mask]) -> String {
    let mut masks: Vec<&Mask> = masks.iter().filter(|mask| mask.passage == number).collect();
    masks.sort_by_key(|mask| (mask.start, std::cmp::Reverse(mask.end)));
    let mut masked = String::new();
    let mut position = 0;
    for mask in masks {
        let Some(kept) = text.get(position..mask.start) else { continue };
        masked.push_str(kept);
        masked.push_str(&mask.placeholder);
        position = mask.end;
    }
    masked.push_str(text.get(position..).unwrap_or_default());
    masked
}

/// What a rule does on this side of the model; `None` when it is switched off there.
fn action_of(rule: &Value, source: Source) -> Option<Action> {
    let (enabled, action) = match source {
        Source::Input => ("inputEnabled", "inputAction"),
        Source::Output => ("outputEnabled", "outputAction"),
    };
    if rule.get(enabled).and_then(Value::as_bool) == Some(false) {
        return None;
    }
    let action = rule.get(action).or_else(|| rule.get("action")).and_then(Value::as_str);
    Some(match action {
        Some("NONE") => Action::None,
        Some("ANONYMIZE") => Action::Anonymize,
        Some(_) | None => Action::Block,
    })
}

fn text_of<'a>(rule: &'a Value, member: &str) -> &'a str {
    rule.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn entry<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(member, value)| (member.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests;
