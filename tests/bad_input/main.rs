//! Broken manifests, missing rights, failing services: what is said, what goes on, what exits how.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod faults;
mod manifests;
