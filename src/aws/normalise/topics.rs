//! Denied topics.

use aws_sdk_bedrock::types::{
    GuardrailTopic, GuardrailTopicConfig, GuardrailTopicPolicy, GuardrailTopicPolicyConfig,
    GuardrailTopicsTierConfig,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::content::{TierConfig, TopicConfig, TopicPolicyConfig};

pub(super) fn request(
    policy: &TopicPolicyConfig,
) -> Result<GuardrailTopicPolicyConfig, BuildError> {
    let topics = policy.topics_config.iter().flatten().map(topic_request);
    let tier = policy.tier_config.as_ref().map(tier_request).transpose()?;
    GuardrailTopicPolicyConfig::builder()
        .set_topics_config(Some(topics.collect::<Result<_, _>>()?))
        .set_tier_config(tier)
        .build()
}

fn topic_request(topic: &TopicConfig) -> Result<GuardrailTopicConfig, BuildError> {
    GuardrailTopicConfig::builder()
        .set_name(topic.name.clone())
        .set_definition(topic.definition.clone())
        .set_examples(topic.examples.clone())
        .set_type(topic.r#type.as_deref().map(Into::into))
        .set_input_action(topic.input_action.as_deref().map(Into::into))
        .set_output_action(topic.output_action.as_deref().map(Into::into))
        .set_input_enabled(topic.input_enabled)
        .set_output_enabled(topic.output_enabled)
        .build()
}

fn tier_request(tier: &TierConfig) -> Result<GuardrailTopicsTierConfig, BuildError> {
    GuardrailTopicsTierConfig::builder()
        .set_tier_name(tier.tier_name.as_deref().map(Into::into))
        .build()
}

pub(super) fn content(policy: GuardrailTopicPolicy) -> TopicPolicyConfig {
    let tier =
        policy.tier.map(|tier| TierConfig { tier_name: Some(tier.tier_name.as_str().into()) });
    TopicPolicyConfig {
        topics_config: Some(policy.topics.into_iter().map(topic_content).collect()),
        tier_config: tier,
    }
}

fn topic_content(topic: GuardrailTopic) -> TopicConfig {
    TopicConfig {
        name: Some(topic.name),
        definition: Some(topic.definition),
        examples: topic.examples,
        r#type: topic.r#type.map(|it| it.as_str().to_owned()),
        input_action: topic.input_action.map(|it| it.as_str().to_owned()),
        output_action: topic.output_action.map(|it| it.as_str().to_owned()),
        input_enabled: topic.input_enabled,
        output_enabled: topic.output_enabled,
    }
}
