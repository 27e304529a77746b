use std::sync::Arc;

use super::*;
use crate::model::{Action, Answer, Answers, GuardrailTest, GuardrailTests, Sample, Side};
use crate::plan::fixture::fact;

const TEXTS: [&str; 2] = ["good", "bad"];

fn sample(text: &str) -> Sample {
    Sample { side: Side::Input, text: text.to_owned() }
}

/// What was answered, the summary, how much is left to ask.
type TrialCase<'a> = (&'a [(&'a str, Action)], &'a str, usize);

/// `good` must pass, `bad` must not.
fn tests(interval: Option<u64>) -> Arc<GuardrailTests> {
    let actions = [Action::None, Action::Intervened];
    let case = |(text, action)| GuardrailTest { name: None, sample: sample(text), action };
    let cases = TEXTS.into_iter().zip(actions).map(case).collect();
    Arc::new(GuardrailTests { cases, interval: interval.map(Duration::from_secs) })
}

fn tested(content: &ReplicaContent, interval: Option<u64>) -> DesiredReplica {
    DesiredReplica { tests: tests(interval), ..desired(content) }
}

fn answers(given: &[(&str, Action)]) -> Answers {
    let answer = |action| Answer { action, rules: BTreeSet::new() };
    given.iter().map(|(text, action)| (sample(text), answer(*action))).collect()
}

/// Plans twice, and again after these answers.
fn answered(want: &DesiredReplica, seen: &ObservedReplica, given: &[(&str, Action)]) -> Plan {
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    plan_replica(&key(), want, seen, &mut memory, &world.context());
    world.wait(5);
    let plan = plan_replica(&key(), want, seen, &mut memory, &world.context());
    let exam = plan.exam.expect("something is to be asked");
    assert_eq!(exam.samples, TEXTS.map(sample).into());
    memory.answered(&exam.subject, answers(given));
    plan_replica(&key(), want, seen, &mut memory, &world.context())
}

#[test]
fn only_what_passes_every_test_is_published() {
    use Action::{Intervened, None};
    let a = content("a");
    let (want, seen) = (tested(&a, Option::None), live(&a, |_| {}));
    let cases: [TrialCase; 5] = [
        (&[("good", None), ("bad", Intervened)], "CreateGuardrailVersion", 0),
        (&[("good", Intervened), ("bad", Intervened)], "held TestsFailing", 0),
        (&[("good", None), ("bad", None)], "held TestsFailing", 0),
        (&[("good", None)], "held Testing", 1),
        (&[("good", Intervened)], "held TestsFailing", 0),
    ];
    for (given, expected, asked) in cases {
        let plan = answered(&want, &seen, given);
        assert_eq!(summary(&plan), [expected], "{given:?}");
        let left = plan.exam.map_or(0, |exam| exam.samples.len());
        assert_eq!(left, asked, "{given:?}");
    }
}

#[test]
fn answers_of_one_content_say_nothing_of_another() {
    let (a, b) = (content("a"), content("b"));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let passing = answers(&[("good", Action::None), ("bad", Action::Intervened)]);
    memory.answered(&Subject::Draft(Box::new(a)), passing);
    let (want, seen) = (tested(&b, None), live(&b, |_| {}));
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Testing"]);
}

#[test]
fn answers_of_one_content_add_up() {
    let a = content("a");
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let (want, seen) = (tested(&a, None), live(&a, |_| {}));
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.wait(5);
    for (given, expected) in [
        (("good", Action::None), "held Testing"),
        (("bad", Action::Intervened), "CreateGuardrailVersion"),
    ] {
        memory.answered(&Subject::Draft(Box::new(a.clone())), answers(&[given]));
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), [expected]);
    }
    // What another content answered takes their place.
    memory.answered(&Subject::Draft(Box::new(content("b"))), Answers::new());
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Testing"]);
}

#[test]
fn a_schedule_asks_only_the_tests_there_are_and_the_versions_that_were_read() {
    let a = content("a");
    let (all, fact) = (tested(&a, Some(60)), fact(&[(1, &a)]));
    let mut facts = World::new().facts;
    // Nobody knows what is in version 9.
    facts.cells.insert(cell(MEMBER), Some((fact.arn.clone(), version(9))));
    assert_eq!(live_versions(&fact, &all, &facts), BTreeSet::from([version(1)]));
    let mut memory = ReplicaMemory::default();
    let mut asked = |want: &DesiredReplica| {
        let (exam, _) = scheduled_exam(want, &fact, &facts, &mut memory, Duration::ZERO);
        exam.map(|it| it.samples).unwrap_or_default()
    };
    assert_eq!(asked(&all), TEXTS.map(sample).into());
    let mut fewer = all.clone();
    Arc::make_mut(&mut fewer.tests).cases.pop();
    assert_eq!(asked(&fewer), BTreeSet::from([sample("good")]));
}

#[test]
fn a_published_revision_is_not_tested_again() {
    let a = content("a");
    let seen = live(&a, |it| it.versions = [published(1, &a)].into());
    let plan = second(&mut World::new(), &tested(&a, None), &seen);
    assert_eq!((summary(&plan), plan.exam), (Vec::new(), None));
}

#[test]
fn the_schedule_asks_at_once_and_then_once_per_interval() {
    let (a, b) = (content("a"), content("b"));
    let (want, fact) = (tested(&b, Some(60)), fact(&[(1, &a), (2, &b)]));
    let mut facts = World::new().facts;
    let mut memory = ReplicaMemory::default();
    let mut ask = |facts: &crate::model::Facts, seconds| {
        let now = Duration::from_secs(seconds);
        let (exam, again) = scheduled_exam(&want, &fact, facts, &mut memory, now);
        if let Some(exam) = &exam {
            let given = answers(&[("good", Action::None), ("bad", Action::Intervened)]);
            memory.answered(&exam.subject, given);
        }
        (exam.map(|exam| exam.subject), again.unwrap().as_secs())
    };
    assert_eq!(ask(&facts, 0), (Some(Subject::Version(version(2))), 60), "what is published");
    assert_eq!(ask(&facts, 59), (None, 1));
    assert_eq!(ask(&facts, 60), (Some(Subject::Version(version(2))), 60));
    assert_eq!(ask(&facts, 61), (None, 59));
    // What is enforced is what matters.
    facts.cells.insert(cell(MEMBER), Some((fact.arn.clone(), version(1))));
    assert_eq!(ask(&facts, 62), (Some(Subject::Version(version(1))), 60));
    assert_eq!(ask(&facts, 63), (None, 59));
}

#[test]
fn a_failure_anywhere_is_the_state_of_all() {
    let a = content("a");
    let want = tested(&a, Some(60));
    let mut memory = ReplicaMemory::default();
    assert!(matches!(test_state(&want, &memory), Some(TestState::Unknown(_))));
    let passing = answers(&[("good", Action::None), ("bad", Action::Intervened)]);
    memory.answered(&Subject::Draft(Box::new(a)), passing);
    assert!(matches!(test_state(&want, &memory), Some(TestState::Passing(_))));
    let failing = answers(&[("good", Action::Intervened)]);
    memory.answered(&Subject::Version(version(1)), failing);
    let Some(TestState::Failing(message)) = test_state(&want, &memory) else { panic!() };
    assert_eq!(message, "version 1: test 1 (good): expected NONE, got GUARDRAIL_INTERVENED");
    assert_eq!(test_state(&desired(&content("a")), &memory), None);
}
