//! Every kind of drift is put right and said, old and new.

use aws_sdk_bedrock::types::{
    AccountEnforcedGuardrailInferenceInputConfiguration, ModelEnforcement, SelectiveContentGuarding,
};
use serde_json::json;

use crate::support::{ADA, GONE, MANAGEMENT, REGIONS, SHOP, SMALL, Stage, everything, words};

const HOME: (&str, &str) = (MANAGEMENT, "us-east-1");
const CELL: (&str, &str) = (ADA, "us-east-1");
const POLICY: &str = "bedrail-default-workloads";

/// A stage where `run` has converged and gone quiet.
async fn converged() -> Stage {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.run().await;
    stage
        .eventually("everything is in force", || async {
            let enforced = stage.enforced_version(CELL).await.is_some();
            (enforced && stage.effective(SHOP).await.len() == REGIONS.len()).then_some(())
        })
        .await;
    stage.at_rest().await;
    // The first convergence logs the same kinds of lines.
    stage.forget_log();
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn content_edited_in_the_console_is_put_back_and_nothing_is_published_for_it() {
    let stage = converged().await;
    let arn = stage.guardrail(HOME, "baseline").await;
    let client = stage.bedrock(HOME.0, HOME.1).await;
    client
        .update_guardrail()
        .guardrail_identifier(&arn)
        .name("baseline")
        .blocked_input_messaging("Fine by me.")
        .blocked_outputs_messaging("Blocked by policy.")
        .word_policy_config(words(&["nothing"]))
        .send()
        .await
        .unwrap();
    stage.logged(&["UpdateGuardrail", "Fine by me. → Blocked by policy."]).await;
    stage
        .eventually("DRAFT is as the manifest says", || async {
            let draft = client.get_guardrail().guardrail_identifier(&arn).send().await.unwrap();
            let words = draft.word_policy.unwrap().words.unwrap_or_default();
            (words.len() == 1 && words[0].text == "heliotrope").then_some(())
        })
        .await;
    stage.at_rest().await;
    assert_eq!(stage.versions(HOME, "baseline").await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_enforced_configuration_is_put_back() {
    let stage = converged().await;
    let before = stage.enforced_version(CELL).await;
    stage.delete_enforced(CELL).await;
    stage
        .eventually("the enforcement is back", || async {
            (stage.enforced_version(CELL).await == before).then_some(())
        })
        .await;
    stage.logged(&["PutEnforced", ADA, "us-east-1", "(absent) →"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enforced_configuration_of_somebody_elses_empty_guardrail_is_replaced() {
    let stage = converged().await;
    let before = stage.enforced_version(CELL).await;
    let empty = stage.create_guardrail(CELL, "empty", &[]).await;
    let client = stage.bedrock(CELL.0, CELL.1).await;
    client.create_guardrail_version().guardrail_identifier(&empty).send().await.unwrap();
    stage.ready(CELL, &empty).await;
    stage.put_enforced(CELL, &empty, "1").await;
    stage
        .eventually("ours is back", || async {
            (stage.enforced_version(CELL).await == before).then_some(())
        })
        .await;
    stage.logged(&["PutEnforced", &format!("{empty}:1 →")]).await;
    assert_eq!(stage.guardrail(CELL, "empty").await, empty, "theirs is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_slipped_into_the_excluded_ones_is_taken_out() {
    let stage = converged().await;
    let live = stage.enforced(CELL).await.unwrap();
    let models = live.model_enforcement.clone().unwrap();
    let slipped = "anthropic.claude-3-haiku-20240307-v1:0";
    let models = ModelEnforcement::builder()
        .set_included_models(Some(models.included_models))
        .set_excluded_models(Some(models.excluded_models))
        .excluded_models(slipped)
        .build()
        .unwrap();
    let configuration = AccountEnforcedGuardrailInferenceInputConfiguration::builder()
        .guardrail_identifier(live.guardrail_arn.clone().unwrap())
        .guardrail_version(live.guardrail_version.clone().unwrap())
        .selective_content_guarding(SelectiveContentGuarding::builder().build())
        .model_enforcement(models)
        .build()
        .unwrap();
    let client = stage.bedrock(CELL.0, CELL.1).await;
    client
        .put_enforced_guardrail_configuration()
        .set_config_id(live.config_id.clone())
        .guardrail_inference_config(configuration)
        .send()
        .await
        .unwrap();
    stage
        .eventually("the model is guarded again", || async {
            let now = stage.enforced(CELL).await?;
            (now.model_enforcement == live.model_enforcement).then_some(())
        })
        .await;
    stage.logged(&["PutEnforced", "excludedModels", slipped]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_policy_is_attached_again() {
    let stage = converged().await;
    let (id, _) = stage.policy(POLICY).await;
    let organizations = stage.organizations().await;
    organizations
        .detach_policy()
        .policy_id(&id)
        .target_id("ou-test-workload")
        .send()
        .await
        .unwrap();
    stage
        .eventually("the policy is attached", || async {
            stage.targets(&id).await.contains("ou-test-workload").then_some(())
        })
        .await;
    stage.at_rest().await;
    let attached = stage.log().matches("organizations:AttachPolicy").count();
    assert_eq!(attached, 2, "once at first, once now\n{}", stage.log());
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_policy_is_put_back() {
    let stage = converged().await;
    let (id, before) = stage.policy(POLICY).await;
    let mut weak = before.clone();
    let models = "/bedrock/guardrail_inference/us-east-1/config_1/model_enforcement";
    *weak.pointer_mut(&format!("{models}/included_models/@@assign")).unwrap() =
        json!(["amazon.nova-micro-v1:0"]);
    let organizations = stage.organizations().await;
    let update = organizations.update_policy().policy_id(&id).content(weak.to_string());
    update.send().await.unwrap();
    stage
        .eventually("the policy is as the manifest says", || async {
            (stage.policy(POLICY).await.1 == before).then_some(())
        })
        .await;
    stage.logged(&["UpdatePolicy", "us-east-1", "amazon.nova-micro-v1:0", "→", "ALL"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_statement_of_a_resource_policy_is_put_back() {
    let stage = converged().await;
    let arn = stage.guardrail(HOME, "baseline").await;
    let before = stage.resource_policy("us-east-1", &arn).await.unwrap();
    let theirs = json!({
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{MANAGEMENT}:root")},
        "Action": "bedrock:ApplyGuardrail",
        "Resource": arn,
    });
    let rewritten = json!({"Version": "2012-10-17", "Statement": [theirs]});
    stage.put_resource_policy("us-east-1", &arn, &rewritten).await;
    let expected = json!([theirs, before["Statement"][0]]);
    stage
        .eventually("our statement is back behind theirs", || async {
            let live = stage.resource_policy("us-east-1", &arn).await?;
            (live["Statement"] == expected).then_some(())
        })
        .await;
    stage.logged(&["PutResourcePolicy", "us-east-1", "BedrailOrganization", "(absent) →"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_resource_policy_is_put_back() {
    let stage = converged().await;
    let arn = stage.guardrail(HOME, "baseline").await;
    let before = stage.resource_policy("us-east-1", &arn).await;
    let client = stage.bedrock(HOME.0, HOME.1).await;
    client.delete_resource_policy().resource_arn(&arn).send().await.unwrap();
    stage
        .eventually("the resource policy is back", || async {
            (stage.resource_policy("us-east-1", &arn).await == before).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_owner_tag_is_noticed_and_not_taken_for_consent() {
    let stage = converged().await;
    let arn = stage.guardrail(HOME, "baseline").await;
    let client = stage.bedrock(HOME.0, HOME.1).await;
    let untag = client.untag_resource().resource_arn(&arn).tag_keys("bedrail:owner");
    untag.send().await.unwrap();
    stage.logged(&["refused", &arn, "adopt: true"]).await;
    stage.at_rest().await;
    assert_eq!(stage.enforced_version(CELL).await, Some(format!("{arn}:1")));
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_joins_a_targeted_unit_is_enforced() {
    let stage = converged().await;
    let organizations = stage.organizations().await;
    let account = created_account(&organizations).await;
    let root = organizations.list_parents().child_id(&account).send().await.unwrap();
    let root = root.parents()[0].id().unwrap();
    assert_eq!(stage.enforced_version((&account, "us-east-1")).await, None);
    organizations
        .move_account()
        .account_id(&account)
        .source_parent_id(root)
        .destination_parent_id("ou-test-sandbox0")
        .send()
        .await
        .unwrap();
    let arn = stage.guardrail(HOME, "baseline").await;
    stage
        .eventually("the account is enforced", || async {
            let live = stage.enforced_version((&account, "us-east-1")).await?;
            (live == format!("{arn}:1")).then_some(())
        })
        .await;
}

/// Makes an account and waits until it is there.
async fn created_account(organizations: &aws_sdk_organizations::Client) -> String {
    let request = organizations.create_account().email("new@example.com").account_name("new");
    let status = request.send().await.unwrap().create_account_status.unwrap();
    let id = status.id.unwrap();
    loop {
        let described = organizations.describe_create_account_status();
        let described = described.create_account_request_id(&id).send().await.unwrap();
        if let Some(account) = described.create_account_status.unwrap().account_id {
            return account;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_is_named_in_the_log() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.run().await;
    stage.logged(&[GONE, "SUSPENDED"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_many_resyncs_write_nothing() {
    let stage = converged().await;
    stage.forget_calls().await;
    stage
        .eventually("ten resyncs", || async {
            let calls = stage.calls().await;
            let lists = calls.get("bedrock:ListEnforcedGuardrailsConfiguration").copied();
            (lists.unwrap_or_default() >= 20).then_some(())
        })
        .await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
}
