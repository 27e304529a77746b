//! The schema of a guardrail's content: its fields and their words (`CreateGuardrail` of the
//! service model).

pub(crate) const BLOCK: [&str; 2] = ["BLOCK", "NONE"];
pub(crate) const MASK: [&str; 3] = ["BLOCK", "ANONYMIZE", "NONE"];
pub(crate) const STRENGTHS: [&str; 4] = ["NONE", "LOW", "MEDIUM", "HIGH"];
pub(crate) const MODALITIES: [&str; 2] = ["TEXT", "IMAGE"];
pub(crate) const TIERS: [&str; 2] = ["CLASSIC", "STANDARD"];
pub(crate) const GROUNDING_TYPES: [&str; 2] = ["GROUNDING", "RELEVANCE"];
pub(crate) const FILTER_TYPES: [&str; 6] =
    ["SEXUAL", "VIOLENCE", "HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK"];

/// Every kind of personal data that the service model knows.
pub(crate) const PII_TYPES: [&str; 31] = [
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

/// Every field below `content`, positions in lists left out.
pub(crate) const FIELDS: [&str; 55] = [
    "automatedReasoningPolicyConfig.confidenceThreshold",
    "automatedReasoningPolicyConfig.policies",
    "blockedInputMessaging",
    "blockedOutputsMessaging",
    "contentPolicyConfig.filtersConfig.inputAction",
    "contentPolicyConfig.filtersConfig.inputEnabled",
    "contentPolicyConfig.filtersConfig.inputModalities",
    "contentPolicyConfig.filtersConfig.inputStrength",
    "contentPolicyConfig.filtersConfig.outputAction",
    "contentPolicyConfig.filtersConfig.outputEnabled",
    "contentPolicyConfig.filtersConfig.outputModalities",
    "contentPolicyConfig.filtersConfig.outputStrength",
    "contentPolicyConfig.filtersConfig.type",
    "contentPolicyConfig.tierConfig.tierName",
    "contextualGroundingPolicyConfig.filtersConfig.action",
    "contextualGroundingPolicyConfig.filtersConfig.enabled",
    "contextualGroundingPolicyConfig.filtersConfig.threshold",
    "contextualGroundingPolicyConfig.filtersConfig.type",
    "contextualGroundingPolicyConfig.tierConfig.tierName",
    "crossRegionConfig.guardrailProfileIdentifier",
    "description",
    "kmsKeyId",
    "sensitiveInformationPolicyConfig.piiEntitiesConfig.action",
    "sensitiveInformationPolicyConfig.piiEntitiesConfig.inputAction",
    "sensitiveInformationPolicyConfig.piiEntitiesConfig.inputEnabled",
    "sensitiveInformationPolicyConfig.piiEntitiesConfig.outputAction",
    "sensitiveInformationPolicyConfig.piiEntitiesConfig.outputEnabled",
    "sensitiveInformationPolicyConfig.piiEntitiesConfig.type",
    "sensitiveInformationPolicyConfig.regexesConfig.action",
    "sensitiveInformationPolicyConfig.regexesConfig.description",
    "sensitiveInformationPolicyConfig.regexesConfig.inputAction",
    "sensitiveInformationPolicyConfig.regexesConfig.inputEnabled",
    "sensitiveInformationPolicyConfig.regexesConfig.name",
    "sensitiveInformationPolicyConfig.regexesConfig.outputAction",
    "sensitiveInformationPolicyConfig.regexesConfig.outputEnabled",
    "sensitiveInformationPolicyConfig.regexesConfig.pattern",
    "topicPolicyConfig.tierConfig.tierName",
    "topicPolicyConfig.topicsConfig.definition",
    "topicPolicyConfig.topicsConfig.examples",
    "topicPolicyConfig.topicsConfig.inputAction",
    "topicPolicyConfig.topicsConfig.inputEnabled",
    "topicPolicyConfig.topicsConfig.name",
    "topicPolicyConfig.topicsConfig.outputAction",
    "topicPolicyConfig.topicsConfig.outputEnabled",
    "topicPolicyConfig.topicsConfig.type",
    "wordPolicyConfig.managedWordListsConfig.inputAction",
    "wordPolicyConfig.managedWordListsConfig.inputEnabled",
    "wordPolicyConfig.managedWordListsConfig.outputAction",
    "wordPolicyConfig.managedWordListsConfig.outputEnabled",
    "wordPolicyConfig.managedWordListsConfig.type",
    "wordPolicyConfig.wordsConfig.inputAction",
    "wordPolicyConfig.wordsConfig.inputEnabled",
    "wordPolicyConfig.wordsConfig.outputAction",
    "wordPolicyConfig.wordsConfig.outputEnabled",
    "wordPolicyConfig.wordsConfig.text",
];

/// The values that a field can have, if they can be counted.
pub(crate) fn values(field: &str) -> &'static [&'static str] {
    let (policy, name) = field.split_once('.').unwrap_or_default();
    let name = name.rsplit('.').next().unwrap_or_default();
    match (policy, name) {
        ("sensitiveInformationPolicyConfig", "action" | "inputAction" | "outputAction") => &MASK,
        (_, "action" | "inputAction" | "outputAction") => &BLOCK,
        (_, "enabled" | "inputEnabled" | "outputEnabled") => &["true", "false"],
        (_, "inputStrength" | "outputStrength") => &STRENGTHS,
        (_, "inputModalities" | "outputModalities") => &MODALITIES,
        (_, "tierName") => &TIERS,
        ("sensitiveInformationPolicyConfig", "type") => &PII_TYPES,
        ("contentPolicyConfig", "type") => &FILTER_TYPES,
        ("contextualGroundingPolicyConfig", "type") => &GROUNDING_TYPES,
        _ => &[],
    }
}
