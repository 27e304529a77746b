//! One policy document against one request: which statements match, and what they say.

use serde_json::{Map, Value};

use super::condition::{Context, holds};

/// What a set of policies says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing matched.
    Silent,
    /// An Allow matched that names only the caller's account: it delegates to that account's
    /// identity policies.
    Delegated,
    /// An Allow matched.
    Allow,
    /// A Deny matched.
    Deny,
}

/// One request, ready to be matched.
pub(super) struct Question<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) context: &'a Context,
    /// Twelve digits.
    pub(super) account: &'a str,
    /// Every ARN the caller goes by: the role's and the session's, or the user's.
    pub(super) principals: &'a [String],
}

/// How far a `Principal` element reaches the caller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    No,
    Account,
    Caller,
}

/// The strongest word any statement of an identity or service control policy has.
pub(super) fn judge(document: &Value, question: &Question<'_>) -> Verdict {
    strongest(
        document,
        |statement| {
            if matches(statement, question) { Some(Reach::Caller) } else { None }
        },
    )
}

/// The same for a policy on a resource, whose statements name principals.
pub(super) fn judge_resource_policy(document: &Value, question: &Question<'_>) -> Verdict {
    strongest(document, |statement| {
        let reach = principal_reach(statement, question);
        (reach != Reach::No && matches(statement, question)).then_some(reach)
    })
}

/// Whether a policy of a role or a bucket admits an AWS service.
pub(in crate::simulator) fn admits_service(
    document: &Value,
    service: &str,
    (action, resource): (&str, &str),
    context: &Context,
) -> bool {
    let question = Question { action, resource, context, account: "", principals: &[] };
    let verdict = strongest(document, |statement| {
        let services = statement.get("Principal").and_then(|it| it.get("Service"));
        let is_named = services.is_some_and(|it| list(it).iter().any(|name| name == service));
        (is_named && matches(statement, &question)).then_some(Reach::Caller)
    });
    verdict == Verdict::Allow
}

/// The condition keys that statements about the request ask for and it does not have.
pub(super) fn missing_keys(document: &Value, question: &Question<'_>) -> Vec<String> {
    let asked = statements(document).filter(|statement| is_about(statement, question));
    let operators = asked.filter_map(|statement| statement.get("Condition")?.as_object());
    let keys = operators.flat_map(|it| it.values().filter_map(Value::as_object));
    keys.flat_map(Map::keys)
        .filter(|key| !question.context.contains_key(&key.to_ascii_lowercase()))
        .cloned()
        .collect()
}

fn strongest(document: &Value, reach: impl Fn(&Map<String, Value>) -> Option<Reach>) -> Verdict {
    statements(document)
        .filter_map(|statement| {
            let reach = reach(statement)?;
            let is_deny = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
            Some(match (is_deny, reach) {
                (true, _) => Verdict::Deny,
                (false, Reach::Account) => Verdict::Delegated,
                (false, Reach::Caller | Reach::No) => Verdict::Allow,
            })
        })
        .max()
        .unwrap_or(Verdict::Silent)
}

/// The statements of a document, whose `Statement` may be one object or a list.
pub(in crate::simulator) fn statements(
    document: &Value,
) -> impl Iterator<Item = &Map<String, Value>> {
    let statement = document.get("Statement");
    let many = statement.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    statement.and_then(Value::as_object).into_iter().chain(many.iter().filter_map(Value::as_object))
}

fn matches(statement: &Map<String, Value>, question: &Question<'_>) -> bool {
    is_about(statement, question)
        && statement.get("Condition").is_none_or(|condition| holds(condition, question.context))
}

/// Whether it speaks of the action and the resource, under whatever condition.
fn is_about(statement: &Map<String, Value>, question: &Question<'_>) -> bool {
    let action = |pattern: &String| {
        glob(&pattern.to_ascii_lowercase(), &question.action.to_ascii_lowercase())
    };
    let resource =
        |pattern: &String| glob(&substitute(pattern, question.context), question.resource);
    element(statement, "Action", "NotAction", action)
        && element(statement, "Resource", "NotResource", resource)
}

/// An element and its negation; with neither, the statement speaks about everything (trust
/// policies have no `Resource`).
fn element(
    statement: &Map<String, Value>,
    positive: &str,
    negative: &str,
    matches: impl Fn(&String) -> bool,
) -> bool {
    if let Some(patterns) = statement.get(positive) {
        list(patterns).iter().any(matches)
    } else if let Some(patterns) = statement.get(negative) {
        !list(patterns).iter().any(matches)
    } else {
        true
    }
}

fn principal_reach(statement: &Map<String, Value>, question: &Question<'_>) -> Reach {
    if let Some(excluded) = statement.get("NotPrincipal") {
        return match reach_of(excluded, question) {
            Reach::No => Reach::Caller,
            Reach::Account | Reach::Caller => Reach::No,
        };
    }
    statement.get("Principal").map_or(Reach::No, |principal| reach_of(principal, question))
}

fn reach_of(principal: &Value, question: &Question<'_>) -> Reach {
    let named = match principal.get("AWS") {
        Some(aws) => list(aws),
        None => list(principal),
    };
    let account_root = format!(":iam::{}:root", question.account);
    let mut reach = Reach::No;
    for name in &named {
        if name == "*" || question.principals.contains(name) {
            return Reach::Caller;
        }
        if *name == question.account || name.ends_with(&account_root) {
            reach = Reach::Account;
        }
    }
    reach
}

/// A string or a list of strings, as a list. Booleans and numbers become text.
pub(super) fn list(value: &Value) -> Vec<String> {
    if let Some(many) = value.as_array() {
        return many.iter().flat_map(list).collect();
    }
    if let Some(text) = value.as_str() {
        return vec![text.to_owned()];
    }
    if value.is_boolean() || value.is_number() { vec![value.to_string()] } else { Vec::new() }
}

/// Replaces `${key}` by the single value of that key; an unknown variable stays and matches nothing.
pub(super) fn substitute(pattern: &str, context: &Context) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((key, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        if let Some([value]) = context.get(&key.to_ascii_lowercase()).map(Vec::as_slice) {
            out.push_str(value);
        } else {
            out.push_str("${");
            out.push_str(key);
            out.push('}');
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Whether `text` matches `pattern`, where `*` is any run of characters and `?` any one.
pub(in crate::simulator) fn glob(pattern: &str, text: &str) -> bool {
    let pattern = pattern.as_bytes();
    let text = text.as_bytes();
    let (mut at, mut position) = (0, 0);
    // Where to go on when what followed the last star did not fit.
    let mut retry: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, position));
                at += 1;
            }
            Some(&byte) if byte == b'?' || Some(&byte) == text.get(position) => {
                at += 1;
                position += 1;
            }
            Some(_) | None => {
                let Some((after_star, from)) = retry else { return false };
                at = after_star;
                position = from + 1;
                retry = Some((after_star, from + 1));
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn glob_matches_stars_and_question_marks() {
        let rows = [
            ("*", "", true),
            ("*", "anything", true),
            ("bedrock:*", "bedrock:GetGuardrail", true),
            ("bedrock:*", "bedrock-runtime:Converse", false),
            ("a*b*c", "a-x-b-y-c", true),
            ("a*b*c", "a-x-b-y", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
            ("abc*", "abc", true),
            ("*aab", "aaaab", true),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(glob(pattern, text), expected, "{pattern} against {text}");
        }
    }
}
