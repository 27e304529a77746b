//! The visits' shared ground: what is accepted, what is known, what became of each key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::audit::Finding;
use super::key::Key;
use super::state::{Accepted, State, WriteRecord};
use crate::aws::Aws;
use crate::model::{ControlLimits, Desired, Fleet, OwnerId};
use crate::plan::{self, HeldPlan, Ourselves, Plan, Ruling, Timing, UnclaimedLogging};
use crate::status::journal::Journal;
use crate::status::{Outcome, Summary};

/// Where the time comes from; the composition root decides.
pub trait Time: Send + Sync {
    /// Monotonic, since some fixed moment.
    fn now(&self) -> Duration;
    /// Of the wall.
    fn wall(&self) -> Timestamp;
}

/// Whether approved plans are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Stop before act: `bedrail plan`.
    Show,
    /// Carry out.
    Converge,
}

/// Settings of the engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Whose objects are ours.
    pub owner: OwnerId,
    /// How sure is sure.
    pub timing: Timing,
    /// Whether to write.
    pub intent: Intent,
    /// How long after a write the key is read again.
    pub settle: Duration,
    /// How long after a plan was made its steps may begin.
    pub act_within: Duration,
    /// How long one visit may take; more each time it did not come to its end.
    pub visit_deadline: Duration,
    /// Limits of AWS on service control policies.
    pub controls: ControlLimits,
    /// How often what seldom changes is read again: account tags, and units nobody is in.
    pub sweep: Duration,
    /// How often a guardrail at rest is read back as a whole, although nothing shows a change.
    pub read_back: Duration,
    /// Whether tests of what is live are repeated on the schedules of the manifests.
    pub repeats_tests: bool,
}

/// One installation's reconciler. Visits of different keys may run at once; the queue sees to it
/// that those of one key do not.
pub struct Engine {
    pub(super) aws: Aws,
    pub(super) settings: EngineSettings,
    pub(super) time: Arc<dyn Time>,
    pub(super) stop: CancellationToken,
    pub(super) ourselves: Ourselves,
    pub(super) journal: OnceLock<Journal>,
    state: Mutex<State>,
}

impl Engine {
    /// An engine that knows nothing yet. Once `stop` fires, no new write starts.
    pub fn new(
        aws: Aws,
        settings: EngineSettings,
        time: Arc<dyn Time>,
        stop: CancellationToken,
    ) -> Self {
        // Between two steps the visit looks itself; this covers what a step waits for in between:
        // its turn, a session, a last read.
        aws.send_no_write_after(stop.clone());
        // Clocks differ, and a process that just ended may have written a moment ago.
        let margin = i64::try_from(settings.timing.own_write_grace.as_secs()).unwrap_or(i64::MAX);
        let since = aws.time(time.wall()).as_second().saturating_add(margin);
        let ourselves = Ourselves { session: aws.session_name(), since };
        let journal = OnceLock::new();
        let state = Mutex::new(State::default());
        Self { aws, settings, time, stop, ourselves, journal, state }
    }

    /// The date by which approvals end, waves bake and others are seen to write: that of AWS.
    pub(super) fn date(&self) -> Timestamp {
        self.aws.time(self.time.wall())
    }

    /// Locks what is known. Never held across an await: deciding is pure and quick.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held can only have been in a pure function; the maps are
        // whole, and stopping protection work for it would be worse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a manifest set in force and returns the keys to visit. Until the fleet is known, that
    /// is the organization alone.
    pub fn accept(&self, accepted: Accepted) -> BTreeSet<Key> {
        let mut state = self.state();
        state.accepted = Some(accepted);
        state.resolve();
        state.due()
    }

    /// How long the last visit of the organization took.
    pub fn organization_took(&self) -> Duration {
        self.state().organization_took
    }

    /// Every key, for a resync. Cells wait for the first visit of their guardrail.
    pub fn keys(&self) -> BTreeSet<Key> {
        self.state().due()
    }

    /// How long after a write its object is read again.
    pub fn settle(&self) -> Duration {
        self.settings.settle
    }

    /// The edge, for commands that read beside the visits.
    pub fn edge(&self) -> &Aws {
        &self.aws
    }

    /// The desired state in force.
    pub fn desired(&self) -> Arc<Desired> {
        Arc::clone(&self.state().desired)
    }

    /// The organization as last read.
    pub fn fleet(&self) -> Option<Fleet> {
        self.state().facts.fleet.clone()
    }

    /// The last plan of every key, without what the change guard holds now.
    pub fn plans(&self) -> BTreeMap<Key, Plan> {
        let state = self.state();
        let ruling = state.ruling(self.date());
        let plans = state.plans.iter();
        plans.map(|(key, plan)| (key.clone(), plan::withhold(Plan::clone(plan), &ruling))).collect()
    }

    /// The plan that the change guard holds now, and the manifest that releases it.
    pub fn held_plan(&self) -> Option<(HeldPlan, String)> {
        let wall = self.date();
        match self.state().ruling(wall) {
            Ruling::Held(held) => {
                let approval = held.approval(wall);
                Some((held, approval))
            }
            Ruling::Open | Ruling::Incomplete => None,
        }
    }

    /// The last outcome of every key.
    pub fn outcomes(&self) -> BTreeMap<Key, Outcome> {
        self.state().board.outcomes().clone()
    }

    /// Counts over the last outcomes, what of the manifests cannot be resolved, and what the audit
    /// found.
    pub fn summary(&self) -> Summary {
        let state = self.state();
        let mut summary = state.board.summary();
        summary.refused += state.desired.refusals.len();
        for finding in state.findings().into_values() {
            match finding {
                Finding::Orphan => summary.orphans += 1,
                Finding::Unprotected => summary.unprotected += 1,
            }
        }
        for finding in state.logging_findings().into_values() {
            match finding {
                UnclaimedLogging::Orphan(_) => summary.orphans += 1,
                UnclaimedLogging::Unlogged => summary.unlogged += 1,
            }
        }
        summary
    }

    /// What was written since the start, oldest first; the last thousand.
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.state().writes.iter().cloned().collect()
    }

    /// API calls made, by operation.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.aws.calls()
    }

    /// API calls that were answered by a throttle, by operation.
    pub fn throttles(&self) -> BTreeMap<String, u64> {
        self.aws.throttles()
    }
}

impl State {
    /// Resolves the accepted manifests against the fleet, when both are known, begins a pass, and
    /// forgets what belongs to keys that are gone.
    pub(super) fn resolve(&mut self) {
        if self.replace_desired().is_some() {
            self.begin_pass();
            self.forget_gone();
        }
    }

    /// Puts in force what the accepted manifests come to in the fleet, when both are known. Returns
    /// what was before.
    pub(super) fn replace_desired(&mut self) -> Option<Arc<Desired>> {
        let (Some(accepted), Some(fleet)) = (&self.accepted, &self.facts.fleet) else {
            return None;
        };
        let desired = (accepted.resolver)(fleet, accepted.generation);
        say_news(&desired, &self.desired);
        self.leave_logging(&desired);
        Some(std::mem::replace(&mut self.desired, Arc::new(desired)))
    }

    /// Forgets what belongs to keys that are gone.
    pub(super) fn forget_gone(&mut self) {
        let keys = self.keys();
        self.board.retain(|key| keys.contains(key));
        self.plans.retain(|key, _| keys.contains(key));
        self.waiting.retain(|key| keys.contains(key));
        self.contests.retain(|key, _| keys.contains(key));
        self.settled.retain(|key, _| keys.contains(key));
        self.given_up.retain(|key, _| keys.contains(key));
        self.retain_audited();
        self.retain_probes();
        self.undecided = self.desired.rollouts.keys().cloned().collect();
    }

    /// The keys that can be planned now.
    pub(super) fn due(&self) -> BTreeSet<Key> {
        if self.facts.fleet.is_none() {
            return BTreeSet::from([Key::Organization]);
        }
        let knows_replicas = self.knows_replicas();
        let ready = |key: &Key| match key {
            Key::Cell(cell) => match self.desired.cells.get(cell) {
                Some(desired) => self.visited.contains(&desired.replica),
                None => knows_replicas,
            },
            Key::Organization
            | Key::Replica(_)
            | Key::ProfilePolicy(_)
            | Key::Rollout(_)
            | Key::Logging(_)
            | Key::Audit(_) => true,
        };
        self.keys().into_iter().filter(ready).collect()
    }
}

/// Logs what cannot be desired and was not said before: nothing will be visited for it.
fn say_news(desired: &Desired, before: &Desired) {
    for refusal in desired.refusals.difference(&before.refusals) {
        warn!("refused: {refusal}");
    }
    for (account, state) in &desired.unreachable {
        if before.unreachable.get(account) != Some(state) {
            warn!(%account, "the account is {state}: nothing is done there");
        }
    }
}
