//! Tests of a guardrail: texts, what should become of them, and what did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// On which side of a model a text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    /// What a user sends.
    #[default]
    Input,
    /// What a model answers.
    Output,
}

/// What a guardrail does with a text, as `ApplyGuardrail` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing.
    None,
    /// It blocked or masked.
    Intervened,
}

impl Action {
    /// As AWS spells it: `NONE`, `GUARDRAIL_INTERVENED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Intervened => "GUARDRAIL_INTERVENED",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text on one side of a model: what one call of `ApplyGuardrail` asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Where it stands.
    pub side: Side,
    /// What is said.
    pub text: String,
}

/// What a guardrail did with a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was done.
    pub action: Action,
    /// The rules that found something: `contentPolicyConfig HATE`. Never the words they found.
    pub rules: BTreeSet<String>,
}

/// All that a guardrail has answered, by sample.
pub type Answers = BTreeMap<Sample, Answer>;

/// One test of a guardrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardrailTest {
    /// What people call it.
    pub name: Option<String>,
    /// What is asked.
    pub sample: Sample,
    /// What should be done.
    pub action: Action,
}

/// Characters of a text that stand for it where it has no name.
const SHOWN_MAX: usize = 40;

impl GuardrailTest {
    /// Its name, or the beginning of its text.
    pub fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let mut shown: String = self.sample.text.chars().take(SHOWN_MAX).collect();
        if shown.len() < self.sample.text.len() {
            shown.push('…');
        }
        shown
    }

    /// How `answer` differs from what should be done: `: expected NONE, got …`, with the rules.
    pub fn failure(&self, answer: &Answer) -> String {
        let rules = answer.rules.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let by = if rules.is_empty() { "" } else { " by " };
        format!(": expected {}, got {}{by}{rules}", self.action, answer.action)
    }

    /// Whether `answer` is what should be done.
    pub fn passes(&self, answer: &Answer) -> bool {
        self.action == answer.action
    }
}

/// All tests of a guardrail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailTests {
    /// In the order of the manifest.
    pub cases: Vec<GuardrailTest>,
    /// How often they are repeated on what is enforced; `None`: never.
    pub interval: Option<Duration>,
}

impl GuardrailTests {
    /// What has to be asked: equal texts once.
    pub fn samples(&self) -> BTreeSet<Sample> {
        self.cases.iter().map(|test| test.sample.clone()).collect()
    }

    /// What `answers` leaves open.
    pub fn unanswered(&self, answers: &Answers) -> BTreeSet<Sample> {
        let mut samples = self.samples();
        samples.retain(|sample| !answers.contains_key(sample));
        samples
    }

    /// The answered tests that fail, one line each: number, name, expected and got. Holds neither
    /// a long text nor the words a rule found.
    pub fn failures(&self, answers: &Answers) -> Vec<String> {
        let numbered = self.cases.iter().zip(1_usize..);
        let failing = numbered.filter_map(|(test, number)| {
            let answer = answers.get(&test.sample).filter(|answer| !test.passes(answer))?;
            Some(format!("test {number} ({}){}", test.title(), test.failure(answer)))
        });
        failing.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(name: Option<&str>, text: &str, action: Action) -> GuardrailTest {
        let sample = Sample { side: Side::Input, text: text.to_owned() };
        GuardrailTest { name: name.map(str::to_owned), sample, action }
    }

    fn answer(action: Action, rules: &[&str]) -> Answer {
        Answer { action, rules: rules.iter().map(|rule| (*rule).to_owned()).collect() }
    }

    #[test]
    fn a_failure_names_the_test_and_what_was_expected_but_no_long_text() {
        let long = "a".repeat(1000);
        let tests = GuardrailTests {
            cases: vec![
                test(Some("refunds"), "refund?", Action::None),
                test(None, &long, Action::Intervened),
                test(None, "fine", Action::None),
            ],
            interval: None,
        };
        let answers = Answers::from([
            (tests.cases[0].sample.clone(), answer(Action::Intervened, &["topicPolicyConfig x"])),
            (tests.cases[1].sample.clone(), answer(Action::None, &[])),
        ]);
        let shown = format!("{}…", "a".repeat(40));
        assert_eq!(
            tests.failures(&answers),
            [
                "test 1 (refunds): expected NONE, got GUARDRAIL_INTERVENED by topicPolicyConfig x"
                    .to_owned(),
                format!("test 2 ({shown}): expected GUARDRAIL_INTERVENED, got NONE"),
            ]
        );
        assert_eq!(tests.unanswered(&answers), BTreeSet::from([tests.cases[2].sample.clone()]));
    }

    #[test]
    fn equal_texts_are_asked_once() {
        let cases = vec![test(Some("a"), "x", Action::None), test(Some("b"), "x", Action::None)];
        assert_eq!(GuardrailTests { cases, interval: None }.samples().len(), 1);
    }
}
