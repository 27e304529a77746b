//! Judges what policies let somebody do, as far as that follows from their text.
//!
//! ```text
//!   policies on the path ─┐
//!   request (who, what) ──┴─► statement by statement, in three values ─► Permission
//! ```
//!
//! # Invariants
//!
//! - **Three values.** What cannot be decided from the text and the organization (a tag of the
//!   caller, the network it comes from, an operator not known here) is [`Truth::Unknown`]. It never
//!   turns into "allowed", nor into "surely denied".
//! - **Nothing about Bedrock.** Actions, resources and keys are arguments, so that every question
//!   about a policy can be asked here.
//!
//! # What does not belong here
//!
//! Identity policies cannot be read from the management account: what they allow, a probe says.

mod condition;
mod controls;
mod pattern;
mod request;
mod statement;
mod truth;

pub(super) use controls::{Cause, Permission, controlled};
pub(super) use pattern::like;
pub(super) use request::{Principal, Request};
pub(super) use truth::Truth;
