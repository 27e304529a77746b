//! The rules, one file for each: what one write breaks.
//!
//! S1, S6 and S9–S12 need to know what a test intends and are silent until it says so.

pub(super) mod blast_radius;
pub(super) mod change_guard;
mod complete_before_destructive;
mod content_true;
mod foreign_guardrails;
mod foreign_policies;
mod foreign_statements;
mod make_before_break;
mod monotone;
mod never_broken;
mod never_draft;
mod never_unprotected;
mod no_duplicates;
mod no_revoke;
mod service_controls;

use super::{Rule, Violation, Write};

/// Every rule a write of the controller is judged by.
pub(super) const ALL: &[Rule] = &[
    never_unprotected::judge,
    make_before_break::judge,
    never_draft::judge,
    never_broken::judge,
    no_revoke::judge,
    content_true::judge,
    foreign_guardrails::judge,
    foreign_policies::judge,
    foreign_statements::judge,
    no_duplicates::judge,
    monotone::judge,
    complete_before_destructive::judge,
    change_guard::judge,
    blast_radius::judge,
    service_controls::judge,
];
