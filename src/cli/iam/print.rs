//! Prints documents as people write them: elements in the usual order, not by the alphabet.

use serde_json::{Map, Value};

/// Elements in the order in which they are read; what is not here follows by the alphabet.
const ORDER: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Version",
    "Description",
    "Parameters",
    "Conditions",
    "Resources",
    "Outputs",
    "Type",
    "Default",
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Statement",
];

/// JSON, indented by two.
pub(super) fn json(document: &Value) -> String {
    text(&json_lines(document))
}

/// YAML, indented by two.
pub(super) fn yaml(document: &Value) -> String {
    text(&yaml_lines(document))
}

fn text(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}

fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |name: &str| ORDER.iter().position(|it| *it == name).unwrap_or(ORDER.len());
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by_key(|(name, _)| (rank(name), *name));
    members
}

fn json_lines(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().map(|item| (String::new(), item)).collect();
            enclosed("[", items, "]")
        }
        Value::Object(map) if !map.is_empty() => {
            let members = ordered(map).into_iter();
            enclosed("{", members.map(|(name, it)| (quoted(name) + ": ", it)).collect(), "}")
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => vec![value.to_string()],
    }
}

/// Members between brackets, each behind its beginning and with a comma but for the last.
fn enclosed(open: &str, members: Vec<(String, &Value)>, close: &str) -> Vec<String> {
    let last = members.len().saturating_sub(1);
    let mut lines = vec![open.to_owned()];
    for (position, (beginning, value)) in members.into_iter().enumerate() {
        let inner = json_lines(value);
        let end = inner.len().saturating_sub(1);
        lines.extend(inner.into_iter().enumerate().map(|(at, line)| {
            let beginning = if at == 0 { beginning.as_str() } else { "" };
            let comma = if at == end && position < last { "," } else { "" };
            format!("  {beginning}{line}{comma}")
        }));
    }
    lines.push(close.to_owned());
    lines
}

fn yaml_lines(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) if !items.is_empty() => items.iter().flat_map(item_lines).collect(),
        Value::Object(map) if !map.is_empty() => {
            ordered(map).into_iter().flat_map(|(name, it)| member_lines(name, it)).collect()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => vec![leaf(value)],
    }
}

/// The first line of an item stands behind its dash.
fn item_lines(item: &Value) -> Vec<String> {
    let lines = yaml_lines(item).into_iter().enumerate();
    lines
        .map(|(at, line)| if at == 0 { format!("- {line}") } else { format!("  {line}") })
        .collect()
}

fn member_lines(name: &str, value: &Value) -> Vec<String> {
    let name = scalar(name);
    let (head, inner) = match value {
        Value::String(block) if block.contains('\n') => {
            (format!("{name}: |"), block.lines().map(str::to_owned).collect())
        }
        Value::Array(items) if !items.is_empty() => (format!("{name}:"), yaml_lines(value)),
        Value::Object(map) if !map.is_empty() => (format!("{name}:"), yaml_lines(value)),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => (format!("{name}: {}", leaf(value)), Vec::new()),
    };
    std::iter::once(head).chain(inner.into_iter().map(|line| format!("  {line}"))).collect()
}

/// A value in one line; JSON is YAML.
fn leaf(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), scalar)
}

/// A text without quotes where no reading of YAML could take it for something else.
fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " -_./:".contains(c))
        && !text.contains(": ")
        && !text.ends_with([':', ' ']);
    let means_something = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if is_word && !means_something { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_printed_is_read_back_as_it_was() {
        let document = json!({
            "Statement": [{"Sid": "A", "Effect": "Allow", "Action": ["s3:*", "no", "12"], "Resource": "*",
                "Condition": {"Bool": {"a:b/c": "true"}, "Null": {}}, "n": [[1, [2]], [], null, true]}],
            "Version": "2012-10-17", "Block": "one\n  two\nthree\n", "odd": "a: b", "e": "",
        });
        assert_eq!(serde_json::from_str::<Value>(&json(&document)).unwrap(), document);
        let yaml = yaml(&document);
        let read: Value =
            serde_yaml::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        assert_eq!(read, document, "{yaml}");
        assert!(json(&document).starts_with("{\n  \"Version\""));
    }
}
