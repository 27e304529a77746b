//! Every place of the schema, and manifests that hold one value at such a place and little else.

use bedrail::manifest::{json_schema_of, kinds};
use serde_json::{Value, json};

use super::judge::Judge;

/// One step towards a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Field(String),
    /// Any key of a map.
    Key,
    Item,
}

/// A schema at its place in manifests of a kind.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) kind: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) schema: Value,
}

impl Place {
    /// `spec.content.filtersConfig[0].type`, as problems name it.
    pub(crate) fn path(&self) -> String {
        self.steps.iter().fold(String::new(), |path, step| match step {
            Step::Field(name) if path.is_empty() => name.clone(),
            Step::Field(name) => format!("{path}.{name}"),
            Step::Key => format!("{path}.us-east-1"),
            Step::Item => format!("{path}[0]"),
        })
    }

    /// A manifest that holds `value` here.
    pub(crate) fn manifest(&self, value: Value) -> Value {
        let below = self.steps.iter().rev().fold(value, |value, step| match step {
            Step::Field(name) => json!({name.as_str(): value}),
            Step::Key => json!({"us-east-1": value}),
            Step::Item => json!([value]),
        });
        let mut manifest = json!({
            "apiVersion": "bedrail.dev/v1alpha1",
            "kind": self.kind,
            "metadata": {"name": "synthetic"},
            "spec": {},
        });
        merge(&mut manifest, below);
        manifest
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Every place of every kind, each once for everything it may be.
pub(crate) fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for kind in kinds() {
        let schema = json_schema_of(kind).unwrap();
        let judge = Judge::new(schema.clone());
        walk(&judge, Place { kind, steps: Vec::new(), schema }, &mut places);
    }
    places
}

fn walk(judge: &Judge, place: Place, places: &mut Vec<Place>) {
    let Place { kind, ref steps, ref schema } = place;
    let below = |step: Option<Step>, schema: &Value, places: &mut Vec<Place>| {
        let steps = steps.iter().cloned().chain(step).collect();
        walk(judge, Place { kind, steps, schema: schema.clone() }, places);
    };
    let resolved = judge.resolve(schema);
    if resolved != schema {
        return below(None, resolved, places);
    }
    // What is said beside a reference stands in `allOf`; of the whole, that is what kinds add.
    for keyword in ["anyOf", "allOf"] {
        for choice in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            below(None, choice, places);
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        below(Some(Step::Field(name.clone())), property, places);
    }
    if let Some(items) = schema.get("items") {
        below(Some(Step::Item), items, places);
    }
    if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
        below(Some(Step::Key), values, places);
    }
    places.push(place);
}
