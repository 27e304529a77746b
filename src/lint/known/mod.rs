//! What IAM knows: actions, condition keys and operators that exist, and names that circulate and
//! do not.

mod actions;
mod keys;

pub(super) use actions::ACTIONS;
pub(super) use keys::{BEDROCK_KEYS, GLOBAL_KEYS, ORGANIZATIONS_KEYS, is_global_key};

/// A name that is believed to exist, and what to write instead.
pub(super) struct Wrong {
    /// As it circulates, without the prefix.
    pub(super) name: &'static str,
    /// The right fact, as the rest of a sentence that begins with the name.
    pub(super) instead: &'static str,
}

/// Actions that circulate (`aws-facts` 6.1 and 11).
pub(super) const WRONG_ACTIONS: &[Wrong] = &[
    Wrong {
        name: "Converse",
        instead: "Converse is authorized as `bedrock:InvokeModel`; write that",
    },
    Wrong {
        name: "ConverseStream",
        instead: "ConverseStream is authorized as `bedrock:InvokeModelWithResponseStream`; write \
                  that",
    },
    Wrong {
        name: "StartAsyncInvoke",
        instead: "StartAsyncInvoke is authorized as `bedrock:InvokeModel`; write that",
    },
    Wrong {
        name: "PutGuardrailPolicy",
        instead: "the policy of a guardrail is put with `bedrock:PutResourcePolicy`",
    },
    Wrong {
        name: "GetGuardrailPolicy",
        instead: "the policy of a guardrail is read with `bedrock:GetResourcePolicy`",
    },
    Wrong {
        name: "DeleteGuardrailPolicy",
        instead: "the policy of a guardrail is deleted with `bedrock:DeleteResourcePolicy`",
    },
    Wrong {
        name: "DeleteGuardrailVersion",
        instead: "a version is deleted with `bedrock:DeleteGuardrail`",
    },
    Wrong {
        name: "GetEnforcedGuardrailConfiguration",
        instead: "enforced configurations are read with \
                  `bedrock:ListEnforcedGuardrailsConfiguration`",
    },
    Wrong {
        name: "UpdateEnforcedGuardrailConfiguration",
        instead: "enforced configurations are changed with \
                  `bedrock:PutEnforcedGuardrailConfiguration`",
    },
];

/// Condition keys that circulate (`aws-facts` 6.1 and 11).
pub(super) const WRONG_KEYS: &[Wrong] = &[
    Wrong {
        name: "ModelId",
        instead: "models are told apart by resource: deny with `NotResource` on the ARNs of the \
                  approved models and inference profiles",
    },
    Wrong {
        name: "ModelInvocationLoggingEnabled",
        instead: "no key tells whether invocations are logged: turn logging on in every account \
                  and Region, and deny `bedrock:PutModelInvocationLoggingConfiguration` and \
                  `bedrock:DeleteModelInvocationLoggingConfiguration`",
    },
    Wrong {
        name: "GuardrailVersion",
        instead: "the version is part of the value of `bedrock:GuardrailIdentifier`: write \
                  `<guardrail ARN>:<version>` there",
    },
    Wrong {
        name: "GuardrailArn",
        instead: "the guardrail of a request is in `bedrock:GuardrailIdentifier`, as \
                  `<guardrail ARN>:<version>`",
    },
    Wrong {
        name: "GuardrailId",
        instead: "the guardrail of a request is in `bedrock:GuardrailIdentifier`, as \
                  `<guardrail ARN>:<version>`",
    },
];

/// Prefixes of endpoints and SDK clients that are no prefix of IAM.
pub(super) const WRONG_PREFIXES: &[&str] = &[
    "bedrock-runtime",
    "bedrock-agent",
    "bedrock-agent-runtime",
    "bedrock-data-automation",
    "bedrock-data-automation-runtime",
];

/// The actions that run a model. The keys about guardrail, profile and tier are theirs alone.
pub(super) const INFERENCE: [&str; 2] = ["InvokeModel", "InvokeModelWithResponseStream"];

/// The guardrail that a request names.
pub(super) const GUARDRAIL_KEY: &str = "bedrock:GuardrailIdentifier";

/// Actions that act on an account, and therefore on no resource (`aws-facts` 6.1).
pub(super) const WITHOUT_RESOURCE: &[&str] = &[
    "DeleteEnforcedGuardrailConfiguration",
    "DeleteModelInvocationLoggingConfiguration",
    "GetModelInvocationLoggingConfiguration",
    "ListEnforcedGuardrailsConfiguration",
    "ListFoundationModels",
    "ListInferenceProfiles",
    "PutEnforcedGuardrailConfiguration",
    "PutModelInvocationLoggingConfiguration",
];

/// Actions that a policy on a guardrail may allow; on a guardrail profile the first alone
/// (`aws-facts` 2.5).
pub(super) const SHAREABLE: [&str; 2] = ["ApplyGuardrail", "GetGuardrail"];

/// Operators of the `Condition` element, without qualifier and `IfExists`.
pub(super) const OPERATORS: &[&str] = &[
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "BinaryEquals",
    "Bool",
    "DateEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateNotEquals",
    "IpAddress",
    "NotIpAddress",
    "Null",
    "NumericEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericNotEquals",
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
];

/// Members of a statement.
pub(super) const ELEMENTS: &[&str] = &[
    "Action",
    "Condition",
    "Effect",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Sid",
];

/// Models that AWS has retired, as beginnings of their ids.
pub(super) const RETIRED_MODELS: &[&str] =
    &["anthropic.claude-v2", "anthropic.claude-instant-v1", "anthropic.claude-v1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_do_not_contradict_each_other() {
        assert!(ACTIONS.is_sorted() && GLOBAL_KEYS.is_sorted() && OPERATORS.is_sorted());
        for wrong in WRONG_ACTIONS {
            assert!(!ACTIONS.contains(&wrong.name), "{} exists", wrong.name);
        }
        for wrong in WRONG_KEYS {
            assert!(!BEDROCK_KEYS.contains(&wrong.name), "{} exists", wrong.name);
        }
        for action in INFERENCE.iter().chain(WITHOUT_RESOURCE).chain(&SHAREABLE) {
            assert!(ACTIONS.contains(action), "{action} does not exist");
        }
    }
}
