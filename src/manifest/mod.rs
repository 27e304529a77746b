//! Turns YAML files into what is desired.
//!
//! ```text
//!   paths ──► read ──► Source ──► parse ──► Manifests ──► resolve ──► Desired
//!             disk                 pure                    pure, × fleet
//!                                    └──► problems          └──► refusals
//! ```
//!
//! A load is accepted as a whole or not at all, and every problem of every file is found at once.
//! A [`Problem`] is of the text and needs no AWS; a [`Refusal`](crate::model::Refusal) is of the
//! text in this organization, and holds only what it is about.
//!
//! # Invariants
//!
//! - **Never a guess.** What can be read in two ways is an error: `yaml` reads everything twice.
//! - **Never an empty set by accident.** An empty folder is an error, and a selector that resolves
//!   to nothing is a refusal.
//! - **Deterministic.** Equal files and an equal fleet give an equal [`Desired`](crate::model::Desired).
//!
//! # Errors
//!
//! Each problem names the value, the rule and what to write instead, at `file:line:column`.
//!
//! # What does not belong here
//!
//! Which generation is in force, and when files are read again, is `runtime`'s. What to
//! change in AWS is [`plan`](crate::plan)'s.

mod control;
mod control_map;
mod describe;
mod export;
mod field_path;
mod known;
mod manifests;
mod node;
mod parse;
mod policies;
mod problem;
mod report;
mod resolve;
mod schema;
mod source;
mod validate;
mod yaml;

// Under this name for the modules below.
use crate::model::suggest;

pub use control::ServiceControlPolicy;
pub use control_map::control_map;
pub use describe::{Explanation, Unexplained, explain, json_schema, json_schema_of, kinds};
pub use export::{File, export, to_yaml, without_refused};
pub use known::guardrail_regions;
pub use manifests::{
    AccountEnforcement, CrossRegion, Enforcement, Guardrail, InvocationLogging, KmsKey, Manifests,
    OrganizationEnforcement, Origin, Placement, RegionOverride, Selector, ShareWith, UnitSelector,
};
pub use parse::{Outcome, parse};
pub use policies::{Policies, policies};
pub use problem::{Problem, Severity};
pub use resolve::{needs_embeddings, needs_tags, resolve};
pub use source::{FILE_BYTES_MAX, SET_BYTES_MAX, Source, read};
