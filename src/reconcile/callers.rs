//! Asks IAM about the roles that plans ask about, and keeps the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{debug, info};

use super::engine::Engine;
use super::key::Key;
use super::probe::Probed;
use super::state::State;
use crate::aws::{AwsError, CallerAnswer, ErrorClass};
use crate::model::{
    AccountId, CallerKey, Cell, GuardrailArn, ProbeFact, ProbeOutcome, Revision, RoleName, Version,
};
use crate::plan;

/// Questions of one visit that run at once; the edge bounds all calls together.
const AT_ONCE: usize = 32;

/// Revisions of a guardrail whose answers are remembered, beside the one its manifest asks for:
/// what is in force, and what it moved from.
const REVISIONS_KEPT: usize = 2;

/// What IAM says of one role, or why it says nothing.
type Answer = Result<BTreeMap<GuardrailArn, CallerAnswer>, AwsError>;

impl Engine {
    /// Asks what a plan wants to know of roles, but for what another visit asks: one call for each
    /// role of an account. `began` is when the visit did: what was answered since is not asked.
    ///
    /// # Cancel safety
    ///
    /// What was not answered is asked again by the next plan that needs it.
    pub(super) async fn ask_about_callers(
        &self,
        key: &Key,
        needed: &BTreeSet<CallerKey>,
        began: Duration,
    ) -> Probed {
        let mut probed = Probed::default();
        let claim = self.claim_callers(needed, began);
        if claim.keys.is_empty() {
            probed.is_elsewhere = !needed.is_empty();
            return probed;
        }
        let mut waiting = by_role(&claim.keys).into_values();
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE && !self.stop.is_cancelled() {
                let Some(keys) = waiting.next() else { break };
                let aws = self.aws.clone();
                running.spawn(async move {
                    let guardrails = keys.iter().map(|key| &key.guardrail).collect();
                    let Some(CallerKey { account, role, .. }) = keys.first() else {
                        return (Vec::new(), Ok(BTreeMap::new()));
                    };
                    let answer = aws.may_apply(account, role, &guardrails).await;
                    (keys, answer)
                });
            }
            let ended = tokio::select! {
                // Nothing is lost with an answer that nobody will act on.
                () = self.stop.cancelled() => break,
                ended = running.join_next() => ended,
            };
            let Some(ended) = ended else { break };
            // A question that panicked was not answered.
            if let Ok((keys, answer)) = ended {
                probed.is_new = true;
                let (role, now) = (self.aws.member_role(), self.time.now());
                let mut state = self.state();
                for key in keys {
                    probed.wake.extend(state.learn_caller(key, &answer, role, now));
                }
            }
        }
        probed.wake.remove(key);
        probed
    }

    /// Takes the questions that nobody else asks now or has asked since the plan was made, and says
    /// once how many are ahead.
    fn claim_callers(&self, needed: &BTreeSet<CallerKey>, began: Duration) -> Claim<'_> {
        let mut state = self.state();
        let is_answered =
            |key: &&CallerKey| state.facts.callers.get(key).is_some_and(|fact| fact.at >= began);
        let keys: BTreeSet<CallerKey> =
            needed.difference(&state.asking).filter(|key| !is_answered(key)).cloned().collect();
        state.asking.extend(keys.iter().cloned());
        let generation = state.generation();
        if !keys.is_empty() && state.callers_announced < generation {
            state.callers_announced = generation;
            let ahead = plan::callers_ahead(&state.desired, &state.facts);
            let ahead = ahead.max(by_role(&keys).len());
            info!(
                questions = ahead,
                "before references are written, IAM is asked about the roles of `callerRoles`, up \
                 to {ahead} times: each is one iam:SimulatePrincipalPolicy, which costs nothing"
            );
        }
        Claim { engine: self, keys }
    }

    /// What IAM says now, of one role of an account, about several guardrails.
    ///
    /// # Errors
    ///
    /// What asking again may mend: a throttle, no answer.
    pub async fn callers_now(
        &self,
        account: &AccountId,
        role: &RoleName,
        keys: &BTreeSet<CallerKey>,
    ) -> Result<BTreeMap<CallerKey, ProbeOutcome>, AwsError> {
        let guardrails = keys.iter().map(|key| &key.guardrail).collect();
        let answer = self.aws.may_apply(account, role, &guardrails).await;
        if let Err(error) = &answer
            && error.class.is_transient()
        {
            return Err(error.clone());
        }
        let member_role = self.aws.member_role();
        Ok(keys.iter().map(|key| (key.clone(), outcome(key, &answer, member_role))).collect())
    }

    /// How many questions about roles come before everything desired is in force, at most.
    pub fn callers_ahead(&self) -> usize {
        let state = self.state();
        plan::callers_ahead(&state.desired, &state.facts)
    }
}

/// What one call can answer.
fn by_role(keys: &BTreeSet<CallerKey>) -> BTreeMap<(&AccountId, &RoleName), Vec<CallerKey>> {
    let mut by_role: BTreeMap<_, Vec<CallerKey>> = BTreeMap::new();
    for key in keys {
        by_role.entry((&key.account, &key.role)).or_default().push(key.clone());
    }
    by_role
}

/// Questions that one visit asks; given back however it ends.
struct Claim<'a> {
    engine: &'a Engine,
    keys: BTreeSet<CallerKey>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.engine.state().asking.retain(|key| !self.keys.contains(key));
    }
}

impl State {
    /// Keeps what IAM said of a role. Returns the keys that may wait for it.
    fn learn_caller(
        &mut self,
        key: CallerKey,
        answer: &Answer,
        member_role: &str,
        now: Duration,
    ) -> BTreeSet<Key> {
        let outcome = outcome(&key, answer, member_role);
        debug!(%key, ?outcome, "IAM was asked");
        let before = self.facts.callers.get(&key).map_or(0, |fact| fact.failures);
        let failures = if outcome == ProbeOutcome::Passed { 0 } else { before + 1 };
        let region = key.guardrail.region.clone();
        let cell = Key::Cell(Cell { account: key.account.clone(), region });
        self.facts.callers.insert(key, ProbeFact { outcome, at: now, failures });
        [cell, Key::Organization].into_iter().filter(|key| self.waiting.contains(key)).collect()
    }

    /// Keeps that the roles of a cell lived with what it had in force and lost: putting it back
    /// needs no question (S15).
    pub(super) fn callers_were_served(
        &mut self,
        cell: &Cell,
        (guardrail, version): (&GuardrailArn, Version),
        at: Duration,
    ) {
        let Some(desired) = self.desired.cells.get(cell) else { return };
        let revision = self.revision_of(guardrail, version).cloned();
        for role in desired.preflight.callers.iter() {
            let key = CallerKey {
                account: cell.account.clone(),
                role: role.clone(),
                guardrail: guardrail.clone(),
                revision: revision.clone(),
            };
            let fact = ProbeFact { outcome: ProbeOutcome::Passed, at, failures: 0 };
            self.facts.callers.insert(key, fact);
        }
    }

    fn revision_of(&self, guardrail: &GuardrailArn, version: Version) -> Option<&Revision> {
        plan::revision_of((guardrail, version), &self.desired.replicas, &self.facts)
    }

    /// Forgets answers about revisions that nothing will move to, and about guardrails that are
    /// gone.
    pub(super) fn retain_callers(&mut self) {
        let mut kept: BTreeMap<GuardrailArn, BTreeSet<Revision>> = BTreeMap::new();
        for (key, fact) in &self.facts.replicas {
            let mut newest: Vec<(&Version, &Revision)> =
                fact.revisions.iter().map(|(revision, version)| (version, revision)).collect();
            newest.sort_by(|one, other| other.cmp(one));
            let newest = newest.into_iter().take(REVISIONS_KEPT).map(|(_, revision)| revision);
            let wanted = self.desired.replicas.get(key).map(|it| &it.revision);
            kept.insert(fact.arn.clone(), newest.chain(wanted).cloned().collect());
        }
        self.facts.callers.retain(|key, _| {
            let revisions = kept.get(&key.guardrail);
            revisions.is_some_and(|it| key.revision.as_ref().is_none_or(|key| it.contains(key)))
        });
    }
}

/// What an answer means for a role and one guardrail.
fn outcome(key: &CallerKey, answer: &Answer, member_role: &str) -> ProbeOutcome {
    let CallerKey { account, role, .. } = key;
    let error = match answer {
        Ok(answers) => {
            return match answers.get(&key.guardrail) {
                Some(CallerAnswer::Allowed) => ProbeOutcome::Passed,
                Some(CallerAnswer::Denied(why)) => ProbeOutcome::Denied(why.clone()),
                Some(CallerAnswer::Depends(keys)) => unknown(format!(
                    "whether the role {role} of {account} may apply it depends on {}, which only \
                     a call of its own has; prove it by hand, and take the role out of \
                     `callerRoles`",
                    keys.join(", ")
                )),
                None => unknown(format!("IAM said nothing of the role {role} of {account}")),
            };
        }
        Err(error) => error,
    };
    let is_of_the_call = error.operation.starts_with("iam:");
    match error.class {
        // Who does not exist calls nothing.
        ErrorClass::NotFound if is_of_the_call => ProbeOutcome::Passed,
        ErrorClass::Denied if is_of_the_call => unknown(format!(
            "the role {role} of {account} could not be checked: {error}; allow \
             iam:SimulatePrincipalPolicy on its role/{role} to the role {member_role}"
        )),
        ErrorClass::NotFound
        | ErrorClass::Denied
        | ErrorClass::NotAssumable
        | ErrorClass::Invalid
        | ErrorClass::RegionUnavailable
        | ErrorClass::Throttled
        | ErrorClass::Unavailable
        | ErrorClass::Conflict
        | ErrorClass::Quota
        | ErrorClass::InUse
        | ErrorClass::Expired
        | ErrorClass::Unknown => ProbeOutcome::Unknown {
            message: format!("the role {role} of {account} could not be checked: {error}"),
            is_transient: error.class.is_transient(),
        },
    }
}

fn unknown(message: String) -> ProbeOutcome {
    ProbeOutcome::Unknown { message, is_transient: false }
}
