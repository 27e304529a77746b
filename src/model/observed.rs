//! What was read from AWS, and how sure we are of it.
//!
//! A read is three-valued. Destructive and creating steps take a proof as an argument, [`Seen`] or
//! [`Absent`], and only a completed read hands one out: a plan made from an unreadable world cannot
//! be written down.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::canonical::ReplicaContent;
use super::desired::{ModelEnforcement, SelectiveContentGuarding};
use super::ids::{
    AccountId, ConfigId, GuardrailArn, Name, OrganizationId, OwnerId, PolicyId, RootId, TargetId,
    Version,
};
use super::rollout::RolloutMarks;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The error class, from the closed set: `Denied`, `Throttled`, …
    pub class: &'static str,
    /// What a person reads.
    pub message: String,
}

/// The result of a read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Read<T> {
    /// It was read completely.
    Known(T),
    /// AWS says it does not exist.
    KnownAbsent,
    /// Nothing is known.
    Unknown(Unread),
}

/// Proof that a complete read showed the object to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(());

/// Proof that a complete read showed the object to be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent(());

impl<T> Read<T> {
    /// The value and the proof that it exists.
    pub fn known(&self) -> Option<(&T, Seen)> {
        match self {
            Self::Known(value) => Some((value, Seen(()))),
            Self::KnownAbsent | Self::Unknown(_) => None,
        }
    }

    /// The proof that it does not exist.
    pub fn absent(&self) -> Option<Absent> {
        match self {
            Self::KnownAbsent => Some(Absent(())),
            Self::Known(_) | Self::Unknown(_) => None,
        }
    }

    /// Why it is unknown.
    pub fn unread(&self) -> Option<&Unread> {
        match self {
            Self::Unknown(unread) => Some(unread),
            Self::Known(_) | Self::KnownAbsent => None,
        }
    }
}

/// Status of a guardrail or version (`aws-facts` 1.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum GuardrailStatus {
    /// Usable.
    Ready,
    /// CREATING, UPDATING or VERSIONING: ask again.
    Pending,
    /// FAILED, with the reasons and recommendations AWS gives.
    Failed(Vec<String>),
    /// DELETING.
    Deleting,
    /// A status that is not known to this release, as AWS spells it.
    Other(String),
}

/// One numbered version.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedVersion {
    /// Its number.
    pub version: Version,
    /// Its status.
    pub status: GuardrailStatus,
    /// When it was published, in milliseconds since 1970: versions are as old as this says, since
    /// AWS does not promise that numbers of deleted ones are not given again.
    pub created_at: i64,
    /// Its description: an index, or the guardrail's own (`aws-facts` 13, question 19).
    pub description: Option<String>,
    /// Its content, read back; unknown until read or while not READY.
    pub content: Read<ReplicaContent>,
}

/// One live guardrail.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedGuardrail {
    /// Its ARN.
    pub arn: GuardrailArn,
    /// The name it carries now: anybody who may update it may rename it.
    pub name: String,
    /// Status of DRAFT.
    pub status: GuardrailStatus,
    /// Content of DRAFT.
    pub draft: ReplicaContent,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// All published versions, by number.
    pub versions: BTreeMap<Version, ObservedVersion>,
    /// Its resource policy, parsed.
    pub policy: Read<Value>,
}

/// What a visit to a replica read: the guardrail that carries the manifest's name.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedReplica {
    /// The guardrail.
    pub guardrail: Read<ObservedGuardrail>,
}

/// Status of a policy type on the root (`aws-facts` 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum PolicyTypeStatus {
    /// Policies of the type take effect.
    Enabled,
    /// PENDING_ENABLE or PENDING_DISABLE: ask again.
    Pending,
    /// Not in the list.
    Disabled,
}

/// The tag that says who owns a guardrail or a policy.
pub const OWNER_TAG: &str = "bedrail:owner";

/// The tag that says which enforcement a policy belongs to.
pub const ENFORCEMENT_TAG: &str = "bedrail:enforcement";

/// The tag that numbers the policies of an enforcement from the second on.
pub const SHARD_TAG: &str = "bedrail:shard";

/// The tag of a policy that exists only while a rollout is open: the lane it is for.
pub const LANE_TAG: &str = "bedrail:lane";

/// One `BEDROCK_POLICY`, ours or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// The owner tag, if any.
    pub owner: Option<OwnerId>,
    /// The enforcement it belongs to, from its tags.
    pub enforcement: Option<Name>,
    /// Its number among those of the enforcement, from its tags.
    pub shard: Option<u32>,
    /// The lane of a rollout it is for, from its tags; `None` for one that stays.
    pub lane: Option<String>,
    /// What its tags remember of rollouts, by enforcement.
    pub rollouts: BTreeMap<Name, RolloutMarks>,
    /// Its document, parsed; `Null` when it is not JSON.
    pub content: Value,
    /// What it is attached to directly.
    pub targets: BTreeSet<TargetId>,
}

/// What a visit to the organization read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedOrganization {
    /// The organization.
    pub organization: OrganizationId,
    /// Its root.
    pub root: RootId,
    /// Status of `BEDROCK_POLICY`.
    pub bedrock_policies: PolicyTypeStatus,
    /// Every policy of the type, by id, ours or not, read completely.
    pub policies: Read<BTreeMap<PolicyId, ObservedPolicy>>,
    /// Accounts whose effective policy is invalid (the last valid one stays in force).
    pub invalid: Read<BTreeSet<AccountId>>,
    /// The effective policy of witnesses: accounts that each show for others what the policies on
    /// one path come to.
    pub effective: BTreeMap<AccountId, Read<Value>>,
}

/// The enforced configuration of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedEnforcement {
    /// Its id; needed to replace or delete it.
    pub config_id: ConfigId,
    /// The guardrail; `None` where AWS sent none.
    pub guardrail: Option<GuardrailArn>,
    /// The version; `None` where AWS sent none that is a number.
    pub version: Option<Version>,
    /// Guarding, defaults filled in.
    pub guarding: SelectiveContentGuarding,
    /// Models, defaults filled in.
    pub models: ModelEnforcement,
    /// Who wrote it last, as AWS says.
    pub updated_by: Option<String>,
    /// When, in seconds since 1970.
    pub updated_at: Option<i64>,
}

/// What a visit to a cell read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObservedCell {
    /// The slot.
    pub enforcement: Read<ObservedEnforcement>,
}
