//! What a record says.

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all_fields = "camelCase")]
pub enum Record {
    /// A process began to write this journal.
    Opened {
        /// Of the controller.
        version: String,
        /// The value of the owner tag.
        owner: String,
        /// `bedrail-<instance>`: the session name in CloudTrail.
        session: String,
        /// Bytes at the end that were not a whole record and were set aside.
        #[serde(default, skip_serializing_if = "is_zero")]
        torn_bytes: u64,
    },
    /// Manifests were put in force.
    Accepted {
        /// Their number in this process.
        generation: u64,
        /// SHA-256 of their texts.
        manifests: String,
        /// How many of which kind.
        summary: String,
    },
    /// A call that writes is about to be made.
    Intended(Intended),
    /// How such a call ended.
    Ended {
        /// The number of the record that announced it.
        of: u64,
        /// How.
        ending: Ending,
        /// What AWS said, where it did not go well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Records could not be written for a while. What they spoke of is on standard output.
    Degraded {
        /// How many are missing here.
        missing: u64,
        /// The last error.
        error: String,
    },
}

/// A write that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intended {
    /// What was visited: `cell 111122223333/us-east-1`.
    pub key: String,
    /// `bedrock:PutEnforcedGuardrailConfiguration`.
    pub operation: String,
    /// ARN, id or name.
    pub object: String,
    /// `create`, `update` or `delete`.
    pub effect: String,
    /// The account called; `None` for the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The Region called; `None` for the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether it takes protection away or narrows it.
    pub weakens: bool,
    /// The generation of the manifests.
    pub generation: u64,
    /// Why.
    pub because: Because,
    /// Who changed what is put right, where it is drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// Old and new of each field; words and patterns of guardrails by their hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

/// Why something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Because {
    /// The manifests ask for it, and it was not so yet.
    Manifest,
    /// It had been so under the same manifests, and is so no more.
    Drift,
    /// A wave of a rollout came to it.
    Rollout,
}

impl Because {
    /// As it is spelled in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "Manifest",
            Self::Drift => "Drift",
            Self::Rollout => "Rollout",
        }
    }
}

/// Who made a change that is put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// AWS says who: an ARN.
    Known(String),
    /// AWS does not say; the command that asks CloudTrail.
    Unknown(String),
}

/// How a write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// AWS accepted it.
    Done,
    /// It was not made: what was read before had changed meanwhile.
    Moved,
    /// AWS refused it, or its answer did not come: then it may have happened.
    Failed,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
