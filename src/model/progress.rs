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
