//! The content of a guardrail, field for field as CreateGuardrail takes it (`aws-facts` 1.3, 1.8).
//!
//! Every field is optional here: a manifest in which a required field is missing must still be
//! read, so that all its problems are reported at once. Enumerations are texts: a value that AWS
//! adds later must read back as itself, not as an error. What a manifest may say is the business
//! of [`manifest`](crate::manifest); what is said of a field here is what editors and `bedrail
//! explain` show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{
    BLOCK_ACTIONS, DESCRIPTION, FILTER_TYPES, FILTERS, GROUNDING_FILTERS, GROUNDING_THRESHOLD_MAX,
    GROUNDING_TYPES, MASK_ACTIONS, MESSAGE, MODALITIES, MODALITIES_COUNT, PII_ENTITIES, PII_TYPES,
    REASONING_POLICIES, REGEX_DESCRIPTION, REGEX_NAME, REGEX_PATTERN, REGEXES, STRENGTHS, TIERS,
    TOPIC_DEFINITION_STANDARD, TOPIC_EXAMPLE, TOPIC_EXAMPLES, TOPIC_NAME, TOPIC_TYPES, TOPICS,
    WORD, WORD_LIST_TYPES, WORD_LISTS, WORDS,
};

/// Where AWS describes a structure of its API.
macro_rules! api_page {
    ($structure:literal) => {
        concat!("https://docs.aws.amazon.com/bedrock/latest/APIReference/API_", $structure, ".html")
    };
}
pub(crate) use api_page;

/// Declares a content struct with the wire's camel-case names; absent stays absent.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[allow(clippy::derive_partial_eq_without_eq, reason = "thresholds are doubles")]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        $(#[$doc])*
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }
    };
}

/// What a content filter looks at.
struct Modality;

impl JsonSchema for Modality {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Modality".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "enum": MODALITIES})
    }
}

shape!(
    /// The body of CreateGuardrail without name, tags and token; at least one policy.
    #[schemars(extend("x-source" = api_page!("CreateGuardrail")))]
    Content {
        /// What the guardrail is for. Of DRAFT only: a version's description is an index.
        #[schemars(length(min = DESCRIPTION.0, max = DESCRIPTION.1))]
        description: String,
        /// What the caller reads when the input is blocked.
        #[schemars(required, length(min = MESSAGE.0, max = MESSAGE.1))]
        blocked_input_messaging: String,
        /// What the caller reads when the output is blocked.
        #[schemars(required, length(min = MESSAGE.0, max = MESSAGE.1))]
        blocked_outputs_messaging: String,
        /// Topics that are denied.
        topic_policy_config: TopicPolicyConfig,
        /// Filters of harmful content, and of prompt attacks.
        content_policy_config: ContentPolicyConfig,
        /// Words and phrases, and managed lists of them.
        word_policy_config: WordPolicyConfig,
        /// Personal data by kind, and by regular expression.
        sensitive_information_policy_config: SensitiveInformationPolicyConfig,
        /// Whether answers are grounded in their source, and relevant to the question.
        contextual_grounding_policy_config: ContextualGroundingPolicyConfig,
        /// Automated reasoning. AWS cannot enforce a guardrail that has it.
        automated_reasoning_policy_config: AutomatedReasoningPolicyConfig,
        /// The guardrail profile of all Regions; `crossRegion: Auto` beside `content` picks each
        /// Region's own.
        cross_region_config: CrossRegionConfig,
        /// The customer key of all Regions: its ARN or id, never an alias, which somebody could
        /// point at another key. A key of one Region belongs in `regionOverrides`.
        kms_key_id: String,
    }
);
shape!(
    /// Which model judges. STANDARD knows more languages and needs a guardrail profile.
    #[schemars(extend("x-source" = api_page!("GuardrailContentFiltersTierConfig")))]
    TierConfig {
        /// The tier that judges.
        #[schemars(required, extend("enum" = TIERS))]
        tier_name: String,
    }
);
shape!(
    /// Denied topics.
    #[schemars(extend("x-source" = api_page!("GuardrailTopicPolicyConfig")))]
    TopicPolicyConfig {
        /// The topics, each with a name of its own.
        #[schemars(required, length(min = TOPICS.0, max = TOPICS.1))]
        topics_config: Vec<TopicConfig>,
        /// The tier; CLASSIC when absent.
        tier_config: TierConfig,
    }
);
shape!(
    /// One denied topic.
    #[schemars(extend("x-source" = api_page!("GuardrailTopicConfig")))]
    TopicConfig {
        /// Its name, of letters, digits, spaces and `- _ ! ? .`
        #[schemars(
            required,
            length(min = TOPIC_NAME.0, max = TOPIC_NAME.1),
            regex(pattern = r"^[0-9a-zA-Z\-_ !?.]+$")
        )]
        name: String,
        /// What it is about: up to 200 characters, 1,000 with the STANDARD tier.
        #[schemars(
            required,
            length(min = TOPIC_DEFINITION_STANDARD.0, max = TOPIC_DEFINITION_STANDARD.1)
        )]
        definition: String,
        /// Sentences that are about it.
        #[schemars(
            length(min = TOPIC_EXAMPLES.0, max = TOPIC_EXAMPLES.1),
            inner(length(min = TOPIC_EXAMPLE.0, max = TOPIC_EXAMPLE.1))
        )]
        examples: Vec<String>,
        /// That it is denied.
        #[schemars(required, extend("enum" = TOPIC_TYPES))]
        r#type: String,
        /// What happens to an input on it; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        input_action: String,
        /// What happens to an output on it; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        output_action: String,
        /// Whether inputs are looked at.
        #[schemars(extend("default" = true))]
        input_enabled: bool,
        /// Whether outputs are looked at.
        #[schemars(extend("default" = true))]
        output_enabled: bool,
    }
);
shape!(
    /// Content filters.
    #[schemars(extend("x-source" = api_page!("GuardrailContentPolicyConfig")))]
    ContentPolicyConfig {
        /// The filters, one of each type.
        #[schemars(required, length(min = FILTERS.0, max = FILTERS.1))]
        filters_config: Vec<ContentFilterConfig>,
        /// The tier; CLASSIC when absent.
        tier_config: TierConfig,
    }
);
shape!(
    /// One content filter.
    #[schemars(extend("x-source" = api_page!("GuardrailContentFilterConfig")))]
    ContentFilterConfig {
        /// What it looks for.
        #[schemars(required, extend("enum" = FILTER_TYPES))]
        r#type: String,
        /// How strict it is with inputs.
        #[schemars(required, extend("enum" = STRENGTHS))]
        input_strength: String,
        /// How strict it is with outputs; NONE for PROMPT_ATTACK, which looks at input alone.
        #[schemars(required, extend("enum" = STRENGTHS))]
        output_strength: String,
        /// What of an input it looks at.
        #[schemars(
            with = "Option<Vec<Modality>>",
            length(min = MODALITIES_COUNT.0, max = MODALITIES_COUNT.1),
            extend("default" = ["TEXT"])
        )]
        input_modalities: Vec<String>,
        /// What of an output it looks at.
        #[schemars(
            with = "Option<Vec<Modality>>",
            length(min = MODALITIES_COUNT.0, max = MODALITIES_COUNT.1),
            extend("default" = ["TEXT"])
        )]
        output_modalities: Vec<String>,
        /// What happens to an input it finds; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        input_action: String,
        /// What happens to an output it finds; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        output_action: String,
        /// Whether inputs are looked at.
        #[schemars(extend("default" = true))]
        input_enabled: bool,
        /// Whether outputs are looked at.
        #[schemars(extend("default" = true))]
        output_enabled: bool,
    }
);
shape!(
    /// Words and managed lists; at least one of them.
    #[schemars(extend("x-source" = api_page!("GuardrailWordPolicyConfig")))]
    WordPolicyConfig {
        /// Words and phrases, each once.
        #[schemars(length(min = WORDS.0, max = WORDS.1))]
        words_config: Vec<WordConfig>,
        /// Lists that AWS keeps.
        #[schemars(length(min = WORD_LISTS.0, max = WORD_LISTS.1))]
        managed_word_lists_config: Vec<ManagedWordListConfig>,
    }
);
shape!(
    /// One word or phrase.
    #[schemars(extend("x-source" = api_page!("GuardrailWordConfig")))]
    WordConfig {
        /// The word, or a phrase of up to three.
        #[schemars(required, length(min = WORD.0, max = WORD.1))]
        text: String,
        /// What happens to an input that has it; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        input_action: String,
        /// What happens to an output that has it; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        output_action: String,
        /// Whether inputs are looked at.
        #[schemars(extend("default" = true))]
        input_enabled: bool,
        /// Whether outputs are looked at.
        #[schemars(extend("default" = true))]
        output_enabled: bool,
    }
);
shape!(
    /// One managed list.
    #[schemars(extend("x-source" = api_page!("GuardrailManagedWordsConfig")))]
    ManagedWordListConfig {
        /// Which of the lists.
        #[schemars(required, extend("enum" = WORD_LIST_TYPES))]
        r#type: String,
        /// What happens to an input with a word of it; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        input_action: String,
        /// What happens to an output with a word of it; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        output_action: String,
        /// Whether inputs are looked at.
        #[schemars(extend("default" = true))]
        input_enabled: bool,
        /// Whether outputs are looked at.
        #[schemars(extend("default" = true))]
        output_enabled: bool,
    }
);
shape!(
    /// Personal data; at least one kind or expression.
    #[schemars(extend("x-source" = api_page!("GuardrailSensitiveInformationPolicyConfig")))]
    SensitiveInformationPolicyConfig {
        /// Kinds that AWS knows, each once.
        #[schemars(length(min = PII_ENTITIES.0, max = PII_ENTITIES.1))]
        pii_entities_config: Vec<PiiEntityConfig>,
        /// Regular expressions, each with a name of its own. AWS's quota may admit only 10.
        #[schemars(length(min = REGEXES.0, max = REGEXES.1))]
        regexes_config: Vec<RegexConfig>,
    }
);
shape!(
    /// One kind of personal data.
    #[schemars(extend("x-source" = api_page!("GuardrailPiiEntityConfig")))]
    PiiEntityConfig {
        /// Which kind of data.
        #[schemars(required, extend("enum" = PII_TYPES))]
        r#type: String,
        /// What happens to it: the call is blocked, the data is masked, or it is only noticed.
        #[schemars(required, extend("enum" = MASK_ACTIONS))]
        action: String,
        /// The same for inputs; `action` when absent.
        #[schemars(extend("enum" = MASK_ACTIONS))]
        input_action: String,
        /// The same for outputs; `action` when absent.
        #[schemars(extend("enum" = MASK_ACTIONS))]
        output_action: String,
        /// Whether inputs are looked at.
        #[schemars(extend("default" = true))]
        input_enabled: bool,
        /// Whether outputs are looked at.
        #[schemars(extend("default" = true))]
        output_enabled: bool,
    }
);
shape!(
    /// One regular expression.
    #[schemars(extend("x-source" = api_page!("GuardrailRegexConfig")))]
    RegexConfig {
        /// What it finds; stands in its place where it is masked.
        #[schemars(required, length(min = REGEX_NAME.0, max = REGEX_NAME.1))]
        name: String,
        /// What it is for.
        #[schemars(length(min = REGEX_DESCRIPTION.0, max = REGEX_DESCRIPTION.1))]
        description: String,
        /// The expression, without look-around.
        #[schemars(required, length(min = REGEX_PATTERN.0, max = REGEX_PATTERN.1))]
        pattern: String,
        /// What happens to it: the call is blocked, the text is masked, or it is only noticed.
        #[schemars(required, extend("enum" = MASK_ACTIONS))]
        action: String,
        /// The same for inputs; `action` when absent.
        #[schemars(extend("enum" = MASK_ACTIONS))]
        input_action: String,
        /// The same for outputs; `action` when absent.
        #[schemars(extend("enum" = MASK_ACTIONS))]
        output_action: String,
        /// Whether inputs are looked at.
        #[schemars(extend("default" = true))]
        input_enabled: bool,
        /// Whether outputs are looked at.
        #[schemars(extend("default" = true))]
        output_enabled: bool,
    }
);
shape!(
    /// Contextual grounding.
    #[schemars(extend("x-source" = api_page!("GuardrailContextualGroundingPolicyConfig")))]
    ContextualGroundingPolicyConfig {
        /// The filters, one of each type.
        #[schemars(required, length(min = GROUNDING_FILTERS.0, max = GROUNDING_FILTERS.1))]
        filters_config: Vec<ContextualGroundingFilterConfig>,
        /// The tier; CLASSIC when absent.
        tier_config: TierConfig,
    }
);
shape!(
    /// One grounding filter.
    #[schemars(extend("x-source" = api_page!("GuardrailContextualGroundingFilterConfig")))]
    ContextualGroundingFilterConfig {
        /// What it measures.
        #[schemars(required, extend("enum" = GROUNDING_TYPES))]
        r#type: String,
        /// What scores less is found; compared to six decimals.
        #[schemars(required, range(min = 0, max = GROUNDING_THRESHOLD_MAX))]
        threshold: f64,
        /// What happens to what it finds; NONE only notices.
        #[schemars(extend("enum" = BLOCK_ACTIONS, "default" = "BLOCK"))]
        action: String,
        /// Whether answers are looked at.
        #[schemars(extend("default" = true))]
        enabled: bool,
    }
);
shape!(
    /// Automated reasoning. AWS cannot enforce a guardrail that has it.
    #[schemars(extend("x-source" = api_page!("GuardrailAutomatedReasoningPolicyConfig")))]
    AutomatedReasoningPolicyConfig {
        /// ARNs of the policies.
        #[schemars(required, length(min = REASONING_POLICIES.0, max = REASONING_POLICIES.1))]
        policies: Vec<String>,
        /// How sure it must be.
        #[schemars(range(min = 0, max = 1))]
        confidence_threshold: f64,
    }
);
shape!(
    /// The guardrail profile, which says in which Regions a call may be judged.
    #[schemars(extend("x-source" = api_page!("GuardrailCrossRegionConfig")))]
    CrossRegionConfig {
        /// Its id, such as `us.guardrail.v1:0`, or ARN.
        #[schemars(required)]
        guardrail_profile_identifier: String,
    }
);
