//! The kinds of manifests.

use schemars::{Schema, SchemaGenerator};

use super::{
    AccountEnforcementSpec, ApprovalSpec, GuardrailSpec, InvocationLoggingSpec,
    OrganizationEnforcementSpec, ServiceControlPolicySpec,
};

/// What a manifest is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::manifest) enum Kind {
    /// A guardrail.
    Guardrail,
    /// A guardrail in organization policies.
    OrganizationEnforcement,
    /// A guardrail in enforced configurations.
    AccountEnforcement,
    /// A service control policy.
    ServiceControlPolicy,
    /// Where calls of models are logged.
    InvocationLogging,
    /// Consent to a held plan.
    Approval,
}

impl Kind {
    /// All of them, in the order in which they are listed.
    pub(in crate::manifest) const ALL: [Self; 6] = [
        Self::Guardrail,
        Self::OrganizationEnforcement,
        Self::AccountEnforcement,
        Self::ServiceControlPolicy,
        Self::InvocationLogging,
        Self::Approval,
    ];

    /// As `kind:` spells it.
    pub(in crate::manifest) fn name(self) -> &'static str {
        match self {
            Self::Guardrail => "Guardrail",
            Self::OrganizationEnforcement => "OrganizationEnforcement",
            Self::AccountEnforcement => "AccountEnforcement",
            Self::ServiceControlPolicy => "ServiceControlPolicy",
            Self::InvocationLogging => "InvocationLogging",
            Self::Approval => "Approval",
        }
    }

    /// The kind of a name.
    pub(in crate::manifest) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The schema of its `spec`: of the very type that it is read into.
    pub(in crate::manifest) fn spec(self, generator: &mut SchemaGenerator) -> Schema {
        match self {
            Self::Guardrail => generator.subschema_for::<GuardrailSpec>(),
            Self::OrganizationEnforcement => {
                generator.subschema_for::<OrganizationEnforcementSpec>()
            }
            Self::AccountEnforcement => generator.subschema_for::<AccountEnforcementSpec>(),
            Self::ServiceControlPolicy => generator.subschema_for::<ServiceControlPolicySpec>(),
            Self::InvocationLogging => generator.subschema_for::<InvocationLoggingSpec>(),
            Self::Approval => generator.subschema_for::<ApprovalSpec>(),
        }
    }
}
