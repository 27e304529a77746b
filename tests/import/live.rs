//! The hands of the administrator who was there before.

use aws_sdk_bedrock::types::{
    GuardrailContentFilterConfig, GuardrailContentFilterType, GuardrailContentFiltersTierConfig,
    GuardrailContentFiltersTierName, GuardrailContentPolicyConfig, GuardrailFilterStrength,
    GuardrailPiiEntityConfig, GuardrailPiiEntityType, GuardrailSensitiveInformationAction,
    GuardrailSensitiveInformationPolicyConfig, GuardrailTopicConfig, GuardrailTopicPolicyConfig,
    GuardrailTopicType,
};
use aws_sdk_organizations::types::{PolicyType, PolicyTypeStatus, PolicyTypeSummary};
use serde_json::{Value, json};

use crate::support::{MANAGEMENT, Stage, words};

/// What the console writes for people who write nothing.
const MESSAGE: &str = "Sorry, the model cannot answer this question.";

impl Stage {
    /// Makes a guardrail as the console does, everything spelled out, and publishes it once.
    pub(crate) async fn console_guardrail(&self, region: &str, name: &str, word: &str) -> String {
        let client = self.bedrock(MANAGEMENT, region).await;
        let filter = GuardrailContentFilterConfig::builder()
            .r#type(GuardrailContentFilterType::Hate)
            .input_strength(GuardrailFilterStrength::High)
            .output_strength(GuardrailFilterStrength::Medium)
            .build()
            .unwrap();
        let tier = GuardrailContentFiltersTierConfig::builder()
            .tier_name(GuardrailContentFiltersTierName::Classic)
            .build()
            .unwrap();
        let filters = GuardrailContentPolicyConfig::builder()
            .filters_config(filter)
            .tier_config(tier)
            .build()
            .unwrap();
        let topic = GuardrailTopicConfig::builder()
            .name("Investment advice. Yes! No")
            .definition("Advice on what to buy # or sell")
            .examples("- Should I buy?")
            .r#type(GuardrailTopicType::Deny)
            .build()
            .unwrap();
        let topics = GuardrailTopicPolicyConfig::builder().topics_config(topic).build().unwrap();
        let pii = GuardrailPiiEntityConfig::builder()
            .r#type(GuardrailPiiEntityType::Email)
            .action(GuardrailSensitiveInformationAction::Anonymize)
            .build()
            .unwrap();
        let pii =
            GuardrailSensitiveInformationPolicyConfig::builder().pii_entities_config(pii).build();
        let created = client
            .create_guardrail()
            .name(name)
            .description("Made by hand: \"quoted\"")
            .blocked_input_messaging(MESSAGE)
            .blocked_outputs_messaging(MESSAGE)
            .content_policy_config(filters)
            .topic_policy_config(topics)
            .sensitive_information_policy_config(pii)
            .word_policy_config(words(&[word, "no", "007"]))
            .send()
            .await
            .unwrap();
        let arn = created.guardrail_arn;
        self.ready((MANAGEMENT, region), &arn).await;
        self.publish(region, &arn).await;
        arn
    }

    /// Publishes DRAFT by hand.
    pub(crate) async fn publish(&self, region: &str, arn: &str) {
        let client = self.bedrock(MANAGEMENT, region).await;
        let published = client.create_guardrail_version().guardrail_identifier(arn).send().await;
        let version = published.unwrap().version;
        self.eventually("the version is READY", || async {
            let read = client.get_guardrail().guardrail_identifier(arn).guardrail_version(&version);
            (read.send().await.ok()?.status.as_str() == "READY").then_some(())
        })
        .await;
        self.ready((MANAGEMENT, region), arn).await;
    }

    /// Gives DRAFT another content by hand.
    pub(crate) async fn redraft(&self, region: &str, arn: &str, name: &str) {
        let client = self.bedrock(MANAGEMENT, region).await;
        client
            .update_guardrail()
            .guardrail_identifier(arn)
            .name(name)
            .blocked_input_messaging("Not finished")
            .blocked_outputs_messaging("Not finished")
            .word_policy_config(words(&["draft"]))
            .send()
            .await
            .unwrap();
        self.ready((MANAGEMENT, region), arn).await;
    }

    /// Admits the whole organization by hand.
    pub(crate) async fn share(&self, region: &str, arn: &str) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Everybody",
            "Effect": "Allow", "Principal": "*", "Resource": arn,
            "Action": ["bedrock:GetGuardrail", "bedrock:ApplyGuardrail"],
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}}]});
        self.put_resource_policy(region, arn, &policy).await;
    }

    /// Enables Bedrock policies by hand.
    pub(crate) async fn enable_policies(&self) {
        let organizations = self.organizations().await;
        let request = organizations.enable_policy_type().root_id("r-test");
        request.policy_type(PolicyType::BedrockPolicy).send().await.unwrap();
        self.eventually("the policy type is enabled", || async {
            let listed = organizations.list_roots().send().await.unwrap().roots.unwrap();
            let is_enabled = |it: &PolicyTypeSummary| {
                it.r#type() == Some(&PolicyType::BedrockPolicy)
                    && it.status() == Some(&PolicyTypeStatus::Enabled)
            };
            listed[0].policy_types().iter().any(is_enabled).then_some(())
        })
        .await;
    }
}

/// A document of these Regions and references, with nothing but what must be there.
pub(crate) fn bare_document(blocks: &[(&str, &str)]) -> Value {
    let blocks: serde_json::Map<String, Value> = blocks
        .iter()
        .map(|(region, identifier)| {
            let block = json!({"config_1": {"identifier": {"@@assign": identifier}}});
            ((*region).to_owned(), block)
        })
        .collect();
    json!({"bedrock": {"guardrail_inference": blocks}})
}
