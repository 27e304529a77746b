//! Turns YAML text into values, each with its place in the file.
//!
//! ```text
//!   text ──► saphyr-parser ──► places, duplicate keys, depth ─┐
//!        └─► serde_yaml ─────► values ────────────────────────┴─► compare ──► Document
//! ```
//!
//! The only module that names `serde_yaml`. Upstream has stopped maintaining it, and it lets
//! through what we must not: it has no places, its limits are those of recursion, and duplicate
//! keys stop it at the first. So a second, independent parser reads the same text, and the two must
//! agree on every key, list and text; where they do not, the document is an error and never a guess.
//!
//! To swap it: give [`values`] another body. It takes a text and returns one [`serde_json::Value`]
//! a document; nothing else here or outside knows which crate made them.
//!
//! Anchors, aliases, merge keys and tags are refused: a small file could expand without bound, and
//! what is enforced must be readable where it is written.

mod scan;

use serde::Deserialize;
use serde_json::Value;

use super::node::{Node, Place, Shape};

/// The deepest nesting; a manifest needs eight levels.
pub(super) const DEPTH_MAX: usize = 32;

/// One document that both parsers read alike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) node: Node,
}

/// Why a text or a part of it is not accepted as YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

/// What a text holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parsed {
    /// The documents that can be judged further; empty ones are left out.
    pub(super) documents: Vec<Document>,
    /// Everything else.
    pub(super) faults: Vec<Fault>,
    /// Whether documents may be missing from `documents` whose kind and name are unknown.
    pub(super) is_partial: bool,
}

/// Parses all documents of a text.
pub(super) fn parse(text: &str) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parsed = Parsed { faults: scan::raw_faults(text), ..Parsed::default() };
    let scanned = match scan::scan(text) {
        Ok(scanned) => scanned,
        Err(fault) => {
            // A tab where indentation belongs explains the syntax error better than the parser.
            if parsed.faults.is_empty() {
                parsed.faults.push(scan::tab_before(text, fault.place.line).unwrap_or(fault));
            }
            parsed.is_partial = true;
            return parsed;
        }
    };
    parsed.faults.extend(scan::tabs(text, &scanned));
    if scanned.iter().any(|it| it.expands) {
        // Not given to a parser that would expand it.
        parsed.faults.extend(scanned.into_iter().flat_map(|it| it.faults));
        parsed.is_partial = true;
    } else {
        pair(text, scanned, &mut parsed);
    }
    parsed.faults.sort_by_key(|it| it.place);
    parsed
}

/// Parses a JSON text, which is one document.
///
/// # Errors
///
/// It is not JSON, or what both readings give is not one document: a key stands twice.
pub(super) fn parse_json(text: &str) -> Result<Document, Vec<Fault>> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let place = Place { line: error.line().max(1), column: error.column().max(1) };
        let error = error.to_string();
        let message = error.split(" at line ").next().unwrap_or_default();
        vec![Fault::new(place, format!("is not valid JSON: {message}"))]
    })?;
    // Tabs stand between tokens alone in JSON, and one is one column.
    let mut scanned = scan::scan(&text.replace('\t', " ")).map_err(|fault| vec![fault])?;
    match scanned.pop() {
        Some(scan::Scanned { node, faults, .. }) if faults.is_empty() => {
            Ok(Document { value, node })
        }
        Some(scan::Scanned { faults, .. }) => Err(faults),
        None => Err(Vec::new()),
    }
}

/// Brings the two readings together, document by document.
fn pair(text: &str, scanned: Vec<scan::Scanned>, parsed: &mut Parsed) {
    // Without any document one of the two still reads an empty one.
    let values = values(text, scanned.len() + 1);
    let values: Vec<_> = values.into_iter().filter(|it| !matches!(it, Ok(Value::Null))).collect();
    let scanned: Vec<_> = scanned.into_iter().filter(|it| !it.node.is_null()).collect();
    if values.len() != scanned.len() {
        let stopped: Vec<Fault> = values.into_iter().filter_map(Result::err).collect();
        if !(stopped.is_empty() && parsed.faults.is_empty()) {
            if parsed.faults.is_empty() {
                parsed.faults.extend(stopped.into_iter().take(1));
            }
            parsed.is_partial = true;
            return;
        }
        let message = "two parsers see another number of documents; separate them by `---`";
        parsed.faults.push(Fault::new(Place { line: 1, column: 1 }, message));
        parsed.is_partial = true;
        return;
    }
    for (scanned, value) in scanned.into_iter().zip(values) {
        let before = parsed.faults.len();
        parsed.faults.extend(scanned.faults);
        if parsed.faults.len() == before {
            match agreed(&scanned.node, value) {
                Ok(value) => parsed.documents.push(Document { value, node: scanned.node }),
                Err(fault) => parsed.faults.push(fault),
            }
        }
        parsed.is_partial |= parsed.faults.len() > before;
    }
}

/// The value, if both readings have it.
fn agreed(node: &Node, value: Result<Value, Fault>) -> Result<Value, Fault> {
    let value = value?;
    let mut places = Vec::new();
    disagreements(node, &value, &mut places);
    places.first().map_or(Ok(value), |place| {
        Err(Fault::new(*place, "can be read in two ways; put texts in quotes and indent by spaces"))
    })
}

/// Reads at most `documents_max` documents with `serde_yaml`: after a syntax error it repeats the
/// error for ever.
fn values(text: &str, documents_max: usize) -> Vec<Result<Value, Fault>> {
    serde_yaml::Deserializer::from_str(text)
        .take(documents_max)
        .map(|document| {
            let start = Place { line: 1, column: 1 };
            let value = serde_yaml::Value::deserialize(document).map_err(|error| {
                let place = error
                    .location()
                    .map_or(start, |at| Place { line: at.line(), column: at.column() });
                Fault::new(place, format!("is not valid YAML: {error}"))
            })?;
            // Keys that are not texts and numbers that are not finite have no place in a manifest.
            serde_json::to_value(&value).map_err(|error| {
                Fault::new(start, format!("holds a value that no manifest may hold: {error}"))
            })
        })
        .collect()
}

/// Collects the places at which the two readings differ.
fn disagreements(node: &Node, value: &Value, places: &mut Vec<Place>) {
    match (&node.shape, value) {
        (Shape::Map(entries), Value::Object(members)) if entries.len() == members.len() => {
            for entry in entries {
                match members.get(&entry.key) {
                    Some(member) => disagreements(&entry.node, member, places),
                    None => places.push(entry.key_place),
                }
            }
        }
        (Shape::List(items), Value::Array(values)) if items.len() == values.len() => {
            for (item, value) in items.iter().zip(values) {
                disagreements(&item.node, value, places);
            }
        }
        (Shape::Scalar { text, .. }, Value::String(value)) if text == value => {}
        (Shape::Scalar { is_plain: true, .. }, Value::Null | Value::Bool(_) | Value::Number(_)) => {
        }
        (Shape::Map(_) | Shape::List(_) | Shape::Scalar { .. }, _) => places.push(node.place),
    }
}

#[cfg(test)]
mod tests;
