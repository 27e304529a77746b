//! What is proven before a reference is written.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::canonical::Revision;
use super::cell::Cell;
use super::ids::{AccountId, GuardrailArn, RoleName, Version};

/// From where a guardrail version is tried out before it is referenced there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Probes {
    /// From every account and Region.
    #[default]
    Every,
    /// From this share of the accounts, in per cent, and from one at least.
    Sample(u8),
    /// From none: what policies say in their text must do.
    Offline,
}

/// What an enforcement wants proven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// From where.
    pub probes: Probes,
    /// How much may stay unproven: accounts of an attachment, or cells of an account enforcement in
    /// one Region.
    pub max_unknown: u32,
    /// Roles of applications that must be able to apply the guardrail wherever it is tried out.
    /// Shared by all cells of an enforcement.
    #[serde(serialize_with = "listed")]
    pub callers: Arc<BTreeSet<RoleName>>,
}

fn listed<S: Serializer>(
    callers: &Arc<BTreeSet<RoleName>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(callers.iter())
}

/// One guardrail version, applied from inside one account and Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ProbeKey {
    /// From where.
    pub cell: Cell,
    /// Which guardrail.
    pub guardrail: GuardrailArn,
    /// Which version of it.
    pub version: Version,
}

impl fmt::Display for ProbeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.guardrail.with_version(self.version), self.cell)
    }
}

/// One role of an account, asked of IAM whether it may apply a guardrail.
///
/// Permissions know no versions; the revision stands here so that a role is asked about once for
/// each, and in all Regions of an account at once, although their versions come one by one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CallerKey {
    /// Whose role.
    pub account: AccountId,
    /// Which.
    pub role: RoleName,
    /// What it must be able to apply.
    pub guardrail: GuardrailArn,
    /// The revision that is about to be referenced; `None` for a version without one.
    pub revision: Option<Revision>,
}

impl fmt::Display for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {} of {}", self.guardrail, self.role, self.account)
    }
}

/// What a probe, or a question to IAM, has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It can be applied there, or was in force there.
    Passed,
    /// It cannot be applied there: by whose policy, or why else. Whoever references it there loses
    /// every call.
    Denied(String),
    /// No answer, or none that says anything about the guardrail.
    Unknown {
        /// Why.
        message: String,
        /// Whether asking again soon can help.
        is_transient: bool,
    },
}

/// The last probe of a guardrail version from a cell, or the last answer about a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFact {
    /// What it has shown.
    pub outcome: ProbeOutcome,
    /// When, on the clock that plans are given.
    pub at: Duration,
    /// How many did not pass in a row, this one included.
    pub failures: u32,
}
