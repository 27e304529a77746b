//! `rollout` of an enforcement.

use schemars::JsonSchema;
use serde::Deserialize;

use super::choices::{ON_FAILURE, words};
use super::texts::{DurationText, Preflight, Probe, Regions, Targets};
use super::{NameText, TargetSpec, WordOrMap, limits};

/// Fields that say something of waves, and nothing without them.
fn of_waves() -> serde_json::Value {
    serde_json::json!({"gate": ["waves"], "onFailure": ["waves"], "paused": ["waves"]})
}

shape!(
    /// How a new revision moves through an enforcement.
    #[schemars(extend("dependencies" = of_waves()))]
    RolloutSpec {
        /// The waves, one after the other; the last selects everything that is left.
        #[schemars(length(min = limits::WAVES.0, max = limits::WAVES.1))]
        waves: Vec<WaveSpec>,
        /// What a wave must pass before the next opens.
        gate: GateSpec,
        /// What happens when a wave does not pass: it waits, or what moved goes back.
        #[schemars(extend("enum" = words(&ON_FAILURE), "default" = "Halt"))]
        on_failure: String,
        /// Nothing moves from one revision to another while this is true.
        #[schemars(extend("default" = false))]
        paused: bool,
        /// From where a new version is tried out before it is referenced there: every account and
        /// Region, a share of the accounts (`{Sample: {percent: 10}}`), or none.
        #[schemars(with = "Option<Preflight>", extend("default" = "Every"))]
        preflight: WordOrMap<PreflightSpec>,
        /// Accounts of an attachment from which no answer may come, before it waits.
        #[schemars(extend("default" = 0))]
        max_unknown: u32,
    }
);

/// A try-out with members of its own; named as its word is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct PreflightSpec {
    /// A share of the accounts.
    #[serde(rename = "Sample")]
    #[schemars(required)]
    pub(in crate::manifest) sample: Option<SampleSpec>,
}

shape!(
    /// A share of the accounts.
    SampleSpec {
        /// How many, in per cent; at least one is tried.
        #[schemars(required, range(min = limits::PERCENT.0, max = limits::PERCENT.1))]
        percent: u32,
    }
);
shape!(
    /// One wave. It selects everything when it has neither targets nor Regions.
    WaveSpec {
        /// Its name.
        #[schemars(required, with = "Option<NameText>")]
        name: String,
        /// What it moves; everything when absent.
        #[schemars(with = "Option<Targets>")]
        targets: Vec<TargetSpec>,
        /// Where; every Region of the enforcement when absent.
        #[schemars(with = "Option<Regions>")]
        regions: Vec<String>,
        /// How long it must hold before the next wave opens, 30 days at most; not at all when
        /// absent.
        #[schemars(with = "Option<DurationText>")]
        bake: String,
    }
);
shape!(
    /// What a wave must pass.
    GateSpec {
        /// What is asked in a place that moved: nothing, whether the version can be applied, or a
        /// model (`{Converse: {modelId: …}}`).
        #[schemars(with = "Option<Probe>", extend("default" = "ApplyGuardrail"))]
        probe: WordOrMap<ProbeSpec>,
        /// Whether the guardrail's own tests are run through a member of the wave.
        #[schemars(extend("default" = false))]
        tests: bool,
        /// Places of a wave that may fail.
        #[schemars(extend("default" = 0))]
        failures_max: u32,
    }
);

/// A probe with members of its own; named as its word is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct ProbeSpec {
    /// A model call, which AWS bills.
    #[serde(rename = "Converse")]
    #[schemars(required)]
    pub(in crate::manifest) converse: Option<ConverseSpec>,
}

shape!(
    /// A model call.
    ConverseSpec {
        /// The model that is called.
        #[schemars(required)]
        model_id: String,
    }
);
