//! Somebody else's Bedrock policies on our paths: attached is not enforced.

use std::collections::BTreeMap;

use aws_sdk_organizations::types::{
    EffectivePolicyType, PolicyType, PolicyTypeStatus, PolicyTypeSummary,
};
use serde_json::{Value, json};

use crate::EVERYWHERE;
use crate::support::{ADA, GUARDRAIL, SHOP, SMALL, Stage, edited};

const POLICY: &str = "bedrail-default-everywhere";
const SANDBOX: &str = "ou-test-sandbox0";
const DESCRIBE: &str = "organizations:DescribeEffectivePolicy";

/// Takes a model out of enforcement.
fn exception() -> Value {
    json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": {"model_enforcement":
        {"excluded_models": {"@@append": ["example.their-favourite-v1:0"]}}}}}}})
}

async fn stage() -> Stage {
    let stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("everywhere.yaml", EVERYWHERE);
    stage
}

/// Enables the policy type, as somebody has who already uses it.
async fn enable(stage: &Stage) {
    let organizations = stage.organizations().await;
    let kind = PolicyType::BedrockPolicy;
    organizations.enable_policy_type().root_id("r-test").policy_type(kind).send().await.unwrap();
    stage
        .eventually("the policy type is enabled", || async {
            let roots = organizations.list_roots().send().await.unwrap().roots.unwrap();
            let is_enabled = |it: &&PolicyTypeSummary| {
                it.r#type() == Some(&PolicyType::BedrockPolicy)
                    && it.status() == Some(&PolicyTypeStatus::Enabled)
            };
            roots[0].policy_types().iter().find(is_enabled).map(drop)
        })
        .await;
}

async fn detach(stage: &Stage, policy: &str) {
    let organizations = stage.organizations().await;
    organizations.detach_policy().policy_id(policy).target_id(SANDBOX).send().await.unwrap();
}

/// `apply` ends waiting for a person, and counts the organization among what is not in sync.
async fn is_held(stage: &mut Stage, words: &[&str]) {
    is_held_within(stage, "60s", words).await;
}

/// The same for what waits for time, which takes all that `apply` has.
async fn is_held_within(stage: &mut Stage, wait: &str, words: &[&str]) {
    let done = stage.finish(&["apply", "--wait", wait]).await;
    assert_eq!(done.code, 3, "{done}");
    done.line(words);
    let summary = done.line(&["keys in sync"]);
    let (in_sync, keys) = summary.split_once(" of ").unwrap();
    assert_ne!(Some(in_sync), keys.split(' ').next(), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_below_ours_is_said_while_it_bends_and_holds_up_no_revision() {
    let mut stage = stage().await;
    stage.apply(0).await;
    let id = stage.attach("strangers", &exception(), SANDBOX).await;
    let words = ["held (ForeignPolicy)", "`strangers`", id.as_str(), "/Sandbox (appends)", ADA];
    is_held(&mut stage, &words).await;
    stage.plan(2).await;
    stage.manifest("guardrail.yaml", &edited(GUARDRAIL, "heliotrope", "turnsole"));
    is_held(&mut stage, &words).await;
    for account in [SHOP, ADA] {
        let effective = stage.effective(account).await;
        assert!(effective.values().all(|it| it.ends_with(":2")), "{account}: {effective:?}");
    }
    detach(&stage, &id).await;
    stage.assert_at_rest().await;
}

/// Each account stays on its last valid policy, so that nothing else tells: what the policies say
/// together is right, and what was in effect still is.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_effective_policy_is_invalid_is_never_in_sync() {
    let mut stage = stage().await;
    stage.apply(0).await;
    // Two configurations of one Region are too many.
    let guardrail = "arn:aws:bedrock:us-east-1:100000000001:guardrail/abc123abc123:1";
    let second = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_2":
        {"identifier": {"@@assign": guardrail}}}}}});
    let id = stage.attach("strangers", &second, SANDBOX).await;
    let organizations = stage.organizations().await;
    stage
        .eventually("the account is on the list", || async {
            let listed = organizations.list_accounts_with_invalid_effective_policy();
            let listed = listed.policy_type(EffectivePolicyType::BedrockPolicy).send().await;
            (!listed.unwrap().accounts.unwrap_or_default().is_empty()).then_some(())
        })
        .await;
    let words = ["held (Failed)", "effective Bedrock policy", "is invalid", ADA];
    is_held(&mut stage, &words).await;
    stage.plan(2).await.line(&["is invalid", ADA]);
    // Nor after a change that does arrive everywhere else.
    stage.manifest("guardrail.yaml", &edited(GUARDRAIL, "heliotrope", "turnsole"));
    stage.run().await;
    let version = |effective: BTreeMap<String, String>| effective["us-east-1"].chars().last();
    stage
        .eventually("the others have the next version", || async {
            (version(stage.effective(SHOP).await) == Some('2')).then_some(())
        })
        .await;
    stage.kill();
    is_held_within(&mut stage, "8s", &words).await;
    assert_eq!(version(stage.effective(ADA).await), Some('1'), "it stays on its last valid one");
    detach(&stage, &id).await;
    stage.apply(0).await;
    assert_eq!(stage.effective(ADA).await, stage.effective(SHOP).await);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_attached_over_a_policy_that_would_bend_it_until_it_is_locked() {
    let mut stage = stage().await;
    enable(&stage).await;
    let id = stage.attach("strangers", &exception(), SANDBOX).await;
    is_held(&mut stage, &["held (ForeignPolicy)", "is not attached to organization", &id, ADA])
        .await;
    let (ours, _) = stage.policy(POLICY).await;
    assert!(stage.targets(&ours).await.is_empty());
    stage.manifest(
        "everywhere.yaml",
        &edited(EVERYWHERE, "spec:\n", "spec:\n  allowOverride: false\n"),
    );
    stage.apply(0).await;
    assert_eq!(stage.effective(ADA).await, stage.effective(SHOP).await);
    assert_eq!(stage.targets(&ours).await.len(), 1);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_and_not_in_effect_is_not_in_sync() {
    let mut stage = stage().await;
    stage.switch(&json!({"effective_policy_delay_ms": 3_600_000})).await;
    is_held_within(&mut stage, "8s", &["held (NotEffective)", "is not in effect", SHOP]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_effect_is_read_once_for_each_path_and_not_at_rest() {
    let mut stage = stage().await;
    stage.apply(0).await;
    stage.forget_calls().await;
    stage.run().await;
    stage.at_rest().await;
    stage.forget_calls().await;
    stage.at_rest().await;
    let log = stage.calls().await;
    assert_eq!(log.get(DESCRIBE), None, "{log:?}");
    stage.kill();
    stage.forget_calls().await;
    stage.apply(0).await;
    assert_eq!(stage.calls().await[DESCRIBE], 1, "four accounts, one path");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_has_ten_policies_is_held_and_the_others_are_not() {
    let mut stage = stage().await;
    enable(&stage).await;
    let targets = "[{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]";
    stage.manifest("everywhere.yaml", &edited(EVERYWHERE, "[{organization: true}]", targets));
    let guardrail = "arn:aws:bedrock:eu-north-1:100000000001:guardrail/abc123abc123:1";
    let theirs = json!({"bedrock": {"guardrail_inference": {"eu-north-1": {"config_1":
        {"identifier": {"@@assign": guardrail}}}}}});
    let mut last = String::new();
    for number in 0..10 {
        last = stage.attach(&format!("strangers-{number}"), &theirs, SANDBOX).await;
    }
    is_held(&mut stage, &["held (Quota)", "/Sandbox", "strangers-0", "strangers-9"]).await;
    let (ours, _) = stage.policy(POLICY).await;
    assert_eq!(stage.targets(&ours).await.len(), 1);
    detach(&stage, &last).await;
    stage.apply(0).await;
    assert_eq!(stage.targets(&ours).await.len(), 2);
    stage.assert_at_rest().await;
}
