//! Decides what to change.
//!
//! ```text
//!   desired ──┐
//!   observed ─┼──> plan_* ──> Plan ──> review ──> ApprovedPlan ──> (act)
//!   facts ────┘                          └──────> withheld, with the reason
//! ```
//!
//! Everything here is a plain function over values: no async, no clock, no AWS types. What one
//! process remembers between two visits of a key ([`Sightings`], [`ReplicaMemory`]) is an argument
//! too, so every decision can be reached from a unit test.
//!
//! # Invariants
//!
//! - **Deterministic.** Equal arguments give equal plans, order of the steps included.
//! - **A fixed point.** Once a plan is carried out, the next plan has no steps.
//! - **Ours only.** No step names a live object with another owner.
//! - **Known only.** No step follows from a read that failed.
//! - **Protect first.** Creates and updates come before what takes away.
//!
//! # What does not belong here
//!
//! When to look again is the runtime's decision, how a step becomes a call the AWS edge's.
//! A rule that needs one more live value adds a field to what is observed, or a fact.

mod access;
mod cell;
mod confirm;
mod consent;
mod context;
mod describe;
pub mod doctor;
mod effective;
pub mod event;
mod guard;
mod hold;
mod import;
mod logging;
mod narrowing;
mod organization;
mod ownership;
mod preflight;
mod reference;
mod references;
mod render;
mod replica;
pub mod report;
mod review;
mod rival;
mod rollout;
mod service_control;
mod sharing;
mod step;
mod strength;
mod trace;
pub mod verify;

#[cfg(test)]
mod any_json;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod laws;

pub use cell::plan_cell;
pub use confirm::{Confirmed, Sightings, Timing};
pub use context::Context;
pub use describe::Effect;
pub use effective::{unproven, witnesses};
pub use guard::{HeldPlan, Losses, Ruling, Specs, rule, withhold};
pub use import::{Live, import};
pub use logging::{
    LoggingMemory, LoggingTemplates, UnclaimedLogging, judge_unclaimed_logging, logging_templates,
    plan_left_logging, plan_logging,
};
pub use organization::{plan_organization, policy_regions, taken_over};
pub use ownership::{ENFORCEMENT_TAG, GUARDRAIL_TAG, OWNER_TAG, guardrail_tags};
pub use preflight::{Proving, callers_ahead, controls_are_fresh, probes_ahead, restorable};
pub use reference::revision_of;
pub use render::{Planned, Row, Subject, Summary, table, to_json, to_text};
pub use replica::{
    Exam, ReplicaMemory, Subject as ExamSubject, TestState, live_versions, plan_replica,
    replica_fact, scheduled_exam, test_state,
};
pub use review::{ApprovedPlan, Mode, Verdict, WithheldReason, review};
pub use rival::{Ourselves, Rival, stand_back};
pub use rollout::{Decision, Trial, decide_rollout, plan_rollout, rollout_progress, trials};
pub use service_control::{ControlStep, Leaving, control_attachments, plan_service_controls};
pub use sharing::{ProfilePolicy, admits, plan_profile_policy};
pub use step::{Grant, Held, HoldReason, Loss, Orphan, Plan, Step, Until};
pub use trace::{held_for_journal, without_journal};
