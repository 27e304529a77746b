//! What one visit returned, in words that logs, pages and exit codes share.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The one word a visit ends in; also the metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Live equals desired.
    Unchanged,
    /// Something was written (or, for a dry run, would be).
    Applied,
    /// Something desired waits, and says for what.
    Held,
    /// Something could not be read or written.
    Error,
}

/// One thing that waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Hold {
    /// From the closed set of hold reasons, `CamelCase`.
    pub reason: String,
    /// What waits, why, and what to do.
    pub message: String,
    /// Whether time or another visit ends it, or only a person.
    pub needs_person: bool,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The error class, `CamelCase`.
    pub reason: String,
    /// What, where, and what to do.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

impl ConditionStatus {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One thing that is so, or not, of a key, as Kubernetes writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `InSync`, `Accepted`, `Reachable`, `TestsPassing`.
    pub r#type: Cow<'static, str>,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// From a closed set, `CamelCase`.
    pub reason: Cow<'static, str>,
    /// What was seen, and what to do; empty where there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When its status became what it is, in this process.
    pub last_transition_time: Timestamp,
    /// The generation it speaks about.
    pub observed_generation: u64,
}

/// The one word for where a key stands; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Live equals desired.
    InSync,
    /// It is being written.
    Converging,
    /// Something desired waits for time or another key.
    Waiting,
    /// It was not visited yet.
    Unknown,
    /// Something desired waits for a person.
    Held,
    /// A manifest asks for what cannot be.
    Refused,
    /// It cannot be read or written.
    Failing,
}

impl Phase {
    /// Every phase, the worst last.
    pub const ALL: [Self; 7] = [
        Self::InSync,
        Self::Converging,
        Self::Waiting,
        Self::Unknown,
        Self::Held,
        Self::Refused,
        Self::Failing,
    ];

    /// As people and metrics read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "InSync",
            Self::Converging => "Converging",
            Self::Waiting => "Waiting",
            Self::Held => "Held",
            Self::Refused => "Refused",
            Self::Failing => "Failing",
            Self::Unknown => "Unknown",
        }
    }

    /// A sign that is no colour.
    pub fn symbol(self) -> char {
        match self {
            Self::InSync => '✓',
            Self::Converging => '~',
            Self::Waiting => '…',
            Self::Held => '!',
            Self::Refused | Self::Failing => '✗',
            Self::Unknown => '?',
        }
    }
}

/// What became of one key at its last visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The generation the visit speaks about.
    pub observed_generation: u64,
    /// When it ended.
    pub at: Timestamp,
    /// One word.
    pub verdict: Verdict,
    /// What was written, with old and new.
    pub applied: Vec<String>,
    /// What waits.
    pub held: Vec<Hold>,
    /// What will not be done until a manifest changes.
    pub refused: Vec<String>,
    /// What is ours and no longer desired; left alone.
    pub orphans: Vec<String>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// What is so, in the way of Kubernetes; the board adds the four that every key has. No other
    /// makes a key unready: what must wait is held.
    pub conditions: Vec<Condition>,
    /// When its phase became what it is, in this process; the board sets it.
    pub since: Timestamp,
    /// When it was last read completely, in this process; the board sets it.
    pub observed_at: Option<Timestamp>,
}

/// Why a key waits whose account does not let us in: that is no failure, and no read.
pub(super) const ROLE_NOT_ASSUMABLE: &str = "RoleNotAssumable";

impl Outcome {
    /// Whether the visit could read what the key is about.
    pub(super) fn was_read(&self) -> bool {
        self.failure.is_none() && self.held.iter().all(|held| held.reason != ROLE_NOT_ASSUMABLE)
    }

    /// Where the key stands.
    pub fn phase(&self) -> Phase {
        if self.failure.is_some() {
            Phase::Failing
        } else if !self.refused.is_empty() {
            Phase::Refused
        } else if self.held.iter().any(|held| held.needs_person) {
            Phase::Held
        } else if self.verdict == Verdict::Applied {
            Phase::Converging
        } else if self.held.is_empty() {
            Phase::InSync
        } else {
            Phase::Waiting
        }
    }

    /// Why it is not in sync: a word of a closed set, and a sentence.
    pub fn why(&self) -> Option<(&str, &str)> {
        if let Some(failure) = &self.failure {
            return Some((&failure.reason, &failure.message));
        }
        if let Some(refused) = self.refused.first() {
            return Some(("Refused", refused));
        }
        let person = self.held.iter().find(|held| held.needs_person);
        let held = person.or(self.held.first());
        held.map(|held| (held.reason.as_str(), held.message.as_str()))
    }

    /// Whether everything this key desires is in force.
    pub fn is_ready(&self) -> bool {
        self.held.is_empty() && self.refused.is_empty() && self.failure.is_none()
    }
}
