//! Roles of applications that an enforcement names, through the real binary.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[cfg(feature = "iam")]
mod asked;
#[cfg(feature = "iam")]
mod counted;
#[cfg(not(feature = "iam"))]
mod refused;
#[path = "../support/mod.rs"]
mod support;

use support::{GUARDRAIL, SANDBOX, WORKLOADS, with};

/// The guardrail, enforced with both kinds, each of which names these roles.
pub(crate) fn naming(roles: &str) -> String {
    let line = format!("callerRoles: [{roles}]");
    [GUARDRAIL, &with(WORKLOADS, &line), &with(SANDBOX, &line)].join("---")
}
