//! What the journal says, in the words of a report.

use jiff::Timestamp;
use serde::Serialize;

/// Whether the journal is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all_fields = "camelCase")]
pub enum Integrity {
    /// No journal was given: nothing is known of the past.
    NotGiven,
    /// Every record follows the one before it.
    Unbroken {
        /// How many.
        records: usize,
        /// The number of the first that is here; above 1 where older segments were archived.
        first: u64,
        /// The hash of the newest, to be compared with one that was kept elsewhere.
        newest_hash: String,
    },
    /// A record was changed, removed or added. Nothing after it counts.
    Broken {
        /// `file:line`, and what is wrong there.
        at: String,
    },
}

/// One change of somebody else that was put right, or was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftEvent {
    /// When the correction was begun.
    pub at: Timestamp,
    /// The number of its record.
    pub sequence: u64,
    /// The call that corrects.
    pub operation: String,
    /// On what.
    pub object: String,
    /// In which account; `None` for the organization.
    pub account: Option<String>,
    /// In which Region.
    pub region: Option<String>,
    /// Who had changed it, where AWS says.
    pub actor: Option<String>,
    /// How to ask who it was, where AWS does not say.
    pub ask: Option<String>,
    /// Old and new; words and patterns by their hash.
    pub changes: Vec<String>,
    /// `done`, `not made`, `failed`, `its end is not recorded`.
    pub ending: String,
    /// Whether AWS accepted the correction.
    pub is_corrected: bool,
}

/// What the journal says of a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The file, if one was given.
    pub journal: Option<String>,
    /// Whether it is as it was written.
    pub integrity: Integrity,
    /// The beginning of the time; `None` for all that is there.
    pub since: Option<Timestamp>,
    /// When the oldest and the newest record of that time were written.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Writes to AWS in that time.
    pub writes: usize,
    /// Those that weaken or take away.
    pub weakening: usize,
    /// Records that say that others are missing.
    pub gaps: Vec<String>,
    /// Drift.
    pub drift: Vec<DriftEvent>,
}

impl History {
    /// Nothing is known.
    pub fn not_given() -> Self {
        Self {
            journal: None,
            integrity: Integrity::NotGiven,
            since: None,
            span: None,
            writes: 0,
            weakening: 0,
            gaps: Vec::new(),
            drift: Vec::new(),
        }
    }
}
