//! Documents of the five forms, word by word.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::{ControlForm, OwnerId};
use crate::plan::fixture::guardrail_arn;
use crate::plan::service_control::document::{hash, is_same, length, meaning, parts};
use crate::plan::service_control::render::{Ground, document};

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn rendered(form: &ControlForm, partition: &str, member_role: &str) -> Value {
    let owner: OwnerId = "us".parse().unwrap();
    let guardrails = BTreeSet::from([guardrail_arn()]);
    let ground = Ground { partition, owner: &owner, member_role, guardrails: &guardrails };
    document(form, &ground)
}

fn statements(form: &ControlForm) -> Value {
    let document = rendered(form, "aws", "BedrailMember");
    assert_eq!(document["Version"], json!("2012-10-17"));
    document["Statement"].clone()
}

#[test]
fn a_required_guardrail_must_be_named_at_a_published_version() {
    let form = ControlForm::RequireGuardrail {
        guardrails: BTreeSet::from(["baseline".parse().unwrap()]),
        exempt_roles: texts(&["BreakGlass"]),
    };
    assert_eq!(
        statements(&form),
        json!([{
            "Sid": "BedrailRequireGuardrail",
            "Effect": "Deny",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "NotResource": [
                "arn:aws:bedrock:*::foundation-model/*embed*",
                "arn:aws:bedrock:*:*:inference-profile/*embed*"],
            "Condition": {"ArnNotLike": {
                "aws:PrincipalArn":
                    ["arn:aws:iam::*:role/BedrailMember", "arn:aws:iam::*:role/BreakGlass"],
                "bedrock:GuardrailIdentifier":
                    ["arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123:*"]}},
        }])
    );
}

#[test]
fn an_approved_model_is_approved_with_its_profiles() {
    let form =
        ControlForm::ApprovedModels(texts(&["eu.amazon.nova-pro-v1:0", "anthropic.claude-*"]));
    assert_eq!(
        statements(&form),
        json!([{
            "Sid": "BedrailApprovedModels",
            "Effect": "Deny",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "NotResource": [
                "arn:aws:bedrock:*:*:application-inference-profile/*",
                "arn:aws:bedrock:*:*:inference-profile/*.anthropic.claude-*",
                "arn:aws:bedrock:*:*:inference-profile/eu.amazon.nova-pro-v1:0",
                "arn:aws:bedrock:*::foundation-model/amazon.nova-pro-v1:0",
                "arn:aws:bedrock:*::foundation-model/anthropic.claude-*"],
        }])
    );
}

#[test]
fn protection_exempts_our_role_and_names_owned_guardrails_alone() {
    let form = ControlForm::ProtectEnforcement { exempt_roles: texts(&["BreakGlass"]) };
    let exempt = json!(["arn:aws:iam::*:role/BedrailMember", "arn:aws:iam::*:role/BreakGlass"]);
    let unless = json!({"aws:PrincipalArn": exempt});
    assert_eq!(
        statements(&form),
        json!([
            {"Sid": "BedrailProtectEnforcement", "Effect": "Deny",
             "Action": ["bedrock:DeleteEnforcedGuardrailConfiguration",
                "bedrock:DeleteModelInvocationLoggingConfiguration",
                "bedrock:PutEnforcedGuardrailConfiguration",
                "bedrock:PutModelInvocationLoggingConfiguration"],
             "Resource": "*", "Condition": {"ArnNotLike": unless}},
            {"Sid": "BedrailProtectGuardrails", "Effect": "Deny",
             "Action": ["bedrock:CreateGuardrailVersion", "bedrock:DeleteGuardrail",
                "bedrock:DeleteResourcePolicy", "bedrock:PutResourcePolicy",
                "bedrock:TagResource", "bedrock:UntagResource", "bedrock:UpdateGuardrail"],
             "Resource": "arn:aws:bedrock:*:*:guardrail/*",
             "Condition": {"ArnNotLike": unless,
                "StringEquals": {"aws:ResourceTag/bedrail:owner": "us"}}},
            {"Sid": "BedrailProtectRoles", "Effect": "Deny",
             "Action": ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole",
                "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy", "iam:PassRole", "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"],
             "Resource": exempt,
             "Condition":
                {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/BreakGlass"]}}},
            {"Sid": "BedrailProtectMembership", "Effect": "Deny",
             "Action": "organizations:LeaveOrganization", "Resource": "*"},
        ])
    );
    let nobody = ControlForm::ProtectEnforcement { exempt_roles: BTreeSet::new() };
    let role = &statements(&nobody)[2];
    assert_eq!(role["Resource"], json!(["arn:aws:iam::*:role/BedrailMember"]));
    assert!(role.get("Condition").is_none(), "nobody may: {role}");
}

#[test]
fn a_required_network_is_an_endpoint_or_a_network() {
    let form = ControlForm::RequireNetwork {
        vpc_endpoints: texts(&["vpce-0123456789abcdef0"]),
        vpcs: BTreeSet::new(),
        exempt_roles: BTreeSet::new(),
    };
    assert_eq!(
        statements(&form),
        json!([{
            "Sid": "BedrailRequireNetwork",
            "Effect": "Deny",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "Resource": "*",
            "Condition": {
                "ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/BedrailMember"]},
                "BoolIfExists":
                    {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"},
                "StringNotEquals": {"aws:SourceVpce": ["vpce-0123456789abcdef0"]}},
        }])
    );
}

#[test]
fn partition_and_role_are_those_of_the_installation() {
    let forms = [
        ControlForm::ApprovedModels(texts(&["amazon.nova-*"])),
        ControlForm::ProtectEnforcement { exempt_roles: BTreeSet::new() },
    ];
    for form in &forms {
        let text = rendered(form, "aws-us-gov", "platform/Guardian").to_string();
        assert!(text.contains("arn:aws-us-gov:") && !text.contains("arn:aws:"), "{text}");
        assert!(!text.contains("BedrailMember"), "{text}");
    }
    let protection = rendered(&forms[1], "aws-us-gov", "platform/Guardian").to_string();
    assert!(protection.contains("arn:aws-us-gov:iam::*:role/platform/Guardian"), "{protection}");
}

fn any_form() -> impl Strategy<Value = ControlForm> {
    let names = || prop::collection::btree_set("[A-Za-z]{1,12}", 0..12);
    prop_oneof![
        prop::collection::btree_set("[a-z]{2,6}\\.[a-z0-9*-]{1,20}", 1..40)
            .prop_map(ControlForm::ApprovedModels),
        names().prop_map(|exempt_roles| ControlForm::ProtectEnforcement { exempt_roles }),
        (prop::collection::btree_set("vpce-[0-9a-f]{8}", 1..9), names()).prop_map(
            |(vpc_endpoints, exempt_roles)| ControlForm::RequireNetwork {
                vpc_endpoints,
                vpcs: BTreeSet::new(),
                exempt_roles,
            }
        ),
    ]
}

/// The same document as somebody else would write it: statements and lists backwards, lists of one
/// as a text.
fn rewritten(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 => rewritten(&items[0]),
        Value::Array(items) => items.iter().rev().map(rewritten).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, it)| (name.clone(), rewritten(it))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

proptest! {
    #[test]
    fn equal_forms_are_rendered_equally_and_mean_the_same_in_any_form(form in any_form()) {
        let one = rendered(&form, "aws", "BedrailMember");
        prop_assert_eq!(&one, &rendered(&form, "aws", "BedrailMember"));
        let other = rewritten(&one);
        prop_assert!(is_same(&one, &other));
        prop_assert_eq!(hash(&one), hash(&other));
        prop_assert_eq!(meaning(&meaning(&one)), meaning(&one));
    }

    #[test]
    fn parts_fit_and_say_together_what_the_whole_says(form in any_form(), max in 600_usize..6000) {
        let whole = rendered(&form, "aws", "BedrailMember");
        let Ok(parts) = parts(whole.clone(), max) else { return Ok(()) };
        prop_assert!(parts.iter().all(|part| part.to_string().chars().count() <= max));
        let all: Vec<Value> = parts
            .iter()
            .flat_map(|part| part["Statement"].as_array().cloned().unwrap_or_default())
            .collect();
        let joined = json!({"Version": "2012-10-17", "Statement": all});
        prop_assert!(is_same(&whole, &joined), "{}", joined);
    }
}

#[test]
fn a_document_of_just_the_size_that_aws_takes_is_one() {
    let statement = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": "*"});
    let of = |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements});
    let [one, two] = [statement("s3:A"), statement("s3:B")];
    let both = of(&[one.clone(), two.clone()]);
    let count = |size_max: usize| parts(both.clone(), size_max).map(|it| it.len()).ok();
    assert_eq!(count(length(&both)), Some(1));
    assert_eq!(count(length(&both) - 1), Some(2));
    let alone = length(&of(std::slice::from_ref(&one)));
    assert_eq!(count(alone), Some(2));
    assert_eq!(count(alone - 1), None);
    // Two fit in the first of three that do not.
    let three = of(&[one, two, statement("s3:C")]);
    let parts = parts(three, length(&both)).ok().unwrap();
    assert_eq!(parts.iter().map(length).collect::<Vec<_>>(), [length(&both), alone]);
}

#[test]
fn names_for_people_and_the_case_of_members_mean_nothing() {
    let statement = json!({"Effect": "Deny", "Action": "s3:A", "Resource": "*"});
    let plain = json!({"Version": "2012-10-17", "Statement": [statement]});
    let mut named = statement.clone();
    named["Sid"] = json!("");
    let lower = json!({"version": "2012-10-17", "statement": named, "Id": "for people"});
    assert!(is_same(&plain, &lower));
    named["Sid"] = json!("Told");
    assert!(!is_same(&plain, &json!({"Version": "2012-10-17", "Statement": [named]})));
}
