//! Organization enforcements move Region by Region inside their documents.

use serde_json::{Value, json};

use super::support::Stage;
use super::{FIRST, ONE, ORGANIZATION, body, guardrail};

const REGIONS: &str = "[eu-west-1, us-east-1, us-west-2]";

fn enforcement(bake: &str, more: &str) -> String {
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: OrganizationEnforcement\nmetadata: {{name: \
         everywhere}}\nspec:\n  guardrail: baseline\n  modelEnforcement: {{includedModels: [ALL], \
         excludedModels: [EMBEDDINGS]}}\n  targets: [{{organizationalUnit: /Canary}}, \
         {{organizationalUnit: /Rest}}]\n  rollout:\n    waves:\n      - {{name: west, regions: \
         [us-west-2], bake: {bake}}}\n      - {{name: europe, regions: [eu-west-1], bake: \
         {bake}}}\n      - {{name: rest}}\n{more}"
    )
}

async fn write(stage: &mut Stage, words: &[&str], bake_ms: u64) {
    let bodies: Vec<Value> = words.iter().map(|word| body(word)).collect();
    let waves = json!([[{"region": "us-west-2"}], [{"region": "eu-west-1"}]]);
    let intent = json!({"content": {"baseline": bodies.last()}, "waves": waves,
        "orderedContents": {"baseline": bodies}, "bakeMs": [bake_ms, bake_ms]});
    stage.intend(intent).await;
    let text = guardrail(words.last().unwrap());
    stage.manifest("guardrail.yaml", &text.replace("[us-east-1]", REGIONS));
}

async fn converged() -> Stage {
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], 0).await;
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(effective(&stage, FIRST).await, ["eu-west-1 1", "us-east-1 1", "us-west-2 1"]);
    stage
}

/// Regions and the enforced version in them, as the services see it.
async fn effective(stage: &Stage, account: &str) -> Vec<String> {
    let regions = stage.effective(account).await.into_iter();
    let version = |named: &str| named.rsplit(':').next().unwrap_or_default().to_owned();
    regions.map(|(region, named)| format!("{region} {}", version(&named))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_move_one_wave_after_another_and_the_end_is_at_rest() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("200ms", ""));
    write(&mut stage, &["zebra", "lion"], 200).await;
    let done = stage.apply(0).await;
    let updates = done.stdout.lines().filter(|it| it.contains("UpdatePolicy")).count();
    assert_eq!(updates, 3, "{done}");
    for account in [FIRST, ONE] {
        let expected = ["eu-west-1 2", "us-east-1 2", "us-west-2 2"];
        assert_eq!(effective(&stage, account).await, expected);
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_policy_gets_its_regions_in_waves() {
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], 3_600_000).await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    let waiting = stage.apply(3).await;
    waiting.line(&["held (Baking): everywhere: wave `west` (1 of 3): 1 of 1 Regions", "until"]);
    assert_eq!(effective(&stage, FIRST).await, ["us-west-2 1"]);
    stage.intend(json!({"bakeMs": [0, 0]})).await;
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(effective(&stage, FIRST).await, ["eu-west-1 1", "us-east-1 1", "us-west-2 1"]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_bake_of_a_region_goes_on() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("1h", ""));
    write(&mut stage, &["zebra", "lion"], 3_600_000).await;
    stage.run().await;
    let half = ["eu-west-1 1", "us-east-1 1", "us-west-2 2"];
    stage
        .eventually("the first Region moves", || async {
            (effective(&stage, FIRST).await == half).then_some(())
        })
        .await;
    stage.kill();
    let waiting = stage.apply(3).await;
    waiting.line(&["held (Baking): everywhere: wave `west` (1 of 3)"]);
    assert_eq!(effective(&stage, FIRST).await, half);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_revision_leaves_its_first_region_and_is_not_tried_again() {
    let mut stage = converged().await;
    stage.manifest("enforcement.yaml", &enforcement("50ms", "    onFailure: Rollback\n"));
    write(&mut stage, &["zebra", "hours"], 50).await;
    stage.intend(json!({"rollback": ["baseline"]})).await;
    let rejected = stage.apply(3).await;
    rejected.line(&["held (RolledBack): everywhere: baseline", "Regions go back to"]);
    let old = ["eu-west-1 1", "us-east-1 1", "us-west-2 1"];
    assert_eq!(effective(&stage, FIRST).await, old);
    stage.forget_calls().await;
    stage.apply(3).await;
    let writes = stage.writes().await;
    assert!(!writes.iter().any(|it| it.contains("UpdatePolicy")), "{writes:?}");
    write(&mut stage, &["zebra", "hours", "lion"], 50).await;
    stage.apply(0).await;
    assert_eq!(effective(&stage, FIRST).await, ["eu-west-1 3", "us-east-1 3", "us-west-2 3"]);
}
