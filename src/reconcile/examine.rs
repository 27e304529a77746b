//! Puts guardrails to their tests.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use super::act::ActError;
use super::engine::Engine;
use super::key::Key;
use super::state::State;
use crate::aws::{AwsError, Caller, GuardrailVersion};
use crate::model::{
    Answer, Answers, Cell, GuardrailArn, GuardrailStatus, GuardrailTests, Name, Presence,
    ReplicaContent, ReplicaKey, Sample, Version,
};
use crate::plan::{self, Exam, ExamSubject, TestState};
use crate::status::{Condition, ConditionStatus, Outcome};

/// The type of the condition that tests give.
const TESTS_PASSING: &str = "TestsPassing";

/// Which state of each guardrail is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// What is enforced; where nothing is, what is published of the manifest's content.
    Live,
    /// What would be published next.
    Draft,
    /// One version, by its number in each Region.
    Version(Version),
}

/// Something that can be put to the tests of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The replica.
    pub key: ReplicaKey,
    /// What it has to pass.
    pub tests: Arc<GuardrailTests>,
    /// Its ARN and the version, `None` for DRAFT; or why there is nothing to ask.
    pub subject: Result<(GuardrailArn, Option<Version>), String>,
}

impl Engine {
    /// All replicas with tests, as far as they were read: those of one guardrail, or of all.
    pub fn candidates(&self, only: Option<&Name>, which: Which) -> Vec<Candidate> {
        let state = self.state();
        let wanted = state.desired.replicas.iter().filter(|(key, desired)| {
            desired.state == Presence::Present
                && !desired.tests.cases.is_empty()
                && only.is_none_or(|name| *name == key.guardrail)
        });
        let mut candidates = Vec::new();
        for (key, desired) in wanted {
            let subjects = match (state.facts.replicas.get(key), which) {
                (None, _) => vec![Err("no guardrail of ours was read here".to_owned())],
                (Some(fact), Which::Draft) => vec![Ok((fact.arn.clone(), None))],
                (Some(fact), Which::Version(version)) => {
                    vec![Ok((fact.arn.clone(), Some(version)))]
                }
                (Some(fact), Which::Live) => {
                    let versions = plan::live_versions(fact, desired, &state.facts);
                    if versions.is_empty() {
                        vec![Err("no version of it is enforced or published".to_owned())]
                    } else {
                        let subject = |version| Ok((fact.arn.clone(), Some(version)));
                        versions.into_iter().map(subject).collect()
                    }
                }
            };
            candidates.extend(subjects.into_iter().map(|subject| Candidate {
                key: key.clone(),
                tests: Arc::clone(&desired.tests),
                subject,
            }));
        }
        candidates
    }

    /// Asks what `exam` names and keeps the answers. Those of DRAFT count only if it held the same
    /// content before the first and after the last.
    ///
    /// # Errors
    ///
    /// A call that failed is neither pass nor fail: what was answered before it is kept, and the
    /// next exam asks for the rest.
    pub(super) async fn examine(&self, key: &ReplicaKey, exam: &Exam) -> Result<(), ActError> {
        let Exam { arn, subject, samples } = exam;
        let version = match subject {
            ExamSubject::Draft(content) => {
                self.expect_draft(arn, content).await?;
                None
            }
            ExamSubject::Version(version) => Some(*version),
        };
        let mut answers = Answers::new();
        let mut failed = None;
        for sample in samples {
            if self.stop.is_cancelled() {
                break;
            }
            match self.try_sample(arn, version, sample).await {
                Ok(answer) => {
                    answers.insert(sample.clone(), answer);
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let ExamSubject::Draft(content) = subject
            && !answers.is_empty()
        {
            self.expect_draft(arn, content).await?;
        }
        let mut state = self.state();
        state.replicas.entry(key.clone()).or_default().answered(subject, answers);
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// One billed call: what a version, or DRAFT, does with a text, in its own account.
    pub async fn try_sample(
        &self,
        arn: &GuardrailArn,
        version: Option<Version>,
        sample: &Sample,
    ) -> Result<Answer, AwsError> {
        let cell = Cell { account: arn.account.clone(), region: arn.region.clone() };
        let (caller, Sample { side, text }) = (Caller::member(&cell), sample);
        let answered = match version {
            Some(version) => {
                let guardrail = GuardrailVersion { arn: arn.clone(), version };
                self.aws.apply_guardrail(caller, &guardrail, *side, text).await
            }
            None => self.aws.apply_draft(caller, arn, *side, text).await,
        };
        answered.map(Answer::from)
    }

    async fn expect_draft(
        &self,
        arn: &GuardrailArn,
        content: &ReplicaContent,
    ) -> Result<(), ActError> {
        let (status, draft) = self.aws.draft(arn).await?;
        if status == GuardrailStatus::Ready && draft.is_version_of(content) {
            Ok(())
        } else {
            Err(ActError::Moved { object: format!("DRAFT of {arn}") })
        }
    }
}

impl State {
    /// The conditions of a key. One that stays as it was keeps the time it became so.
    pub(super) fn conditions(&self, key: &Key, now: Timestamp) -> Vec<Condition> {
        let Key::Replica(replica) = key else { return Vec::new() };
        let (Some(desired), Some(memory)) =
            (self.desired.replicas.get(replica), self.replicas.get(replica))
        else {
            return Vec::new();
        };
        let Some(state) = plan::test_state(desired, memory) else { return Vec::new() };
        let (status, reason, message) = match state {
            TestState::Passing(message) => (ConditionStatus::True, "Passed", message),
            TestState::Failing(message) => (ConditionStatus::False, "TestsFailing", message),
            TestState::Unknown(message) => (ConditionStatus::Unknown, "NotRun", message),
        };
        let before = self.board.outcomes().get(key).and_then(|it| condition(it, TESTS_PASSING));
        let same = before.filter(|before| before.status == status);
        vec![Condition {
            r#type: TESTS_PASSING.into(),
            status,
            reason: reason.into(),
            message,
            observed_generation: self.desired.generation,
            last_transition_time: same.map_or(now, |before| before.last_transition_time),
        }]
    }
}

/// Logs conditions that are not what they were.
pub(super) fn say_changes(key: &Key, outcome: &Outcome, before: Option<&Outcome>) {
    for now in &outcome.conditions {
        let old = before.and_then(|it| condition(it, &now.r#type));
        if old.is_some_and(|old| old.status == now.status && old.message == now.message) {
            continue;
        }
        let Condition { r#type, message, .. } = now;
        let reason = &*now.reason;
        match now.status {
            ConditionStatus::True => info!(%key, reason, "{type} is true: {message}"),
            ConditionStatus::False => warn!(%key, reason, "{type} is false: {message}"),
            ConditionStatus::Unknown => {}
        }
    }
}

fn condition<'a>(outcome: &'a Outcome, kind: &str) -> Option<&'a Condition> {
    outcome.conditions.iter().find(|it| it.r#type == kind)
}
