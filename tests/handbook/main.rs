//! What helps people write: the schema for editors, `explain`, completions, manual pages, examples.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

mod commands;
mod examples;
mod judge;
mod schema;
mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};

use bedrail::manifest::{Outcome, Source, parse};
use serde::Deserialize as _;
use serde_json::Value;

/// A file of the repository.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a file of the repository.
fn text(name: impl AsRef<Path>) -> String {
    fs::read_to_string(path(&name.as_ref().to_string_lossy())).unwrap()
}

/// The documents of a text, as any YAML parser reads them; none where it cannot.
fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    documents.collect::<Result<_, _>>().unwrap_or_default()
}

/// What `validate` finds in a text.
fn checked(text: &str) -> Outcome {
    let files = [(PathBuf::from("m.yaml"), text.to_owned())].into_iter().collect();
    parse(&Source::new(files, vec!["m.yaml".into()]))
}

/// What `validate` finds in documents. JSON is YAML, so each is one line.
fn checked_values(values: &[Value]) -> Outcome {
    checked(&values.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n"))
}

/// The documents of `complete.yaml`.
fn complete() -> Vec<Value> {
    documents(&text("tests/handbook/complete.yaml"))
}
