//! The `Condition` element: operators, set qualifiers, `IfExists`, and what an absent key means.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policy::{glob, list, substitute};

/// The keys of one request, names in lower case, each with its values.
pub(super) type Context = BTreeMap<String, Vec<String>>;

/// How the values of the request are combined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Qualifier {
    /// One value expected.
    Single,
    /// `ForAnyValue:`.
    Any,
    /// `ForAllValues:`.
    All,
}

/// One operator, taken apart.
struct Operator<'a> {
    qualifier: Qualifier,
    base: &'a str,
    negated: bool,
    if_exists: bool,
}

impl<'a> Operator<'a> {
    fn parse(text: &'a str) -> Self {
        let (qualifier, rest) = if let Some(rest) = text.strip_prefix("ForAnyValue:") {
            (Qualifier::Any, rest)
        } else if let Some(rest) = text.strip_prefix("ForAllValues:") {
            (Qualifier::All, rest)
        } else {
            (Qualifier::Single, text)
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (base, negated) = match rest {
            "StringNotEquals" => ("StringEquals", true),
            "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
            "StringNotLike" => ("StringLike", true),
            "ArnNotEquals" | "ArnNotLike" => ("ArnLike", true),
            "ArnEquals" => ("ArnLike", false),
            "NumericNotEquals" => ("NumericEquals", true),
            other => (other, false),
        };
        Self { qualifier, base, negated, if_exists }
    }
}

/// Whether the simulator evaluates `operator`; policies with another one are malformed to it.
pub(in crate::simulator) fn is_known_operator(operator: &str) -> bool {
    matches!(
        Operator::parse(operator).base,
        "StringEquals"
            | "StringEqualsIgnoreCase"
            | "StringLike"
            | "ArnLike"
            | "Bool"
            | "Null"
            | "NumericEquals"
            | "NumericLessThan"
            | "NumericLessThanEquals"
            | "NumericGreaterThan"
            | "NumericGreaterThanEquals"
    )
}

/// Whether every operator and key of `condition` holds.
pub(super) fn holds(condition: &Value, context: &Context) -> bool {
    let Some(operators) = condition.as_object() else { return true };
    operators.iter().all(|(operator, keys)| {
        let operator = Operator::parse(operator);
        keys.as_object().is_none_or(|keys| {
            keys.iter().all(|(key, wanted)| holds_for_key(&operator, key, wanted, context))
        })
    })
}

fn holds_for_key(operator: &Operator<'_>, key: &str, wanted: &Value, context: &Context) -> bool {
    let given = context.get(&key.to_ascii_lowercase()).filter(|values| !values.is_empty());
    let wanted: Vec<String> = list(wanted).iter().map(|text| substitute(text, context)).collect();
    if operator.base == "Null" {
        return wanted.iter().any(|text| (text == "true") == given.is_none());
    }
    let Some(given) = given else {
        return match operator.qualifier {
            Qualifier::All => true,
            Qualifier::Any => operator.if_exists,
            // A negated operator also holds when the key is absent (IAM "condition operators").
            Qualifier::Single => operator.negated || operator.if_exists,
        };
    };
    let satisfied = |value: &String| {
        wanted.iter().any(|pattern| compare(operator.base, value, pattern)) != operator.negated
    };
    match operator.qualifier {
        Qualifier::All => given.iter().all(satisfied),
        // Several values under a plain operator: positive ones need one match, negated ones none.
        Qualifier::Single if operator.negated => given.iter().all(satisfied),
        Qualifier::Any | Qualifier::Single => given.iter().any(satisfied),
    }
}

fn compare(base: &str, value: &str, wanted: &str) -> bool {
    match base {
        "StringEquals" => value == wanted,
        "StringEqualsIgnoreCase" | "Bool" => value.eq_ignore_ascii_case(wanted),
        "StringLike" => glob(wanted, value),
        "ArnLike" => is_arn_like(wanted, value),
        "NumericEquals" => {
            numbers(value, wanted).is_some_and(|(value, wanted)| value.total_cmp(&wanted).is_eq())
        }
        "NumericLessThan" => numbers(value, wanted).is_some_and(|(value, wanted)| value < wanted),
        "NumericLessThanEquals" => {
            numbers(value, wanted).is_some_and(|(value, wanted)| value <= wanted)
        }
        "NumericGreaterThan" => {
            numbers(value, wanted).is_some_and(|(value, wanted)| value > wanted)
        }
        "NumericGreaterThanEquals" => {
            numbers(value, wanted).is_some_and(|(value, wanted)| value >= wanted)
        }
        unknown => {
            tracing::warn!(
                operator = unknown,
                "condition operator is not simulated; it never holds"
            );
            false
        }
    }
}

fn numbers(value: &str, wanted: &str) -> Option<(f64, f64)> {
    Some((value.parse().ok()?, wanted.parse().ok()?))
}

/// Each of the six parts is compared by itself, so that `*` never crosses a colon of the first five.
fn is_arn_like(pattern: &str, value: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let pattern: Vec<&str> = pattern.splitn(6, ':').collect();
    let value: Vec<&str> = value.splitn(6, ':').collect();
    pattern.len() == 6
        && value.len() == 6
        && pattern.iter().zip(&value).all(|(pattern, value)| glob(pattern, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What each operator says for a present, an absent and a many-valued key.
    #[test]
    fn operators_hold_as_iam_documents_them() {
        let context: Context = BTreeMap::from([
            ("aws:principalarn".to_owned(), vec!["arn:aws:iam::111122223333:role/Ops".to_owned()]),
            ("aws:principalorgpaths".to_owned(), vec!["o-a/r-b/ou-b-c/ou-b-d/".to_owned()]),
            ("aws:tagkeys".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
            (
                "bedrock:guardrailidentifier".to_owned(),
                vec!["arn:aws:bedrock:us-east-1:111122223333:guardrail/x:3".to_owned()],
            ),
        ]);
        let rows = [
            (
                "equal",
                json!({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/Ops"}}),
                true,
            ),
            (
                "key names ignore case",
                json!({"StringEquals": {"AWS:principalarn": "arn:aws:iam::111122223333:role/Ops"}}),
                true,
            ),
            (
                "values do not",
                json!({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ops"}}),
                false,
            ),
            (
                "one of several",
                json!({"StringLike": {"aws:PrincipalArn": ["x", "*:role/O?s"]}}),
                true,
            ),
            ("absent key, positive", json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}), false),
            ("absent key, negated", json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), true),
            (
                "absent key, if exists",
                json!({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}),
                true,
            ),
            (
                "negated means none of them",
                json!({"StringNotEquals": {"aws:PrincipalArn": ["x", "arn:aws:iam::111122223333:role/Ops"]}}),
                false,
            ),
            ("null true on absent", json!({"Null": {"aws:SourceVpce": "true"}}), true),
            ("null true on present", json!({"Null": {"aws:PrincipalArn": "true"}}), false),
            ("null false on present", json!({"Null": {"aws:PrincipalArn": false}}), true),
            (
                "arn pattern",
                json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Ops"}}),
                true,
            ),
            (
                "arn star stays in its part",
                json!({"ArnLike": {"aws:PrincipalArn": "arn:*:role/Ops"}}),
                false,
            ),
            (
                "any numbered version",
                json!({"ArnNotLike": {"bedrock:GuardrailIdentifier": "arn:aws:bedrock:*:111122223333:guardrail/*:*"}}),
                false,
            ),
            (
                "draft has no number",
                json!({"ArnLike": {"bedrock:GuardrailIdentifier": "arn:aws:bedrock:*:111122223333:guardrail/x"}}),
                false,
            ),
            (
                "organization path",
                json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a/*/ou-b-c/*"]}}),
                true,
            ),
            (
                "other organization path",
                json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a/*/ou-b-z/*"]}}),
                false,
            ),
            (
                "all values in the list",
                json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}),
                true,
            ),
            (
                "one value outside",
                json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}),
                false,
            ),
            (
                "for all on an absent key",
                json!({"ForAllValues:StringNotLike": {"bedrock:ModelId": "x"}}),
                true,
            ),
            (
                "for any on an absent key",
                json!({"ForAnyValue:StringNotLike": {"bedrock:ModelId": "x"}}),
                false,
            ),
            (
                "bool on an absent key",
                json!({"Bool": {"bedrock:ModelInvocationLoggingEnabled": "false"}}),
                false,
            ),
            (
                "every operator must hold",
                json!({"Null": {"aws:PrincipalArn": "false"}, "StringEquals": {"aws:SourceVpce": "x"}}),
                false,
            ),
        ];
        for (name, condition, expected) in rows {
            assert_eq!(holds(&condition, &context), expected, "{name}");
        }
    }
}
