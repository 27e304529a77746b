//! Organization enforcements to attachments.

use std::collections::BTreeSet;

use super::super::manifests::{Manifests, OrganizationEnforcement, Placement};
use super::select::Tree;
use super::{refusal, some_of};
use crate::model::{
    AccountId, Desired, DesiredOrganizationEnforcement, Presence, ReplicaKey, Share,
};

const KIND: &str = "OrganizationEnforcement";

/// Adds one organization enforcement, or says why not. It is added as a whole or not at all: with a
/// target left out it would read as if the text had given the target up.
pub(super) fn attach(
    manifest: &OrganizationEnforcement,
    manifests: &Manifests,
    tree: &Tree<'_>,
    desired: &mut Desired,
) {
    let OrganizationEnforcement { enforcement, policy_name, allow_override, adopt } = manifest;
    let mut targets = BTreeSet::new();
    let mut refusals = Vec::new();
    for (index, selector) in enforcement.targets.iter().enumerate() {
        let field = format!("spec.targets[{index}]");
        match tree.targets(selector) {
            Ok(found) => {
                let accounts = found.iter().flat_map(|target| tree.under(target));
                let ids: Vec<&AccountId> = accounts.map(|account| &account.id).collect();
                if let Some(message) = not_shared(manifest, manifests, tree, desired, &ids) {
                    refusals.push(refusal(KIND, &enforcement.name, &field, message));
                }
                targets.extend(found);
            }
            Err(message) => {
                refusals.push(refusal(KIND, &enforcement.name, &field, message));
            }
        }
    }
    // To take something away, what is left of the selection is enough to go by.
    if !refusals.is_empty() && enforcement.state == Presence::Present {
        desired.refusals.extend(refusals);
        return;
    }
    let entry = DesiredOrganizationEnforcement {
        state: enforcement.state,
        guardrail: enforcement.guardrail.clone(),
        regions: enforcement.regions.clone(),
        settings: enforcement.settings.clone(),
        allow_override: *allow_override,
        policy_name: policy_name.clone(),
        targets,
        adopt: *adopt,
        preflight: enforcement.preflight.clone(),
    };
    desired.organization.insert(enforcement.name.clone(), entry);
}

/// Why the accounts could not apply the guardrail: an attachment reaches all of them, and those that
/// may not apply it lose every call.
fn not_shared(
    manifest: &OrganizationEnforcement,
    manifests: &Manifests,
    tree: &Tree<'_>,
    desired: &Desired,
    accounts: &[&AccountId],
) -> Option<String> {
    let enforcement = &manifest.enforcement;
    let name = &enforcement.guardrail.name;
    if enforcement.state == Presence::Absent {
        return None;
    }
    let placed = manifests.guardrails.get(name).map(|it| &it.placement);
    let replica = enforcement.regions.first().and_then(|region| {
        let account = tree.fleet.management.clone();
        desired.replicas.get(&ReplicaKey {
            guardrail: name.clone(),
            account,
            region: region.clone(),
        })
    });
    let (Some(Placement::Management), Some(replica)) = (placed, replica) else {
        return Some(format!(
            "guardrail `{name}` is not in the management account, or is refused itself; see Guardrail/{name}"
        ));
    };
    let outside: Vec<&&AccountId> =
        accounts.iter().filter(|id| !admits(&replica.share, tree, id)).collect();
    (!outside.is_empty()).then(|| {
        format!(
            "guardrail `{name}` is not shared with {}, where every call would fail; add their unit to \
             its `shareWith`, or write `shareWith: Organization`",
            some_of(&outside)
        )
    })
}

/// Whether an account may apply a guardrail of the management account.
pub(super) fn admits(share: &Share, tree: &Tree<'_>, account: &AccountId) -> bool {
    *account == tree.fleet.management
        || match share {
            Share::None => false,
            Share::Organization => true,
            Share::Units(units) => tree.is_below(account, units),
        }
}
