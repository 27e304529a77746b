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
    assert!(found.contains(&"DetachPolicy") && found.contains(&"DeletePolicy"), "{done}");
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;
}

const UNITS: &str =
    "[{organizationalUnit: /Canary}, {organizationalUnit: /Early}, {organizationalUnit: /Rest}]";
const FIRST_UNIT: &str = "{name: canary, targets: [{organizationalUnit: /Canary}], bake: BAKE}";

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_targets_changes_its_policy_and_changes_it_back() {
    let text = |bake| enforcement(UNITS, &[FIRST_UNIT], bake, "");
    let mut stage = converged(&text("0s")).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    write(&mut stage, &["zebra", "lion"], &canary(), 3_600_000).await;
    let waiting = stage.apply(3).await;
    waiting.line(&["held (Baking): everywhere: wave `canary` (1 of 2): 1 of 1 places"]);
    assert_eq!(versions(&stage).await, ["2", "1", "1", "1"]);
    let (main, _) = stage.policy("bedrail-default-everywhere").await;
    let (lane, _) = stage.policy("bedrail-default-everywhere.lane-canary").await;
    assert_eq!(stage.targets(&lane).await, ["ou-test-canary00".to_owned()].into());
    assert_eq!(stage.targets(&main).await.len(), 2, "it left the unit to the other");
    stage.intend(json!({"bakeMs": [0]})).await;
    stage.manifest("enforcement.yaml", &text("0s"));
    stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["2", "2", "2", "2"]);
    assert_eq!(stage.targets(&main).await.len(), 3);
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_opened_for_a_unit_below_it_and_closed_with_the_last_step() {
    let text = |bake| enforcement(EVERYWHERE, &[UNIT], bake, "  allowOverride: false\n");
    let waves = json!([[{"account": EARLY}]]);
    let is_locked = |document: &Value| document.to_string().contains("@@none");
    let mut stage = converged(&text("0s")).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    write(&mut stage, &["zebra", "lion"], &waves, 3_600_000).await;
    stage.apply(3).await.line(&["held (Baking): everywhere: wave `unit` (1 of 2)"]);
    assert_eq!(versions(&stage).await, ["1", "2", "1", "1"]);
    assert!(!is_locked(&stage.policy("bedrail-default-everywhere").await.1));
    assert!(is_locked(&stage.policy("bedrail-default-everywhere.lane-unit").await.1));
    stage.intend(json!({"bakeMs": [0]})).await;
    stage.manifest("enforcement.yaml", &text("0s"));
    let done = stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["2", "2", "2", "2"]);
    assert!(is_locked(&stage.policy("bedrail-default-everywhere").await.1));
    let updates = writes(&done.stdout).into_iter().filter(|it| *it == "UpdatePolicy").count();
    assert_eq!(updates, 1, "it locks with the write that brings the new version\n{done}");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_joins_meanwhile_has_what_its_nearest_target_has() {
    let text = |bake| enforcement(EVERYWHERE, &[FIRST_UNIT], bake, "");
    let waves = json!([[{"target": "ou-test-canary00"}]]);
    let mut stage = converged(&text("0s")).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    write(&mut stage, &["zebra", "lion"], &waves, 3_600_000).await;
    stage.apply(3).await;
    assert_eq!(version(&stage, JOINS).await, "1");
    let organizations = stage.organizations().await;
    let moved = organizations.move_account().account_id(JOINS);
    let moved = moved.source_parent_id("ou-test-outside0");
    moved.destination_parent_id("ou-test-canary00").send().await.unwrap();
    stage
        .eventually("it has what the unit has", || async {
            (version(&stage, JOINS).await == "2").then_some(())
        })
        .await;
    stage.forget_calls().await;
    stage.apply(3).await.line(&["held (Baking)"]);
    let writes = stage.writes().await;
    assert!(!writes.iter().any(|it| it.starts_with("organizations:")), "{writes:?}");
    stage.intend(json!({"bakeMs": [0]})).await;
    stage.manifest("enforcement.yaml", &text("0s"));
    stage.apply(0).await;
    assert_eq!(version(&stage, JOINS).await, "2");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_whose_accounts_are_all_suspended_halts() {
    let closed = "{name: canary, targets: [{organizationalUnit: /Closed}], bake: BAKE}";
    let mut stage = converged(&enforcement(EVERYWHERE, &[CANARY], "0s", "")).await;
    stage.manifest("enforcement.yaml", &enforcement(EVERYWHERE, &[closed], "0s", ""));
    write(&mut stage, &["zebra", "lion"], &json!([[{"target": "ou-test-closed00"}]]), 0).await;
    let halted = stage.apply(3).await;
    halted.line(&[
        "held (Halted): everywhere: wave `canary` (1 of 2)",
        "nothing of it can be reached",
    ]);
    assert_eq!(versions(&stage).await, ["1", "1", "1", "1"]);
    assert_eq!(stage.policies().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_revision_leaves_its_target_and_is_not_tried_again_by_a_process_that_knows_nothing() {
    for targets in [EVERYWHERE, UNITS] {
        let text = enforcement(targets, &[FIRST_UNIT], "50ms", "") + "    onFailure: Rollback\n";
        let mut stage = converged(&enforcement(targets, &[FIRST_UNIT], "0s", "")).await;
        stage.manifest("enforcement.yaml", &text);
        write(&mut stage, &["zebra", "hours"], &canary(), 50).await;
        stage.intend(json!({"rollback": ["baseline"]})).await;
        let rejected = stage.apply(3).await;
        rejected.line(&["held (RolledBack): everywhere: baseline", "places go back to"]);
        assert_eq!(versions(&stage).await, ["1", "1", "1", "1"]);
        assert_eq!(stage.policies().await.len(), 1, "{rejected}");
        let attached = writes(&rejected.stdout).into_iter().filter(|it| *it == "AttachPolicy");
        assert!(attached.count() > 0, "it was tried\n{rejected}");
        stage.forget_calls().await;
        stage.apply(3).await;
        let writes = stage.writes().await;
        assert!(!writes.iter().any(|it| it.starts_with("organizations:")), "{writes:?}");
        write(&mut stage, &["zebra", "hours", "lion"], &canary(), 50).await;
        stage.apply(0).await;
        assert_eq!(versions(&stage).await, ["3", "3", "3", "3"]);
        stage.assert_at_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_revision_starts_over_for_what_has_not_moved() {
    let text = |bake: &str| {
        let canary = CANARY.replace("BAKE", "0s");
        enforcement(EVERYWHERE, &[&canary, UNIT], bake, "")
    };
    let waves = json!([[{"account": FIRST}], [{"account": EARLY}]]);
    let mut stage = converged(&text("0s")).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    write(&mut stage, &["zebra", "lion"], &waves, 0).await;
    stage.intend(json!({"bakeMs": [0, 3_600_000]})).await;
    stage.apply(3).await.line(&["held (Baking): everywhere: wave `unit` (2 of 3)"]);
    assert_eq!(versions(&stage).await, ["2", "2", "1", "1"]);
    let long = text("1h").replace("bake: 0s", "bake: 1h");
    stage.manifest("enforcement.yaml", &long);
    write(&mut stage, &["zebra", "lion", "tiger"], &waves, 3_600_000).await;
    stage.apply(3).await.line(&["held (Baking): everywhere: wave `canary` (1 of 3)"]);
    assert_eq!(versions(&stage).await, ["3", "2", "1", "1"], "the second wave waits as it is");
    stage.intend(json!({"bakeMs": [0, 0]})).await;
    stage.manifest("enforcement.yaml", &text("0s"));
    stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["3", "3", "3", "3"]);
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_revision_reaches_its_canary_first() {
    let text = |bake| enforcement(EVERYWHERE, &[CANARY], bake, "");
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], &canary(), 3_600_000).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    stage.apply(3).await.line(&["held (Baking): everywhere: wave `canary` (1 of 2)"]);
    assert_eq!(versions(&stage).await, ["1", "-", "-", "-"]);
    stage.intend(json!({"bakeMs": [0]})).await;
    stage.manifest("enforcement.yaml", &text("0s"));
    stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["1", "1", "1", "1"]);
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_bake_of_a_target_goes_on() {
    let text = |bake| enforcement(EVERYWHERE, &[CANARY], bake, "");
    let mut stage = converged(&text("0s")).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    write(&mut stage, &["zebra", "lion"], &canary(), 3_600_000).await;
    stage.run().await;
    stage
        .eventually("the canary moves", || async {
            (versions(&stage).await == ["2", "1", "1", "1"]).then_some(())
        })
        .await;
    stage.kill();
    let waiting = stage.apply(3).await;
    waiting.line(&["held (Baking): everywhere: wave `canary` (1 of 2)"]);
    assert_eq!(versions(&stage).await, ["2", "1", "1", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_without_waves_ends_a_rollout_at_once() {
    let text = enforcement(EVERYWHERE, &[FIRST_UNIT], "1h", "");
    let mut stage = converged(&enforcement(EVERYWHERE, &[FIRST_UNIT], "0s", "")).await;
    stage.manifest("enforcement.yaml", &text);
    write(&mut stage, &["zebra", "lion"], &canary(), 3_600_000).await;
    stage.apply(3).await.line(&["held (Baking)"]);
    stage.intend(json!({"waves": []})).await;
    let (plain, _) = text.split_once("  rollout:").unwrap();
    stage.manifest("enforcement.yaml", plain);
    stage.apply(0).await;
    assert_eq!(versions(&stage).await, ["2", "2", "2", "2"]);
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_without_room_for_a_second_policy_is_named() {
    let text = enforcement(EVERYWHERE, &[CANARY], "0s", "");
    let mut stage = converged(&text).await;
    let empty = json!({"bedrock": {"guardrail_inference": {"eu-north-1": {}}}});
    for index in 0..10 {
        stage.attach(&format!("theirs-{index}"), &empty, FIRST).await;
    }
    write(&mut stage, &["zebra", "lion"], &canary(), 0).await;
    let held = stage.apply(3).await;
    held.line(&["held (Quota): everywhere will be attached to first (310000000001)"]);
    held.line(&["wave `canary` (1 of 2): 0 of 1 places"]);
    assert_eq!(versions(&stage).await, ["1", "1", "1", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_may_be_one_region_of_one_target() {
    let one =
        "{name: one, targets: [{organizationalUnit: /Canary}], regions: [us-west-2], bake: BAKE}";
    let text = |bake| enforcement(EVERYWHERE, &[one, FIRST_UNIT], bake, "");
    let waves = json!([[{"account": FIRST, "region": "us-west-2"}], [{"account": FIRST}]]);
    let both = |stage: &Stage| {
        let path = stage.folder.path().join("guardrail.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        stage.manifest("guardrail.yaml", &text.replace("[us-east-1]", "[us-east-1, us-west-2]"));
    };
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], &waves, 0).await;
    both(&stage);
    stage.manifest("enforcement.yaml", &text("0s"));
    stage.apply(0).await;
    stage.manifest("enforcement.yaml", &text("1h"));
    write(&mut stage, &["zebra", "lion"], &waves, 3_600_000).await;
    both(&stage);
    stage.apply(3).await.line(&["held (Baking): everywhere: wave `one` (1 of 3): 1 of 1 places"]);
    let numbers = |found: std::collections::BTreeMap<String, String>| -> Vec<String> {
        found.values().filter_map(|it| it.rsplit(':').next().map(str::to_owned)).collect()
    };
    assert_eq!(numbers(stage.effective(FIRST).await), ["1", "2"]);
    assert_eq!(numbers(stage.effective(ONE).await), ["1", "1"]);
    stage.intend(json!({"bakeMs": [0, 0]})).await;
    stage.manifest("enforcement.yaml", &text("0s"));
    stage.apply(0).await;
    assert_eq!(numbers(stage.effective(FIRST).await), ["2", "2"]);
    assert_eq!(numbers(stage.effective(ONE).await), ["2", "2"]);
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;
}
