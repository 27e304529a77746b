//! Where a rollout stands, for those who watch it: the same as [`holds`](super::holds) says in
//! sentences.

use super::cells::with_subject;
use super::decide::{Decision, Stage, Subject, Tally};
use crate::model::{
    EnforcementKey, EnforcementKind, Gate, GateProbe, Name, RolloutProgress, WaveProgress,
    WaveState,
};
use crate::plan::context::Context;

/// How far the rollout of an account enforcement is; `None` where it has none, or that is not
/// decided yet.
pub fn rollout_progress(name: &Name, context: &Context) -> Option<RolloutProgress> {
    let decision = context.rollouts.get(name)?;
    let key = EnforcementKey { kind: EnforcementKind::Account, name: name.clone() };
    let guardrail = context.enforcements.get(&key)?.guardrail.clone();
    with_subject(name, context, |subject| progress(subject, decision, (&key, &guardrail, "cells")))
}

/// How far a rollout is. `noun` is what its places are called.
pub(in crate::plan) fn progress<P: Ord>(
    subject: &Subject<'_, P>,
    decision: &Decision,
    (key, guardrail, noun): (&EnforcementKey, &Name, &'static str),
) -> RolloutProgress {
    let waves = subject.rollout.waves.iter().enumerate().map(|(index, wave)| {
        let Tally { converged, unknown, all, .. } = Tally::of(subject, index..=index);
        // Of all stages only a bake ends by time.
        let state = state(&decision.stage, index);
        let bakes_until = decision.due().filter(|_| state == WaveState::Baking);
        WaveProgress {
            name: wave.name.to_string(),
            state,
            converged,
            unknown,
            all,
            bake_seconds: wave.bake.as_secs(),
            bakes_until,
        }
    });
    RolloutProgress {
        manifest: key.to_string(),
        guardrail: guardrail.to_string(),
        revision: decision.target.short().to_owned(),
        accepted: decision.accepted.as_ref().map(|it| it.short().to_owned()),
        noun: noun.to_owned(),
        gate: gate(&subject.rollout.gate),
        waves: waves.collect(),
    }
}

/// How far the wave with this number is.
fn state(stage: &Stage, index: usize) -> WaveState {
    let (current, its) = match stage {
        Stage::Done | Stage::Accepting => return WaveState::Passed,
        Stage::Reading | Stage::Beginning => return WaveState::Closed,
        Stage::RolledBack => return WaveState::RolledBack,
        Stage::Moving(wave) | Stage::Restarting(wave) | Stage::Verified(wave) => {
            (*wave, WaveState::Moving)
        }
        Stage::Baking(wave, _) => (*wave, WaveState::Baking),
        Stage::Gating(wave) => (*wave, WaveState::Gating),
        Stage::Paused(wave) => (*wave, WaveState::Paused),
        Stage::Halted(wave, _) | Stage::Rejecting(wave) => (*wave, WaveState::Halted),
    };
    match index.cmp(&current) {
        std::cmp::Ordering::Less => WaveState::Passed,
        std::cmp::Ordering::Equal => its,
        std::cmp::Ordering::Greater => WaveState::Closed,
    }
}

fn gate(gate: &Gate) -> String {
    let probe = match &gate.probe {
        GateProbe::None => None,
        GateProbe::ApplyGuardrail => Some("the guardrail is applied in each".to_owned()),
        GateProbe::Converse { model } => Some(format!("{model} is asked in each")),
    };
    let tests = gate.tests.then(|| "its tests are run in each Region".to_owned());
    let tried: Vec<String> = probe.into_iter().chain(tests).collect();
    if tried.is_empty() {
        return "none".to_owned();
    }
    format!("{}; at most {} may fail", tried.join(" and "), gate.failures_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use WaveState::{Baking, Closed, Halted, Passed, RolledBack};

    #[test]
    fn what_lies_before_the_current_wave_is_passed_and_what_lies_behind_is_closed() {
        let until = jiff::Timestamp::UNIX_EPOCH;
        let states = |stage: &Stage| [0, 1, 2].map(|index| state(stage, index));
        assert_eq!(states(&Stage::Baking(1, until)), [Passed, Baking, Closed]);
        assert_eq!(states(&Stage::Rejecting(0)), [Halted, Closed, Closed]);
        assert_eq!(states(&Stage::Beginning), [Closed; 3]);
        assert_eq!(states(&Stage::RolledBack), [RolledBack; 3]);
        assert_eq!(states(&Stage::Accepting), [Passed; 3]);
    }

    #[test]
    fn a_gate_is_a_sentence() {
        assert_eq!(gate(&Gate { probe: GateProbe::None, ..Gate::default() }), "none");
        let text = gate(&Gate { tests: true, failures_max: 2, ..Gate::default() });
        assert_eq!(
            text,
            "the guardrail is applied in each and its tests are run in each Region; at most 2 may \
             fail"
        );
    }
}
