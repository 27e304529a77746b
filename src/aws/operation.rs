//! The operations this room calls, and how fast each may be called.

use super::limiter::Rate;

/// What limits an operation together with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Reads of the Bedrock control plane.
    Read,
    /// Writes to the Bedrock control plane.
    Write,
    /// Bedrock runtime.
    Inference,
    /// Organizations: each operation has its own bucket.
    Organizations,
    /// STS.
    Sts,
}

/// One operation of one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// `service:Operation`, as IAM spells the service.
    pub(super) name: &'static str,
    /// What limits it.
    pub(super) kind: Kind,
}

/// Declares operations.
macro_rules! operations {
    ($($constant:ident: $kind:ident $name:literal,)*) => {
        $(pub(super) const $constant: Operation = Operation { name: $name, kind: Kind::$kind };)*
    };
}

operations! {
    LIST_GUARDRAILS: Read "bedrock:ListGuardrails",
    GET_GUARDRAIL: Read "bedrock:GetGuardrail",
    LIST_TAGS: Read "bedrock:ListTagsForResource",
    GET_RESOURCE_POLICY: Read "bedrock:GetResourcePolicy",
    LIST_ENFORCED: Read "bedrock:ListEnforcedGuardrailsConfiguration",
    GET_LOGGING: Read "bedrock:GetModelInvocationLoggingConfiguration",
    LIST_MODELS: Read "bedrock:ListFoundationModels",
    CREATE_GUARDRAIL: Write "bedrock:CreateGuardrail",
    UPDATE_GUARDRAIL: Write "bedrock:UpdateGuardrail",
    CREATE_VERSION: Write "bedrock:CreateGuardrailVersion",
    DELETE_GUARDRAIL: Write "bedrock:DeleteGuardrail",
    TAG_GUARDRAIL: Write "bedrock:TagResource",
    UNTAG_GUARDRAIL: Write "bedrock:UntagResource",
    PUT_RESOURCE_POLICY: Write "bedrock:PutResourcePolicy",
    DELETE_RESOURCE_POLICY: Write "bedrock:DeleteResourcePolicy",
    PUT_ENFORCED: Write "bedrock:PutEnforcedGuardrailConfiguration",
    DELETE_ENFORCED: Write "bedrock:DeleteEnforcedGuardrailConfiguration",
    PUT_LOGGING: Write "bedrock:PutModelInvocationLoggingConfiguration",
    DELETE_LOGGING: Write "bedrock:DeleteModelInvocationLoggingConfiguration",
    APPLY_GUARDRAIL: Inference "bedrock:ApplyGuardrail",
    CONVERSE: Inference "bedrock:Converse",
    CONVERSE_STREAM: Inference "bedrock:ConverseStream",
    INVOKE_MODEL: Inference "bedrock:InvokeModel",
    INVOKE_STREAM: Inference "bedrock:InvokeModelWithResponseStream",
    ASSUME_ROLE: Sts "sts:AssumeRole",
    GET_CALLER_IDENTITY: Sts "sts:GetCallerIdentity",
    DESCRIBE_ORGANIZATION: Organizations "organizations:DescribeOrganization",
    LIST_ROOTS: Organizations "organizations:ListRoots",
    LIST_UNITS: Organizations "organizations:ListOrganizationalUnitsForParent",
    LIST_ACCOUNTS: Organizations "organizations:ListAccounts",
    LIST_ACCOUNTS_FOR_PARENT: Organizations "organizations:ListAccountsForParent",
    LIST_POLICIES: Organizations "organizations:ListPolicies",
    DESCRIBE_POLICY: Organizations "organizations:DescribePolicy",
    LIST_TARGETS: Organizations "organizations:ListTargetsForPolicy",
    LIST_ORGANIZATION_TAGS: Organizations "organizations:ListTagsForResource",
    LIST_INVALID: Organizations "organizations:ListAccountsWithInvalidEffectivePolicy",
    DESCRIBE_EFFECTIVE_POLICY: Organizations "organizations:DescribeEffectivePolicy",
    ENABLE_POLICY_TYPE: Organizations "organizations:EnablePolicyType",
    CREATE_POLICY: Organizations "organizations:CreatePolicy",
    UPDATE_POLICY: Organizations "organizations:UpdatePolicy",
    DELETE_POLICY: Organizations "organizations:DeletePolicy",
    ATTACH_POLICY: Organizations "organizations:AttachPolicy",
    DETACH_POLICY: Organizations "organizations:DetachPolicy",
    TAG_POLICY: Organizations "organizations:TagResource",
}

impl Operation {
    /// Whether it changes anything that outlasts a session.
    pub(super) fn is_write(self) -> bool {
        match self.kind {
            Kind::Write => true,
            Kind::Read | Kind::Inference | Kind::Sts => false,
            Kind::Organizations => !["organizations:Describe", "organizations:List"]
                .iter()
                .any(|prefix| self.name.starts_with(prefix)),
        }
    }

    /// Whether the Region of the cell answers it: Bedrock, its runtime too.
    pub(super) fn is_regional(self) -> bool {
        match self.kind {
            Kind::Read | Kind::Write | Kind::Inference => true,
            Kind::Organizations | Kind::Sts => false,
        }
    }

    /// The documented rate (`aws-facts` 4.7, the column per account), or our choice where AWS
    /// documents none.
    ///
    /// The Bedrock control plane publishes no figures; 5 reads and 2 writes per second are what
    /// others measured to work (`aws-facts` 8.1), and a throttle lowers them. ApplyGuardrail is at
    /// least 25 per second everywhere; a probe needs far less. STS limits an account to hundreds
    /// per second; 50 leaves room for everybody else.
    pub(super) fn rate(self) -> Rate {
        match (self.kind, self.name) {
            (Kind::Read, _) => Rate::new(5.0, 10),
            (Kind::Write, _) => Rate::new(2.0, 4),
            (Kind::Inference, _) => Rate::new(10.0, 10),
            (Kind::Sts, _) => Rate::new(50.0, 100),
            (Kind::Organizations, "organizations:ListAccounts") => Rate::new(8.0, 12),
            (Kind::Organizations, "organizations:ListTagsForResource") => Rate::new(10.0, 15),
            (Kind::Organizations, "organizations:TagResource") => Rate::new(4.0, 6),
            (
                Kind::Organizations,
                "organizations:ListOrganizationalUnitsForParent"
                | "organizations:ListAccountsForParent"
                | "organizations:ListPolicies"
                | "organizations:ListTargetsForPolicy",
            ) => Rate::new(5.0, 8),
            (Kind::Organizations, "organizations:DescribePolicy") => Rate::new(2.0, 2),
            (
                Kind::Organizations,
                "organizations:DescribeOrganization" | "organizations:ListRoots",
            ) => Rate::new(1.0, 2),
            (Kind::Organizations, "organizations:EnablePolicyType") => Rate::new(1.0, 1),
            // Policy writes; also what is assumed for the effective policies.
            (Kind::Organizations, _) => Rate::new(2.0, 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lists_describes_or_asks_is_no_write() {
        for operation in [LIST_ENFORCED, DESCRIBE_POLICY, LIST_POLICIES, ASSUME_ROLE, CONVERSE] {
            assert!(!operation.is_write(), "{}", operation.name);
        }
        for operation in [PUT_ENFORCED, TAG_GUARDRAIL, ATTACH_POLICY, TAG_POLICY, DELETE_POLICY] {
            assert!(operation.is_write(), "{}", operation.name);
        }
    }
}
