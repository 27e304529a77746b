//! Judges whether a resource policy lets an account use a guardrail.
//!
//! Evaluates the whole document, foreign statements and Denies included, in three values. What is
//! not understood counts against us: such an Allow allows nothing, such a Deny denies.

use serde_json::{Map, Value};

use crate::model::{AccountId, Fleet, GuardrailArn, ProfileKey};
use crate::plan::access::{Truth, like};

/// What applying a guardrail from another account needs (`aws-facts` 2.5).
pub(super) const GUARDRAIL_ACTIONS: [&str; 2] = ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"];

/// Whether `policy` of the guardrail `arn` lets `account` apply and read it. Its owner needs no
/// statement, but a Deny binds it too.
pub fn admits(
    policy: Option<&Value>,
    arn: &GuardrailArn,
    account: &AccountId,
    fleet: &Fleet,
) -> bool {
    let resource = arn.to_string();
    let access = Access { resource: &resource, owner: &arn.account, actions: &GUARDRAIL_ACTIONS };
    access.admits(policy, account, fleet)
}

/// Whether `policy` of a guardrail profile lets `account` use it.
pub(in crate::plan) fn profile_admits(
    policy: Option<&Value>,
    profile: &ProfileKey,
    account: &AccountId,
    fleet: &Fleet,
) -> bool {
    let resource = profile.arn(&fleet.partition);
    let actions = &["bedrock:ApplyGuardrail"];
    let access = Access { resource: &resource, owner: &profile.account, actions };
    access.admits(policy, account, fleet)
}

/// Whether `policy` may let `account` apply or read the guardrail: only a policy that clearly does
/// not is an answer. The opposite leaning of [`admits`], for what must be ruled out.
pub(in crate::plan) fn may_admit(
    policy: Option<&Value>,
    arn: &GuardrailArn,
    account: &AccountId,
    fleet: &Fleet,
) -> bool {
    if *account == arn.account {
        return true;
    }
    let Some(policy) = policy else { return false };
    let Some(statements) = policy.get("Statement").and_then(one_or_many) else { return true };
    let resource = arn.to_string();
    GUARDRAIL_ACTIONS.iter().any(|action| {
        let request = Request { action, resource: &resource, account, fleet };
        statements.iter().any(|it| request.may_be_allowed_by(it))
    })
}

/// The members of a statement that are understood.
const MEMBERS: [&str; 6] = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];

/// What is asked of a policy.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    /// ARN of the guardrail or profile.
    pub(super) resource: &'a str,
    /// Who owns it.
    pub(super) owner: &'a AccountId,
    /// All of these must be allowed.
    pub(super) actions: &'a [&'a str],
}

impl Access<'_> {
    /// Whether `account` may do all of it.
    pub(super) fn admits(
        &self,
        policy: Option<&Value>,
        account: &AccountId,
        fleet: &Fleet,
    ) -> bool {
        let Some(policy) = policy else { return account == self.owner };
        let Some(statements) = policy.get("Statement").and_then(one_or_many) else { return false };
        self.actions.iter().all(|action| {
            let request = Request { action, resource: self.resource, account, fleet };
            let allowed =
                account == self.owner || statements.iter().any(|it| request.is_allowed_by(it));
            allowed && !statements.iter().any(|it| request.may_be_denied_by(it))
        })
    }
}

/// A statement's list, or the single object that may stand in its place.
pub(super) fn one_or_many(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Object(_) | Value::String(_) => Some(vec![value]),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// One principal's one action.
struct Request<'a> {
    action: &'a str,
    resource: &'a str,
    account: &'a AccountId,
    fleet: &'a Fleet,
}

impl Request<'_> {
    fn is_allowed_by(&self, statement: &Value) -> bool {
        let effect = statement.get("Effect").and_then(Value::as_str);
        // AWS supports "everyone" only together with a condition on the organization.
        let unbounded = statement.get("Principal").is_some_and(is_everyone)
            && statement.get("Condition").is_none();
        effect == Some("Allow") && !unbounded && self.matches(statement) == Truth::True
    }

    fn may_be_allowed_by(&self, statement: &Value) -> bool {
        let effect = statement.get("Effect").and_then(Value::as_str);
        effect != Some("Deny") && self.matches(statement) != Truth::False
    }

    fn may_be_denied_by(&self, statement: &Value) -> bool {
        let effect = statement.get("Effect").and_then(Value::as_str);
        effect != Some("Allow") && self.matches(statement) != Truth::False
    }

    fn matches(&self, statement: &Value) -> Truth {
        let Some(members) = statement.as_object() else { return Truth::Unknown };
        let understood = members.keys().all(|name| MEMBERS.contains(&name.as_str()));
        Truth::all([
            if understood { Truth::True } else { Truth::Unknown },
            members.get("Principal").map_or(Truth::Unknown, |it| self.is_principal(it)),
            any_text(members.get("Action"), |text| {
                like(&text.to_ascii_lowercase(), &self.action.to_ascii_lowercase()).into()
            }),
            any_text(members.get("Resource"), |text| self.is_resource(text)),
            members.get("Condition").map_or(Truth::True, |it| self.meets(it)),
        ])
    }

    /// Only the exact ARN is a resource AWS supports here: a wildcard that covers it, or the ARN
    /// with something behind it, is a construct of unknown effect.
    fn is_resource(&self, text: &str) -> Truth {
        if text == self.resource {
            Truth::True
        } else if like(text, self.resource) || text.starts_with(self.resource) {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    fn is_principal(&self, principal: &Value) -> Truth {
        if is_everyone(principal) {
            return Truth::True;
        }
        let Some(kinds) = principal.as_object() else { return Truth::Unknown };
        Truth::any(kinds.iter().map(|(kind, values)| match kind.as_str() {
            "AWS" => any_text(Some(values), |text| self.is_account(text)),
            "Service" => Truth::False,
            _ => Truth::Unknown,
        }))
    }

    fn is_account(&self, text: &str) -> Truth {
        let Some((account, name)) = principal_parts(text) else { return Truth::Unknown };
        if account != self.account.as_str() {
            Truth::False
        } else if name == "root" {
            Truth::True
        } else {
            // One role of the account: what the others may do does not follow.
            Truth::Unknown
        }
    }

    fn meets(&self, condition: &Value) -> Truth {
        let Some(operators) = condition.as_object() else { return Truth::Unknown };
        Truth::all(operators.iter().map(|(operator, keys)| {
            let Some(keys) = keys.as_object() else { return Truth::Unknown };
            self.meets_operator(&operator.to_ascii_lowercase(), keys)
        }))
    }

    fn meets_operator(&self, operator: &str, keys: &Map<String, Value>) -> Truth {
        // Every account of an organization has all the keys understood here.
        let operator = operator.strip_suffix("ifexists").unwrap_or(operator);
        Truth::all(keys.iter().map(|(key, values)| {
            let key = key.to_ascii_lowercase();
            let (single, operator) = match operator.strip_prefix("foranyvalue:") {
                Some(operator) => (false, operator),
                None => (true, operator),
            };
            let actual = match (key.as_str(), single) {
                ("aws:principalorgid", true) => self
                    .fleet
                    .accounts
                    .contains_key(self.account)
                    .then(|| self.fleet.organization.to_string()),
                ("aws:principalaccount", true) => Some(self.account.to_string()),
                ("aws:principalorgpaths", false) => self.fleet.organization_path(self.account),
                _ => None,
            };
            let Some(actual) = actual else { return Truth::Unknown };
            let equals = any_text(Some(values), |text| (text == actual).into());
            let matches = any_text(Some(values), |text| like(text, &actual).into());
            match operator {
                "stringequals" => equals,
                "stringlike" => matches,
                "stringnotequals" => equals.not(),
                "stringnotlike" => matches.not(),
                _ => Truth::Unknown,
            }
        }))
    }
}

fn is_everyone(principal: &Value) -> bool {
    let wildcard = |value: &Value| value.as_str() == Some("*");
    let aws = principal.get("AWS");
    wildcard(principal)
        || aws.is_some_and(wildcard)
        || aws.and_then(Value::as_array).is_some_and(|list| list.iter().any(wildcard))
}

/// Account and name of a principal: `111122223333` is its account's root.
pub(super) fn principal_parts(text: &str) -> Option<(&str, &str)> {
    if text.parse::<AccountId>().is_ok() {
        return Some((text, "root"));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam" | "sts", _, account, name] if account.parse::<AccountId>().is_ok() => {
            Some((account, name))
        }
        _ => None,
    }
}

fn any_text(values: Option<&Value>, claim: impl Fn(&str) -> Truth) -> Truth {
    let Some(values) = values.and_then(one_or_many) else { return Truth::Unknown };
    Truth::any(values.into_iter().map(|value| value.as_str().map_or(Truth::Unknown, &claim)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::{MEMBER, fleet, guardrail_arn};
    use serde_json::json;

    fn is_admitted(statements: &Value) -> bool {
        let text = json!({"Version": "2012-10-17", "Statement": statements})
            .to_string()
            .replace("ARN", &guardrail_arn().to_string());
        let policy: Value = serde_json::from_str(&text).unwrap();
        admits(Some(&policy), &guardrail_arn(), &MEMBER.parse().unwrap(), &fleet())
    }

    fn organization() -> Value {
        json!({"Effect": "Allow", "Principal": "*", "Resource": "ARN",
            "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}})
    }

    fn with(mut statement: Value, member: &str, value: Value) -> Value {
        statement[member] = value;
        statement
    }

    #[test]
    fn an_account_is_ruled_out_only_by_what_clearly_does_not_mean_it() {
        let (arn, fleet) = (guardrail_arn(), fleet());
        let member: AccountId = MEMBER.parse().unwrap();
        let rows = [
            ("the organization", json!([organization()]), true),
            ("nobody", json!([]), false),
            (
                "another account",
                json!([with(organization(), "Principal", json!({"AWS": "999988887777"}))]),
                false,
            ),
            (
                "a condition not understood",
                json!([with(organization(), "Condition", json!(7))]),
                true,
            ),
            ("only a Deny", json!([with(organization(), "Effect", json!("Deny"))]), false),
        ];
        for (name, statements, expected) in rows {
            let text = json!({"Statement": statements}).to_string();
            let policy = serde_json::from_str(&text.replace("ARN", &arn.to_string())).unwrap();
            assert_eq!(may_admit(Some(&policy), &arn, &member, &fleet), expected, "{name}");
        }
        assert!(!may_admit(None, &arn, &member, &fleet));
        assert!(may_admit(None, &arn, &arn.account, &fleet));
    }

    #[test]
    fn each_operator_decides_over_the_account_that_asks() {
        let rows = [
            ("StringEquals", MEMBER, true),
            ("StringEquals", "999988887777", false),
            ("StringEqualsIfExists", MEMBER, true),
            ("StringLike", "2222*", true),
            ("StringLike", "9999*", false),
            ("StringNotEquals", MEMBER, false),
            ("StringNotEquals", "999988887777", true),
            ("StringNotLike", "2222*", false),
            ("StringNotLike", "9999*", true),
            ("ArnLike", MEMBER, false),
            // A set operator over a key of one value means something else.
            ("ForAnyValue:StringEquals", MEMBER, false),
        ];
        for (operator, value, expected) in rows {
            let condition = json!({operator: {"aws:PrincipalAccount": value}});
            let statement = with(organization(), "Condition", condition);
            assert_eq!(is_admitted(&json!([statement])), expected, "{operator} {value}");
        }
    }

    #[test]
    fn an_allow_counts_only_where_all_of_it_is_understood() {
        let account = |principal: Value| {
            json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "bedrock:*",
                "Resource": ["ARN"]})
        };
        let paths = |pattern: &str| {
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
                "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [pattern]}})
        };
        let org = organization;
        let cases = [
            ("the organization", org(), true),
            ("the organization, as AWS", with(org(), "Principal", json!({"AWS": "*"})), true),
            ("the organization, in a list", with(org(), "Principal", json!({"AWS": ["*"]})), true),
            (
                "another organization",
                with(
                    org(),
                    "Condition",
                    json!({"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}}),
                ),
                false,
            ),
            (
                "everyone without a condition",
                json!({"Effect": "Allow", "Principal": "*", "Action": "bedrock:*", "Resource": "ARN"}),
                false,
            ),
            (
                "the unit above",
                with(org(), "Condition", paths("o-abcdefghij/*/ou-ab12-11111111/*")),
                true,
            ),
            (
                "another unit",
                with(org(), "Condition", paths("o-abcdefghij/*/ou-ab12-99999999/*")),
                false,
            ),
            (
                "one action of the two",
                with(org(), "Action", json!("bedrock:ApplyGuardrail")),
                false,
            ),
            ("a wildcard resource", with(org(), "Resource", json!("*")), false),
            ("another guardrail", with(org(), "Resource", json!("ARN0")), false),
            (
                "a condition of unknown key",
                with(org(), "Condition", json!({"StringEquals": {"aws:PrincipalTag/team": "a"}})),
                false,
            ),
            ("a member of unknown name", with(org(), "Extra", json!(1)), false),
            ("its account's root", account(json!("arn:aws:iam::222233334444:root")), true),
            ("its account id in a list", account(json!(["999999999999", MEMBER])), true),
            ("one role of it", account(json!("arn:aws:iam::222233334444:role/a")), false),
            ("another account", account(json!("999999999999")), false),
        ];
        for (name, statement, expected) in cases {
            assert_eq!(is_admitted(&json!([statement])), expected, "{name}");
        }
    }

    #[test]
    fn a_deny_counts_unless_it_provably_concerns_somebody_else() {
        let deny = |principal: Value| {
            json!({"Effect": "Deny", "Principal": principal, "Action": "bedrock:GetGuardrail",
                "Resource": "ARN"})
        };
        let outside = json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ["o-abcdefghij"]}});
        let cases = [
            ("everyone", deny(json!("*")), false),
            ("the account", deny(json!({"AWS": MEMBER})), false),
            (
                "one role of the account",
                deny(json!({"AWS": "arn:aws:iam::222233334444:role/a"})),
                false,
            ),
            ("another account", deny(json!({"AWS": "999999999999"})), true),
            ("a role of nobody knows whom", deny(json!({"AWS": "arn:aws:iam::*:role/a"})), false),
            ("a service", deny(json!({"Service": "s3.amazonaws.com"})), true),
            ("those outside the organization", with(deny(json!("*")), "Condition", outside), true),
            (
                "an unknown condition",
                with(
                    deny(json!("*")),
                    "Condition",
                    json!({"Bool": {"aws:SecureTransport": "false"}}),
                ),
                false,
            ),
            ("another action", with(deny(json!("*")), "Action", json!("bedrock:Invoke*")), true),
            ("any resource", with(deny(json!("*")), "Resource", json!("*")), false),
            (
                "not-principal",
                json!({"Effect": "Deny", "NotPrincipal": {"AWS": MEMBER},
                "Action": "*", "Resource": "*"}),
                false,
            ),
            ("an effect nobody knows", with(deny(json!("*")), "Effect", json!("Maybe")), false),
        ];
        for (name, statement, expected) in cases {
            assert_eq!(is_admitted(&json!([organization(), statement])), expected, "{name}");
        }
    }

    #[test]
    fn the_owner_needs_no_policy_but_a_deny_binds_it() {
        let arn = guardrail_arn();
        let owner = &arn.account;
        assert!(admits(None, &arn, owner, &fleet()));
        assert!(!admits(None, &arn, &MEMBER.parse().unwrap(), &fleet()));
        let deny = json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*",
            "Resource": arn.to_string()}});
        assert!(!admits(Some(&deny), &arn, owner, &fleet()));
        assert!(!admits(Some(&json!("not a policy")), &arn, owner, &fleet()));
    }

    #[test]
    fn patterns_match_as_iam_matches() {
        let cases = [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab*ab", "abxab", true),
            ("a**", "a", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
