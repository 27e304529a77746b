//! Turns what AWS returns into canonical content, and content into what AWS takes.
//!
//! Requests and answers name the same things differently (`aws-facts` 1.8) and answers hold more
//! than was sent (1.9); [`canonical`] takes the difference away. One file per policy family.
//!
//! # Invariants
//!
//! Content that was sent reads back equal, whichever defaults the service echoes and in whatever
//! order it lists: a property test says so. Otherwise the controller would write for ever.

mod filters;
mod grounding;
mod sensitive;
mod topics;
mod words;

use aws_sdk_bedrock::operation::get_guardrail::GetGuardrailOutput;
use aws_sdk_bedrock::types::{
    GuardrailAutomatedReasoningPolicy, GuardrailAutomatedReasoningPolicyConfig,
    GuardrailContentPolicyConfig, GuardrailContextualGroundingPolicyConfig,
    GuardrailCrossRegionConfig, GuardrailCrossRegionDetails,
    GuardrailSensitiveInformationPolicyConfig, GuardrailTopicPolicyConfig,
    GuardrailWordPolicyConfig,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::content::AutomatedReasoningPolicyConfig;
use crate::model::{Content, IdError, ProfileId, ReplicaContent, canonical};

/// The part that CreateGuardrail and UpdateGuardrail have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct ContentRequest {
    pub(super) description: Option<String>,
    pub(super) blocked_input_messaging: Option<String>,
    pub(super) blocked_outputs_messaging: Option<String>,
    pub(super) topics: Option<GuardrailTopicPolicyConfig>,
    pub(super) filters: Option<GuardrailContentPolicyConfig>,
    pub(super) words: Option<GuardrailWordPolicyConfig>,
    pub(super) sensitive: Option<GuardrailSensitiveInformationPolicyConfig>,
    pub(super) grounding: Option<GuardrailContextualGroundingPolicyConfig>,
    pub(super) reasoning: Option<GuardrailAutomatedReasoningPolicyConfig>,
    pub(super) cross_region: Option<GuardrailCrossRegionConfig>,
    pub(super) kms_key_id: Option<String>,
}

/// The whole content as a request. Fails where a field AWS requires is missing.
pub(super) fn request(content: &ReplicaContent) -> Result<ContentRequest, BuildError> {
    let shared = &content.shared;
    let profile = content.profile.as_ref().map(|profile| {
        GuardrailCrossRegionConfig::builder().guardrail_profile_identifier(profile.as_str()).build()
    });
    Ok(ContentRequest {
        // AWS rejects an empty one.
        description: content.description.clone().filter(|text| !text.is_empty()),
        blocked_input_messaging: shared.blocked_input_messaging.clone(),
        blocked_outputs_messaging: shared.blocked_outputs_messaging.clone(),
        topics: shared.topic_policy_config.as_ref().map(topics::request).transpose()?,
        filters: shared.content_policy_config.as_ref().map(filters::request).transpose()?,
        words: shared.word_policy_config.as_ref().map(words::request).transpose()?,
        sensitive: shared
            .sensitive_information_policy_config
            .as_ref()
            .map(sensitive::request)
            .transpose()?,
        grounding: shared
            .contextual_grounding_policy_config
            .as_ref()
            .map(grounding::request)
            .transpose()?,
        reasoning: shared
            .automated_reasoning_policy_config
            .as_ref()
            .map(reasoning_request)
            .transpose()?,
        cross_region: profile.transpose()?,
        kms_key_id: content.kms_key_arn.clone(),
    })
}

fn reasoning_request(
    policy: &AutomatedReasoningPolicyConfig,
) -> Result<GuardrailAutomatedReasoningPolicyConfig, BuildError> {
    GuardrailAutomatedReasoningPolicyConfig::builder()
        .set_policies(policy.policies.clone())
        .set_confidence_threshold(policy.confidence_threshold)
        .build()
}

/// What a guardrail or a version contains, in canonical form. Fails on a guardrail profile that
/// cannot be understood: to leave it out would be to read something else.
pub(super) fn content(output: GetGuardrailOutput) -> Result<ReplicaContent, IdError> {
    let shared = canonical(Content {
        description: None,
        blocked_input_messaging: Some(output.blocked_input_messaging),
        blocked_outputs_messaging: Some(output.blocked_outputs_messaging),
        topic_policy_config: output.topic_policy.map(topics::content),
        content_policy_config: output.content_policy.map(filters::content),
        word_policy_config: output.word_policy.map(words::content),
        sensitive_information_policy_config: output
            .sensitive_information_policy
            .map(sensitive::content),
        contextual_grounding_policy_config: output
            .contextual_grounding_policy
            .map(grounding::content),
        automated_reasoning_policy_config: output.automated_reasoning_policy.map(reasoning_content),
        cross_region_config: None,
        kms_key_id: None,
    });
    Ok(ReplicaContent {
        shared,
        description: output.description.filter(|text| !text.is_empty()),
        profile: output.cross_region_details.map(profile).transpose()?.flatten(),
        kms_key_arn: output.kms_key_arn.filter(|arn| !arn.is_empty()),
    })
}

fn reasoning_content(policy: GuardrailAutomatedReasoningPolicy) -> AutomatedReasoningPolicyConfig {
    AutomatedReasoningPolicyConfig {
        policies: Some(policy.policies),
        confidence_threshold: policy.confidence_threshold,
    }
}

/// AWS sends id and ARN, whichever of the two it was given.
fn profile(details: GuardrailCrossRegionDetails) -> Result<Option<ProfileId>, IdError> {
    let from_arn = |arn: String| arn.rsplit_once('/').map(|(_, id)| id.to_owned()).unwrap_or(arn);
    details
        .guardrail_profile_id
        .or_else(|| details.guardrail_profile_arn.map(from_arn))
        .map(|id| id.parse())
        .transpose()
}

#[cfg(test)]
mod tests;
