//! Proves that whoever would depend on a reference can apply it, before it is written (S4).
//!
//! ```text
//!   reference ─► was in force here before? ──────────────────────────────► go on
//!        │ no
//!        ├─► policies of its guardrail profile, in every destination Region ─► held
//!        ├─► service control policies above the account ─────────► held, or a warning
//!        ├─► ApplyGuardrail from inside the account and Region ──► held, or asked for
//!        └─► IAM's word on the roles of `callerRoles` ───────────► held, or asked for
//! ```
//!
//! A cell stands for itself: one that is denied is held and the others go on. An attachment of an
//! organization policy is all or nothing.
//!
//! # Invariants
//!
//! - **Never "allowed" by want of knowledge.** What was not read is asked for, what cannot be read
//!   counts as unknown, and unknown holds beyond what the manifest tolerates.
//! - **Once.** A probe that passed is not asked for again while the process lives, and neither is
//!   what restores a reference that was in force before (S15).
//! - **No call here.** A plan names the probes it needs; a visit makes them, when it may write.
//!
//! # Caveats
//!
//! A probe proves it for the member role. Roles of applications need `bedrock:ApplyGuardrail` as
//! well, and that is seen of those only that `callerRoles` names, as far as IAM's simulation goes.

mod ahead;
mod callers;
mod gate;
mod judge;
mod profile;
mod restorable;
mod sample;

#[cfg(test)]
mod callers_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use ahead::{callers_ahead, probes_ahead};
pub(super) use gate::{Scope, put};
pub use judge::controls_are_fresh;
pub use restorable::restorable;

use crate::model::{ProfileKey, Share};

/// What a plan must know to prove, beside facts.
#[derive(Clone, Copy, Debug)]
pub struct Proving<'a> {
    /// Every guardrail profile in every Region it reaches, and whom it must admit there.
    pub profiles: &'a BTreeMap<ProfileKey, Share>,
    /// The role that probes are made as: its name, with its path if it has one.
    pub member_role: &'a str,
    /// Whether what was not tried or asked counts as passed: for a plan that is only shown.
    pub is_assumed: bool,
}
