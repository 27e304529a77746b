//! Forms to documents (`aws-facts` 6). Equal arguments give equal documents, to the byte.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{ControlForm, GuardrailArn, OWNER_TAG, OwnerId};

/// Calls of models: Converse and batch forms are authorised as the first, streams as the second.
const INFERENCE: [&str; 2] = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"];

/// What changes the enforcement of an account. No resource, so that only the caller tells.
const ENFORCEMENT: [&str; 4] = [
    "bedrock:DeleteEnforcedGuardrailConfiguration",
    "bedrock:DeleteModelInvocationLoggingConfiguration",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:PutModelInvocationLoggingConfiguration",
];

/// What changes a guardrail, or takes the tag off that says whose it is.
const GUARDRAIL: [&str; 7] = [
    "bedrock:CreateGuardrailVersion",
    "bedrock:DeleteGuardrail",
    "bedrock:DeleteResourcePolicy",
    "bedrock:PutResourcePolicy",
    "bedrock:TagResource",
    "bedrock:UntagResource",
    "bedrock:UpdateGuardrail",
];

/// What changes a role, becomes it, or makes one of its name where there is none.
const ROLE: [&str; 14] = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
];

/// Prefixes of inference profiles before the id of their model (`aws-facts` 6.3).
const GEOGRAPHIES: [&str; 10] =
    ["us", "eu", "apac", "us-gov", "global", "jp", "au", "ca", "uk", "il"];

/// What a document depends on beside its form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    /// `aws`, `aws-us-gov`, …
    pub(super) partition: &'a str,
    /// Whose tag protects a guardrail.
    pub(super) owner: &'a OwnerId,
    /// Our own role in member accounts: its name, with its path if it has one.
    pub(super) member_role: &'a str,
    /// The guardrails that are required, in every Region.
    pub(super) guardrails: &'a BTreeSet<GuardrailArn>,
}

/// The document of a form.
pub(super) fn document(form: &ControlForm, ground: &Ground<'_>) -> Value {
    let statements = match form {
        ControlForm::RequireGuardrail { guardrails: _, exempt_roles } => {
            vec![require_guardrail(exempt_roles, ground)]
        }
        ControlForm::ApprovedModels(models) => vec![approved_models(models, ground)],
        ControlForm::ProtectEnforcement { exempt_roles } => {
            protect_enforcement(exempt_roles, ground)
        }
        ControlForm::RequireNetwork { vpc_endpoints, vpcs, exempt_roles } => {
            vec![require_network((vpc_endpoints, vpcs), exempt_roles, ground)]
        }
        ControlForm::Document(document) => return document.clone(),
    };
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Only a published version counts: a request that names DRAFT shows an ARN without a number. The
/// negated operator holds without the key, too. Models that embed take no guardrail.
fn require_guardrail(exempt_roles: &BTreeSet<String>, ground: &Ground<'_>) -> Value {
    let partition = ground.partition;
    let versions: Vec<String> = ground.guardrails.iter().map(|arn| format!("{arn}:*")).collect();
    json!({
        "Sid": "BedrailRequireGuardrail",
        "Effect": "Deny",
        "Action": INFERENCE,
        "NotResource": [
            format!("arn:{partition}:bedrock:*::foundation-model/*embed*"),
            format!("arn:{partition}:bedrock:*:*:inference-profile/*embed*"),
        ],
        "Condition": {"ArnNotLike": {
            "aws:PrincipalArn": roles(Some(ground.member_role), exempt_roles, ground),
            "bedrock:GuardrailIdentifier": versions,
        }},
    })
}

/// A call through a profile is authorised on the profile and on the model in every Region it may
/// go to, so both stand in the list. What an application's profile leads to is asked for as well.
fn approved_models(models: &BTreeSet<String>, ground: &Ground<'_>) -> Value {
    let partition = ground.partition;
    let mut resources =
        BTreeSet::from([format!("arn:{partition}:bedrock:*:*:application-inference-profile/*")]);
    for model in models {
        let of_geography = model
            .split_once('.')
            .filter(|(geography, _)| GEOGRAPHIES.contains(geography))
            .map(|(_, model)| model);
        let base = of_geography.unwrap_or(model);
        let profile = if of_geography.is_some() { model.clone() } else { format!("*.{model}") };
        resources.insert(format!("arn:{partition}:bedrock:*::foundation-model/{base}"));
        resources.insert(format!("arn:{partition}:bedrock:*:*:inference-profile/{profile}"));
    }
    json!({
        "Sid": "BedrailApprovedModels",
        "Effect": "Deny",
        "Action": INFERENCE,
        "NotResource": resources,
    })
}

fn protect_enforcement(exempt_roles: &BTreeSet<String>, ground: &Ground<'_>) -> Vec<Value> {
    let partition = ground.partition;
    let exempt = roles(Some(ground.member_role), exempt_roles, ground);
    let unless = json!({"aws:PrincipalArn": exempt});
    let mut role = json!({
        "Sid": "BedrailProtectRoles",
        "Effect": "Deny",
        "Action": ROLE,
        // Whoever can make a role of an exempt name is exempt.
        "Resource": exempt,
    });
    if !exempt_roles.is_empty() {
        let unless = roles(None, exempt_roles, ground);
        role["Condition"] = json!({"ArnNotLike": {"aws:PrincipalArn": unless}});
    }
    vec![
        json!({
            "Sid": "BedrailProtectEnforcement",
            "Effect": "Deny",
            "Action": ENFORCEMENT,
            "Resource": "*",
            "Condition": {"ArnNotLike": unless},
        }),
        json!({
            "Sid": "BedrailProtectGuardrails",
            "Effect": "Deny",
            "Action": GUARDRAIL,
            "Resource": format!("arn:{partition}:bedrock:*:*:guardrail/*"),
            "Condition": {
                "ArnNotLike": unless,
                "StringEquals": {format!("aws:ResourceTag/{OWNER_TAG}"): ground.owner.as_str()},
            },
        }),
        role,
        json!({
            "Sid": "BedrailProtectMembership",
            "Effect": "Deny",
            "Action": "organizations:LeaveOrganization",
            "Resource": "*",
        }),
    ]
}

/// From outside the keys are absent, and a negated operator holds. What AWS's services call on
/// somebody's behalf comes from their own network.
fn require_network(
    (vpc_endpoints, vpcs): (&BTreeSet<String>, &BTreeSet<String>),
    exempt_roles: &BTreeSet<String>,
    ground: &Ground<'_>,
) -> Value {
    let mut networks = serde_json::Map::new();
    let lists = [("aws:SourceVpc", vpcs), ("aws:SourceVpce", vpc_endpoints)];
    for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        networks.insert(key.to_owned(), json!(list));
    }
    json!({
        "Sid": "BedrailRequireNetwork",
        "Effect": "Deny",
        "Action": INFERENCE,
        "Resource": "*",
        "Condition": {
            "ArnNotLike": {
                "aws:PrincipalArn": roles(Some(ground.member_role), exempt_roles, ground),
            },
            "BoolIfExists": {
                "aws:PrincipalIsAWSService": "false",
                "aws:ViaAWSService": "false",
            },
            "StringNotEquals": networks,
        },
    })
}

/// ARNs of roles in every account.
fn roles(
    member_role: Option<&str>,
    exempt_roles: &BTreeSet<String>,
    ground: &Ground<'_>,
) -> BTreeSet<String> {
    #[cfg(feature = "planted")]
    let member_role =
        member_role.filter(|_| !crate::planted::is(crate::planted::Planted::OwnRoleNotExempt));
    let names = member_role.into_iter().chain(exempt_roles.iter().map(String::as_str));
    names.map(|name| format!("arn:{}:iam::*:role/{name}", ground.partition)).collect()
}
