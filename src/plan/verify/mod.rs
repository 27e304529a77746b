//! Judges whether what manifests claim is enforced.
//!
//! ```text
//!   desired ─> claims ─> (read) ─> meant ─> judge_reading ─> (probe what still stands) ─> judge_probe
//!              pure      client    pure     pure              client, billed              pure
//!           └> logged_cells ─> (read) ─> judge_logging
//!              pure            client    pure
//! ```
//!
//! # Invariants
//!
//! - **Proven is earned.** Nothing is proven by a plan that is empty, only by what was read for
//!   this claim; what could not be read is unknown, never proven.
//! - **No stranger's word.** An account on the list of invalid effective policies, or one whose
//!   effective policy another policy on its path has bent, is never proven.

mod callers;
mod claims;
mod effective;
mod judge;
mod junit;
mod logging;
mod meanwhile;
mod report;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

pub use callers::judge_callers;
pub use claims::{Claims, claims};
pub(in crate::plan) use effective::{Block, block};
pub(in crate::plan) use judge::slot;
pub use judge::{Reading, is_under, judge_probe, judge_reading};
pub use junit::to_junit;
pub use logging::{LoggedCell, judge_logging, logged_cells};
pub use meanwhile::{Meanwhile, meant};
pub use report::{Report, Totals};

use crate::model::{Cell, EnforcementKey, EnforcementSettings, GuardrailArn, RoleName, Version};

/// What must be in force somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Which guardrail.
    pub arn: GuardrailArn,
    /// Which version.
    pub version: Version,
    /// What people call it: name and revision, the same in every Region.
    pub spoken: String,
    /// Models, embeddings resolved, and guarding.
    pub settings: EnforcementSettings,
}

/// One cell that an enforcement claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Where.
    pub cell: Cell,
    /// By which manifest, and on which level.
    pub enforcement: EnforcementKey,
    /// What it wants there; or why that cannot be told.
    pub expected: Result<Expected, Finding>,
    /// What a rollout means there until the cell moves.
    pub meanwhile: Option<Meanwhile>,
    /// Why something else is wanted there than the text says, for the time being.
    pub remark: Option<String>,
    /// Roles that must be able to apply it.
    pub callers: Arc<BTreeSet<RoleName>>,
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Verdict {
    /// It is so.
    Proven,
    /// It is not so.
    Failed,
    /// Nobody can say.
    Unknown,
}

impl Verdict {
    /// `Proven`, `Failed`, `Unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "Proven",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }
}

/// Why. A closed set, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reason {
    /// It was read back as claimed.
    ReadBack,
    /// The account may apply it.
    Applied,
    /// An inference call showed it.
    Shown,
    /// Nothing is enforced there.
    NotEnforced,
    /// Another guardrail is.
    OtherGuardrail,
    /// Another version is.
    OtherVersion,
    /// The guardrail is, for other models or other parts of a request.
    OtherSettings,
    /// A policy that is not of these manifests changes what arrives in the account.
    Bent,
    /// The account's effective policy is invalid: an older one stays in force.
    InvalidEffectivePolicy,
    /// What the manifest asks for is not published.
    NotPublished,
    /// A role that the enforcement names may not apply it.
    CallerDenied,
    /// It could not be told whether such a role may.
    CallerUnknown,
    /// AWS refused the probe.
    ProbeRefused,
    /// Inference ran without it.
    NotShown,
    /// Calls of models are logged nowhere.
    NotLogged,
    /// They are logged elsewhere, or less of them is.
    OtherLogging,
    /// Something could not be read.
    Unreadable,
    /// The probe was not answered.
    ProbeUnanswered,
    /// The model of the probe is not under this enforcement.
    ModelExempt,
}

/// The verdict on one claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How it ended.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The same for people.
    pub message: String,
}

impl Finding {
    fn proven(reason: Reason, message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Proven, reason, message: message.into() }
    }

    fn failed(reason: Reason, message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, reason, message: message.into() }
    }

    fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, reason, message: message.into() }
    }
}

/// A guardrail that AWS says has run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ran {
    /// Which; `None` where AWS sent no ARN that can be understood.
    pub arn: Option<GuardrailArn>,
    /// Which version, as AWS spells it.
    pub version: Option<String>,
    /// Why, as AWS spells it: `ACCOUNT_ENFORCED`, `ORGANIZATION_ENFORCED`, `REQUEST`.
    pub origins: BTreeSet<String>,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// `ApplyGuardrail` answered.
    Applied(BTreeSet<Ran>),
    /// A model answered, and this ran before or after it.
    Inferred(BTreeSet<Ran>),
    /// AWS said no.
    Refused(String),
    /// No answer that says anything about the guardrail.
    Unanswered(String),
}
