use super::*;
use crate::model::{ObservedVersion, OnDraft, ReplicaContent, Share, Version};
use crate::plan::fixture::{
    MEMBER, World, arn, cell, content, desired, guardrail, holds, key, observed, open_policy,
    owner, published, summary, unread, version,
};
use crate::plan::step::Until;
use std::time::Duration;

/// Name, versions, expected summary.
type VersionsCase<'a> = (&'a str, Vec<(Version, ObservedVersion)>, &'a [&'a str]);

/// Name, what is different in the world, expected summary.
type WorldCase<'a> = (&'a str, fn(&mut World), &'a [&'a str]);

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
fn a_settled_draft_is_published_once() {
    let a = content("a");
    let (want, seen) = (desired(&a), observed(guardrail(&a)));
    assert_eq!(first(&want, &seen), ["held Confirming"]);
    let plan = second(&mut World::new(), &want, &seen);
    let [Step::PublishVersion { description, content, .. }] = plan.steps.as_slice() else {
        panic!()
    };
    assert_eq!(*description, format!("bedrail r1 {} {}", a.revision(), a.replica_revision()));
    assert_eq!(*content, a);
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
fn versions_decide_whether_a_settled_draft_is_published() {
    let a = content("a");
    let index = index::index(&a.revision(), &a.replica_revision());
    let other_index = index::index(&content("b").revision(), &content("b").replica_revision());
    let described = |it: &mut ObservedVersion, text: &str| it.description = Some(text.to_owned());
    let cases: Vec<VersionsCase> = vec![
        ("equal content, any description", vec![published(1, &a)], &[]),
        ("other content", vec![a_version(1, |_| ())], &["CreateGuardrailVersion"]),
        (
            "our index over other content is tainted",
            vec![a_version(1, |it| described(it, &index))],
            &["CreateGuardrailVersion"],
        ),
        (
            "unread content",
            vec![a_version(1, |it| it.content = Read::Unknown(unread()))],
            &["held Unreadable"],
        ),
        (
            "in the making, with our index",
            vec![a_version(1, |it| {
                described(it, &index);
                it.status = GuardrailStatus::Pending;
            })],
            &["held InProgress"],
        ),
        (
            "in the making, without an index",
            vec![a_version(1, |it| it.status = GuardrailStatus::Pending)],
            &["held InProgress"],
        ),
        (
            "in the making, with the index of another revision",
            vec![a_version(1, |it| {
                described(it, &other_index);
                it.status = GuardrailStatus::Pending;
            })],
            &["CreateGuardrailVersion"],
        ),
        (
            "equal content, but FAILED",
            vec![{
                let (number, mut failed) = published(1, &a);
                failed.status = GuardrailStatus::Failed(Vec::new());
                (number, failed)
            }],
            &["CreateGuardrailVersion"],
        ),
        (
            "twenty of other content",
            (1..=20).map(|number| a_version(number, |_| ())).collect(),
            &["held Quota"],
        ),
    ];
    for (name, versions, expected) in cases {
        let seen = live(&a, |it| it.versions.extend(versions.clone()));
        let plan = second(&mut World::new(), &desired(&a), &seen);
        assert_eq!(summary(&plan), expected, "{name}");
    }
}

#[test]
fn a_version_that_may_be_the_twin_of_a_published_one_is_looked_at_again() {
    let a = content("a");
    let other_index = index::index(&content("b").revision(), &content("b").replica_revision());
    let unread = |it: &mut ObservedVersion| it.content = Read::Unknown(unread());
    let cases: [VersionsCase; 4] = [
        (
            "unread content beside a match",
            vec![a_version(1, unread), published(2, &a)],
            &["held Unreadable"],
        ),
        (
            "in the making beside a match",
            vec![
                a_version(1, |it| {
                    unread(it);
                    it.status = GuardrailStatus::Pending;
                }),
                published(2, &a),
            ],
            &["held InProgress"],
        ),
        ("unread content after a match", vec![published(1, &a), a_version(2, unread)], &[]),
        (
            "unread content of another revision beside a match",
            vec![
                a_version(1, |it| {
                    it.description = Some(other_index.clone());
                    unread(it);
                }),
                published(2, &a),
            ],
            &[],
        ),
    ];
    for (name, versions, expected) in cases {
        let seen = live(&a, |it| it.versions.extend(versions.clone()));
        let plan = second(&mut World::new(), &desired(&a), &seen);
        assert_eq!(summary(&plan), expected, "{name}");
    }
}

#[test]
fn a_version_before_one_that_is_pinned_is_looked_at_again() {
    let (a, b) = (content("a"), content("b"));
    let open = a_version(1, |it| it.status = GuardrailStatus::Pending);
    let versions = [open, published(2, &a), published(3, &b)];
    let seen = live(&b, |it| it.versions.extend(versions.clone().into_iter().skip(1)));
    let unclear = live(&b, |it| it.versions.extend(versions.clone()));
    let mut want = desired(&b);
    // Both contents wait for it, of which only the current one matters.
    assert_eq!(
        (first(&want, &seen), first(&want, &unclear)),
        (vec![], vec!["held InProgress".into()])
    );
    let known = [a_version(1, |_| ()), published(2, &a), published(3, &b)];
    assert_eq!(first(&want, &live(&b, |it| it.versions.extend(known.clone()))), [""; 0]);
    let index = index::index(&a.revision(), &a.replica_revision());
    let unclear = live(&b, |it| {
        it.versions.extend(versions.clone());
        it.versions.values_mut().next().unwrap().description = Some(index.clone());
    });
    assert_eq!(first(&want, &unclear), [""; 0]);
    want.history.revisions.insert(a.revision());
    assert_eq!(first(&want, &unclear), ["held InProgress"]);
}

#[test]
fn a_rollback_puts_draft_back_and_publishes_nothing() {
    let (a, b) = (content("a"), content("b"));
    let versions = [published(1, &a), published(2, &b)];
    let edited = live(&b, |it| it.versions.extend(versions.clone()));
    assert_eq!(first(&desired(&a), &edited), ["UpdateGuardrail"]);
    let back = live(&a, |it| it.versions.extend(versions.clone()));
    assert!(first(&desired(&a), &back).is_empty());
}

/// Drives a publication whose answer is `number` and never becomes a match.
fn publish_in_vain(
    memory: &mut ReplicaMemory,
    world: &mut World,
    seen: &ObservedReplica,
) -> String {
    let want = desired(&content("a"));
    for _ in 0..4 {
        let plan = plan_replica(&key(), &want, seen, memory, &world.context());
        if let [Step::PublishVersion { token, .. }] = plan.steps.as_slice() {
            return token.clone();
        }
        let Until::After(pause) = plan.held[0].until else { return String::new() };
        world.now += pause;
    }
    panic!("neither published nor held for good")
}

/// Where numbers come back, an old list shows what was deleted under the number that was just given.
#[test]
fn what_was_just_published_is_not_taken_for_what_had_its_number_before() {
    let a = content("a");
    let seen = live(&a, |it| it.versions.extend([a_version(1, |_| ())]));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    assert!(!publish_in_vain(&mut memory, &mut world, &seen).is_empty());
    memory.published(a.replica_revision(), version(1), world.now);
    for _ in 0..10 {
        let plan = plan_replica(&key(), &desired(&a), &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["held InProgress"]);
        world.wait(5);
    }
}

#[test]
fn a_number_that_names_nothing_usable_salts_the_next_token_three_times_at_most() {
    let a = content("a");
    let seen = live(&a, |it| {
        // 7 is of other content, 8 is FAILED, 9 never appears.
        let failed = |it: &mut ObservedVersion| it.status = GuardrailStatus::Failed(Vec::new());
        it.versions.extend([a_version(7, |_| ()), a_version(8, failed)]);
    });
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let mut tokens = BTreeSet::new();
    for number in [7, 8, 9] {
        let token = publish_in_vain(&mut memory, &mut world, &seen);
        assert!(!token.is_empty() && tokens.insert(token), "token of {number}");
        memory.published(a.replica_revision(), version(number), world.now);
    }
    assert_eq!(publish_in_vain(&mut memory, &mut world, &seen), "");
    let plan = plan_replica(&key(), &desired(&a), &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held Failed"]);
}

#[test]
fn a_published_number_that_is_not_visible_yet_is_waited_for() {
    let a = content("a");
    let (want, seen) = (desired(&a), observed(guardrail(&a)));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    publish_in_vain(&mut memory, &mut world, &seen);
    memory.published(a.replica_revision(), version(1), world.now);
    for wait in [5, 50, 5] {
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["held InProgress"]);
        world.wait(wait);
    }
}

#[test]
fn access_is_granted_before_a_version_is_published() {
    let a = content("a");
    let want = DesiredReplica { share: Share::Organization, ..desired(&a) };
    let plan = second(&mut World::new(), &want, &observed(guardrail(&a)));
    assert_eq!(summary(&plan), ["PutResourcePolicy", "CreateGuardrailVersion"]);
    let pending = live(&a, |it| it.status = GuardrailStatus::Pending);
    assert_eq!(first(&want, &pending), ["PutResourcePolicy", "held InProgress"]);
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
fn what_should_be_absent_goes_only_when_nothing_references_it() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let seen = observed(guardrail(&a));
    let reference = || Some((guardrail(&content("a")).arn, version(1)));
    let cases: [WorldCase; 6] = [
        ("unreferenced", |_| (), &["DeleteGuardrail"]),
        ("policies unread", |it| it.facts.policies = None, &["held Unreadable"]),
        ("a cell unread", |it| drop(it.facts.cells.remove(&cell(MEMBER))), &["held Unreadable"]),
        ("organization unread", |it| it.facts.fleet = None, &["held Unreadable"]),
        (
            "another guardrail in a slot",
            |it| {
                it.facts.cells.insert(cell(MEMBER), Some((arn("zzz"), version(1))));
            },
            &["DeleteGuardrail"],
        ),
        (
            "a suspended account's cell unread",
            |it| {
                assert!(!it.facts.cells.contains_key(&cell(crate::plan::fixture::SUSPENDED)));
            },
            &["DeleteGuardrail"],
        ),
    ];
    for (name, change, expected) in cases {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(summary(&long_after(&mut world, &want, &seen)), expected, "{name}");
    }
    let mut world = World::new();
    world.facts.cells.insert(cell(MEMBER), reference());
    assert_eq!(summary(&long_after(&mut world, &want, &seen)), ["held Referenced"]);
    let mut world = World::new();
    world.facts.policies = Some(reference().into_iter().collect());
    assert_eq!(summary(&long_after(&mut world, &want, &seen)), ["held Referenced"]);
}

#[test]
fn cells_nobody_read_are_asked_for() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let mut world = World::new();
    world.facts.cells.remove(&cell(MEMBER));
    let plan = second(&mut world, &want, &observed(guardrail(&a)));
    assert_eq!(plan.needs, [cell(MEMBER)]);
}

/// Without it a guardrail that somebody came to reference since the last resync would be deleted.
#[test]
fn what_was_read_before_the_removal_began_is_read_again() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let seen = observed(guardrail(&a));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    world.wait(1);
    let began = world.now;
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    let mut visit = |world: &mut World, cells: Duration, policies: Duration| {
        world.now = began + Duration::from_mins(1);
        world.facts.policies_read = Some(policies);
        world.facts.cells_read.insert(cell(MEMBER), cells);
        plan_replica(&key(), &want, &seen, &mut memory, &world.context())
    };
    let before = began.saturating_sub(Duration::from_secs(1));
    let plan = visit(&mut world, before, began);
    assert_eq!(summary(&plan), ["held Confirming"]);
    assert_eq!((plan.needs, plan.needs_policies), (vec![cell(MEMBER)], false));
    let plan = visit(&mut world, began, before);
    assert_eq!(summary(&plan), ["held Confirming"]);
    assert_eq!((plan.needs, plan.needs_policies), (vec![], true));
    let plan = visit(&mut world, began, began);
    assert_eq!(summary(&plan), ["DeleteGuardrail"]);
}

#[test]
fn a_reference_seen_in_between_starts_the_confirmation_over() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let seen = observed(guardrail(&a));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(holds(&plan), [HoldReason::Confirming]);
    world.facts.policies = None;
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.facts.policies = Some(BTreeSet::new());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(holds(&plan), [HoldReason::Confirming]);
}

#[test]
fn facts_are_of_our_guardrails_and_of_versions_read_back() {
    let (a, b) = (content("a"), content("b"));
    let fact = |change: &dyn Fn(&mut ObservedGuardrail)| {
        replica_fact(&live(&a, change), &owner(), &key().guardrail, false)
    };
    let some = fact(&|it| {
        it.policy = Read::Known(open_policy(&it.arn));
        it.versions.extend([
            published(1, &a),
            published(2, &a),
            a_version(3, |it| it.content = Read::Unknown(unread())),
            a_version(4, |it| it.status = GuardrailStatus::Pending),
        ]);
    })
    .unwrap();
    assert_eq!(some.versions, BTreeMap::from([(a.replica_revision(), version(1))]));
    assert_eq!(some.revisions, BTreeMap::from([(a.revision(), version(1))]));
    assert!(some.policy.is_some() && !some.versions.contains_key(&b.replica_revision()));
    assert!(fact(&|it| drop(it.tags.remove("bedrail:owner"))).is_none());
    assert!(fact(&|it| drop(it.tags.remove("bedrail:guardrail"))).is_none());
    assert!(fact(&|it| it.policy = Read::Unknown(unread())).is_none());
    assert!(fact(&|it| it.status = GuardrailStatus::Deleting).is_none());
}

#[test]
fn a_version_that_failed_is_referenced_by_nobody() {
    let a = content("a");
    let failed = || {
        let (number, mut version) = published(1, &a);
        version.status = GuardrailStatus::Failed(Vec::new());
        (number, version)
    };
    let versions = BTreeMap::from([failed(), published(2, &a)]);
    let fact = replica_fact(
        &live(&a, |it| it.versions = versions.clone()),
        &owner(),
        &key().guardrail,
        false,
    );
    assert_eq!(fact.unwrap().revisions, BTreeMap::from([(a.revision(), version(2))]));
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

#[test]
fn what_will_be_adopted_is_known_before_it_carries_our_mark() {
    let a = content("a");
    for (owner_tag, adopts, expected) in [
        (None, true, true),
        (None, false, false),
        (Some("them"), true, false),
        (Some("us"), false, true),
    ] {
        let seen = live(&a, |it| {
            it.tags.remove("bedrail:owner");
            it.tags.extend(owner_tag.map(|owner| ("bedrail:owner".to_owned(), owner.to_owned())));
        });
        let fact = replica_fact(&seen, &owner(), &key().guardrail, adopts);
        assert_eq!(fact.is_some(), expected, "{owner_tag:?} {adopts}");
    }
}

mod trials {
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
}
