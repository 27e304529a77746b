//! A policy taken apart: statements, texts and conditions, each with its pointer.

use serde_json::{Map, Value};

use super::known::INFERENCE;
use super::pattern::like;

/// The statements of a policy.
pub(super) struct Document<'a> {
    pub(super) statements: Vec<Statement<'a>>,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
    /// Not readable; the shape is reported.
    Unclear,
}

/// One statement.
pub(super) struct Statement<'a> {
    pub(super) pointer: String,
    pub(super) value: &'a Map<String, Value>,
    pub(super) effect: Effect,
}

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) pointer: String,
    pub(super) text: &'a str,
}

/// One key under one operator.
pub(super) struct Condition<'a> {
    /// The pointer of the operator.
    pub(super) operator_pointer: String,
    pub(super) operator: Operator<'a>,
    /// The pointer of the key.
    pub(super) pointer: String,
    pub(super) key: &'a str,
    pub(super) values: Vec<Text<'a>>,
}

/// How the values of a request are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qualifier {
    Single,
    ForAnyValue,
    ForAllValues,
}

/// A condition operator taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator<'a> {
    pub(super) written: &'a str,
    pub(super) qualifier: Qualifier,
    pub(super) base: &'a str,
    pub(super) if_exists: bool,
}

impl<'a> Document<'a> {
    /// Reads what can be read; what cannot is for `shape` to say.
    pub(super) fn read(policy: &'a Value) -> Self {
        let statement = policy.get("Statement");
        let statements = match statement {
            Some(Value::Array(many)) => many
                .iter()
                .enumerate()
                .filter_map(|(index, one)| Statement::read(format!("/Statement/{index}"), one))
                .collect(),
            Some(one) => Statement::read("/Statement".to_owned(), one).into_iter().collect(),
            None => Vec::new(),
        };
        Self { statements }
    }
}

impl<'a> Statement<'a> {
    fn read(pointer: String, value: &'a Value) -> Option<Self> {
        let value = value.as_object()?;
        let effect = match value.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(_) | None => Effect::Unclear,
        };
        Some(Self { pointer, value, effect })
    }

    pub(super) fn has(&self, element: &str) -> bool {
        self.value.contains_key(element)
    }

    /// The pointer of an element.
    pub(super) fn at(&self, element: &str) -> String {
        format!("{}/{}", self.pointer, escaped(element))
    }

    /// The texts of an element that is one text or a list of them.
    pub(super) fn texts(&self, element: &str) -> Vec<Text<'a>> {
        self.value.get(element).map_or_else(Vec::new, |value| texts(self.at(element), value))
    }

    /// Every key of the condition, under each of its operators.
    pub(super) fn conditions(&self) -> Vec<Condition<'a>> {
        let mut conditions = Vec::new();
        let operators = self.value.get("Condition").and_then(Value::as_object);
        for (written, keys) in operators.into_iter().flatten() {
            let operator_pointer = format!("{}/{}", self.at("Condition"), escaped(written));
            for (key, values) in keys.as_object().into_iter().flatten() {
                let pointer = format!("{operator_pointer}/{}", escaped(key));
                conditions.push(Condition {
                    operator_pointer: operator_pointer.clone(),
                    operator: Operator::parse(written),
                    values: texts(pointer.clone(), values),
                    pointer,
                    key,
                });
            }
        }
        conditions
    }

    /// Whether its `Action`, or what its `NotAction` leaves, has `bedrock:<name>`.
    pub(super) fn speaks_of(&self, name: &str) -> bool {
        let action = format!("bedrock:{name}").to_ascii_lowercase();
        let names = |texts: &[Text<'_>]| {
            texts.iter().any(|it| like(&it.text.to_ascii_lowercase(), &action))
        };
        if self.has("Action") {
            names(&self.texts("Action"))
        } else {
            self.has("NotAction") && !names(&self.texts("NotAction"))
        }
    }

    /// Whether it is about running models.
    pub(super) fn speaks_of_inference(&self) -> bool {
        INFERENCE.iter().any(|action| self.speaks_of(action))
    }

    /// Whether an action of a service is written out in it, with or without wildcards.
    pub(super) fn names(&self, service: &str) -> bool {
        let texts = ["Action", "NotAction"].map(|element| self.texts(element));
        texts.iter().flatten().any(|it| prefix(it.text).eq_ignore_ascii_case(service))
    }
}

impl Condition<'_> {
    /// Whether it is about this key; IAM ignores case.
    pub(super) fn is_about(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }
}

impl<'a> Operator<'a> {
    fn parse(written: &'a str) -> Self {
        let prefixes =
            [("ForAnyValue:", Qualifier::ForAnyValue), ("ForAllValues:", Qualifier::ForAllValues)];
        let (qualifier, rest) = prefixes
            .iter()
            .find_map(|(prefix, it)| Some((*it, written.strip_prefix(prefix)?)))
            .unwrap_or((Qualifier::Single, written));
        let base = rest.strip_suffix("IfExists");
        Self { written, qualifier, base: base.unwrap_or(rest), if_exists: base.is_some() }
    }

    /// Whether it holds for what does *not* match.
    pub(super) fn is_negated(self) -> bool {
        self.base.contains("Not")
    }

    /// Whether `*` and `?` are wildcards in its values.
    pub(super) fn takes_wildcards(self) -> bool {
        self.base.starts_with("Arn") || self.base.ends_with("Like")
    }

    /// What it says of a request that lacks the key (IAM, "Condition operators").
    pub(super) fn holds_when_absent(self) -> bool {
        match self.qualifier {
            Qualifier::ForAllValues => true,
            Qualifier::ForAnyValue => self.if_exists,
            Qualifier::Single => self.is_negated() || self.if_exists,
        }
    }
}

/// The service before the colon; empty for `*`.
pub(super) fn prefix(action: &str) -> &str {
    action.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// One text or a list of them. Booleans are texts in conditions, too.
pub(super) fn texts(pointer: String, value: &Value) -> Vec<Text<'_>> {
    match value {
        Value::Array(many) => many
            .iter()
            .enumerate()
            .flat_map(|(index, one)| texts(format!("{pointer}/{index}"), one))
            .collect(),
        Value::String(text) => vec![Text { pointer, text }],
        Value::Bool(true) => vec![Text { pointer, text: "true" }],
        Value::Bool(false) => vec![Text { pointer, text: "false" }],
        Value::Null | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// A name as a step of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
