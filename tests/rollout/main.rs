//! A new revision moves in waves, through the real binary, whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod interrupted;
mod regions;
mod rejected;
#[path = "../support/mod.rs"]
mod support;
mod targets;
mod waves;

use serde_json::{Value, json};
use support::Stage;

pub(crate) const REGION: &str = "us-east-1";

/// Two units of members, one of which is tried first, and one that is not selected yet.
pub(crate) const ORGANIZATION: &str = r#"
organization: {id: o-exampleorg, rootId: r-test}
managementAccount: {id: "100000000001", name: management}
units:
  - name: Canary
    id: ou-test-canary00
    accounts:
      - {id: "310000000001", name: first}
  - name: Early
    id: ou-test-early000
    accounts:
      - {id: "320000000001", name: early}
  - name: Rest
    id: ou-test-rest0000
    accounts:
      - {id: "330000000001", name: one}
      - {id: "330000000002", name: two}
  - name: Closed
    id: ou-test-closed00
    accounts:
      - {id: "340000000001", name: gone, state: SUSPENDED}
  - name: Outside
    id: ou-test-outside0
    accounts:
      - {id: "350000000001", name: joins}
switches: {ready_delay_ms: 30, effective_policy_delay_ms: 20, policy_type_delay_ms: 20}
"#;

pub(crate) const FIRST: &str = "310000000001";
pub(crate) const EARLY: &str = "320000000001";
pub(crate) const ONE: &str = "330000000001";
pub(crate) const TWO: &str = "330000000002";
pub(crate) const JOINS: &str = "350000000001";
pub(crate) const EVERYONE: [&str; 4] = [FIRST, EARLY, ONE, TWO];

/// A guardrail that blocks a word.
pub(crate) fn guardrail(word: &str) -> String {
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: baseline}}\nspec:\n  \
         regions: [us-east-1]\n  shareWith: Organization\n  content:\n    \
         blockedInputMessaging: Blocked by policy.\n    blockedOutputsMessaging: Blocked by \
         policy.\n    wordPolicyConfig: {{wordsConfig: [{{text: {word}}}]}}\n"
    )
}

/// Its enforcement in three waves, of which the first two bake so long.
pub(crate) fn enforcement(bake: &str, more: &str) -> String {
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: AccountEnforcement\nmetadata: {{name: \
         everywhere}}\nspec:\n  guardrail: baseline\n  modelEnforcement: {{includedModels: [ALL], \
         excludedModels: [EMBEDDINGS]}}\n  targets: [{{organizationalUnit: /Canary}}, \
         {{organizationalUnit: /Early}}, {{organizationalUnit: /Rest}}]\n  rollout:\n    waves:\n      \
         - {{name: canary, targets: [{{organizationalUnit: /Canary}}], bake: {bake}}}\n      \
         - {{name: early, targets: [{{organizationalUnit: /Early}}], bake: {bake}}}\n      \
         - {{name: rest}}\n{more}"
    )
}

/// What the referee is to know of a guardrail that blocks a word.
pub(crate) fn body(word: &str) -> Value {
    json!({
        "blockedInputMessaging": "Blocked by policy.",
        "blockedOutputsMessaging": "Blocked by policy.",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

/// Writes the guardrail with the last of these words, the one before being the older, and tells the
/// referee that it moves in waves that bake so long.
pub(crate) async fn write(stage: &mut Stage, words: &[&str], bake_ms: u64) {
    let bodies: Vec<Value> = words.iter().map(|word| body(word)).collect();
    let waves = json!([[{"target": "ou-test-canary00"}], [{"target": "ou-test-early000"}]]);
    let intent = json!({"content": {"baseline": bodies.last()}, "waves": waves,
        "orderedContents": {"baseline": bodies}, "bakeMs": [bake_ms, bake_ms]});
    stage.intend(intent).await;
    stage.manifest("guardrail.yaml", &guardrail(words.last().unwrap()));
}

/// A stage on which the first revision is in force everywhere.
pub(crate) async fn converged() -> Stage {
    let mut stage = Stage::start(ORGANIZATION).await;
    write(&mut stage, &["zebra"], 0).await;
    stage.manifest("enforcement.yaml", &enforcement("0s", ""));
    stage.apply(0).await;
    assert_eq!(versions(&stage, EVERYONE).await, ["1", "1", "1", "1"]);
    stage
}

/// The enforced version in each account; `-` for none.
pub(crate) async fn versions<'a>(
    stage: &Stage,
    accounts: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut versions = Vec::new();
    for account in accounts {
        let enforced = stage.enforced_version((account, REGION)).await;
        let version = enforced.as_deref().and_then(|it| it.rsplit(':').next());
        versions.push(version.unwrap_or("-").to_owned());
    }
    versions
}

/// Waits until these versions are enforced in these accounts.
pub(crate) async fn reach(stage: &Stage, accounts: &[&str], expected: &[&str]) {
    let what = format!("{accounts:?} have {expected:?}");
    stage
        .eventually(&what, || async {
            let found = versions(stage, accounts.iter().copied()).await;
            (found == expected).then_some(())
        })
        .await;
}

/// The marks on the guardrail: tags of rollouts and their values.
pub(crate) async fn marks(stage: &Stage) -> Vec<(String, String)> {
    let arn = stage.guardrail((support::MANAGEMENT, REGION), "baseline").await;
    let client = stage.bedrock(support::MANAGEMENT, REGION).await;
    let listed = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    let tags = listed.tags.unwrap_or_default().into_iter();
    let mut marks: Vec<(String, String)> = tags
        .filter_map(|tag| {
            let kind = tag.key.strip_prefix("bedrail:")?.strip_suffix("/everywhere")?.to_owned();
            (kind != "enforcement").then_some((kind, tag.value))
        })
        .collect();
    marks.sort();
    marks
}

/// The one mark of a kind.
pub(crate) async fn mark(stage: &Stage, kind: &str) -> Option<String> {
    marks(stage).await.into_iter().find(|(it, _)| it == kind).map(|(_, value)| value)
}
