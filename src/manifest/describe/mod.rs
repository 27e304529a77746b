//! Says what manifests may say: as JSON Schema for editors, and in words for people.
//!
//! ```text
//!   the types that texts are read into ──► JSON Schema ──► editors
//!   (schema: fields, words, limits)             └──► explain ──► a terminal
//! ```
//!
//! # Invariants
//!
//! - **Never stricter than the checks.** Whatever `validate` accepts, the schema accepts; what
//!   depends on other fields or other manifests is left to `validate`.
//! - **One source.** Names, words and limits are those that the checks use; nothing is listed here.

mod explain;
mod json;
mod text;

pub use explain::{Explanation, Unexplained, explain};
pub use json::{json_schema, json_schema_of, kinds};
