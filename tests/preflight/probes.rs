//! How many probes are made, and what is said of them.

use serde_json::{Value, json};

use crate::support::{ADA, GUARDRAIL, SANDBOX, SHOP, SMALL, Stage, WORKLOADS, edited, everything};
use crate::{assert_nothing_referenced, probes};

/// Two accounts below Workloads and one below Sandbox, in two Regions each.
const ALL: u64 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn each_cell_is_probed_once_for_each_revision_and_never_at_rest() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    assert_eq!(probes(&stage).await, ALL);
    stage.assert_at_rest().await;
    assert_eq!(probes(&stage).await, 0, "what is in force is proven");
    stage.manifest("all.yaml", &edited(&everything(), "heliotrope", "vermilion"));
    stage.apply(0).await;
    assert_eq!(probes(&stage).await, ALL);
    // Settings alone make no new reference.
    stage.forget_calls().await;
    let settings = edited(
        &everything(),
        "excludedModels: [EMBEDDINGS]}\n  targets: [{organizationalUnit: /Sandbox",
        "excludedModels: [EMBEDDINGS, amazon.nova-lite-v1:0]}\n  targets: [{organizationalUnit: /Sandbox",
    );
    stage.manifest("all.yaml", &edited(&settings, "heliotrope", "vermilion"));
    stage.intend_removal().await;
    stage.finish(&["apply"]).await;
    assert_eq!(probes(&stage).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_under_both_kinds_of_enforcement_is_probed_once() {
    let mut stage = Stage::start(SMALL).await;
    let both = edited(SANDBOX, "/Sandbox", "/Workloads");
    stage.manifest("all.yaml", &[GUARDRAIL, WORKLOADS, &both].join("---"));
    stage.apply(0).await;
    assert_eq!(probes(&stage).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_is_said_by_plan_which_makes_none_and_by_apply_before_the_first() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.plan(2).await.line(&["up to 6 probes", "billed"]);
    assert_eq!(probes(&stage).await, 0);
    let planned = stage.finish(&["plan", "-o", "json"]).await;
    let document: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(document["probes"], json!(6));
    let done = stage.apply(0).await;
    done.line(&["up to 6 probes", "billed"]);
    done.line(&["6 probes were made"]);
    let planned = stage.plan(0).await;
    assert!(!planned.stdout.contains("probes"), "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_probed_from_its_share_and_offline_from_nowhere() {
    let rows = [("{Sample: {percent: 50}}", 2), ("{Sample: {percent: 51}}", 4), ("Offline", 0)];
    for (preflight, expected) in rows {
        let mut stage = Stage::start(SMALL).await;
        let rollout = format!("spec:\n  rollout: {{preflight: {preflight}}}\n");
        let sampled = edited(WORKLOADS, "spec:\n", &rollout);
        stage.manifest("all.yaml", &[GUARDRAIL, &sampled].join("---"));
        stage.apply(0).await;
        assert_eq!(probes(&stage).await, expected, "{preflight}: of two accounts, in two Regions");
        assert_eq!(stage.effective(SHOP).await.len(), 2, "{preflight}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_probe_is_made_again_and_holds_meanwhile() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let fault = json!({"kind": "Throttle", "operation": "bedrock-runtime:ApplyGuardrail"});
    stage.faults(json!([fault])).await;
    let done = stage.apply(3).await;
    done.line(&["held (PreflightUnknown)", ADA]);
    assert_nothing_referenced(&stage).await;
    stage
        .faults(json!([{"kind": "Throttle", "operation": "bedrock-runtime:ApplyGuardrail", "count": 2}]))
        .await;
    stage.forget_calls().await;
    stage.apply(0).await;
    assert_eq!(probes(&stage).await, ALL + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_force_is_restored_without_a_probe_even_when_none_would_pass() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.run().await;
    stage
        .eventually("all is in force", || async {
            let cell = stage.enforced_version((ADA, "us-east-1")).await?;
            (stage.effective(SHOP).await.len() == 2).then_some(cell)
        })
        .await;
    stage.at_rest().await;
    stage.faults(json!([{"kind": "Denied", "operation": "bedrock-runtime:ApplyGuardrail"}])).await;
    stage.forget_calls().await;
    stage.delete_enforced((ADA, "us-east-1")).await;
    stage
        .eventually("the cell is restored", || async {
            stage.enforced_version((ADA, "us-east-1")).await
        })
        .await;
    let (id, _) = stage.policy("bedrail-default-workloads").await;
    let client = stage.organizations().await;
    let detach = client.detach_policy().policy_id(&id).target_id("ou-test-workload");
    detach.send().await.unwrap();
    stage
        .eventually("the policy is attached again", || async {
            (!stage.targets(&id).await.is_empty()).then_some(())
        })
        .await;
    assert_eq!(probes(&stage).await, 0);
}
