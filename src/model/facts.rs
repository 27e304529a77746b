//! What one key's visit learned and another key's plan needs. Lost on restart, and read again
//! before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::canonical::{ReplicaRevision, Revision};
use super::cell::{Cell, ProfileKey, ReplicaKey};
use super::controls::{AccessFact, AccessKey, ServiceControls};
use super::fleet::Fleet;
use super::ids::{GuardrailArn, Name, PolicyId, ProfileId, Region, TargetId, Version};
use super::observed::Read;
use super::preflight::{CallerKey, ProbeFact, ProbeKey};
use super::rollout::{GateVerdict, RolloutMarks};
use super::selection::{EnforcementKey, Selection};

/// What is known of one replica. Every version in it is READY and was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaFact {
    /// Its ARN.
    pub arn: GuardrailArn,
    /// Versions by the replica revision of their content: of each, the one to reference.
    pub versions: BTreeMap<ReplicaRevision, Version>,
    /// Versions by the revision of their shared content: of those above, the highest number of each.
    pub revisions: BTreeMap<Revision, Version>,
    /// Its resource policy as last read; `None` when it has none.
    pub policy: Option<Value>,
    /// Versions whose content carries automated reasoning, which cannot be enforced.
    pub not_enforceable: BTreeSet<Version>,
    /// The guardrail profiles of the versions that have one.
    pub profiles: BTreeMap<Version, ProfileId>,
    /// The enforcements that its tags name, and what their text selected; `None` where the tag's
    /// value is none of ours.
    pub enforcements: BTreeMap<EnforcementKey, Option<Selection>>,
    /// What its tags remember of rollouts, by account enforcement.
    pub rollouts: BTreeMap<Name, RolloutMarks>,
}

/// What is known of one organization policy of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFact {
    /// The enforcement it belongs to, from its tags.
    pub enforcement: Option<Name>,
    /// Whether it stands beside the main ones, while a revision is rolled out target by target.
    pub is_lane: bool,
    /// What it is attached to.
    pub targets: BTreeSet<TargetId>,
    /// Regions with a block in its document.
    pub regions: BTreeSet<String>,
    /// What its tags remember of rollouts, by enforcement.
    pub rollouts: BTreeMap<Name, RolloutMarks>,
    /// Every guardrail version its document names.
    pub references: BTreeSet<(GuardrailArn, Version)>,
}

/// A guardrail version that a policy of an enforcement had in force at a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Restorable {
    /// The enforcement.
    pub enforcement: Name,
    /// The target.
    pub target: TargetId,
    /// The guardrail.
    pub guardrail: GuardrailArn,
    /// Its version.
    pub version: Version,
}

/// A cell whose last read failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableCell {
    /// When that read began.
    pub tried: Duration,
    /// What its slot was last read to reference, if it ever was.
    pub last_seen: Option<(GuardrailArn, Version)>,
    /// Whether the account has not enabled the Region: nobody can make a call there.
    pub is_not_enabled: bool,
}

/// All facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The organization, once read.
    pub fleet: Option<Fleet>,
    /// Replicas, once read; a replica that was read and does not exist is absent here.
    pub replicas: BTreeMap<ReplicaKey, ReplicaFact>,
    /// What each cell's slot was last read to reference; `None` for an empty slot. A cell that
    /// was not read is absent here.
    pub cells: BTreeMap<Cell, Option<(GuardrailArn, Version)>>,
    /// When the read of each of them began, on the clock that plans are given: how old they are.
    pub cells_read: BTreeMap<Cell, Duration>,
    /// Cells whose last read failed.
    pub cells_unreadable: BTreeMap<Cell, UnreadableCell>,
    /// Cells that cannot be reached until a person has done something.
    pub unreachable: BTreeSet<Cell>,
    /// Replicas that AWS gave an answer about since the start.
    pub replicas_read: BTreeSet<ReplicaKey>,
    /// What was found when gates were tried, by account enforcement.
    pub verdicts: BTreeMap<Name, BTreeMap<Cell, GateVerdict>>,
    /// The same by organization enforcement.
    pub region_verdicts: BTreeMap<Name, BTreeMap<Region, GateVerdict>>,
    /// The same by organization enforcement with waves of targets, and by who was asked.
    pub witness_verdicts: BTreeMap<Name, BTreeMap<Cell, GateVerdict>>,
    /// Every version any `BEDROCK_POLICY` of the organization names; `None` until all were read.
    pub policies: Option<BTreeSet<(GuardrailArn, Version)>>,
    /// When the read of them began.
    pub policies_read: Option<Duration>,
    /// Our own policies; `None` until all were read.
    pub own_policies: Option<BTreeMap<PolicyId, PolicyFact>>,
    /// Since when every read has shown what our own policies are attached to and which Regions their
    /// documents name: policy, and target or Region.
    pub policies_since: BTreeMap<(PolicyId, String), Duration>,
    /// Slots that a write of ours was on its way to, and when it was sent, until one is read that
    /// shows what became of it.
    pub slots_written: BTreeMap<Cell, Duration>,
    /// The same of our own policies: when what they say or where they attach was last written.
    pub policies_written: Option<Duration>,
    /// Whether something that was in force is missing from the last read of it, and no second one has
    /// shown yet that it is gone.
    pub is_in_doubt: bool,
    /// Embedding models per Region, where a manifest excludes them.
    pub embeddings: BTreeMap<Region, BTreeSet<String>>,
    /// Resource policies of guardrail profiles, once read. Unknown only where nobody can read or
    /// write one: in an opt-in Region that their account has not enabled.
    pub profiles: BTreeMap<ProfileKey, Read<Value>>,
    /// Service control policies as last read; known to be absent where the type is not enabled.
    /// `None` until a plan asked for them.
    pub controls: Option<Read<ServiceControls>>,
    /// When they were read.
    pub controls_read: Option<Duration>,
    /// Attachments of service control policies of ours.
    pub control_attachments: usize,
    /// Whether our own role is let in, with and without policies that are tried.
    pub access: BTreeMap<AccessKey, AccessFact>,
    /// What was tried out from inside cells.
    pub probes: BTreeMap<ProbeKey, ProbeFact>,
    /// What IAM said of roles that enforcements name.
    pub callers: BTreeMap<CallerKey, ProbeFact>,
    /// What organization policies of ours had in force and lost.
    pub restorable: BTreeSet<Restorable>,
}
