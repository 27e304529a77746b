//! What each operator makes of a key that is known, begins as is known, or is not.

use serde_json::json;

use super::*;
use crate::model::{AccountId, Region};
use crate::plan::access::request::Principal;
use crate::plan::fixture::{MEMBER, fleet, guardrail_arn};

const ROLES: &str = "arn:aws:iam::222233334444:role/";

fn met(operator: &str, key: &str, wanted: &Value) -> Truth {
    met_by(Principal::AnyRole, operator, key, wanted)
}

fn met_by(principal: Principal<'_>, operator: &str, key: &str, wanted: &Value) -> Truth {
    let account: AccountId = MEMBER.parse().unwrap();
    let region: Region = "us-east-1".parse().unwrap();
    let (fleet, resource) = (fleet(), guardrail_arn().to_string());
    let what = ("bedrock:ApplyGuardrail", resource.as_str());
    let request = Request::new(what, (&account, &region), principal, &fleet);
    meets(&json!({operator: {key: wanted}}), &request)
}

#[test]
fn every_operator_of_texts_compares_as_it_is_called() {
    let region = "aws:RequestedRegion";
    for (operator, wanted, expected) in [
        ("StringEquals", "us-east-1", true),
        ("StringEquals", "US-EAST-1", false),
        ("StringNotEquals", "us-east-1", false),
        ("StringEqualsIgnoreCase", "US-EAST-1", true),
        ("StringNotEqualsIgnoreCase", "US-EAST-1", false),
        ("StringNotEqualsIgnoreCase", "US-EAST-2", true),
        ("StringLike", "us-*", true),
        ("StringLike", "eu-*", false),
        ("StringNotLike", "us-*", false),
        ("StringNotLike", "eu-*", true),
        ("ForAnyValue:StringLike", "us-*", true),
        ("ForAllValues:StringNotLike", "us-*", false),
        ("StringEqualsIfExists", "us-east-1", true),
        ("ArnLike", "*", true),
        ("ArnLike", "us-*", false),
        ("ArnNotLike", "*", false),
    ] {
        assert_eq!(met(operator, region, &json!(wanted)), Truth::from(expected), "{operator}");
    }
    assert_eq!(met("Null", region, &json!("false")), Truth::True);
    assert_eq!(met("Null", region, &json!("true")), Truth::False);
    assert_eq!(met("Bool", "aws:SecureTransport", &json!("True")), Truth::True);
    assert_eq!(met("StringEquals", region, &json!("${aws:PrincipalTag/region}")), Truth::Unknown);
    assert_eq!(met("StringEquals", "aws:PrincipalTag/team", &json!("a")), Truth::Unknown);
    assert_eq!(met("NumericEquals", region, &json!("1")), Truth::Unknown);
}

/// Of a role nothing is known but its account: what could be some role's is not denied for sure.
#[test]
fn a_role_that_is_not_known_may_be_any_that_its_arn_admits() {
    use Truth::{False, True, Unknown};
    let arn = "aws:PrincipalArn";
    let some = format!("{ROLES}Admin");
    let elsewhere = some.replace(MEMBER, "999999999999");
    for (operator, wanted, expected) in [
        ("StringEquals", some.as_str(), Unknown),
        ("StringEquals", ROLES, False),
        ("StringEquals", elsewhere.as_str(), False),
        ("StringEquals", "arn:aws:iam::*:role/Admin, and so on, at length", False),
        ("StringEqualsIgnoreCase", some.as_str(), Unknown),
        ("StringEqualsIgnoreCase", ROLES, False),
        ("StringEqualsIgnoreCase", "arn", False),
        ("ArnLike", some.as_str(), Unknown),
        ("ArnLike", "arn:aws:iam::*:role/*", True),
        ("ArnLike", elsewhere.as_str(), False),
        ("ArnLike", "*", True),
        ("ArnLike", "role/*", False),
        ("StringLike", "arn:aws:iam::*", True),
        ("StringLike", "*Admin", Unknown),
    ] {
        assert_eq!(met(operator, arn, &json!(wanted)), expected, "{operator} {wanted}");
    }
    let met_by_admin =
        |wanted: &str| met_by(Principal::Role(&some), "ArnLike", arn, &json!(wanted));
    assert_eq!(met_by_admin("arn:aws:iam::*:role/A*"), True);
    assert_eq!(met_by_admin("arn:aws:iam::*:role/B*"), False);
}
