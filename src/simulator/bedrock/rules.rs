//! What the service demands of a guardrail beyond the shapes of its model.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value};

use super::super::call::Failure;
use super::content::Content;
use super::failure::{quota, validation};
use super::profiles;
use super::reference::{Place, key_arn};

/// The service model's maximum; the table of quotas says 10, which nobody has confirmed.
const REGEXES_MAX: usize = 30;

/// Makes content of an accepted body, or says what is wrong with it.
pub(super) fn content(place: Place<'_>, body: Map<String, Value>) -> Result<Content, Failure> {
    let kms_key_arn = match body.get("kmsKeyId").and_then(Value::as_str) {
        Some(key) => Some(key_arn(&place, key)?),
        None => None,
    };
    let profile = match body
        .get("crossRegionConfig")
        .and_then(|config| config.get("guardrailProfileIdentifier"))
        .and_then(Value::as_str)
    {
        Some(identifier) => Some(profile(&place, identifier)?),
        None => None,
    };
    let content = Content { body, kms_key_arn, profile };
    check(&content)?;
    Ok(content)
}

/// The id of the profile that `identifier` names, if this place may use it.
fn profile(place: &Place<'_>, identifier: &str) -> Result<String, Failure> {
    let id = match identifier.strip_prefix(&place.arn("guardrail-profile/")) {
        Some(id) => id,
        None if identifier.starts_with("arn:") => {
            return Err(validation(format!(
                "The guardrail profile {identifier} does not belong to this account and Region"
            )));
        }
        None => identifier,
    };
    if !profiles::is_offered(id, place.region) {
        return Err(validation(format!(
            "The guardrail profile {id} is not available in {}",
            place.region
        )));
    }
    Ok(id.to_owned())
}

fn check(content: &Content) -> Result<(), Failure> {
    if !content.has_any_policy() {
        return Err(validation("The guardrail must contain at least one policy"));
    }
    check_filters(content)?;
    check_topics(content)?;
    check_words(content)?;
    check_sensitive(content)?;
    check_grounding(content)?;
    if content.profile.is_none() {
        if content.is_standard() {
            return Err(validation("The STANDARD tier requires a cross-Region configuration"));
        }
        if content.has_automated_reasoning() {
            return Err(validation(
                "Automated reasoning policies require a cross-Region configuration",
            ));
        }
    }
    Ok(())
}

fn check_filters(content: &Content) -> Result<(), Failure> {
    let filters = content.rules("contentPolicyConfig", "filtersConfig");
    distinct(filters, "type", "content filter")?;
    let attack = filters.iter().find(|filter| text(filter, "type") == "PROMPT_ATTACK");
    match attack {
        Some(filter) if text(filter, "outputStrength") != "NONE" => Err(validation(
            "The outputStrength of the PROMPT_ATTACK filter must be NONE: it applies to input only",
        )),
        Some(_) | None => Ok(()),
    }
}

fn check_topics(content: &Content) -> Result<(), Failure> {
    let topics = content.rules("topicPolicyConfig", "topicsConfig");
    distinct(topics, "name", "topic")?;
    let definition_max =
        if content.tier("topicPolicyConfig") == Some("STANDARD") { 1000 } else { 200 };
    match topics.iter().position(|topic| text(topic, "definition").chars().count() > definition_max)
    {
        Some(index) => Err(validation(format!(
            "1 validation error detected: Value at \
             'topicPolicyConfig.topicsConfig.{}.member.definition' failed to satisfy constraint: \
             Member must have length less than or equal to {definition_max}",
            index + 1
        ))),
        None => Ok(()),
    }
}

fn check_words(content: &Content) -> Result<(), Failure> {
    let words = content.rules("wordPolicyConfig", "wordsConfig");
    match words.iter().find(|word| text(word, "text").split_whitespace().count() > 3) {
        Some(word) => Err(validation(format!(
            "The phrase '{}' has more than three words",
            text(word, "text")
        ))),
        None => Ok(()),
    }
}

fn check_sensitive(content: &Content) -> Result<(), Failure> {
    let policy = "sensitiveInformationPolicyConfig";
    distinct(content.rules(policy, "piiEntitiesConfig"), "type", "PII entity")?;
    let regexes = content.rules(policy, "regexesConfig");
    if regexes.len() > REGEXES_MAX {
        return Err(quota(format!(
            "A guardrail may have {REGEXES_MAX} regexes, not {}",
            regexes.len()
        )));
    }
    distinct(regexes, "name", "regex")?;
    for regex in regexes {
        let (name, pattern) = (text(regex, "name"), text(regex, "pattern"));
        if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|around| pattern.contains(around)) {
            return Err(validation(format!("The regex '{name}' uses look-around")));
        }
        if Regex::new(pattern).is_err() {
            return Err(validation(format!("The pattern of the regex '{name}' is invalid")));
        }
    }
    Ok(())
}

fn check_grounding(content: &Content) -> Result<(), Failure> {
    let filters = content.rules("contextualGroundingPolicyConfig", "filtersConfig");
    distinct(filters, "type", "contextual grounding filter")?;
    let is_too_high = |filter: &Value| {
        filter.get("threshold").and_then(Value::as_f64).is_some_and(|threshold| threshold > 0.99)
    };
    if filters.iter().any(is_too_high) {
        return Err(validation("The threshold of contextual grounding must be from 0 to 0.99"));
    }
    Ok(())
}

/// Refuses two elements with one natural key.
fn distinct(elements: &[Value], key: &str, what: &str) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for element in elements {
        if !seen.insert(text(element, key)) {
            return Err(validation(format!("Duplicate {what} '{}'", text(element, key))));
        }
    }
    Ok(())
}

fn text<'a>(element: &'a Value, member: &str) -> &'a str {
    element.get(member).and_then(Value::as_str).unwrap_or_default()
}
