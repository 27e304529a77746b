//! Account enforcements to cells: every selected account × every Region.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::manifests::{AccountEnforcement, Manifests};
use super::organization::admits;
use super::select::Tree;
use super::{refusal, some_of};
use crate::model::{
    AccountId, AccountState, Cell, Desired, DesiredCell, Name, Presence, Region, ReplicaKey,
};

const KIND: &str = "AccountEnforcement";

/// Cells claimed, and by whom.
#[derive(Default)]
struct Claims {
    held: BTreeMap<Cell, Arc<DesiredCell>>,
    /// What cells with the same replica share of one manifest: a fleet has thousands of them.
    shared: BTreeMap<(Name, ReplicaKey), Arc<DesiredCell>>,
    /// Cells that two or more claim.
    contested: BTreeMap<Cell, BTreeSet<Name>>,
}

/// Adds the cells of all account enforcements.
pub(super) fn claim(manifests: &Manifests, tree: &Tree<'_>, desired: &mut Desired) {
    let mut present = Claims::default();
    let mut absent = Claims::default();
    // Cells a present enforcement selects but cannot have: nothing else is to take them away.
    let mut kept: BTreeSet<Cell> = BTreeSet::new();
    for manifest in manifests.account_enforcements.values() {
        let accounts = select(manifest, tree, desired);
        let enforcement = &manifest.enforcement;
        let is_present = enforcement.state == Presence::Present;
        let mut missing = Missing::default();
        for account in &accounts {
            for region in &enforcement.regions {
                let cell = Cell { account: account.clone(), region: region.clone() };
                match replica(manifest, tree, desired, &cell) {
                    Ok(key) => {
                        let claims = if is_present { &mut present } else { &mut absent };
                        claims.add(cell, manifest, key);
                    }
                    Err(reason) => {
                        missing.add(reason, cell.clone());
                        kept.insert(cell);
                    }
                }
            }
        }
        missing.report(manifest, desired);
    }
    present.report(desired);
    desired.kept = kept.iter().chain(present.contested.keys()).cloned().collect();
    let Claims { held, contested, shared: _ } = present;
    // An enforcement that takes over from one that is Absent replaces it in one step; two that are
    // Absent agree.
    for (cell, claim) in absent.held {
        let is_free =
            !held.contains_key(&cell) && !contested.contains_key(&cell) && !kept.contains(&cell);
        if is_free {
            desired.cells.insert(cell, claim);
        }
    }
    desired.cells.extend(held);
}

/// The ACTIVE accounts of an enforcement.
fn select(
    manifest: &AccountEnforcement,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> BTreeSet<AccountId> {
    let name = &manifest.enforcement.name;
    let mut accounts = BTreeSet::new();
    for (index, selector) in manifest.enforcement.targets.iter().enumerate() {
        match tree.accounts(selector) {
            Ok(found) => {
                for account in found {
                    let is_active = account.state == AccountState::Active;
                    #[cfg(feature = "planted")]
                    let is_active =
                        is_active || crate::planted::is(crate::planted::Planted::ClosedVisited);
                    if is_active {
                        accounts.insert(account.id.clone());
                    } else {
                        let state = account.state.to_string();
                        desired.unreachable.insert(account.id.clone(), state);
                    }
                }
            }
            Err(message) => {
                let field = format!("spec.targets[{index}]");
                desired.refusals.insert(refusal(KIND, name, &field, message));
            }
        }
    }
    accounts
}

/// Why a cell has no replica to reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Neither its own account nor the management account has one in its Region.
    NoReplica,
    /// The management account has one that it may not apply.
    NotShared,
}

/// The replica a cell references: the one in its own account, else that of the management account.
fn replica(
    manifest: &AccountEnforcement,
    tree: &Tree<'_>,
    desired: &Desired,
    cell: &Cell,
) -> Result<ReplicaKey, Reason> {
    let key = |account: &AccountId| ReplicaKey {
        guardrail: manifest.enforcement.guardrail.name.clone(),
        account: account.clone(),
        region: cell.region.clone(),
    };
    let (own, shared) = (key(&cell.account), key(&tree.fleet.management));
    if desired.replicas.contains_key(&own) {
        return Ok(own);
    }
    // What is taken away needs no replica that works.
    if manifest.enforcement.state == Presence::Absent {
        return Ok(shared);
    }
    match desired.replicas.get(&shared) {
        Some(replica) if admits(&replica.share, tree, &cell.account) => Ok(shared),
        Some(_) => Err(Reason::NotShared),
        None => Err(Reason::NoReplica),
    }
}

/// Cells without a replica, gathered so that a thousand of them are one message.
#[derive(Default)]
struct Missing(BTreeMap<Reason, (BTreeSet<AccountId>, BTreeSet<Region>)>);

impl Missing {
    fn add(&mut self, reason: Reason, cell: Cell) {
        let (accounts, regions) = self.0.entry(reason).or_default();
        accounts.insert(cell.account);
        regions.insert(cell.region);
    }

    fn report(self, manifest: &AccountEnforcement, desired: &mut Desired) {
        let guardrail = &manifest.enforcement.guardrail.name;
        for (reason, (accounts, regions)) in self.0 {
            let accounts: Vec<_> = accounts.into_iter().collect();
            let regions: Vec<_> = regions.into_iter().collect();
            let (accounts, regions) = (some_of(&accounts), some_of(&regions));
            let message = match reason {
                Reason::NoReplica => format!(
                    "guardrail `{guardrail}` has no replica for {accounts} in {regions}; add the \
                     accounts to its `accounts`, or write `accounts: Management` there"
                ),
                Reason::NotShared => format!(
                    "guardrail `{guardrail}` is not shared with {accounts} ({regions}), where every \
                     call would fail; add their unit to its `shareWith`, or write `shareWith: \
                     Organization`"
                ),
            };
            let name = &manifest.enforcement.name;
            desired.refusals.insert(refusal(KIND, name, "spec.guardrail", message));
        }
    }
}

impl Claims {
    fn add(&mut self, cell: Cell, manifest: &AccountEnforcement, replica: ReplicaKey) {
        let enforcement = &manifest.enforcement;
        if let Some(claimants) = self.contested.get_mut(&cell) {
            claimants.insert(enforcement.name.clone());
            return;
        }
        if let Some(other) = self.held.get(&cell)
            && enforcement.state == Presence::Present
        {
            let claimants = BTreeSet::from([other.enforcement.clone(), enforcement.name.clone()]);
            self.held.remove(&cell);
            self.contested.insert(cell, claimants);
            return;
        }
        let shared = self.shared.entry((enforcement.name.clone(), replica));
        let claim = shared.or_insert_with_key(|(_, replica)| {
            Arc::new(DesiredCell {
                state: enforcement.state,
                enforcement: enforcement.name.clone(),
                revision: enforcement.guardrail.revision.clone(),
                replica: replica.clone(),
                settings: enforcement.settings.clone(),
                on_foreign: manifest.on_foreign,
                preflight: enforcement.preflight.clone(),
            })
        });
        self.held.insert(cell, Arc::clone(claim));
    }

    /// One refusal for each claimant and set of rivals.
    fn report(&self, desired: &mut Desired) {
        let mut contested: BTreeMap<&BTreeSet<Name>, Vec<&Cell>> = BTreeMap::new();
        for (cell, claimants) in &self.contested {
            contested.entry(claimants).or_default().push(cell);
        }
        for (claimants, cells) in contested {
            for name in claimants {
                let rivals: Vec<_> = claimants.iter().filter(|it| *it != name).collect();
                let message = format!(
                    "also claimed by AccountEnforcement `{}`: {}; a cell has only one, so these are \
                     left as they are until one of them gives them up",
                    some_of(&rivals),
                    some_of(&cells)
                );
                desired.refusals.insert(refusal(KIND, name, "spec.targets", message));
            }
        }
    }
}
