//! Words and managed word lists.

use aws_sdk_bedrock::types::{
    GuardrailManagedWords, GuardrailManagedWordsConfig, GuardrailWord, GuardrailWordConfig,
    GuardrailWordPolicy, GuardrailWordPolicyConfig,
};
use aws_smithy_types::error::operation::BuildError;

use crate::model::content::{ManagedWordListConfig, WordConfig, WordPolicyConfig};

pub(super) fn request(policy: &WordPolicyConfig) -> Result<GuardrailWordPolicyConfig, BuildError> {
    let words = policy.words_config.as_ref();
    let lists = policy.managed_word_lists_config.as_ref();
    Ok(GuardrailWordPolicyConfig::builder()
        .set_words_config(words.map(|words| words.iter().map(word_request).collect()).transpose()?)
        .set_managed_word_lists_config(
            lists.map(|lists| lists.iter().map(list_request).collect()).transpose()?,
        )
        .build())
}

fn word_request(word: &WordConfig) -> Result<GuardrailWordConfig, BuildError> {
    GuardrailWordConfig::builder()
        .set_text(word.text.clone())
        .set_input_action(word.input_action.as_deref().map(Into::into))
        .set_output_action(word.output_action.as_deref().map(Into::into))
        .set_input_enabled(word.input_enabled)
        .set_output_enabled(word.output_enabled)
        .build()
}

fn list_request(list: &ManagedWordListConfig) -> Result<GuardrailManagedWordsConfig, BuildError> {
    GuardrailManagedWordsConfig::builder()
        .set_type(list.r#type.as_deref().map(Into::into))
        .set_input_action(list.input_action.as_deref().map(Into::into))
        .set_output_action(list.output_action.as_deref().map(Into::into))
        .set_input_enabled(list.input_enabled)
        .set_output_enabled(list.output_enabled)
        .build()
}

pub(super) fn content(policy: GuardrailWordPolicy) -> WordPolicyConfig {
    WordPolicyConfig {
        words_config: policy.words.map(|words| words.into_iter().map(word_content).collect()),
        managed_word_lists_config: policy
            .managed_word_lists
            .map(|lists| lists.into_iter().map(list_content).collect()),
    }
}

fn word_content(word: GuardrailWord) -> WordConfig {
    WordConfig {
        text: Some(word.text),
        input_action: word.input_action.map(|it| it.as_str().to_owned()),
        output_action: word.output_action.map(|it| it.as_str().to_owned()),
        input_enabled: word.input_enabled,
        output_enabled: word.output_enabled,
    }
}

fn list_content(list: GuardrailManagedWords) -> ManagedWordListConfig {
    ManagedWordListConfig {
        r#type: Some(list.r#type.as_str().to_owned()),
        input_action: list.input_action.map(|it| it.as_str().to_owned()),
        output_action: list.output_action.map(|it| it.as_str().to_owned()),
        input_enabled: list.input_enabled,
        output_enabled: list.output_enabled,
    }
}
