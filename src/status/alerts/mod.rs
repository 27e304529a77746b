//! Decides what somebody is told, and when.
//!
//! ```text
//!   snapshot ─> firing ─┐
//!   what was told ──────┼─> decide ─> messages, what is told now ─> (receivers)
//!   the time ───────────┘   pure
//! ```
//!
//! # Guarantees
//!
//! - **Once.** A subject is told when it begins and when it is over. What stays is repeated after a
//!   long while, all subjects of a kind in one message.
//! - **Together.** A thousand cells that lose their protection at once are one message.
//! - **Slowly.** Two messages of one kind keep a distance; what happens between them is in the next,
//!   and what comes and goes between them is in none.
//!
//! # Caveats
//!
//! What was told is lost with the process: what still holds after a restart is told again. That the
//! process itself is gone nobody here can tell; watch its heartbeat from outside.

mod decide;
mod firing;
mod text;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use decide::{Book, decide};
pub use firing::{Firing, firing};
pub use text::{title, to_json, to_slack, to_text};

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum AlertKind {
    /// No guardrail is enforced in a cell, and no manifest claims it.
    Unprotected,
    /// Somebody else writes what we write.
    Contested,
    /// A rollout was halted or rolled back.
    Rollout,
    /// The manifests cannot be used: older ones stay in force, or none.
    Manifests,
    /// The journal cannot be written.
    Journal,
    /// Something could not be read or written for long: a role that cannot be assumed, most often.
    Unreachable,
    /// Something waits for a person.
    Held,
    /// The manifests ask for what cannot be.
    Refused,
}

impl AlertKind {
    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unprotected => "Unprotected",
            Self::Contested => "Contested",
            Self::Rollout => "Rollout",
            Self::Manifests => "Manifests",
            Self::Journal => "Journal",
            Self::Unreachable => "Unreachable",
            Self::Held => "Held",
            Self::Refused => "Refused",
        }
    }

    /// What it means, for people.
    fn meaning(self) -> &'static str {
        match self {
            Self::Unprotected => "no guardrail is enforced, and no manifest claims it",
            Self::Contested => "somebody else writes what we write",
            Self::Rollout => "a rollout was halted or rolled back",
            Self::Manifests => "the manifests cannot be used",
            Self::Journal => "the journal cannot be written",
            Self::Unreachable => "cannot be read or written",
            Self::Held => "waits for a person",
            Self::Refused => "the manifests ask for what cannot be",
        }
    }
}

/// What a message says of its subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// It began.
    Firing,
    /// It still is.
    Reminder,
    /// It is over.
    Resolved,
    /// Somebody tries the receiver out.
    Test,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it says of its subjects.
    pub status: AlertStatus,
    /// What it is about.
    pub kind: AlertKind,
    /// When it was decided.
    pub at: Timestamp,
    /// How many subjects it is about.
    pub count: usize,
    /// How many of the kind are firing now.
    pub firing: usize,
    /// The first few, each with what is wrong.
    pub subjects: Vec<(String, String)>,
}

/// How often somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertPace {
    /// The least distance of two messages of one kind.
    pub every: SignedDuration,
    /// After how long what still holds is repeated; zero: never.
    pub repeat: SignedDuration,
    /// How long something must fail, or wait for a person, before it is told.
    pub after: SignedDuration,
}

/// How a receiver takes its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverStatus {
    /// `webhook 1 (hooks.example.com)`: without what is secret of its address.
    pub name: String,
    /// Messages it took.
    pub sent: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Messages that were given up.
    pub dropped: u64,
    /// Since when every try has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// What the last of them said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ReceiverStatus {
    /// What a reader of the status must know; `None` while all is well.
    pub fn notice(&self) -> Option<String> {
        let error = self.error.as_deref().unwrap_or("no answer");
        let since = self.failing_since?;
        let dropped = match self.dropped {
            0 => String::new(),
            count => format!("; {count} messages were given up"),
        };
        Some(format!(
            "AlertsFailing: {} has taken no alert since {since}: {error}{dropped}",
            self.name
        ))
    }
}
