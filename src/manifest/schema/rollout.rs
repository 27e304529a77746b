//! `rollout` of an enforcement.

use serde::Deserialize;

use super::{TargetSpec, WordOrMap};

shape!(
    /// How a new revision moves through an enforcement.
    RolloutSpec {
        waves: Vec<WaveSpec>,
        gate: GateSpec,
        on_failure: String,
        paused: bool,
        preflight: WordOrMap<PreflightSpec>,
        max_unknown: u32,
    }
);

/// `{Sample: {percent: 10}}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct PreflightSpec {
    #[serde(default, rename = "Sample")]
    pub(in crate::manifest) sample: Option<SampleSpec>,
}

shape!(
    /// A share of the accounts.
    SampleSpec {
        percent: u32,
    }
);
shape!(
    /// One wave.
    WaveSpec {
        name: String,
        targets: Vec<TargetSpec>,
        regions: Vec<String>,
        bake: String,
    }
);
shape!(
    /// What a wave must pass.
    GateSpec {
        probe: WordOrMap<ProbeSpec>,
        tests: bool,
        failures_max: u32,
    }
);

/// A probe with members of its own; named as its word is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct ProbeSpec {
    #[serde(default, rename = "Converse")]
    pub(in crate::manifest) converse: Option<ConverseSpec>,
}

shape!(
    /// A model call.
    ConverseSpec {
        model_id: String,
    }
);
