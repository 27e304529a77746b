//! One canonical form for what is desired and what is live, and the hashes made of it.
//!
//! AWS echoes server defaults or not, keeps the order of lists or not (`aws-facts` 1.9). Both
//! sides go through [`canonical`], which leaves defaults out and sorts lists by natural key, so
//! that equal guardrails are equal values.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::content::{
    Content, ContentFilterConfig, ContentPolicyConfig, ContextualGroundingFilterConfig,
    ContextualGroundingPolicyConfig, ManagedWordListConfig, PiiEntityConfig, RegexConfig,
    SensitiveInformationPolicyConfig, TierConfig, TopicConfig, TopicPolicyConfig, WordConfig,
    WordPolicyConfig,
};
use super::ids::ProfileId;

/// The scheme of the hashes; a change to the canonical form needs a new one.
pub const SCHEME: &str = "r1";

/// Hexadecimal digits kept of each hash: 128 bits, so that two of them and the scheme fit the 200
/// characters of a version's description.
const DIGITS: usize = 32;

/// Declares a hash newtype.
macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// All 32 hexadecimal digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first eight digits, for people.
            pub fn short(&self) -> &str {
                self.0.get(..8).unwrap_or(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAHash;

            fn from_str(text: &str) -> Result<Self, NotAHash> {
                let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                if text.len() == DIGITS && text.chars().all(lower_hex) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NotAHash)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a revision is 32 hexadecimal digits")]
pub struct NotAHash;

hash!(
    /// Names one state of a guardrail's shared content, the same in every Region.
    Revision
);
hash!(
    /// Names what one Region's version must contain: revision, guardrail profile and key.
    ReplicaRevision
);

/// The canonical content of one replica, taken apart into what is shared and what is the Region's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaContent {
    /// Canonical; without description, profile and key.
    pub shared: Content,
    /// Of DRAFT only; not part of any hash, since AWS may show a version's own here.
    pub description: Option<String>,
    /// The guardrail profile.
    pub profile: Option<ProfileId>,
    /// ARN of the customer key.
    pub kms_key_arn: Option<String>,
}

impl ReplicaContent {
    /// The name of the shared content.
    pub fn revision(&self) -> Revision {
        Revision(digest(&[&canonical_json(&self.shared)]))
    }

    /// The name of this replica's content.
    pub fn replica_revision(&self) -> ReplicaRevision {
        ReplicaRevision(digest(&[
            self.revision().as_str(),
            self.profile.as_ref().map_or("-", ProfileId::as_str),
            self.kms_key_arn.as_deref().unwrap_or("-"),
        ]))
    }

    /// Whether a version with this content is a version of `desired`: all but the description.
    pub fn is_version_of(&self, desired: &Self) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::FieldForgotten) {
            return self.replica_revision() == desired.replica_revision();
        }
        self.shared == desired.shared
            && self.profile == desired.profile
            && self.kms_key_arn == desired.kms_key_arn
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(SCHEME);
    for part in parts {
        hasher.update([0]);
        hasher.update(part);
    }
    let mut text = hex::encode(hasher.finalize());
    text.truncate(DIGITS);
    text
}

/// Compact JSON with sorted keys.
fn canonical_json(content: &Content) -> String {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::FieldForgotten) {
        let mut value = serde_json::to_value(content).unwrap_or_default();
        if let Some(members) = value.as_object_mut() {
            members.remove("blockedOutputsMessaging");
        }
        return value.to_string();
    }
    serde_json::to_value(content).map(|value| value.to_string()).unwrap_or_default()
}

/// Brings shared content to its canonical form: defaults left out, lists sorted by natural key,
/// empty lists and policies dropped, description, profile and key removed.
#[must_use]
pub fn canonical(content: Content) -> Content {
    Content {
        description: None,
        cross_region_config: None,
        kms_key_id: None,
        blocked_input_messaging: content.blocked_input_messaging,
        blocked_outputs_messaging: content.blocked_outputs_messaging,
        topic_policy_config: content.topic_policy_config.and_then(topics),
        content_policy_config: content.content_policy_config.and_then(filters),
        word_policy_config: content.word_policy_config.and_then(words),
        sensitive_information_policy_config: content
            .sensitive_information_policy_config
            .and_then(sensitive),
        contextual_grounding_policy_config: content
            .contextual_grounding_policy_config
            .and_then(grounding),
        automated_reasoning_policy_config: content.automated_reasoning_policy_config.and_then(
            |mut policy| {
                policy.policies = policy.policies.map(sorted).filter(|list| !list.is_empty());
                policy.confidence_threshold = policy.confidence_threshold.map(rounded);
                policy.policies.is_some().then_some(policy)
            },
        ),
    }
}

fn topics(policy: TopicPolicyConfig) -> Option<TopicPolicyConfig> {
    let topics = keyed(
        policy.topics_config,
        |topic: &TopicConfig| topic.name.clone(),
        |topic| TopicConfig {
            examples: topic.examples.map(sorted).filter(|list| !list.is_empty()),
            r#type: topic.r#type.or_else(|| Some("DENY".to_owned())),
            input_action: not_default(topic.input_action, "BLOCK"),
            output_action: not_default(topic.output_action, "BLOCK"),
            input_enabled: topic.input_enabled.filter(|enabled| !enabled),
            output_enabled: topic.output_enabled.filter(|enabled| !enabled),
            ..topic
        },
    )?;
    Some(TopicPolicyConfig { topics_config: Some(topics), tier_config: tier(policy.tier_config) })
}

fn filters(policy: ContentPolicyConfig) -> Option<ContentPolicyConfig> {
    let key = |filter: &ContentFilterConfig| filter.r#type.clone();
    let filters = keyed(policy.filters_config, key, |filter| ContentFilterConfig {
        input_modalities: modalities(filter.input_modalities),
        output_modalities: modalities(filter.output_modalities),
        input_action: not_default(filter.input_action, "BLOCK"),
        output_action: not_default(filter.output_action, "BLOCK"),
        input_enabled: filter.input_enabled.filter(|enabled| !enabled),
        output_enabled: filter.output_enabled.filter(|enabled| !enabled),
        ..filter
    })?;
    let tier_config = tier(policy.tier_config);
    Some(ContentPolicyConfig { filters_config: Some(filters), tier_config })
}

fn words(policy: WordPolicyConfig) -> Option<WordPolicyConfig> {
    let words = keyed(
        policy.words_config,
        |word: &WordConfig| word.text.clone(),
        |word| WordConfig {
            input_action: not_default(word.input_action, "BLOCK"),
            output_action: not_default(word.output_action, "BLOCK"),
            input_enabled: word.input_enabled.filter(|enabled| !enabled),
            output_enabled: word.output_enabled.filter(|enabled| !enabled),
            ..word
        },
    );
    let key = |list: &ManagedWordListConfig| list.r#type.clone();
    let lists = keyed(policy.managed_word_lists_config, key, |list| ManagedWordListConfig {
        input_action: not_default(list.input_action, "BLOCK"),
        output_action: not_default(list.output_action, "BLOCK"),
        input_enabled: list.input_enabled.filter(|enabled| !enabled),
        output_enabled: list.output_enabled.filter(|enabled| !enabled),
        ..list
    });
    (words.is_some() || lists.is_some())
        .then_some(WordPolicyConfig { words_config: words, managed_word_lists_config: lists })
}

fn sensitive(policy: SensitiveInformationPolicyConfig) -> Option<SensitiveInformationPolicyConfig> {
    let key = |entity: &PiiEntityConfig| entity.r#type.clone();
    let entities = keyed(policy.pii_entities_config, key, |entity| PiiEntityConfig {
        input_action: entity.input_action.filter(|it| Some(it) != entity.action.as_ref()),
        output_action: entity.output_action.filter(|it| Some(it) != entity.action.as_ref()),
        input_enabled: entity.input_enabled.filter(|enabled| !enabled),
        output_enabled: entity.output_enabled.filter(|enabled| !enabled),
        ..entity
    });
    let regexes = keyed(
        policy.regexes_config,
        |regex: &RegexConfig| regex.name.clone(),
        |regex| RegexConfig {
            description: regex.description.filter(|text| !text.is_empty()),
            input_action: regex.input_action.filter(|it| Some(it) != regex.action.as_ref()),
            output_action: regex.output_action.filter(|it| Some(it) != regex.action.as_ref()),
            input_enabled: regex.input_enabled.filter(|enabled| !enabled),
            output_enabled: regex.output_enabled.filter(|enabled| !enabled),
            ..regex
        },
    );
    (entities.is_some() || regexes.is_some()).then_some(SensitiveInformationPolicyConfig {
        pii_entities_config: entities,
        regexes_config: regexes,
    })
}

fn grounding(policy: ContextualGroundingPolicyConfig) -> Option<ContextualGroundingPolicyConfig> {
    let key = |filter: &ContextualGroundingFilterConfig| filter.r#type.clone();
    let filters = keyed(policy.filters_config, key, |filter| ContextualGroundingFilterConfig {
        threshold: filter.threshold.map(rounded),
        action: not_default(filter.action, "BLOCK"),
        enabled: filter.enabled.filter(|enabled| !enabled),
        ..filter
    })?;
    let tier_config = tier(policy.tier_config);
    Some(ContextualGroundingPolicyConfig { filters_config: Some(filters), tier_config })
}

/// Normalises each item, sorts by natural key, turns an empty list into an absent one.
fn keyed<T>(
    list: Option<Vec<T>>,
    key: impl Fn(&T) -> Option<String>,
    normalise: impl Fn(T) -> T,
) -> Option<Vec<T>> {
    let mut list: Vec<T> = list?.into_iter().map(normalise).collect();
    list.sort_by_cached_key(|item| key(item));
    (!list.is_empty()).then_some(list)
}

fn not_default(value: Option<String>, default: &str) -> Option<String> {
    value.filter(|value| value != default)
}

fn tier(tier: Option<TierConfig>) -> Option<TierConfig> {
    tier.filter(|tier| tier.tier_name.as_deref().is_some_and(|name| name != "CLASSIC"))
}

/// Text only is what a filter without modalities covers.
fn modalities(list: Option<Vec<String>>) -> Option<Vec<String>> {
    list.map(sorted).filter(|list| !list.is_empty() && list.as_slice() != ["TEXT"])
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

/// Six decimals: a threshold is compared with a tolerance, since it travels as a double. Zero has
/// no sign: equal content must have one hash.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(yaml: &str) -> Content {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn server_defaults_and_order_do_not_change_the_revision() {
        let sent = content(
            "{blockedInputMessaging: a, blockedOutputsMessaging: b,
              contentPolicyConfig: {filtersConfig: [
                {type: HATE, inputStrength: HIGH, outputStrength: HIGH},
                {type: VIOLENCE, inputStrength: LOW, outputStrength: LOW, inputModalities: [TEXT, IMAGE]}]},
              sensitiveInformationPolicyConfig: {piiEntitiesConfig: [{type: EMAIL, action: ANONYMIZE}]}}",
        );
        let echoed = content(
            "{blockedInputMessaging: a, blockedOutputsMessaging: b, description: x,
              contentPolicyConfig: {tierConfig: {tierName: CLASSIC}, filtersConfig: [
                {type: VIOLENCE, inputStrength: LOW, outputStrength: LOW, inputModalities: [IMAGE, TEXT],
                 outputModalities: [TEXT], inputAction: BLOCK, outputEnabled: true},
                {type: HATE, inputStrength: HIGH, outputStrength: HIGH, inputEnabled: true}]},
              wordPolicyConfig: {wordsConfig: [], managedWordListsConfig: []},
              sensitiveInformationPolicyConfig: {regexesConfig: [], piiEntitiesConfig: [
                {type: EMAIL, action: ANONYMIZE, inputAction: ANONYMIZE, outputEnabled: true}]}}",
        );
        assert_eq!(canonical(sent), canonical(echoed));
    }

    #[test]
    fn a_disabled_filter_or_another_action_is_a_difference() {
        let base = "type: EMAIL, action: BLOCK";
        let all = ["", ", inputEnabled: false", ", outputAction: NONE", ", inputAction: ANONYMIZE"];
        let revisions: std::collections::BTreeSet<_> = all
            .iter()
            .map(|extra| {
                let yaml = format!(
                    "{{sensitiveInformationPolicyConfig: {{piiEntitiesConfig: [{{{base}{extra}}}]}}}}"
                );
                let shared = canonical(content(&yaml));
                ReplicaContent { shared, ..ReplicaContent::default() }.revision()
            })
            .collect();
        assert_eq!(revisions.len(), all.len());
    }

    /// A change of these hashes republishes every fleet: it needs a new scheme and a migration.
    #[test]
    fn the_hashes_of_scheme_r1_never_change() {
        let shared = canonical(content(
            "{blockedInputMessaging: no, blockedOutputsMessaging: no,
              contextualGroundingPolicyConfig: {filtersConfig: [{type: GROUNDING, threshold: 0.7}]}}",
        ));
        let mut replica = ReplicaContent { shared, ..ReplicaContent::default() };
        let plain = (replica.revision(), replica.replica_revision());
        replica.profile = Some("us.guardrail.v1:0".parse().unwrap());
        assert_eq!(replica.revision(), plain.0);
        assert_ne!(replica.replica_revision(), plain.1);
        assert_eq!(plain.0.as_str(), "244ec1eae98c2dc4770cb6023e0e88f4");
        assert_eq!(plain.1.as_str(), "2e279756acee172a0ac99e0f79863bd8");
    }
}
