//! Writes values as block YAML that can be read in one way only.

use serde_json::Value;

/// Columns a nested value is moved to the right.
const INDENT: usize = 2;

/// One comment line; nothing in `text` can end it early.
pub(super) fn comment(before: &str, text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || c == '\u{2028}' || c == '\u{2029}' || c == '\u{feff}' {
            ' '
        } else {
            c
        }
    };
    let text: String = text.chars().map(plain).collect();
    format!("{before}# {}\n", text.trim())
}

/// One field of `spec`.
pub(super) fn field(name: &str, value: &Value) -> String {
    let mut text = String::new();
    member(name, value, INDENT, &mut text);
    text
}

/// A whole document.
pub fn to_yaml(document: &Value) -> String {
    let mut text = String::new();
    match document {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                member(name, value, 0, &mut text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for value in items {
                item(value, 0, &mut text);
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_) => {
            below(document, 0, &mut text);
            text.remove(0);
        }
    }
    text
}

/// A text in one line: bare where it is a word that no reader takes for anything else, else in
/// double quotes, as in JSON.
pub(super) fn scalar(text: &str) -> String {
    // What some reader of some version of YAML takes for a truth value, nothing or a number.
    const TAKEN: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let mut chars = text.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    if begins && chars.all(goes_on) && !TAKEN.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let quoted = Value::String(text.to_owned()).to_string();
    // JSON lets these stand, and YAML does not.
    let escape = |c: char| match c {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
            format!("\\u{:04x}", u32::from(c))
        }
        _ => c.to_string(),
    };
    quoted.chars().map(escape).collect()
}

fn member(name: &str, value: &Value, indent: usize, text: &mut String) {
    text.push_str(&" ".repeat(indent));
    text.push_str(&scalar(name));
    text.push(':');
    below(value, indent, text);
}

/// The rest of a line that ended with `:`, and what stands below it.
fn below(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('\n');
            for (name, value) in members {
                member(name, value, indent + INDENT, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            for value in items {
                item(value, indent + INDENT, text);
            }
        }
        Value::Object(_) => text.push_str(" {}\n"),
        Value::Array(_) => text.push_str(" []\n"),
        Value::String(string) => {
            text.push(' ');
            text.push_str(&scalar(string));
            text.push('\n');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            text.push(' ');
            text.push_str(&value.to_string());
            text.push('\n');
        }
    }
}

fn item(value: &Value, indent: usize, text: &mut String) {
    text.push_str(&" ".repeat(indent));
    text.push('-');
    match value {
        Value::Object(members) if !members.is_empty() => {
            let mut inner = String::new();
            for (name, value) in members {
                member(name, value, indent + INDENT, &mut inner);
            }
            // The first member stands beside the dash.
            text.push(' ');
            text.push_str(inner.trim_start());
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_) => below(value, indent, text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::yaml;

    fn read(text: &str) -> Value {
        let parsed = yaml::parse(text);
        assert!(parsed.faults.is_empty(), "{:?}\n{text}", parsed.faults);
        parsed.documents.into_iter().next().unwrap().value
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<u32>().prop_map(Value::from),
            (0_u32..1000).prop_map(|it| json!(f64::from(it) / 1000.0)),
            any::<String>().prop_map(Value::from),
            "[a-zA-Z0-9 :#\"'{}\\[\\],&*?|<>=!%@`~./_-]{0,12}".prop_map(Value::from),
            proptest::sample::select(vec![
                "no",
                "ON",
                "1e3",
                "0x1F",
                "null",
                "~",
                "",
                " ",
                "-",
                "1_000",
                "12:30:45",
                "2026-01-01",
                ".inf",
                "é"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z0-9 :-]{1,8}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn a_comment_keeps_its_words_and_stays_one_line() {
        for breaks in ["\n", "\r", "\u{2028}", "\u{2029}", "\u{feff}"] {
            assert_eq!(comment("  ", &format!(" one{breaks}two ")), "  # one two\n", "{breaks:?}");
        }
    }

    #[test]
    fn only_what_could_be_read_otherwise_is_quoted() {
        for bare in ["abc", "/Work/Prod", "us-east-1", "a_b.c", "B2"] {
            assert_eq!(scalar(bare), bare);
        }
        for quoted in ["", "-a", "1a", "a b", "a:b", "Yes", "null"] {
            assert_eq!(scalar(quoted), format!("\"{quoted}\""));
        }
        // Readers of YAML take these for line ends, or refuse them.
        let rows =
            [("\u{7f}", "007f"), ("\u{9f}", "009f"), ("\u{2028}", "2028"), ("\u{feff}", "feff")];
        for (text, code) in rows {
            assert_eq!(scalar(text), format!("\"\\u{code}\""));
        }
    }

    #[test]
    fn a_document_begins_at_the_margin_with_items_beside_their_dashes() {
        let document = json!({"a": {"b": [{"c": 1, "d": []}, 2]}, "e": {}});
        let text = "a:\n  b:\n    - c: 1\n      d: []\n    - 2\ne: {}\n";
        assert_eq!(to_yaml(&document), text);
        assert_eq!(to_yaml(&json!([{"a": 1, "b": 2}, "c"])), "- a: 1\n  b: 2\n- c\n");
        assert_eq!(to_yaml(&json!([])), "[]\n");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_it_was(value in value()) {
            let text = format!("spec:\n{}", field("x", &value));
            prop_assert_eq!(&read(&text)["spec"]["x"], &value, "{}", text);
        }

        #[test]
        fn a_document_reads_back_as_it_was(value in value()) {
            let text = to_yaml(&value);
            // Duplicate keys and the like are judged by our reader; this is what others read.
            let read: Value = serde_yaml::from_str(&text).unwrap();
            prop_assert_eq!(read, value, "{}", text);
        }

        #[test]
        fn no_comment_becomes_a_value(said in any::<String>()) {
            let text = format!("{}a: 1\n", comment("", &said));
            prop_assert_eq!(read(&text), json!({"a": 1}), "{}", text);
        }
    }
}
