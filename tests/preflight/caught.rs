//! Each of these makes every model call of an account fail once it is referenced, and is caught
//! before that.

use std::collections::BTreeSet;

use bedrail::model::{ReplicaContent, canonical};
use serde_json::{Value, json};

use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS, edited, everything,
};
use crate::{WITHOUT_APPLY, assert_nothing_referenced, controlled, probes, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_resource_policy() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &edited(GUARDRAIL, "shareWith: Organization", "shareWith: None"));
    stage.apply(0).await;
    stage.manifest("all.yaml", &everything());
    stage.faults(json!([{"kind": "Denied", "operation": "bedrock:PutResourcePolicy"}])).await;
    let done = stage.apply(1).await;
    done.line(&["held (NotShared)", ADA]);
    done.line(&["held (NotShared)", "workloads", SHOP, SEARCH]);
    assert_nothing_referenced(&stage).await;
    assert_eq!(probes(&stage).await, 0, "what the policies say need not be tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_role_that_may_not_apply_it() {
    let mut stage = Stage::start(&with(SMALL, "ada", WITHOUT_APPLY)).await;
    stage.manifest("all.yaml", &[GUARDRAIL, SANDBOX].join("---"));
    let done = stage.apply(3).await;
    done.line(&["held (PreflightDenied)", ADA, "bedrock:ApplyGuardrail", "allow", "to the role"]);
    assert_nothing_referenced(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_control_policy_that_denies_it_to_all() {
    let statement = "{Sid: NoAi, Effect: Deny, Action: \"bedrock:Apply*\", Resource: \"*\"}";
    let mut stage = Stage::start(&controlled(SMALL, statement, "/Sandbox")).await;
    stage.manifest("all.yaml", &[GUARDRAIL, SANDBOX].join("---"));
    let planned = stage.plan(2).await;
    assert_eq!(probes(&stage).await, 0, "a plan tries nothing\n{planned}");
    let done = stage.apply(3).await;
    done.line(&["held (DeniedByPolicy)", ADA, "`NoAi`", "p-nothingai1", "/Sandbox"]);
    assert_nothing_referenced(&stage).await;
    assert_eq!(probes(&stage).await, 0, "what is sure need not be tried");
    // Now that versions are there, the plan says so too.
    stage.plan(2).await.line(&["DeniedByPolicy", "p-nothingai1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_control_policy_with_an_exemption_only_warns() {
    let exempt = "[\"arn:aws:iam::*:role/BedrailMember\", \"arn:aws:iam::*:user/*\"]";
    let statement = format!(
        "{{Sid: Mostly, Effect: Deny, Action: \"bedrock:*\", Resource: \"*\", \
         Condition: {{ArnNotLike: {{\"aws:PrincipalArn\": {exempt}}}}}}}"
    );
    let mut stage = Stage::start(&controlled(SMALL, &statement, "/Sandbox")).await;
    stage.manifest("all.yaml", &[GUARDRAIL, SANDBOX].join("---"));
    let done = stage.apply(0).await;
    let line =
        done.line(&["WARN", "some roles", "`Mostly`", "p-nothingai1", "/Sandbox", "baseline"]);
    let said = done.stderr.lines().filter(|it| it.contains("some roles")).count();
    assert_eq!(said, 1, "for all its cells\n{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_control_policies_that_cannot_be_read_are_no_consent_where_nothing_is_tried() {
    let mut stage = Stage::start(SMALL).await;
    let offline = edited(SANDBOX, "spec:\n", "spec:\n  rollout: {preflight: Offline}\n");
    stage.manifest("all.yaml", &[GUARDRAIL, &offline].join("---"));
    stage
        .faults(json!([{"kind": "Denied", "operation": "organizations:ListTargetsForPolicy"}]))
        .await;
    let done = stage.apply(3).await;
    done.line(&["held (PreflightUnknown)", "service control policies could not be read"]);
    assert_nothing_referenced(&stage).await;
    // With a probe it is proven all the same.
    stage.manifest("all.yaml", &[GUARDRAIL, SANDBOX].join("---"));
    stage.apply(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn automated_reasoning_in_a_version_of_an_adopted_guardrail() {
    let mut stage = Stage::start(SMALL).await;
    let policy = "arn:aws:bedrock:us-east-1:100000000001:automated-reasoning-policy/abcdefghijkl:1";
    let place = (MANAGEMENT, "us-east-1");
    let client = stage.bedrock(place.0, place.1).await;
    let reasoning = aws_sdk_bedrock::types::GuardrailAutomatedReasoningPolicyConfig::builder()
        .policies(policy)
        .build()
        .unwrap();
    let profile = "us.guardrail.v1:0";
    let made = client
        .create_guardrail()
        .name("baseline")
        .blocked_input_messaging("No.")
        .blocked_outputs_messaging("No.")
        .automated_reasoning_policy_config(reasoning)
        .cross_region_config(
            aws_sdk_bedrock::types::GuardrailCrossRegionConfig::builder()
                .guardrail_profile_identifier(profile)
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    let arn = made.guardrail_arn;
    stage.ready(place, &arn).await;
    client.create_guardrail_version().guardrail_identifier(&arn).send().await.unwrap();

    let content = json!({
        "blockedInputMessaging": "No.", "blockedOutputsMessaging": "No.",
        "automatedReasoningPolicyConfig": {"policies": [policy]},
    });
    let shared = canonical(serde_json::from_value(content).unwrap());
    let revision = ReplicaContent { shared, ..ReplicaContent::default() }.revision();
    stage.intend(json!({"adopt": ["baseline"]})).await;
    let adopted = edited(GUARDRAIL, "[us-east-1, eu-west-1]", "[us-east-1]\n  adopt: true");
    let pinned = edited(
        SANDBOX,
        "guardrail: baseline",
        &format!("guardrail: {{name: baseline, revision: \"{revision}\"}}"),
    );
    stage.manifest("all.yaml", &[adopted, pinned].join("---"));
    let done = stage.apply(3).await;
    done.line(&["held (NotEnforceable)", "automated reasoning"]);
    assert_nothing_referenced(&stage).await;
    assert_eq!(probes(&stage).await, 0, "it can be applied, but not enforced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_still_creating() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.forget_calls().await;
    stage.switch(&json!({"ready_delay_ms": 3_600_000})).await;
    stage.manifest("all.yaml", &edited(&everything(), "heliotrope", "vermilion"));
    let done = stage.finish(&["apply", "--wait", "2s"]).await;
    assert_eq!(done.code, 3, "{done}");
    assert_nothing_referenced(&stage).await;
    assert_eq!(probes(&stage).await, 0, "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_of_another_region_in_the_document_that_would_be_attached() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &[GUARDRAIL, WORKLOADS].join("---"));
    stage.apply(0).await;
    let (id, mut document) = stage.policy("bedrail-default-workloads").await;
    let blocks = document.pointer_mut("/bedrock/guardrail_inference").unwrap();
    let block = blocks["us-east-1"].clone();
    blocks["us-west-2"] = block;
    let client = stage.organizations().await;
    client.update_policy().policy_id(&id).content(document.to_string()).send().await.unwrap();
    let targets = "[{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]";
    let wider = edited(WORKLOADS, "[{organizationalUnit: /Workloads}]", targets);
    stage.manifest("all.yaml", &[GUARDRAIL, &wider].join("---"));
    stage.forget_calls().await;
    let done = stage.apply(3).await;
    done.line(&["held (NotEnforceable)", "/Sandbox", "another Region than us-west-2"]);
    assert_eq!(stage.targets(&id).await, BTreeSet::from(["ou-test-workload".to_owned()]));
    assert_nothing_referenced(&stage).await;
}

/// A guardrail of the standard tier, which evaluates in other Regions too.
fn standard() -> String {
    let tier = edited(
        GUARDRAIL,
        "    contentPolicyConfig:\n",
        "    contentPolicyConfig:\n      tierConfig: {tierName: STANDARD}\n",
    );
    let shared = "shareWith: Organization\n  crossRegion: Auto";
    edited(
        &edited(&tier, "shareWith: Organization", shared),
        "[us-east-1, eu-west-1]",
        "[us-east-1]",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_policy_of_the_profile_in_one_destination_region() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &[&standard(), WORKLOADS, SANDBOX].join("---"));
    let fault = json!({"kind": "Denied", "operation": "bedrock:PutResourcePolicy",
        "region": "us-west-2"});
    stage.faults(json!([fault])).await;
    let done = stage.apply(1).await;
    done.line(&["held (NotShared)", "us.guardrail.v1:0", "us-west-2", ADA]);
    done.line(&["held (NotShared)", "workloads", "us-west-2", SHOP]);
    assert_nothing_referenced(&stage).await;
    assert_eq!(probes(&stage).await, 0, "a probe might be evaluated where it works");
    stage.faults(Value::Array(Vec::new())).await;
    stage.apply(0).await;
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
    stage.assert_at_rest().await;
}
