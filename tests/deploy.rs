//! What we hand to operators to deploy is well formed and asks for nothing it does not need.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bedrail::cli::Arguments;
use clap::Parser;
use serde::Deserialize;
use serde_yaml::Value;

/// Every action the controller calls in some account. A new call adds a line here and to a
/// policy; a line here that no policy has is a call that fails in production.
const ACTIONS: &[&str] = &[
    "bedrock:ApplyGuardrail",
    "bedrock:CreateGuardrail",
    "bedrock:CreateGuardrailVersion",
    "bedrock:DeleteEnforcedGuardrailConfiguration",
    "bedrock:DeleteGuardrail",
    "bedrock:DeleteModelInvocationLoggingConfiguration",
    "bedrock:DeleteResourcePolicy",
    "bedrock:GetGuardrail",
    "bedrock:GetModelInvocationLoggingConfiguration",
    "bedrock:GetResourcePolicy",
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
    "bedrock:ListEnforcedGuardrailsConfiguration",
    "bedrock:ListFoundationModels",
    "bedrock:ListGuardrails",
    "bedrock:ListInferenceProfiles",
    "bedrock:ListTagsForResource",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:PutModelInvocationLoggingConfiguration",
    "bedrock:PutResourcePolicy",
    "bedrock:TagResource",
    "bedrock:UntagResource",
    "bedrock:UpdateGuardrail",
    "iam:PassRole",
    "organizations:AttachPolicy",
    "organizations:CreatePolicy",
    "organizations:DeletePolicy",
    "organizations:DescribeAccount",
    "organizations:DescribeEffectivePolicy",
    "organizations:DescribeOrganization",
    "organizations:DescribeOrganizationalUnit",
    "organizations:DescribePolicy",
    "organizations:DescribeResourcePolicy",
    "organizations:DetachPolicy",
    "organizations:EnablePolicyType",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListAccountsWithInvalidEffectivePolicy",
    "organizations:ListChildren",
    "organizations:ListEffectivePolicyValidationErrors",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListParents",
    "organizations:ListPolicies",
    "organizations:ListPoliciesForTarget",
    "organizations:ListRoots",
    "organizations:ListTagsForResource",
    "organizations:ListTargetsForPolicy",
    "organizations:TagResource",
    "organizations:UntagResource",
    "organizations:UpdatePolicy",
    "sts:AssumeRole",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/deploy")
}

/// Every document of one file.
fn documents(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let documents: Result<Vec<Value>, String> =
        if Path::new(name).extension().is_some_and(|extension| extension == "json") {
            // Strictly: YAML would forgive a trailing comma.
            serde_json::from_str(&text).map(|value| vec![value]).map_err(|error| error.to_string())
        } else {
            serde_yaml::Deserializer::from_str(&text)
                .map(|document| Value::deserialize(document).map_err(|error| error.to_string()))
                .collect()
        };
    documents.unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn document(name: &str) -> Value {
    let mut documents = documents(name);
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// Calls `visit` with every key and value of the maps in `value`, at any depth.
fn entries<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str, &'a Value)) {
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                visit(key.as_str().unwrap_or_default(), value);
                entries(value, visit);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| entries(item, visit)),
        Value::Tagged(tagged) => entries(&tagged.value, visit),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The values that `key` has anywhere in `value`.
fn all<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    entries(value, &mut |name, value| {
        if name == key {
            found.push(value);
        }
    });
    found
}

fn actions(value: &Value) -> BTreeSet<String> {
    let mut actions = BTreeSet::new();
    for value in all(value, "Action") {
        let one = std::slice::from_ref(value);
        for action in value.as_sequence().map_or(one, Vec::as_slice) {
            actions.insert(action.as_str().unwrap().to_owned());
        }
    }
    actions
}

#[test]
fn every_file_parses() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "README.md",
            "bedrail.service",
            "controller-policy.json",
            "controller.yaml",
            "ecs-service.json",
            "ecs-task-definition.json",
            "kubernetes.yaml",
            "logging-hub.yaml",
            "member-logging.yaml",
            "member-role.yaml",
            "optional-alarms.yaml",
            "optional-budget.yaml",
            "optional-config-rules.yaml",
            "optional-journal-bucket.yaml",
        ]
    );
    for name in &names[2..] {
        assert!(documents(name).iter().all(Value::is_mapping), "{name}");
    }
}

#[test]
fn the_roles_may_do_what_the_controller_calls_and_nothing_else() {
    let known: BTreeSet<String> = ACTIONS.iter().map(|action| (*action).to_owned()).collect();
    let granted: BTreeSet<String> = ["controller-policy.json", "member-role.yaml"]
        .iter()
        .flat_map(|name| actions(&document(name)))
        .collect();
    assert_eq!(granted, known);
}

/// Two ways to the same role: neither grants what the other does not. Which role is passed for logging
/// is known to the stack alone.
#[test]
fn the_stack_grants_what_the_policy_file_does() {
    let mut of_file = actions(&document("controller-policy.json"));
    of_file.insert("iam:PassRole".to_owned());
    let stack = document("controller.yaml");
    let policy = &stack["Resources"]["ControllerPolicy"];
    assert_eq!(actions(policy), of_file);
    let conditions = |value: &Value| all(value, "organizations:PolicyType").len();
    assert_eq!(conditions(policy), 1, "policies of other types are nobody's business");
}

/// The names that the README's manifest has are those that the templates make.
#[test]
fn what_the_logging_templates_make_is_what_the_manifest_in_them_names() {
    let template = document("member-logging.yaml");
    let default = |name: &str| template["Parameters"][name]["Default"].as_str().unwrap();
    let text = fs::read_to_string(folder().join("member-logging.yaml")).unwrap();
    let manifest: String = text.lines().filter(|line| line.starts_with('#')).collect();
    let bucket = format!("{}-${{account}}-${{region}}", default("BucketPrefix"));
    let role = format!("role/{}", default("RoleName"));
    for part in [default("LogGroupName"), &role, &bucket] {
        assert!(manifest.contains(part), "{part}");
    }
    let hub = document("logging-hub.yaml");
    for (ours, theirs) in
        [("HubBucketPrefix", "BucketPrefix"), ("HubDestinationName", "DestinationName")]
    {
        assert_eq!(default(ours), hub["Parameters"][theirs]["Default"].as_str().unwrap());
    }
}

/// IAM counts without white space and refuses more in a managed policy.
#[test]
fn the_controllers_policy_fits_into_a_managed_policy() {
    let text = fs::read_to_string(folder().join("controller-policy.json")).unwrap();
    let size = text.chars().filter(|char| !char.is_whitespace()).count();
    assert!(size <= 6144, "{size}");
}

/// A role that does not say who may assume it, and under which conditions, opens every
/// account of the organization.
#[test]
fn the_member_role_trusts_one_role_of_one_organization_with_one_external_id() {
    let template = document("member-role.yaml");
    let trusts = all(&template, "AssumeRolePolicyDocument");
    assert_eq!(trusts.len(), 1);
    let statements = trusts[0]["Statement"].as_sequence().unwrap();
    assert_eq!(statements.len(), 1);
    assert_eq!(
        statements[0]["Principal"]["AWS"]["Fn::Sub"],
        "arn:${AWS::Partition}:iam::${ManagementAccountId}:root"
    );
    let condition = &statements[0]["Condition"];
    assert_eq!(
        condition["ArnEquals"]["aws:PrincipalArn"]["Fn::Sub"],
        "arn:${AWS::Partition}:iam::${ManagementAccountId}:role/${ControllerRoleName}"
    );
    assert_eq!(condition["StringEquals"]["aws:PrincipalOrgID"]["Ref"], "OrganizationId");
    assert_eq!(condition["StringEquals"]["sts:ExternalId"]["Ref"], "ExternalId");
}

#[test]
fn the_controller_may_assume_the_role_that_the_template_makes() {
    let template = document("member-role.yaml");
    let role = template["Parameters"]["RoleName"]["Default"].as_str().unwrap();
    let policy = document("controller-policy.json");
    let statements = policy["Statement"].as_sequence().unwrap();
    let assume = statements.iter().find(|statement| statement["Action"] == "sts:AssumeRole");
    assert_eq!(assume.unwrap()["Resource"], format!("arn:aws:iam::*:role/{role}").as_str());
}

#[test]
fn nothing_deploys_two_controllers_at_once() {
    let service = document("ecs-service.json");
    assert_eq!(service["desiredCount"], 1);
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 100);
    assert_eq!(service["deploymentConfiguration"]["minimumHealthyPercent"], 0);

    let stack = document("controller.yaml");
    let service = &stack["Resources"]["Service"]["Properties"];
    assert_eq!(service["DesiredCount"], 1);
    assert_eq!(service["DeploymentConfiguration"]["MaximumPercent"], 100);
    assert_eq!(service["DeploymentConfiguration"]["MinimumHealthyPercent"], 0);

    let kubernetes = documents("kubernetes.yaml");
    let deployment = kubernetes.iter().find(|document| document["kind"] == "Deployment").unwrap();
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
}

#[test]
fn containers_run_without_root_and_write_nowhere() {
    let task = document("ecs-task-definition.json");
    let container = &task["containerDefinitions"][0];
    assert_eq!(container["readonlyRootFilesystem"], true);
    assert_eq!(container["user"], "65532:65532");
    let stack = document("controller.yaml");
    let container = &stack["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0];
    assert_eq!(container["ReadonlyRootFilesystem"], true);
    assert_eq!(container["User"], "65532:65532");

    let kubernetes = documents("kubernetes.yaml");
    let deployment = kubernetes.iter().find(|document| document["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    // A file mounted with subPath is never updated.
    assert!(all(deployment, "subPath").is_empty());
}

/// A flag that the binary does not know would stop the container at its start.
#[test]
fn containers_pass_only_flags_that_the_binary_knows() {
    let task = document("ecs-task-definition.json");
    let kubernetes = documents("kubernetes.yaml");
    let deployment = kubernetes.iter().find(|document| document["kind"] == "Deployment").unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let stack = document("controller.yaml");
    let stack = &stack["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]["Command"];
    for arguments in [&task["containerDefinitions"][0]["command"], &container["args"], stack] {
        let words = arguments.as_sequence().unwrap().iter().map(|word| word.as_str().unwrap());
        let parsed = Arguments::try_parse_from(std::iter::once("bedrail").chain(words));
        assert!(parsed.is_ok(), "{parsed:?}");
    }
    let unit = fs::read_to_string(folder().join("bedrail.service")).unwrap();
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let parsed = Arguments::try_parse_from(start.split_whitespace());
    assert!(parsed.is_ok(), "{parsed:?}");
}
