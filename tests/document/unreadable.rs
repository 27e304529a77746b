//! A Region that cannot be read while the document changes for another.

use serde_json::{Value, json};

use crate::EVERYWHERE;
use crate::support::{GUARDRAIL, SMALL, Stage, edited};

const POLICY: &str = "bedrail-default-everywhere";

async fn block(stage: &Stage, region: &str) -> Value {
    let (_, document) = stage.policy(POLICY).await;
    document["bedrock"]["guardrail_inference"][region].clone()
}

async fn stays_verbatim(fault: Value) {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("everywhere.yaml", EVERYWHERE);
    stage.apply(0).await;
    let before = (block(&stage, "us-east-1").await, block(&stage, "eu-west-1").await);

    stage.faults(json!([fault])).await;
    stage.manifest("guardrail.yaml", &edited(GUARDRAIL, "heliotrope", "turnsole"));
    stage.manifest(
        "everywhere.yaml",
        &edited(EVERYWHERE, "spec:\n", "spec:\n  allowOverride: false\n"),
    );
    stage.run().await;
    stage
        .eventually("the Region that can be read goes on", || async {
            (block(&stage, "us-east-1").await != before.0).then_some(())
        })
        .await;
    stage.logged(&["baseline", "eu-west-1", "failed"]).await;
    let text = |block: &Value| block.to_string();
    assert_eq!(text(&block(&stage, "eu-west-1").await), text(&before.1));

    stage.faults(json!([])).await;
    stage
        .eventually("the other follows", || async {
            let block = block(&stage, "eu-west-1").await;
            let version = block.pointer("/config_1/identifier/@@assign").and_then(Value::as_str);
            version.is_some_and(|it| it.ends_with(":2")).then_some(())
        })
        .await;
    stage.kill();
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_block_of_a_region_that_is_down_stays_verbatim_until_it_is_back() {
    stays_verbatim(json!({"kind": "Outage", "operation": "bedrock:*", "region": "eu-west-1"}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_the_block_of_a_region_that_lets_nobody_in() {
    stays_verbatim(json!({"kind": "Denied", "operation": "bedrock:*", "region": "eu-west-1"}))
        .await;
}
