//! Makes the probes that plans ask for, and keeps what they show.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{debug, info};

use super::engine::Engine;
use super::key::Key;
use super::state::State;
use super::visit::{Next, Visited};
use crate::aws::{AwsError, ErrorClass, GuardrailVersion, ProbeAnswer, Side};
use crate::model::{Cell, GuardrailArn, ProbeFact, ProbeKey, ProbeOutcome, Version};
use crate::plan;

/// What is sent: short, since it is billed, and harmless, though what a guardrail thinks of it does
/// not matter.
const TEXT: &str = "Hello.";

/// Probes of one visit that run at once; the edge bounds all calls together.
const AT_ONCE: usize = 64;

/// Versions of a guardrail whose probes are remembered: what is in force, and what it moves to.
const VERSIONS_KEPT: usize = 2;

/// What became of the probes of one visit.
#[derive(Debug, Default)]
pub(super) struct Probed {
    /// Some were made, so the plan can be made anew.
    pub(super) is_new: bool,
    /// Some are being made by the visit of another key.
    pub(super) is_elsewhere: bool,
    /// Keys that wait for what was found out.
    pub(super) wake: BTreeSet<Key>,
}

impl Probed {
    /// Both as one.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.is_new |= other.is_new;
        self.is_elsewhere |= other.is_elsewhere;
        self.wake.extend(other.wake);
        self
    }

    /// Brings the visited key back as soon as its plan can be another.
    pub(super) fn bring_back(self, mut visited: Visited, settle: Duration) -> Visited {
        visited.wake.extend(self.wake);
        let wait = match (self.is_new, self.is_elsewhere) {
            (true, _) => Duration::ZERO,
            (false, true) => settle,
            (false, false) => return visited,
        };
        visited.next = match visited.next {
            Next::Done => Next::After(wait),
            // What was written meanwhile wants to settle.
            Next::After(later) if self.is_new => Next::After(later.min(settle)),
            Next::After(later) => Next::After(later.min(wait)),
            Next::Backoff | Next::SlowDown => visited.next,
        };
        visited
    }
}

impl Engine {
    /// Makes the probes of a plan, but for those that another visit makes.
    ///
    /// # Cancel safety
    ///
    /// What was not answered is asked again by the next plan that needs it.
    pub(super) async fn probe(&self, key: &Key, needed: &BTreeSet<ProbeKey>) -> Probed {
        let mut probed = Probed::default();
        let claim = self.claim(needed);
        if claim.probes.is_empty() {
            probed.is_elsewhere = !needed.is_empty();
            return probed;
        }
        let mut waiting = claim.probes.iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < AT_ONCE && !self.stop.is_cancelled() {
                let Some(probe) = waiting.next().cloned() else { break };
                let aws = self.aws.clone();
                running.spawn(async move {
                    let ProbeKey { cell, guardrail, version } = probe.clone();
                    let guardrail = GuardrailVersion { arn: guardrail, version };
                    (probe, aws.apply_guardrail(&cell, &guardrail, Side::Input, TEXT).await)
                });
            }
            let ended = tokio::select! {
                // Nothing is lost with an answer that nobody will act on.
                () = self.stop.cancelled() => break,
                ended = running.join_next() => ended,
            };
            let Some(ended) = ended else { break };
            // A probe that panicked was not answered.
            if let Ok((probe, answer)) = ended {
                probed.is_new = true;
                let mut state = self.state();
                probed.wake.extend(state.learn_probe(probe, &answer, self.time.now()));
            }
        }
        probed.wake.remove(key);
        probed
    }

    /// Takes the probes that nobody else makes now, and says once how many are ahead.
    fn claim(&self, needed: &BTreeSet<ProbeKey>) -> Claim<'_> {
        let mut state = self.state();
        let probes: BTreeSet<ProbeKey> = needed.difference(&state.probing).cloned().collect();
        state.probing.extend(probes.iter().cloned());
        let generation = state.generation();
        if !probes.is_empty() && state.probes_announced < generation {
            state.probes_announced = generation;
            let ahead = plan::probes_ahead(&state.desired, &state.facts).max(probes.len());
            info!(
                probes = ahead,
                "before references are written, up to {ahead} probes are made from inside accounts: \
                 each is one bedrock:ApplyGuardrail, billed to its account"
            );
        }
        Claim { engine: self, probes }
    }

    /// How many probes come before everything desired is in force, at most.
    pub fn probes_ahead(&self) -> usize {
        let state = self.state();
        plan::probes_ahead(&state.desired, &state.facts)
    }
}

/// Probes that one visit makes; given back however it ends.
struct Claim<'a> {
    engine: &'a Engine,
    probes: BTreeSet<ProbeKey>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.engine.state().probing.retain(|probe| !self.probes.contains(probe));
    }
}

impl State {
    /// Keeps what a probe has shown. Returns the keys that may wait for it.
    fn learn_probe(
        &mut self,
        probe: ProbeKey,
        answer: &Result<ProbeAnswer, AwsError>,
        now: Duration,
    ) -> BTreeSet<Key> {
        let outcome = match answer {
            Ok(_) => ProbeOutcome::Passed,
            Err(error) => failed(error),
        };
        debug!(%probe, ?outcome, "probed");
        let before = self.facts.probes.get(&probe).map_or(0, |fact| fact.failures);
        let failures = if outcome == ProbeOutcome::Passed { 0 } else { before + 1 };
        let cell = Key::Cell(probe.cell.clone());
        self.facts.probes.insert(probe, ProbeFact { outcome, at: now, failures });
        [cell, Key::Organization].into_iter().filter(|key| self.waiting.contains(key)).collect()
    }

    /// Keeps what a cell had in force and lost: putting it back needs no probe (S15).
    pub(super) fn was_in_force(
        &mut self,
        cell: &Cell,
        (guardrail, version): (GuardrailArn, Version),
        at: Duration,
    ) {
        self.callers_were_served(cell, (&guardrail, version), at);
        let key = ProbeKey { cell: cell.clone(), guardrail, version };
        let fact = ProbeFact { outcome: ProbeOutcome::Passed, at, failures: 0 };
        self.facts.probes.insert(key, fact);
    }

    /// Forgets probes of versions that nothing will move to, and of guardrails that are gone.
    pub(super) fn retain_probes(&mut self) {
        let facts = &mut self.facts;
        let kept: BTreeMap<&GuardrailArn, BTreeSet<Version>> = facts
            .replicas
            .values()
            .map(|fact| {
                let versions: BTreeSet<Version> = fact.versions.values().copied().collect();
                (&fact.arn, versions.into_iter().rev().take(VERSIONS_KEPT).collect())
            })
            .collect();
        facts.probes.retain(|key, _| {
            kept.get(&key.guardrail).is_some_and(|versions| versions.contains(&key.version))
        });
        self.retain_callers();
    }
}

/// What an error says about the guardrail.
fn failed(error: &AwsError) -> ProbeOutcome {
    let message = error.to_string();
    // Without a session nothing was asked of the guardrail.
    if !error.operation.starts_with("bedrock:") {
        return ProbeOutcome::Unknown { message, is_transient: error.class.is_transient() };
    }
    match error.class {
        ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Invalid => {
            ProbeOutcome::Denied(message)
        }
        // Where nothing can be called, nothing can break.
        ErrorClass::RegionUnavailable => ProbeOutcome::Passed,
        ErrorClass::Throttled
        | ErrorClass::Unavailable
        | ErrorClass::Conflict
        | ErrorClass::Quota
        | ErrorClass::InUse
        | ErrorClass::NotAssumable
        | ErrorClass::Expired
        | ErrorClass::Unknown => ProbeOutcome::Unknown { message, is_transient: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(next: Next) -> Visited {
        Visited { next, wake: BTreeSet::new() }
    }

    #[test]
    fn a_key_comes_back_at_once_when_its_probes_were_made_and_soon_when_another_makes_them() {
        let settle = Duration::from_secs(1);
        let made = || Probed { is_new: true, ..Probed::default() };
        let elsewhere = || Probed { is_elsewhere: true, ..Probed::default() };
        let hour = Duration::from_hours(1);
        let rows = [
            (made(), Next::Done, Next::After(Duration::ZERO)),
            (made(), Next::After(hour), Next::After(settle)),
            (made(), Next::Backoff, Next::Backoff),
            (elsewhere(), Next::Done, Next::After(settle)),
            (elsewhere(), Next::After(hour), Next::After(settle)),
            (Probed::default(), Next::Done, Next::Done),
            (Probed::default(), Next::After(hour), Next::After(hour)),
        ];
        for (probed, next, expected) in rows {
            let shown = format!("{probed:?} {next:?}");
            assert_eq!(probed.bring_back(visited(next), settle).next, expected, "{shown}");
        }
    }

    #[test]
    fn probes_of_versions_that_nothing_moves_to_are_forgotten() {
        let arn: GuardrailArn =
            "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123".parse().unwrap();
        let cell =
            Cell { account: "222233334444".parse().unwrap(), region: "us-east-1".parse().unwrap() };
        let mut state = State::default();
        let versions: Vec<Version> = (1..=4).map(|n: u32| n.to_string().parse().unwrap()).collect();
        for version in &versions {
            state.was_in_force(&cell, (arn.clone(), *version), Duration::ZERO);
        }
        let named = |version: &Version| {
            let digits = format!("{:032x}", versions.iter().position(|it| it == version).unwrap());
            (digits.parse().unwrap(), *version)
        };
        let fact = crate::model::ReplicaFact {
            arn,
            versions: versions.iter().map(named).collect(),
            revisions: BTreeMap::new(),
            policy: None,
            not_enforceable: BTreeSet::new(),
            profiles: BTreeMap::new(),
            enforcements: BTreeMap::new(),
            rollouts: BTreeMap::new(),
        };
        let key = crate::model::ReplicaKey {
            guardrail: "baseline".parse().unwrap(),
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
        };
        state.facts.replicas.insert(key, fact);
        state.retain_probes();
        let kept: Vec<Version> = state.facts.probes.keys().map(|key| key.version).collect();
        assert_eq!(kept, versions[2..]);
        state.facts.replicas.clear();
        state.retain_probes();
        assert!(state.facts.probes.is_empty(), "the guardrail is gone");
    }
}
