mod facts;
mod removal;
mod trials;
mod versions;

use super::*;
use crate::model::{
    DesiredEnforcement, EnforcementKey, EnforcementKind, ObservedVersion, OnDraft, ReplicaContent,
    Selection, TargetMark, Version,
};
use crate::plan::fixture::{
    MEMBER, World, arn, cell, content, desired, desired_policy, desired_text, guardrail, holds,
    key, no_selection, observed, open_policy, owner, policy_fact, published, summary, unread,
    version,
};
use crate::plan::step::Until;
use std::time::Duration;

/// Plans once, for a process that sees the replica the first time.
fn first(want: &DesiredReplica, seen: &ObservedReplica) -> Vec<String> {
    let world = World::new();
    summary(&plan_replica(&key(), want, seen, &mut ReplicaMemory::default(), &world.context()))
}

/// Plans twice, so many seconds apart.
fn after(seconds: u64, world: &mut World, want: &DesiredReplica, seen: &ObservedReplica) -> Plan {
    let mut memory = ReplicaMemory::default();
    plan_replica(&key(), want, seen, &mut memory, &world.context());
    world.wait(seconds);
    plan_replica(&key(), want, seen, &mut memory, &world.context())
}

/// Plans twice, far enough apart.
fn second(world: &mut World, want: &DesiredReplica, seen: &ObservedReplica) -> Plan {
    after(5, world, want, seen)
}

/// The same after as long as an effective policy takes to fade.
fn long_after(world: &mut World, want: &DesiredReplica, seen: &ObservedReplica) -> Plan {
    after(60, world, want, seen)
}

fn live(draft: &ReplicaContent, change: impl Fn(&mut ObservedGuardrail)) -> ObservedReplica {
    let mut guardrail = guardrail(draft);
    change(&mut guardrail);
    observed(guardrail)
}

fn a_version(number: u32, change: impl Fn(&mut ObservedVersion)) -> (Version, ObservedVersion) {
    let (number, mut observed) = published(number, &content("other"));
    change(&mut observed);
    (number, observed)
}

#[test]
fn what_is_absent_is_created_once_two_reads_agree() {
    let (want, seen) = (desired(&content("a")), ObservedReplica { guardrail: Read::KnownAbsent });
    assert_eq!(first(&want, &seen), ["held Confirming"]);
    let plan = second(&mut World::new(), &want, &seen);
    let [Step::CreateGuardrail { tags, token, .. }] = plan.steps.as_slice() else { panic!() };
    assert_eq!(tags["bedrail:owner"], "us");
    assert_eq!(tags["bedrail:guardrail"], "baseline");
    assert_eq!(token.len(), 64);
}

#[test]
fn a_create_that_came_to_nothing_takes_another_token_and_at_most_three() {
    let (want, seen) = (desired(&content("a")), ObservedReplica { guardrail: Read::KnownAbsent });
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let mut tokens = BTreeSet::new();
    for id in ["aaa", "bbb", "ccc"] {
        plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        world.wait(5);
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        let [step @ Step::CreateGuardrail { token, .. }] = plan.steps.as_slice() else { panic!() };
        tokens.insert(token.clone());
        memory.sightings.wrote(&step.sighting().unwrap(), world.now);
        memory.created(arn(id));
        world.wait(1);
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["held Confirming"], "our own write is not absent yet");
        world.wait(60);
    }
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Failed"]);
    assert_eq!(tokens.len(), 3);
}

/// AWS refuses a token that it knows with anything else, for as long as it knows it.
#[test]
fn a_create_that_asks_for_something_else_takes_another_token() {
    let absent = ObservedReplica { guardrail: Read::KnownAbsent };
    let token_of = |change: fn(&mut DesiredReplica)| {
        let mut want = desired(&content("a"));
        change(&mut want);
        let plan = second(&mut World::new(), &want, &absent);
        let [Step::CreateGuardrail { token, .. }] = plan.steps.as_slice() else { panic!() };
        token.clone()
    };
    let tokens = [
        token_of(|_| ()),
        token_of(|it| it.name = "other".parse().unwrap()),
        token_of(|it| _ = it.tags.insert("team".to_owned(), "a".to_owned())),
    ];
    assert_eq!(tokens[0], token_of(|_| ()));
    let different: BTreeSet<&String> = tokens.iter().collect();
    assert_eq!(different.len(), tokens.len(), "{tokens:?}");
}

#[test]
fn whose_it_is_decides_whether_it_is_touched() {
    let (a, b) = (content("a"), content("b"));
    let owned_by = |owner: Option<&'static str>| {
        live(&b, move |it| {
            it.tags.remove("bedrail:owner");
            if let Some(owner) = owner {
                it.tags.insert("bedrail:owner".to_owned(), owner.to_owned());
            }
        })
    };
    let want = |adopt| DesiredReplica { adopt, ..desired(&a) };
    let absent = DesiredReplica { state: Presence::Absent, ..want(true) };
    let cases: [(&str, DesiredReplica, Option<&str>, &[&str]); 6] = [
        ("ours", want(false), Some("us"), &["UpdateGuardrail"]),
        ("nobody's", want(false), None, &["refused"]),
        ("nobody's, adopted", want(true), None, &["TagResource", "UpdateGuardrail"]),
        ("another's, even if adopted", want(true), Some("them"), &["refused"]),
        ("another's, to be removed", absent.clone(), Some("them"), &["refused"]),
        ("nobody's, to be removed", absent, None, &["refused"]),
    ];
    for (name, want, owner, expected) in cases {
        assert_eq!(first(&want, &owned_by(owner)), expected, "{name}");
    }
}

#[test]
fn a_refusal_to_adopt_says_how_to_adopt() {
    let seen = live(&content("a"), |it| it.tags.clear());
    let world = World::new();
    let want = desired(&content("a"));
    let plan = plan_replica(&key(), &want, &seen, &mut ReplicaMemory::default(), &world.context());
    assert!(plan.refusals[0].message.contains("`adopt: true`"));
}

#[test]
fn tags_of_ours_and_the_users_are_set_and_foreign_ones_left() {
    let a = content("a");
    let mut want = desired(&a);
    want.tags.insert("team".to_owned(), "x".to_owned());
    let seen = live(&a, |it| {
        it.tags.insert("theirs".to_owned(), "kept".to_owned());
        it.tags.insert("team".to_owned(), "y".to_owned());
        it.versions.extend([published(1, &a)]);
    });
    let world = World::new();
    let plan = plan_replica(&key(), &want, &seen, &mut ReplicaMemory::default(), &world.context());
    let [Step::TagGuardrail { tags, changes, .. }] = plan.steps.as_slice() else { panic!() };
    assert!(!tags.contains_key("theirs"));
    assert_eq!(changes[0].to_string(), "tags.team: y → x");
}

/// To write them from nothing would forget what they record.
#[test]
fn tags_wait_for_the_first_read_of_the_resource_policy() {
    let a = content("a");
    let mut want = desired(&a);
    want.tags.insert("team".to_owned(), "x".to_owned());
    let seen = live(&a, |it| {
        it.policy = Read::Unknown(unread());
        it.versions.extend([published(1, &a)]);
    });
    let versions = [(1, &a)];
    let rows = [(World::new(), false), (World::with_versions(&a, &versions), true)];
    for (world, is_known) in rows {
        let mut memory = ReplicaMemory::default();
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        let is_tagged = plan.steps.iter().any(|it| matches!(it, Step::TagGuardrail { .. }));
        assert_eq!(is_tagged, is_known);
    }
}

/// What its tags remember of a text goes only once nothing shows what that text gave up.
#[test]
fn a_visit_whose_tags_still_remember_what_was_given_up_is_not_the_last() {
    let a = content("a");
    let seen = live(&a, |it| it.versions.extend([published(1, &a)]));
    let key_of_text =
        EnforcementKey { kind: EnforcementKind::Organization, name: "everywhere".parse().unwrap() };
    for is_there in [false, true] {
        let mut world = World::with_versions(&a, &[(1, &a)]);
        let old = Selection::new(
            Presence::Present,
            &BTreeSet::new(),
            BTreeSet::from([TargetMark::organization()]),
        );
        let fact = world.facts.replicas.get_mut(&key()).unwrap();
        fact.enforcements.insert(key_of_text.clone(), Some(old));
        let text = DesiredEnforcement { state: Presence::Absent, ..desired_text(no_selection()) };
        world.enforcements.insert(key_of_text.clone(), text);
        let wanted = desired_policy(&[]);
        world.organization.insert(key_of_text.name.clone(), wanted);
        let found = is_there.then(|| ("p-abcdefgh".parse().unwrap(), policy_fact("everywhere")));
        world.facts.own_policies = Some(found.into_iter().collect());
        let mut memory = ReplicaMemory::default();
        let plan = plan_replica(&key(), &desired(&a), &seen, &mut memory, &world.context());
        assert_eq!(plan.is_unsettled, is_there);
    }
}

#[test]
fn what_is_deleted_comes_last() {
    let mut world = World::new();
    let seen = live(&content("b"), |it| it.policy = Read::Known(open_policy(&it.arn)));
    let plan = second(&mut world, &desired(&content("a")), &seen);
    assert_eq!(summary(&plan), ["UpdateGuardrail", "DeleteResourcePolicy"]);
}

#[test]
fn draft_is_left_updated_or_held_by_its_status() {
    let (a, b) = (content("a"), content("b"));
    let failed = || GuardrailStatus::Failed(vec!["topic too long".to_owned()]);
    let cases = [
        ("edited", &b, GuardrailStatus::Ready, "UpdateGuardrail"),
        ("pending", &b, GuardrailStatus::Pending, "held InProgress"),
        ("deleting", &b, GuardrailStatus::Deleting, "held InProgress"),
        ("failed with our content", &a, failed(), "held Failed"),
        ("failed with other content", &b, failed(), "UpdateGuardrail"),
        ("of later times", &b, GuardrailStatus::Other("NEW".to_owned()), "held Unreadable"),
    ];
    for (name, draft, status, expected) in cases {
        let seen = live(draft, |it| it.status = status.clone());
        assert_eq!(first(&desired(&a), &seen), [expected], "{name}");
    }
}

#[test]
fn an_update_says_old_and_new_of_each_field() {
    let mut b = content("b");
    b.description = Some("old".to_owned());
    let world = World::new();
    let want = desired(&content("a"));
    let memory = &mut ReplicaMemory::default();
    let plan = plan_replica(&key(), &want, &observed(guardrail(&b)), memory, &world.context());
    let changes: Vec<_> = plan.steps[0].changes().iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["blockedInputMessaging: b → a", "description: old → (absent)"]);
}

#[test]
fn what_was_renamed_gets_its_name_back_though_its_content_is_as_desired() {
    let a = content("a");
    let seen = live(&a, |it| it.name = "theirs".to_owned());
    let (world, memory) = (World::new(), &mut ReplicaMemory::default());
    let plan = plan_replica(&key(), &desired(&a), &seen, memory, &world.context());
    let changes: Vec<_> = plan.steps[0].changes().iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["name: theirs → baseline"]);
}

#[test]
fn an_update_that_changes_nothing_ends_at_a_person() {
    let (a, mut b) = (content("a"), content("a"));
    b.kms_key_arn = Some("arn:kms".to_owned());
    let (want, seen) = (desired(&a), observed(guardrail(&b)));
    let (world, mut memory) = (World::new(), ReplicaMemory::default());
    for _ in 0..3 {
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["UpdateGuardrail"]);
        memory.updated(plan.steps[0].changes());
    }
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Failed"]);
    assert!(plan.held[0].message.contains("kmsKeyId"));
    // Once it was equal, a later edit of the same field is drift again.
    plan_replica(&key(), &want, &observed(guardrail(&a)), &mut memory, &world.context());
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["UpdateGuardrail"]);
}

#[test]
fn a_flicker_between_the_two_reads_starts_over() {
    let a = content("a");
    let want = desired(&a);
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let mut see = |seen: ObservedReplica, world: &World| {
        summary(&plan_replica(&key(), &want, &seen, &mut memory, &world.context()))
    };
    assert_eq!(see(observed(guardrail(&a)), &world), ["held Confirming"]);
    let flicker = live(&a, |it| it.status = GuardrailStatus::Pending);
    assert_eq!(see(flicker, &world), ["held InProgress"]);
    world.wait(5);
    assert_eq!(see(observed(guardrail(&a)), &world), ["held Confirming"]);
    world.wait(5);
    assert_eq!(see(observed(guardrail(&a)), &world), ["CreateGuardrailVersion"]);
}

#[test]
fn an_unread_guardrail_gets_no_step() {
    let seen = ObservedReplica { guardrail: Read::Unknown(unread()) };
    for state in [Presence::Present, Presence::Absent] {
        let want = DesiredReplica { state, ..desired(&content("a")) };
        assert_eq!(first(&want, &seen), ["held Unreadable"]);
    }
}

#[test]
fn a_draft_that_is_to_be_left_is_left_until_it_must_be_published_from() {
    let (a, b) = (content("a"), content("b"));
    let want =
        |content: &ReplicaContent| DesiredReplica { on_draft: OnDraft::Leave, ..desired(content) };
    let seen = live(&b, |it| it.versions = BTreeMap::from([published(1, &a)]));
    assert_eq!(first(&want(&a), &seen), [""; 0]);
    assert_eq!(first(&desired(&a), &seen), ["UpdateGuardrail"], "unless it is to be left");
    assert_eq!(first(&want(&content("c")), &seen), ["UpdateGuardrail"]);
    let busy = live(&b, |it| {
        it.versions = BTreeMap::from([published(1, &a)]);
        it.status = GuardrailStatus::Pending;
    });
    assert_eq!(first(&want(&a), &busy), [""; 0], "somebody else's business");
}
