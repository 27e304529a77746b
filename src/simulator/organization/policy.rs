//! Policies of the organization: types, content rules that need no organization, and quotas.

use serde_json::Value;

use super::bedrock_policy;
use crate::simulator::identity;
use crate::simulator::switches::Switches;

/// The AWS-managed policy that allows everything.
pub(in crate::simulator) const FULL_ACCESS: &str = "p-FullAWSAccess";

/// The policy types the simulator gives a meaning to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PolicyKind {
    /// Bounds what principals of member accounts can do.
    ServiceControlPolicy,
    /// Enforces guardrails.
    BedrockPolicy,
}

/// The other values of the enumeration `PolicyType`: valid, never available here.
const OTHER_KINDS: [&str; 13] = [
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "SECURITYHUB_POLICY",
    "SECURITYHUB_CSPM_POLICY",
    "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY",
    "S3_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
    "GUARDDUTY_POLICY",
];

impl PolicyKind {
    /// All of them.
    pub(in crate::simulator) const ALL: [Self; 2] =
        [Self::ServiceControlPolicy, Self::BedrockPolicy];

    /// The value of the enumeration `PolicyType`.
    pub(in crate::simulator) fn name(self) -> &'static str {
        match self {
            Self::ServiceControlPolicy => "SERVICE_CONTROL_POLICY",
            Self::BedrockPolicy => "BEDROCK_POLICY",
        }
    }

    /// `Some(None)` for a type AWS knows and the simulator does not.
    #[expect(clippy::option_option, reason = "unknown to AWS and unknown to us are two answers")]
    pub(in crate::simulator) fn parse(name: &str) -> Option<Option<Self>> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .map(Some)
            .or_else(|| OTHER_KINDS.contains(&name).then_some(None))
    }

    /// Characters a document may have (`aws-facts` 4.6).
    pub(in crate::simulator) fn content_length_max(self, switches: &Switches) -> usize {
        match self {
            Self::ServiceControlPolicy => switches.service_control_length_max,
            Self::BedrockPolicy => 10_000,
        }
    }

    /// Policies of the type a target may have (`aws-facts` 3.5, 4.6).
    pub(in crate::simulator) fn attachments_max(self, switches: &Switches) -> usize {
        match self {
            Self::ServiceControlPolicy => switches.service_control_attachments_max,
            Self::BedrockPolicy => 10,
        }
    }

    /// Policies an organization may have (`aws-facts` 4.6).
    pub(in crate::simulator) fn count_max(self) -> usize {
        match self {
            Self::ServiceControlPolicy => 10_000,
            Self::BedrockPolicy => 1_000,
        }
    }

    /// Policies a target must have while the type is enabled.
    pub(in crate::simulator) fn attachments_min(self) -> usize {
        match self {
            Self::ServiceControlPolicy => 1,
            Self::BedrockPolicy => 0,
        }
    }

    /// Parses and checks a document by the syntax of its type.
    pub(in crate::simulator) fn parse_content(self, content: &str) -> Result<Value, String> {
        let document: Value = serde_json::from_str(content)
            .map_err(|error| format!("The provided policy document is not valid JSON: {error}"))?;
        match self {
            Self::ServiceControlPolicy => check_service_control_policy(&document)?,
            Self::BedrockPolicy => bedrock_policy::check_syntax(&document)?,
        }
        Ok(document)
    }
}

/// A policy of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Policy {
    /// Its type; immutable.
    pub(in crate::simulator) kind: PolicyKind,
    /// 1–128 characters.
    pub(in crate::simulator) name: String,
    /// 0–512 characters.
    pub(in crate::simulator) description: String,
    /// As sent.
    pub(in crate::simulator) content: String,
    /// `content`, parsed.
    pub(in crate::simulator) document: Value,
    /// Whether AWS owns it: then nobody edits it.
    pub(in crate::simulator) aws_managed: bool,
}

impl Policy {
    /// `p-FullAWSAccess`.
    pub(in crate::simulator) fn full_access() -> Self {
        let document = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        });
        Self {
            kind: PolicyKind::ServiceControlPolicy,
            name: "FullAWSAccess".to_owned(),
            description: "Allows access to every operation".to_owned(),
            content: document.to_string(),
            document,
            aws_managed: true,
        }
    }
}

/// Whether a policy type is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum TypeStatus {
    /// In force.
    Enabled,
    /// `EnablePolicyType` completes at this time.
    PendingEnable(u64),
    /// `DisablePolicyType` completes at this time.
    PendingDisable(u64),
}

impl TypeStatus {
    /// The value of `Status`.
    pub(in crate::simulator) fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::PendingEnable(_) => "PENDING_ENABLE",
            Self::PendingDisable(_) => "PENDING_DISABLE",
        }
    }
}

/// The grammar of service control policies (`aws-facts` 6.3): an IAM document without principals.
fn check_service_control_policy(document: &Value) -> Result<(), String> {
    let object = document.as_object().ok_or("The policy document must be one JSON object.")?;
    if let Some(key) =
        object.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
    {
        return Err(format!("Unknown element {key}."));
    }
    if object.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
        return Err("Version must be 2012-10-17.".to_owned());
    }
    let statement = object.get("Statement").ok_or("Statement is missing.")?;
    let statements = statement.as_array().cloned().unwrap_or_else(|| vec![statement.clone()]);
    if statements.is_empty() {
        return Err("Statement is empty.".to_owned());
    }
    statements.iter().try_for_each(check_statement)
}

fn check_statement(statement: &Value) -> Result<(), String> {
    const KNOWN: [&str; 7] =
        ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let statement = statement.as_object().ok_or("A statement must be an object.")?;
    if let Some(key) = statement.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("{key} is not supported in a service control policy."));
    }
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err("Effect must be Allow or Deny.".to_owned());
    }
    for (positive, negative) in [("Action", "NotAction"), ("Resource", "NotResource")] {
        if statement.contains_key(positive) == statement.contains_key(negative) {
            return Err(format!("A statement needs exactly one of {positive} and {negative}."));
        }
    }
    for key in ["Action", "NotAction", "Resource", "NotResource"] {
        if statement.get(key).is_some_and(|value| !is_text_or_texts(value)) {
            return Err(format!("{key} must be a string or a list of strings."));
        }
    }
    let Some(condition) = statement.get("Condition") else { return Ok(()) };
    let operators = condition.as_object().ok_or("Condition must be an object.")?;
    for (operator, keys) in operators {
        if !identity::is_known_operator(operator) {
            return Err(format!("Unknown condition operator {operator}."));
        }
        if !keys.is_object() {
            return Err(format!("{operator} must be an object."));
        }
    }
    Ok(())
}

fn is_text_or_texts(value: &Value) -> bool {
    let is_list = |list: &Vec<Value>| !list.is_empty() && list.iter().all(Value::is_string);
    value.is_string() || value.as_array().is_some_and(is_list)
}
