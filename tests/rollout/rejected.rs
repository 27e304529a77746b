//! Revisions that do not pass their gate.

use serde_json::json;

use super::{EVERYONE, FIRST, converged, enforcement, guardrail, mark, marks, versions, write};

const ROLLBACK: &str = "    onFailure: Rollback\n";

/// A word that harmless texts hold, too.
const TOO_MUCH: &str = "hours";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_revision_goes_back_and_is_not_tried_again() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("100ms", ROLLBACK));
    write(&mut stage, &["zebra", TOO_MUCH], 100).await;
    stage.intend(json!({"rollback": ["baseline"]})).await;
    let rejected = stage.apply(3).await;
    rejected.line(&["held (RolledBack)", "was rejected by a gate (in 310000000001 us-east-1 it stops a harmless text): cells go back to"]);
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "1", "1", "1"]);
    let puts = rejected.stdout.lines().filter(|it| it.contains("PutEnforcedGuardrail")).count();
    assert_eq!(puts, 2, "there and back, in the canary alone\n{rejected}");
    let log = rejected.stderr.lines().filter(|it| it.contains("TagResource")).count();
    assert!(log > 0, "the rejection is recorded first\n{rejected}");

    // A process that knows nothing of it writes nothing.
    stage.forget_calls().await;
    stage.apply(3).await;
    let writes = stage.writes().await;
    assert!(!writes.iter().any(|it| it.contains("PutEnforced")), "{writes:?}");
    assert!(mark(&stage, "rejected").await.unwrap().contains('@'));

    // Another text is another attempt.
    write(&mut stage, &["zebra", TOO_MUCH, "lion"], 100).await;
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["3", "3", "3", "3"]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_members_may_not_apply_halts_in_its_first_wave() {
    let mut stage = converged().await;
    stage
        .faults(json!([{"kind": "Denied", "operation": "bedrock-runtime:ApplyGuardrail",
            "probability": 1.0}]))
        .await;
    // Preflight would hold the cell before anything is written.
    stage.manifest("enforcement.yaml", &enforcement("0s", "    preflight: Offline\n"));
    write(&mut stage, &["zebra", "lion"], 0).await;
    let halted = stage.apply(3).await;
    halted.line(&["held (Halted): wave `canary` (1 of 3)", "did not pass its gate", FIRST]);
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "1", "1", "1"]);
    stage.faults(json!([])).await;
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_probe_is_neither_good_nor_bad() {
    let mut stage = converged().await;
    stage
        .faults(json!([{"kind": "Throttle", "operation": "bedrock-runtime:ApplyGuardrail",
            "probability": 1.0, "count": 6}]))
        .await;
    let more = format!("    preflight: Offline\n{ROLLBACK}");
    stage.manifest("enforcement.yaml", &enforcement("0s", &more));
    write(&mut stage, &["zebra", "lion"], 0).await;
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
    assert!(!marks(&stage).await.iter().any(|(kind, _)| kind == "rejected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_call_shows_that_the_new_version_is_enforced() {
    let mut stage = converged().await;
    let gate = "    gate: {probe: {Converse: {modelId: amazon.nova-lite-v1:0}}}\n";
    stage.manifest("enforcement.yaml", &enforcement("0s", &format!("{gate}{ROLLBACK}")));
    write(&mut stage, &["zebra", "lion"], 0).await;
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
    let calls = stage.calls().await;
    assert!(calls["bedrock-runtime:Converse"] >= 4, "{calls:?}");
    stage.intend(json!({"rollback": ["baseline"]})).await;
    write(&mut stage, &["zebra", "lion", TOO_MUCH], 0).await;
    stage.apply(3).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["2", "2", "2", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_was_published_before_its_tests_is_tested_in_the_first_wave() {
    let mut stage = converged().await;
    let gate = "    gate: {probe: ApplyGuardrail, tests: true}\n";
    stage.manifest("enforcement.yaml", &enforcement("0s", gate));
    write(&mut stage, &["zebra", "lion"], 0).await;
    stage.apply(0).await;
    // Back to the first, which is published and never heard of this test.
    write(&mut stage, &["lion", "zebra"], 0).await;
    let text = format!(
        "{}  tests:\n    - {{text: a lion, action: GUARDRAIL_INTERVENED}}\n",
        guardrail("zebra")
    );
    stage.manifest("guardrail.yaml", &text);
    let halted = stage.apply(3).await;
    halted.line(&[
        "held (Halted): wave `canary` (1 of 3)",
        "its test `a lion` expects GUARDRAIL_INTERVENED and gets NONE",
    ]);
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "2", "2", "2"]);
}
