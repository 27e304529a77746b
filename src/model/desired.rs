//! What the manifests ask for, resolved against the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::canonical::{ReplicaContent, ReplicaRevision, Revision};
use super::cell::{Cell, ProfileKey, ReplicaKey};
use super::controls::DesiredControl;
use super::ground::TargetRollout;
use super::ids::{AccountId, Name, Region, TargetId, UnitId, Version};
use super::logging::DesiredLogging;
use super::manifest_key::ManifestKey;
use super::preflight::Preflight;
use super::rollout::DesiredRollout;
use super::selection::{EnforcementKey, EnforcementKind, Selection};
use super::trial::GuardrailTests;

/// Whether a manifest's objects should exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Presence {
    /// They should.
    #[default]
    Present,
    /// The manifest says `state: Absent`: consent to tear down what nothing references.
    Absent,
}

/// Whom a guardrail's generated resource policy admits (`aws-facts` 2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Share {
    /// Nobody beyond its own account: no statement of ours.
    #[default]
    None,
    /// Every account of the organization.
    Organization,
    /// Every account at or below these units.
    Units(BTreeSet<UnitId>),
}

/// One replica as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DesiredReplica {
    /// Whether it should exist.
    pub state: Presence,
    /// Its name in AWS.
    pub name: Name,
    /// Canonical content with the Region's profile and key.
    #[serde(skip)]
    pub content: ReplicaContent,
    /// Hash of the shared content.
    pub revision: Revision,
    /// Hash of the whole content.
    pub replica_revision: ReplicaRevision,
    /// Whom it is shared with.
    pub share: Share,
    /// The user's tags; ours are added beside them.
    pub tags: BTreeMap<String, String>,
    /// Whether a live guardrail of this name without an owner is taken over.
    pub adopt: bool,
    /// Which of its old versions are kept.
    pub history: History,
    /// What to do with a DRAFT that differs although the content is published.
    pub on_draft: OnDraft,
    /// What it must pass before it is published.
    #[serde(skip)]
    pub tests: Arc<GuardrailTests>,
}

/// What to do with a DRAFT that differs although the content is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum OnDraft {
    /// Put it right.
    #[default]
    Correct,
    /// Leave it, until the content changes and must be published from it.
    Leave,
}

/// What of a guardrail's past is kept, beside what is referenced and the version before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// How many more versions, the newest of them.
    pub limit: usize,
    /// Versions that stay, by AWS's numbers.
    pub versions: BTreeSet<Version>,
    /// Revisions that stay: those that enforcements pin.
    pub revisions: BTreeSet<Revision>,
}

/// A guardrail, and which of its revisions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GuardrailReference {
    /// The name of its manifest.
    pub name: Name,
    /// A pinned revision; `None` for the latest.
    pub revision: Option<Revision>,
}

/// `SELECTIVE` or `COMPREHENSIVE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Guarding {
    /// Everything is checked; what AWS does when the field is absent.
    #[default]
    Comprehensive,
    /// Only tagged content is checked.
    Selective,
}

/// Which parts of a request are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SelectiveContentGuarding {
    /// System prompts.
    pub system: Guarding,
    /// Messages.
    pub messages: Guarding,
}

/// Which models are under enforcement, after resolution of `EMBEDDINGS`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ModelEnforcement {
    /// `ALL` or model ids.
    pub included: BTreeSet<String>,
    /// Model ids; these win.
    pub excluded: BTreeSet<String>,
}

impl Default for ModelEnforcement {
    /// Every model: what AWS does when the field is absent.
    fn default() -> Self {
        Self { included: BTreeSet::from(["ALL".to_owned()]), excluded: BTreeSet::new() }
    }
}

/// What both kinds of enforcement say about inference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EnforcementSettings {
    /// Which models.
    pub models: ModelEnforcement,
    /// Whether the Region's embedding models are excluded too, resolved live.
    pub exclude_embeddings: bool,
    /// Which parts of a request.
    pub guarding: SelectiveContentGuarding,
}

/// One organization enforcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredOrganizationEnforcement {
    /// Whether it should exist.
    pub state: Presence,
    /// Which guardrail; its replicas live in the management account.
    pub guardrail: GuardrailReference,
    /// Regions with a block in the document.
    pub regions: BTreeSet<Region>,
    /// Models and guarding.
    pub settings: EnforcementSettings,
    /// Whether policies nearer the leaf may change it.
    pub allow_override: bool,
    /// The name of its policy in AWS; `None` for one made of the owner's and its own.
    pub policy_name: Option<String>,
    /// Where the policy attaches.
    pub targets: BTreeSet<TargetId>,
    /// Whether a live policy of this name without an owner is taken over.
    pub adopt: bool,
    /// What is proven before it is attached or moves to another version.
    pub preflight: Preflight,
}

/// What to do with a foreign configuration in a slot a manifest claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum OnForeign {
    /// Take the slot.
    #[default]
    Replace,
    /// Leave it, and say so.
    Hold,
}

/// One cell's account enforcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredCell {
    /// Whether it should exist.
    pub state: Presence,
    /// The manifest that claims the cell.
    pub enforcement: Name,
    /// Which revision.
    pub revision: Option<Revision>,
    /// The replica it references: the one in its own account where placed there, else the shared
    /// one of the management account.
    pub replica: ReplicaKey,
    /// Models and guarding.
    pub settings: EnforcementSettings,
    /// What to do with somebody else's configuration.
    pub on_foreign: OnForeign,
    /// What is proven before it references another version.
    pub preflight: Preflight,
}

/// What to do with what left a selection although the text is unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum OnDeselect {
    /// Report it and leave it alone.
    #[default]
    Keep,
    /// Remove it.
    Release,
}

/// What the text of one enforcement says, whatever it resolves to: the measure of consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredEnforcement {
    /// Whether it should exist.
    pub state: Presence,
    /// The name of its guardrail.
    pub guardrail: Name,
    /// What the text selects.
    pub selection: Selection,
    /// Names it had before.
    pub former_names: BTreeSet<Name>,
    /// What to do with what left its selection by itself.
    pub on_deselect: OnDeselect,
    /// Whether a part of its selection resolves to nothing, so that nobody can say what it means.
    pub is_unresolved: bool,
    /// Hash of everything it says.
    pub spec_hash: String,
}

/// A person's consent to one plan that the change guard holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Approval {
    /// The name of the plan: `p-3f9c2a41d0b7002a`.
    pub plan: String,
    /// Until when, in seconds since 1970.
    pub expires: i64,
}

/// A part of the manifests that cannot be carried out in this fleet, with what to do about it.
/// What it would have governed is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refusal {
    /// `OrganizationEnforcement/baseline-everywhere`.
    pub manifest: String,
    /// The field, and the place in its file: `spec.targets[1]`.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.manifest, self.field, self.message)
    }
}

/// Everything desired, by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Desired {
    /// Number of the manifest set; grows with each accepted load.
    pub generation: u64,
    /// Guardrails.
    pub replicas: BTreeMap<ReplicaKey, DesiredReplica>,
    /// Whom each guardrail profile must admit: the union of what its guardrails are shared with.
    pub profiles: BTreeMap<ProfileKey, Share>,
    /// Organization enforcements.
    pub organization: BTreeMap<Name, DesiredOrganizationEnforcement>,
    /// Account enforcements, per cell.
    pub cells: BTreeMap<Cell, Arc<DesiredCell>>,
    /// Cells that some account enforcement selects and cannot have: they stay as they are.
    pub kept: BTreeSet<Cell>,
    /// Invocation logging, per cell.
    pub logging: BTreeMap<Cell, DesiredLogging>,
    /// Hash of everything that the text of each invocation logging says.
    #[serde(skip)]
    pub logging_specs: BTreeMap<Name, String>,
    /// Rollouts of account enforcements.
    pub rollouts: BTreeMap<Name, DesiredRollout<Cell>>,
    /// Rollouts of organization enforcements: Region by Region.
    pub organization_rollouts: BTreeMap<Name, DesiredRollout<Region>>,
    /// Service control policies.
    pub controls: BTreeMap<Name, DesiredControl>,
    /// Rollouts of organization enforcements with waves of targets.
    pub target_rollouts: BTreeMap<Name, TargetRollout>,
    /// What the text of every enforcement says.
    #[serde(skip)]
    pub enforcements: BTreeMap<EnforcementKey, DesiredEnforcement>,
    /// Consent to what the change guard holds.
    pub approvals: BTreeSet<Approval>,
    /// Cells in a selection that cannot be worked in, with the account's state.
    pub unreachable: BTreeMap<AccountId, String>,
    /// What this fleet does not admit.
    pub refusals: BTreeSet<Refusal>,
}

impl Desired {
    /// Whether anything is said of guardrails or of what enforces them. Else nothing depends on what
    /// the organization's Bedrock policies say, and where they cannot be read nothing waits.
    pub fn is_about_guardrails(&self) -> bool {
        !self.replicas.is_empty() || !self.organization.is_empty() || !self.enforcements.is_empty()
    }

    /// The hash of everything that each manifest says whose text can consent to a loss.
    pub fn spec_hashes(&self) -> BTreeMap<ManifestKey, &str> {
        let kind = EnforcementKind::ServiceControl;
        let controls = self.controls.iter().map(|(name, it)| {
            let key = EnforcementKey { kind, name: name.clone() };
            (key.into(), it.spec_hash.as_str())
        });
        let logging = self.logging_specs.iter();
        let logging = logging
            .map(|(name, hash)| (ManifestKey::InvocationLogging(name.clone()), hash.as_str()));
        let enforcements = self.enforcements.iter();
        let enforcements =
            enforcements.map(|(key, it)| (key.clone().into(), it.spec_hash.as_str()));
        enforcements.chain(controls).chain(logging).collect()
    }
}
