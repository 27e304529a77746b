//! The operations this room calls: how fast each may be called, and what IAM must allow for it.

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
    /// IAM, which is one for all Regions of an account.
    #[cfg_attr(not(feature = "iam"), expect(dead_code, reason = "this build never asks it"))]
    Iam,
    /// Words to people: SNS.
    #[cfg(feature = "sns")]
    Alerts,
    /// SQS, in the account of the queue.
    #[cfg(feature = "sqs")]
    Queue,
}

/// What an operation acts on: who needs the permission, and on which resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActsOn {
    /// Nothing that IAM guards: everybody may.
    Nothing,
    /// The member role: the controller.
    MemberRole,
    /// The organization, read as a whole: the controller.
    Organization,
    /// Policies of the organization, and what they are attached to: the controller.
    Policies,
    /// All guardrails or models of an account, or a guardrail that is yet to be: whoever places
    /// guardrails there.
    Guardrails,
    /// One guardrail or guardrail profile of the account: whoever places guardrails there.
    Guardrail,
    /// The account itself, in a Region: everybody in their own.
    Account,
    /// A guardrail that is shared with the account: everybody.
    SharedGuardrail,
    /// A model, to prove that it is guarded: everybody, if models are called at all.
    Model,
    /// Roles of the account, which are only asked about: everybody in their own.
    Role,
    /// A topic that alerts are published to: the controller, if there is one.
    AlertTopic,
    /// The queue of events: the controller, if it listens to one.
    EventQueue,
}

/// What IAM must allow for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// What it acts on.
    pub acts_on: ActsOn,
    /// As IAM spells it: `bedrock:InvokeModel` for Converse.
    pub action: &'static str,
}

/// Everything that IAM must allow for what this room calls, each once. There is no other way to
/// call AWS, so nothing can be missing here.
pub fn permissions() -> Vec<Permission> {
    let mut permissions: Vec<Permission> = ALL.iter().map(|it| it.permission()).collect();
    permissions.retain(|it| it.acts_on != ActsOn::Nothing);
    permissions.sort();
    permissions.dedup();
    permissions
}

/// One operation of one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// `service:Operation`, as IAM spells the service.
    pub(super) name: &'static str,
    /// What limits it.
    pub(super) kind: Kind,
    /// What its permission is about.
    acts_on: ActsOn,
}

/// Declares operations: `NAME: what limits it "service:Operation" on what it acts on`.
macro_rules! operations {
    ($($(#[$when:meta])* $constant:ident: $kind:ident $name:literal on $acts_on:ident,)*) => {
        $($(#[$when])* pub(super) const $constant: Operation =
            Operation { name: $name, kind: Kind::$kind, acts_on: ActsOn::$acts_on };)*

        /// Every operation there is.
        const ALL: &[Operation] = &[$($(#[$when])* $constant),*];
    };
}

operations! {
    LIST_GUARDRAILS: Read "bedrock:ListGuardrails" on Guardrails,
    GET_GUARDRAIL: Read "bedrock:GetGuardrail" on Guardrail,
    LIST_TAGS: Read "bedrock:ListTagsForResource" on Guardrail,
    GET_RESOURCE_POLICY: Read "bedrock:GetResourcePolicy" on Guardrail,
    LIST_ENFORCED: Read "bedrock:ListEnforcedGuardrailsConfiguration" on Account,
    GET_LOGGING: Read "bedrock:GetModelInvocationLoggingConfiguration" on Account,
    LIST_MODELS: Read "bedrock:ListFoundationModels" on Guardrails,
    CREATE_GUARDRAIL: Write "bedrock:CreateGuardrail" on Guardrails,
    UPDATE_GUARDRAIL: Write "bedrock:UpdateGuardrail" on Guardrail,
    CREATE_VERSION: Write "bedrock:CreateGuardrailVersion" on Guardrail,
    DELETE_GUARDRAIL: Write "bedrock:DeleteGuardrail" on Guardrail,
    TAG_GUARDRAIL: Write "bedrock:TagResource" on Guardrail,
    UNTAG_GUARDRAIL: Write "bedrock:UntagResource" on Guardrail,
    PUT_RESOURCE_POLICY: Write "bedrock:PutResourcePolicy" on Guardrail,
    DELETE_RESOURCE_POLICY: Write "bedrock:DeleteResourcePolicy" on Guardrail,
    PUT_ENFORCED: Write "bedrock:PutEnforcedGuardrailConfiguration" on Account,
    DELETE_ENFORCED: Write "bedrock:DeleteEnforcedGuardrailConfiguration" on Account,
    PUT_LOGGING: Write "bedrock:PutModelInvocationLoggingConfiguration" on Account,
    DELETE_LOGGING: Write "bedrock:DeleteModelInvocationLoggingConfiguration" on Account,
    APPLY_GUARDRAIL: Inference "bedrock:ApplyGuardrail" on SharedGuardrail,
    CONVERSE: Inference "bedrock:Converse" on Model,
    CONVERSE_STREAM: Inference "bedrock:ConverseStream" on Model,
    INVOKE_MODEL: Inference "bedrock:InvokeModel" on Model,
    INVOKE_STREAM: Inference "bedrock:InvokeModelWithResponseStream" on Model,
    ASSUME_ROLE: Sts "sts:AssumeRole" on MemberRole,
    #[cfg(feature = "iam")]
    SIMULATE_PRINCIPAL: Iam "iam:SimulatePrincipalPolicy" on Role,
    #[cfg(feature = "sqs")]
    RECEIVE_MESSAGE: Queue "sqs:ReceiveMessage" on EventQueue,
    #[cfg(feature = "sqs")]
    DELETE_MESSAGE: Queue "sqs:DeleteMessage" on EventQueue,
    GET_CALLER_IDENTITY: Sts "sts:GetCallerIdentity" on Nothing,
    DESCRIBE_ORGANIZATION: Organizations "organizations:DescribeOrganization" on Organization,
    LIST_ROOTS: Organizations "organizations:ListRoots" on Organization,
    LIST_UNITS: Organizations "organizations:ListOrganizationalUnitsForParent" on Organization,
    LIST_ACCOUNTS: Organizations "organizations:ListAccounts" on Organization,
    LIST_ACCOUNTS_FOR_PARENT: Organizations "organizations:ListAccountsForParent" on Organization,
    LIST_PARENTS: Organizations "organizations:ListParents" on Organization,
    LIST_POLICIES: Organizations "organizations:ListPolicies" on Organization,
    DESCRIBE_POLICY: Organizations "organizations:DescribePolicy" on Organization,
    LIST_TARGETS: Organizations "organizations:ListTargetsForPolicy" on Organization,
    LIST_ORGANIZATION_TAGS: Organizations "organizations:ListTagsForResource" on Organization,
    LIST_INVALID: Organizations "organizations:ListAccountsWithInvalidEffectivePolicy" on Organization,
    DESCRIBE_EFFECTIVE_POLICY: Organizations "organizations:DescribeEffectivePolicy" on Organization,
    ENABLE_POLICY_TYPE: Organizations "organizations:EnablePolicyType" on Policies,
    CREATE_POLICY: Organizations "organizations:CreatePolicy" on Policies,
    UPDATE_POLICY: Organizations "organizations:UpdatePolicy" on Policies,
    DELETE_POLICY: Organizations "organizations:DeletePolicy" on Policies,
    ATTACH_POLICY: Organizations "organizations:AttachPolicy" on Policies,
    DETACH_POLICY: Organizations "organizations:DetachPolicy" on Policies,
    TAG_POLICY: Organizations "organizations:TagResource" on Policies,
    #[cfg(feature = "sns")]
    PUBLISH: Alerts "sns:Publish" on AlertTopic,
}

impl Operation {
    /// Converse is authorized as InvokeModel (`aws-facts` 6.1); every other operation by its name.
    fn permission(self) -> Permission {
        let action = match self.name {
            "bedrock:Converse" => INVOKE_MODEL.name,
            "bedrock:ConverseStream" => INVOKE_STREAM.name,
            name => name,
        };
        Permission { acts_on: self.acts_on, action }
    }

    /// Whether it changes anything that outlasts a session.
    pub(super) fn is_write(self) -> bool {
        match self.kind {
            Kind::Write => true,
            Kind::Read | Kind::Inference | Kind::Sts | Kind::Iam => false,
            // It changes nothing, and may be the last thing that a process says.
            #[cfg(feature = "sns")]
            Kind::Alerts => false,
            // A message is gone once it was heeded: nothing that anybody protects.
            #[cfg(feature = "sqs")]
            Kind::Queue => false,
            Kind::Organizations => !["organizations:Describe", "organizations:List"]
                .iter()
                .any(|prefix| self.name.starts_with(prefix)),
        }
    }

    /// Whether the Region of the cell answers it: Bedrock, its runtime too.
    pub(super) fn is_regional(self) -> bool {
        match self.kind {
            Kind::Read | Kind::Write | Kind::Inference => true,
            Kind::Organizations | Kind::Sts | Kind::Iam => false,
            #[cfg(feature = "sns")]
            Kind::Alerts => false,
            #[cfg(feature = "sqs")]
            Kind::Queue => false,
        }
    }

    /// The documented rate (`aws-facts` 4.7, the column per account), or our choice where AWS
    /// documents none.
    ///
    /// The Bedrock control plane publishes no figures; 5 reads and 2 writes per second are what
    /// others measured to work (`aws-facts` 8.1), and a throttle lowers them. ApplyGuardrail is at
    /// least 25 per second everywhere; a probe needs far less. STS limits an account to hundreds
    /// per second; 50 leaves room for everybody else. IAM publishes no figures, and a person in its
    /// console shares them.
    pub(super) fn rate(self) -> Rate {
        match (self.kind, self.name) {
            (Kind::Read, _) => Rate::new(5.0, 10),
            (Kind::Write, _) => Rate::new(2.0, 4),
            (Kind::Inference, _) => Rate::new(10.0, 10),
            (Kind::Sts, _) => Rate::new(50.0, 100),
            (Kind::Iam, _) => Rate::new(2.0, 5),
            #[cfg(feature = "sns")]
            (Kind::Alerts, _) => Rate::new(5.0, 10),
            // SQS takes thousands; a storm of events must not drown the work they ask for.
            #[cfg(feature = "sqs")]
            (Kind::Queue, _) => Rate::new(20.0, 20),
            (Kind::Organizations, "organizations:ListAccounts") => Rate::new(8.0, 12),
            (Kind::Organizations, "organizations:ListTagsForResource") => Rate::new(10.0, 15),
            (Kind::Organizations, "organizations:TagResource") => Rate::new(4.0, 6),
            (
                Kind::Organizations,
                "organizations:ListOrganizationalUnitsForParent"
                | "organizations:ListAccountsForParent"
                | "organizations:ListParents"
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
    fn every_operation_but_who_am_i_has_a_permission_that_exists() {
        let permissions = permissions();
        for operation in ALL.iter().filter(|it| **it != GET_CALLER_IDENTITY) {
            assert!(permissions.contains(&operation.permission()), "{}", operation.name);
        }
        let actions: Vec<_> = permissions.iter().map(|it| it.action).collect();
        assert!(!actions.contains(&"bedrock:Converse"), "IAM knows no such action");
        assert!(!actions.contains(&"sts:GetCallerIdentity"), "which needs no permission");
    }

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
