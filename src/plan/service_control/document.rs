//! What a service control policy means, whatever its form, and how long it is.

use serde_json::{Map, Value};

use crate::model::digits;

/// Hexadecimal digits of a document's hash.
const HASH_DIGITS: usize = 12;

/// The members of a statement, as AWS spells them; it reads them in any case.
const MEMBERS: [&str; 7] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Whether two documents mean the same.
pub(in crate::plan) fn is_same(one: &Value, other: &Value) -> bool {
    one == other || meaning(one) == meaning(other)
}

/// The hash of what a document means.
pub(super) fn hash(document: &Value) -> String {
    digits(&meaning(document).to_string(), HASH_DIGITS)
}

/// One form for all documents that mean the same: a list of statements and of values even for one,
/// sorted; actions, operators and condition keys in lower case, since AWS compares them so.
pub(super) fn meaning(document: &Value) -> Value {
    let Some(members) = document.as_object() else { return document.clone() };
    let mut normal = Map::new();
    for (name, value) in members {
        match name.to_ascii_lowercase().as_str() {
            "version" => drop(normal.insert("Version".to_owned(), value.clone())),
            "statement" => {
                let mut statements: Vec<Value> = listed(value).map(statement).collect();
                statements.sort_by_key(Value::to_string);
                normal.insert("Statement".to_owned(), Value::Array(statements));
            }
            // For people alone.
            "id" => {}
            _ => drop(normal.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(normal)
}

fn statement(value: &Value) -> Value {
    let Some(members) = value.as_object() else { return value.clone() };
    let mut normal = Map::new();
    for (name, value) in members {
        let known = MEMBERS.into_iter().find(|it| it.eq_ignore_ascii_case(name));
        let name = known.unwrap_or(name);
        let value = match name {
            "Action" | "NotAction" => texts(value, str::to_ascii_lowercase),
            "Resource" | "NotResource" => texts(value, str::to_owned),
            "Condition" => condition(value),
            "Sid" if value.as_str() == Some("") => continue,
            _ => value.clone(),
        };
        normal.insert(name.to_owned(), value);
    }
    Value::Object(normal)
}

fn condition(value: &Value) -> Value {
    lower(value, |keys| lower(keys, |values| texts(values, str::to_owned)))
}

/// A map with its names in lower case; one of which two would become one stays as it is.
fn lower(value: &Value, each: impl Fn(&Value) -> Value) -> Value {
    let Some(members) = value.as_object() else { return value.clone() };
    let mut normal = Map::new();
    for (name, value) in members {
        let low = name.to_ascii_lowercase();
        let name = if normal.contains_key(&low) { name.clone() } else { low };
        normal.insert(name, each(value));
    }
    Value::Object(normal)
}

/// A sorted list of texts without repetition; what is no text becomes one, as in a condition.
fn texts(value: &Value, each: impl Fn(&str) -> String) -> Value {
    let mut texts: Vec<String> =
        listed(value).map(|item| item.as_str().map_or_else(|| item.to_string(), &each)).collect();
    texts.sort();
    texts.dedup();
    Value::Array(texts.into_iter().map(Value::String).collect())
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.as_slice(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(value)
        }
    }
    .iter()
}

/// A statement that no policy has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct TooLong {
    /// Characters of a document with it alone.
    pub(super) length: usize,
}

/// A document as it is sent, or several with its statements, in order, where it is too long for
/// one. All are attached to the same targets, so that together they mean the same.
pub(in crate::plan) fn parts(document: Value, size_max: usize) -> Result<Vec<Value>, TooLong> {
    if length(&document) <= size_max {
        return Ok(vec![document]);
    }
    let statements: Vec<Value> =
        document.get("Statement").map(|it| listed(it).cloned().collect()).unwrap_or_default();
    let with = |statements: &[Value]| {
        let mut part = document.clone();
        if let Some(members) = part.as_object_mut() {
            members.insert("Statement".to_owned(), Value::Array(statements.to_vec()));
        }
        part
    };
    let mut parts = Vec::new();
    let mut current: Vec<Value> = Vec::new();
    for statement in statements {
        let alone = length(&with(std::slice::from_ref(&statement)));
        if alone > size_max {
            return Err(TooLong { length: alone });
        }
        current.push(statement.clone());
        if length(&with(&current)) > size_max {
            current.pop();
            parts.push(with(&current));
            current = vec![statement];
        }
    }
    parts.push(with(&current));
    Ok(parts)
}

/// Characters of a document as it is sent.
pub(in crate::plan) fn length(document: &Value) -> usize {
    document.to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn form_is_no_meaning() {
        let plain = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": ["bedrock:A", "bedrock:B"], "Resource": ["*"],
             "Condition": {"ArnNotLike": {"aws:PrincipalArn": ["x", "y"]}}},
            {"Sid": "Two", "Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"]}]});
        let same = [json!({"Version": "2012-10-17", "Id": "x", "Statement": [
                {"Sid": "Two", "Effect": "Deny", "Action": "S3:*", "Resource": "*"},
                {"Sid": "", "effect": "Deny", "Action": ["bedrock:B", "BEDROCK:a", "bedrock:B"],
                 "Resource": "*", "Condition": {"arnnotlike": {"aws:principalarn": ["y", "x"]}}}]})];
        for other in &same {
            assert!(is_same(&plain, other), "{}", meaning(other));
            assert_eq!(hash(&plain), hash(other));
        }
        let text = plain.to_string();
        for (from, to) in [
            ("bedrock:B", "bedrock:C"),
            ("Deny", "Allow"),
            ("ArnNotLike", "ArnLike"),
            ("\"y\"", "\"Y\""),
            ("\"Resource\":[\"*\"]", "\"NotResource\":[\"*\"]"),
            ("2012-10-17", "2008-10-17"),
        ] {
            let other: Value = serde_json::from_str(&text.replace(from, to)).unwrap();
            assert!(!is_same(&plain, &other), "{from} → {to}");
        }
        let one = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny"}});
        let list = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]});
        assert!(is_same(&one, &list));
    }

    #[test]
    fn a_long_document_is_split_between_statements_and_nothing_is_lost() {
        let statement = |number: usize| {
            json!({"Sid": format!("S{number}"), "Effect": "Deny",
            "Action": "bedrock:InvokeModel", "Resource": "x".repeat(300)})
        };
        let all: Vec<Value> = (0..20).map(statement).collect();
        let whole = json!({"Version": "2012-10-17", "Statement": all});
        let parts = parts(whole.clone(), 1000).unwrap();
        assert!(parts.len() > 1 && parts.iter().all(|part| length(part) <= 1000));
        let joined: Vec<Value> =
            parts.iter().flat_map(|it| it["Statement"].as_array().unwrap().clone()).collect();
        assert_eq!(Value::Array(joined), whole["Statement"]);
        assert_eq!(super::parts(whole.clone(), 100_000), Ok(vec![whole.clone()]));
        assert!(super::parts(whole, 200).is_err());
    }
}
