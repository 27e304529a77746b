//! Guardrails to replicas: one for every account it is placed in and every Region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::known::destinations;
use super::super::manifests::{Guardrail, KmsKey, Placement, ShareWith};
use super::refusal;
use super::select::Tree;
use crate::model::{
    AccountId, AccountState, Desired, DesiredReplica, History, Presence, ProfileId, ProfileKey,
    Region, ReplicaContent, ReplicaKey, ReplicaRevision, Revision, Share, canonical,
};

/// Adds the replicas of one guardrail, of which enforcements pin these revisions, or says why not.
pub(super) fn place(
    guardrail: &Guardrail,
    pinned: BTreeSet<Revision>,
    tree: &Tree<'_>,
    desired: &mut Desired,
) {
    let history = History {
        limit: usize::try_from(guardrail.revision_history_limit).unwrap_or(usize::MAX),
        versions: guardrail.keep_versions.clone(),
        revisions: pinned,
    };
    let share = share(guardrail, tree, desired);
    let accounts = accounts(guardrail, tree, desired);
    let Some(share) = share else { return };
    let shared = canonical(guardrail.content.clone());
    let content = ReplicaContent {
        shared,
        description: guardrail.content.description.clone(),
        profile: None,
        kms_key_arn: None,
    };
    let revision = content.revision();
    // Most replicas differ in neither profile nor key, and the content may be large.
    let mut revisions: BTreeMap<(Option<ProfileId>, Option<String>), ReplicaRevision> =
        BTreeMap::new();
    for account in &accounts {
        for region in &guardrail.regions {
            let content = ReplicaContent {
                profile: guardrail.profile_in(region),
                kms_key_arn: key_arn(guardrail, tree, account, region),
                ..content.clone()
            };
            let place = (content.profile.clone(), content.kms_key_arn.clone());
            let replica_revision =
                revisions.entry(place).or_insert_with(|| content.replica_revision()).clone();
            if guardrail.state == Presence::Present {
                share_profile((content.profile.as_ref(), region), account, &share, desired);
            }
            let key = ReplicaKey {
                guardrail: guardrail.name.clone(),
                account: account.clone(),
                region: region.clone(),
            };
            let replica = DesiredReplica {
                state: guardrail.state,
                name: guardrail.aws_name.clone(),
                content,
                revision: revision.clone(),
                replica_revision,
                share: share.clone(),
                tags: guardrail.tags.clone(),
                adopt: guardrail.adopt,
                history: history.clone(),
                on_draft: guardrail.on_draft,
                tests: Arc::clone(&guardrail.tests),
            };
            desired.replicas.insert(key, replica);
        }
    }
}

/// Adds what this guardrail needs of its profile, in every Region the profile reaches.
fn share_profile(
    (profile, source): (Option<&ProfileId>, &Region),
    account: &AccountId,
    share: &Share,
    desired: &mut Desired,
) {
    let Some(profile) = profile else { return };
    if *share == Share::None {
        return;
    }
    let regions = destinations(profile.as_str(), source.as_str())
        .into_iter()
        .filter_map(|it| it.parse().ok());
    for region in regions {
        let key = ProfileKey { account: account.clone(), region, profile: profile.clone() };
        let wider = match (desired.profiles.remove(&key), share.clone()) {
            (None | Some(Share::None), share) => share,
            (Some(Share::Organization), _) | (_, Share::Organization) => Share::Organization,
            (Some(share), Share::None) => share,
            (Some(Share::Units(mut units)), Share::Units(more)) => {
                units.extend(more);
                Share::Units(units)
            }
        };
        desired.profiles.insert(key, wider);
    }
}

/// Whom it is shared with; `None` when a unit is not there. Sharing with the others alone would
/// take the guardrail away from accounts that may still stand under another name.
fn share(guardrail: &Guardrail, tree: &Tree<'_>, desired: &mut Desired) -> Option<Share> {
    let selectors = match &guardrail.share_with {
        ShareWith::None => return Some(Share::None),
        ShareWith::Organization => return Some(Share::Organization),
        ShareWith::Units(selectors) => selectors,
    };
    let mut units = BTreeSet::new();
    let mut is_complete = true;
    for (index, selector) in selectors.iter().enumerate() {
        match tree.unit(selector) {
            Ok(unit) => {
                units.insert(unit);
            }
            Err(message) => {
                is_complete = false;
                let field = format!("spec.shareWith[{index}]");
                desired.refusals.insert(refusal("Guardrail", &guardrail.name, &field, message));
            }
        }
    }
    is_complete.then_some(Share::Units(units))
}

fn accounts(guardrail: &Guardrail, tree: &Tree<'_>, desired: &mut Desired) -> BTreeSet<AccountId> {
    let selectors = match &guardrail.placement {
        Placement::Management => return BTreeSet::from([tree.fleet.management.clone()]),
        Placement::Selected(selectors) => selectors,
    };
    let mut accounts = BTreeSet::new();
    for (index, selector) in selectors.iter().enumerate() {
        let found = match tree.accounts(selector) {
            Ok(found) => found,
            Err(message) => {
                let field = format!("spec.accounts[{index}]");
                desired.refusals.insert(refusal("Guardrail", &guardrail.name, &field, message));
                continue;
            }
        };
        for account in found {
            if account.state == AccountState::Active {
                accounts.insert(account.id.clone());
            } else {
                desired.unreachable.insert(account.id.clone(), account.state.to_string());
            }
        }
    }
    accounts
}

/// The key's ARN: an id means a key of the replica's own account and Region.
fn key_arn(
    guardrail: &Guardrail,
    tree: &Tree<'_>,
    account: &AccountId,
    region: &Region,
) -> Option<String> {
    let own = guardrail.region_overrides.get(region).and_then(|it| it.kms_key.as_ref());
    Some(match own.or(guardrail.kms_key.as_ref())? {
        KmsKey::Arn(arn) => arn.clone(),
        KmsKey::Id(id) => {
            format!("arn:{}:kms:{region}:{account}:key/{id}", tree.fleet.partition)
        }
    })
}
