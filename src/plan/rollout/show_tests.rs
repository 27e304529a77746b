//! What is told of a rollout, in sentences and in numbers.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::model::{GateVerdict, WaveState};
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, World, cell, content, desired_cell, desired_text, guardrail_arn,
    no_selection, version,
};
use crate::plan::rollout::cells::tests::world as two_waves;
use crate::plan::rollout::{decide_rollout, rollout_progress};

fn name() -> Name {
    "everywhere".parse().unwrap()
}

/// The first of three waves, of one account each, has `b`, which is being rolled out; the third was
/// not read.
fn world() -> World {
    let mut world = two_waves();
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(2))));
    world.facts.cells.remove(&cell(MANAGEMENT));
    world.cells.insert(cell(MANAGEMENT), desired_cell().into());
    let rollout = world.waves.get_mut(&name()).unwrap();
    rollout.waves.push(DesiredWave {
        name: "last".parse().unwrap(),
        places: BTreeSet::from([cell(MANAGEMENT)]),
        bake: Duration::ZERO,
    });
    world
}

/// At this stage, whatever led there.
fn at(stage: Stage, mut world: World) -> World {
    let decision = decide_rollout(&name(), &world.context()).unwrap();
    world.rollouts.insert(name(), Decision { stage, ..decision });
    world
}

/// What is told, with `it` for the guardrail and its revision.
fn told(world: &World) -> Vec<String> {
    let what = format!("baseline {}", content("b").revision().short());
    let plan = plan_rollout(&name(), &world.context());
    plan.held.iter().map(|held| held.message.replace(&what, "it")).collect()
}

#[test]
fn each_wave_that_is_not_passed_says_how_many_have_the_revision_and_what_it_waits_for() {
    assert_eq!(
        told(&at(Stage::Moving(0), world())),
        [
            "wave `canary` (1 of 3): 1 of 1 cells have it; it is open",
            "wave `rest` is closed: 0 of 1 cells have it; it opens after `canary`",
            "wave `last` is closed: 0 of 1 cells, 1 unread have it; it opens after `rest`",
        ]
    );
    let mut unreachable = world();
    unreachable.facts.unreachable.insert(cell(MANAGEMENT));
    assert_eq!(
        told(&at(Stage::Moving(1), unreachable)),
        [
            "wave `rest` (2 of 3): 0 of 1 cells have it; it is open",
            "wave `last` is closed: 0 of 1 cells, 1 out of reach have it; it opens after `rest`",
        ]
    );
    assert_eq!(told(&at(Stage::Done, world())), Vec::<String>::new());
    assert_eq!(told(&world()), Vec::<String>::new(), "not decided yet");
}

#[test]
fn a_wave_of_nothing_is_not_told() {
    let mut world = world();
    world.waves.get_mut(&name()).unwrap().waves[1].places.clear();
    assert_eq!(
        told(&at(Stage::Moving(0), world)),
        [
            "wave `canary` (1 of 3): 1 of 1 cells have it; it is open",
            "wave `last` is closed: 0 of 1 cells, 1 unread have it; it opens after `rest`",
        ]
    );
}

#[test]
fn a_rollout_that_is_halted_says_why() {
    let mut failed = world();
    let why = "300000000001: it blocks everything".to_owned();
    let verdict = GateVerdict {
        revision: content("b").revision(),
        at: Timestamp::UNIX_EPOCH,
        failure: Some(why),
    };
    failed.facts.verdicts.entry(name()).or_default().insert(cell(MEMBER), verdict);
    let cases = [
        (
            Halt::Failed,
            "wave `canary` (1 of 3): 1 of 1 cells have it; it did not pass its gate (at most 0 may \
             fail): 300000000001: it blocks everything; correct it, or change the text",
        ),
        (
            Halt::Unreachable,
            "wave `canary` (1 of 3): 1 of 1 cells have it; it is halted: nothing of it can be \
             reached; correct it, or change the text",
        ),
        (Halt::Unresolved, "it is halted: a target of a wave resolves to nothing"),
    ];
    let mut world = failed;
    for (halt, expected) in cases {
        world = at(Stage::Halted(0, halt), world);
        assert_eq!(told(&world)[0], expected);
    }
}

/// An enforcement of the organization may have the same name.
#[test]
fn the_guardrail_that_is_told_is_that_of_the_accounts_enforcement() {
    let mut world = world();
    let key = EnforcementKey { kind: EnforcementKind::Organization, name: name() };
    let mut text = desired_text(no_selection());
    text.guardrail = "another".parse().unwrap();
    world.enforcements.insert(key, text);
    let world = at(Stage::Moving(2), world);
    let expected = "wave `last` (3 of 3): 0 of 1 cells, 1 unread have it; it is open";
    assert_eq!(told(&world), [expected]);
}

#[test]
fn those_who_watch_are_told_until_when_the_wave_that_is_open_bakes() {
    assert_eq!(rollout_progress(&name(), &world().context()), None, "not decided yet");
    let until = Timestamp::UNIX_EPOCH + Duration::from_secs(2000);
    let world = at(Stage::Baking(1, until), world());
    let progress = rollout_progress(&name(), &world.context()).unwrap();
    assert_eq!(
        (progress.manifest.as_str(), progress.noun.as_str()),
        ("AccountEnforcement/everywhere", "cells")
    );
    let waves = progress.waves.iter();
    let found: Vec<_> = waves.map(|it| (it.state, it.converged, it.bakes_until)).collect();
    let expected = [
        (WaveState::Passed, 1, None),
        (WaveState::Baking, 0, Some(until)),
        (WaveState::Closed, 0, None),
    ];
    assert_eq!(found, expected);
}
