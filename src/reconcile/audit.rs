//! The slow look at what no manifest names: cells nobody protects or logs, and enforcements and
//! logging of ours that nobody claims any more. Only reads, and nothing is planned from what it finds.

use std::collections::{BTreeMap, BTreeSet};

use tracing::{debug, info, warn};

use super::engine::Engine;
use super::state::State;
use super::visit::{Next, Visited};
use crate::aws::ErrorClass;
use crate::model::{
    AccountId, AccountState, Cell, Fleet, ObservedEnforcement, ObservedOrganization,
    PolicyTypeStatus, Read, Region, TargetId,
};
use crate::status::SlotRead;

/// What is wrong with a cell that no manifest claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// It holds an enforcement of ours. Left alone.
    Orphan,
    /// Neither its slot nor an attached organization policy enforces any guardrail there.
    Unprotected,
}

/// A slot that was read completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Empty,
    Ours,
    Foreign,
    /// The account has not enabled the Region: nothing can be called there.
    NotEnabled,
}

/// One cell of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Audited {
    slot: Slot,
    /// What was logged of it last.
    said: Option<Finding>,
}

/// The Regions under audit, as the last pass had them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// For slots.
    pub(super) slots: BTreeSet<Region>,
    /// For invocation logging.
    pub(super) logging: BTreeSet<Region>,
}

/// The Regions with an enforcement in the Bedrock policies attached to each target.
///
/// A policy nearer the leaf is taken to keep what it inherits, since a document can only assign
/// another guardrail, not none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coverage(BTreeMap<TargetId, BTreeSet<String>>);

impl Audited {
    /// What was read of it.
    pub(super) fn read(self) -> SlotRead {
        match self.slot {
            Slot::Empty => SlotRead::Empty,
            Slot::Ours | Slot::Foreign => SlotRead::Taken,
            Slot::NotEnabled => SlotRead::NotEnabled,
        }
    }
}

impl Coverage {
    /// What the policies, ours or not, say; `None` when they could not be read.
    pub(super) fn of(observed: &ObservedOrganization) -> Option<Self> {
        let policies = match (&observed.policies, observed.bedrock_policies) {
            (Read::Unknown(_), _) => return None,
            (Read::Known(policies), PolicyTypeStatus::Enabled) => policies,
            // Policies of a type that is not enabled take no effect.
            (Read::KnownAbsent, _)
            | (Read::Known(_), PolicyTypeStatus::Pending | PolicyTypeStatus::Disabled) => {
                return Some(Self::default());
            }
        };
        let mut regions: BTreeMap<TargetId, BTreeSet<String>> = BTreeMap::new();
        for policy in policies.values() {
            let blocks = policy.content.pointer("/bedrock/guardrail_inference");
            let blocks = blocks.and_then(serde_json::Value::as_object);
            let named = blocks.into_iter().flat_map(serde_json::Map::keys);
            let named: BTreeSet<&String> = named.filter(|name| !name.starts_with("@@")).collect();
            for target in &policy.targets {
                regions.entry(target.clone()).or_default().extend(named.iter().copied().cloned());
            }
        }
        Some(Self(regions))
    }

    /// The Regions in which policies enforce in an account.
    pub(super) fn regions_over(&self, account: &AccountId, fleet: &Fleet) -> BTreeSet<&str> {
        let line = fleet.lineage(&TargetId::Account(account.clone()));
        let regions = line.iter().filter_map(|target| self.0.get(target)).flatten();
        regions.map(String::as_str).collect()
    }

    fn contains(&self, cell: &Cell, fleet: &Fleet) -> bool {
        fleet.lineage(&TargetId::Account(cell.account.clone())).iter().any(|target| {
            self.0.get(target).is_some_and(|regions| regions.contains(cell.region.as_str()))
        })
    }
}

/// Judges one slot; `is_covered` is `None` while the organization's policies are unknown.
fn judge(slot: Slot, is_covered: Option<bool>) -> Option<Finding> {
    match (slot, is_covered) {
        (Slot::Ours, _) => Some(Finding::Orphan),
        (Slot::Empty, Some(false)) => Some(Finding::Unprotected),
        (Slot::Empty, Some(true) | None) | (Slot::Foreign | Slot::NotEnabled, _) => None,
    }
}

impl Engine {
    /// Every ACTIVE account × Region of `regions` that no manifest claims, for its slot or for its
    /// logging; of the Regions that manifests name for the one and the other when none are given.
    /// Empty until there are manifests and a fleet.
    pub fn unclaimed(&self, regions: &BTreeSet<Region>) -> BTreeSet<Cell> {
        let mut state = self.state();
        if state.desired.generation == 0 {
            return BTreeSet::new();
        }
        state.scope = state.scope_of(regions);
        state.retain_audited();
        let (Some(fleet), Scope { slots, logging }) = (&state.facts.fleet, &state.scope) else {
            return BTreeSet::new();
        };
        let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
        active
            .flat_map(|account| {
                let cell =
                    |region: &Region| Cell { account: account.id.clone(), region: region.clone() };
                slots.union(logging).map(cell).collect::<Vec<_>>()
            })
            .filter(|cell| state.audits_slot(cell) || state.audits_logging(cell))
            .collect()
    }

    /// What the audit has found so far.
    pub fn findings(&self) -> BTreeMap<Cell, Finding> {
        self.state().findings()
    }

    /// Reads one cell that no manifest claims, and says what is new. What cannot be read now is
    /// looked at again by the next pass.
    pub(super) async fn audit(&self, cell: &Cell) -> Visited {
        let done = Visited { next: Next::Done, wake: BTreeSet::new() };
        let (has_slot, has_logging) = {
            let state = self.state();
            (state.audits_slot(cell), state.audits_logging(cell))
        };
        let slot = async { if has_slot { Some(self.aws.cell(cell).await) } else { None } };
        let logging = async { if has_logging { Some(self.aws.logging(cell).await) } else { None } };
        let (slot, logging) = tokio::select! {
            () = self.stop.cancelled() => return done,
            read = async { tokio::join!(slot, logging) } => read,
        };
        let mut state = self.state();
        // Claimed meanwhile: its own visit says what becomes of it.
        if let Some(read) = slot.filter(|_| state.audits_slot(cell)) {
            if let Some(slot) = self.slot(&state, &read.enforcement) {
                state.note(cell, slot);
            } else {
                debug!(%cell, "the audit could not read this cell");
            }
        }
        if let Some(read) = logging.filter(|_| state.audits_logging(cell)) {
            state.note_logging(cell, read);
        }
        done
    }

    fn slot(&self, state: &State, read: &Read<ObservedEnforcement>) -> Option<Slot> {
        match read {
            Read::KnownAbsent => Some(Slot::Empty),
            Read::Known(live) => {
                let replicas = state.facts.replicas.values();
                let is_of_ours =
                    replicas.into_iter().any(|fact| live.guardrail.as_ref() == Some(&fact.arn));
                // A guardrail whose manifest is gone is no fact; who wrote the slot still is.
                let is_by_us = live.updated_by.as_ref().is_some_and(|by| self.aws.is_session(by));
                Some(if is_of_ours || is_by_us { Slot::Ours } else { Slot::Foreign })
            }
            Read::Unknown(unread) if unread.class == ErrorClass::RegionUnavailable.reason() => {
                Some(Slot::NotEnabled)
            }
            Read::Unknown(_) => None,
        }
    }
}

impl State {
    /// Forgets audited cells that are claimed now, or whose account can no longer be worked in.
    pub(super) fn retain_audited(&mut self) {
        let mut audited = std::mem::take(&mut self.audited);
        audited.retain(|cell, _| self.audits_slot(cell));
        self.audited = audited;
        self.retain_audited_logging();
    }

    fn scope_of(&self, regions: &BTreeSet<Region>) -> Scope {
        if !regions.is_empty() {
            return Scope { slots: regions.clone(), logging: regions.clone() };
        }
        let desired = &self.desired;
        let replicas = desired.replicas.keys().map(|key| &key.region);
        let cells = desired.cells.keys().map(|cell| &cell.region);
        let organization = desired.organization.values().flat_map(|it| &it.regions);
        Scope {
            slots: replicas.chain(cells).chain(organization).cloned().collect(),
            logging: desired.logging.keys().map(|cell| cell.region.clone()).collect(),
        }
    }

    pub(super) fn findings(&self) -> BTreeMap<Cell, Finding> {
        let finding = |(cell, audited): (&Cell, &Audited)| {
            Some((cell.clone(), self.finding(cell, audited.slot)?))
        };
        self.audited.iter().filter_map(finding).collect()
    }

    fn audits_slot(&self, cell: &Cell) -> bool {
        self.scope.slots.contains(&cell.region)
            && self.is_active(&cell.account)
            && !self.desired.cells.contains_key(cell)
    }

    pub(super) fn is_active(&self, account: &AccountId) -> bool {
        let account = self.facts.fleet.as_ref().and_then(|it| it.accounts.get(account));
        account.is_some_and(|account| account.state == AccountState::Active)
    }

    fn finding(&self, cell: &Cell, slot: Slot) -> Option<Finding> {
        let fleet = self.facts.fleet.as_ref()?;
        let finding = judge(slot, self.coverage.as_ref().map(|it| it.contains(cell, fleet)))?;
        match finding {
            // Its own visit says what becomes of it.
            Finding::Orphan if self.watched.contains(cell) || self.needed.contains(cell) => None,
            Finding::Orphan | Finding::Unprotected => Some(finding),
        }
    }

    /// Keeps what was read, and logs it once per change.
    fn note(&mut self, cell: &Cell, slot: Slot) {
        let now = self.finding(cell, slot);
        let before = self.audited.insert(cell.clone(), Audited { slot, said: now });
        if before.and_then(|before| before.said) == now {
            return;
        }
        let account = self.account_name(&cell.account);
        match now {
            Some(Finding::Orphan) => warn!(
                %cell, account,
                "orphan: an enforcement of ours that no manifest claims; write one with \
                 `state: Absent` to remove it, or `Present` to keep it"
            ),
            Some(Finding::Unprotected) => warn!(
                %cell, account,
                "unprotected: no guardrail is enforced here, neither by the account nor by the \
                 organization"
            ),
            None => info!(%cell, account, "no longer orphaned or unprotected"),
        }
    }

    pub(super) fn account_name(&self, account: &AccountId) -> String {
        let fleet = self.facts.fleet.as_ref();
        let account = fleet.and_then(|fleet| fleet.accounts.get(account));
        account.map_or_else(String::new, |account| account.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Account, ObservedPolicy, Unread};

    #[test]
    fn only_an_empty_slot_that_nothing_covers_is_unprotected() {
        for (slot, is_covered, expected) in [
            (Slot::Empty, Some(false), Some(Finding::Unprotected)),
            (Slot::Empty, Some(true), None),
            (Slot::Empty, None, None),
            (Slot::Foreign, Some(false), None),
            (Slot::NotEnabled, Some(false), None),
            (Slot::Ours, Some(true), Some(Finding::Orphan)),
        ] {
            assert_eq!(judge(slot, is_covered), expected, "{slot:?} {is_covered:?}");
        }
    }

    fn fleet() -> Fleet {
        let id: AccountId = "111122223333".parse().unwrap();
        let account = Account {
            id: id.clone(),
            name: "shop".to_owned(),
            state: AccountState::Active,
            parent: "r-ab12".parse().unwrap(),
            tags: None,
        };
        Fleet {
            partition: "aws".to_owned(),
            organization: "o-abcdefghij".parse().unwrap(),
            management: "999999999999".parse().unwrap(),
            root: "r-ab12".parse().unwrap(),
            units: BTreeMap::new(),
            accounts: BTreeMap::from([(id, account)]),
        }
    }

    fn organization(status: PolicyTypeStatus) -> ObservedOrganization {
        let policy = ObservedPolicy {
            id: "p-abcdefgh12".parse().unwrap(),
            name: "theirs".to_owned(),
            owner: None,
            enforcement: None,
            shard: None,
            lane: None,
            rollouts: BTreeMap::new(),
            content: json!({"bedrock": {"guardrail_inference": {"us-east-1": {}, "@@x": []}}}),
            targets: BTreeSet::from(["r-ab12".parse().unwrap()]),
        };
        ObservedOrganization {
            organization: "o-abcdefghij".parse().unwrap(),
            root: "r-ab12".parse().unwrap(),
            bedrock_policies: status,
            policies: Read::Known(BTreeMap::from([(policy.id.clone(), policy)])),
            invalid: Read::KnownAbsent,
            effective: BTreeMap::new(),
        }
    }

    #[test]
    fn a_policy_above_covers_its_regions_and_no_others() {
        let covers = |status, region: &str| {
            let coverage = Coverage::of(&organization(status)).unwrap();
            let account = "111122223333".parse().unwrap();
            coverage.contains(&Cell { account, region: region.parse().unwrap() }, &fleet())
        };
        assert!(covers(PolicyTypeStatus::Enabled, "us-east-1"));
        assert!(!covers(PolicyTypeStatus::Enabled, "eu-west-1"));
        assert!(!covers(PolicyTypeStatus::Disabled, "us-east-1"));
    }

    #[test]
    fn unread_policies_cover_nobody_knows_what() {
        let mut unread = organization(PolicyTypeStatus::Enabled);
        unread.policies = Read::Unknown(Unread { class: "Denied", message: String::new() });
        assert_eq!(Coverage::of(&unread), None);
    }
}
