//! Who is exempt from what protects, who may act for the controller, and what is not ours.

use serde::Serialize;
use serde_json::Value;

use super::Material;
use super::coverage::slot_guardrail;
use crate::model::{
    GuardrailArn, OWNER_TAG, ObservedControl, ObservedGuardrail, Read, ServiceControls,
};
use crate::plan::hold::listed;

/// What is read beside the rest when access is asked for.
#[derive(Clone, Debug)]
pub struct AccessReadings {
    /// Every service control policy with its document.
    pub documents: Read<ServiceControls>,
    /// Every guardrail of the management account, by name.
    pub guardrails: Vec<(String, ObservedGuardrail)>,
    /// The member role, as it is printed, and whether its live trust was read.
    pub member_role: MemberRole,
}

/// Who may act in the accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberRole {
    /// Its name.
    pub name: String,
    /// The trust policy as `bedrail iam` prints it, an external id left out.
    pub printed_trust: Value,
    /// Whether an external id is asked for. Its value is never shown.
    pub asks_external_id: bool,
    /// Whether the live trust policies were read.
    pub is_live_trust_read: bool,
    /// What that means.
    pub note: String,
}

/// A condition that lets principals pass a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exemption {
    /// The statement; its Sid, or its number.
    pub statement: String,
    /// What it denies.
    pub denies: Vec<String>,
    /// Who passes it, in words.
    pub exempt: String,
}

/// One service control policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlExemptions {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The manifest it belongs to, if it is ours.
    pub manifest: Option<String>,
    /// Whose it is: `ours`, `AWS`, `another's`, `unknown`.
    pub whose: &'static str,
    /// Where it is attached.
    pub targets: Vec<String>,
    /// Its denials, and who passes each.
    pub statements: Vec<Exemption>,
}

/// Something live that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForeignObject {
    /// Which.
    pub object: String,
    /// What was seen of it.
    pub what: String,
}

/// What is not ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreign {
    /// Bedrock policies.
    pub policies: Vec<ForeignObject>,
    /// Enforced configurations.
    pub enforcements: Vec<ForeignObject>,
    /// Guardrails of the management account.
    pub guardrails: Vec<ForeignObject>,
}

/// Who is exempt, who may act, what is foreign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessEvidence {
    /// Facts that hold whatever is written.
    pub always_exempt: Vec<&'static str>,
    /// Service control policies.
    pub service_control_policies: Vec<ControlExemptions>,
    /// Who may act in the accounts.
    pub member_role: MemberRole,
    /// What is not ours.
    pub foreign: Foreign,
}

/// Whom no service control policy binds (`aws-facts` 6).
const ALWAYS_EXEMPT: [&str; 2] = [
    "principals of the management account: service control policies do not bind it",
    "service-linked roles: service control policies do not bind them",
];

pub(super) fn evidence(readings: &AccessReadings, material: &Material) -> AccessEvidence {
    AccessEvidence {
        always_exempt: ALWAYS_EXEMPT.to_vec(),
        service_control_policies: policies(readings, material),
        member_role: readings.member_role.clone(),
        foreign: Foreign {
            policies: foreign_policies(material),
            enforcements: foreign_enforcements(readings, material),
            guardrails: foreign_guardrails(readings, material),
        },
    }
}

fn policies(readings: &AccessReadings, material: &Material) -> Vec<ControlExemptions> {
    let Read::Known(documents) = &readings.documents else { return Vec::new() };
    let listed = match material.controls {
        Some(Read::Known(listed)) => Some(listed),
        Some(Read::KnownAbsent | Read::Unknown(_)) | None => None,
    };
    documents
        .values()
        .map(|policy| {
            let listed = listed.and_then(|it| it.policies.get(&policy.id));
            let is_ours = listed.is_some_and(|it| it.marks.is_owned_by(material.owner));
            ControlExemptions {
                id: policy.id.to_string(),
                name: policy.name.clone(),
                manifest: listed
                    .filter(|_| is_ours)
                    .and_then(|it| it.marks.manifest.as_ref())
                    .map(|name| format!("ServiceControlPolicy/{name}")),
                whose: whose(listed, is_ours),
                targets: policy.targets.iter().map(|it| material.fleet.describe(it)).collect(),
                statements: exemptions(&policy.content),
            }
        })
        .collect()
}

fn whose(listed: Option<&ObservedControl>, is_ours: bool) -> &'static str {
    match listed {
        None => "unknown",
        Some(it) if it.is_aws_managed => "AWS",
        Some(_) if is_ours => "ours",
        Some(_) => "another's",
    }
}

/// What each denial of a document lets pass.
pub(super) fn exemptions(document: &Value) -> Vec<Exemption> {
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        Some(_) | None => Vec::new(),
    };
    let denials = statements.into_iter().enumerate().filter(|(_, it)| it["Effect"] == "Deny");
    denials
        .map(|(index, statement)| {
            let sid = statement["Sid"].as_str().map(str::to_owned);
            let denies = match (texts(&statement["Action"]), texts(&statement["NotAction"])) {
                (actions, none) if none.is_empty() => actions,
                (_, but) => vec![format!("everything but {}", but.join(", "))],
            };
            Exemption {
                statement: sid.unwrap_or_else(|| format!("statement {}", index + 1)),
                denies,
                exempt: exempt(&statement["Condition"]),
            }
        })
        .collect()
}

/// Conditions of a denial must all hold, so whoever fails one of them passes.
fn exempt(condition: &Value) -> String {
    let mut ways = Vec::new();
    let mut others = Vec::new();
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = texts(values).join(", ");
            if !key.to_lowercase().starts_with("aws:principal") {
                others.push(key.clone());
            } else if let Some(plain) = without_negation(operator) {
                ways.push(format!("{key} {plain} {values}"));
            } else {
                ways.push(format!("everybody but {key} {operator} {values}"));
            }
        }
    }
    let mut text =
        if ways.is_empty() { "nobody by who they are".to_owned() } else { ways.join("; or ") };
    if !others.is_empty() {
        text = format!("{text}; it also depends on {}", others.join(", "));
    }
    text
}

/// `ArnNotLike` is the negation of `ArnLike`.
fn without_negation(operator: &str) -> Option<String> {
    operator.contains("Not").then(|| operator.replacen("Not", "", 1))
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => vec![other.to_string()],
    }
}

fn foreign_policies(material: &Material) -> Vec<ForeignObject> {
    let Read::Known(organization) = material.organization else { return Vec::new() };
    let Read::Known(policies) = &organization.policies else { return Vec::new() };
    let foreign = policies.values().filter(|it| it.owner.as_ref() != Some(material.owner));
    foreign
        .map(|policy| {
            let targets = listed(policy.targets.iter().map(|it| material.fleet.describe(it)));
            let targets = if targets.is_empty() { "nothing".to_owned() } else { targets };
            ForeignObject {
                object: format!("{} ({})", policy.name, policy.id),
                what: format!("BEDROCK_POLICY attached to {targets}"),
            }
        })
        .collect()
}

fn foreign_enforcements(readings: &AccessReadings, material: &Material) -> Vec<ForeignObject> {
    let guardrails = material.guardrails.iter().chain(&readings.guardrails);
    let ours: Vec<&GuardrailArn> =
        guardrails.filter(|(_, it)| is_ours(it, material)).map(|(_, it)| &it.arn).collect();
    let slots = material.slots.iter();
    slots
        .filter_map(|(cell, slot)| {
            let live = slot_guardrail(slot)?;
            let is_ours = live.guardrail.as_ref().is_some_and(|arn| ours.contains(&arn));
            if is_ours {
                return None;
            }
            let guardrail = live.guardrail.as_ref().map(ToString::to_string);
            let by = live.updated_by.as_deref().unwrap_or("somebody AWS does not name");
            Some(ForeignObject {
                object: cell.to_string(),
                what: format!(
                    "enforces {}, written by {by}",
                    guardrail.unwrap_or_else(|| "a guardrail AWS does not name".to_owned())
                ),
            })
        })
        .collect()
}

fn foreign_guardrails(readings: &AccessReadings, material: &Material) -> Vec<ForeignObject> {
    let foreign = readings.guardrails.iter().filter(|(_, it)| !is_ours(it, material));
    foreign
        .map(|(name, guardrail)| ForeignObject {
            object: format!("{name} ({})", guardrail.arn),
            what: format!("{} published versions", guardrail.versions.len()),
        })
        .collect()
}

fn is_ours(guardrail: &ObservedGuardrail, material: &Material) -> bool {
    guardrail.tags.get(OWNER_TAG).is_some_and(|owner| owner == material.owner.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_fails_a_condition_of_a_denial_passes_it() {
        let found = exemptions(&json!({"Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "A", "Effect": "Deny", "Action": ["bedrock:InvokeModel"], "Resource": "*",
             "Condition": {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/BreakGlass"]},
                           "StringNotEquals": {"aws:SourceVpc": "vpc-1"}}},
            {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
             "Condition": {"StringEquals": {"aws:PrincipalTag/team": "interns"}}},
            {"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"},
        ]}));
        let told: Vec<_> =
            found.iter().map(|it| (it.statement.as_str(), it.exempt.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    "A",
                    "aws:PrincipalArn ArnLike arn:aws:iam::*:role/BreakGlass; it also depends on \
                     aws:SourceVpc"
                ),
                ("statement 3", "everybody but aws:PrincipalTag/team StringEquals interns"),
                ("statement 4", "nobody by who they are"),
            ]
        );
        assert_eq!(found[1].denies, ["everything but iam:*"]);
    }
}
