//! Where everything stands, for those who ask.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::audit::Finding;
use super::engine::Engine;
use super::key::Key;
use super::state::State;
use crate::aws;
use crate::model::{AccountState, Cell, EnforcementKind};
use crate::plan::UnclaimedLogging;
use crate::status::{
    AccountStatus, HeldPlanStatus, JournalStatus, KeyStatus, Outcome, Phase, Place, RolloutStatus,
    Snapshot, SnapshotCounts, Tally, Unanswering,
};

/// Writes that a snapshot shows.
const WRITES_MAX: usize = 50;

/// How one key stands.
type KeyStatusOf = fn(&State, &Key, Option<&Outcome>) -> KeyStatus;

impl Engine {
    /// Where everything stands now.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_of(State::key_status)
    }

    /// The same as far as [`Snapshot::brief`] keeps it; the rest is not even made.
    pub fn brief_snapshot(&self) -> Snapshot {
        self.snapshot_of(State::brief_key_status).brief()
    }

    fn snapshot_of(&self, status: KeyStatusOf) -> Snapshot {
        let at = self.time.wall();
        let (calls, throttles) = (self.aws.calls(), self.aws.throttles());
        let held_plan = self
            .held_plan()
            .map(|(held, approval)| HeldPlanStatus { text: held.to_string(), approval });
        let journal = self.journal_status();
        let unanswering = self.unanswering();
        let state = self.state();
        // Made once: there are as many as cells.
        let due = state.keys();
        let keys = state.key_statuses(&due, status);
        let findings = state.findings();
        let unprotected = findings.iter().filter(|(_, finding)| **finding == Finding::Unprotected);
        let unprotected = unprotected.map(|(cell, _)| place(cell)).collect();
        let writes = state.writes.iter().rev().take(WRITES_MAX).map(|write| write.text.clone());
        let mut writes: Vec<String> = writes.collect();
        writes.reverse();
        let mut notices = state.notices(journal.as_ref());
        notices.extend(unanswering.notices());
        Snapshot {
            api_version: "bedrail.dev/v1alpha1".to_owned(),
            kind: "Status".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            generation: state.generation(),
            ready: state.is_ready(&due),
            notices,
            counts: state.counts(&due, &keys),
            keys,
            unprotected,
            unlogged: state.unlogged(),
            refusals: state.desired.refusals.iter().map(ToString::to_string).collect(),
            orphans: state.orphans(),
            held_plan,
            journal,
            rollouts: state.rollout_statuses(),
            contested: state.rival.is_some(),
            manifests_broken: false,
            last_complete_resync: None,
            alerts: Vec::new(),
            unanswering,
            accounts: state.account_statuses(),
            writes,
            calls,
            throttles,
        }
    }

    /// The journal, if one is written.
    pub(super) fn journal_status(&self) -> Option<JournalStatus> {
        self.journal.get().map(|journal| JournalStatus {
            path: journal.path().display().to_string(),
            trouble: journal.trouble(),
        })
    }

    /// What has not answered for a while, so that hardly any call is sent there.
    pub(super) fn unanswering(&self) -> Unanswering {
        let aws::Unanswering { regions, accounts } = self.aws.unanswering();
        Unanswering {
            regions: regions.iter().map(ToString::to_string).collect(),
            accounts: accounts.iter().map(ToString::to_string).collect(),
        }
    }

    /// When the key was read that was read longest ago; `None` while some was never, or while the
    /// organization was not read or no manifests are in force.
    pub fn oldest_observation(&self) -> Option<Timestamp> {
        let state = self.state();
        let keys = state.keys();
        if !state.is_ready(&keys) {
            return None;
        }
        let outcomes = state.board.outcomes();
        keys.iter().map(|key| outcomes.get(key)?.observed_at).min().flatten()
    }

    /// What was counted since the start.
    pub fn tally(&self) -> Tally {
        self.state().tally.clone()
    }
}

impl State {
    fn is_ready(&self, keys: &BTreeSet<Key>) -> bool {
        self.accepted.is_some()
            && self.facts.fleet.is_some()
            && keys.iter().all(|key| self.board.outcomes().contains_key(key))
    }

    /// What is ours and no manifest describes.
    pub(super) fn orphans(&self) -> Vec<String> {
        let findings = self.findings();
        let found = findings.iter().filter(|(_, finding)| **finding == Finding::Orphan);
        let found =
            found.map(|(cell, _)| format!("{cell}: enforced by us, and no manifest says so"));
        let logging = self.logging_findings();
        let logged = logging.iter().filter_map(|(cell, finding)| match finding {
            UnclaimedLogging::Unlogged => None,
            UnclaimedLogging::Orphan(manifest) => Some(format!(
                "{cell}: logged as InvocationLogging/{manifest} says, and no manifest claims it"
            )),
        });
        let named = self.board.outcomes().values().flat_map(|outcome| outcome.orphans.clone());
        named.chain(found).chain(logged).collect()
    }

    /// Cells in which calls should be logged, and are not.
    fn unlogged(&self) -> Vec<Place> {
        let logging = self.logging_findings();
        let unlogged =
            logging.iter().filter(|(_, finding)| **finding == UnclaimedLogging::Unlogged);
        unlogged.map(|(cell, _)| place(cell)).collect()
    }

    pub(super) fn notices(&self, journal: Option<&JournalStatus>) -> Vec<String> {
        let mut notices = Vec::new();
        if self.accepted.is_none() {
            notices.push("no usable manifests: only observing, nothing is written".to_owned());
        } else if self.facts.fleet.is_none() {
            notices.push("the organization was not read yet: nothing is written".to_owned());
        }
        if let Some(error) = journal.and_then(|journal| journal.trouble.as_ref()) {
            notices.push(format!(
                "JournalDegraded: the journal cannot be written ({error}); nothing is weakened or \
                 taken away meanwhile"
            ));
        }
        if let Some(rival) = &self.rival {
            notices.push(format!("Contested: {rival}"));
        }
        notices
    }

    fn key_statuses(&self, keys: &BTreeSet<Key>, status: KeyStatusOf) -> Vec<KeyStatus> {
        let outcomes = self.board.outcomes();
        keys.iter().map(|key| status(self, key, outcomes.get(key))).collect()
    }

    fn brief_key_status(&self, key: &Key, outcome: Option<&Outcome>) -> KeyStatus {
        let why = outcome.and_then(Outcome::why);
        KeyStatus {
            key: key.to_string(),
            kind: key.kind().to_owned(),
            place: None,
            manifest: self.manifest_of(key),
            phase: outcome.map_or(Phase::Unknown, Outcome::phase),
            since: None,
            observed_at: None,
            reason: why.map(|(reason, _)| reason.to_owned()),
            message: why.map(|(_, message)| message.to_owned()),
            waits: Vec::new(),
            conditions: Vec::new(),
            applied: Vec::new(),
        }
    }

    pub(super) fn key_status(&self, key: &Key, outcome: Option<&Outcome>) -> KeyStatus {
        let why = outcome.and_then(Outcome::why);
        let texts = |texts: &[String]| texts.to_vec();
        let waits = outcome.map(|it| {
            it.held.iter().map(|held| (held.reason.clone(), held.message.clone())).collect()
        });
        KeyStatus {
            key: key.to_string(),
            kind: key.kind().to_owned(),
            place: key.place().as_ref().map(place),
            manifest: self.manifest_of(key),
            phase: outcome.map_or(Phase::Unknown, Outcome::phase),
            since: outcome.map(|it| it.since),
            observed_at: outcome.and_then(|it| it.observed_at),
            reason: why.map(|(reason, _)| reason.to_owned()),
            message: why.map(|(_, message)| message.to_owned()),
            waits: waits.unwrap_or_default(),
            conditions: outcome.map(|it| it.conditions.clone()).unwrap_or_default(),
            applied: outcome.map(|it| texts(&it.applied)).unwrap_or_default(),
        }
    }

    pub(super) fn manifest_of(&self, key: &Key) -> Option<String> {
        match key {
            Key::Cell(cell) => {
                let desired = self.desired.cells.get(cell)?;
                Some(format!("AccountEnforcement/{}", desired.enforcement))
            }
            Key::Logging(cell) => {
                let desired = self.desired.logging.get(cell)?;
                Some(format!("InvocationLogging/{}", desired.manifest))
            }
            Key::Replica(replica) => Some(format!("Guardrail/{}", replica.guardrail)),
            Key::Rollout(name) => Some(format!("AccountEnforcement/{name}")),
            Key::Organization | Key::ProfilePolicy(_) | Key::Audit(_) => None,
        }
    }

    fn counts(&self, keys: &BTreeSet<Key>, statuses: &[KeyStatus]) -> SnapshotCounts {
        let accounts = self.facts.fleet.iter().flat_map(|fleet| fleet.accounts.values());
        let mut counts = SnapshotCounts {
            cells: self.desired.cells.len(),
            regions: self
                .desired
                .cells
                .keys()
                .map(|cell| &cell.region)
                .collect::<BTreeSet<_>>()
                .len(),
            ..SnapshotCounts::default()
        };
        for account in accounts {
            counts.accounts += 1;
            counts.active_accounts += usize::from(account.state == AccountState::Active);
        }
        for (key, status) in keys.iter().zip(statuses) {
            *counts.keys_by_phase.entry(status.phase).or_default() += 1;
            if matches!(key, Key::Cell(cell) if self.desired.cells.contains_key(cell)) {
                *counts.cells_by_phase.entry(status.phase).or_default() += 1;
            }
        }
        counts
    }

    fn rollout_statuses(&self) -> Vec<RolloutStatus> {
        let rollouts = self.rollouts.iter().filter_map(|(name, decision)| {
            let waves = self.desired.rollouts.get(name)?.waves.len();
            let (stage, wave) = decision.progress(waves);
            let kind = EnforcementKind::Account.as_str().to_owned();
            let (enforcement, stage) = (name.to_string(), stage.to_owned());
            Some(RolloutStatus { kind, enforcement, stage, wave, waves })
        });
        rollouts.chain(self.organization_rollouts()).collect()
    }

    /// Those of organization enforcements, as the last plan has them. One that moves in two ways, by
    /// target and by Region, is where the slower of them is.
    fn organization_rollouts(&self) -> impl Iterator<Item = RolloutStatus> {
        let mut slowest: BTreeMap<&str, RolloutStatus> = BTreeMap::new();
        let plan = self.plans.get(&Key::Organization);
        for progress in plan.into_iter().flat_map(|plan| &plan.progress) {
            let Some((kind, name)) = progress.manifest.split_once('/') else { continue };
            let (stage, wave) = progress.stage();
            let waves = progress.waves.len();
            let left = |it: &RolloutStatus| it.waves.saturating_sub(it.wave);
            let status = RolloutStatus {
                kind: kind.to_owned(),
                enforcement: name.to_owned(),
                stage: stage.to_owned(),
                wave,
                waves,
            };
            if slowest.get(name).is_none_or(|other| left(other) < left(&status)) {
                slowest.insert(name, status);
            }
        }
        slowest.into_values()
    }

    fn account_statuses(&self) -> BTreeMap<String, AccountStatus> {
        let accounts = self.facts.fleet.iter().flat_map(|fleet| &fleet.accounts);
        accounts
            .map(|(id, account)| {
                let status =
                    AccountStatus { name: account.name.clone(), state: account.state.to_string() };
                (id.to_string(), status)
            })
            .collect()
    }
}

fn place(cell: &Cell) -> Place {
    Place { account: cell.account.to_string(), region: cell.region.to_string() }
}
