//! The `Condition` element in three values.

use serde_json::Value;

use super::pattern::{like, like_any_after};
use super::request::{Key, Request};
use super::statement::texts;
use super::truth::Truth;

/// How the values of a key are combined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Qualifier {
    Single,
    AnyValue,
    AllValues,
}

/// How one value is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equals,
    EqualsIgnoringCase,
    Like,
    ArnLike,
    Null,
}

/// An operator taken apart; `None` where its comparison is not known here.
struct Operator {
    qualifier: Qualifier,
    comparison: Comparison,
    is_negated: bool,
}

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (qualifier, rest) = if let Some(rest) = text.strip_prefix("foranyvalue:") {
            (Qualifier::AnyValue, rest)
        } else if let Some(rest) = text.strip_prefix("forallvalues:") {
            (Qualifier::AllValues, rest)
        } else {
            (Qualifier::Single, text.as_str())
        };
        // The keys known here are there: with and without IfExists it is the same.
        let (comparison, is_negated) = match rest.strip_suffix("ifexists").unwrap_or(rest) {
            "stringequals" => (Comparison::Equals, false),
            "stringnotequals" => (Comparison::Equals, true),
            "stringequalsignorecase" | "bool" => (Comparison::EqualsIgnoringCase, false),
            "stringnotequalsignorecase" => (Comparison::EqualsIgnoringCase, true),
            "stringlike" => (Comparison::Like, false),
            "stringnotlike" => (Comparison::Like, true),
            "arnequals" | "arnlike" => (Comparison::ArnLike, false),
            "arnnotequals" | "arnnotlike" => (Comparison::ArnLike, true),
            "null" => (Comparison::Null, false),
            _ => return None,
        };
        Some(Self { qualifier, comparison, is_negated })
    }
}

/// Whether a request meets a condition.
pub(super) fn meets(condition: &Value, request: &Request<'_>) -> Truth {
    let Some(operators) = condition.as_object() else { return Truth::Unknown };
    Truth::all(operators.iter().map(|(operator, keys)| {
        let Some(keys) = keys.as_object() else { return Truth::Unknown };
        let operator = Operator::parse(operator);
        Truth::all(keys.iter().map(|(key, wanted)| match &operator {
            Some(operator) => meets_key(operator, key, wanted, request),
            None => Truth::Unknown,
        }))
    }))
}

fn meets_key(operator: &Operator, key: &str, wanted: &Value, request: &Request<'_>) -> Truth {
    // Whether a key that is not known is there at all is not known either.
    let Some(key) = request.keys.get(key.to_ascii_lowercase().as_str()) else {
        return Truth::Unknown;
    };
    let Some(wanted) = texts(wanted) else { return Truth::Unknown };
    if operator.comparison == Comparison::Null {
        return Truth::any(wanted.iter().map(|text| text.eq_ignore_ascii_case("false").into()));
    }
    let claim = |matched: Truth| if operator.is_negated { matched.not() } else { matched };
    let each: Vec<Truth> = match key {
        Key::Values(values) => values
            .iter()
            .map(|value| Truth::any(wanted.iter().map(|it| matches(operator, it, value))))
            .collect(),
        Key::Begins(prefix) => {
            vec![Truth::any(wanted.iter().map(|it| matches_any_after(operator, it, prefix)))]
        }
    };
    match operator.qualifier {
        Qualifier::Single => claim(Truth::any(each)),
        Qualifier::AnyValue => Truth::any(each.into_iter().map(claim)),
        Qualifier::AllValues => Truth::all(each.into_iter().map(claim)),
    }
}

fn matches(operator: &Operator, wanted: &str, value: &str) -> Truth {
    if wanted.contains("${") {
        return Truth::Unknown;
    }
    Truth::from(match operator.comparison {
        Comparison::Equals => wanted == value,
        Comparison::EqualsIgnoringCase => wanted.eq_ignore_ascii_case(value),
        Comparison::Like => like(wanted, value),
        Comparison::ArnLike => match (parts(wanted), parts(value)) {
            (Some(wanted), Some(value)) => {
                wanted.iter().zip(value).all(|(it, part)| like(it, part))
            }
            (_, _) => wanted == "*",
        },
        Comparison::Null => false,
    })
}

fn matches_any_after(operator: &Operator, wanted: &str, prefix: &str) -> Truth {
    if wanted.contains("${") {
        return Truth::Unknown;
    }
    let is_longer = |wanted: &str, prefix: &str| wanted.len() > prefix.len();
    match operator.comparison {
        Comparison::Equals if wanted.starts_with(prefix) && is_longer(wanted, prefix) => {
            Truth::Unknown
        }
        Comparison::EqualsIgnoringCase if is_longer(wanted, prefix) => Truth::Unknown,
        Comparison::Equals | Comparison::EqualsIgnoringCase | Comparison::Null => Truth::False,
        Comparison::Like => like_any_after(wanted, prefix),
        Comparison::ArnLike => match (parts(wanted), parts(prefix)) {
            (Some([wanted @ .., wanted_last]), Some([prefix @ .., prefix_last])) => {
                let before = wanted.iter().zip(prefix).all(|(it, part)| like(it, part));
                if before { like_any_after(wanted_last, prefix_last) } else { Truth::False }
            }
            (_, _) => Truth::from(wanted == "*"),
        },
    }
}

/// The six parts of an ARN, each compared by itself: `*` never crosses one of the first five colons.
fn parts(arn: &str) -> Option<[&str; 6]> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    parts.try_into().ok()
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
