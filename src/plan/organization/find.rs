//! Finds the policy of an enforcement among all.

use std::collections::BTreeMap;

use crate::model::{Name, ObservedPolicy, OwnerId, PolicyId, Read};

/// Whose a policy is that has the name or the tags of an enforcement.
pub(super) enum Whose {
    /// Ours, and of this enforcement.
    Ours,
    /// Nobody's: it carries no owner tag.
    Nobodys,
    /// Somebody's, or of something else of ours.
    Others(String),
}

/// The name of an enforcement's policy in AWS: at most 91 of 128 characters.
pub(super) fn policy_name(owner: &OwnerId, enforcement: &Name) -> String {
    format!("bedrail-{owner}-{enforcement}")
}

/// Finds by tags first, so that a policy renamed by hand stays ours, then by name. Of several with
/// our tags, the one with the name wins, then the lowest id. `policies` is a complete list, so what
/// is not in it is known to be absent.
pub(super) fn find<'a>(
    policies: &'a BTreeMap<PolicyId, ObservedPolicy>,
    enforcement: &Name,
    us: &OwnerId,
) -> Read<&'a ObservedPolicy> {
    let name = policy_name(us, enforcement);
    policies
        .values()
        .filter(|policy| is_ours(policy, enforcement, us))
        .min_by_key(|policy| (policy.name != name, &policy.id))
        .or_else(|| policies.values().find(|policy| policy.name == name))
        .map_or(Read::KnownAbsent, Read::Known)
}

/// Says whose the policy is that was found for `enforcement`.
pub(super) fn whose(policy: &ObservedPolicy, enforcement: &Name, us: &OwnerId) -> Whose {
    match &policy.owner {
        _ if is_ours(policy, enforcement, us) => Whose::Ours,
        None => Whose::Nobodys,
        Some(owner) if owner != us => Whose::Others(format!("`{owner}`")),
        Some(_) => Whose::Others("another enforcement of ours".to_owned()),
    }
}

fn is_ours(policy: &ObservedPolicy, enforcement: &Name, us: &OwnerId) -> bool {
    policy.owner.as_ref() == Some(us)
        && match &policy.enforcement {
            Some(tag) => tag == enforcement,
            None => policy.name == policy_name(us, enforcement),
        }
}
