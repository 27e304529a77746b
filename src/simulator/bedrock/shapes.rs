//! The shapes of the Bedrock service model that requests are checked against (`aws-facts` 1.1,
//! 1.3, 1.8, 1.10–1.12, 2.2).

use super::shape::{Member, Pattern, Shape, optional, required};

static NAME_PATTERN: Pattern = Pattern::new("[0-9a-zA-Z-_]+");
static TOPIC_NAME_PATTERN: Pattern = Pattern::new("[0-9a-zA-Z-_ !?.]+");
static IDENTIFIER_PATTERN: Pattern = Pattern::new(
    "(([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))",
);
static VERSION_PATTERN: Pattern = Pattern::new("(([1-9][0-9]{0,7})|(DRAFT))");
static NUMERIC_VERSION_PATTERN: Pattern = Pattern::new("[1-9][0-9]{0,7}");
static PROFILE_PATTERN: Pattern = Pattern::new(
    "[a-z0-9-]+[.]{1}guardrail[.]{1}v[0-9:]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail-profile/[a-z0-9-]+[.]{1}guardrail[.]{1}v[0-9:]+",
);
static KEY_PATTERN: Pattern = Pattern::new(
    "(arn:aws(-[^:]+)?:kms:[a-zA-Z0-9-]*:[0-9]{12}:((key/[a-zA-Z0-9-]{36})|(alias/[a-zA-Z0-9-_/]+)))|([a-zA-Z0-9-]{36})|(alias/[a-zA-Z0-9-_/]+)",
);
static TOKEN_PATTERN: Pattern = Pattern::new("[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?");
static TAG_PATTERN: Pattern = Pattern::new(r"[a-zA-Z0-9\s._:/=+@-]*");
static REASONING_PATTERN: Pattern = Pattern::new(
    "arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:automated-reasoning-policy/[a-z0-9]{12}(:([1-9][0-9]{0,11}))?",
);
static CONFIG_PATTERN: Pattern = Pattern::new("[a-z0-9]+");
static INCLUDED_PATTERN: Pattern = Pattern::new(
    "(ALL|([a-z0-9-]{1,63}[.]{1}[a-z0-9-]{1,63})([:][a-z0-9-]{1,63}){0,2}(/[a-z0-9]{12}){0,1})",
);
static EXCLUDED_PATTERN: Pattern = Pattern::new(
    "([a-z0-9-]{1,63}[.]{1}[a-z0-9-]{1,63})([:][a-z0-9-]{1,63}){0,2}(/[a-z0-9]{12}){0,1}",
);
static ROLE_PATTERN: Pattern = Pattern::new("arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+");
static POLICY_PATTERN: Pattern = Pattern::new(r"[\u{09}\u{0A}\u{0D}\u{20}-\u{FF}]+");
static NEXT_TOKEN_PATTERN: Pattern = Pattern::new(r"\S*");

static NAME: Shape = Shape::Text { min: 1, max: 50, pattern: Some(&NAME_PATTERN) };
static DESCRIPTION: Shape = Shape::Text { min: 1, max: 200, pattern: None };
static MESSAGE: Shape = Shape::Text { min: 1, max: 500, pattern: None };
static KEY: Shape = Shape::Text { min: 1, max: 2048, pattern: Some(&KEY_PATTERN) };
static TOKEN: Shape = Shape::Text { min: 1, max: 256, pattern: Some(&TOKEN_PATTERN) };
static FLAG: Shape = Shape::Flag;
static BLOCK: Shape = Shape::Choice(&["BLOCK", "NONE"]);
static MASK: Shape = Shape::Choice(&["BLOCK", "ANONYMIZE", "NONE"]);
static STRENGTH: Shape = Shape::Choice(&["NONE", "LOW", "MEDIUM", "HIGH"]);
static TIER: Shape =
    Shape::Object(&[required("tierName", &Shape::Choice(&["CLASSIC", "STANDARD"]))]);

/// `guardrailIdentifier` wherever it is given.
pub(super) static IDENTIFIER: Shape =
    Shape::Text { min: 1, max: 2048, pattern: Some(&IDENTIFIER_PATTERN) };
/// `guardrailVersion` of a read.
pub(super) static VERSION: Shape = Shape::Text { min: 1, max: 8, pattern: Some(&VERSION_PATTERN) };
/// `guardrailVersion` of a deletion or an enforcement: never DRAFT.
pub(super) static NUMERIC_VERSION: Shape =
    Shape::Text { min: 1, max: 8, pattern: Some(&NUMERIC_VERSION_PATTERN) };
/// `configId`.
pub(super) static CONFIG: Shape = Shape::Text { min: 1, max: 64, pattern: Some(&CONFIG_PATTERN) };
/// `nextToken`.
pub(super) static NEXT_TOKEN: Shape =
    Shape::Text { min: 1, max: 2048, pattern: Some(&NEXT_TOKEN_PATTERN) };
/// `resourceArn` of a resource policy.
pub(super) static RESOURCE: Shape = Shape::Text { min: 1, max: 255, pattern: None };

// The service allows 200 characters with the CLASSIC tier and 1,000 with STANDARD; `rules` tells
// them apart.
static TOPIC_DEFINITION: Shape = Shape::Text { min: 1, max: 1000, pattern: None };
static TOPIC_NAME: Shape = Shape::Text { min: 1, max: 100, pattern: Some(&TOPIC_NAME_PATTERN) };
static TOPIC_EXAMPLE: Shape = Shape::Text { min: 1, max: 100, pattern: None };
static TOPIC: Shape = Shape::Object(&[
    required("name", &TOPIC_NAME),
    required("definition", &TOPIC_DEFINITION),
    optional("examples", &Shape::List { of: &TOPIC_EXAMPLE, min: 0, max: 5 }),
    required("type", &Shape::Choice(&["DENY"])),
    optional("inputAction", &BLOCK),
    optional("outputAction", &BLOCK),
    optional("inputEnabled", &FLAG),
    optional("outputEnabled", &FLAG),
]);
static TOPICS: Shape = Shape::Object(&[
    required("topicsConfig", &Shape::List { of: &TOPIC, min: 1, max: 30 }),
    optional("tierConfig", &TIER),
]);

static MODALITIES: Shape = Shape::List { of: &Shape::Choice(&["TEXT", "IMAGE"]), min: 1, max: 2 };
static FILTER: Shape = Shape::Object(&[
    required(
        "type",
        &Shape::Choice(&["SEXUAL", "VIOLENCE", "HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK"]),
    ),
    required("inputStrength", &STRENGTH),
    required("outputStrength", &STRENGTH),
    optional("inputModalities", &MODALITIES),
    optional("outputModalities", &MODALITIES),
    optional("inputAction", &BLOCK),
    optional("outputAction", &BLOCK),
    optional("inputEnabled", &FLAG),
    optional("outputEnabled", &FLAG),
]);
static FILTERS: Shape = Shape::Object(&[
    required("filtersConfig", &Shape::List { of: &FILTER, min: 1, max: 6 }),
    optional("tierConfig", &TIER),
]);

static WORD_TEXT: Shape = Shape::Text { min: 1, max: 100, pattern: None };
static WORD: Shape = Shape::Object(&[
    required("text", &WORD_TEXT),
    optional("inputAction", &BLOCK),
    optional("outputAction", &BLOCK),
    optional("inputEnabled", &FLAG),
    optional("outputEnabled", &FLAG),
]);
static MANAGED_LIST: Shape = Shape::Object(&[
    required("type", &Shape::Choice(&["PROFANITY"])),
    optional("inputAction", &BLOCK),
    optional("outputAction", &BLOCK),
    optional("inputEnabled", &FLAG),
    optional("outputEnabled", &FLAG),
]);
static WORDS: Shape = Shape::Object(&[
    optional("wordsConfig", &Shape::List { of: &WORD, min: 1, max: 10_000 }),
    optional("managedWordListsConfig", &Shape::List { of: &MANAGED_LIST, min: 0, max: 1 }),
]);

/// The kinds of personal information, in the order of the model.
pub(crate) const PII_TYPES: &[&str] = &[
    "ADDRESS",
    "AGE",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "CA_HEALTH_NUMBER",
    "CA_SOCIAL_INSURANCE_NUMBER",
    "CREDIT_DEBIT_CARD_CVV",
    "CREDIT_DEBIT_CARD_EXPIRY",
    "CREDIT_DEBIT_CARD_NUMBER",
    "DRIVER_ID",
    "EMAIL",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "IP_ADDRESS",
    "LICENSE_PLATE",
    "MAC_ADDRESS",
    "NAME",
    "PASSWORD",
    "PHONE",
    "PIN",
    "SWIFT_CODE",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    "UK_NATIONAL_INSURANCE_NUMBER",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
    "URL",
    "USERNAME",
    "US_BANK_ACCOUNT_NUMBER",
    "US_BANK_ROUTING_NUMBER",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    "US_PASSPORT_NUMBER",
    "US_SOCIAL_SECURITY_NUMBER",
    "VEHICLE_IDENTIFICATION_NUMBER",
];
static PII: Shape = Shape::Object(&[
    required("type", &Shape::Choice(PII_TYPES)),
    required("action", &MASK),
    optional("inputAction", &MASK),
    optional("outputAction", &MASK),
    optional("inputEnabled", &FLAG),
    optional("outputEnabled", &FLAG),
]);
static REGEX_NAME: Shape = Shape::Text { min: 1, max: 100, pattern: None };
static REGEX_DESCRIPTION: Shape = Shape::Text { min: 1, max: 1000, pattern: None };
static REGEX_TEXT: Shape = Shape::Text { min: 1, max: 500, pattern: None };
static REGEX: Shape = Shape::Object(&[
    required("name", &REGEX_NAME),
    optional("description", &REGEX_DESCRIPTION),
    required("pattern", &REGEX_TEXT),
    required("action", &MASK),
    optional("inputAction", &MASK),
    optional("outputAction", &MASK),
    optional("inputEnabled", &FLAG),
    optional("outputEnabled", &FLAG),
]);
// How many regexes a guardrail may have is a quota, not a shape: `rules` counts them.
static SENSITIVE: Shape = Shape::Object(&[
    optional("piiEntitiesConfig", &Shape::List { of: &PII, min: 1, max: 31 }),
    optional("regexesConfig", &Shape::List { of: &REGEX, min: 1, max: usize::MAX }),
]);

static GROUNDING_FILTER: Shape = Shape::Object(&[
    required("type", &Shape::Choice(&["GROUNDING", "RELEVANCE"])),
    required("threshold", &Shape::Number { min: 0.0, max: f64::MAX }),
    optional("action", &BLOCK),
    optional("enabled", &FLAG),
]);
static GROUNDING: Shape = Shape::Object(&[
    required("filtersConfig", &Shape::List { of: &GROUNDING_FILTER, min: 1, max: 2 }),
    optional("tierConfig", &TIER),
]);

static REASONING_POLICY: Shape =
    Shape::Text { min: 1, max: 2048, pattern: Some(&REASONING_PATTERN) };
static REASONING: Shape = Shape::Object(&[
    required("policies", &Shape::List { of: &REASONING_POLICY, min: 1, max: 2 }),
    optional("confidenceThreshold", &Shape::Number { min: 0.0, max: 1.0 }),
]);

static PROFILE: Shape = Shape::Text { min: 15, max: 2048, pattern: Some(&PROFILE_PATTERN) };
static CROSS_REGION: Shape = Shape::Object(&[required("guardrailProfileIdentifier", &PROFILE)]);

static TAG_KEY: Shape = Shape::Text { min: 1, max: 128, pattern: Some(&TAG_PATTERN) };
static TAG_VALUE: Shape = Shape::Text { min: 0, max: 256, pattern: Some(&TAG_PATTERN) };
static TAG: Shape = Shape::Object(&[required("key", &TAG_KEY), required("value", &TAG_VALUE)]);
static TAGS: Shape = Shape::List { of: &TAG, min: 0, max: 200 };
static TAGGABLE: Shape = Shape::Text { min: 20, max: 1011, pattern: None };

/// The body of `CreateGuardrail`.
pub(super) static CREATE_GUARDRAIL: [Member; 13] = [
    required("name", &NAME),
    optional("description", &DESCRIPTION),
    optional("topicPolicyConfig", &TOPICS),
    optional("contentPolicyConfig", &FILTERS),
    optional("wordPolicyConfig", &WORDS),
    optional("sensitiveInformationPolicyConfig", &SENSITIVE),
    optional("contextualGroundingPolicyConfig", &GROUNDING),
    optional("automatedReasoningPolicyConfig", &REASONING),
    optional("crossRegionConfig", &CROSS_REGION),
    required("blockedInputMessaging", &MESSAGE),
    required("blockedOutputsMessaging", &MESSAGE),
    optional("kmsKeyId", &KEY),
    optional("tags", &TAGS),
];

/// The body of `UpdateGuardrail`: the same without tags.
pub(super) static UPDATE_GUARDRAIL: [Member; 12] = [
    required("name", &NAME),
    optional("description", &DESCRIPTION),
    optional("topicPolicyConfig", &TOPICS),
    optional("contentPolicyConfig", &FILTERS),
    optional("wordPolicyConfig", &WORDS),
    optional("sensitiveInformationPolicyConfig", &SENSITIVE),
    optional("contextualGroundingPolicyConfig", &GROUNDING),
    optional("automatedReasoningPolicyConfig", &REASONING),
    optional("crossRegionConfig", &CROSS_REGION),
    required("blockedInputMessaging", &MESSAGE),
    required("blockedOutputsMessaging", &MESSAGE),
    optional("kmsKeyId", &KEY),
];

/// The body of `CreateGuardrailVersion`.
pub(super) static CREATE_VERSION: [Member; 1] = [optional("description", &DESCRIPTION)];

/// The idempotency token beside the body of both creations.
pub(super) static REQUEST_TOKEN: [Member; 1] = [optional("clientRequestToken", &TOKEN)];

static GUARDING: Shape = Shape::Choice(&["SELECTIVE", "COMPREHENSIVE"]);
static SELECTIVE: Shape =
    Shape::Object(&[optional("system", &GUARDING), optional("messages", &GUARDING)]);
static INCLUDED: Shape = Shape::Text { min: 1, max: 256, pattern: Some(&INCLUDED_PATTERN) };
static EXCLUDED: Shape = Shape::Text { min: 1, max: 256, pattern: Some(&EXCLUDED_PATTERN) };
static MODELS: Shape = Shape::Object(&[
    required("includedModels", &Shape::List { of: &INCLUDED, min: 1, max: usize::MAX }),
    required("excludedModels", &Shape::List { of: &EXCLUDED, min: 0, max: usize::MAX }),
]);
static INFERENCE: Shape = Shape::Object(&[
    required("guardrailIdentifier", &IDENTIFIER),
    required("guardrailVersion", &NUMERIC_VERSION),
    optional("selectiveContentGuarding", &SELECTIVE),
    optional("modelEnforcement", &MODELS),
]);

/// The body of `PutEnforcedGuardrailConfiguration`.
pub(super) static PUT_ENFORCED: [Member; 2] =
    [optional("configId", &CONFIG), required("guardrailInferenceConfig", &INFERENCE)];

static POLICY_TEXT: Shape = Shape::Text { min: 1, max: 20_480, pattern: Some(&POLICY_PATTERN) };

/// The body of `PutResourcePolicy`.
pub(super) static PUT_POLICY: [Member; 2] =
    [required("resourceArn", &RESOURCE), required("resourcePolicy", &POLICY_TEXT)];

static BUCKET: Shape = Shape::Object(&[
    required("bucketName", &Shape::Text { min: 3, max: 63, pattern: None }),
    optional("keyPrefix", &Shape::Text { min: 0, max: 1024, pattern: None }),
]);
static ROLE: Shape = Shape::Text { min: 1, max: 2048, pattern: Some(&ROLE_PATTERN) };
static LOG_GROUP: Shape = Shape::Object(&[
    required("logGroupName", &Shape::Text { min: 1, max: 512, pattern: None }),
    required("roleArn", &ROLE),
    optional("largeDataDeliveryS3Config", &BUCKET),
]);
static LOGGING: Shape = Shape::Object(&[
    optional("cloudWatchConfig", &LOG_GROUP),
    optional("s3Config", &BUCKET),
    optional("textDataDeliveryEnabled", &FLAG),
    optional("imageDataDeliveryEnabled", &FLAG),
    optional("embeddingDataDeliveryEnabled", &FLAG),
    optional("videoDataDeliveryEnabled", &FLAG),
    optional("audioDataDeliveryEnabled", &FLAG),
]);

/// The body of `PutModelInvocationLoggingConfiguration`.
pub(super) static PUT_LOGGING: [Member; 1] = [required("loggingConfig", &LOGGING)];

/// The body of `TagResource`.
pub(super) static TAG_RESOURCE: [Member; 2] =
    [required("resourceARN", &TAGGABLE), required("tags", &TAGS)];

/// The body of `UntagResource`.
pub(super) static UNTAG_RESOURCE: [Member; 2] = [
    required("resourceARN", &TAGGABLE),
    required("tagKeys", &Shape::List { of: &TAG_KEY, min: 0, max: 200 }),
];

/// The body of `ListTagsForResource`.
pub(super) static LIST_TAGS: [Member; 1] = [required("resourceARN", &TAGGABLE)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_model_compiles() {
        let rows = [
            (&NAME_PATTERN, "a-b_C1", "a b"),
            (&TOPIC_NAME_PATTERN, "Is it? Yes!", "a/b"),
            (&IDENTIFIER_PATTERN, "abc123abc123", "abc:1"),
            (&VERSION_PATTERN, "DRAFT", "0"),
            (&NUMERIC_VERSION_PATTERN, "12", "DRAFT"),
            (&PROFILE_PATTERN, "us.guardrail.v1:0", "us.guardrail"),
            (&KEY_PATTERN, "alias/a", "key"),
            (&TOKEN_PATTERN, "a-1", "-a"),
            (&TAG_PATTERN, "a:b", "a*"),
            (
                &REASONING_PATTERN,
                "arn:aws:bedrock:us-east-1:111122223333:automated-reasoning-policy/abcabcabcabc:1",
                "x",
            ),
            (&CONFIG_PATTERN, "abc1", "A"),
            (&INCLUDED_PATTERN, "ALL", "us.anthropic.claude"),
            (&EXCLUDED_PATTERN, "amazon.titan-embed-text-v2:0", "ALL"),
            (&ROLE_PATTERN, "arn:aws:iam::111122223333:role/a", "role"),
            (&POLICY_PATTERN, "{\n}", "\u{100}"),
            (&NEXT_TOKEN_PATTERN, "abc", "a b"),
        ];
        for (pattern, good, bad) in rows {
            assert!(pattern.matches(good), "{good} should match {pattern:?}");
            assert!(!pattern.matches(bad), "{bad} should not match {pattern:?}");
        }
    }
}
