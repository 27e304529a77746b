//! `kind: ServiceControlPolicy`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::choices::{ATTACHMENTS, ON_DESELECT, STATES, words};
use super::texts::{DurationText, NameText, Targets};
use super::{RolloutSpec, TargetSpec, WaveSpec, limits};

/// The forms, of which a manifest has exactly one.
const FORMS: [&str; 5] =
    ["requireGuardrail", "approvedModels", "protectEnforcement", "requireNetwork", "document"];

/// One of the forms, as a schema says it.
fn one_form() -> Vec<Value> {
    FORMS.iter().map(|form| serde_json::json!({"required": [form]})).collect()
}

shape!(
    /// A service control policy: exactly one of the five forms.
    #[schemars(extend("oneOf" = one_form()))]
    ServiceControlPolicySpec {
        /// The name of its policy in AWS, where it is not made of the owner and `metadata.name`.
        #[schemars(length(min = limits::POLICY_NAME.0, max = limits::POLICY_NAME.1))]
        policy_name: String,
        /// Calls of models must name one of these guardrails. Who relies on an enforced guardrail
        /// alone is denied.
        require_guardrail: RequiredGuardrailSpec,
        /// Patterns of the models that may be called, by themselves or through an inference
        /// profile: `anthropic.claude-*`.
        #[schemars(
            length(min = 1),
            inner(
                length(min = limits::MODEL.0, max = limits::MODEL.1),
                regex(pattern = "^[0-9a-zA-Z.:*?/_-]+$")
            )
        )]
        approved_models: Vec<String>,
        /// Nobody but the exempt changes what is enforced. Bedrail's member role is exempt.
        protect_enforcement: ProtectionSpec,
        /// Calls of models must come through the company's network.
        require_network: NetworkSpec,
        /// Any service control policy. One that cannot mean what it says is an error.
        #[schemars(with = "Option<Map<String, Value>>")]
        document: Value,
        /// What it is attached to.
        #[schemars(required, with = "Option<Targets>")]
        targets: Vec<TargetSpec>,
        /// Exclusive detaches the policies of others from its targets, which is counted as a loss.
        #[schemars(extend("enum" = words(&ATTACHMENTS), "default" = "Additive"))]
        attachment: String,
        /// What happens where a selector ceased to select although the text is unchanged.
        #[schemars(extend("enum" = words(&ON_DESELECT), "default" = "Keep"))]
        on_deselect: String,
        /// Absent takes it away everywhere.
        #[schemars(extend("enum" = words(&STATES), "default" = "Present"))]
        state: String,
        /// Take over a policy of this name that is live and has no owner; needs `policyName`.
        #[schemars(extend("default" = false))]
        adopt: bool,
        /// Where a changed policy goes first; to one account, and then everywhere, when absent.
        rollout: ControlRolloutSpec,
    }
);
shape!(
    /// Model calls name one of these guardrails.
    RequiredGuardrailSpec {
        /// Names of their manifests; placed in the management account.
        #[schemars(required, with = "Option<Vec<NameText>>", length(min = 1))]
        guardrails: Vec<String>,
        /// Roles it does not bind, by name; `*` and `?` stand for others.
        #[schemars(inner(length(min = limits::ROLE.0, max = limits::ROLE.1)))]
        exempt_roles: Vec<String>,
    }
);
shape!(
    /// Nobody changes what is enforced.
    ProtectionSpec {
        /// Roles it does not bind, by name; `*` and `?` stand for others. Name the one that
        /// deploys the member role: `stacksets-exec-*`.
        #[schemars(inner(length(min = limits::ROLE.0, max = limits::ROLE.1)))]
        exempt_roles: Vec<String>,
    }
);
shape!(
    /// Model calls come through these; endpoints, networks or both.
    NetworkSpec {
        /// Ids of VPC endpoints.
        #[schemars(length(min = 1), inner(regex(pattern = "^vpce-[0-9a-fA-F]{8,}$")))]
        vpc_endpoints: Vec<String>,
        /// Ids of VPCs.
        #[schemars(length(min = 1), inner(regex(pattern = "^vpc-[0-9a-fA-F]{8,}$")))]
        vpcs: Vec<String>,
        /// Roles it does not bind, by name; `*` and `?` stand for others.
        #[schemars(inner(length(min = limits::ROLE.0, max = limits::ROLE.1)))]
        exempt_roles: Vec<String>,
    }
);
shape!(
    /// How a changed policy moves through its targets. It passes a wave when Bedrail's own role is
    /// still let in there, and is taken back where it is not.
    ControlRolloutSpec {
        /// The waves, one after the other; the last selects everything that is left.
        #[schemars(required, length(min = limits::WAVES.0, max = limits::WAVES.1))]
        waves: Vec<ControlWaveSpec>,
        /// Nothing moves from one wave to the next while this is true.
        #[schemars(extend("default" = false))]
        paused: bool,
    }
);
shape!(
    /// One wave. It selects everything when it has no targets.
    ControlWaveSpec {
        /// Its name.
        #[schemars(required, with = "Option<NameText>")]
        name: String,
        /// What the policy is attached to; everything when absent.
        #[schemars(with = "Option<Targets>")]
        targets: Vec<TargetSpec>,
        /// How long it must hold before the next wave opens, 30 days at most; not at all when
        /// absent.
        #[schemars(with = "Option<DurationText>")]
        bake: String,
    }
);

impl From<&ControlRolloutSpec> for RolloutSpec {
    fn from(ControlRolloutSpec { waves, paused }: &ControlRolloutSpec) -> Self {
        let waves = waves.as_ref().map(|waves| waves.iter().map(WaveSpec::from).collect());
        Self { waves, paused: *paused, ..Self::default() }
    }
}

impl From<&ControlWaveSpec> for WaveSpec {
    fn from(ControlWaveSpec { name, targets, bake }: &ControlWaveSpec) -> Self {
        let (name, targets, bake) = (name.clone(), targets.clone(), bake.clone());
        Self { name, targets, regions: None, bake }
    }
}
