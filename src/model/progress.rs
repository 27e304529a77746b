//! How far a rollout is, for those who watch it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far one rollout is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutProgress {
    /// The manifest: `AccountEnforcement/everywhere`.
    pub manifest: String,
    /// The name of its guardrail.
    pub guardrail: String,
    /// The revision that is rolled out, shortened.
    pub revision: String,
    /// The revision in force before, shortened; `None` while that is not known, or was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// What the waves move: `cells`, `Regions`, `places`.
    pub noun: String,
    /// What a wave must pass before the next one opens, in a sentence.
    pub gate: String,
    /// In order.
    pub waves: Vec<WaveProgress>,
}

impl RolloutProgress {
    /// How far it is, in a word, and the wave that is open of all: from 1 on, all of them once it is
    /// done, 0 while that is not known and where the revision was taken back.
    pub fn stage(&self) -> (&'static str, usize) {
        let open = self.waves.iter().position(|wave| wave.state != WaveState::Passed);
        let Some((open, wave)) = open.and_then(|at| Some((at, self.waves.get(at)?))) else {
            return ("Done", self.waves.len());
        };
        match wave.state {
            WaveState::Closed => ("Reading", 0),
            WaveState::RolledBack => ("RolledBack", 0),
            WaveState::Moving => ("Moving", open + 1),
            WaveState::Baking => ("Baking", open + 1),
            WaveState::Gating => ("Gating", open + 1),
            WaveState::Paused => ("Paused", open + 1),
            WaveState::Halted => ("Halted", open + 1),
            WaveState::Passed => ("Done", self.waves.len()),
        }
    }
}

/// How far one wave is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveProgress {
    /// Its name.
    pub name: String,
    /// In one word.
    pub state: WaveState,
    /// Places that have the revision.
    pub converged: usize,
    /// Places that were not read.
    pub unknown: usize,
    /// Places in all.
    pub all: usize,
    /// How long it stays complete before it is passed, in seconds.
    pub bake_seconds: u64,
    /// When that has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bakes_until: Option<Timestamp>,
}

/// How far a wave is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WaveState {
    /// It has the revision and passed its gate.
    Passed,
    /// Its places move.
    Moving,
    /// It is complete and stays so for a while.
    Baking,
    /// It is tried.
    Gating,
    /// The text says that nothing moves.
    Paused,
    /// It waits for a person.
    Halted,
    /// It waits for the waves before it.
    Closed,
    /// What it had of the revision goes back.
    RolledBack,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_that_of_the_first_wave_that_has_not_passed() {
        use WaveState::{Baking, Closed, Halted, Passed, RolledBack};
        for (states, expected) in [
            ([Passed, Passed, Passed], ("Done", 3)),
            ([Passed, Baking, Closed], ("Baking", 2)),
            ([Halted, Closed, Closed], ("Halted", 1)),
            ([Closed, Closed, Closed], ("Reading", 0)),
            ([RolledBack, RolledBack, RolledBack], ("RolledBack", 0)),
        ] {
            let wave = |state| WaveProgress {
                name: "w".to_owned(),
                state,
                converged: 0,
                unknown: 0,
                all: 1,
                bake_seconds: 0,
                bakes_until: None,
            };
            let progress = RolloutProgress {
                manifest: "OrganizationEnforcement/e".to_owned(),
                guardrail: "g".to_owned(),
                revision: "r".to_owned(),
                accepted: None,
                noun: "Regions".to_owned(),
                gate: String::new(),
                waves: states.map(wave).into(),
            };
            assert_eq!(progress.stage(), expected, "{states:?}");
        }
    }
}
