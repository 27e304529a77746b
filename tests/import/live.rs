//! The hands of the administrator who was there before.

use aws_sdk_bedrock::types::{
    GuardrailContentFilterConfig, GuardrailContentFilterType, GuardrailContentFiltersTierConfig,
    GuardrailContentFiltersTierName, GuardrailContentPolicyConfig, GuardrailFilterStrength,
    GuardrailPiiEntityConfig, GuardrailPiiEntityType, GuardrailSensitiveInformationAction,
    GuardrailSensitiveInformationPolicyConfig, GuardrailTopicConfig, GuardrailTopicPolicyConfig,
    GuardrailTopicType,
};

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
        self.publish((MANAGEMENT, region), &arn).await;
        arn
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
}
