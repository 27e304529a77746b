//! A release takes over what earlier ones left behind, without a write.
//!
//! Every release is recorded: the real controller converges [`MANIFESTS`] in [`ORGANIZATION`], twice,
//! so that there is a revision before, and the simulated AWS is written down as a scenario in
//! `worlds`. Before a release, and after a change of a form that is meant:
//!
//! ```text
//! cargo test --all-features --test upgrade record -- --ignored
//! ```
//!
//! What is recorded is also the golden copy of every canonical form: names, tags, descriptions with
//! their revisions, documents of policies. The present code must make the same of the same manifests;
//! a difference is either a mistake, or a change that later releases must be able to read.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

mod golden;
mod recorded;
#[path = "../support/same.rs"]
mod same;
#[path = "../sweeps/stage.rs"]
#[allow(dead_code, reason = "the sweeps use all of it")]
mod stage;
#[path = "../sweeps/strike.rs"]
#[allow(dead_code, reason = "the sweeps use all of it")]
mod strike;

use std::time::Duration;

use bedrail::reconcile::Intent;
use serde_json::json;

use recorded::Recorded;
use same::{differences, without_generated};
use stage::{RESYNC, Scene, Stage, Wanted};

const ORGANIZATION: &str = include_str!("organization.yaml");
const MANIFESTS: &str = include_str!("manifests.yaml");

/// The words of the two revisions.
const WORDS: [&str; 2] = ["zebra", "amaranth"];

/// Until everything is in force, waves included, and old versions are gone.
const CONVERGES_WITHIN: Duration = Duration::from_mins(30);

/// Until a process that only looks has seen everything.
const PLANS_WITHIN: Duration = Duration::from_mins(2);

fn manifests(word: &str) -> String {
    assert!(MANIFESTS.contains("WORD"));
    MANIFESTS.replace("WORD", word)
}

fn on_a_paused_clock<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// Converges the manifests with each of the words; the last stage.
async fn converge() -> Stage {
    let mut scene = Scene::empty(ORGANIZATION);
    let mut stage = None;
    for word in WORDS {
        let intent = json!({"owner": "default"});
        let next = Wanted { manifests: manifests(word), intent };
        let mut on = Stage::enter(&scene, &next);
        let process = on.start(Intent::Converge, None).await.unwrap();
        on.pass(CONVERGES_WITHIN).await;
        assert_eq!(process.unready(), Vec::<String>::new(), "{word}");
        drop(process);
        assert_eq!(on.violations(), Vec::<String>::new());
        scene = on.scene();
        stage = Some(on);
    }
    stage.unwrap()
}

/// What a new process that only looks would do in a scene, and what it cannot say to be in order.
async fn plan(scene: &Scene, wanted: &Wanted) -> Vec<String> {
    let mut stage = Stage::enter(scene, wanted);
    let planner = stage.start(Intent::Show, None).await.unwrap();
    stage.pass(PLANS_WITHIN).await;
    let plans = planner.controller.engine().plans();
    let steps = plans.iter().flat_map(|(key, plan)| {
        plan.steps.iter().map(move |step| format!("a step for {key}: {step:?}"))
    });
    let mut found: Vec<String> = steps.collect();
    found.extend(planner.unready());
    let writes = stage.calls().await.into_iter().filter(stage::Call::is_write);
    assert_eq!(writes.count(), 0, "a plan wrote");
    found
}

#[test]
fn the_world_of_every_recorded_release_gives_an_empty_plan() {
    let all = Recorded::all();
    assert!(!all.is_empty(), "no release is recorded");
    for recorded in all {
        let found = on_a_paused_clock(plan(&recorded.scene(), &recorded.wanted()));
        assert_eq!(found, Vec::<String>::new(), "the world of {}", recorded.release);
    }
}

#[test]
fn a_controller_that_takes_over_the_world_of_a_release_writes_nothing() {
    for recorded in Recorded::all() {
        let writes = on_a_paused_clock(async {
            let mut stage = Stage::enter(&recorded.scene(), &recorded.wanted());
            let process = stage.start(Intent::Converge, None).await.unwrap();
            stage.pass(3 * RESYNC + Duration::from_secs(30)).await;
            assert_eq!(process.unready(), Vec::<String>::new(), "{}", recorded.release);
            let calls = stage.calls().await;
            assert!(calls.len() > 100, "nothing was looked at");
            calls.into_iter().filter(stage::Call::is_write).collect::<Vec<_>>()
        });
        assert_eq!(writes, [], "in the world of {}", recorded.release);
    }
}

/// Else the tests above could not fail.
#[test]
fn a_recorded_world_and_other_manifests_give_a_plan() {
    for recorded in Recorded::all() {
        let other = Wanted { manifests: manifests("other"), ..recorded.wanted() };
        let found = on_a_paused_clock(plan(&recorded.scene(), &other));
        let steps = found.iter().filter(|it| it.starts_with("a step"));
        assert!(steps.count() >= 2, "{}: {found:#?}", recorded.release);
    }
}

/// A form that changes on purpose is recorded anew; see the top of this file.
#[test]
fn the_same_manifests_come_to_the_forms_that_were_recorded() {
    let present = env!("CARGO_PKG_VERSION");
    let all = Recorded::all();
    let Some(recorded) = all.iter().find(|it| it.release == present).or(all.last()) else {
        panic!("no release is recorded");
    };
    assert_eq!(recorded.manifests, manifests(WORDS[1]), "the manifests were edited: record anew");
    let (expected, found) = on_a_paused_clock(async {
        let before = Stage::enter(&recorded.scene(), &recorded.wanted());
        let after = converge().await;
        (before.world().await, after.world().await)
    });
    let wrong = differences("", &without_generated(&expected), &without_generated(&found));
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
#[ignore = "writes the world of this release into the repository"]
fn record() {
    on_a_paused_clock(async {
        let stage = converge().await;
        let seen = stage.world().await;
        let recorded = Recorded::of(ORGANIZATION, &manifests(WORDS[1]), &seen, stage.date());
        let again = Stage::enter(&recorded.scene(), &recorded.wanted());
        let (seen, again) = (without_generated(&seen), without_generated(&again.world().await));
        assert_eq!(differences("", &seen, &again), Vec::<String>::new());
        println!("kept in {}", recorded.keep().display());
    });
}
