//! AWS at its worst: it throttles, fails before and after the effect, hangs, forgets.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{ADA, MANAGEMENT, REGIONS, SHOP, SMALL, Stage, edited, everything};

/// Every write of a first `apply`, of a changed content, and of taking all down.
const WRITES: [&str; 15] = [
    "bedrock:CreateGuardrail",
    "bedrock:CreateGuardrailVersion",
    "bedrock:UpdateGuardrail",
    "bedrock:PutResourcePolicy",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:DeleteEnforcedGuardrailConfiguration",
    "bedrock:DeleteGuardrail",
    "organizations:EnablePolicyType",
    "organizations:CreatePolicy",
    "organizations:UpdatePolicy",
    "organizations:AttachPolicy",
    "organizations:DetachPolicy",
    "organizations:DeletePolicy",
    "organizations:TagResource",
    "sts:AssumeRole",
];

/// Converges, changes content, takes down; nothing twice on the way.
async fn live_through(stage: &mut Stage, faults: &Value) {
    stage.manifest("all.yaml", &everything());
    apply_under(stage, faults).await;
    assert_single(stage, 1).await;
    stage.manifest("all.yaml", &edited(&everything(), "heliotrope", "vermilion"));
    apply_under(stage, faults).await;
    assert_single(stage, 2).await;
    stage.intend_removal().await;
    let absent = everything().replace("\nspec:\n", "\nspec:\n  state: Absent\n");
    stage.manifest("all.yaml", &absent);
    stage.faults(faults.clone()).await;
    stage.apply_with_approval().await;
    stage.faults(json!([])).await;
    for region in REGIONS {
        assert!(stage.guardrails((MANAGEMENT, region), "baseline").await.is_empty(), "{region}");
        assert_eq!(stage.enforced_version((ADA, region)).await, None, "{region}");
    }
    assert!(stage.policies().await.keys().all(|name| !name.starts_with("bedrail-")));
}

/// Faults while the controller works, none while the test looks.
async fn apply_under(stage: &mut Stage, faults: &Value) {
    stage.faults(faults.clone()).await;
    stage.apply(0).await;
    stage.faults(json!([])).await;
}

/// One guardrail in each Region, with `versions` versions; one policy; the newest is in force.
async fn assert_single(stage: &Stage, versions: u32) {
    let expected: Vec<u32> = (1..=versions).collect();
    for region in REGIONS {
        let place = (MANAGEMENT, region);
        assert_eq!(stage.versions(place, "baseline").await, expected, "{region}");
        let arn = stage.guardrail(place, "baseline").await;
        let live = stage.enforced_version((ADA, region)).await;
        assert_eq!(live, Some(format!("{arn}:{versions}")), "{region}");
    }
    let policies = stage.policies().await;
    let ours = policies.keys().filter(|name| name.starts_with("bedrail-")).count();
    assert_eq!(ours, 1, "{:?}", policies.keys());
}

/// One life for each write operation with one fault of this kind on it.
async fn survives_one_fault_on_every_write(fault: fn(&str) -> Value) {
    let mut lives = JoinSet::new();
    for operation in WRITES {
        lives.spawn(async move {
            let life = async move {
                let mut stage = Stage::start(SMALL).await;
                stage.set("BEDRAIL_CALL_TIMEOUT", "2s");
                live_through(&mut stage, &json!([fault(operation)])).await;
            };
            (operation, tokio::spawn(life).await)
        });
    }
    let failed: Vec<String> = lives
        .join_all()
        .await
        .into_iter()
        .filter_map(|(name, ended)| Some(format!("{name}: {}", said(ended.err()?))))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// What a task that panicked had to say.
fn said(error: tokio::task::JoinError) -> String {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap_or(&"?").to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_effect_of_any_write_is_only_a_delay() {
    survives_one_fault_on_every_write(
        |operation| json!({"kind": "ErrorBefore", "operation": operation, "count": 2}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_lost_after_the_effect_of_any_write_makes_nothing_twice() {
    survives_one_fault_on_every_write(
        |operation| json!({"kind": "ErrorAfter", "operation": operation, "count": 2}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_hangs_is_given_up_and_tried_again() {
    survives_one_fault_on_every_write(|operation| {
        json!({"kind": "Timeout", "operation": operation, "count": 1, "milliseconds": 4000})
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_a_fifth_of_all_calls_is_only_a_delay() {
    let mut stage = Stage::start(SMALL).await;
    live_through(&mut stage, &json!([{"kind": "Throttle", "probability": 0.2}])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_are_stale_make_nothing_twice() {
    let mut stage = Stage::start(SMALL).await;
    // Confirmed is what two reads agree on that lie further apart than reads are stale.
    stage.set("BEDRAIL_CONFIRM_AFTER", "600ms");
    stage.set("BEDRAIL_OWN_WRITE_GRACE", "1s");
    stage.manifest("all.yaml", &everything());
    let forgetful = json!([{"kind": "StaleRead", "probability": 0.2, "milliseconds": 400}]);
    apply_under(&mut stage, &forgetful).await;
    assert_single(&stage, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outage_of_one_region_holds_up_no_other_and_is_named() {
    let mut stage = Stage::start(SMALL).await;
    stage
        .faults(json!([{"kind": "Outage", "operation": "bedrock:*", "region": "eu-west-1"}]))
        .await;
    stage.manifest("all.yaml", &everything());
    let done = stage.finish(&["apply", "--wait", "8s"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["failed", "eu-west-1"]);
    assert!(
        !done.stderr.lines().any(|line| line.starts_with("failed") && line.contains("us-east-1"))
    );
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
    stage
        .eventually("the healthy Region is enforced on the unit", || async {
            let effective = stage.effective(SHOP).await;
            (effective.keys().collect::<Vec<_>>() == ["us-east-1"]).then_some(())
        })
        .await;
    stage.faults(json!([])).await;
    stage.apply(0).await;
    assert_single(&stage, 1).await;
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outage_of_a_region_that_is_in_force_takes_nothing_away() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage
        .faults(json!([{"kind": "Outage", "operation": "bedrock:*", "region": "eu-west-1"}]))
        .await;
    stage.forget_calls().await;
    let done = stage.finish(&["apply", "--wait", "3s"]).await;
    assert_eq!(done.code, 1, "{done}");
    assert_eq!(stage.writes().await, Vec::<String>::new());
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_and_apply_end_when_their_time_is_over() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.faults(json!([{"kind": "Latency", "milliseconds": 3000}])).await;
    for (command, code) in [("plan", 1), ("apply", 3)] {
        #[expect(clippy::disallowed_methods, reason = "a real process is timed")]
        let start = Instant::now();
        let done = stage.finish(&[command, "--wait", "1s"]).await;
        assert_eq!(done.code, code, "{command}\n{done}");
        assert!(done.stderr.contains("--wait"), "{done}");
        assert!(start.elapsed() < Duration::from_secs(30), "{command} took {:?}", start.elapsed());
    }
}
