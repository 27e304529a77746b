//! Order, bakes, and who does not wait.

use serde_json::json;

use super::support::Stage;
use super::{
    EARLY, EVERYONE, FIRST, JOINS, ONE, ORGANIZATION, TWO, converged, enforcement, mark, marks,
    reach, versions, write,
};

#[tokio::test(flavor = "multi_thread")]
async fn three_waves_open_one_after_another_and_the_end_is_at_rest() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("300ms", ""));
    write(&mut stage, &["zebra", "lion"], 300).await;
    let done = stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
    let writes: Vec<&str> =
        done.stdout.lines().filter(|line| line.contains("PutEnforcedGuardrail")).collect();
    let order = |account: &str| writes.iter().position(|line| line.contains(account)).unwrap();
    assert!(order(FIRST) < order(EARLY) && order(EARLY) < order(ONE).min(order(TWO)), "{done}");
    // What is left on record is what is accepted, and nothing of the way there.
    let marks = marks(&stage).await;
    assert_eq!(marks.len(), 1, "{marks:?}");
    assert_eq!(marks[0].0, "accepted");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_goes_in_waves_too() {
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], 3_600_000).await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    let waiting = stage.apply(3).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "-", "-", "-"]);
    waiting.line(&["held (Baking): wave `canary` (1 of 3): 1 of 1 cells have baseline", "until"]);
    waiting.line(&["held (WaveClosed): wave `early` is closed: 0 of 1 cells", "after `canary`"]);
    waiting.line(&["held (WaveClosed): wave `rest` is closed: 0 of 2 cells", "after `early`"]);
    assert_eq!(mark(&stage, "accepted").await.unwrap(), "none");
    let planned = stage.plan(2).await;
    planned.line(&["! held, Baking: wave `canary` (1 of 3)"]);
    stage.intend(json!({"bakeMs": [0, 0]})).await;
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "1", "1", "1"]);
    stage.assert_at_rest().await;
}

/// `apply` does not sit out what takes longer than it may; the next one goes on from the record.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_joins_gets_the_accepted_revision_at_once() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    write(&mut stage, &["zebra", "lion"], 3_600_000).await;
    stage.apply(3).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "1", "1", "1"]);
    let organizations = stage.organizations().await;
    let moved = organizations.move_account().account_id(JOINS);
    let moved =
        moved.source_parent_id("ou-test-outside0").destination_parent_id("ou-test-rest0000");
    moved.send().await.unwrap();
    stage.apply(3).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "1", "1", "1"]);
    assert_eq!(versions(&stage, [JOINS]).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_of_which_no_cell_can_be_reached_halts() {
    let mut stage = converged().await;
    let canary = "{organizationalUnit: /Canary}], bake";
    let closed = enforcement("0s", "").replace(canary, "{organizationalUnit: /Closed}], bake");
    stage.manifest("enforcement.yaml", &closed);
    write(&mut stage, &["zebra", "lion"], 0).await;
    let halted = stage.apply(3).await;
    halted.line(&["held (Halted): wave `canary` (1 of 3)", "nothing of it can be reached"]);
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "1", "1", "1"]);

    // Nor when it is the role that lets nobody in.
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage
        .faults(json!([{"kind": "Denied", "operation": "sts:AssumeRole", "account": FIRST,
            "probability": 1.0},
            {"kind": "Denied", "operation": "bedrock:*", "account": FIRST, "probability": 1.0}]))
        .await;
    let halted = stage.finish(&["apply", "--wait", "60s"]).await;
    halted.line(&["held (Halted): wave `canary` (1 of 3)", "nothing of it can be reached"]);
    stage.faults(json!([])).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "1", "1", "1"]);
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_rollout_moves_nothing_and_gives_what_is_bare_what_is_accepted() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("0s", "    paused: true\n"));
    write(&mut stage, &["zebra", "lion"], 0).await;
    stage.delete_enforced((TWO, super::REGION)).await;
    let paused = stage.apply(3).await;
    paused.line(&["held (Paused): wave `canary` (1 of 3)", "`paused: false`"]);
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "1", "1", "1"]);
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_in_a_closed_wave_is_put_right_with_what_is_accepted() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    write(&mut stage, &["zebra", "lion"], 3_600_000).await;
    stage.run().await;
    reach(&stage, &EVERYONE, &["2", "1", "1", "1"]).await;
    stage.delete_enforced((ONE, super::REGION)).await;
    reach(&stage, &[ONE, FIRST], &["1", "2"]).await;
}
