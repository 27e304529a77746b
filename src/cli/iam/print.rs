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
    let mut text = String::new();
    write_json(document, 0, &mut text);
    text.push('\n');
    text
}

/// YAML, indented by two.
pub(super) fn yaml(document: &Value) -> String {
    let mut text = String::new();
    write_yaml(document, 0, &mut text);
    text
}

fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |name: &str| ORDER.iter().position(|it| *it == name).unwrap_or(ORDER.len());
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by_key(|(name, _)| (rank(name), *name));
    members
}

fn write_json(value: &Value, depth: usize, text: &mut String) {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push_str("[\n");
            for (position, item) in items.iter().enumerate() {
                text.push_str(&inner);
                write_json(item, depth + 1, text);
                text.push_str(if position + 1 == items.len() { "\n" } else { ",\n" });
            }
            text.push_str(&outer);
            text.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            text.push_str("{\n");
            let members = ordered(map);
            for (position, (name, value)) in members.iter().enumerate() {
                text.push_str(&format!("{inner}{}: ", quoted(name)));
                write_json(value, depth + 1, text);
                text.push_str(if position + 1 == members.len() { "\n" } else { ",\n" });
            }
            text.push_str(&outer);
            text.push('}');
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => text.push_str(&value.to_string()),
    }
}

/// Writes a value that begins on a line of its own, `depth` levels in.
fn write_yaml(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                write_yaml(item, depth + 1, &mut inner);
                // The first line of an item stands behind its dash.
                text.push_str(&format!("{indent}- {}", inner.trim_start()));
            }
        }
        Value::Object(map) => {
            for (name, value) in ordered(map) {
                let name = scalar(name);
                match value {
                    Value::Array(items) if !items.is_empty() => {
                        text.push_str(&format!("{indent}{name}:\n"));
                        write_yaml(value, depth + 1, text);
                    }
                    Value::Object(map) if !map.is_empty() => {
                        text.push_str(&format!("{indent}{name}:\n"));
                        write_yaml(value, depth + 1, text);
                    }
                    Value::String(block) if block.contains('\n') => {
                        text.push_str(&format!("{indent}{name}: |\n"));
                        for line in block.lines() {
                            text.push_str(&format!("{indent}  {line}\n"));
                        }
                    }
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Object(_) => {
                        text.push_str(&format!("{indent}{name}: {}\n", leaf(value)));
                    }
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&format!("{indent}{}\n", leaf(value)));
        }
    }
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
