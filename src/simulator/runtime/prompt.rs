//! A prompt after its wire form: segments of text, each knowing where it stands and whether it is
//! tagged as guard content.

use super::evaluate::{Grounding, Mask, Passage, apply_masks};
use super::guards::Selective;

/// Where a segment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    System,
    /// A message; the last one is what the model answers.
    Message(usize),
}

/// A piece of the prompt.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) part: Part,
    pub(super) text: String,
    /// Whether it stands in a `guardContent` block or tag.
    pub(super) is_tagged: bool,
    /// `grounding_source`, `query`, `guard_content`.
    pub(super) qualifiers: Vec<String>,
}

impl Segment {
    /// Plain text.
    pub(super) fn plain(part: Part, text: &str) -> Self {
        Self { part, text: text.to_owned(), is_tagged: false, qualifiers: Vec::new() }
    }

    /// Whether the text is reference material and not guard content.
    fn is_reference(&self) -> bool {
        !self.qualifiers.is_empty() && !self.qualifiers.iter().any(|word| word == "guard_content")
    }
}

/// Everything a caller sends to a model.
#[derive(Clone, Debug, Default)]
pub(super) struct Prompt {
    pub(super) segments: Vec<Segment>,
}

impl Prompt {
    /// What a guardrail looks at (`aws-facts` 2.4): everything, or where guarding is selective the
    /// tagged segments; messages without any tag are looked at as a whole, a system prompt without
    /// a tag not at all.
    pub(super) fn passages(&self, selective: Selective) -> Vec<Passage<'_>> {
        let has_tagged_message =
            self.segments.iter().any(|segment| segment.is_tagged && segment.part != Part::System);
        let is_looked_at = |segment: &Segment| match segment.part {
            Part::System => !selective.system || segment.is_tagged,
            Part::Message(_) => !selective.messages || !has_tagged_message || segment.is_tagged,
        };
        self.segments
            .iter()
            .enumerate()
            .filter(|(_, segment)| is_looked_at(segment) && !segment.is_reference())
            .map(|(number, segment)| Passage { number, text: &segment.text })
            .collect()
    }

    /// The characters of the whole prompt.
    pub(super) fn characters(&self) -> usize {
        self.segments.iter().map(|segment| segment.text.chars().count()).sum()
    }

    /// What the answer must be grounded in, if the prompt says.
    pub(super) fn grounding(&self) -> Option<Grounding> {
        let qualified = |qualifier: &str| -> Vec<&str> {
            self.segments
                .iter()
                .filter(|segment| segment.qualifiers.iter().any(|word| word == qualifier))
                .map(|segment| segment.text.as_str())
                .collect()
        };
        let source = qualified("grounding_source");
        if source.is_empty() {
            return None;
        }
        Some(Grounding { source: source.join(" "), query: qualified("query").join(" ") })
    }

    /// Masks what guardrails anonymise.
    pub(super) fn mask(&mut self, masks: &[Mask]) {
        for (number, segment) in self.segments.iter_mut().enumerate() {
            segment.text = apply_masks(&segment.text, number, masks);
        }
    }

    /// The words of the prompt: the simulated model's tokens.
    pub(super) fn tokens(&self) -> usize {
        self.segments.iter().map(|segment| segment.text.split_whitespace().count()).sum()
    }

    /// The simulated model: `[say:TEXT]` in the last message makes it answer TEXT, anything else is
    /// echoed. It stops after `tokens_max` words; the flag tells whether it did.
    pub(super) fn answer(&self, tokens_max: Option<usize>) -> (String, bool) {
        let last = self.segments.iter().rev().find_map(|segment| match segment.part {
            Part::Message(index) => Some(index),
            Part::System => None,
        });
        let question: Vec<&str> = self
            .segments
            .iter()
            .filter(|segment| last.is_some_and(|last| segment.part == Part::Message(last)))
            .filter(|segment| !segment.is_reference())
            .map(|segment| segment.text.as_str())
            .collect();
        let question = question.join(" ");
        let told = question
            .split_once("[say:")
            .and_then(|(_, rest)| rest.split_once(']'))
            .map(|(told, _)| told.to_owned());
        let answer = told.unwrap_or_else(|| format!("You said: {question}"));
        let words: Vec<&str> = answer.split_whitespace().collect();
        match tokens_max.and_then(|max| words.get(..max)) {
            Some(kept) if kept.len() < words.len() => (kept.join(" "), true),
            Some(_) | None => (answer, false),
        }
    }
}
