//! Where everything stands at one moment: what `status`, the page and the metrics show.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alerts::ReceiverStatus;
use super::outcome::{Condition, Phase, ROLE_NOT_ASSUMABLE};
use super::unanswering::Unanswering;

/// Where everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// `bedrail.dev/v1alpha1`.
    pub api_version: String,
    /// `Status`.
    pub kind: String,
    /// Of the controller.
    pub version: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Which manifests are in force; 0 before the first.
    pub generation: u64,
    /// Whether manifests are in force and every key was visited at least once under them.
    pub ready: bool,
    /// What must be known to read the rest: why nothing is written, what is degraded. Empty is good.
    pub notices: Vec<String>,
    /// Numbers.
    pub counts: SnapshotCounts,
    /// Every key.
    pub keys: Vec<KeyStatus>,
    /// ACTIVE accounts and Regions without any enforcement, that no manifest names.
    pub unprotected: Vec<Place>,
    /// ACTIVE accounts and Regions whose calls are logged nowhere, where manifests ask for logging
    /// elsewhere.
    #[serde(default)]
    pub unlogged: Vec<Place>,
    /// What cannot be desired.
    pub refusals: Vec<String>,
    /// What is ours and no manifest describes.
    pub orphans: Vec<String>,
    /// What the change guard holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_plan: Option<HeldPlanStatus>,
    /// The journal, if one is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalStatus>,
    /// Revisions that account enforcements bring out in waves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<RolloutStatus>,
    /// Whether another process with the same owner was seen at work lately.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
    /// Whether the manifests as they are now cannot be used: others are in force, or none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manifests_broken: bool,
    /// When everything was last read in one resync, in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_complete_resync: Option<Timestamp>,
    /// Who is told what is wrong, and whether they take it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<ReceiverStatus>,
    /// What has not answered for a while.
    #[serde(default, skip_serializing_if = "Unanswering::is_empty")]
    pub unanswering: Unanswering,
    /// The accounts of the organization.
    pub accounts: BTreeMap<String, AccountStatus>,
    /// The newest writes, oldest first.
    pub writes: Vec<String>,
    /// API calls by operation.
    pub calls: BTreeMap<String, u64>,
    /// Throttles by operation.
    pub throttles: BTreeMap<String, u64>,
}

/// Numbers over a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotCounts {
    /// Accounts, and those that are ACTIVE.
    pub accounts: usize,
    /// ACTIVE ones.
    pub active_accounts: usize,
    /// Regions that cells are in.
    pub regions: usize,
    /// Cells that manifests claim.
    pub cells: usize,
    /// Those by phase.
    pub cells_by_phase: BTreeMap<Phase, usize>,
    /// All keys by phase.
    pub keys_by_phase: BTreeMap<Phase, usize>,
}

/// One rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutStatus {
    /// `AccountEnforcement` or `OrganizationEnforcement`.
    #[serde(default = "account_enforcement")]
    pub kind: String,
    /// The enforcement it is of.
    pub enforcement: String,
    /// How far it is: `Baking`, `Halted`, `Done`, …
    pub stage: String,
    /// The wave that is open, from 1 on; all of them once it is done, 0 while that is not known.
    pub wave: usize,
    /// How many there are.
    pub waves: usize,
}

/// The one kind whose rollouts a status once told of.
fn account_enforcement() -> String {
    "AccountEnforcement".to_owned()
}

/// An account and a Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// `us-east-1`.
    pub region: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// What people call it.
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, …
    pub state: String,
}

/// Where one key stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// `cell 111122223333 us-east-1`.
    pub key: String,
    /// `Cell`, `Organization`, …
    pub kind: String,
    /// Where, if it is in one account and Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The manifest that claims it, if it is one: `AccountEnforcement/sandbox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// In one word.
    pub phase: Phase,
    /// Since when, in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it was last read completely, in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<Timestamp>,
    /// Why it is not in sync, from a closed set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in a sentence, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Everything that waits: reason and message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<(String, String)>,
    /// What is so, in the way of Kubernetes; nothing before the first visit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What was written at the last visit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<String>,
}

/// What the change guard holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPlanStatus {
    /// What it would take away, of how much, and whose text it is.
    pub text: String,
    /// The manifest that releases it.
    pub approval: String,
}

/// The journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalStatus {
    /// The file.
    pub path: String,
    /// Why it cannot be written now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Snapshot {
    /// As much as [`snapshot_to_text`](super::snapshot_to_text) shows, which is the same of both: of
    /// each key what it is, how it stands and for which reason, and of all keys with one reason the
    /// sentence of the first.
    #[must_use]
    pub fn brief(mut self) -> Self {
        let mut said: BTreeSet<(Phase, Option<String>)> = BTreeSet::new();
        for key in &mut self.keys {
            key.place = None;
            key.since = None;
            key.observed_at = None;
            key.waits.clear();
            key.conditions.clear();
            key.applied.clear();
            if !said.insert((key.phase, key.reason.clone())) {
                key.message = None;
            }
        }
        self.accounts.clear();
        self
    }

    /// The verdict in one line.
    pub fn verdict(&self) -> String {
        let worst = |phase| self.counts.keys_by_phase.get(&phase).copied().unwrap_or_default();
        let trouble: Vec<String> = [Phase::Failing, Phase::Refused, Phase::Held]
            .into_iter()
            .filter(|phase| worst(*phase) > 0)
            .map(|phase| format!("{} {}", worst(phase), phase.as_str()))
            .chain(match self.unprotected.len() {
                0 => None,
                count => Some(format!("{count} unprotected")),
            })
            .collect();
        let going: usize =
            [Phase::Converging, Phase::Waiting, Phase::Unknown].into_iter().map(worst).sum();
        if self.generation == 0 {
            "no manifests in force: nothing is written".to_owned()
        } else if !trouble.is_empty() {
            format!("needs attention: {}", trouble.join(", "))
        } else if going > 0 || !self.ready {
            format!("converging: {going} of {} to go", self.keys.len())
        } else {
            "all in sync".to_owned()
        }
    }

    /// Accounts whose role cannot be assumed.
    pub fn unassumable(&self) -> usize {
        // As the edge words it, where somebody other than the role's trust policy refuses.
        let is_refused = |message: &String| message.starts_with("failed to call sts:AssumeRole");
        let refused = self.keys.iter().filter(|key| {
            key.waits.iter().any(|(reason, _)| reason == ROLE_NOT_ASSUMABLE)
                || key.message.as_ref().is_some_and(is_refused)
        });
        let accounts: BTreeSet<&str> =
            refused.filter_map(|key| Some(key.place.as_ref()?.account.as_str())).collect();
        accounts.len()
    }

    /// The time since the key that was read longest ago; `None` while some was never read.
    pub fn oldest_observation(&self) -> Option<Timestamp> {
        let mut oldest = None;
        for key in &self.keys {
            let at = key.observed_at?;
            if oldest.is_none_or(|before| at < before) {
                oldest = Some(at);
            }
        }
        oldest
    }
}
