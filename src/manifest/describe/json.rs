//! JSON Schema, draft 7: the one that the language servers of editors understand whole.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, json_schema as schema};
use serde_json::{Map, Value, json};

use super::super::schema::{Envelope, Kind};

/// The names of the kinds, in the order in which they are listed.
pub fn kinds() -> Vec<&'static str> {
    Kind::ALL.into_iter().map(Kind::name).collect()
}

/// The schema of manifests of all kinds: what `kind` says decides what `spec` may hold.
pub fn json_schema() -> Value {
    root(SchemaSettings::draft07(), "A manifest of Bedrail", |generator| {
        let mut manifest = Envelope::json_schema(generator);
        let branches = Kind::ALL.into_iter().map(|kind| {
            let spec = kind.spec(generator);
            json!({
                "if": {"properties": {"kind": {"enum": [kind.name()]}}, "required": ["kind"]},
                "then": {"properties": {"spec": spec}},
            })
        });
        let branches: Vec<Value> = branches.collect();
        restrict(&mut manifest, "kind", &json!({"enum": kinds()}));
        manifest.insert("allOf".to_owned(), Value::Array(branches));
        manifest
    })
}

/// The schema of manifests of one kind; `None` where there is none of this name.
pub fn json_schema_of(kind: &str) -> Option<Value> {
    Some(of_kind(Kind::of(kind)?, SchemaSettings::draft07()))
}

/// The schema of manifests of one kind, with everything in its place instead of in definitions.
pub(super) fn written_out(kind: Kind) -> Value {
    of_kind(kind, SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true))
}

fn of_kind(kind: Kind, settings: SchemaSettings) -> Value {
    root(settings, kind.name(), |generator| {
        let mut manifest = Envelope::json_schema(generator);
        let spec = kind.spec(generator);
        restrict(&mut manifest, "kind", &json!({"enum": [kind.name()]}));
        let description = spec.get("description").cloned();
        restrict(&mut manifest, "spec", spec.as_value());
        if let Some(description) = description {
            manifest.insert("description".to_owned(), description);
        }
        manifest
    })
}

/// Adds to what is said of a property.
fn restrict(schema: &mut Schema, property: &str, more: &Value) {
    let properties = schema.get_mut("properties").and_then(|it| it.get_mut(property));
    let more = more.as_object().cloned().unwrap_or_default();
    match properties {
        Some(Value::Object(found)) => found.extend(more),
        // Anything goes: `true`.
        Some(other) => *other = Value::Object(more),
        None => {}
    }
}

fn root(
    mut settings: SchemaSettings,
    title: &str,
    body: impl FnOnce(&mut SchemaGenerator) -> Schema,
) -> Value {
    settings.transforms.insert(0, Box::new(NothingIsNoValue));
    let mut generator = settings.into_generator();
    let mut whole = schema!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
    });
    for (name, value) in body(&mut generator).as_object().into_iter().flatten() {
        whole.insert(name.clone(), value.clone());
    }
    let definitions: Map<String, Value> = generator.take_definitions(false);
    if !definitions.is_empty() {
        whole.insert("definitions".to_owned(), Value::Object(definitions));
    }
    for transform in generator.transforms_mut() {
        transform.transform(&mut whole);
    }
    whole.to_value()
}

/// A field without a value is an error in a manifest, so `null` is nowhere admitted. Formats of
/// numbers are Rust's, which no editor knows.
#[derive(Clone)]
struct NothingIsNoValue;

impl Transform for NothingIsNoValue {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("format");
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|it| it != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|it| *it != json!({"type": "null"}));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                for (name, value) in only {
                    // What is said of the field is closer than what is said of its type.
                    if schema.get(&name).is_none() {
                        schema.insert(name, value);
                    }
                }
            }
        }
        transform_subschemas(self, schema);
    }
}
