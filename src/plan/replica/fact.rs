//! Tells other keys what they may reference.

use std::collections::{BTreeMap, BTreeSet};

use super::twins::chosen;
use crate::model::{
    EnforcementKey, GuardrailStatus, Name, ObservedReplica, OwnerId, Read, ReplicaFact,
    RolloutMarks,
};
use crate::plan::ownership::{GUARDRAIL_TAG, OWNER_TAG, Ownership, ownership};

/// What other plans may rely on: `None` unless the guardrail is ours and the one of this name, or
/// carries no owner and `adopts` says that its own visit takes it over, and its resource policy was
/// read. Only READY versions whose content was read back are in it.
pub fn replica_fact(
    observed: &ObservedReplica,
    owner: &OwnerId,
    name: &Name,
    adopts: bool,
) -> Option<ReplicaFact> {
    let (live, _) = observed.guardrail.known()?;
    let ours = match ownership(live.tags.get(OWNER_TAG).map(String::as_str), owner) {
        Ownership::Ours => live.tags.get(GUARDRAIL_TAG).is_some_and(|tag| tag == name.as_str()),
        Ownership::Nobodys => adopts,
        Ownership::Others(_) => false,
    };
    let going = live.status == GuardrailStatus::Deleting;
    if !ours || going || live.policy.unread().is_some() {
        return None;
    }
    let mut fact = ReplicaFact {
        arn: live.arn.clone(),
        versions: BTreeMap::new(),
        revisions: BTreeMap::new(),
        policy: live.policy.known().map(|(policy, _)| policy.clone()),
        not_enforceable: BTreeSet::new(),
        profiles: BTreeMap::new(),
        enforcements: live
            .tags
            .iter()
            .filter_map(|(tag, value)| Some((EnforcementKey::of_tag(tag)?, value.parse().ok())))
            .collect(),
        rollouts: RolloutMarks::of_tags(&live.tags),
    };
    let mut chosen: Vec<_> = chosen(&live.versions).into_iter().collect();
    // Of contents that differ by Region alone, the latest stays.
    chosen.sort_by_key(|(_, version)| version.version);
    for (replica_revision, version) in chosen {
        let Read::Known(content) = &version.content else { continue };
        fact.versions.insert(replica_revision, version.version);
        fact.revisions.insert(content.revision(), version.version);
    }
    for (number, version) in &live.versions {
        let Read::Known(content) = &version.content else { continue };
        if version.status != GuardrailStatus::Ready {
            continue;
        }
        if let Some(profile) = &content.profile {
            fact.profiles.insert(*number, profile.clone());
        }
        if content.shared.automated_reasoning_policy_config.is_some() {
            fact.not_enforceable.insert(*number);
        }
    }
    Some(fact)
}
