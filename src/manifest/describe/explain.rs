//! One kind or one field: where it stands, what it may hold, and what is below it.

use serde::Serialize;
use serde_json::Value;

use super::super::schema::{API_VERSION, Kind};
use super::super::suggest::did_you_mean;
use super::json::{kinds, written_out};

/// What is known of a kind, or of one of its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The kind.
    pub kind: String,
    /// The version of manifests.
    pub api_version: String,
    /// The path of the field; empty for the kind itself.
    pub field: String,
    /// What is known of it.
    #[serde(flatten)]
    pub about: Field,
}

/// What is known of a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name; of the kind itself, the kind.
    pub name: String,
    /// What it holds: `string`, `list of object`, …
    pub r#type: String,
    /// Whether what it stands in needs it.
    pub required: bool,
    /// The values it may have; none where there are others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// What holds when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Lengths, counts and forms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// What it is for.
    pub description: String,
    /// Where AWS describes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What is below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Self>,
}

/// Why nothing can be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// No such kind.
    #[error("there is no kind `{0}`{suggestion}; there are {kinds}", suggestion = did_you_mean(.0, kinds()), kinds = kinds().join(", "))]
    Kind(String),
    /// No such field.
    #[error("there is no field `{name}` in `{parent}`{hint}")]
    Field {
        /// The name that was not found.
        name: String,
        /// Where it was looked for.
        parent: String,
        /// What may have been meant, or what there is.
        hint: String,
    },
}

/// Explains `Kind` or `Kind.field.path`. Lists and maps are passed through by the names of what
/// they hold; an index (`[0]`) may be written and says nothing.
pub fn explain(path: &str) -> Result<Explanation, Unexplained> {
    let mut steps = path.split('.');
    let name = steps.next().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
    let Some(kind) = kind else { return Err(Unexplained::Kind(name.to_owned())) };
    let root = written_out(kind);
    let mut place = Place { schema: &root, source: None, is_required: true };
    let mut walked: Vec<&str> = Vec::new();
    for step in steps {
        let step = step.split('[').next().unwrap_or(step);
        let Some(next) = place.below(step) else {
            let parent = dotted(kind.name(), &walked);
            let hint = hint(&place, &parent, step);
            return Err(Unexplained::Field { name: step.to_owned(), parent, hint });
        };
        place = next;
        walked.push(step);
    }
    let name = walked.last().copied().unwrap_or(kind.name());
    Ok(Explanation {
        kind: kind.name().to_owned(),
        api_version: API_VERSION.to_owned(),
        field: walked.join("."),
        about: place.describe(name),
    })
}

fn dotted(kind: &str, steps: &[&str]) -> String {
    [&[kind], steps].concat().join(".")
}

fn hint(place: &Place<'_>, parent: &str, step: &str) -> String {
    let names: Vec<&str> = place.fields().map(|(name, _)| name).collect();
    // `Guardrail.content` is what most people try first.
    if place.below("spec").is_some_and(|spec| spec.below(step).is_some()) {
        return format!(" (did you mean `{parent}.spec.{step}`?)");
    }
    let suggestion = did_you_mean(step, names.iter().copied());
    match (suggestion.is_empty(), names.is_empty()) {
        (false, _) => suggestion,
        (true, true) => ", which has no fields".to_owned(),
        (true, false) => format!("; there are {}", names.join(", ")),
    }
}

/// A schema, and what is said of it from above.
#[derive(Clone, Copy)]
struct Place<'a> {
    schema: &'a Value,
    source: Option<&'a str>,
    is_required: bool,
}

impl<'a> Place<'a> {
    /// The schemas that have the fields: its own, that of the items of a list, that of the values
    /// of a map, or of any of what it may be.
    fn bodies(self) -> Vec<&'a Value> {
        let mut found = Vec::new();
        let mut rest = vec![self.schema];
        while let Some(schema) = rest.pop() {
            if schema.get("properties").is_some() {
                found.push(schema);
                continue;
            }
            let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
            rest.extend(choices);
            rest.extend(["items", "additionalProperties"].iter().filter_map(|it| schema.get(it)));
        }
        found
    }

    /// The fields below it, in the order of the alphabet.
    fn fields(self) -> impl Iterator<Item = (&'a str, Self)> {
        self.bodies().into_iter().flat_map(move |body| {
            let source = body.get("x-source").and_then(Value::as_str).or(self.source);
            let required = body.get("required").and_then(Value::as_array);
            let fields = body.get("properties").and_then(Value::as_object);
            fields.into_iter().flatten().map(move |(name, schema)| {
                let is_required = required.is_some_and(|names| names.iter().any(|it| it == name));
                let source = schema.get("x-source").and_then(Value::as_str).or(source);
                (name.as_str(), Self { schema, source, is_required })
            })
        })
    }

    fn below(self, name: &str) -> Option<Self> {
        self.fields().find(|(found, _)| *found == name).map(|(_, place)| place)
    }

    fn describe(self, name: &str) -> Field {
        let text = |key: &str| self.schema.get(key).and_then(Value::as_str).unwrap_or_default();
        // Of a list, what its items may be is meant.
        let items = self.schema.get("items");
        Field {
            name: name.to_owned(),
            r#type: type_of(self.schema),
            required: self.is_required,
            allowed: items.map_or_else(|| allowed(self.schema), allowed),
            default: self.schema.get("default").map(shown),
            limits: limits(self.schema),
            description: text("description").to_owned(),
            source: self.source.map(str::to_owned),
            fields: self.fields().map(|(name, place)| place.describe(name)).collect(),
        }
    }
}

fn type_of(schema: &Value) -> String {
    let word = schema.get("type").and_then(Value::as_str);
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        return choices.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match (word, schema.get("items"), schema.get("additionalProperties")) {
        (Some("array"), Some(items), _) => format!("list of {}", type_of(items)),
        (Some("object"), _, Some(Value::Object(values))) => {
            format!("map of {}", type_of(&Value::Object(values.clone())))
        }
        (Some(word), _, _) => word.to_owned(),
        (None, _, _) => "any".to_owned(),
    }
}

fn allowed(schema: &Value) -> Vec<String> {
    let own = schema.get("enum").and_then(Value::as_array);
    if let Some(words) = own {
        return words.iter().map(shown).collect();
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    choices.into_iter().flatten().flat_map(allowed).collect()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn limits(schema: &Value) -> Vec<String> {
    let number = |key: &str| schema.get(key).filter(|it| it.is_number()).map(ToString::to_string);
    let span = |min: &str, max: &str, of: &str| {
        let text = match (number(min).filter(|it| it != "0"), number(max)) {
            (Some(min), Some(max)) if min == max => format!("{min}{of}"),
            (Some(min), Some(max)) => format!("{min} to {max}{of}"),
            (None, Some(max)) => format!("up to {max}{of}"),
            (Some(min), None) => format!("at least {min}{of}"),
            (None, None) => return None,
        };
        Some(text)
    };
    let mut found: Vec<String> = [
        span("minLength", "maxLength", " characters"),
        span("minItems", "maxItems", " items"),
        span("minProperties", "maxProperties", " fields"),
        span("minimum", "maximum", ""),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        found.push(format!("matches {pattern}"));
    }
    if let Some(items) = schema.get("items").filter(|it| it.get("properties").is_none()) {
        found.extend(limits(items).into_iter().map(|limit| format!("each {limit}")));
    }
    found
}
