//! `kind: ServiceControlPolicy`.

use serde::Deserialize;
use serde_json::Value;

use super::{RolloutSpec, TargetSpec};

shape!(
    /// A service control policy: exactly one of the five forms.
    ServiceControlPolicySpec {
        policy_name: String,
        require_guardrail: RequiredGuardrailSpec,
        approved_models: Vec<String>,
        protect_enforcement: ProtectionSpec,
        require_network: NetworkSpec,
        document: Value,
        targets: Vec<TargetSpec>,
        attachment: String,
        on_deselect: String,
        state: String,
        adopt: bool,
        rollout: RolloutSpec,
    }
);
shape!(
    /// Model calls name one of these guardrails.
    RequiredGuardrailSpec {
        guardrails: Vec<String>,
        exempt_roles: Vec<String>,
    }
);
shape!(
    /// Nobody changes what is enforced.
    ProtectionSpec {
        exempt_roles: Vec<String>,
    }
);
shape!(
    /// Model calls come through these.
    NetworkSpec {
        vpc_endpoints: Vec<String>,
        vpcs: Vec<String>,
        exempt_roles: Vec<String>,
    }
);
