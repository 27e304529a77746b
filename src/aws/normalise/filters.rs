//! Content filters and prompt attacks.

use aws_sdk_bedrock::types::{
    GuardrailContentFilter, GuardrailContentFilterConfig, GuardrailContentFiltersTierConfig,
    GuardrailContentPolicy, GuardrailContentPolicyConfig, GuardrailModality,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::content::{ContentFilterConfig, ContentPolicyConfig, TierConfig};

pub(super) fn request(
    policy: &ContentPolicyConfig,
) -> Result<GuardrailContentPolicyConfig, BuildError> {
    let filters = policy.filters_config.iter().flatten().map(filter_request);
    let tier = policy.tier_config.as_ref().map(tier_request).transpose()?;
    GuardrailContentPolicyConfig::builder()
        .set_filters_config(Some(filters.collect::<Result<_, _>>()?))
        .set_tier_config(tier)
        .build()
}

fn filter_request(
    filter: &ContentFilterConfig,
) -> Result<GuardrailContentFilterConfig, BuildError> {
    GuardrailContentFilterConfig::builder()
        .set_type(filter.r#type.as_deref().map(Into::into))
        .set_input_strength(filter.input_strength.as_deref().map(Into::into))
        .set_output_strength(filter.output_strength.as_deref().map(Into::into))
        .set_input_modalities(filter.input_modalities.as_deref().map(modalities_request))
        .set_output_modalities(filter.output_modalities.as_deref().map(modalities_request))
        .set_input_action(filter.input_action.as_deref().map(Into::into))
        .set_output_action(filter.output_action.as_deref().map(Into::into))
        .set_input_enabled(filter.input_enabled)
        .set_output_enabled(filter.output_enabled)
        .build()
}

fn modalities_request(modalities: &[String]) -> Vec<GuardrailModality> {
    modalities.iter().map(|it| it.as_str().into()).collect()
}

fn tier_request(tier: &TierConfig) -> Result<GuardrailContentFiltersTierConfig, BuildError> {
    GuardrailContentFiltersTierConfig::builder()
        .set_tier_name(tier.tier_name.as_deref().map(Into::into))
        .build()
}

pub(super) fn content(policy: GuardrailContentPolicy) -> ContentPolicyConfig {
    let tier =
        policy.tier.map(|tier| TierConfig { tier_name: Some(tier.tier_name.as_str().into()) });
    ContentPolicyConfig {
        filters_config: policy
            .filters
            .map(|filters| filters.into_iter().map(filter_content).collect()),
        tier_config: tier,
    }
}

fn filter_content(filter: GuardrailContentFilter) -> ContentFilterConfig {
    ContentFilterConfig {
        r#type: Some(filter.r#type.as_str().to_owned()),
        input_strength: Some(filter.input_strength.as_str().to_owned()),
        output_strength: Some(filter.output_strength.as_str().to_owned()),
        input_modalities: filter.input_modalities.map(modalities_content),
        output_modalities: filter.output_modalities.map(modalities_content),
        input_action: filter.input_action.map(|it| it.as_str().to_owned()),
        output_action: filter.output_action.map(|it| it.as_str().to_owned()),
        input_enabled: filter.input_enabled,
        output_enabled: filter.output_enabled,
    }
}

fn modalities_content(modalities: Vec<GuardrailModality>) -> Vec<String> {
    modalities.into_iter().map(|it| it.as_str().to_owned()).collect()
}
