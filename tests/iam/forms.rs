//! The same documents as templates.

use serde_json::Value;

use super::{EXTERNAL_ID, MODEL, documents, iam};
use crate::support::MANAGEMENT;

/// The value with the variables of a template in place.
fn resolved(value: &Value, variables: &[(&str, &str)]) -> Value {
    let fill = |text: &str| {
        variables.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value)
        })
    };
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("Fn::Sub") => {
            Value::String(fill(map["Fn::Sub"].as_str().unwrap()))
        }
        Value::Object(map) if map.len() == 1 && map.contains_key("Ref") => {
            Value::String(fill(&format!("${{{}}}", map["Ref"].as_str().unwrap())))
        }
        Value::Object(map) => {
            map.iter().map(|(name, it)| (name.clone(), resolved(it, variables))).collect()
        }
        Value::Array(items) => items.iter().map(|it| resolved(it, variables)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

const VARIABLES: [(&str, &str); 8] = [
    ("AWS::Partition", "aws"),
    ("AWS::AccountId", MANAGEMENT),
    ("ManagementAccountId", MANAGEMENT),
    ("ControllerAccountId", MANAGEMENT),
    ("ControllerRoleName", "BedrailController"),
    ("OrganizationId", "o-exampleorg"),
    ("ExternalId", EXTERNAL_ID),
    ("RoleName", "BedrailMember"),
];

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn the_stack_has_the_documents_and_a_stack_set_that_reaches_new_accounts_by_itself() {
    let documents = documents(&["--probe-model", MODEL]);
    let done = iam(&["--format", "cloudformation", "--probe-model", MODEL]);
    assert_eq!(done.code, 0, "{done}");
    let stack = yaml(&done.stdout);
    let policy = &stack["Resources"]["ControllerPolicy"]["Properties"]["PolicyDocument"];
    assert_eq!(resolved(policy, &VARIABLES), documents["controllerPolicy"]);

    let set = &stack["Resources"]["MemberRoles"]["Properties"];
    assert_eq!(set["PermissionModel"], "SERVICE_MANAGED");
    assert_eq!(set["AutoDeployment"]["Enabled"], true);
    let member = yaml(set["TemplateBody"].as_str().unwrap());
    let given = set["Parameters"].as_array().unwrap().iter().map(|it| it["ParameterKey"].as_str());
    let mut given: Vec<_> = given.map(Option::unwrap).collect();
    given.sort_unstable();
    let wanted: Vec<_> = member["Parameters"].as_object().unwrap().keys().collect();
    assert_eq!(given, wanted, "every parameter of the role's template is given");

    let alone =
        iam(&["--format", "cloudformation", "--only", "member-role", "--probe-model", MODEL]);
    assert_eq!(yaml(&alone.stdout), member);
    let role = &member["Resources"]["MemberRole"]["Properties"];
    let trust = resolved(&role["AssumeRolePolicyDocument"], &VARIABLES);
    assert_eq!(trust, documents["memberTrustPolicy"]);
    let mut statements =
        role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
    let probe = &member["Resources"]["ProbePolicy"]["Properties"]["PolicyDocument"];
    statements.extend(probe["Statement"].as_array().unwrap().clone());
    for statement in statements {
        let statement = resolved(&statement, &VARIABLES);
        let printed = documents["memberPolicy"]["Statement"].as_array().unwrap();
        let same = printed.iter().find(|it| it["Sid"] == statement["Sid"]).unwrap();
        assert_eq!(same["Action"], statement["Action"]);
    }
}

#[test]
fn terraform_has_the_same_documents_and_replaces_nothing_in_them() {
    let names = ["--management-account", MANAGEMENT, "--organization", "o-exampleorg"];
    let done = iam(&[&["--format", "terraform"][..], &names].concat());
    assert_eq!(done.code, 0, "{done}");
    let texts: Vec<String> = done
        .stdout
        .split("<<EOT\n")
        .skip(1)
        .map(|rest| rest.split_once("EOT\n").unwrap().0.replace("$${", "${"))
        .collect();
    assert_eq!(texts.len(), 2);
    let controller: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(controller, documents(&[])["controllerPolicy"]);
    let alone = iam(&["--format", "cloudformation", "--only", "member-role"]);
    assert_eq!(texts[1], alone.stdout);
    let outside: String =
        done.stdout.split("<<EOT\n").map(|it| it.rsplit("EOT\n").next().unwrap()).collect();
    assert_eq!(outside.matches('{').count(), outside.matches('}').count());
    assert!(outside.contains("auto_deployment") && outside.contains("\"SERVICE_MANAGED\""));
    assert!(!done.stdout.contains(EXTERNAL_ID), "the external id is a variable");
}
