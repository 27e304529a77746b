//! Plans a key from what is known. Pure, but for the memory of this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Engine, Intent};
use super::key::Key;
use super::observe::Observed;
use super::state::State;
use crate::model::{Desired, Facts, Name};
use crate::plan::{self, Context, Exam, Plan, ProfilePolicy, Proving, Sightings};

impl Engine {
    /// What the schedule of a guardrail's tests asks for.
    pub(super) fn schedule(
        &self,
        state: &mut State,
        key: &Key,
    ) -> (Option<Exam>, Option<Duration>) {
        let State { desired, facts, replicas, .. } = state;
        let Key::Replica(replica) = key else { return (None, None) };
        let (Some(wanted), Some(fact)) =
            (desired.replicas.get(replica), facts.replicas.get(replica))
        else {
            return (None, None);
        };
        let memory = replicas.entry(replica.clone()).or_default();
        plan::scheduled_exam(wanted, fact, facts, memory, self.time.now())
    }

    /// What every plan is made with.
    pub(super) fn context<'a>(
        &'a self,
        desired: &'a Desired,
        facts: &'a Facts,
        rollouts: &'a BTreeMap<Name, plan::Decision>,
    ) -> Context<'a> {
        Context {
            owner: &self.settings.owner,
            replicas: &desired.replicas,
            enforcements: &desired.enforcements,
            organization: &desired.organization,
            cells: &desired.cells,
            waves: &desired.rollouts,
            organization_waves: &desired.organization_rollouts,
            target_waves: &desired.target_rollouts,
            rollouts,
            kept: &desired.kept,
            facts,
            preflight: Proving {
                profiles: &desired.profiles,
                member_role: self.aws.member_role(),
                is_assumed: self.settings.intent == Intent::Show,
            },
            timing: &self.settings.timing,
            now: self.time.now(),
            wall: self.date(),
        }
    }

    /// Plans `key` from what is known. Pure but for the memory of this process.
    pub(super) fn plan(&self, state: &mut State, key: &Key, observed: &Observed) -> Plan {
        if let (Key::Logging(cell), Observed::Logging(read)) = (key, observed) {
            return self.plan_logging(state, cell, read);
        }
        let mut seen = state.sightings.remove(key).unwrap_or_default();
        let plan = self.plan_with(state, &mut seen, key, observed);
        // Nearly all keys of a fleet at rest have seen nothing that is still to be confirmed.
        if !seen.is_over(self.time.now(), &self.settings.timing) {
            state.sightings.insert(key.clone(), seen);
        }
        plan
    }

    fn plan_with(
        &self,
        state: &mut State,
        seen: &mut Sightings,
        key: &Key,
        observed: &Observed,
    ) -> Plan {
        let State { desired, facts, rollouts, replicas, .. } = state;
        let context = self.context(desired, facts, rollouts);
        match (key, observed) {
            (Key::Organization, Observed::Organization(read)) => {
                self.plan_organization(desired, read, seen, &context)
            }
            (Key::Replica(replica), Observed::Replica(read, _)) => {
                let Some(wanted) = desired.replicas.get(replica) else { return Plan::default() };
                let memory = replicas.entry(replica.clone()).or_default();
                plan::plan_replica(replica, wanted, read, memory, &context)
            }
            (Key::ProfilePolicy(profile), Observed::ProfilePolicy(read)) => {
                let Some(share) = desired.profiles.get(profile) else { return Plan::default() };
                let policy = ProfilePolicy {
                    account: profile.account.clone(),
                    region: profile.region.clone(),
                    resource: profile.arn(&self.aws.caller().partition),
                    shares: vec![share.clone()],
                };
                plan::plan_profile_policy(&policy, read, seen, &context)
            }
            (Key::Rollout(name), Observed::Rollout(_)) => plan::plan_rollout(name, &context),
            (Key::Cell(cell), Observed::Cell(read)) => {
                let wanted = desired.cells.get(cell).map(Arc::as_ref);
                plan::plan_cell(cell, wanted, read, seen, &context)
            }
            (
                Key::Organization
                | Key::Replica(_)
                | Key::ProfilePolicy(_)
                | Key::Rollout(_)
                | Key::Cell(_)
                | Key::Logging(_)
                | Key::Audit(_),
                _,
            ) => Plan::default(),
        }
    }
}
