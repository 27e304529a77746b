//! Reads a value into a shape and reports everything that does not fit, not only the first.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::super::field_path::{FieldPath, Step};
use super::super::report::Report;
use super::super::suggest::did_you_mean;
use super::hints::place_of;

/// After so many misfits in one part of a document, the rest waits for the next run.
const MISFITS_MAX: usize = 100;

/// Reads the value at `base` into a shape. What does not fit is reported, taken out and left out
/// of the shape.
pub(in crate::manifest) fn decode<T: DeserializeOwned + Default>(
    mut value: Value,
    base: &FieldPath,
    report: &mut Report,
) -> T {
    for _ in 0..MISFITS_MAX {
        let error = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(shape) => return shape,
            Err(error) => error,
        };
        let steps = steps(error.path());
        let path = steps.iter().fold(base.clone(), |path, step| path.with(step.clone()));
        let text = error.inner().to_string();
        let found = steps.iter().try_fold(&value, |value, step| child(value, step));
        if let Some((name, known)) = unknown_field(&text) {
            let message =
                place_of(&path, &name, &known).unwrap_or_else(|| unknown_message(&name, &known));
            report.error_at_key(&path, message);
        } else {
            let message = misfit(found.unwrap_or(&Value::Null), &path, &text, report);
            report.error(&path, message);
        }
        report.remove(&path);
        if !remove(&mut value, &steps) {
            return T::default();
        }
    }
    report.error_at_key(base, "has more problems than are shown; correct these first");
    report.remove(base);
    T::default()
}

/// Reports every field without a value and takes it out: a half-written file ends so.
pub(in crate::manifest) fn refuse_nothing(value: &mut Value, report: &mut Report) {
    for _ in 0..MISFITS_MAX {
        let Some(path) = nothing(value, &FieldPath::default()) else { return };
        report.error(&path, "has no value; give it one, or remove it to have the default");
        report.remove(&path);
        if !remove(value, path.steps()) {
            return;
        }
    }
}

/// The first field without a value.
fn nothing(value: &Value, path: &FieldPath) -> Option<FieldPath> {
    match value {
        Value::Null => Some(path.clone()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| nothing(item, &path.index(index)))
        }
        Value::Object(members) => {
            members.iter().find_map(|(name, member)| nothing(member, &path.field(name)))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Field(key.clone())),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn child<'a>(value: &'a Value, step: &Step) -> Option<&'a Value> {
    match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
    }
}

/// Removes what stands at `steps`; false when nothing was removed.
fn remove(value: &mut Value, steps: &[Step]) -> bool {
    let Some((last, before)) = steps.split_last() else { return false };
    let parent = before.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(index),
    });
    match (parent, last) {
        (Some(Value::Object(members)), Step::Field(name)) => members.remove(name).is_some(),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        (_, Step::Field(_) | Step::Index(_)) => false,
    }
}

/// The field and the fields there are, from the text of serde's error.
fn unknown_field(text: &str) -> Option<(String, Vec<String>)> {
    let mut quoted = text.strip_prefix("unknown field `")?.split('`');
    let name = quoted.next()?.to_owned();
    Some((name, quoted.skip(1).step_by(2).map(str::to_owned).collect()))
}

fn unknown_message(name: &str, known: &[String]) -> String {
    let suggestion = did_you_mean(name, known.iter().map(String::as_str));
    if suggestion.is_empty() {
        format!("there is no field `{name}` here; there are {}", known.join(", "))
    } else {
        format!("there is no field `{name}` here{suggestion}")
    }
}

/// What was found, what belongs here, and how to write it.
fn misfit(found: &Value, path: &FieldPath, text: &str, report: &Report) -> String {
    let written = report.text(path).unwrap_or_default();
    let what = match found {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) => format!("`{written}` is true or false"),
        Value::Number(_) => format!("`{written}` is a number"),
        Value::String(_) => format!("`{written}` is a text"),
        Value::Array(_) => "a list is given".to_owned(),
        Value::Object(_) => "a map of fields is given".to_owned(),
    };
    if written == "DRAFT" {
        return "DRAFT is never referenced, since it changes under those who use it; name a published \
                version by its number or a revision by its hash"
            .to_owned();
    }
    let expected = text.rsplit_once("expected ").map_or(text, |(_, expected)| expected);
    let scalar = !written.is_empty() && !matches!(found, Value::Array(_) | Value::Object(_));
    let wanted = match expected {
        "a string" if scalar => format!("a text; write it in quotes: \"{written}\""),
        "a string" => "one text".to_owned(),
        "a boolean" => "true or false, without quotes".to_owned(),
        "a sequence" => "a list, even of one: `[…]`, or a line with `- ` for each".to_owned(),
        "a map" => "a map: a line `key: value` for each".to_owned(),
        "u32" => "a whole number from 0, without quotes".to_owned(),
        "f64" => "a number such as 0.7, without quotes".to_owned(),
        "a word or a list" => "one word, or a list".to_owned(),
        "a word or a map" if path.last_field() == "preflight" => {
            "`Every`, `Offline` or `{Sample: {percent: 10}}`".to_owned()
        }
        "a word or a map" => "the name of a guardrail, or `{name: …, revision: …}`".to_owned(),
        other if other.starts_with("struct ") => "a map of fields".to_owned(),
        other => other.to_owned(),
    };
    match path.last_field() {
        "" => format!("{what}; a manifest is {wanted}: `apiVersion`, `kind`, `metadata`, `spec`"),
        field => format!("{what}; `{field}` takes {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_is_not_removed() {
        let mut value = json!({"a": [1, 2]});
        let at = |index| [Step::Field("a".to_owned()), Step::Index(index)];
        for index in [2, 3] {
            assert!(!remove(&mut value, &at(index)), "{index}");
        }
        assert_eq!(value, json!({"a": [1, 2]}));
        assert!(remove(&mut value, &at(1)));
        assert_eq!(value, json!({"a": [1]}));
    }
}
