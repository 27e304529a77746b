//! From manifests to enforced guardrails, through the real binary against the simulator.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod enforced;
mod forms;
mod ownership;
mod placement;
mod removal;
mod sharing;
mod switches;
