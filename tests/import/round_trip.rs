//! What was written says what is live: to apply it changes nothing but marks.

use std::collections::BTreeMap;

use aws_sdk_bedrock::types::{
    AccountEnforcedGuardrailInferenceInputConfiguration, ModelEnforcement,
    SelectiveContentGuarding, SelectiveGuardingMode,
};
use serde_json::json;

use crate::REGIONS;
use crate::support::{ADA, MANAGEMENT, SEARCH, SHOP, SMALL, Stage, bare_document};

const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// A guardrail equal in both Regions, one that is not, one policy, and slots of both.
async fn build(stage: &Stage) -> BTreeMap<(&'static str, &'static str), String> {
    let mut arns = BTreeMap::new();
    for region in [EAST, WEST] {
        for (name, word) in [("baseline", "heliotrope"), ("Un_equal", region)] {
            let arn = stage.console_guardrail(region, name, word).await;
            stage.share(region, &arn).await;
            arns.insert((name, region), arn);
        }
    }
    // Somebody is working on the next version.
    stage.redraft(EAST, &arns[&("baseline", EAST)], "baseline").await;
    stage.enable_policies().await;
    let blocks = [EAST, WEST].map(|region| (region, format!("{}:1", arns[&("baseline", region)])));
    let blocks = blocks.each_ref().map(|(region, arn)| (*region, arn.as_str()));
    stage.attach("AI guard rails", &bare_document(&blocks), "ou-test-workload").await;
    for account in [SHOP, SEARCH] {
        stage.put_enforced((account, EAST), &arns[&("Un_equal", EAST)], "1").await;
    }
    stage.put_enforced((SHOP, WEST), &arns[&("Un_equal", WEST)], "1").await;
    selective(stage, &arns[&("baseline", WEST)]).await;
    arns
}

/// A slot with settings of its own.
async fn selective(stage: &Stage, arn: &str) {
    let guarding = SelectiveContentGuarding::builder()
        .system(SelectiveGuardingMode::Comprehensive)
        .messages(SelectiveGuardingMode::Selective)
        .build();
    let models = ModelEnforcement::builder()
        .included_models("ALL")
        .excluded_models("amazon.titan-embed-text-v2:0")
        .build()
        .unwrap();
    let configuration = AccountEnforcedGuardrailInferenceInputConfiguration::builder()
        .guardrail_identifier(arn)
        .guardrail_version("1")
        .selective_content_guarding(guarding)
        .model_enforcement(models)
        .build()
        .unwrap();
    let client = stage.bedrock(ADA, WEST).await;
    let request = client.put_enforced_guardrail_configuration();
    request.guardrail_inference_config(configuration).send().await.unwrap();
}

fn file(stage: &Stage, name: &str) -> String {
    std::fs::read_to_string(stage.folder.path().join(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn to_apply_an_import_sets_marks_and_changes_nothing_else() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["baseline", "Un_equal", "AI guard rails", "theirs"]})).await;
    let arns = build(&stage).await;
    let before = stage.world().await;
    stage.forget_calls().await;
    let done = stage.import(&[REGIONS], 0).await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "an import writes nothing to AWS");
    done.line(&["3 guardrails, 1 organization policies, 3 account enforcements, 0 invocation logging, 0 service control policies; 0 left"]);

    let baseline = file(&stage, "guardrail-baseline.yaml");
    for part in ["us-east-1: DRAFT differs", "draft: Leave", "shareWith: Organization"] {
        assert!(baseline.contains(part), "{part}: {baseline}");
    }
    assert!(!baseline.contains("tierConfig"), "defaults are left out: {baseline}");
    let other = file(&stage, "guardrail-Un_equal-us-east-1.yaml");
    assert!(other.contains("guardrailName: Un_equal"), "{other}");
    let policy = file(&stage, "organization-AI-guard-rails.yaml");
    assert!(policy.contains("policyName: \"AI guard rails\""), "{policy}");
    assert!(policy.contains("- organizationalUnit: /Workloads"), "{policy}");

    stage.validate(0).await;
    let planned = stage.plan(2).await;
    planned.line(&["Plan: 0 to create, 5 to update, 0 to delete; 0 held; 5 API writes"]);
    assert!(!planned.stdout.contains("probes"), "what is in force is not tried: {planned}");
    let is_mark =
        |line: &&str| line.contains("tag the guardrail") || line.contains("tag the policy");
    let steps = planned.stdout.lines().filter(|line| line.starts_with("  ~"));
    assert!(steps.clone().all(|line| is_mark(&line)), "{planned}");
    stage.forget_calls().await;
    stage.apply(0).await;
    let mut writes = stage.writes().await;
    writes.sort();
    assert!(writes.iter().all(|it| it.contains(":TagResource")), "{writes:#?}");
    assert_eq!(writes.len(), 5, "four guardrails and a policy: {writes:#?}");
    stage.assert_at_rest().await;
    let after = stage.world().await;
    for place in [(MANAGEMENT, EAST), (MANAGEMENT, WEST), (SHOP, EAST), (SHOP, WEST), (ADA, WEST)] {
        let place = format!("{}/{}", place.0, place.1);
        assert_eq!(after["bedrock"][&place]["enforced"], before["bedrock"][&place]["enforced"]);
    }
    assert_eq!(stage.effective(SHOP).await[EAST], format!("{}:1", arns[&("baseline", EAST)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_adopted_is_kept_from_then_on() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["baseline", "Un_equal", "AI guard rails", "theirs"]})).await;
    let arns = build(&stage).await;
    stage.import(&[REGIONS], 0).await;
    stage.apply(0).await;
    let place = (SEARCH, EAST);
    let live = stage.enforced_version(place).await;
    stage.delete_enforced(place).await;
    stage.apply(0).await;
    assert_eq!(stage.enforced_version(place).await, live);
    // A changed content is published from a DRAFT that was left alone until then.
    let text = file(&stage, "guardrail-baseline.yaml").replace("heliotrope", "zinnia");
    stage.manifest("guardrail-baseline.yaml", &text);
    stage.apply(0).await;
    assert_eq!(stage.versions((MANAGEMENT, EAST), "baseline").await, [1, 2]);
    assert_eq!(stage.effective(SHOP).await[EAST], format!("{}:2", arns[&("baseline", EAST)]));
    stage.assert_at_rest().await;
}

/// Slots at another version than the rest pin it.
#[tokio::test(flavor = "multi_thread")]
async fn another_revision_in_force_somewhere_is_pinned() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["baseline", "Un_equal", "AI guard rails", "theirs"]})).await;
    let arn = stage.console_guardrail(EAST, "baseline", "heliotrope").await;
    stage.share(EAST, &arn).await;
    stage.redraft(EAST, &arn, "baseline").await;
    stage.publish((MANAGEMENT, EAST), &arn).await;
    for (account, version) in [(SHOP, "2"), (SEARCH, "2"), (ADA, "1")] {
        stage.put_enforced((account, EAST), &arn, version).await;
    }
    stage.import(&["--regions=us-east-1"], 0).await;
    let pinned = file(&stage, "accounts-baseline-accounts-2.yaml");
    assert!(pinned.contains("revision:") && pinned.contains(ADA), "{pinned}");
    stage.validate(0).await;
    stage.forget_calls().await;
    stage.apply(0).await;
    let writes = stage.writes().await;
    assert!(writes.iter().all(|it| it.contains(":TagResource")), "{writes:#?}");
    assert_eq!(stage.enforced_version((ADA, EAST)).await, Some(format!("{arn}:1")));
    stage.assert_at_rest().await;
}

/// Where another policy stands above, what a document leaves out would be inherited.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_inherited_is_written_out() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["baseline", "Un_equal", "AI guard rails", "theirs"]})).await;
    let arn = stage.console_guardrail(EAST, "baseline", "heliotrope").await;
    stage.share(EAST, &arn).await;
    stage.enable_policies().await;
    let document = bare_document(&[(EAST, &format!("{arn}:1"))]);
    stage.attach("theirs", &document, "ou-test-workload").await;
    stage.import(&["--regions=us-east-1"], 0).await;
    let above = json!({"bedrock": {"guardrail_inference": {EAST: {"config_1": {
        "identifier": {"@@assign": format!("{arn}:1")},
        "selective_content_guarding": {"messages": {"@@assign": "selective"}}}}}}});
    stage.attach("above", &above, "r-test").await;
    stage.forget_calls().await;
    stage.apply(0).await;
    let writes = stage.writes().await;
    assert!(writes.iter().any(|it| it.contains(":UpdatePolicy")), "{writes:#?}");
    let (_, document) = stage.policy("theirs").await;
    let messages =
        "/bedrock/guardrail_inference/us-east-1/config_1/selective_content_guarding/messages";
    assert_eq!(document.pointer(messages), Some(&json!({"@@assign": "comprehensive"})));
    stage.assert_at_rest().await;
}
