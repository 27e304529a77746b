//! What the engine knows between visits. All of it is read again after a restart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::audit::{Audited, Coverage, Scope};
use super::audit_logging::AuditedLogging;
use super::contested::Contests;
use super::foreign::Foreign;
use super::hint::{Authors, EventCounts};
use super::key::Key;
use super::observe::OwnControls;
use super::sweep::Sweeps;
use crate::model::{
    AccountId, CallerKey, Cell, Desired, DesiredLogging, Facts, Fleet, GuardrailArn, Name,
    PolicyFact, PolicyId, ProbeKey, Read, Region, ReplicaKey,
};
use crate::plan::{
    Decision, LoggingMemory, LoggingTemplates, Loss, Plan, ReplicaMemory, Rival, Sightings, Step,
    Trial,
};
use crate::status::{Board, Tally, Timeline};

/// Resolves the accepted manifests against a fleet. The composition root hands it in, so that a
/// visit need not know what a manifest is.
pub type Resolver = Arc<dyn Fn(&Fleet, u64) -> Desired + Send + Sync>;

/// One accepted manifest set.
#[derive(Clone)]
pub struct Accepted {
    /// Its number.
    pub generation: u64,
    /// How it becomes desired state.
    pub resolver: Resolver,
    /// Whether a selector needs the tags of accounts.
    pub needs_tags: bool,
    /// Whether an enforcement excludes the embedding models of its Regions.
    pub needs_embeddings: bool,
}

/// One write that AWS accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriteRecord {
    /// `bedrock:PutEnforcedGuardrailConfiguration`.
    pub operation: &'static str,
    /// Where; `None` for the organization.
    pub place: Option<Cell>,
    /// Operation, object and place with old and new, in one line.
    pub text: String,
}

/// What plans have asked to be read again.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) cells: BTreeSet<Cell>,
    pub(super) policies: bool,
    pub(super) controls: bool,
    /// Whether any of it was read since those who wait were last woken.
    has_answer: bool,
}

impl Asked {
    /// Takes note that what was asked for was tried. Whether those who wait are to look again: nothing
    /// is left to be tried, and something could be read. What could not be read is no answer, since
    /// asking again at once would not help; but it does not hide the answers before it.
    pub(super) fn tried(&mut self, by: &Key, is_read: bool) -> bool {
        let was_asked = match by {
            Key::Cell(cell) => self.cells.remove(cell),
            Key::Organization => std::mem::take(&mut self.policies),
            Key::Replica(_)
            | Key::ProfilePolicy(_)
            | Key::Rollout(_)
            | Key::Logging(_)
            | Key::Audit(_) => false,
        };
        self.has_answer |= was_asked && is_read;
        was_asked && self.cells.is_empty() && !self.policies && std::mem::take(&mut self.has_answer)
    }
}

/// Everything known.
#[derive(Default)]
pub(super) struct State {
    pub(super) accepted: Option<Accepted>,
    pub(super) desired: Arc<Desired>,
    pub(super) facts: Facts,
    /// Replicas that were visited since the start: their cells can be planned.
    pub(super) visited: BTreeSet<ReplicaKey>,
    /// Keys whose last plan waits for another key's fact.
    pub(super) waiting: BTreeSet<Key>,
    /// Cells that no manifest claims and some plan wants read.
    pub(super) needed: BTreeSet<Cell>,
    /// What plans have asked to be read again and was not yet.
    pub(super) asked: Asked,
    /// Probes that some visit makes now.
    pub(super) probing: BTreeSet<ProbeKey>,
    /// Roles that some visit asks IAM about now.
    pub(super) asking: BTreeSet<CallerKey>,
    /// The generation whose number of questions about roles was said.
    pub(super) callers_announced: u64,
    /// The generation whose number of probes was said.
    pub(super) probes_announced: u64,
    /// Warnings of plans that were logged under what is desired now.
    pub(super) warned: BTreeSet<String>,
    /// Our own policies as last read completely.
    pub(super) last_policies: BTreeMap<PolicyId, PolicyFact>,
    /// What the audit read of cells that no manifest claims.
    pub(super) audited: BTreeMap<Cell, Audited>,
    /// What it read of logging in cells that no manifest claims for it.
    pub(super) audited_logging: BTreeMap<Cell, AuditedLogging>,
    /// Which Regions it looks at.
    pub(super) scope: Scope,
    /// What manifests ask to be logged, whatever the cell.
    pub(super) logging_templates: LoggingTemplates,
    /// Where organization policies enforce; the last that could be read.
    pub(super) coverage: Option<Coverage>,
    /// Cells that no manifest claims, looked at for what left a selection.
    pub(super) watched: BTreeSet<Cell>,
    /// Keys that were not visited yet under what is desired now.
    pub(super) unpassed: BTreeSet<Key>,
    /// How often in a row the visits of a key found no answer, in this pass.
    pub(super) unanswered: BTreeMap<Key, u32>,
    /// What the last plan of each key would take away.
    pub(super) losses: BTreeMap<Key, Vec<Loss>>,
    /// Keys of which something was gone that nobody here took away, and since when.
    pub(super) doubted: BTreeMap<Key, Duration>,
    /// When accounts were missing first that the organization was known to have.
    pub(super) fleet_doubted: Option<Duration>,
    /// When a step of each key took something away last.
    pub(super) taken: BTreeMap<Key, Duration>,
    /// Keys from whose last plan the change guard held something.
    pub(super) guarded: BTreeSet<Key>,
    /// Replicas whose tags wait until nothing is left of what a text gave up.
    pub(super) unsettled: BTreeSet<Key>,
    /// The held plan that was logged last.
    pub(super) announced: Option<String>,
    /// What was decided of each rollout last.
    pub(super) rollouts: BTreeMap<Name, Decision>,
    /// Rollouts of which something has changed since.
    pub(super) undecided: BTreeSet<Name>,
    /// What the last plan of the organization asked to be tried, by enforcement.
    pub(super) trials: BTreeMap<Name, Vec<Trial>>,
    /// Keys whose plans that can have changed.
    pub(super) woken: BTreeSet<Key>,
    /// Cells whose slot this process wrote, or tried to.
    pub(super) written: BTreeSet<Cell>,
    /// Effective policies of witnesses, and when each was read.
    pub(super) effective: BTreeMap<AccountId, (Duration, Read<serde_json::Value>)>,
    /// Service control policies of ours as read last, under which generation, and when.
    pub(super) own_controls: Option<(u64, Duration, OwnControls)>,
    /// Another live controller, by its last write.
    pub(super) rival: Option<Rival>,
    pub(super) embeddings_read: BTreeMap<Region, Duration>,
    /// What is read of the organization less often than the rest.
    pub(super) sweeps: Sweeps,
    /// How long the last visit of the organization took.
    pub(super) organization_took: Duration,
    /// Accounts whose member role could not be assumed.
    pub(super) roleless: BTreeSet<AccountId>,
    /// Guardrails of which the last visit wanted nothing.
    pub(super) at_rest: BTreeSet<ReplicaKey>,
    /// Messages heeded.
    pub(super) events: EventCounts,
    /// Whom events named.
    pub(super) authors: BTreeMap<Key, Authors>,
    /// Bedrock policies of others.
    pub(super) foreign: Foreign,
    /// How many visits of a key in a row were given up.
    pub(super) given_up: BTreeMap<Key, u32>,
    /// Counts the visits that were sent away to wait for their turn.
    pub(super) deferred: u8,
    pub(super) replicas: BTreeMap<ReplicaKey, ReplicaMemory>,
    pub(super) sightings: BTreeMap<Key, Sightings>,
    pub(super) logging: BTreeMap<Cell, LoggingMemory>,
    /// Invocation logging that was in force as a manifest asked, in cells that none claims any more.
    pub(super) left_logging: BTreeMap<Cell, DesiredLogging>,
    pub(super) contests: BTreeMap<Key, Contests>,
    /// The last plan of each key.
    pub(super) plans: BTreeMap<Key, Arc<Plan>>,
    /// The plan that nearly every key of a fleet at rest has.
    pub(super) nothing: Arc<Plan>,
    /// Under which generation each key was last found as it should be.
    pub(super) settled: BTreeMap<Key, u64>,
    pub(super) board: Board<Key>,
    /// What was counted since the start.
    pub(super) tally: Tally,
    /// What changed, by whom, and what was done about it.
    pub(super) timeline: Timeline,
    /// The newest writes, oldest first.
    pub(super) writes: VecDeque<WriteRecord>,
}

impl State {
    /// Notes a write. A long-running process keeps the last thousand; the log has them all.
    pub(super) fn note_write(&mut self, write: WriteRecord) {
        const KEPT_MAX: usize = 1000;
        if self.writes.len() == KEPT_MAX {
            self.writes.pop_front();
        }
        self.writes.push_back(write);
    }

    /// Every key the desired state implies.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        let desired = &self.desired;
        let profiles = desired.profiles.keys().map(|profile| Key::ProfilePolicy(profile.clone()));
        std::iter::once(Key::Organization)
            .chain(desired.replicas.keys().cloned().map(Key::Replica))
            .chain(profiles)
            .chain(desired.rollouts.keys().cloned().map(Key::Rollout))
            .chain(desired.cells.keys().cloned().map(Key::Cell))
            .chain(desired.logging.keys().cloned().map(Key::Logging))
            .chain(self.left_logging.keys().cloned().map(Key::Logging))
            .chain(self.needed.iter().cloned().map(Key::Cell))
            .chain(self.watched.iter().cloned().map(Key::Cell))
            .collect()
    }

    /// Keeps the last plan of a key.
    pub(super) fn keep_plan(&mut self, key: &Key, plan: &Plan) {
        let kept =
            if *plan == *self.nothing { Arc::clone(&self.nothing) } else { Arc::new(plan.clone()) };
        self.plans.insert(key.clone(), kept);
    }

    /// Notes whether the last visit of a key wanted nothing: then the next need not read everything.
    pub(super) fn note_rest(&mut self, key: &Key, is_at_rest: bool) {
        match key {
            Key::Organization if !is_at_rest => self.foreign.forget(),
            Key::Replica(replica) if is_at_rest => {
                self.at_rest.insert(replica.clone());
            }
            Key::Replica(replica) => {
                self.at_rest.remove(replica);
            }
            Key::Organization
            | Key::ProfilePolicy(_)
            | Key::Rollout(_)
            | Key::Cell(_)
            | Key::Logging(_)
            | Key::Audit(_) => {}
        }
    }

    /// Whether what becomes of a key is kept: not of cells that were only asked for once.
    pub(super) fn is_kept(&self, key: &Key) -> bool {
        match key {
            Key::Cell(cell) => {
                self.desired.cells.contains_key(cell)
                    || self.needed.contains(cell)
                    || self.watched.contains(cell)
            }
            Key::Organization
            | Key::Replica(_)
            | Key::ProfilePolicy(_)
            | Key::Rollout(_)
            | Key::Logging(_)
            | Key::Audit(_) => true,
        }
    }

    /// Whether a manifest or a plan asks for what a key is about.
    pub(super) fn is_asked_for(&self, key: &Key) -> bool {
        match key {
            Key::Cell(cell) => self.desired.cells.contains_key(cell) || self.needed.contains(cell),
            Key::Logging(cell) => self.desired.logging.contains_key(cell),
            Key::Organization => self.desired.is_about_guardrails(),
            Key::Replica(_) | Key::ProfilePolicy(_) | Key::Rollout(_) | Key::Audit(_) => true,
        }
    }

    /// Cells of a Region, whichever replica they reference.
    pub(super) fn cells_in(&self, region: &Region) -> impl Iterator<Item = Key> + '_ {
        let region = region.clone();
        let cells = self.desired.cells.keys().filter(move |cell| cell.region == region);
        cells.cloned().map(Key::Cell)
    }

    /// Notes what a plan wants to have read. Returns the keys to be visited for it.
    pub(super) fn note_asks(&mut self, plan: &Plan) -> BTreeSet<Key> {
        let mut wake = BTreeSet::new();
        for cell in &plan.needs {
            self.needed.insert(cell.clone());
            self.asked.cells.insert(cell.clone());
            wake.insert(Key::Cell(cell.clone()));
        }
        for cell in &plan.asks {
            self.asked.cells.insert(cell.clone());
            wake.insert(Key::Cell(cell.clone()));
        }
        if plan.needs_policies {
            self.asked.policies = true;
            wake.insert(Key::Organization);
        }
        if plan.needs_controls {
            self.asked.controls = true;
            wake.insert(Key::Organization);
        }
        wake
    }

    /// The replicas that a step rests on: those whose policies let accounts apply what it puts in
    /// force.
    pub(super) fn owners_of(&self, step: &Step) -> BTreeSet<Key> {
        let named: Vec<&GuardrailArn> = if let Step::PutEnforced { guardrail, .. } = step {
            vec![guardrail]
        } else {
            step.grants().iter().map(|grant| &grant.guardrail).collect()
        };
        let replicas = self.facts.replicas.iter();
        let owners = replicas.filter(|(_, fact)| named.contains(&&fact.arn));
        owners.map(|(replica, _)| Key::Replica(replica.clone())).collect()
    }

    /// Cells whose enforcement references `replica`.
    pub(super) fn cells_of(&self, replica: &ReplicaKey) -> impl Iterator<Item = Key> + '_ {
        let replica = replica.clone();
        self.desired
            .cells
            .iter()
            .filter(move |(_, desired)| desired.replica == replica)
            .map(|(cell, _)| Key::Cell(cell.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(account: &str) -> Cell {
        Cell { account: account.parse().unwrap(), region: "us-east-1".parse().unwrap() }
    }

    /// Else who waits for the one is never woken, because of another's unreadable account.
    #[test]
    fn an_account_that_cannot_be_read_hides_no_answer_that_came_before_it() {
        let (good, bad) = (cell("111122223333"), cell("222233334444"));
        let mut asked = Asked { cells: [good.clone(), bad.clone()].into(), ..Asked::default() };
        assert!(!asked.tried(&Key::Cell(good.clone()), true), "something is left to be tried");
        assert!(asked.tried(&Key::Cell(bad.clone()), false));

        // Nor does it have those who wait ask for it for ever.
        asked.cells.insert(bad.clone());
        assert!(!asked.tried(&Key::Cell(bad), false));
        assert!(!asked.tried(&Key::Cell(good.clone()), true), "nobody asked");
        asked.cells.insert(good.clone());
        asked.policies = true;
        assert!(!asked.tried(&Key::Cell(good), true));
        assert!(asked.tried(&Key::Organization, false));
    }
}
