//! Tells other keys what they may reference.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    EnforcementKey, GuardrailStatus, Name, ObservedReplica, OwnerId, Read, ReplicaFact,
};
use crate::plan::ownership::{GUARDRAIL_TAG, OWNER_TAG, Ownership, ownership};

/// What other plans may rely on: `None` unless the guardrail is ours, is the one of this name, and
/// its resource policy was read. Only READY versions whose content was read back are in it.
pub fn replica_fact(
    observed: &ObservedReplica,
    owner: &OwnerId,
    name: &Name,
) -> Option<ReplicaFact> {
    let (live, _) = observed.guardrail.known()?;
    let ours = ownership(live.tags.get(OWNER_TAG).map(String::as_str), owner) == Ownership::Ours;
    let named = live.tags.get(GUARDRAIL_TAG).is_some_and(|tag| tag == name.as_str());
    let going = live.status == GuardrailStatus::Deleting;
    if !ours || !named || going || live.policy.unread().is_some() {
        return None;
    }
    let mut fact = ReplicaFact {
        arn: live.arn.clone(),
        versions: BTreeMap::new(),
        revisions: BTreeMap::new(),
        policy: live.policy.known().map(|(policy, _)| policy.clone()),
        not_enforceable: BTreeSet::new(),
        enforcements: live
            .tags
            .iter()
            .filter_map(|(tag, value)| Some((EnforcementKey::of_tag(tag)?, value.parse().ok())))
            .collect(),
    };
    // In order of the numbers, so that the highest stays.
    for (number, version) in &live.versions {
        let Read::Known(content) = &version.content else { continue };
        if version.status != GuardrailStatus::Ready {
            continue;
        }
        fact.versions.insert(content.replica_revision(), *number);
        fact.revisions.insert(content.revision(), *number);
        if content.shared.automated_reasoning_policy_config.is_some() {
            fact.not_enforceable.insert(*number);
        }
    }
    Some(fact)
}
