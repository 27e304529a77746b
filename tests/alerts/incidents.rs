//! What somebody must know at once: a contest, a rollout that stopped, a journal that is not written.

use std::fs;

use serde_json::json;

use super::Scene;
use super::receiver::Receiver;
use super::support::{ADA, GUARDRAIL, SMALL, Stage, WORKLOADS, edited, with};

const CELL: (&str, &str) = (ADA, "us-east-1");

#[tokio::test(flavor = "multi_thread")]
async fn whoever_undoes_a_write_again_and_again_is_told_as_a_contest() {
    let scene = Scene::start(|_| {}).await;
    scene.stage.at_rest().await;
    // A write undone before it was seen in place may be a read that lags, and does not count.
    let contested = || async {
        if scene.stage.enforced(CELL).await.is_some() {
            scene.stage.delete_enforced(CELL).await;
        }
        let alerts = scene.receiver.alerts().into_iter();
        alerts.filter(|it| it["alert"] == "Contested").find(|it| it["status"] == "firing")
    };
    let alert = scene.stage.eventually("a contest is told", contested).await;
    let subject = &alert["subjects"][0];
    assert_eq!(subject["subject"], format!("cell {ADA} us-east-1"), "{alert:#}");
    assert_eq!(scene.subjects("Contested", "firing").len(), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_is_told_and_when_it_can_be_again() {
    let folder = tempfile::tempdir().unwrap();
    // Its folder cannot be made while a file is in the way.
    let blocker = folder.path().join("logs");
    fs::write(&blocker, "").unwrap();
    let path = blocker.join("journal.jsonl").display().to_string();
    let scene = Scene::start(|stage| stage.set("BEDRAIL_JOURNAL", &path)).await;
    let alert = scene.told("Journal", "firing").await;
    assert_eq!(alert["subjects"][0]["subject"], path, "{alert:#}");
    let enforced = || async { scene.stage.enforced(CELL).await.map(|_| ()) };
    scene.stage.eventually("protection does not wait for it", enforced).await;
    fs::remove_file(&blocker).unwrap();
    scene.told("Journal", "resolved").await;
    assert!(fs::read_to_string(&path).unwrap().contains("\"Degraded\""));
}

/// A guardrail and its enforcement, Region by Region.
fn in_two_waves(word: &str) -> String {
    let waves = "[{name: europe, regions: [eu-west-1], bake: 0s}, {name: rest}]";
    // With a preflight the wave would be held before anything is written.
    let enforcement = with(WORKLOADS, &format!("rollout: {{waves: {waves}, preflight: Offline}}"));
    [edited(GUARDRAIL, "heliotrope", word), enforcement].join("---")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_halts_is_told_and_shows_its_wave_until_it_goes_on() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &in_two_waves("heliotrope"));
    stage.apply(0).await;
    let denied = json!([{"kind": "Denied", "operation": "bedrock-runtime:ApplyGuardrail",
        "probability": 1.0}]);
    stage.faults(denied).await;
    stage.manifest("all.yaml", &in_two_waves("amaranth"));
    let scene = Scene::of(stage, Receiver::start().await, |_| {}).await;
    let alert = scene.told("Rollout", "firing").await.to_string();
    assert!(alert.contains("workloads") && alert.contains("europe"), "{alert}");

    let wave = |number: usize| {
        let labels = "kind=\"OrganizationEnforcement\",enforcement=\"workloads\"";
        [
            format!("bedrail_rollout_wave{{{labels}}} {number}"),
            format!("bedrail_rollout_waves{{{labels}}} 2"),
        ]
    };
    let metrics = scene.get("/metrics").await;
    for line in wave(1).into_iter().chain(["bedrail_rollouts{stage=\"Halted\"} 1".to_owned()]) {
        assert!(metrics.lines().any(|it| it == line), "{line} is not in\n{metrics}");
    }
    scene.stage.faults(json!([])).await;
    scene.told("Rollout", "resolved").await;
    let done = || async {
        let metrics = scene.get("/metrics").await;
        wave(2).iter().all(|line| metrics.lines().any(|it| it == line)).then_some(())
    };
    scene.stage.eventually("both waves are through", done).await;
}
