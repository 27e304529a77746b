//! Organization enforcements move target by target, through policies that exist only meanwhile.

use serde_json::{Value, json};

use super::support::Stage;
use super::{EARLY, FIRST, JOINS, ONE, ORGANIZATION, TWO, body, guardrail};

const CANARY: &str = "{name: canary, targets: [{account: \"310000000001\"}], bake: BAKE}";
const UNIT: &str = "{name: unit, targets: [{organizationalUnit: /Early}], bake: BAKE}";

/// An enforcement on these targets, in waves that bake so long before the rest.
fn enforcement(targets: &str, waves: &[&str], bake: &str, more: &str) -> String {
    let waves: String = waves.iter().map(|wave| format!("      - {wave}\n")).collect();
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: OrganizationEnforcement\nmetadata: {{name: \
         everywhere}}\nspec:\n  guardrail: baseline\n  modelEnforcement: {{includedModels: [ALL], \
         excludedModels: [EMBEDDINGS]}}\n  targets: {targets}\n{more}  rollout:\n    waves:\n{}      \
         - {{name: rest}}\n",
        waves.replace("BAKE", bake)
    )
}

const EVERYWHERE: &str = "[{organization: true}]";

/// Writes the guardrail with the last of these words, and tells the referee in which waves it moves.
async fn write(stage: &mut Stage, words: &[&str], waves: &Value, bake_ms: u64) {
    let bodies: Vec<Value> = words.iter().map(|word| body(word)).collect();
    let bakes: Vec<u64> = waves.as_array().unwrap().iter().map(|_| bake_ms).collect();
    let intent = json!({"content": {"baseline": bodies.last()}, "waves": waves,
        "orderedContents": {"baseline": bodies}, "bakeMs": bakes});
    stage.intend(intent).await;
    stage.manifest("guardrail.yaml", &guardrail(words.last().unwrap()));
}

fn canary() -> Value {
    json!([[{"account": FIRST}]])
}

/// The first revision is in force wherever `text` says.
async fn converged(text: &str) -> Stage {
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], &canary(), 0).await;
    stage.manifest("enforcement.yaml", text);
    stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["1", "1", "1", "1"]);
    stage
}

/// The version in effect in each account, as the services see it; `-` for none.
async fn versions(stage: &Stage) -> Vec<String> {
    let mut versions = Vec::new();
    for account in [FIRST, EARLY, ONE, TWO] {
        versions.push(version(stage, account).await);
    }
    versions
}

async fn version(stage: &Stage, account: &str) -> String {
    let effective = stage.effective(account).await;
    let named = effective.into_iter().find(|(region, _)| region == super::REGION);
    named.and_then(|(_, it)| it.rsplit(':').next().map(str::to_owned)).unwrap_or("-".to_owned())
}

/// The writes on policies of a run, in order.
fn writes(text: &str) -> Vec<&str> {
    let is_write = |word: &&str| word.starts_with("organizations:");
    let writes = text.lines().filter_map(|line| line.split_whitespace().find(is_write));
    writes.map(|it| it.trim_start_matches("organizations:")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_below_the_organization_is_tried_before_all_others() {
    let mut stage = converged(&enforcement(EVERYWHERE, &[CANARY], "0s", "")).await;
    stage.manifest("enforcement.yaml", &enforcement(EVERYWHERE, &[CANARY], "1h", ""));
    write(&mut stage, &["zebra", "lion"], &canary(), 3_600_000).await;
    let waiting = stage.apply(3).await;
    waiting.line(&["held (Baking): everywhere: wave `canary` (1 of 2): 1 of 1 places", "until"]);
    waiting.line(&["wave `rest` is closed"]);
    assert_eq!(versions(&stage).await, ["2", "1", "1", "1"]);
    stage.intend(json!({"bakeMs": [0]})).await;
    stage.manifest("enforcement.yaml", &enforcement(EVERYWHERE, &[CANARY], "0s", ""));
    let done = stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["2", "2", "2", "2"]);
    let found = writes(&done.stdout);
    assert_eq!(found.iter().filter(|it| **it == "UpdatePolicy").count(), 1, "{done}");
    assert_eq!(found.iter().rev().take(2).collect::<Vec<_>>(), [&"DeletePolicy", &"DetachPolicy"]);
    stage.assert_at_rest().await;
}
