//! Contextual grounding.

use aws_sdk_bedrock::types::{
    GuardrailContextualGroundingFilter, GuardrailContextualGroundingFilterConfig,
    GuardrailContextualGroundingPolicy, GuardrailContextualGroundingPolicyConfig,
    GuardrailContextualGroundingTierConfig,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::content::{
    ContextualGroundingFilterConfig, ContextualGroundingPolicyConfig, TierConfig,
};

pub(super) fn request(
    policy: &ContextualGroundingPolicyConfig,
) -> Result<GuardrailContextualGroundingPolicyConfig, BuildError> {
    let filters = policy.filters_config.iter().flatten().map(filter_request);
    let tier = policy.tier_config.as_ref().map(tier_request).transpose()?;
    GuardrailContextualGroundingPolicyConfig::builder()
        .set_filters_config(Some(filters.collect::<Result<_, _>>()?))
        .set_tier_config(tier)
        .build()
}

fn filter_request(
    filter: &ContextualGroundingFilterConfig,
) -> Result<GuardrailContextualGroundingFilterConfig, BuildError> {
    GuardrailContextualGroundingFilterConfig::builder()
        .set_type(filter.r#type.as_deref().map(Into::into))
        .set_threshold(filter.threshold)
        .set_action(filter.action.as_deref().map(Into::into))
        .set_enabled(filter.enabled)
        .build()
}

fn tier_request(tier: &TierConfig) -> Result<GuardrailContextualGroundingTierConfig, BuildError> {
    GuardrailContextualGroundingTierConfig::builder()
        .set_tier_name(tier.tier_name.as_deref().map(Into::into))
        .build()
}

pub(super) fn content(
    policy: GuardrailContextualGroundingPolicy,
) -> ContextualGroundingPolicyConfig {
    let tier =
        policy.tier.map(|tier| TierConfig { tier_name: Some(tier.tier_name.as_str().into()) });
    ContextualGroundingPolicyConfig {
        filters_config: Some(policy.filters.into_iter().map(filter_content).collect()),
        tier_config: tier,
    }
}

fn filter_content(filter: GuardrailContextualGroundingFilter) -> ContextualGroundingFilterConfig {
    ContextualGroundingFilterConfig {
        r#type: Some(filter.r#type.as_str().to_owned()),
        threshold: Some(filter.threshold),
        action: filter.action.map(|it| it.as_str().to_owned()),
        enabled: filter.enabled,
    }
}
