//! As much of JSON Schema as our schema uses, and no more: a keyword that is not known here fails
//! the test.

use regex::Regex;
use serde_json::{Map, Value};

/// What only tells people something.
const ANNOTATIONS: [&str; 8] = [
    "$schema",
    "title",
    "description",
    "default",
    "examples",
    "definitions",
    "x-source",
    "$comment",
];

/// A schema that values are held against.
pub(crate) struct Judge {
    root: Value,
}

impl Judge {
    pub(crate) fn new(root: Value) -> Self {
        Self { root }
    }

    /// What a reference leads to, with what is said beside it left out.
    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
        self.root.pointer(reference.trim_start_matches('#')).unwrap()
    }

    /// Why a value is refused; nothing when it is accepted.
    pub(crate) fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.root, value, "", &mut errors);
        errors
    }

    pub(crate) fn accepts(&self, value: &Value) -> bool {
        self.errors(value).is_empty()
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut errors = Vec::new();
        self.check(schema, value, "", &mut errors);
        errors.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        let Value::Object(keywords) = schema else {
            if *schema != Value::Bool(true) {
                errors.push(format!("{at}: nothing is admitted"));
            }
            return;
        };
        for (keyword, rule) in keywords {
            if ANNOTATIONS.contains(&keyword.as_str()) {
                continue;
            }
            let is_kept = match keyword.as_str() {
                "$ref" => {
                    self.check(self.resolve(schema), value, at, errors);
                    true
                }
                "type" => is_of(rule, value),
                "enum" => rule.as_array().unwrap().contains(value),
                "required" => names(rule)
                    .all(|name| value.as_object().is_none_or(|members| members.contains_key(name))),
                "properties" | "additionalProperties" => {
                    self.members(keywords, keyword, (value, at), errors);
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{index}]"), errors);
                    }
                    true
                }
                "allOf" => {
                    for part in rule.as_array().unwrap() {
                        self.check(part, value, at, errors);
                    }
                    true
                }
                "anyOf" => rule.as_array().unwrap().iter().any(|it| self.fits(it, value)),
                "oneOf" => {
                    rule.as_array().unwrap().iter().filter(|it| self.fits(it, value)).count() == 1
                }
                "if" => {
                    if self.fits(rule, value) {
                        self.check(&keywords["then"], value, at, errors);
                    }
                    true
                }
                "then" => true,
                "dependencies" => rule.as_object().unwrap().iter().all(|(name, needed)| {
                    value.get(name).is_none() || names(needed).all(|it| value.get(it).is_some())
                }),
                "pattern" => {
                    let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
                    value.as_str().is_none_or(|text| pattern.is_match(text))
                }
                bound => within(bound, rule, value),
            };
            if !is_kept {
                errors.push(format!("{at}: {keyword} {rule}"));
            }
        }
    }

    fn members(
        &self,
        keywords: &Map<String, Value>,
        keyword: &str,
        (value, at): (&Value, &str),
        errors: &mut Vec<String>,
    ) {
        let known = keywords.get("properties").and_then(Value::as_object);
        for (name, member) in value.as_object().into_iter().flatten() {
            let schema = known.and_then(|known| known.get(name));
            let at = format!("{at}.{name}");
            match (keyword, schema) {
                ("properties", Some(schema)) => self.check(schema, member, &at, errors),
                ("additionalProperties", None) => {
                    self.check(&keywords[keyword], member, &at, errors);
                }
                _ => {}
            }
        }
    }
}

fn names(rule: &Value) -> impl Iterator<Item = &str> {
    rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap())
}

fn is_of(rule: &Value, value: &Value) -> bool {
    match rule.as_str().unwrap() {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known here"),
    }
}

fn within(bound: &str, rule: &Value, value: &Value) -> bool {
    let limit = rule.as_f64().unwrap_or_else(|| panic!("the keyword {bound} is not known here"));
    #[expect(clippy::cast_precision_loss, reason = "lengths are small")]
    let size = |size: Option<usize>| size.map(|size| size as f64);
    let measured = match bound {
        "minLength" | "maxLength" => size(value.as_str().map(|text| text.chars().count())),
        "minItems" | "maxItems" => size(value.as_array().map(Vec::len)),
        "minProperties" | "maxProperties" => size(value.as_object().map(Map::len)),
        "minimum" | "maximum" => value.as_f64(),
        other => panic!("the keyword {other} is not known here"),
    };
    measured.is_none_or(|it| if bound.starts_with("min") { it >= limit } else { it <= limit })
}
