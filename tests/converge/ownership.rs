//! Whose things are: what carries no owner needs consent, what carries another is left alone.

use aws_sdk_organizations::types::{PolicyType, Tag};
use serde_json::json;

use crate::support::{GUARDRAIL, MANAGEMENT, SHOP, SMALL, Stage, WORKLOADS, everything, with};

const PLACE: (&str, &str) = (MANAGEMENT, "us-east-1");
const ADOPT: &str = "adopt: true";

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_without_owner_is_taken_over_only_when_asked() {
    let mut stage = Stage::start(SMALL).await;
    let arn = stage.create_guardrail(PLACE, "baseline", &[("team", "research")]).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    let refused = stage.apply(1).await;
    refused.line(&["refused", &arn, "adopt: true"]);
    assert_eq!(stage.versions(PLACE, "baseline").await, Vec::<u32>::new());
    let other = (MANAGEMENT, "eu-west-1");
    assert_eq!(stage.versions(other, "baseline").await, [1], "the other Region goes on");

    stage.intend(json!({"adopt": ["baseline"]})).await;
    stage.manifest("guardrail.yaml", &with(GUARDRAIL, ADOPT));
    stage.apply(0).await;
    assert_eq!(stage.guardrail(PLACE, "baseline").await, arn, "the same, not another");
    assert_eq!(stage.versions(PLACE, "baseline").await, [1]);
    let client = stage.bedrock(PLACE.0, PLACE.1).await;
    let listed = client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    let has =
        |key: &str, value: &str| listed.tags().iter().any(|it| it.key == key && it.value == value);
    assert!(has("bedrail:owner", "default") && has("team", "research"), "{listed:?}");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_of_another_owner_is_never_taken_over() {
    let mut stage = Stage::start(SMALL).await;
    let tags = [("bedrail:owner", "platform-team")];
    let arn = stage.create_guardrail(PLACE, "baseline", &tags).await;
    stage.manifest("all.yaml", &[&with(GUARDRAIL, ADOPT), WORKLOADS].join("---"));
    let refused = stage.apply(1).await;
    refused.line(&["refused", &arn, "platform-team"]);
    assert_eq!(stage.versions(PLACE, "baseline").await, Vec::<u32>::new());
    // The other Region is in force: one refusal is no reason to leave it bare.
    stage
        .eventually("the other Region is enforced", || async {
            let effective = stage.effective(SHOP).await;
            (effective.keys().collect::<Vec<_>>() == ["eu-west-1"]).then_some(())
        })
        .await;
    stage.forget_calls().await;
    stage.apply(1).await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
}

/// Makes the policy of the enforcement `workloads` by hand.
async fn create_policy(stage: &Stage, owner: Option<&str>) -> String {
    let organizations = stage.organizations().await;
    let root = organizations.list_roots().send().await.unwrap().roots.unwrap();
    let enabled = organizations
        .enable_policy_type()
        .root_id(root[0].id().unwrap())
        .policy_type(PolicyType::BedrockPolicy)
        .send()
        .await;
    enabled.unwrap();
    let tag = |owner| Tag::builder().key("bedrail:owner").value(owner).build().unwrap();
    let created = organizations
        .create_policy()
        .name("bedrail-default-workloads")
        .description("by hand")
        .r#type(PolicyType::BedrockPolicy)
        .content(json!({"bedrock": {"guardrail_inference": {}}}).to_string())
        .set_tags(owner.map(|owner| vec![tag(owner)]))
        .send()
        .await
        .unwrap();
    created.policy.unwrap().policy_summary.unwrap().id.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_owner_is_taken_over_only_when_asked() {
    let mut stage = Stage::start(SMALL).await;
    let id = create_policy(&stage, None).await;
    stage.manifest("all.yaml", &everything());
    let refused = stage.apply(1).await;
    refused.line(&["refused", &id, "adopt: true"]);
    assert!(stage.targets(&id).await.is_empty());

    stage.intend(json!({"adopt": ["bedrail-default-workloads"]})).await;
    stage.manifest("all.yaml", &[GUARDRAIL, &with(WORKLOADS, ADOPT)].join("---"));
    stage.apply(0).await;
    assert_eq!(stage.policy("bedrail-default-workloads").await.0, id, "the same, not another");
    assert_eq!(stage.targets(&id).await.into_iter().collect::<Vec<_>>(), ["ou-test-workload"]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_another_owner_is_never_taken_over() {
    let mut stage = Stage::start(SMALL).await;
    let id = create_policy(&stage, Some("platform-team")).await;
    stage.manifest("all.yaml", &[GUARDRAIL, &with(WORKLOADS, ADOPT)].join("---"));
    let refused = stage.apply(1).await;
    refused.line(&["refused", &id, "platform-team"]);
    assert!(stage.targets(&id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_side_by_side_leave_each_other_alone() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.set("BEDRAIL_OWNER", "other");
    stage.intend(json!({"owner": "other"})).await;
    stage.forget_calls().await;
    let refused = stage.apply(1).await;
    refused.line(&["refused", "belongs to `default`"]);
    assert_eq!(stage.writes().await, Vec::<String>::new());
}
