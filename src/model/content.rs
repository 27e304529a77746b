//! The content of a guardrail, field for field as CreateGuardrail takes it (`aws-facts` 1.3, 1.8).
//!
//! Every field is optional here: a manifest in which a required field is missing must still be
//! read, so that all its problems are reported at once. Enumerations are texts: a value that AWS
//! adds later must read back as itself, not as an error. What a manifest may say is the business
//! of [`manifest`](crate::manifest).

use serde::{Deserialize, Serialize};

/// Declares a content struct with the wire's camel-case names; absent stays absent.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[allow(clippy::derive_partial_eq_without_eq, reason = "thresholds are doubles")]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }
    };
}

shape!(
    /// The body of CreateGuardrail without name, tags and token.
    Content {
        /// 1–200 characters. Of DRAFT only: a version's description is an index, not content.
        description: String,
        /// What the caller reads when the input is blocked; 1–500 characters, required.
        blocked_input_messaging: String,
        /// What the caller reads when the output is blocked; 1–500 characters, required.
        blocked_outputs_messaging: String,
        /// Denied topics.
        topic_policy_config: TopicPolicyConfig,
        /// Content filters and prompt attacks.
        content_policy_config: ContentPolicyConfig,
        /// Words and managed word lists.
        word_policy_config: WordPolicyConfig,
        /// PII entities and regexes.
        sensitive_information_policy_config: SensitiveInformationPolicyConfig,
        /// Grounding and relevance.
        contextual_grounding_policy_config: ContextualGroundingPolicyConfig,
        /// Automated reasoning; cannot be enforced (`aws-facts` 2.4).
        automated_reasoning_policy_config: AutomatedReasoningPolicyConfig,
        /// The guardrail profile.
        cross_region_config: CrossRegionConfig,
        /// The customer key: key ARN or key id.
        kms_key_id: String,
    }
);
shape!(
    /// `CLASSIC` or `STANDARD`.
    TierConfig {
        /// The tier.
        tier_name: String,
    }
);
shape!(
    /// Denied topics, 1–30.
    TopicPolicyConfig {
        /// The topics, keyed by name.
        topics_config: Vec<TopicConfig>,
        /// The tier; CLASSIC when absent.
        tier_config: TierConfig,
    }
);
shape!(
    /// One denied topic.
    TopicConfig {
        /// 1–100 characters.
        name: String,
        /// 1–200 characters, 1,000 with STANDARD.
        definition: String,
        /// Up to 5 of 1–100 characters.
        examples: Vec<String>,
        /// `DENY`.
        r#type: String,
        /// `BLOCK` (default) or `NONE`.
        input_action: String,
        /// `BLOCK` (default) or `NONE`.
        output_action: String,
        /// Default true.
        input_enabled: bool,
        /// Default true.
        output_enabled: bool,
    }
);
shape!(
    /// Content filters, one per type.
    ContentPolicyConfig {
        /// The filters, keyed by type.
        filters_config: Vec<ContentFilterConfig>,
        /// The tier; CLASSIC when absent.
        tier_config: TierConfig,
    }
);
shape!(
    /// One content filter.
    ContentFilterConfig {
        /// `SEXUAL`, `VIOLENCE`, `HATE`, `INSULTS`, `MISCONDUCT` or `PROMPT_ATTACK`.
        r#type: String,
        /// `NONE`, `LOW`, `MEDIUM` or `HIGH`.
        input_strength: String,
        /// The same; `NONE` for `PROMPT_ATTACK`.
        output_strength: String,
        /// `TEXT` (default), `IMAGE`.
        input_modalities: Vec<String>,
        /// `TEXT` (default), `IMAGE`.
        output_modalities: Vec<String>,
        /// `BLOCK` (default) or `NONE`.
        input_action: String,
        /// `BLOCK` (default) or `NONE`.
        output_action: String,
        /// Default true.
        input_enabled: bool,
        /// Default true.
        output_enabled: bool,
    }
);
shape!(
    /// Words.
    WordPolicyConfig {
        /// Up to 10,000, keyed by text.
        words_config: Vec<WordConfig>,
        /// Keyed by type.
        managed_word_lists_config: Vec<ManagedWordListConfig>,
    }
);
shape!(
    /// One word or phrase.
    WordConfig {
        /// 1–100 characters.
        text: String,
        /// `BLOCK` (default) or `NONE`.
        input_action: String,
        /// `BLOCK` (default) or `NONE`.
        output_action: String,
        /// Default true.
        input_enabled: bool,
        /// Default true.
        output_enabled: bool,
    }
);
shape!(
    /// One managed list.
    ManagedWordListConfig {
        /// `PROFANITY`.
        r#type: String,
        /// `BLOCK` (default) or `NONE`.
        input_action: String,
        /// `BLOCK` (default) or `NONE`.
        output_action: String,
        /// Default true.
        input_enabled: bool,
        /// Default true.
        output_enabled: bool,
    }
);
shape!(
    /// PII and regexes.
    SensitiveInformationPolicyConfig {
        /// Keyed by type.
        pii_entities_config: Vec<PiiEntityConfig>,
        /// Keyed by name.
        regexes_config: Vec<RegexConfig>,
    }
);
shape!(
    /// One kind of personal data.
    PiiEntityConfig {
        /// One of 31: `EMAIL`, `US_SOCIAL_SECURITY_NUMBER`, …
        r#type: String,
        /// `BLOCK`, `ANONYMIZE` or `NONE`.
        action: String,
        /// As `action` when absent.
        input_action: String,
        /// As `action` when absent.
        output_action: String,
        /// Default true.
        input_enabled: bool,
        /// Default true.
        output_enabled: bool,
    }
);
shape!(
    /// One regular expression.
    RegexConfig {
        /// 1–100 characters.
        name: String,
        /// 1–1,000 characters.
        description: String,
        /// 1–500 characters, no look-around.
        pattern: String,
        /// `BLOCK`, `ANONYMIZE` or `NONE`.
        action: String,
        /// As `action` when absent.
        input_action: String,
        /// As `action` when absent.
        output_action: String,
        /// Default true.
        input_enabled: bool,
        /// Default true.
        output_enabled: bool,
    }
);
shape!(
    /// Grounding.
    ContextualGroundingPolicyConfig {
        /// Keyed by type.
        filters_config: Vec<ContextualGroundingFilterConfig>,
        /// The tier; CLASSIC when absent.
        tier_config: TierConfig,
    }
);
shape!(
    /// One grounding filter.
    ContextualGroundingFilterConfig {
        /// `GROUNDING` or `RELEVANCE`.
        r#type: String,
        /// 0–0.99; compared to six decimals.
        threshold: f64,
        /// `BLOCK` (default) or `NONE`.
        action: String,
        /// Default true.
        enabled: bool,
    }
);
shape!(
    /// Automated reasoning.
    AutomatedReasoningPolicyConfig {
        /// 1–2 ARNs.
        policies: Vec<String>,
        /// 0–1.
        confidence_threshold: f64,
    }
);
shape!(
    /// The guardrail profile.
    CrossRegionConfig {
        /// Id or ARN of the profile.
        guardrail_profile_identifier: String,
    }
);
