//! What service control policies let a role apply, statement by statement and level by level.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::model::{AccountId, Region};
use crate::plan::access::request::Principal;
use crate::plan::fixture::{MANAGEMENT, MEMBER, OTHER, ROOT, UNIT, fleet, guardrail_arn};

const FULL: &str = "p-FullAWSAccess";

fn control(id: &str, statements: &Value, targets: &[&str]) -> (PolicyId, ServiceControl) {
    let id: PolicyId = id.parse().unwrap();
    let control = ServiceControl {
        id: id.clone(),
        name: id.to_string(),
        content: json!({"Version": "2012-10-17", "Statement": statements}),
        targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
    };
    (id, control)
}

fn full_access() -> (PolicyId, ServiceControl) {
    let allow = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    control(FULL, &allow, &[ROOT, UNIT, MEMBER, OTHER, MANAGEMENT])
}

fn apply(account: &str, principal: Principal<'_>, controls: &ServiceControls) -> Permission {
    let account: AccountId = account.parse().unwrap();
    let region: Region = "us-east-1".parse().unwrap();
    let (fleet, resource) = (fleet(), guardrail_arn().to_string());
    let what = ("bedrock:ApplyGuardrail", resource.as_str());
    let request = Request::new(what, (&account, &region), principal, &fleet);
    controlled(&request, controls, &fleet)
}

/// What one more statement at the root means for any role of the member account.
fn with(statement: &Value) -> Permission {
    let policy = control("p-denyonroot", &json!([statement]), &[ROOT]);
    apply(MEMBER, Principal::AnyRole, &BTreeMap::from([full_access(), policy]))
}

fn word(permission: &Permission) -> &'static str {
    match permission {
        Permission::Open => "open",
        Permission::Denied(_) => "denied",
        Permission::Unclear(_) => "unclear",
    }
}

#[test]
fn a_deny_counts_as_sure_only_where_it_hits_every_role() {
    let deny = |more: Value| {
        let mut statement = json!({"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"});
        for (name, value) in more.as_object().unwrap() {
            statement[name] = value.clone();
        }
        statement
    };
    let when = |condition: Value| deny(json!({"Condition": condition}));
    let not_action = json!({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"});
    let not_resource = json!({"Effect": "Deny", "Action": "bedrock:*",
        "NotResource": "arn:aws:bedrock:*::foundation-model/*"});
    let exempt = json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/BreakGlass"}});
    let rows = [
        ("all of Bedrock", deny(json!({})), "denied"),
        ("the action in another case", deny(json!({"Action": "BEDROCK:applyguardrail"})), "denied"),
        ("another action", deny(json!({"Action": "bedrock:InvokeModel"})), "open"),
        ("all but another service", not_action, "denied"),
        ("all but models", not_resource, "denied"),
        ("another guardrail", deny(json!({"Resource": "arn:aws:bedrock:*:*:guardrail/x"})), "open"),
        ("a resource with a variable", deny(json!({"Resource": "arn:${aws:x}"})), "unclear"),
        ("all roles but one", when(exempt), "unclear"),
        (
            "every role, by pattern",
            when(json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}})),
            "denied",
        ),
        (
            "the root user alone",
            when(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}})),
            "open",
        ),
        (
            "outside of other Regions",
            when(json!({"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}})),
            "denied",
        ),
        (
            "outside of this Region",
            when(json!({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}})),
            "open",
        ),
        (
            "resources of other organizations",
            when(json!({"StringNotEqualsIfExists": {"aws:ResourceOrgID": "o-abcdefghij"}})),
            "open",
        ),
        (
            "resources outside of the own account",
            when(json!({"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}})),
            "unclear",
        ),
        (
            "callers from elsewhere",
            when(json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})),
            "unclear",
        ),
        ("without TLS", when(json!({"Bool": {"aws:SecureTransport": "false"}})), "open"),
        (
            "an operator of tomorrow",
            when(json!({"StringRhymes": {"aws:PrincipalArn": "x"}})),
            "unclear",
        ),
        ("a member of tomorrow", deny(json!({"Extra": 1})), "unclear"),
        (
            "below a unit",
            when(json!({"ForAnyValue:StringLike":
                {"aws:PrincipalOrgPaths": format!("o-abcdefghij/*/{UNIT}/*")}})),
            "denied",
        ),
        ("a key that is there", when(json!({"Null": {"aws:PrincipalArn": "false"}})), "denied"),
        ("a key that is missing", when(json!({"Null": {"aws:PrincipalArn": "true"}})), "open"),
    ];
    for (name, statement, expected) in rows {
        let permission = with(&statement);
        assert_eq!(word(&permission), expected, "{name}: {permission:?}");
    }
}

#[test]
fn an_exemption_of_a_role_is_one_for_that_role() {
    let exempt = json!([{"Sid": "Locked", "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/BedrailMember"}}}]);
    let controls = BTreeMap::from([full_access(), control("p-lockedout", &exempt, &[UNIT])]);
    let role = |name: &str| format!("arn:aws:iam::{MEMBER}:role/{name}");
    assert_eq!(apply(MEMBER, Principal::Role(&role("BedrailMember")), &controls), Permission::Open);
    let other = apply(MEMBER, Principal::Role(&role("Other")), &controls);
    let Permission::Denied(cause) = other else { panic!("{other:?}") };
    assert_eq!(cause.to_string(), "`Locked` of the policy p-lockedout at /Workloads");
}

#[test]
fn every_level_must_allow_and_the_management_account_is_not_bound() {
    let narrow = json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]);
    let everywhere = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let controls = BTreeMap::from([
        control(FULL, &everywhere, &[ROOT, MEMBER, OTHER]),
        control("p-onlystorage", &narrow, &[UNIT]),
    ]);
    let below = apply(MEMBER, Principal::AnyRole, &controls);
    let Permission::Denied(cause) = below else { panic!("{below:?}") };
    assert_eq!((cause.policy, cause.place.as_str()), (None, "/Workloads"));
    assert_eq!(apply(OTHER, Principal::AnyRole, &controls), Permission::Open);
    assert_eq!(apply(MANAGEMENT, Principal::AnyRole, &controls), Permission::Open);
}

#[test]
fn a_level_without_any_policy_was_not_read_completely() {
    let everywhere = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let controls = BTreeMap::from([control(FULL, &everywhere, &[ROOT, MEMBER])]);
    assert_eq!(word(&apply(MEMBER, Principal::AnyRole, &controls)), "unclear");
}

#[test]
fn a_document_that_is_none_makes_it_unclear() {
    let mut broken = control("p-notadocument", &json!([]), &[UNIT]);
    broken.1.content = Value::Null;
    let controls = BTreeMap::from([full_access(), broken]);
    assert_eq!(word(&apply(MEMBER, Principal::AnyRole, &controls)), "unclear");
}
