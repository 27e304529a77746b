//! A process that dies anywhere is continued by the next.

use serde_json::json;

use crate::support::{Stage, edited};
use crate::{LANDING_ZONE, MODELS, PROTECTION, assert_strangers_stay, controls};

/// Calls of one convergence that change something, the most that a world can take.
const WRITES_MAX: u64 = 40;

/// One world after another, in each of which a later answer is lost, and the process with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_loses_an_answer_anywhere_is_continued_and_nothing_is_there_twice() {
    let operations = [
        "organizations:CreatePolicy",
        "organizations:AttachPolicy",
        "organizations:TagResource",
        "organizations:DetachPolicy",
        "organizations:DeletePolicy",
    ];
    for operation in operations {
        let mut stage = Stage::start(LANDING_ZONE).await;
        stage.manifest("models.yaml", MODELS);
        stage.apply(0).await;
        stage.manifest("models.yaml", &edited(MODELS, "amazon.nova-*", "anthropic.claude-*"));
        stage.manifest("protection.yaml", PROTECTION);
        stage
            .faults(json!([{"kind": "ErrorAfter", "operation": operation, "probability": 1.0, "count": 1}]))
            .await;
        stage.finish(&["apply", "--wait", "1s"]).await;
        stage.faults(json!([])).await;
        stage.apply(0).await;
        let names: Vec<String> = controls(&stage).await.into_keys().collect();
        assert_eq!(names.len(), 3, "{operation}: {names:?}");
        assert_strangers_stay(&stage).await;
        stage.assert_at_rest().await;
    }
}

/// Killed again and again: the next process finds in the tags how far it has come.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_again_and_again_gets_there() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    stage.manifest("models.yaml", &edited(MODELS, "amazon.nova-*", "anthropic.claude-*"));
    stage.manifest("protection.yaml", PROTECTION);
    for writes in 1..=6_u64 {
        stage.forget_calls().await;
        stage.run().await;
        stage
            .eventually("it has written something, or has no more to write", || async {
                let calls = stage.calls().await;
                let is_write = |name: &&String| {
                    !["List", "Describe", "Get", "Assume"].iter().any(|it| name.contains(it))
                };
                let written: u64 =
                    calls.iter().filter(|(name, _)| is_write(name)).map(|(_, it)| it).sum();
                let visits = calls.get("organizations:ListRoots").copied().unwrap_or_default();
                (written > 0 || visits > WRITES_MAX * writes).then_some(())
            })
            .await;
        stage.kill();
    }
    stage.apply(0).await;
    let names: Vec<String> = controls(&stage).await.into_keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    stage.assert_at_rest().await;
}
