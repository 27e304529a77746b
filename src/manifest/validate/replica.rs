//! What depends on the Region: key, guardrail profile, and the tiers that need one (`aws-facts`
//! 1.1, 1.8, 8.3).

use std::collections::BTreeSet;

use super::super::field_path::FieldPath;
use super::super::known::{PROFILES, profile_of};
use super::super::manifests::{CrossRegion, Guardrail, KmsKey};
use super::super::report::Report;
use super::content::is_standard;
use crate::model::content::CrossRegionConfig;
use crate::model::{AccountId, Content, ProfileId, Region};

/// A customer key that is to be used in all of `regions`.
pub(super) fn kms_key(
    report: &mut Report,
    path: &FieldPath,
    text: &str,
    regions: &BTreeSet<Region>,
) -> Option<KmsKey> {
    let message = match key(text) {
        Err(message) => message,
        Ok((KmsKey::Arn(arn), Some(of))) => match regions.iter().find(|it| **it != of) {
            None => return Some(KmsKey::Arn(arn)),
            Some(other) => format!(
                "`{text}` is a key of {of} and cannot be used in {other}; write each Region's own key: \
                 `regionOverrides: {{{other}: {{kmsKeyId: \"arn:aws:kms:{other}:…\"}}}}`"
            ),
        },
        Ok((KmsKey::Id(id), _)) if regions.len() > 1 && !id.starts_with("mrk-") => format!(
            "`{text}` is a key of one Region, and there are {}; write each Region's own in \
             `regionOverrides`, or the id of a multi-Region key (mrk-…)",
            regions.len()
        ),
        Ok((key, _)) => return Some(key),
    };
    report.error(path, message);
    None
}

/// A key and, from an ARN, its Region.
fn key(text: &str) -> Result<(KmsKey, Option<Region>), String> {
    let example = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    if text.starts_with("alias/") || text.contains(":alias/") {
        return Err(format!(
            "`{text}` is an alias, which somebody could point at another key without any change \
             here; write the key's ARN, such as {example}"
        ));
    }
    let is_id = |id: &str| {
        id.chars().count() == 36 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, "kms", region, account, resource] = parts.as_slice() {
        let is_key = resource.strip_prefix("key/").is_some_and(is_id)
            && (*partition == "aws" || partition.starts_with("aws-"))
            && account.parse::<AccountId>().is_ok();
        if let (true, Ok(region)) = (is_key, region.parse()) {
            return Ok((KmsKey::Arn(text.to_owned()), Some(region)));
        }
    }
    let id = text.strip_prefix("key/").unwrap_or(text);
    if is_id(id) {
        return Ok((KmsKey::Id(id.to_owned()), None));
    }
    Err(format!("`{text}` is neither the ARN nor the id of a key; write for example {example}"))
}

/// A guardrail profile that is to be used in all of `regions`.
pub(super) fn profile(
    report: &mut Report,
    path: &FieldPath,
    config: &CrossRegionConfig,
    regions: &BTreeSet<Region>,
) -> Option<ProfileId> {
    let path = path.field("guardrailProfileIdentifier");
    let Some(text) = &config.guardrail_profile_identifier else {
        report.missing(&path, "guardrailProfileIdentifier: us.guardrail.v1:0");
        return None;
    };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let (id, of) = match parts.as_slice() {
        ["arn", _, "bedrock", region, _, resource] => {
            (resource.strip_prefix("guardrail-profile/").unwrap_or(text), Some(*region))
        }
        _ => (text.as_str(), None),
    };
    let Ok(profile) = id.parse::<ProfileId>() else {
        report.error(&path, format!("`{text}` is not {}", ProfileId::EXPECTED));
        return None;
    };
    if let Some(other) = of.and_then(|of| regions.iter().find(|it| it.as_str() != of)) {
        let message = format!(
            "`{text}` is the ARN in one Region and cannot be used in {other}; write the id: `{id}`"
        );
        report.error(&path, message);
        return None;
    }
    let Some(known) = PROFILES.iter().find(|it| it.id == id) else {
        let message = format!(
            "`{id}` is not a guardrail profile this release knows; if it is new, this is no error"
        );
        report.warning(&path, message);
        return Some(profile);
    };
    let outside = |region: &&Region| {
        let is_placed = PROFILES.iter().any(|it| it.sources.contains(&region.as_str()));
        is_placed && !known.sources.contains(&region.as_str())
    };
    if let Some(region) = regions.iter().find(outside) {
        let right = profile_of(region.as_str()).unwrap_or_default();
        let message = format!(
            "`{id}` cannot be used from {region}; write `regionOverrides: {{{region}: \
             {{crossRegionConfig: {{guardrailProfileIdentifier: \"{right}\"}}}}}}`, or `crossRegion: \
             Auto` for the profile of each Region"
        );
        report.error(&path, message);
        return None;
    }
    Some(profile)
}

impl Guardrail {
    /// The guardrail profile of one Region: its own, else the shared one, else by geography.
    pub(in crate::manifest) fn profile_in(&self, region: &Region) -> Option<ProfileId> {
        let own = self.region_overrides.get(region).and_then(|it| it.profile.clone());
        let by_geography = || match self.cross_region {
            CrossRegion::None => None,
            CrossRegion::Auto => profile_of(region.as_str())?.parse().ok(),
        };
        own.or_else(|| self.profile.clone()).or_else(by_geography)
    }
}

/// Reports what needs a profile in Regions that have none.
pub(super) fn needs(report: &mut Report, guardrail: &Guardrail) {
    let without = guardrail.regions.iter().filter(|it| guardrail.profile_in(it).is_none());
    let (placed, unplaced): (Vec<&Region>, Vec<&Region>) =
        without.partition(|region| profile_of(region.as_str()).is_some());
    let (placed, unplaced) = (listed(&placed), listed(&unplaced));
    let content = FieldPath::of("spec.content");
    let needs = needs_profile(&guardrail.content);
    for (policy, what) in &needs {
        if !placed.is_empty() {
            let message = format!(
                "{what} needs a guardrail profile, and there is none in {placed}; write `crossRegion: \
                 Auto` in `spec`"
            );
            report.error(&content.field(policy), message);
        }
        if !unplaced.is_empty() {
            let message = format!(
                "{what} needs a guardrail profile, and none is known for {unplaced}; take it out of \
                 `regions`, or write its profile in `regionOverrides`"
            );
            report.error(&content.field(policy), message);
        }
    }
    if needs.is_empty() && guardrail.cross_region == CrossRegion::Auto && !unplaced.is_empty() {
        let message = format!(
            "no guardrail profile is known for {unplaced}, so there it does without; write one in \
             `regionOverrides` if there is one"
        );
        report.warning(&FieldPath::of("spec.crossRegion"), message);
    }
}

fn listed(regions: &[&Region]) -> String {
    regions.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}

/// The policies that need a profile, and why.
fn needs_profile(content: &Content) -> Vec<(&'static str, &'static str)> {
    let topics = content.topic_policy_config.as_ref().and_then(|it| it.tier_config.as_ref());
    let filters = content.content_policy_config.as_ref().and_then(|it| it.tier_config.as_ref());
    let grounding =
        content.contextual_grounding_policy_config.as_ref().and_then(|it| it.tier_config.as_ref());
    let has_reasoning = content.automated_reasoning_policy_config.is_some();
    let tier = "the STANDARD tier";
    [
        ("topicPolicyConfig", tier, is_standard(topics)),
        ("contentPolicyConfig", tier, is_standard(filters)),
        ("contextualGroundingPolicyConfig", tier, is_standard(grounding)),
        ("automatedReasoningPolicyConfig", "automated reasoning", has_reasoning),
    ]
    .into_iter()
    .filter(|(_, _, is_needed)| *is_needed)
    .map(|(policy, what, _)| (policy, what))
    .collect()
}
