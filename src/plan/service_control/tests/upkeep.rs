//! What is done for policies that are in force already: marked, put right, taken over, let go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::steps::{NAME, Stage, denies, targets};
use crate::model::{
    Attachment, CONTROL_DOCUMENT_TAG, CONTROL_PART_TAG, CONTROL_SELECTION_TAG, CONTROL_TAG,
    ControlBody, ControlForm, ControlMarks, OnDeselect, PolicyId, Presence, Selection, TargetMark,
};
use crate::plan::fixture::{MEMBER, OTHER, SUSPENDED, UNIT, holds, key, summary};
use crate::plan::service_control::ControlStep;
use crate::plan::step::{HoldReason, Plan, Step};

/// The policy that a stage makes first.
const FIRST: &str = "p-created01";

fn id(text: &str) -> PolicyId {
    text.parse().unwrap()
}

/// A stage that is at rest.
fn settled(at: &[&str]) -> Stage {
    let mut stage = Stage::new(&denies("s3:A"), at);
    stage.converge();
    assert_eq!(stage.plan(), Plan::default());
    stage
}

fn marks(stage: &Stage, policy: &str) -> ControlMarks {
    stage.observed.policies[&id(policy)].marks.clone()
}

fn attached(stage: &Stage, policy: &str) -> BTreeSet<String> {
    let body = stage.observed.policies[&id(policy)].body.as_ref().unwrap();
    body.targets.iter().map(ToString::to_string).collect()
}

/// The text selects these targets now.
fn select(stage: &mut Stage, units: &[&str], accounts: &[&str]) {
    let units_marks = units.iter().map(|it| TargetMark::unit(it));
    let accounts_marks = accounts.iter().map(|it| TargetMark::account(&it.parse().unwrap()));
    let all = units_marks.chain(accounts_marks).collect();
    stage.desired.selection = Selection::new(Presence::Present, &BTreeSet::new(), all);
    stage.desired.targets = targets(&[units, accounts].concat());
}

#[test]
fn a_mark_that_somebody_took_off_or_changed_is_put_back() {
    let unit = BTreeSet::from([TargetMark::unit(UNIT)]);
    let other = Selection::new(Presence::Present, &BTreeSet::new(), unit);
    for (tag, value) in [
        (CONTROL_DOCUMENT_TAG, None),
        (CONTROL_DOCUMENT_TAG, Some("0123".to_owned())),
        (CONTROL_SELECTION_TAG, None),
        (CONTROL_SELECTION_TAG, Some(other.to_string())),
        (CONTROL_TAG, Some("before".to_owned())),
    ] {
        let mut stage = settled(&[UNIT, OTHER]);
        stage.desired.former_names = BTreeSet::from(["before".parse().unwrap()]);
        let tags = stage.tags.get_mut(&id(FIRST)).unwrap();
        tags.remove(tag);
        tags.extend(value.map(|value| (tag.to_owned(), value)));
        stage.tag(&id(FIRST), BTreeMap::new());
        assert_eq!(summary(&stage.plan()), ["TagResource"], "{tag}");
        assert_eq!(stage.converge(), ["tag"], "{tag}");
    }
}

#[test]
fn what_somebody_edited_is_put_right_where_it_is() {
    let mut stage = settled(&[UNIT]);
    stage.body(&id(FIRST)).content = denies("s3:Other");
    assert_eq!(stage.converge(), ["update"]);
    assert_eq!(stage.body(&id(FIRST)).content, denies("s3:A"));
}

#[test]
fn a_document_with_too_many_statements_is_several_policies_that_know_their_number() {
    let many: Vec<String> = (0..60).map(|it| format!("arn:aws:s3:::{it:0>40}")).collect();
    let statement = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": many});
    let document =
        json!({"Version": "2012-10-17", "Statement": [statement("s3:A"), statement("s3:B")]});
    let mut stage = Stage::new(&document, &[MEMBER]);
    stage.converge();
    let found = |stage: &Stage| -> Vec<(String, Option<usize>)> {
        let ours = stage.observed.policies.values().filter(|it| it.body.is_some());
        ours.map(|it| (it.name.clone(), it.marks.part)).collect()
    };
    let named = [("bedrail-us-no.scp", None), ("bedrail-us-no.scp.2", Some(2))];
    let named = named.map(|(name, part)| (name.to_owned(), part));
    assert_eq!(found(&stage), named);
    assert_eq!(stage.plan(), Plan::default());
    stage.tags.get_mut(&id("p-created02")).unwrap().remove(CONTROL_PART_TAG);
    stage.tag(&id("p-created02"), BTreeMap::new());
    assert_eq!(stage.converge(), ["tag"]);
    assert_eq!(found(&stage), named);
}

#[test]
fn a_name_that_another_policy_has_is_not_taken() {
    let name_of = |taken: &[String]| {
        let mut stage = Stage::new(&denies("s3:A"), &[MEMBER]);
        for (number, name) in taken.iter().enumerate() {
            let policy = format!("p-theirs00{number}");
            stage.foreign(&policy, &denies("s3:B"), &[UNIT]);
            stage.observed.policies.get_mut(&id(&policy)).unwrap().name.clone_from(name);
        }
        stage.plan();
        stage.wait(70);
        let plan = stage.plan();
        assert!(plan.held.iter().all(|it| it.message.contains("service control policy of no")));
        match plan.steps.as_slice() {
            [Step::Control(ControlStep::Create { name, .. })] => name.clone(),
            [] if plan.refusals.len() == 1 => "refused".to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let first = name_of(&[]);
    assert_eq!(first, "bedrail-us-no.scp");
    let second = name_of(std::slice::from_ref(&first));
    assert!(second.starts_with("bedrail-us-no.scp-") && second.len() > first.len() + 4, "{second}");
    assert_eq!(name_of(&[first, second]), "refused");
}

#[test]
fn a_strangers_policy_of_the_written_name_is_taken_over_only_if_asked() {
    let planned = |adopt: bool, owner: Option<&str>, called: &str| {
        let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
        stage.foreign("p-theirs000", &denies("s3:B"), &[UNIT]);
        let theirs = stage.observed.policies.get_mut(&id("p-theirs000")).unwrap();
        theirs.marks.owner = owner.map(str::to_owned);
        theirs.body = Some(ControlBody { content: denies("s3:B"), targets: targets(&[UNIT]) });
        stage.desired.policy_name = Some(called.to_owned());
        stage.desired.adopt = adopt;
        let plan = stage.plan();
        let why = plan.refusals.first().map(|it| it.message.clone()).unwrap_or_default();
        (plan.steps.len(), why)
    };
    assert_eq!(planned(true, None, "theirs"), (1, String::new()));
    for (adopt, owner, called, expected) in [
        (false, None, "theirs", "write `adopt: true`"),
        (true, Some("them"), "theirs", "belongs to `them`"),
        (true, None, "FullAWSAccess", "is AWS's own"),
    ] {
        let (steps, why) = planned(adopt, owner, called);
        assert!(steps == 0 && why.contains(expected), "{called}: {why}");
    }
    assert_eq!(
        planned(true, None, "free"),
        (0, String::new()),
        "one of its own is made, once confirmed"
    );
}

/// The mark of the manifest alone makes nothing ours.
#[test]
fn a_policy_of_another_installation_is_not_ours_whatever_its_manifest_is_called() {
    let mut stage = settled(&[UNIT]);
    let theirs = stage.observed.policies.get_mut(&id(FIRST)).unwrap();
    theirs.marks.owner = Some("them".to_owned());
    assert_eq!(holds(&stage.plan()), [HoldReason::Confirming], "ours is not there");
}

/// What a text gave up stays on record until it is gone: a crash on the way loses no consent.
#[test]
fn a_target_that_the_text_gave_up_is_left_and_forgotten_after_that() {
    let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
    select(&mut stage, &[UNIT], &[OTHER]);
    stage.converge();
    let recorded = |stage: &Stage| marks(stage, FIRST).selection.map(|it| it.to_string());
    let before = recorded(&stage);
    select(&mut stage, &[UNIT], &[]);
    let first = stage.plan();
    assert_eq!(summary(&first), ["held Confirming"]);
    assert_eq!(first.losses.len(), 1);
    assert_eq!(recorded(&stage), before);
    assert_eq!(stage.converge(), [&format!("detach {OTHER}"), "tag"]);
    assert_eq!(recorded(&stage), Some(stage.desired.selection.to_string()));
    assert_eq!(attached(&stage, FIRST), BTreeSet::from([UNIT.to_owned()]));
}

#[test]
fn a_target_that_no_text_gave_up_is_left_only_where_the_text_releases_it() {
    for (on_deselect, expected) in [(OnDeselect::Keep, 2), (OnDeselect::Release, 1)] {
        let mut stage = settled(&[UNIT]);
        stage.body(&id(FIRST)).targets.extend(targets(&[OTHER]));
        stage.desired.on_deselect = on_deselect;
        for _ in 0..3 {
            let plan = stage.plan();
            assert_eq!(plan.orphans.len(), usize::from(on_deselect == OnDeselect::Keep));
            stage.carry_out(&plan);
            stage.wait(70);
        }
        assert_eq!(attached(&stage, FIRST).len(), expected, "{on_deselect:?}");
    }
}

/// Else what somebody attached there later would leave although no text names it.
#[test]
fn what_a_text_gave_up_is_forgotten_where_nothing_of_it_is_left() {
    for (given_up, at, expected) in [
        // The unit covers its account.
        (MEMBER, [UNIT, MEMBER], ["TagResource", "held Confirming"]),
        // Somebody moved it from the account that the text gave up to one that no text named.
        (OTHER, [UNIT, SUSPENDED], ["TagResource", "orphan"]),
    ] {
        let mut stage = Stage::new(&denies("s3:A"), &[UNIT]);
        select(&mut stage, &[UNIT], &[given_up]);
        stage.converge();
        stage.body(&id(FIRST)).targets = targets(&at);
        select(&mut stage, &[UNIT], &[]);
        let plan = stage.plan();
        assert_eq!(summary(&plan), expected);
        stage.carry_out(&plan);
        assert_eq!(marks(&stage, FIRST).selection.as_ref(), Some(&stage.desired.selection));
    }
}

#[test]
fn a_policy_that_is_attached_to_nothing_goes_though_another_of_its_manifest_cannot() {
    let mut stage = settled(&[UNIT]);
    let mut other = stage.observed.policies[&id(FIRST)].clone();
    other.id = id("p-another00");
    other.body.as_mut().unwrap().targets.clear();
    stage.observed.policies.insert(other.id.clone(), other);
    let full = stage.controls.get_mut(&id("p-FullAWSAccess")).unwrap();
    full.targets.remove(&UNIT.parse().unwrap());
    stage.desired.state = Presence::Absent;
    assert_eq!(summary(&stage.plan()), ["held Quota", "held Confirming"]);
    stage.wait(5);
    assert_eq!(summary(&stage.plan()), ["DeletePolicy", "held Quota"]);
}

/// The same call fails again until somebody makes room.
#[test]
fn what_aws_refused_for_a_limit_is_asked_again_after_half_an_hour_and_elsewhere_at_once() {
    let changes: [fn(&mut Stage); 3] = [
        |stage| stage.body(&id(FIRST)).targets.clear(),
        |stage| stage.desired.state = Presence::Absent,
        |stage| {
            stage.foreign("p-theirs000", &denies("s3:B"), &[UNIT, OTHER]);
            stage.desired.attachment = Attachment::Exclusive;
        },
    ];
    for change in changes {
        let mut stage = settled(&[UNIT, OTHER]);
        change(&mut stage);
        stage.plan();
        stage.wait(5);
        let both = stage.plan().steps;
        let [Step::Control(refused), elsewhere] = both.as_slice() else { panic!("{both:?}") };
        stage.memory.noticed(&refused.refused().unwrap(), stage.world.now);
        let elsewhere = std::slice::from_ref(elsewhere);
        for (passes, expected) in [(0, elsewhere), (30 * 60 - 1, elsewhere), (1, &both)] {
            stage.wait(passes);
            let plan = stage.plan();
            assert_eq!(plan.steps, expected, "{passes} s later");
            let said: &[HoldReason] = if plan.steps == both { &[] } else { &[HoldReason::Quota] };
            assert_eq!(holds(&plan), said, "{passes} s later");
        }
    }
}

#[test]
fn policies_of_others_leave_the_targets_of_one_that_is_exclusive() {
    let mut stage = settled(&[UNIT]);
    stage.foreign("p-theirs000", &denies("s3:B"), &[UNIT, OTHER]);
    stage.foreign("p-another00", &denies("s3:C"), &[UNIT]);
    let of_another = stage.observed.policies.get_mut(&id("p-another00")).unwrap();
    of_another.marks.owner = Some("them".to_owned());
    assert_eq!(stage.plan(), Plan::default());
    stage.desired.attachment = Attachment::Exclusive;
    let first = stage.plan();
    assert_eq!((summary(&first), first.losses.len()), (vec!["held Confirming".to_owned()], 1));
    stage.wait(70);
    let plan = stage.plan();
    let [Step::Control(ControlStep::Detach { id: left, target, .. })] = plan.steps.as_slice()
    else {
        panic!("{plan:?}")
    };
    assert_eq!((left, target.to_string()), (&id("p-theirs000"), UNIT.to_owned()));
    assert_eq!(plan.losses.len(), 1);
}

#[test]
fn a_policy_waits_for_every_guardrail_that_it_requires() {
    let mut stage = Stage::new(&denies("s3:A"), &[MEMBER]);
    let guardrails = BTreeSet::from([key().guardrail]);
    stage.desired.form =
        ControlForm::RequireGuardrail { guardrails, exempt_roles: BTreeSet::new() };
    assert_eq!(holds(&stage.plan()), [HoldReason::Confirming]);
    // One of a Region that is not published, and one that is to go.
    let away = crate::model::ReplicaKey { region: "eu-west-1".parse().unwrap(), ..key() };
    let mut replica = stage.world.replicas[&key()].clone();
    replica.state = Presence::Absent;
    stage.world.replicas.insert(away.clone(), replica.clone());
    assert_eq!(holds(&stage.plan()), [HoldReason::Confirming]);
    replica.state = Presence::Present;
    stage.world.replicas.insert(away.clone(), replica);
    assert_eq!(holds(&stage.plan()), [HoldReason::WaitingForVersion]);
    let mut fact = stage.world.facts.replicas[&key()].clone();
    stage.world.facts.replicas.insert(away.clone(), fact.clone());
    assert_eq!(holds(&stage.plan()), [HoldReason::Confirming]);
    fact.versions.clear();
    stage.world.facts.replicas.insert(away, fact);
    let plan = stage.plan();
    assert_eq!(holds(&plan), [HoldReason::WaitingForVersion]);
    assert!(plan.held[0].message.contains("baseline in eu-west-1"), "{plan:?}");
    stage.world.replicas.clear();
    assert_eq!(holds(&stage.plan()), [HoldReason::WaitingForVersion], "{NAME} would deny all");
}

#[test]
fn what_is_in_force_everywhere_waits_for_nothing_that_was_not_read() {
    let mut stage = settled(&[UNIT]);
    let desired = BTreeMap::from([(NAME.parse().unwrap(), stage.desired.clone())]);
    stage.world.facts.controls = None;
    assert_eq!(stage.plan_as_read(&desired), Plan::default());
    stage.body(&id(FIRST)).content = denies("s3:Other");
    assert!(stage.plan_as_read(&desired).needs_controls);
}
