//! What a rollout of an account enforcement is decided from.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::model::{Accepted, DesiredReplica, DesiredWave, ReplicaKey, WaveMark};
use crate::plan::fixture::{
    MEMBER, OTHER, World, arn, cell, content, desired_cell, desired_rollout, desired_text, fact,
    guardrail_arn, key, no_selection, version,
};
use crate::plan::rollout::decide::Stage;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// `a` is published as 1 and `b`, which the text says, as 2; the rollout has a wave for each of two
/// accounts. Both have `a`, which is accepted.
pub(in crate::plan::rollout) fn world() -> World {
    let (a, b) = (content("a"), content("b"));
    let mut world = World::with_versions(&b, &[(1, &a), (2, &b)]);
    let wave = |name: &str, account: &str| DesiredWave {
        name: name.parse().unwrap(),
        places: BTreeSet::from([cell(account)]),
        bake: Duration::ZERO,
    };
    let rollout = desired_rollout(vec![wave("canary", MEMBER), wave("rest", OTHER)]);
    world.waves.insert(name("everywhere"), rollout);
    let of_text = EnforcementKey { kind: EnforcementKind::Account, name: name("everywhere") };
    world.enforcements.insert(of_text, desired_text(no_selection()));
    for account in [MEMBER, OTHER] {
        world.cells.insert(cell(account), desired_cell().into());
        world.facts.cells.insert(cell(account), Some((guardrail_arn(), version(1))));
    }
    let accepted = Some(Accepted::Revision(a.revision()));
    let marks = RolloutMarks { accepted, ..RolloutMarks::default() };
    mark(&mut world, &key(), marks);
    world.facts.replicas_read.insert(key());
    world
}

fn mark(world: &mut World, replica: &ReplicaKey, marks: RolloutMarks) {
    let fact = world.facts.replicas.get_mut(replica).unwrap();
    fact.rollouts = BTreeMap::from([(name("everywhere"), marks)]);
}

fn decided(world: &World) -> Option<Decision> {
    decide_rollout(&name("everywhere"), &world.context())
}

#[test]
fn a_rollout_is_decided_of_what_has_a_text_a_rollout_and_a_guardrail() {
    let found = decided(&world()).unwrap();
    assert_eq!((found.target, found.stage), (content("b").revision(), Stage::Moving(0)));
    assert_eq!(found.accepted, Some(content("a").revision()));
    let without: [fn(&mut World); 3] = [
        |world| world.waves.clear(),
        |world| world.enforcements.clear(),
        |world| world.replicas.clear(),
    ];
    for change in without {
        let mut world = world();
        change(&mut world);
        assert_eq!(decided(&world), None);
    }
}

#[test]
fn what_is_desired_is_what_is_pinned_else_what_the_guardrails_own_text_says() {
    let mut world = world();
    // Another guardrail, the name of which comes first.
    let other = ReplicaKey { guardrail: name("another"), ..key() };
    let mut replica = world.replicas[&key()].clone();
    replica.revision = content("c").revision();
    world.replicas.insert(other, replica);
    assert_eq!(decided(&world).unwrap().target, content("b").revision());
    let pinned = DesiredCell { revision: Some(content("a").revision()), ..desired_cell() };
    world.cells.insert(cell(MEMBER), pinned.into());
    assert_eq!(decided(&world).unwrap().target, content("a").revision());
}

/// Marks are on every replica: until all were read, nobody knows how far it is.
#[test]
fn nothing_moves_until_every_replica_of_the_guardrail_was_read() {
    let mut world = world();
    mark(&mut world, &key(), RolloutMarks::default());
    assert_eq!(decided(&world).unwrap().stage, Stage::Beginning);
    world.facts.replicas_read.clear();
    assert_eq!(decided(&world).unwrap().stage, Stage::Reading);
    world.facts.replicas_read.insert(key());
    let more = [
        (ReplicaKey { guardrail: name("another"), ..key() }, Presence::Present),
        (ReplicaKey { region: "eu-west-1".parse().unwrap(), ..key() }, Presence::Absent),
    ];
    for (key_of_it, state) in more {
        let replica = DesiredReplica { state, ..world.replicas[&key()].clone() };
        world.replicas.insert(key_of_it, replica);
    }
    assert_eq!(decided(&world).unwrap().stage, Stage::Beginning, "those do not matter");
}

#[test]
fn marks_of_another_guardrail_say_nothing() {
    let mut world = world();
    mark(&mut world, &key(), RolloutMarks::default());
    let other = ReplicaKey { guardrail: name("another"), ..key() };
    world.facts.replicas.insert(other.clone(), fact(&[]));
    let accepted = Some(Accepted::Revision(content("b").revision()));
    mark(&mut world, &other, RolloutMarks { accepted, ..RolloutMarks::default() });
    assert_eq!(decided(&world).unwrap().stage, Stage::Beginning);
}

#[test]
fn a_cell_stands_to_the_revision_as_its_slot_says() {
    let old = || Standing::Behind(Some(content("a").revision()));
    let (ours, theirs) = (guardrail_arn(), arn("theirs"));
    let ours_elsewhere = arn("elsewhere");
    let slot = |arn: &GuardrailArn, number: u32| Some(Some((arn.clone(), version(number))));
    let rows = [
        ("nothing enforced", Some(None), OnForeign::Hold, Standing::Bare),
        ("as desired", slot(&ours, 2), OnForeign::Hold, Standing::Converged),
        ("the one before", slot(&ours, 1), OnForeign::Hold, old()),
        ("one that nobody knows", slot(&ours, 9), OnForeign::Hold, Standing::Behind(None)),
        ("another of ours", slot(&ours_elsewhere, 1), OnForeign::Hold, Standing::Behind(None)),
        ("a stranger's, to stay", slot(&theirs, 1), OnForeign::Hold, Standing::Excluded),
        ("a stranger's, to go", slot(&theirs, 1), OnForeign::Replace, Standing::Bare),
        ("not read", None, OnForeign::Hold, Standing::Unknown),
    ];
    for (what, slot, on_foreign, expected) in rows {
        let mut world = world();
        let mut other = fact(&[]);
        other.arn = ours_elsewhere.clone();
        world.facts.replicas.insert(ReplicaKey { guardrail: name("another"), ..key() }, other);
        world.facts.cells.remove(&cell(MEMBER));
        world.facts.cells.extend(slot.map(|slot| (cell(MEMBER), slot)));
        let desired = DesiredCell { on_foreign, ..desired_cell() };
        assert_eq!(standing(&cell(MEMBER), &desired, &world.context()), expected, "{what}");
    }
    let mut world = world();
    let pinned = DesiredCell { revision: Some(content("a").revision()), ..desired_cell() };
    let found = standing(&cell(MEMBER), &pinned, &world.context());
    assert_eq!(found, Standing::Converged, "pinned");
    world.facts.cells.remove(&cell(MEMBER));
    world.facts.unreachable.insert(cell(MEMBER));
    let found = standing(&cell(MEMBER), &pinned, &world.context());
    assert_eq!(found, Standing::Unreachable);
}

#[test]
fn a_gate_is_tried_where_the_new_revision_is() {
    let mut world = world();
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(2))));
    let wave = WaveMark {
        revision: content("b").revision(),
        wave: name("canary"),
        since: world.context().wall,
        is_moving: false,
    };
    let marks = world.facts.replicas[&key()].rollouts[&name("everywhere")].clone();
    mark(&mut world, &key(), RolloutMarks { wave: Some(wave), ..marks });
    assert_eq!(trials(&name("everywhere"), &world.context()), [], "not decided yet");
    let decision = decided(&world).unwrap();
    assert_eq!(decision.stage, Stage::Gating(0));
    world.rollouts.insert(name("everywhere"), decision);
    let trials = trials(&name("everywhere"), &world.context());
    let [trial] = trials.as_slice() else { panic!("{trials:?}") };
    assert_eq!((&trial.cell, trial.version), (&cell(MEMBER), version(2)));
    assert_eq!(trial.revision, content("b").revision());
}

/// A target that resolves to nothing may be a slip: what was reached is not forgotten for it.
#[test]
fn a_rollout_that_cannot_be_resolved_keeps_the_mark_of_its_wave() {
    let mut world = world();
    let reached = WaveMark {
        revision: content("b").revision(),
        wave: name("canary"),
        since: Timestamp::UNIX_EPOCH,
        is_moving: false,
    };
    let accepted = Some(Accepted::Revision(content("a").revision()));
    let marks = RolloutMarks { accepted, wave: Some(reached), ..RolloutMarks::default() };
    mark(&mut world, &key(), marks.clone());
    world.waves.get_mut(&name("everywhere")).unwrap().is_unresolved = true;
    let found = decided(&world).unwrap();
    assert!(matches!(found.stage, Stage::Halted(..)), "{:?}", found.stage);
    assert_eq!(found.marks, Some(marks));
}
