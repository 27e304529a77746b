//! A small language for the shapes of the service model, and the check of a JSON value against one.
//!
//! As the service does, the check drops members it does not know, takes `null` for absent, and
//! reports every violation in one `ValidationException`, worded as AWS words it.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::super::call::Failure;
use super::failure::validation;

/// A pattern of the service model, compiled when first used.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: &'static str,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    /// A pattern that must match the whole text.
    pub(crate) const fn new(source: &'static str) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.compiled
            .get_or_init(|| {
                #[expect(
                    clippy::expect_used,
                    reason = "the patterns are literals of the service model; tests compile each"
                )]
                Regex::new(&format!("^(?:{})$", self.source)).expect("a literal pattern compiles")
            })
            .is_match(text)
    }
}

/// What a value must look like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A string: length in characters, and a pattern.
    Text { min: usize, max: usize, pattern: Option<&'static Pattern> },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A number between the two, inclusive.
    Number { min: f64, max: f64 },
    /// A list: number of items.
    List { of: &'static Self, min: usize, max: usize },
    /// A structure.
    Object(&'static [Member]),
}

/// One member of a structure.
#[derive(Debug)]
pub(crate) struct Member {
    name: &'static str,
    shape: &'static Shape,
    is_required: bool,
}

/// A member that must be present.
pub(crate) const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, is_required: true }
}

/// A member that may be absent.
pub(crate) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, is_required: false }
}

/// Checks the body of a request and returns it without what the model does not know.
pub(crate) fn accept(members: &[Member], body: &Value) -> Result<Map<String, Value>, Failure> {
    let mut check = Check::default();
    let accepted = match body {
        Value::Object(map) => check.object(members, map, ""),
        Value::Null => check.object(members, &Map::new(), ""),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            check.mistyped = Some("the body is not a JSON object".to_owned());
            Map::new()
        }
    };
    check.finish().map(|()| accepted)
}

/// Checks one text that did not come in the body: a path label or a query parameter.
pub(crate) fn accept_text(shape: &Shape, name: &str, text: &str) -> Result<(), Failure> {
    let mut check = Check::default();
    check.value(shape, &Value::String(text.to_owned()), name);
    check.finish()
}

/// The violations found so far.
#[derive(Default)]
struct Check {
    violations: Vec<String>,
    mistyped: Option<String>,
}

impl Check {
    fn finish(self) -> Result<(), Failure> {
        if let Some(detail) = self.mistyped {
            return Err(Failure::new("SerializationException", 400, detail));
        }
        match self.violations.len() {
            0 => Ok(()),
            1 => Err(validation(format!(
                "1 validation error detected: {}",
                self.violations.concat()
            ))),
            many => Err(validation(format!(
                "{many} validation errors detected: {}",
                self.violations.join("; ")
            ))),
        }
    }

    fn object(
        &mut self,
        members: &[Member],
        map: &Map<String, Value>,
        path: &str,
    ) -> Map<String, Value> {
        let mut accepted = Map::new();
        for member in members {
            let place = if path.is_empty() {
                member.name.to_owned()
            } else {
                format!("{path}.{}", member.name)
            };
            match map.get(member.name).filter(|value| !value.is_null()) {
                Some(value) => {
                    let value = self.value(member.shape, value, &place);
                    accepted.insert(member.name.to_owned(), value);
                }
                None if member.is_required => {
                    self.violate("null", &place, "Member must not be null");
                }
                None => {}
            }
        }
        accepted
    }

    fn value(&mut self, shape: &Shape, value: &Value, path: &str) -> Value {
        match (shape, value) {
            (Shape::Text { min, max, pattern }, Value::String(text)) => {
                self.text(text, path, (*min, *max), *pattern);
            }
            (Shape::Choice(words), Value::String(text)) => {
                if !words.contains(&text.as_str()) {
                    let constraint =
                        format!("Member must satisfy enum value set: [{}]", words.join(", "));
                    self.violate(&format!("'{text}'"), path, &constraint);
                }
            }
            (Shape::Flag, Value::Bool(_)) => {}
            (Shape::Number { min, max }, Value::Number(number)) => {
                let given = number.as_f64().unwrap_or(f64::NAN);
                if !given.ge(min) {
                    let constraint =
                        format!("Member must have value greater than or equal to {min}");
                    self.violate(&format!("'{number}'"), path, &constraint);
                } else if given > *max {
                    let constraint = format!("Member must have value less than or equal to {max}");
                    self.violate(&format!("'{number}'"), path, &constraint);
                }
            }
            (Shape::List { of, min, max }, Value::Array(items)) => {
                // Ten thousand words are written out only to say that they are too many.
                if !(*min..=*max).contains(&items.len()) {
                    self.length(items.len(), (*min, *max), &format!("'{value}'"), path);
                }
                let items = items.iter().enumerate().map(|(index, item)| {
                    self.value(of, item, &format!("{path}.{}.member", index + 1))
                });
                return Value::Array(items.collect());
            }
            (Shape::Object(members), Value::Object(map)) => {
                return Value::Object(self.object(members, map, path));
            }
            (
                Shape::Text { .. }
                | Shape::Choice(_)
                | Shape::Flag
                | Shape::Number { .. }
                | Shape::List { .. }
                | Shape::Object(_),
                _,
            ) => {
                self.mistyped.get_or_insert_with(|| {
                    format!("{} cannot be converted to the type of '{path}'", kind(value))
                });
            }
        }
        value.clone()
    }

    fn text(&mut self, text: &str, path: &str, bounds: (usize, usize), pattern: Option<&Pattern>) {
        let quoted = format!("'{text}'");
        self.length(text.chars().count(), bounds, &quoted, path);
        if let Some(pattern) = pattern
            && !pattern.matches(text)
        {
            let constraint =
                format!("Member must satisfy regular expression pattern: {}", pattern.source);
            self.violate(&quoted, path, &constraint);
        }
    }

    fn length(&mut self, length: usize, (min, max): (usize, usize), quoted: &str, path: &str) {
        if length < min {
            let constraint = format!("Member must have length greater than or equal to {min}");
            self.violate(quoted, path, &constraint);
        } else if length > max {
            let constraint = format!("Member must have length less than or equal to {max}");
            self.violate(quoted, path, &constraint);
        }
    }

    fn violate(&mut self, value: &str, path: &str, constraint: &str) {
        self.violations
            .push(format!("Value {value} at '{path}' failed to satisfy constraint: {constraint}"));
    }
}

/// How AWS's deserialisers name a JSON type.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static WORD: Pattern = Pattern::new("[a-z]+");
    static NAME: Shape = Shape::Text { min: 1, max: 5, pattern: Some(&WORD) };
    static NAMES: Shape = Shape::List { of: &NAME, min: 1, max: 2 };
    static MEMBERS: [Member; 4] = [
        required("name", &NAME),
        optional("names", &NAMES),
        optional("mode", &Shape::Choice(&["ON", "OFF"])),
        optional("part", &Shape::Number { min: 0.0, max: 1.0 }),
    ];

    #[test]
    fn violations_are_worded_as_aws_words_them() {
        let cases = [
            (
                "missing",
                json!({}),
                "1 validation error detected: Value null at 'name' failed to satisfy constraint: \
                 Member must not be null",
            ),
            (
                "pattern",
                json!({"name": "A"}),
                "1 validation error detected: Value 'A' at 'name' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [a-z]+",
            ),
            (
                "inside a list",
                json!({"name": "a", "names": ["toolong"]}),
                "1 validation error detected: Value 'toolong' at 'names.1.member' failed to \
                 satisfy constraint: Member must have length less than or equal to 5",
            ),
            (
                "two at once",
                json!({"mode": "MAYBE", "name": null}),
                "2 validation errors detected: Value null at 'name' failed to satisfy constraint: \
                 Member must not be null; Value 'MAYBE' at 'mode' failed to satisfy constraint: \
                 Member must satisfy enum value set: [ON, OFF]",
            ),
            (
                "out of range",
                json!({"name": "a", "part": 2}),
                "1 validation error detected: Value '2' at 'part' failed to satisfy constraint: \
                 Member must have value less than or equal to 1",
            ),
        ];
        for (name, body, expect) in cases {
            let failure = accept(&MEMBERS, &body).unwrap_err();
            assert_eq!(
                (failure.code.as_str(), failure.message.as_str()),
                ("ValidationException", expect),
                "{name}"
            );
        }
    }

    #[test]
    fn unknown_members_are_dropped_and_wrong_types_are_serialisation_errors() {
        let accepted = accept(&MEMBERS, &json!({"name": "a", "other": 1})).unwrap();
        assert_eq!(Value::Object(accepted), json!({"name": "a"}));
        let failure = accept(&MEMBERS, &json!({"name": 1})).unwrap_err();
        assert_eq!(failure.code, "SerializationException");
    }
}
