//! What the user types, field for field. Every field is optional: what is missing is reported by
//! [`validate`](super::validate), together with everything else that is wrong.

mod decode;
mod hints;
mod word;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub(super) use decode::{decode, refuse_nothing};
pub(super) use word::{WordOrList, WordOrMap};

use crate::model::Content;
use crate::model::content::CrossRegionConfig;

/// The one version of the schema.
pub(super) const API_VERSION: &str = "bedrail.dev/v1alpha1";

/// Declares a struct of optional fields in camel case that knows no others.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub(in crate::manifest) struct $name {
            $(#[serde(default)] pub(in crate::manifest) $field: Option<$type>,)*
        }
    };
}

mod control;
mod logging;
mod rollout;

pub(super) use control::{
    NetworkSpec, ProtectionSpec, RequiredGuardrailSpec, ServiceControlPolicySpec,
};
pub(super) use logging::{BucketSpec, InvocationLoggingSpec, LogGroupSpec, LoggingConfigSpec};
pub(super) use rollout::{GateSpec, PreflightSpec, ProbeSpec, RolloutSpec, WaveSpec};

shape!(
    /// What all kinds have.
    Envelope {
        api_version: String,
        kind: String,
        metadata: Metadata,
        spec: Value,
    }
);
shape!(
    /// Who a manifest is.
    Metadata {
        name: String,
        former_names: Vec<String>,
    }
);
shape!(
    /// A guardrail.
    GuardrailSpec {
        guardrail_name: String,
        regions: Vec<String>,
        accounts: WordOrList<TargetSpec>,
        content: Content,
        region_overrides: BTreeMap<String, OverrideSpec>,
        cross_region: String,
        share_with: WordOrList<String>,
        tags: BTreeMap<String, String>,
        revision_history_limit: u32,
        keep_versions: Vec<u32>,
        draft: String,
        state: String,
        adopt: bool,
        tests: Vec<TestSpec>,
        test_interval: String,
    }
);
shape!(
    /// One test of a guardrail.
    TestSpec {
        name: String,
        text: String,
        source: String,
        action: String,
    }
);
shape!(
    /// What one Region has of its own.
    OverrideSpec {
        kms_key_id: String,
        cross_region_config: CrossRegionConfig,
    }
);
shape!(
    /// An organization enforcement.
    OrganizationEnforcementSpec {
        policy_name: String,
        guardrail: WordOrMap<ReferenceSpec>,
        regions: Vec<String>,
        model_enforcement: ModelsSpec,
        selective_content_guarding: GuardingSpec,
        allow_override: bool,
        targets: Vec<TargetSpec>,
        on_deselect: String,
        state: String,
        adopt: bool,
        rollout: RolloutSpec,
        caller_roles: Vec<String>,
    }
);
shape!(
    /// An account enforcement.
    AccountEnforcementSpec {
        guardrail: WordOrMap<ReferenceSpec>,
        regions: Vec<String>,
        model_enforcement: ModelsSpec,
        selective_content_guarding: GuardingSpec,
        targets: Vec<TargetSpec>,
        on_foreign: String,
        on_deselect: String,
        state: String,
        rollout: RolloutSpec,
        caller_roles: Vec<String>,
    }
);
shape!(
    /// Consent to a held plan.
    ApprovalSpec {
        plan: String,
        expires: String,
    }
);
shape!(
    /// A guardrail by name, at one revision.
    ReferenceSpec {
        name: String,
        revision: String,
    }
);
shape!(
    /// `modelEnforcement` of PutEnforcedGuardrailConfiguration.
    ModelsSpec {
        included_models: Vec<String>,
        excluded_models: Vec<String>,
    }
);
shape!(
    /// `selectiveContentGuarding` of the same.
    GuardingSpec {
        system: String,
        messages: String,
    }
);
shape!(
    /// One target: exactly one of the fields.
    TargetSpec {
        organization: bool,
        organizational_unit: String,
        account: String,
        accounts_with_tags: BTreeMap<String, String>,
    }
);
