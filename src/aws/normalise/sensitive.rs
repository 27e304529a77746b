//! PII and regexes.
//!
//! Actions and enabled flags of both directions are always sent: a real test found that
//! `action: ANONYMIZE` alone left inputs as they were (`aws-facts` 1.9).

use aws_sdk_bedrock::types::{
    GuardrailPiiEntity, GuardrailPiiEntityConfig, GuardrailRegex, GuardrailRegexConfig,
    GuardrailSensitiveInformationPolicy, GuardrailSensitiveInformationPolicyConfig,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::content::{PiiEntityConfig, RegexConfig, SensitiveInformationPolicyConfig};

pub(super) fn request(
    policy: &SensitiveInformationPolicyConfig,
) -> Result<GuardrailSensitiveInformationPolicyConfig, BuildError> {
    let entities = policy.pii_entities_config.as_ref();
    let regexes = policy.regexes_config.as_ref();
    Ok(GuardrailSensitiveInformationPolicyConfig::builder()
        .set_pii_entities_config(
            entities.map(|it| it.iter().map(entity_request).collect()).transpose()?,
        )
        .set_regexes_config(regexes.map(|it| it.iter().map(regex_request).collect()).transpose()?)
        .build())
}

fn entity_request(entity: &PiiEntityConfig) -> Result<GuardrailPiiEntityConfig, BuildError> {
    let action = entity.action.as_deref();
    GuardrailPiiEntityConfig::builder()
        .set_type(entity.r#type.as_deref().map(Into::into))
        .set_action(action.map(Into::into))
        .set_input_action(entity.input_action.as_deref().or(action).map(Into::into))
        .set_output_action(entity.output_action.as_deref().or(action).map(Into::into))
        .input_enabled(entity.input_enabled.unwrap_or(true))
        .output_enabled(entity.output_enabled.unwrap_or(true))
        .build()
}

fn regex_request(regex: &RegexConfig) -> Result<GuardrailRegexConfig, BuildError> {
    let action = regex.action.as_deref();
    GuardrailRegexConfig::builder()
        .set_name(regex.name.clone())
        .set_description(regex.description.clone())
        .set_pattern(regex.pattern.clone())
        .set_action(action.map(Into::into))
        .set_input_action(regex.input_action.as_deref().or(action).map(Into::into))
        .set_output_action(regex.output_action.as_deref().or(action).map(Into::into))
        .input_enabled(regex.input_enabled.unwrap_or(true))
        .output_enabled(regex.output_enabled.unwrap_or(true))
        .build()
}

pub(super) fn content(
    policy: GuardrailSensitiveInformationPolicy,
) -> SensitiveInformationPolicyConfig {
    SensitiveInformationPolicyConfig {
        pii_entities_config: policy
            .pii_entities
            .map(|entities| entities.into_iter().map(entity_content).collect()),
        regexes_config: policy
            .regexes
            .map(|regexes| regexes.into_iter().map(regex_content).collect()),
    }
}

fn entity_content(entity: GuardrailPiiEntity) -> PiiEntityConfig {
    PiiEntityConfig {
        r#type: Some(entity.r#type.as_str().to_owned()),
        action: Some(entity.action.as_str().to_owned()),
        input_action: entity.input_action.map(|it| it.as_str().to_owned()),
        output_action: entity.output_action.map(|it| it.as_str().to_owned()),
        input_enabled: entity.input_enabled,
        output_enabled: entity.output_enabled,
    }
}

fn regex_content(regex: GuardrailRegex) -> RegexConfig {
    RegexConfig {
        name: Some(regex.name),
        description: regex.description,
        pattern: Some(regex.pattern),
        action: Some(regex.action.as_str().to_owned()),
        input_action: regex.input_action.map(|it| it.as_str().to_owned()),
        output_action: regex.output_action.map(|it| it.as_str().to_owned()),
        input_enabled: regex.input_enabled,
        output_enabled: regex.output_enabled,
    }
}
