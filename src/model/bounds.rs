//! What AWS admits in the content of a guardrail (`aws-facts` 1.3, 1.8, 8.1). The checks of
//! manifests, the schema for editors and `bedrail explain` all read it here.

/// Smallest and largest: characters of a text, or items of a list.
pub type Span = (usize, usize);

/// Characters of a guardrail's description.
pub const DESCRIPTION: Span = (1, 200);
/// Characters of what a caller reads instead of what was blocked.
pub const MESSAGE: Span = (1, 500);

/// Topics of a guardrail.
pub const TOPICS: Span = (1, 30);
/// Characters of a topic's name.
pub const TOPIC_NAME: Span = (1, 100);
/// Characters of a topic's definition in the CLASSIC tier.
pub const TOPIC_DEFINITION: Span = (1, 200);
/// Characters of a topic's definition in the STANDARD tier.
pub const TOPIC_DEFINITION_STANDARD: Span = (1, 1000);
/// Examples of a topic.
pub const TOPIC_EXAMPLES: Span = (0, 5);
/// Characters of an example.
pub const TOPIC_EXAMPLE: Span = (1, 100);
/// What a topic may be.
pub const TOPIC_TYPES: &[&str] = &["DENY"];

/// Content filters of a guardrail.
pub const FILTERS: Span = (1, 6);
/// What a content filter looks for.
pub const FILTER_TYPES: &[&str] =
    &["SEXUAL", "VIOLENCE", "HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK"];
/// How strict a content filter is.
pub const STRENGTHS: &[&str] = &["NONE", "LOW", "MEDIUM", "HIGH"];
/// What a content filter looks at.
pub const MODALITIES: &[&str] = &["TEXT", "IMAGE"];
/// How many of them.
pub const MODALITIES_COUNT: Span = (1, 2);

/// Words of a guardrail.
pub const WORDS: Span = (1, 10_000);
/// Characters of a word or phrase.
pub const WORD: Span = (1, 100);
/// Managed lists of a guardrail.
pub const WORD_LISTS: Span = (1, 1);
/// The managed lists.
pub const WORD_LIST_TYPES: &[&str] = &["PROFANITY"];

/// Kinds of personal data a guardrail looks for.
pub const PII_ENTITIES: Span = (1, PII_TYPES.len());
/// Regular expressions of a guardrail. AWS's model and its quota table disagree (`aws-facts` 8.1);
/// this is the larger number.
pub const REGEXES: Span = (1, 30);
/// The smaller one.
pub const REGEXES_SURE: usize = 10;
/// Characters of an expression's name.
pub const REGEX_NAME: Span = (1, 100);
/// Characters of an expression's description.
pub const REGEX_DESCRIPTION: Span = (1, 1000);
/// Characters of an expression.
pub const REGEX_PATTERN: Span = (1, 500);

/// Grounding filters of a guardrail.
pub const GROUNDING_FILTERS: Span = (1, 2);
/// What a grounding filter measures.
pub const GROUNDING_TYPES: &[&str] = &["GROUNDING", "RELEVANCE"];
/// Largest threshold of a grounding filter.
pub const GROUNDING_THRESHOLD_MAX: f64 = 0.99;

/// Automated reasoning policies of a guardrail.
pub const REASONING_POLICIES: Span = (1, 2);

/// The tiers.
pub const TIERS: &[&str] = &["CLASSIC", "STANDARD"];
/// What happens to what topics, filters, words and grounding find.
pub const BLOCK_ACTIONS: &[&str] = &["BLOCK", "NONE"];
/// What happens to personal data.
pub const MASK_ACTIONS: &[&str] = &["BLOCK", "ANONYMIZE", "NONE"];

/// Kinds of personal data.
pub const PII_TYPES: &[&str] = &[
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
