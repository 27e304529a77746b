//! The documents as CloudFormation templates.
//!
//! A service-managed StackSet reaches every account of the organization but the management account,
//! and with automatic deployment those that join later. The management account needs no member role:
//! there the controller uses its own credentials.

use serde_json::{Map, Value, json};

use super::documents::{self, Extent};
use super::names::Names;
use super::print;

/// The variables of the template of the member role.
fn variables() -> Names {
    Names {
        partition: "${AWS::Partition}".to_owned(),
        management: "${ManagementAccountId}".to_owned(),
        controller_account: "${ControllerAccountId}".to_owned(),
        own_account: "${AWS::AccountId}".to_owned(),
        organization: "${OrganizationId}".to_owned(),
        controller_role: "${ControllerRoleName}".to_owned(),
        member_role: "${RoleName}".to_owned(),
        external_id: Some("${ExternalId}".to_owned()),
    }
}

/// The member role of one account.
pub(super) fn member(role_name: &str, extent: &Extent) -> Value {
    let names = &variables();
    let always = Extent { manages_guardrails: false, probe_model: None, ..extent.clone() };
    let attached = |condition: &str, name: &str, statements: &[Value]| {
        attached("MemberRole", condition, name, statements)
    };
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role through which the Bedrail controller reaches this account.",
        "Parameters": member_parameters(role_name, extent),
        "Conditions": {
            "ManagesGuardrails": {"Fn::Equals": [{"Ref": "ManageGuardrails"}, "true"]},
            "Probes": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ProbeModelId"}, ""]}]},
        },
        "Resources": {
            "MemberRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": {"Ref": "RoleName"},
                    "Description": "Assumed by the Bedrail controller to keep guardrails enforced.",
                    // A session lasts an hour whatever stands here, because the controller's role
                    // is itself a session (role chaining).
                    "MaxSessionDuration": 3600,
                    "AssumeRolePolicyDocument": substituted(&documents::trust(names)),
                    "Policies": [{
                        "PolicyName": "Enforcement",
                        "PolicyDocument": substituted(&documents::policy(
                            &documents::account(names, &always),
                        )),
                    }],
                },
            },
            "GuardrailsPolicy": attached(
                "ManagesGuardrails", "Guardrails", &documents::guardrails(names, extent),
            ),
            "ProbePolicy": attached("Probes", "Probe", &[documents::probe_on(
                "arn:${AWS::Partition}:bedrock:*::foundation-model/${ProbeModelId}", extent,
            )]),
        },
        "Outputs": {"RoleArn": {
            "Description": "The role the controller assumes.",
            "Value": {"Fn::GetAtt": ["MemberRole", "Arn"]},
        }},
    });
    if extent.passes_a_role() {
        template["Conditions"]["LogsToCloudWatch"] = logs_to_cloudwatch();
        template["Resources"]["PassLoggingRolePolicy"] =
            attached("LogsToCloudWatch", "PassLoggingRole", &[documents::pass_role(LOGGING_ROLE)]);
    }
    template
}

/// The role that is handed to Bedrock.
const LOGGING_ROLE: &str = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${LoggingRoleName}";

/// Whether one is.
fn logs_to_cloudwatch() -> Value {
    json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "LoggingRoleName"}, ""]}]})
}

const ROLE_NAME: &str = "^[A-Za-z0-9_+=,.@-]{1,64}$";
const ACCOUNT: &str = "^[0-9]{12}$";

fn member_parameters(role_name: &str, extent: &Extent) -> Map<String, Value> {
    let mut parameters = json!({
        "ManagementAccountId": {
            "Type": "String", "AllowedPattern": ACCOUNT,
            "Description": "The management account, which owns the guardrails.",
        },
        "ControllerAccountId": {
            "Type": "String", "AllowedPattern": ACCOUNT,
            "Description": "The account of the controller's role: the management account, or a delegated administrator's.",
        },
        "ControllerRoleName": {
            "Type": "String", "Default": "BedrailController", "AllowedPattern": ROLE_NAME,
            "Description": "The name (without a path) of the controller's role.",
        },
        "OrganizationId": {
            "Type": "String", "AllowedPattern": "^o-[a-z0-9]{10,32}$",
            "Description": "The organization that the controller must belong to.",
        },
        "ExternalId": {
            "Type": "String", "NoEcho": true, "MinLength": 2, "MaxLength": 1224,
            "AllowedPattern": "^[A-Za-z0-9_+=,.@:/-]*$",
            "Description": "The value that the controller sends as external id.",
        },
        "RoleName": {
            "Type": "String", "Default": role_name, "AllowedPattern": ROLE_NAME,
            "Description": "The name of the role, as in the controller's --member-role.",
        },
        "ManageGuardrails": {
            "Type": "String", "Default": extent.manages_guardrails.to_string(),
            "AllowedValues": ["true", "false"],
            "Description": "Whether guardrails may be placed in this account. Not needed to use a shared one.",
        },
        "ProbeModelId": {
            "Type": "String", "Default": extent.probe_model.clone().unwrap_or_default(),
            "AllowedPattern": "^[A-Za-z0-9.:-]*$",
            "Description": "A cheap foundation model to prove enforcement with. Empty for no such proof.",
        },
    });
    if extent.passes_a_role() {
        parameters["LoggingRoleName"] = json!({
            "Type": "String", "Default": extent.logging_role.clone().unwrap_or_default(),
            "AllowedPattern": "^[A-Za-z0-9_+=,.@-]{0,64}$",
            "Description": "The role that invocation logging to CloudWatch uses. Empty when logs go to S3.",
        });
    }
    members(parameters)
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn attached(role: &str, condition: &str, name: &str, statements: &[Value]) -> Value {
    json!({
        "Type": "AWS::IAM::RolePolicy",
        "Condition": condition,
        "Properties": {
            "PolicyName": name,
            "RoleName": {"Ref": role},
            "PolicyDocument": substituted(&documents::policy(statements)),
        },
    })
}

/// A stack of the management account: the controller's role, and the StackSet of the member role.
pub(super) fn organization(controller_role: &str, role_name: &str, extent: &Extent) -> String {
    // In this stack the controller's role is beside the StackSet.
    let names = Names {
        management: "${AWS::AccountId}".to_owned(),
        controller_account: "${AWS::AccountId}".to_owned(),
        ..variables()
    };
    let mut parameters = member_parameters(role_name, extent);
    parameters["ControllerRoleName"]["Default"] = json!(controller_role);
    let here = ["ManagementAccountId", "ControllerAccountId"];
    parameters.retain(|name, _| !here.contains(&name.as_str()));
    let passed: Vec<Value> = parameters
        .keys()
        .map(|name| (name.as_str(), name.as_str()))
        .chain(here.map(|name| (name, "AWS::AccountId")))
        .map(|(name, value)| json!({"ParameterKey": name, "ParameterValue": {"Ref": value}}))
        .collect();
    parameters.extend(members(own_parameters()));
    // The role is a parameter of this template, so that it stands in no document that is always there.
    let always = Extent { logging_role: None, ..extent.clone() };
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Bedrail: the controller's role, and the member role of every account.",
        "Parameters": parameters,
        "Resources": {
            "ControllerPolicy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": {"Ref": "ControllerRoleName"},
                    "Description": "What the Bedrail controller calls, and nothing else.",
                    "PolicyDocument": substituted(&documents::controller(&names, &always)),
                },
            },
            "ControllerRole": controller_role_resource(),
            "MemberRoles": stack_set(&passed, &member(role_name, extent)),
        },
        "Outputs": {"ControllerRoleArn": {
            "Description": "The role to run the controller with.",
            "Value": {"Fn::GetAtt": ["ControllerRole", "Arn"]},
        }},
    });
    if extent.passes_a_role() {
        template["Conditions"] = json!({"LogsToCloudWatch": logs_to_cloudwatch()});
        template["Resources"]["PassLoggingRolePolicy"] = attached(
            "ControllerRole",
            "LogsToCloudWatch",
            "PassLoggingRole",
            &[documents::pass_role(LOGGING_ROLE)],
        );
    }
    print::yaml(&template)
}

fn controller_role_resource() -> Value {
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "ControllerRoleName"},
            "ManagedPolicyArns": [{"Ref": "ControllerPolicy"}],
            // EKS Pod Identity tags its sessions.
            "AssumeRolePolicyDocument": documents::policy(&[json!({
                "Sid": "Runner",
                "Effect": "Allow",
                "Principal": {"Service": {"Ref": "ControllerService"}},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            })]),
        },
    })
}

fn stack_set(parameters: &[Value], template: &Value) -> Value {
    json!({
        "Type": "AWS::CloudFormation::StackSet",
        "Properties": {
            "StackSetName": "bedrail-member",
            "Description": "The role through which the Bedrail controller reaches an account.",
            "PermissionModel": "SERVICE_MANAGED",
            "AutoDeployment": {"Enabled": true, "RetainStacksOnAccountRemoval": false},
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Parameters": parameters,
            "StackInstancesGroup": [{
                "DeploymentTargets": {"OrganizationalUnitIds": [{"Ref": "OrganizationRootId"}]},
                // A role is global.
                "Regions": [{"Ref": "AWS::Region"}],
            }],
            "TemplateBody": print::yaml(template),
        },
    })
}

fn own_parameters() -> Value {
    json!({
        "OrganizationRootId": {
            "Type": "String", "AllowedPattern": "^(r|ou)-[a-z0-9-]{4,68}$",
            "Description": "The root of the organization (or a unit): every account below gets the role, those that join later too.",
        },
        "ControllerService": {
            "Type": "String", "Default": "ecs-tasks.amazonaws.com",
            "AllowedValues": ["ecs-tasks.amazonaws.com", "pods.eks.amazonaws.com", "ec2.amazonaws.com"],
            "Description": "What runs the controller.",
        },
    })
}

/// The document with its variables where CloudFormation replaces them. The functions are spelled
/// out, so that any YAML tool can read the template.
fn substituted(document: &Value) -> Value {
    match document {
        Value::String(text) => match text.strip_prefix("${").and_then(|it| it.strip_suffix('}')) {
            Some(name) if !name.contains("${") => json!({"Ref": name}),
            Some(_) | None if text.contains("${") => json!({"Fn::Sub": text}),
            Some(_) | None => document.clone(),
        },
        Value::Array(items) => items.iter().map(substituted).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, it)| (name.clone(), substituted(it))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => document.clone(),
    }
}
