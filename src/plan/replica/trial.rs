//! Decides which tests a guardrail has to be put to, and what their answers mean.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{ReplicaMemory, Visit};
use crate::model::{
    Answers, DesiredReplica, Facts, GuardrailArn, GuardrailTests, ObservedGuardrail,
    ReplicaContent, ReplicaFact, ReplicaRevision, Sample, Version,
};
use crate::plan::hold::listed;
use crate::plan::step::{Held, HoldReason, Plan};

/// What is put to tests.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// DRAFT, only while it is READY and holds this content: before the first test and after the
    /// last. Boxed: contents are large.
    Draft(Box<ReplicaContent>),
    /// A published version, which never changes.
    Version(Version),
}

/// Texts to be tried on a guardrail. The executor calls `ApplyGuardrail` once for each and reports
/// to [`ReplicaMemory::answered`].
#[derive(Clone, Debug, PartialEq)]
pub struct Exam {
    /// Which guardrail.
    pub arn: GuardrailArn,
    /// Which state of it.
    pub subject: Subject,
    /// What is asked.
    pub samples: BTreeSet<Sample>,
}

/// What a guardrail has answered in this process. An answer is of one content: a text that was
/// tried once is not tried again on the same, whatever tests are added beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trials {
    draft: Option<(ReplicaRevision, Answers)>,
    versions: BTreeMap<Version, Round>,
}

/// The scheduled tests of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Round {
    /// When the last round began.
    began: Duration,
    /// What of it is still to be asked.
    pending: BTreeSet<Sample>,
    /// The newest answers, those of the round before where this one has none yet.
    answers: Answers,
}

impl Trials {
    pub(super) fn answered(&mut self, subject: &Subject, answers: Answers) {
        match subject {
            Subject::Draft(content) => {
                let revision = content.replica_revision();
                match &mut self.draft {
                    Some((known, before)) if *known == revision => before.extend(answers),
                    Some(_) | None => self.draft = Some((revision, answers)),
                }
            }
            Subject::Version(version) => {
                let round = self.versions.entry(*version).or_default();
                round.pending.retain(|sample| !answers.contains_key(sample));
                round.answers.extend(answers);
            }
        }
    }

    fn of_draft(&self, revision: &ReplicaRevision) -> Option<&Answers> {
        let (known, answers) = self.draft.as_ref()?;
        (known == revision).then_some(answers)
    }
}

/// Whether DRAFT, which is READY and as desired, passes its tests. If not, or not yet, `plan` says
/// so and names what is to be asked.
pub(super) fn is_passed(
    visit: &Visit,
    live: &ObservedGuardrail,
    memory: &ReplicaMemory,
    plan: &mut Plan,
) -> bool {
    let desired = visit.desired;
    let nothing = Answers::new();
    let answers = memory.trials.of_draft(&desired.replica_revision).unwrap_or(&nothing);
    let failures = desired.tests.failures(answers);
    if !failures.is_empty() {
        let message = format!(
            "revision {} fails {} of its {} tests and is not published: {}; correct its content, \
             or the tests",
            desired.revision.short(),
            failures.len(),
            desired.tests.cases.len(),
            listed(&failures)
        );
        plan.hold(Held::for_person(HoldReason::TestsFailing, message));
        return false;
    }
    let samples = desired.tests.unanswered(answers);
    if samples.is_empty() {
        return true;
    }
    let message = format!(
        "revision {} will be published once it has passed {} tests, each a billed call",
        desired.revision.short(),
        samples.len()
    );
    plan.hold(Held::after(HoldReason::Testing, visit.context.timing.own_write_grace, message));
    let subject = Subject::Draft(Box::new(desired.content.clone()));
    plan.exam = Some(Exam { arn: live.arn.clone(), subject, samples });
    false
}

/// The versions of a guardrail that tests of what is live are about: those that an enforcement
/// references, as far as was read; where there is none, the published one of the manifest's
/// content.
pub fn live_versions(
    fact: &ReplicaFact,
    desired: &DesiredReplica,
    facts: &Facts,
) -> BTreeSet<Version> {
    let cells = facts.cells.values().flatten();
    let referenced: BTreeSet<Version> = cells
        .chain(facts.policies.iter().flatten())
        .filter(|(arn, _)| *arn == fact.arn)
        .map(|(_, version)| *version)
        .filter(|version| {
            fact.versions.values().chain(fact.revisions.values()).any(|it| it == version)
        })
        .collect();
    if referenced.is_empty() {
        return fact.versions.get(&desired.replica_revision).copied().into_iter().collect();
    }
    referenced
}

/// What the schedule of a guardrail's tests asks for now, if it has one, and when it asks again.
pub fn scheduled_exam(
    desired: &DesiredReplica,
    fact: &ReplicaFact,
    facts: &Facts,
    memory: &mut ReplicaMemory,
    now: Duration,
) -> (Option<Exam>, Option<Duration>) {
    let Some(interval) = desired.tests.interval else { return (None, None) };
    let versions = live_versions(fact, desired, facts);
    let rounds = &mut memory.trials.versions;
    rounds.retain(|version, _| versions.contains(version));
    let mut wait = interval;
    let mut due = None;
    for version in versions {
        let round = rounds.entry(version).or_insert_with(|| Round {
            began: now,
            pending: desired.tests.samples(),
            ..Round::default()
        });
        let next = round.began + interval;
        if now >= next {
            round.began = now;
            round.pending = desired.tests.samples();
        } else {
            wait = wait.min(next.saturating_sub(now));
        }
        // Tests that were taken out are not asked, those that were added are.
        round.pending.retain(|sample| desired.tests.cases.iter().any(|it| it.sample == *sample));
        let samples: BTreeSet<Sample> =
            desired.tests.unanswered(&round.answers).union(&round.pending).cloned().collect();
        if !samples.is_empty() && due.is_none() {
            let subject = Subject::Version(version);
            due = Some(Exam { arn: fact.arn.clone(), subject, samples });
        }
    }
    (due, Some(wait))
}

/// What the tests of a guardrail say in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestState {
    /// All pass.
    Passing(String),
    /// Some fail; what, and how.
    Failing(String),
    /// Not all were asked yet.
    Unknown(String),
}

/// Judges what was asked of DRAFT, and of the versions under schedule; `None` without tests. A
/// failure of either is a failure.
pub fn test_state(desired: &DesiredReplica, memory: &ReplicaMemory) -> Option<TestState> {
    let tests: &GuardrailTests = &desired.tests;
    if tests.cases.is_empty() {
        return None;
    }
    let draft = memory.trials.of_draft(&desired.replica_revision);
    let draft = draft.map(|it| (format!("revision {}", desired.revision.short()), it));
    let versions = memory.trials.versions.iter();
    let versions = versions.map(|(version, it)| (format!("version {version}"), &it.answers));
    let tried: Vec<(String, &Answers)> = draft.into_iter().chain(versions).collect();
    for (name, answers) in &tried {
        let failures = tests.failures(answers);
        if !failures.is_empty() {
            return Some(TestState::Failing(format!("{name}: {}", listed(&failures))));
        }
    }
    let names = listed(tried.iter().map(|(name, _)| name));
    let is_complete = tried.iter().all(|(_, answers)| tests.unanswered(answers).is_empty());
    Some(match (tried.is_empty(), is_complete) {
        (true, _) => TestState::Unknown("no test was run since the start".to_owned()),
        (false, false) => TestState::Unknown(format!("not all tests of {names} were run yet")),
        (false, true) => TestState::Passing(format!("{names}: all {} pass", tests.cases.len())),
    })
}
