//! Accounts that hang and accounts that are throttled cost the others next to nothing.

use std::time::Duration;

use bedrail::reconcile::Key;
use serde_json::json;

use super::support::in_process::InProcess;
use super::{RESYNC, is_converged, manifests, members, organization};

/// Accounts of each kind: healthy ones begin with 2, those that will hang with 3, those that will be
/// throttled with 4.
const EACH: usize = 12;

const REGION_COUNT: usize = 12;

/// Lets all keys become due at once; returns how long it takes until every healthy cell was read.
async fn a_pass(world: &InProcess) -> Duration {
    let generation = world.accept(&manifests(REGION_COUNT, "organizationalUnit: /Workloads"));
    let times = (Duration::from_millis(20), Duration::from_mins(10));
    world
        .until(times, |world| {
            let outcomes = world.controller.engine().outcomes();
            let read = outcomes.iter().filter(|(key, outcome)| {
                let Key::Cell(cell) = key else { return false };
                cell.account.as_str().starts_with('2') && outcome.observed_generation == generation
            });
            read.count() == EACH * REGION_COUNT
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn with_a_third_hanging_and_a_third_throttled_the_rest_takes_half_as_long_again_at_most() {
    let all: Vec<String> = [2, 3, 4].into_iter().flat_map(|digit| members(digit, EACH)).collect();
    let manifests = manifests(REGION_COUNT, "organizationalUnit: /Workloads");
    let mut world = InProcess::start(&organization(&all), &manifests, 1).await;
    world.run(RESYNC);
    let cells = 3 * EACH * REGION_COUNT;
    let times = (Duration::from_secs(5), Duration::from_mins(30));
    world.until(times, |world| is_converged(world, cells)).await;

    let undisturbed = a_pass(&world).await;

    let faults = json!([
        {"kind": "Timeout", "operation": "bedrock:*", "account": "3*"},
        {"kind": "Throttle", "operation": "bedrock:*", "account": "4*", "perSecond": 1},
    ]);
    world.put("faults", &json!({"faults": faults})).await;
    let at_first = a_pass(&world).await;
    world.pass(Duration::from_mins(2)).await;
    let later = a_pass(&world).await;
    println!("undisturbed {undisturbed:?}, disturbed {at_first:?}, two minutes later {later:?}");
    assert!(at_first * 2 <= undisturbed * 3, "{at_first:?} instead of {undisturbed:?}");
    assert!(later * 2 <= undisturbed * 3, "{later:?} instead of {undisturbed:?}");

    let snapshot = world.controller.engine().snapshot();
    let spared = snapshot.unanswering;
    assert!(spared.accounts.iter().all(|it| it.starts_with('3')), "{spared:?}");
    assert_eq!((spared.accounts.len(), spared.regions.len()), (EACH, 0), "{spared:?}");
    let said =
        snapshot.notices.iter().filter(|it| it.starts_with("Unanswering: no answer from 12"));
    assert_eq!(said.count(), 1, "{:?}", snapshot.notices);

    // The throttled are slow, and all are read; AWS is asked little more than it answers.
    world.forget_calls().await;
    world.pass(Duration::from_mins(1)).await;
    let before: u64 = world.controller.engine().throttles().values().sum();
    world.pass(Duration::from_mins(5)).await;
    let more: u64 = world.controller.engine().throttles().values().sum();
    println!("throttles in five minutes: {}", more - before);
    let times = (Duration::from_secs(1), Duration::from_mins(2));
    world
        .until(times, |world| {
            let outcomes = world.controller.engine().outcomes();
            let mut throttled = outcomes.iter().filter(
                |(key, _)| matches!(key, Key::Cell(cell) if cell.account.as_str().starts_with('4')),
            );
            throttled.all(|(_, outcome)| outcome.failure.is_none())
        })
        .await;

    // Once they answer again, those that hung are read within a minute and a resync.
    world.put("faults", &json!({"faults": []})).await;
    let within = (Duration::from_secs(5), RESYNC + Duration::from_mins(1));
    world.until(within, |world| world.controller.engine().summary().failed == 0).await;
}
