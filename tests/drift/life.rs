//! How `run` ends and begins again.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::json;

use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, REGIONS, SHOP, SMALL, Stage, WORKLOADS, edited, everything, within,
};

/// Sends a signal to `run`.
fn signal(stage: &mut Stage, name: &str) {
    let process = stage.running().id().to_string();
    assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
}

/// Waits until `run` has ended.
async fn ended(stage: &mut Stage) -> ExitStatus {
    // A cell, since the condition is asked again and again.
    let child = std::cell::RefCell::new(stage.running());
    let wait = || std::future::ready(child.borrow_mut().try_wait().unwrap());
    within(Duration::from_secs(10), wait).await.unwrap()
}

async fn in_force(stage: &Stage, number: u32) {
    stage
        .eventually("everything is in force", || async {
            let suffix = format!(":{number}");
            let live = stage.enforced_version((ADA, "us-east-1")).await?;
            let effective = stage.effective(SHOP).await;
            let all = effective.len() == REGIONS.len()
                && effective.values().all(|version| version.ends_with(&suffix));
            (live.ends_with(&suffix) && all).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_at_rest_ends_run_with_success() {
    for name in ["TERM", "INT"] {
        let mut stage = Stage::start(SMALL).await;
        stage.manifest("all.yaml", &everything());
        stage.run().await;
        in_force(&stage, 1).await;
        signal(&mut stage, name);
        assert!(ended(&mut stage).await.success(), "{name}\n{}", stage.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_in_the_middle_starts_no_new_write_and_the_next_run_goes_on() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    // Slow enough that the stop falls between two writes of one visit.
    let slow = json!([{"kind": "Latency", "milliseconds": 150}]);
    stage.faults(slow).await;
    stage.run().await;
    stage.logged(&["applied", "CreateGuardrail"]).await;
    signal(&mut stage, "TERM");
    stage.logged(&["stopping"]).await;
    let at_stop = stage.get("calls/log").await["calls"].as_array().unwrap().len();
    assert!(ended(&mut stage).await.success(), "{}", stage.log());
    let writes = stage.writes().await;
    let calls = stage.get("calls/log").await["calls"].as_array().unwrap().len();
    // At most what was in flight: one call for each of the keys.
    assert!(calls - at_stop <= 8, "{} calls after the stop", calls - at_stop);
    assert!(!writes.iter().any(|it| it.contains("PutEnforced")), "stopped early: {writes:?}");

    stage.faults(json!([])).await;
    stage.run().await;
    in_force(&stage, 1).await;
    for region in REGIONS {
        assert_eq!(stage.versions((MANAGEMENT, region), "baseline").await, [1], "{region}");
    }
}

async fn kill_after(stage: &mut Stage, last_words: &str) {
    stage.run().await;
    stage.logged(&["applied", last_words]).await;
    signal(stage, "KILL");
    ended(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_the_next_run_makes_nothing_twice() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    for last_words in ["bedrock:CreateGuardrail ", "bedrock:CreateGuardrailVersion "] {
        kill_after(&mut stage, last_words).await;
    }
    stage.manifest("all.yaml", &edited(&everything(), "heliotrope", "vermilion"));
    for last_words in ["bedrock:UpdateGuardrail ", "bedrock:CreateGuardrailVersion "] {
        kill_after(&mut stage, last_words).await;
    }
    stage.run().await;
    for account in [ADA, SHOP] {
        stage
            .eventually("the second content is in force", || async {
                let asked = stage.converse((account, "us-east-1"), "Tell me of vermilion.").await;
                (asked.stop_reason == "guardrail_intervened").then_some(())
            })
            .await;
    }
    stage.at_rest().await;
    for region in REGIONS {
        let versions = stage.versions((MANAGEMENT, region), "baseline").await;
        // Killed before its first version, a Region goes straight to the second content.
        assert!(versions == [1, 2] || versions == [1], "{region}: {versions:?}");
    }
    let policies = stage.policies().await;
    let ours = policies.keys().filter(|name| name.starts_with("bedrail-")).count();
    assert_eq!(ours, 1, "{:?}", policies.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_paused_does_not_go_on_with_an_old_plan() {
    let mut stage = Stage::start(SMALL).await;
    stage.set("BEDRAIL_ACT_WITHIN", "1s");
    let both = "targets: [{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]";
    let policy = edited(WORKLOADS, "targets: [{organizationalUnit: /Workloads}]", both);
    stage.manifest("all.yaml", &[GUARDRAIL, policy.as_str()].join("---"));
    // The first of two attachments is answered late, and by then the process stands still.
    let slow = json!({
        "kind": "Latency", "operation": "organizations:AttachPolicy", "caller": "Controller",
        "count": 1, "milliseconds": 500,
    });
    stage.faults(json!([slow])).await;
    stage.run().await;
    let process = stage.running().id().to_string();
    let attached = |count: u64| {
        let stage = &stage;
        move || async move {
            let calls = stage.calls().await;
            (calls.get("organizations:AttachPolicy") == Some(&count)).then_some(())
        }
    };
    stage.eventually("the first attachment", attached(1)).await;
    let send = |name: &str| {
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    };
    send("STOP");
    let clock = bedrail::runtime::Clock::system();
    stage
        .eventually("longer than a plan may be old", || async {
            (clock.now() > Duration::from_millis(1500)).then_some(())
        })
        .await;
    send("CONT");
    stage.logged(&["too old to act upon"]).await;
    stage.eventually("both attachments", attached(2)).await;
}
