//! `spec.content`: personal data, grounding and automated reasoning (`aws-facts` 1.8).

use super::super::field_path::FieldPath;
use super::super::report::Report;
use super::super::suggest::nearest;
use super::checks::{required_text, required_word, size, text, unique, word};
use super::content::{actions, tier};
use crate::model::bounds::{self, BLOCK_ACTIONS, MASK_ACTIONS, PII_TYPES};
use crate::model::content::{
    AutomatedReasoningPolicyConfig, ContextualGroundingPolicyConfig, PiiEntityConfig, RegexConfig,
    SensitiveInformationPolicyConfig,
};

/// Names people use for kinds of personal data that AWS spells otherwise.
const PII_NICKNAMES: &[(&str, &str)] = &[
    ("SSN", "US_SOCIAL_SECURITY_NUMBER"),
    ("SOCIAL_SECURITY_NUMBER", "US_SOCIAL_SECURITY_NUMBER"),
    ("CREDIT_CARD", "CREDIT_DEBIT_CARD_NUMBER"),
    ("CREDIT_CARD_NUMBER", "CREDIT_DEBIT_CARD_NUMBER"),
    ("CVV", "CREDIT_DEBIT_CARD_CVV"),
    ("IBAN", "INTERNATIONAL_BANK_ACCOUNT_NUMBER"),
    ("PHONE_NUMBER", "PHONE"),
    ("EMAIL_ADDRESS", "EMAIL"),
    ("IP", "IP_ADDRESS"),
    ("VIN", "VEHICLE_IDENTIFICATION_NUMBER"),
    ("DRIVERS_LICENSE", "DRIVER_ID"),
    ("PASSPORT", "US_PASSPORT_NUMBER"),
    ("ITIN", "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER"),
];

/// `sensitiveInformationPolicyConfig`.
pub(super) fn information(
    report: &mut Report,
    path: &FieldPath,
    policy: &SensitiveInformationPolicyConfig,
) {
    let (entities, regexes) = (path.field("piiEntitiesConfig"), path.field("regexesConfig"));
    if policy.pii_entities_config.is_none() && policy.regexes_config.is_none() {
        if !report.lost(path) {
            let message = "has neither entities nor regexes; add for example `piiEntitiesConfig: \
                           [{type: EMAIL, action: ANONYMIZE}]`";
            report.error(path, message);
        }
        return;
    }
    size(report, &entities, policy.pii_entities_config.as_ref(), bounds::PII_ENTITIES);
    let list = || policy.pii_entities_config.iter().flatten();
    unique(report, &entities, "type", list().map(|it| it.r#type.as_ref()));
    for (index, item) in list().enumerate() {
        entity(report, &entities.index(index), item);
    }
    // AWS's model and its quota table disagree (`aws-facts` 8.1), so only the larger number is an
    // error.
    size(report, &regexes, policy.regexes_config.as_ref(), bounds::REGEXES);
    let count = policy.regexes_config.as_ref().map_or(0, Vec::len);
    let sure = bounds::REGEXES_SURE;
    if (sure + 1..=bounds::REGEXES.1).contains(&count) {
        let message =
            format!("has {count} regexes; AWS may admit only {sure}, and would then refuse all");
        report.warning(&regexes, message);
    }
    let list = || policy.regexes_config.iter().flatten();
    unique(report, &regexes, "name", list().map(|it| it.name.as_ref()));
    for (index, item) in list().enumerate() {
        regex(report, &regexes.index(index), item);
    }
}

fn entity(report: &mut Report, path: &FieldPath, entity: &PiiEntityConfig) {
    let field = path.field("type");
    match &entity.r#type {
        None => report.missing(&field, "type: EMAIL"),
        Some(kind) if !PII_TYPES.contains(&kind.as_str()) => {
            let upper = kind.to_uppercase();
            let nickname = PII_NICKNAMES.iter().find(|(nickname, _)| *nickname == upper);
            let meant = nickname.map(|(_, name)| *name);
            let message = match meant.or_else(|| nearest(kind, PII_TYPES.iter().copied())) {
                Some(meant) => {
                    format!("`{kind}` is not a kind of personal data; write `{meant}`")
                }
                None => format!(
                    "`{kind}` is not a kind of personal data that AWS knows; write one of {}, or \
                     describe it in `regexesConfig`",
                    PII_TYPES.join(", ")
                ),
            };
            report.error(&field, message);
        }
        Some(_) => {}
    }
    let action = path.field("action");
    required_word(report, &action, entity.action.as_ref(), MASK_ACTIONS, "action: ANONYMIZE");
    let directions = [entity.input_action.as_ref(), entity.output_action.as_ref()];
    actions(report, path, directions, MASK_ACTIONS);
}

fn regex(report: &mut Report, path: &FieldPath, regex: &RegexConfig) {
    let name = path.field("name");
    required_text(report, &name, regex.name.as_ref(), bounds::REGEX_NAME, "name: employee-number");
    text(report, &path.field("description"), regex.description.as_ref(), bounds::REGEX_DESCRIPTION);
    let pattern = path.field("pattern");
    required_text(
        report,
        &pattern,
        regex.pattern.as_ref(),
        bounds::REGEX_PATTERN,
        "pattern: \"E-[0-9]{6}\"",
    );
    if let Some(text) = &regex.pattern {
        self::pattern(report, &pattern, text);
    }
    let action = path.field("action");
    required_word(report, &action, regex.action.as_ref(), MASK_ACTIONS, "action: ANONYMIZE");
    let directions = [regex.input_action.as_ref(), regex.output_action.as_ref()];
    actions(report, path, directions, MASK_ACTIONS);
}

/// A regular expression without look-around that can be parsed.
fn pattern(report: &mut Report, path: &FieldPath, pattern: &str) {
    let looks = ["(?=", "(?!", "(?<=", "(?<!"];
    if let Some(look) = looks.into_iter().find(|look| has_group(pattern, look)) {
        let message = format!(
            "`{look}` looks around, which AWS refuses; match the text itself, for example with word \
             boundaries: `\\bE-[0-9]{{6}}\\b`"
        );
        report.error(path, message);
    } else if let Err(error) = regex::Regex::new(pattern) {
        // The last line of the error says what is wrong, those before draw it.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        report.error(path, format!("`{pattern}` is not a regular expression: {reason}"));
    }
}

/// Whether a group starts so, outside of escapes and of character classes.
fn has_group(pattern: &str, start: &str) -> bool {
    let (mut escaped, mut in_class) = (false, false);
    pattern.char_indices().any(|(at, c)| {
        let is_literal = std::mem::take(&mut escaped);
        match c {
            '\\' if !is_literal => escaped = true,
            '[' if !is_literal => in_class = true,
            ']' if !is_literal => in_class = false,
            _ => {}
        }
        !is_literal && !in_class && pattern.get(at..).is_some_and(|rest| rest.starts_with(start))
    })
}

/// `contextualGroundingPolicyConfig`.
pub(super) fn grounding(
    report: &mut Report,
    path: &FieldPath,
    policy: &ContextualGroundingPolicyConfig,
) {
    tier(report, path, policy.tier_config.as_ref());
    let list = path.field("filtersConfig");
    let Some(filters) = &policy.filters_config else {
        report.missing(&list, "filtersConfig: [{type: GROUNDING, threshold: 0.7}]");
        return;
    };
    size(report, &list, Some(filters), bounds::GROUNDING_FILTERS);
    unique(report, &list, "type", filters.iter().map(|it| it.r#type.as_ref()));
    for (index, filter) in filters.iter().enumerate() {
        let path = list.index(index);
        let (kind, words) = (filter.r#type.as_ref(), bounds::GROUNDING_TYPES);
        required_word(report, &path.field("type"), kind, words, "type: GROUNDING");
        let threshold = path.field("threshold");
        match filter.threshold {
            None => report.missing(&threshold, "threshold: 0.7"),
            Some(value) if !(0.0..=bounds::GROUNDING_THRESHOLD_MAX).contains(&value) => {
                let max = bounds::GROUNDING_THRESHOLD_MAX;
                let message = format!("`{value}` is not from 0 to {max}; write for example 0.7");
                report.error(&threshold, message);
            }
            Some(_) => {}
        }
        word(report, &path.field("action"), filter.action.as_ref(), BLOCK_ACTIONS);
    }
}

/// `automatedReasoningPolicyConfig`.
pub(super) fn reasoning(
    report: &mut Report,
    path: &FieldPath,
    policy: &AutomatedReasoningPolicyConfig,
) {
    let list = path.field("policies");
    if policy.policies.is_none() {
        let example = "policies: [\"arn:aws:bedrock:us-east-1:111122223333:\
                       automated-reasoning-policy/abcdefghij12:1\"]";
        report.missing(&list, example);
    }
    size(report, &list, policy.policies.as_ref(), bounds::REASONING_POLICIES);
    unique(report, &list, "", policy.policies.iter().flatten().map(Some));
    for (index, arn) in policy.policies.iter().flatten().enumerate() {
        if !is_reasoning_policy(arn) {
            let message = format!(
                "`{arn}` is not the ARN of an automated reasoning policy such as \
                 arn:aws:bedrock:us-east-1:111122223333:automated-reasoning-policy/abcdefghij12:1"
            );
            report.error(&list.index(index), message);
        }
    }
    if let Some(value) = policy.confidence_threshold
        && !(0.0..=1.0).contains(&value)
    {
        let message = format!("`{value}` is not from 0 to 1; write for example 0.9");
        report.error(&path.field("confidenceThreshold"), message);
    }
}

fn is_reasoning_policy(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "bedrock", region, account, resource] = parts.as_slice() else {
        return false;
    };
    let Some(policy) = resource.strip_prefix("automated-reasoning-policy/") else { return false };
    let (id, version) = policy.split_once(':').unwrap_or((policy, "1"));
    (*partition == "aws" || partition.starts_with("aws-"))
        && region.parse::<crate::model::Region>().is_ok()
        && account.parse::<crate::model::AccountId>().is_ok()
        && id.len() == 12
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        && version.len() <= 12
        && !version.starts_with('0')
        && !version.is_empty()
        && version.chars().all(|c| c.is_ascii_digit())
}
