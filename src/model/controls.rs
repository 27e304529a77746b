//! Service control policies: as they are, and as manifests want them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::desired::{OnDeselect, Presence};
use super::ids::{AccountId, Name, OwnerId, PolicyId, TargetId};
use super::observed::{OWNER_TAG, PolicyTypeStatus};
use super::selection::Selection;

/// One `SERVICE_CONTROL_POLICY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceControl {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// Its document, parsed; `Null` when it is not JSON.
    pub content: Value,
    /// What it is attached to directly.
    pub targets: BTreeSet<TargetId>,
}

/// All of them, read completely.
pub type ServiceControls = BTreeMap<PolicyId, ServiceControl>;

/// What a service control policy of a manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ControlForm {
    /// Model calls must name one of these guardrails, at a published version.
    RequireGuardrail {
        /// Names of their manifests.
        guardrails: BTreeSet<Name>,
        /// Roles that need not, beside our own.
        exempt_roles: BTreeSet<String>,
    },
    /// Only these models, as patterns of ids, and inference profiles of them.
    ApprovedModels(BTreeSet<String>),
    /// Nobody but these roles and our own changes what is enforced.
    ProtectEnforcement {
        /// Roles that may, beside our own.
        exempt_roles: BTreeSet<String>,
    },
    /// Model calls come through these endpoints or networks.
    RequireNetwork {
        /// `vpce-…`.
        vpc_endpoints: BTreeSet<String>,
        /// `vpc-…`.
        vpcs: BTreeSet<String>,
        /// Roles that need not, beside our own.
        exempt_roles: BTreeSet<String>,
    },
    /// As written.
    Document(Value),
}

impl ControlForm {
    /// Whether model calls must name this guardrail, or another of a list.
    pub fn requires(&self, guardrail: &Name) -> bool {
        match self {
            Self::RequireGuardrail { guardrails, .. } => guardrails.contains(guardrail),
            Self::ApprovedModels(_)
            | Self::ProtectEnforcement { .. }
            | Self::RequireNetwork { .. }
            | Self::Document(_) => false,
        }
    }
}

/// What becomes of the policies of others on the same targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Attachment {
    /// They stay.
    #[default]
    Additive,
    /// They are detached; AWS's own and those of other installations stay.
    Exclusive,
}

/// A part of the targets that has a changed policy before the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlStage {
    /// As people call it.
    pub name: Name,
    /// Where the policy is attached meanwhile.
    pub targets: BTreeSet<TargetId>,
    /// For how long it stays so before the next.
    pub bake: Duration,
}

/// One `kind: ServiceControlPolicy`, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredControl {
    /// Whether it should exist.
    pub state: Presence,
    /// What it says.
    pub form: ControlForm,
    /// The name of its policy in AWS; `None` for one made of the owner's and its own.
    pub policy_name: Option<String>,
    /// Names it had before.
    pub former_names: BTreeSet<Name>,
    /// Where it attaches.
    pub targets: BTreeSet<TargetId>,
    /// What the text selects: the measure of consent.
    pub selection: Selection,
    /// What to do with what left the selection by itself.
    pub on_deselect: OnDeselect,
    /// Whether a target resolves to nothing, so that nobody can say what is meant.
    pub is_unresolved: bool,
    /// What becomes of the policies of others on its targets.
    pub attachment: Attachment,
    /// Whether a live policy of its written name without an owner is taken over.
    pub adopt: bool,
    /// Where a changed policy goes first, in order; `None`: to one account.
    pub stages: Option<Vec<ControlStage>>,
    /// Whether nothing moves now.
    pub is_paused: bool,
    /// Hash of everything it says.
    pub spec_hash: String,
}

/// Limits of AWS, which are not the same in every partition (`aws-facts` 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlLimits {
    /// Characters of a document.
    pub size_max: usize,
    /// Policies attached to one target, inherited ones aside.
    pub attachments_max: usize,
}

impl Default for ControlLimits {
    /// What every partition admits.
    fn default() -> Self {
        Self { size_max: 5120, attachments_max: 5 }
    }
}

/// The tag that says which manifest a service control policy belongs to.
pub const CONTROL_TAG: &str = "bedrail:service-control";
/// The tag that numbers the policies of a manifest from the second on.
pub const CONTROL_PART_TAG: &str = "bedrail:part";
/// The tag with the hash of the document that a policy was written with.
pub const CONTROL_DOCUMENT_TAG: &str = "bedrail:document";
/// The tag with what the text selects.
pub const CONTROL_SELECTION_TAG: &str = "bedrail:selection";
/// The tag with the stages a policy has passed.
pub const CONTROL_STAGE_TAG: &str = "bedrail:stage";
/// The tag on a policy that shut somebody out where it was tried.
pub const CONTROL_REJECTED_TAG: &str = "bedrail:rejected";

/// How far a policy has come on its way to all targets: `2` stages passed, or `1@1767600000`, one
/// passed and the second complete since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControlProgress {
    /// Stages passed.
    pub passed: usize,
    /// Since when the next is complete, in seconds since 1970.
    pub complete_since: Option<i64>,
}

impl ControlProgress {
    /// The value of the tag.
    pub fn value(self) -> String {
        match self.complete_since {
            Some(since) => format!("{}@{since}", self.passed),
            None => self.passed.to_string(),
        }
    }

    /// From the value of the tag; anything else is no progress.
    pub fn of_value(value: &str) -> Self {
        let (passed, since) = match value.split_once('@') {
            Some((passed, since)) => (passed, since.parse().ok()),
            None => (value, None),
        };
        let passed = passed.parse().unwrap_or_default();
        Self { passed, complete_since: since }
    }
}

/// What the tags of a service control policy say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlMarks {
    /// Whose it is: an owner id, or whatever else stands in the tag.
    pub owner: Option<String>,
    /// The manifest it belongs to.
    pub manifest: Option<Name>,
    /// Its number among those of the manifest.
    pub part: Option<usize>,
    /// Hash of the document it was written with.
    pub document: Option<String>,
    /// What the text selected.
    pub selection: Option<Selection>,
    /// How far it has come.
    pub progress: ControlProgress,
    /// That it shut us out where it was tried.
    pub rejection: Option<Rejection>,
}

/// A policy shut us out of an account. In a tag: `123456789012/0a1b2c3d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which; `None` where the tag does not tell.
    pub account: Option<AccountId>,
    /// Hash of what the manifest said; `None` where the tag does not tell.
    pub spec: Option<String>,
}

impl Rejection {
    /// Reads the tag; empty, it says that there is none any more.
    fn of_value(value: &str) -> Option<Self> {
        let (account, spec) = match value.split_once('/') {
            Some((account, spec)) => (account, Some(spec.to_owned())),
            None => (value, None),
        };
        (!value.is_empty()).then(|| Self { account: account.parse().ok(), spec })
    }

    /// What the tag says.
    pub fn value(account: &AccountId, spec_hash: &str) -> String {
        format!("{account}/{spec_hash}")
    }
}

impl ControlMarks {
    /// Reads the tags of a policy.
    pub fn of_tags(tags: &BTreeMap<String, String>) -> Self {
        let text = |key: &str| tags.get(key).map(String::as_str);
        Self {
            owner: text(OWNER_TAG).map(str::to_owned),
            manifest: text(CONTROL_TAG).and_then(|it| it.parse().ok()),
            part: text(CONTROL_PART_TAG).and_then(|it| it.parse().ok()),
            document: text(CONTROL_DOCUMENT_TAG).map(str::to_owned),
            selection: text(CONTROL_SELECTION_TAG).and_then(|it| it.parse().ok()),
            progress: text(CONTROL_STAGE_TAG).map(ControlProgress::of_value).unwrap_or_default(),
            rejection: text(CONTROL_REJECTED_TAG).and_then(Rejection::of_value),
        }
    }

    /// Whether it was rejected as the text, by its hash, has it still.
    pub fn is_rejected(&self, spec_hash: &str) -> bool {
        self.rejection
            .as_ref()
            .is_some_and(|it| it.spec.as_deref().is_none_or(|it| it == spec_hash))
    }

    /// Whether the owner tag is ours.
    pub fn is_owned_by(&self, owner: &OwnerId) -> bool {
        self.owner.as_deref() == Some(owner.as_str())
    }
}

/// One service control policy of the organization, as a visit reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedControl {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// Whether it is AWS's own, as `FullAWSAccess` is.
    pub is_aws_managed: bool,
    /// What its tags say.
    pub marks: ControlMarks,
    /// Document and direct targets; read of our own, and of those a manifest names.
    pub body: Option<ControlBody>,
}

/// What stands in a policy and where it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlBody {
    /// Its document, parsed; `Null` when it is not JSON.
    pub content: Value,
    /// What it is attached to directly.
    pub targets: BTreeSet<TargetId>,
}

/// Every service control policy, listed completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedControls {
    /// Status of the policy type.
    pub status: PolicyTypeStatus,
    /// By id.
    pub policies: BTreeMap<PolicyId, ObservedControl>,
}

/// Our own access to an account, with these policies attached above it, and none before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessKey {
    /// The account.
    pub account: AccountId,
    /// The policies that are tried there.
    pub policies: BTreeSet<PolicyId>,
}

/// What a harmless call as our own role has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessOutcome {
    /// It is answered.
    Passed,
    /// It is denied, by whatever policy.
    Denied(String),
    /// No answer, or none that says anything about policies.
    Unknown(String),
}

/// The last such call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFact {
    /// What it has shown.
    pub outcome: AccessOutcome,
    /// When.
    pub at: Duration,
    /// How many in a row did not pass.
    pub failures: u32,
    /// How many of them were denials.
    pub denials: u32,
}

impl AccessFact {
    /// A call at `at`, after what was known `before` of the same key.
    pub fn after(before: Option<&Self>, outcome: AccessOutcome, at: Duration) -> Self {
        let (failures, denials) = before.map_or((0, 0), |it| (it.failures, it.denials));
        let (failures, denials) = match outcome {
            AccessOutcome::Passed => (0, 0),
            AccessOutcome::Denied(_) => (failures + 1, denials + 1),
            AccessOutcome::Unknown(_) => (failures + 1, denials),
        };
        Self { outcome, at, failures, denials }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_is_of_one_text_and_one_of_an_earlier_release_of_any() {
        let marks = |value: &str| {
            let tags = BTreeMap::from([(CONTROL_REJECTED_TAG.to_owned(), value.to_owned())]);
            ControlMarks::of_tags(&tags)
        };
        let account: AccountId = "222233334444".parse().unwrap();
        let written = marks(&Rejection::value(&account, "0a1b"));
        assert_eq!(written.rejection.as_ref().unwrap().account, Some(account));
        assert_eq!((written.is_rejected("0a1b"), written.is_rejected("2c3d")), (true, false));
        assert!(marks("222233334444").is_rejected("2c3d"));
        assert!(!marks("").is_rejected("0a1b"), "taken back, as a tag is emptied");
    }

    #[test]
    fn progress_reads_back_from_its_tag_and_anything_else_is_none() {
        for progress in [
            ControlProgress::default(),
            ControlProgress { passed: 2, complete_since: None },
            ControlProgress { passed: 1, complete_since: Some(1_767_600_000) },
        ] {
            assert_eq!(ControlProgress::of_value(&progress.value()), progress);
        }
        for wrong in ["", "x", "@", "-1", "x@y"] {
            assert_eq!(ControlProgress::of_value(wrong), ControlProgress::default(), "{wrong}");
        }
    }
}
