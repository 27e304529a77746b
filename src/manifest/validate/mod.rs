//! Checks one document at a time, offline: everything `aws-facts` states about lengths, patterns,
//! words and combinations. What several documents must agree on is in [`across`].
//!
//! # Invariants
//!
//! - A check that returns `None` has reported why.
//! - Nothing is reported about a field that could not be read.

pub(super) mod across;
pub(super) mod approval;
mod aws_names;
mod checks;
mod content;
pub(super) mod enforcement;
pub(super) mod guardrail;
pub(super) mod logging;
mod models;
pub(super) mod policy;
mod preflight;
mod replica;
mod rollout;
mod sensitive;
pub(super) mod service_control;
mod targets;
mod trials;

pub(super) use checks::{former_names, name};
