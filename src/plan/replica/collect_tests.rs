#![expect(clippy::wildcard_enum_match_arm, reason = "a step on the wrong world fails the test")]

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::index::index;
use super::*;
use crate::model::{ObservedReplica, ReplicaContent, UnreadableCell};
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, World, arn, cell, content, desired, guardrail, guardrail_arn, holds,
    key, observed, open_policy, published, summary, unread, version,
};
use crate::plan::plan_replica;
use crate::plan::step::Until;

/// A version of ours with this content.
fn ours(number: u32, content: &ReplicaContent) -> (Version, ObservedVersion) {
    let (number, mut version) = published(number, content);
    version.description = Some(index(&content.revision(), &content.replica_revision()));
    (number, version)
}

fn nth(number: u32) -> ReplicaContent {
    content(&format!("revision {number}"))
}

/// Versions 1 to `last` of ours, each with its own content; the last is desired.
fn history(last: u32) -> ObservedGuardrail {
    let mut live = guardrail(&nth(last));
    live.versions = (1..=last).map(|number| ours(number, &nth(number))).collect();
    live
}

fn wanted(last: u32, limit: usize) -> DesiredReplica {
    DesiredReplica { history: History { limit, ..History::default() }, ..desired(&nth(last)) }
}

fn numbers(versions: impl IntoIterator<Item = Version>) -> Vec<u32> {
    versions.into_iter().map(Version::number).collect()
}

fn deleted(plan: &Plan) -> Vec<u32> {
    let version = |step: &Step| match step {
        Step::DeleteVersion { version, .. } => Some(version.number()),
        other => panic!("not expected: {other}"),
    };
    plan.steps.iter().filter_map(version).collect()
}

/// Name, what is different, versions that stay.
type Case =
    (&'static str, fn(&mut ObservedGuardrail, &mut DesiredReplica, &mut Others), &'static [u32]);

/// What is different in a world.
type Change = fn(&mut World);

/// Name, whether the live policy admits all, the manifest's share, what the account was last seen
/// on, whether it has not enabled the Region, and which versions go.
type Account = (&'static str, bool, Share, Option<(GuardrailArn, Version)>, bool, &'static [u32]);

/// What else decides.
#[derive(Default)]
struct Others {
    kept: BTreeSet<Revision>,
    references: BTreeMap<Version, Vec<String>>,
    in_use: BTreeSet<Version>,
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_somebody_may_need_stays_and_the_rest_goes() {
    let cases: [Case; 12] = [
        ("current, previous and two more", |_, _, _| (), &[5, 6, 7, 8]),
        (
            "referenced",
            |_, _, others| drop(others.references.insert(version(2), vec!["x".to_owned()])),
            &[2, 5, 6, 7, 8],
        ),
        (
            "asked for",
            |_, want, _| {
                want.history.versions.insert(version(3));
            },
            &[3, 5, 6, 7, 8],
        ),
        (
            "pinned by an enforcement",
            |_, want, _| {
                want.history.revisions.insert(nth(1).revision());
            },
            &[1, 5, 6, 7, 8],
        ),
        (
            "kept for a rollout",
            |_, _, others| {
                others.kept.insert(nth(4).revision());
            },
            &[4, 5, 6, 7, 8],
        ),
        (
            "another's",
            |live, _, _| live.versions.get_mut(&version(2)).unwrap().description = None,
            &[2, 5, 6, 7, 8],
        ),
        (
            "unread",
            |live, _, _| {
                let content = &mut live.versions.get_mut(&version(2)).unwrap().content;
                *content = Read::Unknown(unread());
            },
            &[2, 5, 6, 7, 8],
        ),
        (
            "in the making",
            |live, _, _| {
                live.versions.get_mut(&version(2)).unwrap().status = GuardrailStatus::Pending;
            },
            &[2, 5, 6, 7, 8],
        ),
        (
            "failed: nothing to go back to",
            |live, _, _| {
                let status = GuardrailStatus::Failed(Vec::new());
                live.versions.get_mut(&version(6)).unwrap().status = status;
            },
            &[4, 5, 7, 8],
        ),
        (
            "in use",
            |_, _, others| {
                others.in_use.insert(version(1));
            },
            &[1, 5, 6, 7, 8],
        ),
        ("rolled back", |_, want, _| *want = wanted(2, 2), &[2, 6, 7, 8]),
        ("not published yet", |_, want, _| *want = wanted(9, 2), &[6, 7, 8]),
    ];
    for (name, change, expected) in cases {
        let (mut live, mut want, mut others) = (history(8), wanted(8, 2), Others::default());
        change(&mut live, &mut want, &mut others);
        others.kept.extend(want.history.revisions.iter().cloned());
        let Others { kept, references, in_use } = &others;
        let rules = Rules { desired: &want, kept, references, in_use };
        let (stay, go) = sort_out(&live.versions, &rules);
        assert_eq!(numbers(stay.keys().copied()), expected, "{name}");
        assert_eq!(stay.len() + go.len(), live.versions.len(), "{name}");
    }
}

#[test]
fn age_decides_and_not_the_number() {
    let mut live = history(6);
    // Numbers of deleted versions were given again: 1 and 2 are the newest but for 6.
    for (number, created_at) in [(1, 100), (2, 101), (6, 102)] {
        live.versions.get_mut(&version(number)).unwrap().created_at = created_at;
    }
    let want = wanted(6, 1);
    let (kept, references, in_use) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
    let rules = Rules { desired: &want, kept: &kept, references: &references, in_use: &in_use };
    let (stay, _) = sort_out(&live.versions, &rules);
    assert_eq!(numbers(stay.into_keys()), [1, 2, 6]);
}

prop_compose! {
    fn any_version()(
        content in 0..6_u32, is_ours in prop::bool::weighted(0.8), created_at in 0..100_i64,
        state in 0..8_u8,
    ) -> ObservedVersion {
        let (_, mut version) = if is_ours { ours(1, &nth(content)) } else { published(1, &nth(content)) };
        version.created_at = created_at;
        match state {
            0 => version.status = GuardrailStatus::Failed(Vec::new()),
            1 => version.status = GuardrailStatus::Pending,
            2 => version.content = Read::Unknown(unread()),
            _ => {}
        }
        version
    }
}

proptest! {
    #[test]
    fn nothing_needed_ever_goes_and_what_is_left_is_left_for_good(
        versions in prop::collection::vec(any_version(), 0..20),
        current in 0..6_u32, pinned in 0..6_u32, rollout in 0..6_u32, asked in 1..20_u32,
        referenced in prop::collection::btree_set(1..20_u32, 0..4), limit in 1..6_usize,
    ) {
        let versions: BTreeMap<Version, ObservedVersion> = (1_u32..)
            .zip(versions)
            .map(|(number, it)| (version(number), ObservedVersion { version: version(number), ..it }))
            .collect();
        let want = DesiredReplica {
            history: History {
                limit,
                versions: BTreeSet::from([version(asked)]),
                revisions: BTreeSet::new(),
            },
            ..desired(&nth(current))
        };
        let kept = BTreeSet::from([nth(pinned).revision(), nth(rollout).revision()]);
        let references: BTreeMap<Version, Vec<String>> =
            referenced.iter().map(|number| (version(*number), vec!["x".to_owned()])).collect();
        let in_use = BTreeSet::new();
        let rules = Rules { desired: &want, kept: &kept, references: &references, in_use: &in_use };
        let (stay, go) = sort_out(&versions, &rules);
        for number in &go {
            let version = &versions[number];
            prop_assert!(!referenced.contains(&number.number()) && number.number() != asked);
            prop_assert!(version.description.is_some(), "somebody else's");
            prop_assert!(version.status != GuardrailStatus::Pending);
            if version.status == GuardrailStatus::Ready {
                let (content, _) = version.content.known().expect("unread");
                prop_assert!(*content != nth(pinned) && *content != nth(rollout));
                let newer = versions.values().filter(|it| {
                    (it.created_at, it.version) > (version.created_at, version.version)
                        && it.description.is_some()
                        && it.status == GuardrailStatus::Ready
                        && it.content.known().is_some()
                });
                prop_assert!(newer.count() > limit, "the history is cut short");
                let equal = versions.values().filter(|it| is_published(it, &nth(current)));
                prop_assert!(equal.map(rank).min() != Some(rank(version)), "the current one");
            }
        }
        let left: BTreeMap<_, _> =
            versions.into_iter().filter(|(number, _)| stay.contains_key(number)).collect();
        let (again, none) = sort_out(&left, &rules);
        prop_assert_eq!(again, stay);
        prop_assert_eq!(none, BTreeSet::new());
    }

    /// Whatever is edited how often: the history never grows beyond its limit, and at rest nothing
    /// is done.
    #[test]
    fn revisions_in_a_row_keep_the_limit_and_come_to_rest(
        edits in prop::collection::vec(0..8_u32, 1..30), limit in select(vec![1, 2, 5]),
    ) {
        let mut world = World::new();
        let (mut live, mut memory) = (guardrail(&nth(0)), ReplicaMemory::default());
        let mut last = 0;
        for edit in edits {
            let want = wanted(edit, limit);
            live.draft = want.content.clone();
            let mut quiet = 0;
            while quiet < 3 {
                let seen = observed(live.clone());
                let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
                quiet = if plan.steps.is_empty() && plan.held.is_empty() { quiet + 1 } else { 0 };
                for step in &plan.steps {
                    match step {
                        Step::PublishVersion { replica_revision, .. } => {
                            last += 1;
                            let (number, new) = ours(last, &live.draft);
                            live.versions.insert(number, new);
                            memory.published(replica_revision.clone(), number, world.now);
                        }
                        Step::DeleteVersion { version, .. } => {
                            live.versions.remove(version);
                            memory.sightings.wrote(&step.sighting().unwrap(), world.now);
                        }
                        other => panic!("not expected: {other}"),
                    }
                }
                world.wait(10);
            }
            prop_assert!(live.versions.len() <= limit + 2, "{:?}", live.versions.keys());
            prop_assert!(live.versions.values().any(|it| is_published(it, &want.content)));
        }
    }
}

/// Plans twice, far enough apart, with everything read again in between.
fn twice(world: &mut World, want: &DesiredReplica, seen: &ObservedReplica) -> Plan {
    let mut memory = ReplicaMemory::default();
    plan_replica(&key(), want, seen, &mut memory, &world.context());
    world.wait(5);
    plan_replica(&key(), want, seen, &mut memory, &world.context())
}

#[test]
fn two_passes_must_find_it_unneeded() {
    let (want, seen) = (wanted(8, 2), observed(history(8)));
    let mut world = World::new();
    world.wait(1);
    world.now += Duration::from_secs(1);
    let mut memory = ReplicaMemory::default();
    let mut plan =
        |world: &World| plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(holds(&plan(&world)), [HoldReason::Confirming]);
    world.now += Duration::from_secs(5);
    let stale = plan(&world);
    assert_eq!(summary(&stale), ["held Confirming"], "nothing was read since");
    assert_eq!(stale.asks, [MANAGEMENT, MEMBER, OTHER].map(cell));
    assert!(stale.needs.is_empty() && stale.needs_policies);
    world.wait(1);
    assert_eq!(deleted(&plan(&world)), [1, 2, 3, 4]);
}

#[test]
fn a_reference_that_appears_in_between_keeps_it() {
    let (want, seen) = (wanted(8, 2), observed(history(8)));
    let mut world = World::new();
    let mut memory = ReplicaMemory::default();
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(2))));
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(deleted(&plan), [1, 3, 4]);
    world.facts.policies = Some(BTreeSet::from([(guardrail_arn(), version(1))]));
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(deleted(&plan), [3, 4]);
}

#[test]
fn what_another_guardrail_is_referenced_for_keeps_none_of_ours() {
    let mut world = World::new();
    world.facts.cells.insert(cell(MEMBER), Some((arn("another"), version(2))));
    let plan = twice(&mut world, &wanted(8, 2), &observed(history(8)));
    assert_eq!(deleted(&plan), [1, 2, 3, 4]);
}

#[test]
fn where_there_is_room_nobody_looks_at_references_again() {
    let mut world = World::new();
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(1))));
    world.facts.cells.insert(cell(OTHER), Some((guardrail_arn(), version(2))));
    world.facts.cells_read.clear();
    let (want, seen) = (wanted(6, 2), observed(history(6)));
    let plan = plan_replica(&key(), &want, &seen, &mut ReplicaMemory::default(), &world.context());
    assert_eq!((deleted(&plan), plan.asks), (Vec::new(), Vec::new()));
}

#[test]
fn what_waits_is_told_by_its_numbers() {
    let mut world = World::new();
    world.facts.policies = None;
    for (last, expected) in [(5, "deleting version 1 "), (6, "deleting versions 1, 2 ")] {
        let plan = twice(&mut world, &wanted(last, 2), &observed(history(last)));
        let message = &plan.held[0].message;
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn what_was_not_read_keeps_all_of_them() {
    let cases: [(&str, Change, usize); 3] = [
        ("a cell", |it| drop(it.facts.cells.remove(&cell(MEMBER))), 1),
        ("the policies", |it| it.facts.policies = None, 0),
        ("the organization", |it| it.facts.fleet = None, 0),
    ];
    for (name, change, asked) in cases {
        let mut world = World::new();
        change(&mut world);
        let plan = twice(&mut world, &wanted(8, 2), &observed(history(8)));
        assert_eq!(summary(&plan), ["held Unreadable"], "{name}");
        assert_eq!(plan.asks.len(), asked, "{name}");
    }
}

#[test]
fn an_unreadable_account_blocks_what_it_was_seen_on_or_could_have_adopted() {
    let seen_on = |number| Some((guardrail_arn(), version(number)));
    let cases: [Account; 8] = [
        ("never admitted", false, Share::None, None, false, &[1, 2, 3, 4]),
        ("admitted", true, Share::Organization, None, false, &[]),
        ("admitted by a stranger's statement", true, Share::None, None, false, &[]),
        ("admitted by the manifest alone", false, Share::Organization, None, false, &[]),
        (
            "admitted with a unit it is not in",
            false,
            Share::Units(BTreeSet::from(["ou-ab12-11111111".parse().unwrap()])),
            None,
            false,
            &[1, 2, 3, 4],
        ),
        ("last seen on one of them", false, Share::None, seen_on(2), false, &[1, 3, 4]),
        ("in a Region it has not enabled", true, Share::Organization, None, true, &[1, 2, 3, 4]),
        ("not enabled, last seen", true, Share::Organization, seen_on(2), true, &[1, 3, 4]),
    ];
    for (name, is_open, share, last_seen, is_not_enabled, expected) in cases {
        let mut world = World::new();
        world.facts.cells.remove(&cell(OTHER));
        let unreadable = UnreadableCell { tried: world.now, last_seen, is_not_enabled };
        world.facts.cells_unreadable.insert(cell(OTHER), unreadable);
        let mut live = history(8);
        if is_open {
            let mut policy = open_policy(&live.arn);
            if share == Share::None {
                policy["Statement"][0]["Sid"] = serde_json::json!("Theirs");
            }
            live.policy = Read::Known(policy);
        }
        let want = DesiredReplica { share, ..wanted(8, 2) };
        let (mut memory, seen) = (ReplicaMemory::default(), observed(live));
        plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        world.wait(5);
        let mut plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        plan.steps.retain(|it| matches!(it, Step::DeleteVersion { .. }));
        assert_eq!(deleted(&plan), expected, "{name}");
        assert_eq!(holds(&plan).contains(&HoldReason::Unreadable), expected.is_empty(), "{name}");
        assert!(plan.asks.is_empty(), "{name}: what just failed is not asked again at once");
    }
}

#[test]
fn at_the_quota_something_goes_before_the_next_is_published() {
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let (want, mut live) = (wanted(21, 5), history(20));
    live.draft = nth(21);
    let mut visit = |live: &ObservedGuardrail, world: &World| {
        plan_replica(&key(), &want, &observed(live.clone()), &mut memory, &world.context())
    };
    let plan = visit(&live, &world);
    assert_eq!(summary(&plan), ["held Quota", "held Confirming"]);
    assert!(plan.held.iter().all(|it| it.until != Until::Person), "{:?}", plan.held);
    world.wait(5);
    let mut plan = visit(&live, &world);
    assert_eq!(holds(&plan), [HoldReason::Quota]);
    assert_eq!(deleted(&plan), (1..=14).collect::<Vec<u32>>());
    plan.steps.clear();
    live.versions.retain(|number, _| number.number() > 14);
    visit(&live, &world);
    world.wait(5);
    assert_eq!(summary(&visit(&live, &world)), ["CreateGuardrailVersion"]);
}

#[test]
fn at_the_quota_history_gives_way_to_what_the_manifest_says() {
    let (want, mut live) = (wanted(21, 15), history(20));
    live.draft = nth(21);
    let mut want = want;
    want.history.versions = (1..=10).map(version).collect();
    let plan = twice(&mut World::new(), &want, &observed(live.clone()));
    assert_eq!(deleted(&plan), [11], "the oldest that nothing but the limit keeps");
    live.versions.insert(version(21), ours(21, &nth(21)).1);
    live.versions.remove(&version(1));
    let plan = twice(&mut World::new(), &want, &observed(live));
    assert_eq!(plan.steps, [], "it is published: the limit holds again");
}

#[test]
fn at_the_quota_with_all_needed_a_person_is_told_by_what() {
    let (mut want, mut live) = (wanted(21, 5), history(20));
    live.draft = nth(21);
    want.history.versions = (1..=18).map(version).collect();
    let mut world = World::new();
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(19))));
    world.wait(100);
    let plan = twice(&mut world, &want, &observed(live.clone()));
    assert_eq!(summary(&plan), ["held Quota"]);
    assert_eq!(plan.held[0].until, Until::Person);
    let message = &plan.held[0].message;
    for part in ["19 is referenced by cell 222233334444", "`keepVersions`", "20 was in force"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(plan.asks.is_empty(), "what was just read");
    world.now += Duration::from_mins(5);
    let plan = plan_replica(
        &key(),
        &want,
        &observed(live),
        &mut ReplicaMemory::default(),
        &world.context(),
    );
    assert_eq!(plan.asks, [cell(MEMBER)], "whoever lets go makes room");
}

#[test]
fn what_aws_refused_to_delete_is_left_alone_for_a_while() {
    let (want, seen) = (wanted(8, 2), observed(history(8)));
    let mut world = World::new();
    let mut memory = ReplicaMemory::default();
    memory.refused(version(1), world.now);
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(deleted(&plan), [2, 3, 4]);
    world.wait(3600);
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(deleted(&plan), [1, 2, 3, 4]);
}

#[test]
fn what_is_being_deleted_is_waited_for() {
    let mut live = history(4);
    live.versions.get_mut(&version(1)).unwrap().status = GuardrailStatus::Deleting;
    let plan = twice(&mut World::new(), &wanted(4, 2), &observed(live));
    assert_eq!(summary(&plan), ["held InProgress"]);
}

/// The accounts learn of a changed organization policy with a delay.
#[test]
fn what_was_referenced_a_moment_ago_stays_a_moment_longer() {
    let (want, seen) = (wanted(8, 2), observed(history(8)));
    let mut world = World::new();
    world.facts.policies = Some(BTreeSet::from([(guardrail_arn(), version(2))]));
    let mut memory = ReplicaMemory::default();
    let mut plan =
        |world: &World| plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    plan(&world);
    world.facts.policies = Some(BTreeSet::new());
    world.wait(5);
    let first = plan(&world);
    assert_eq!((deleted(&first), holds(&first)), (vec![1, 3, 4], vec![HoldReason::Confirming]));
    assert_eq!(first.held[0].until, Until::After(Duration::from_secs(55)));
    world.wait(55);
    plan(&world);
    world.wait(5);
    assert_eq!(deleted(&plan(&world)), [1, 2, 3, 4]);
}
