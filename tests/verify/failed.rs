//! What is not so, or cannot be seen, is never proven.

use serde_json::{Value, json};

use super::support::{ADA, GUARDRAIL, MANAGEMENT, SHOP, Stage, edited, everything};
use super::{MODEL, converged, unproven, verify};

#[tokio::test(flavor = "multi_thread")]
async fn an_enforcement_that_somebody_deleted_fails_where_it_was() {
    let mut stage = converged().await;
    stage.delete_enforced((ADA, "us-east-1")).await;
    let found = unproven(&mut stage, &[]).await;
    assert_eq!(found, [format!("{ADA} us-east-1 Failed NotEnforced")]);
    let done = verify(&mut stage, 1, &[]).await;
    assert!(done.stdout.contains("Verify: 5 proven, 1 failed, 0 unknown"), "{done}");
    // What fails is not probed, and so not paid for.
    assert!(done.stderr.contains("5 probes, which AWS bills"), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_and_another_guardrail_fail() {
    let mut stage = converged().await;
    let arn = stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await;
    let client = stage.bedrock(MANAGEMENT, "us-east-1").await;
    let made = client.create_guardrail_version().guardrail_identifier(&arn).send().await.unwrap();
    stage
        .eventually("the version is READY", || async {
            let read = client
                .get_guardrail()
                .guardrail_identifier(&arn)
                .guardrail_version(&made.version)
                .send()
                .await
                .ok()?;
            (read.status.as_str() == "READY").then_some(())
        })
        .await;
    // Content alike, but none of ours: what refers to ours stays proven.
    verify(&mut stage, 0, &["--probe", "none"]).await;
    stage.put_enforced((ADA, "us-east-1"), &arn, &made.version).await;
    let found = unproven(&mut stage, &["--probe", "none"]).await;
    assert_eq!(found, [format!("{ADA} us-east-1 Failed OtherVersion")]);

    let theirs = stage.create_guardrail((ADA, "eu-west-1"), "theirs", &[]).await;
    let client = stage.bedrock(ADA, "eu-west-1").await;
    client.create_guardrail_version().guardrail_identifier(&theirs).send().await.unwrap();
    stage
        .eventually("theirs is published", || async {
            let request = client.get_guardrail().guardrail_identifier(&theirs);
            let read = request.guardrail_version("1").send().await.ok()?;
            (read.status.as_str() == "READY").then_some(())
        })
        .await;
    stage.put_enforced((ADA, "eu-west-1"), &theirs, "1").await;
    let found = unproven(&mut stage, &["--probe", "none"]).await;
    assert!(found.contains(&format!("{ADA} eu-west-1 Failed OtherGuardrail")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_foreign_policy_bends_is_not_proven_and_the_policy_is_named() {
    let mut stage = converged().await;
    let excludes = json!({"@@assign": [MODEL]});
    let document = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": {
        "model_enforcement": {"excluded_models": excludes}}}}}});
    stage.attach("theirs", &document, SHOP).await;
    // It takes effect a little later.
    stage
        .eventually("it is bent", || async {
            let done = effective(&stage, SHOP).await;
            done.to_string().contains(MODEL).then_some(())
        })
        .await;
    let found = unproven(&mut stage, &[]).await;
    assert_eq!(found, [format!("{SHOP} us-east-1 Failed Bent")]);
    let done = verify(&mut stage, 1, &["--probe", "none"]).await;
    assert!(done.stdout.contains("bent by theirs (p-"), "{done}");
}

async fn effective(stage: &Stage, account: &str) -> Value {
    let client = stage.organizations().await;
    let described = client
        .describe_effective_policy()
        .policy_type(aws_sdk_organizations::types::EffectivePolicyType::BedrockPolicy)
        .target_id(account)
        .send()
        .await
        .unwrap();
    let text = described.effective_policy.unwrap().policy_content.unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_on_the_invalid_list_is_never_proven() {
    let mut stage = converged().await;
    let arn = stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await;
    // Two configurations of one Region are too many.
    let document = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_2": {
        "identifier": {"@@assign": format!("{arn}:1")}}}}}});
    stage.attach("theirs", &document, SHOP).await;
    let client = stage.organizations().await;
    let kind = aws_sdk_organizations::types::EffectivePolicyType::BedrockPolicy;
    stage
        .eventually("SHOP is on the list", || async {
            let request = client.list_accounts_with_invalid_effective_policy();
            let listed = request.policy_type(kind.clone()).send().await.unwrap();
            let accounts = listed.accounts.unwrap_or_default();
            accounts.iter().any(|it| it.id.as_deref() == Some(SHOP)).then_some(())
        })
        .await;
    let found = unproven(&mut stage, &["--probe", "none"]).await;
    for region in ["us-east-1", "eu-west-1"] {
        let expected = format!("{SHOP} {region} Failed InvalidEffectivePolicy");
        assert!(found.contains(&expected), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_apply_the_guardrail_fails_the_probe() {
    let mut stage = converged().await;
    // A service control policy takes the right away that it had.
    let client = stage.organizations().await;
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "bedrock:ApplyGuardrail", "Resource": "*"}]});
    let created = client
        .create_policy()
        .name("no-guardrails")
        .description("by hand")
        .r#type(aws_sdk_organizations::types::PolicyType::ServiceControlPolicy)
        .content(document.to_string())
        .send()
        .await
        .unwrap();
    let id = created.policy.unwrap().policy_summary.unwrap().id.unwrap();
    client.attach_policy().policy_id(id).target_id(SHOP).send().await.unwrap();
    verify(&mut stage, 0, &["--probe", "none"]).await;
    let found = unproven(&mut stage, &[]).await;
    let expected = ["eu-west-1", "us-east-1"].map(|it| format!("{SHOP} {it} Failed ProbeRefused"));
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_unknown() {
    let mut stage = converged().await;
    let denied = |operation: &str, account: &str| json!([{"kind": "Denied", "operation": operation, "account": account, "probability": 1.0}]);
    stage.faults(denied("bedrock:ListEnforcedGuardrailsConfiguration", ADA)).await;
    let found = unproven(&mut stage, &[]).await;
    let expected = ["eu-west-1", "us-east-1"].map(|it| format!("{ADA} {it} Unknown Unreadable"));
    assert_eq!(found, expected);

    stage.faults(denied("organizations:DescribeEffectivePolicy", MANAGEMENT)).await;
    let found = unproven(&mut stage, &[]).await;
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().all(|it| it.ends_with("Unknown Unreadable")), "{found:?}");

    let operation = "organizations:ListAccountsWithInvalidEffectivePolicy";
    stage.faults(denied(operation, MANAGEMENT)).await;
    let found = unproven(&mut stage, &[]).await;
    assert_eq!(found.len(), 6, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_published_or_not_claimed_is_not_proven() {
    let mut stage = converged().await;
    stage.manifest("all.yaml", &edited(&everything(), "heliotrope", "lavender"));
    let found = unproven(&mut stage, &[]).await;
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|it| it.ends_with("Failed NotPublished")), "{found:?}");

    stage.manifest("all.yaml", GUARDRAIL);
    let done = verify(&mut stage, 1, &[]).await;
    assert!(done.stderr.contains("there is nothing to prove"), "{done}");
}
