//! A landing zone gets approved models and a protected enforcement.

use serde_json::json;

use crate::support::members::{GUARDRAIL, enforcement};
use crate::support::{Stage, edited};
use crate::{
    ADA, AUDIT, LANDING_ZONE, MODELS, PROTECTION, ROOT, SANDBOX, SHOP, WORKLOADS,
    assert_strangers_stay, at, control, controls, denies, written,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_zone_gets_models_and_protection_and_then_rests() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    let everywhere = ["organizationalUnit: /Workloads".to_owned()];
    stage.manifest("members.yaml", &enforcement("members", &everywhere));
    stage.manifest("models.yaml", MODELS);
    stage.manifest("protection.yaml", PROTECTION);
    stage.plan(2).await.line(&["create the service control policy bedrail-default-models.scp"]);
    stage.apply(0).await;
    assert_eq!(control(&stage, "models").await.targets, at([ROOT]));
    let protection = control(&stage, "protection").await;
    assert_eq!(protection.targets, at([WORKLOADS, SANDBOX]));
    let statements = protection.content["Statement"].as_array().unwrap();
    let exempt = json!(["arn:aws:iam::*:role/BedrailMember", "arn:aws:iam::*:role/BreakGlass"]);
    assert_eq!(statements[0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"], exempt);
    assert_strangers_stay(&stage).await;
    stage.assert_at_rest().await;

    // The enforcement goes on under it, and another revision still reaches the accounts.
    stage.manifest("guardrail.yaml", &edited(GUARDRAIL, "heliotrope", "periwinkle"));
    stage.apply(0).await;
    let enforced = stage.enforced_version((SHOP, "us-east-1")).await.unwrap();
    assert!(enforced.ends_with(":2"), "{enforced}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_holds_for_others_and_not_for_us() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    let shop = [format!("account: \"{SHOP}\"")];
    stage.manifest("members.yaml", &enforcement("members", &shop));
    stage.manifest("models.yaml", &edited(MODELS, "amazon.nova-*", "anthropic.*"));
    stage.manifest("protection.yaml", PROTECTION);
    stage.apply(0).await;
    let shop = stage.bedrock(SHOP, "us-east-1").await;
    let live = stage.enforced((SHOP, "us-east-1")).await.unwrap();
    let deleted = shop.delete_enforced_guardrail_configuration().set_config_id(live.config_id);
    let error = deleted.send().await.unwrap_err().into_service_error();
    assert!(error.is_access_denied_exception(), "{error:?}");

    let config = stage.administrator(ADA, "us-east-1").await;
    let message = aws_sdk_bedrockruntime::types::Message::builder()
        .role(aws_sdk_bedrockruntime::types::ConversationRole::User)
        .content(aws_sdk_bedrockruntime::types::ContentBlock::Text("Hello.".to_owned()))
        .build()
        .unwrap();
    let client = aws_sdk_bedrockruntime::Client::new(&config);
    let ask = |model: &str| client.converse().model_id(model).messages(message.clone()).send();
    let error = ask("amazon.nova-lite-v1:0").await.unwrap_err().into_service_error();
    assert!(error.is_access_denied_exception(), "{error:?}");
    let streamed = client.converse_stream().model_id("amazon.nova-lite-v1:0");
    let error = streamed.messages(message.clone()).send().await.unwrap_err().into_service_error();
    assert!(error.is_access_denied_exception(), "{error:?}");

    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    assert!(ask("amazon.nova-lite-v1:0").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_form_of_one_document_changes_nothing() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    let target = "{organizationalUnit: /Workloads}";
    stage.manifest("no.yaml", &written("no", &denies("s3:DeleteBucket"), target));
    stage.apply(0).await;
    let before = controls(&stage).await;
    let other = json!({"Statement": {"Resource": ["*"], "Action": ["S3:deletebucket"],
        "Effect": "Deny", "Sid": "No"}, "Version": "2012-10-17"});
    stage.manifest("no.yaml", &written("no", &other, target));
    stage.assert_at_rest().await;
    assert_eq!(controls(&stage).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_not_enabled_is_enabled_first() {
    let mut stage = Stage::start(
        &LANDING_ZONE
            .replace("policies:\n", "policyTypes: []\npolicies:\n")
            .replace("    targets: [root]\n", ""),
    )
    .await;
    stage.manifest("models.yaml", MODELS);
    stage.plan(2).await.line(&["enable SERVICE_CONTROL_POLICY"]);
    stage.apply(0).await;
    assert_eq!(control(&stage, "models").await.targets, at([ROOT]));
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_guardrail_is_required_in_every_region_at_a_published_version() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    let regions = edited(GUARDRAIL, "[us-east-1]", "[us-east-1, eu-west-1]");
    stage.manifest("guardrail.yaml", &regions);
    stage.manifest(
        "required.yaml",
        &edited(
            MODELS,
            "approvedModels: [amazon.nova-*]",
            "requireGuardrail: {guardrails: [baseline]}",
        ),
    );
    stage.apply(0).await;
    let mut arns = Vec::new();
    for region in ["eu-west-1", "us-east-1"] {
        arns.push(format!("{}:*", stage.guardrail(("100000000001", region), "baseline").await));
    }
    let statement = &control(&stage, "models").await.content["Statement"][0];
    assert_eq!(statement["Condition"]["ArnNotLike"]["bedrock:GuardrailIdentifier"], json!(arns));
    assert!(stage.enforced((AUDIT, "us-east-1")).await.is_none());
    stage.assert_at_rest().await;
}
