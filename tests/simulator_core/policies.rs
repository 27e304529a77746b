//! Policies, attachments, policy types, tags and effective policies.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{EffectivePolicyType, PolicyType, Tag};
use serde_json::{Value, json};

use crate::support::{PAYMENTS, PLAYGROUND, SHOP, Sim, code};

fn guardrail(number: u32) -> String {
    format!("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123:{number}")
}

fn document(configuration: &str, number: u32) -> String {
    json!({"bedrock": {"guardrail_inference": {"us-east-1": {configuration: {
        "identifier": {"@@assign": guardrail(number)}}}}}})
    .to_string()
}

async fn create(client: &Client, name: &str, kind: PolicyType, content: String) -> String {
    let created = client
        .create_policy()
        .name(name)
        .description("")
        .r#type(kind)
        .content(content)
        .send()
        .await
        .unwrap();
    created.policy().unwrap().policy_summary().unwrap().id().unwrap().to_owned()
}

/// The guardrail an account has in us-east-1, or the exception code.
async fn effective(client: &Client, account: &str) -> String {
    let found = client
        .describe_effective_policy()
        .policy_type(EffectivePolicyType::BedrockPolicy)
        .target_id(account)
        .send()
        .await;
    match found {
        Err(error) => code::<(), _, _>(Err(error)),
        Ok(found) => {
            let content = found.effective_policy().unwrap().policy_content().unwrap().to_owned();
            let policy: Value = serde_json::from_str(&content).unwrap();
            let path = "/bedrock/guardrail_inference/us-east-1/config_1/identifier";
            policy.pointer(path).and_then(Value::as_str).unwrap_or("none").to_owned()
        }
    }
}

#[tokio::test]
async fn attached_policy_is_effective_after_the_delay_and_not_before() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    assert_eq!(effective(&client, SHOP).await, guardrail(3));

    let policy = create(&client, "next", PolicyType::BedrockPolicy, document("config_1", 4)).await;
    client.attach_policy().policy_id(&policy).target_id("ou-smal-prodprod").send().await.unwrap();
    sim.advance(1_999);
    assert_eq!(effective(&client, SHOP).await, guardrail(3));
    sim.advance(1);
    assert_eq!(effective(&client, SHOP).await, guardrail(4));
    assert_eq!(effective(&client, PLAYGROUND).await, guardrail(3), "another branch is not touched");

    client
        .update_policy()
        .policy_id(&policy)
        .content(document("config_1", 5))
        .send()
        .await
        .unwrap();
    sim.advance(2_000);
    assert_eq!(effective(&client, SHOP).await, guardrail(5));
    client.detach_policy().policy_id(&policy).target_id("ou-smal-prodprod").send().await.unwrap();
    sim.advance(2_000);
    assert_eq!(effective(&client, SHOP).await, guardrail(3));
}

#[tokio::test]
async fn invalid_effective_policy_leaves_the_last_valid_one_in_force() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let policy =
        create(&client, "second", PolicyType::BedrockPolicy, document("config_2", 4)).await;
    client.attach_policy().policy_id(&policy).target_id(PAYMENTS).send().await.unwrap();
    sim.advance(2_000);

    assert_eq!(effective(&client, PAYMENTS).await, guardrail(3));
    let world = sim.admin("GET", "world", "").await;
    let in_force = "/effectiveBedrockPolicy/bedrock/guardrail_inference/us-east-1";
    let in_force = world["accounts"][PAYMENTS].pointer(in_force).unwrap().as_object().unwrap();
    assert_eq!(in_force.keys().collect::<Vec<_>>(), ["config_1"]);
    let invalid = client
        .list_accounts_with_invalid_effective_policy()
        .policy_type(EffectivePolicyType::BedrockPolicy)
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = invalid.accounts().iter().map(|account| account.id().unwrap()).collect();
    assert_eq!(ids, [PAYMENTS]);
    let errors = client
        .list_effective_policy_validation_errors()
        .account_id(PAYMENTS)
        .policy_type(EffectivePolicyType::BedrockPolicy)
        .send()
        .await
        .unwrap();
    let error = &errors.effective_policy_validation_errors()[0];
    assert_eq!(error.error_code(), Some("ELEMENTS_TOO_MANY"));
    assert_eq!(error.path_to_error(), Some("/bedrock/guardrail_inference/us-east-1"));
    assert_eq!(error.contributing_policies(), ["p-baseline1", policy.as_str()]);
}

#[tokio::test]
async fn policy_types_are_enabled_and_disabled_asynchronously() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let statuses = || async {
        let roots = client.list_roots().send().await.unwrap();
        let types = roots.roots()[0].policy_types().iter();
        types
            .map(|kind| {
                format!("{} {}", kind.r#type().unwrap().as_str(), kind.status().unwrap().as_str())
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    let enable = || {
        client.enable_policy_type().root_id("r-smal").policy_type(PolicyType::BedrockPolicy).send()
    };
    let attach =
        || client.attach_policy().policy_id("p-baseline1").target_id("ou-smal-sandboxx").send();
    assert_eq!(code(enable().await), "PolicyTypeAlreadyEnabledException");

    let disable =
        client.disable_policy_type().root_id("r-smal").policy_type(PolicyType::BedrockPolicy);
    disable.send().await.unwrap();
    assert_eq!(statuses().await, "SERVICE_CONTROL_POLICY ENABLED, BEDROCK_POLICY PENDING_DISABLE");
    assert_eq!(code(enable().await), "PolicyChangesInProgressException");
    sim.advance(500);
    assert_eq!(statuses().await, "SERVICE_CONTROL_POLICY ENABLED");
    assert_eq!(code(attach().await), "PolicyTypeNotEnabledException");
    assert_eq!(effective(&client, SHOP).await, "EffectivePolicyNotFoundException");

    enable().await.unwrap();
    assert_eq!(statuses().await, "SERVICE_CONTROL_POLICY ENABLED, BEDROCK_POLICY PENDING_ENABLE");
    assert_eq!(code(attach().await), "PolicyTypeNotEnabledException");
    sim.advance(500);
    assert_eq!(code(attach().await), "success");
    let targets = client.list_targets_for_policy().policy_id("p-baseline1").send().await.unwrap();
    assert_eq!(targets.targets().len(), 1, "disabling dropped the earlier attachment");
}

#[tokio::test]
async fn attachments_are_unique_bounded_and_never_less_than_one_scp() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let attach = |policy: &str, target: &str| {
        client.attach_policy().policy_id(policy).target_id(target).send()
    };
    let detach = |policy: &str, target: &str| {
        client.detach_policy().policy_id(policy).target_id(target).send()
    };
    assert_eq!(code(attach("p-baseline1", "r-smal").await), "DuplicatePolicyAttachmentException");
    assert_eq!(code(attach("p-nothere12", "r-smal").await), "PolicyNotFoundException");
    assert_eq!(code(attach("p-baseline1", "999999999999").await), "TargetNotFoundException");
    assert_eq!(code(detach("p-baseline1", SHOP).await), "PolicyNotAttachedException");

    let last = detach("p-FullAWSAccess", SHOP).await.unwrap_err().into_service_error();
    let aws_sdk_organizations::operation::detach_policy::DetachPolicyError::ConstraintViolationException(last) = last else {
        panic!("{last:?}");
    };
    assert_eq!(last.reason().unwrap().as_str(), "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");

    for number in 1..=10 {
        let name = format!("many-{number}");
        let policy =
            create(&client, &name, PolicyType::BedrockPolicy, document("config_1", number)).await;
        assert_eq!(code(attach(&policy, SHOP).await), "success");
    }
    assert_eq!(code(attach("p-baseline1", SHOP).await), "ConstraintViolationException");
}

#[tokio::test]
async fn policies_are_checked_by_name_size_and_syntax() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let attempt = |name: &str, kind: PolicyType, content: String| {
        client.create_policy().name(name).description("").r#type(kind).content(content).send()
    };
    let good = document("config_1", 1);
    let bedrock = PolicyType::BedrockPolicy;
    assert_eq!(
        code(attempt("baseline", bedrock.clone(), good.clone()).await),
        "DuplicatePolicyException"
    );
    assert_eq!(code(attempt("baseline", PolicyType::ServiceControlPolicy, json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "a:b", "Resource": "*"}]}).to_string()).await), "success", "names differ per type by default");
    assert_eq!(
        code(attempt("a", bedrock.clone(), "{".to_owned()).await),
        "MalformedPolicyDocumentException"
    );
    assert_eq!(
        code(attempt("a", bedrock.clone(), json!({"bedrock": {"x": {}}}).to_string()).await),
        "MalformedPolicyDocumentException"
    );
    assert_eq!(
        code(attempt("a", bedrock.clone(), format!("{good}{}", " ".repeat(10_000))).await),
        "ConstraintViolationException"
    );
    assert_eq!(code(attempt(&"n".repeat(129), bedrock, good).await), "InvalidInputException");
    let with_principal = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]});
    assert_eq!(
        code(attempt("a", PolicyType::ServiceControlPolicy, with_principal.to_string()).await),
        "MalformedPolicyDocumentException"
    );

    let managed = client.update_policy().policy_id("p-FullAWSAccess").name("x").send().await;
    assert_eq!(code(managed), "InvalidInputException");
    assert_eq!(
        code(client.delete_policy().policy_id("p-baseline1").send().await),
        "PolicyInUseException"
    );
    let listed = client.list_policies().filter(PolicyType::BedrockPolicy).send().await.unwrap();
    assert_eq!(listed.policies().len(), 1);
    let described = client.describe_policy().policy_id("p-baseline1").send().await.unwrap();
    let described = described.policy().unwrap();
    assert_eq!(
        described.policy_summary().unwrap().arn(),
        Some("arn:aws:organizations::111122223333:policy/o-smallorg01/bedrock_policy/p-baseline1")
    );
}

#[tokio::test]
async fn tags_are_kept_per_resource_and_bounded() {
    let sim = Sim::small().await;
    let client = sim.organizations().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    client
        .tag_resource()
        .resource_id("p-baseline1")
        .tags(tag("bedrail:owner", "test"))
        .send()
        .await
        .unwrap();
    client.untag_resource().resource_id("p-baseline1").tag_keys("team").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_id("p-baseline1").send().await.unwrap();
    assert_eq!(tags.tags(), [tag("bedrail:owner", "test")]);

    let many = (0..50).map(|index| tag(&format!("key-{index}"), "")).collect();
    let too_many =
        client.tag_resource().resource_id("p-baseline1").set_tags(Some(many)).send().await;
    assert_eq!(code(too_many), "ConstraintViolationException");
    let reserved = client.tag_resource().resource_id(SHOP).tags(tag("aws:x", "")).send().await;
    assert_eq!(code(reserved), "InvalidInputException");
    let unknown = client.list_tags_for_resource().resource_id("p-nothere12").send().await;
    assert_eq!(code(unknown), "TargetNotFoundException");
}
