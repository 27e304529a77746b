//! What is wrong with a policy.

use std::fmt;

/// How wrong it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It does not do what it says: it never matches, always matches, or is refused by AWS.
    Wrong,
    /// It does, and something beside it that its author may not want.
    Risky,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule found it.
    pub rule: Rule,
    /// How wrong it is.
    pub grade: Grade,
    /// JSON pointer into the document: `/Statement/0/Action/1`; empty for the whole of it. A
    /// pointer to something that is missing leads to where it should be.
    pub pointer: String,
    /// The offending text, what it does, and what to write instead.
    pub message: String,
}

/// What can be wrong. Names in findings are kebab case and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The document or a statement is not one that AWS accepts.
    Malformed,
    /// More than AWS takes in one policy.
    TooLong,
    /// An action that does not exist.
    UnknownAction,
    /// InvokeModel is denied and InvokeModelWithResponseStream is not, or the reverse.
    StreamingForgotten,
    /// InvokeModel is allowed and ApplyGuardrail is not.
    ApplyGuardrailForgotten,
    /// A condition key that does not exist.
    UnknownKey,
    /// A condition operator that does not exist.
    UnknownOperator,
    /// `ForAllValues` holds when the key is absent.
    AbsentKeyHolds,
    /// A wildcard under an operator that takes it literally.
    LiteralWildcard,
    /// A key that requests of this action do not have.
    KeyNotInRequest,
    /// A multifactor condition on what applications call.
    ServicesHaveNoMfa,
    /// A session's ARN where only the role's is compared.
    SessionArn,
    /// A path of an organization that matches no account, or an operator that takes no paths.
    OrganizationPath,
    /// A value of `bedrock:GuardrailIdentifier` that no request has, or DRAFT.
    GuardrailIdentifier,
    /// Any guardrail will do, an empty one too.
    AnyGuardrail,
    /// What has the guardrail is denied instead of what has it not.
    Inverted,
    /// A version in the ARN of a resource.
    VersionInResource,
    /// The ARN of a guardrail with something else than its id.
    GuardrailName,
    /// The account field of an ARN that has none, or that needs one.
    AccountField,
    /// Something that is no ARN where one belongs.
    NotAnArn,
    /// A model that AWS has retired.
    RetiredModel,
    /// An action that acts on no resource, limited to resources.
    WithoutResource,
    /// More is denied than models.
    DeniesTheRest,
    /// Calls through inference profiles are forgotten.
    ProfilesForgotten,
    /// A principal that AWS refuses or that opens the resource to everybody.
    Principal,
    /// A policy on a guardrail beyond what Bedrock supports there.
    Sharing,
}

impl Rule {
    /// The name that stands in findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLong => "too-long",
            Self::UnknownAction => "unknown-action",
            Self::StreamingForgotten => "streaming-forgotten",
            Self::ApplyGuardrailForgotten => "apply-guardrail-forgotten",
            Self::UnknownKey => "unknown-key",
            Self::UnknownOperator => "unknown-operator",
            Self::AbsentKeyHolds => "absent-key-holds",
            Self::LiteralWildcard => "literal-wildcard",
            Self::KeyNotInRequest => "key-not-in-request",
            Self::ServicesHaveNoMfa => "services-have-no-mfa",
            Self::SessionArn => "session-arn",
            Self::OrganizationPath => "organization-path",
            Self::GuardrailIdentifier => "guardrail-identifier",
            Self::AnyGuardrail => "any-guardrail",
            Self::Inverted => "inverted",
            Self::VersionInResource => "version-in-resource",
            Self::GuardrailName => "guardrail-name",
            Self::AccountField => "account-field",
            Self::NotAnArn => "not-an-arn",
            Self::RetiredModel => "retired-model",
            Self::WithoutResource => "without-resource",
            Self::DeniesTheRest => "denies-the-rest",
            Self::ProfilesForgotten => "profiles-forgotten",
            Self::Principal => "principal",
            Self::Sharing => "sharing",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Finding {
    /// A finding that the policy does not do what it says.
    pub(super) fn wrong(rule: Rule, pointer: &str, message: impl Into<String>) -> Self {
        Self { rule, grade: Grade::Wrong, pointer: pointer.to_owned(), message: message.into() }
    }

    /// A finding at which a person should look.
    pub(super) fn risky(rule: Rule, pointer: &str, message: impl Into<String>) -> Self {
        Self { rule, grade: Grade::Risky, pointer: pointer.to_owned(), message: message.into() }
    }
}
