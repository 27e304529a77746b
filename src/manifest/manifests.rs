//! Manifests that passed every check that needs no AWS: typed, and the same for every fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::control::ServiceControlPolicy;
use crate::model::{
    AccountId, Approval, Content, EnforcementSettings, Gate, GuardrailReference, GuardrailTests,
    Logging, Name, OnDeselect, OnDraft, OnFailure, OnForeign, Preflight, Presence, ProfileId,
    Region, Template, UnitId, Version,
};

/// All manifests of one load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// `kind: Guardrail`.
    pub guardrails: BTreeMap<Name, Guardrail>,
    /// `kind: OrganizationEnforcement`. Their guardrails are in `guardrails`.
    pub organization_enforcements: BTreeMap<Name, OrganizationEnforcement>,
    /// `kind: AccountEnforcement`. Their guardrails are in `guardrails`.
    pub account_enforcements: BTreeMap<Name, AccountEnforcement>,
    /// `kind: InvocationLogging`.
    pub invocation_logging: BTreeMap<Name, InvocationLogging>,
    /// `kind: ServiceControlPolicy`. Guardrails that they require are in `guardrails`.
    pub service_controls: BTreeMap<Name, ServiceControlPolicy>,
    /// `kind: Approval`.
    pub approvals: BTreeMap<Name, Approval>,
}

impl Manifests {
    /// `2 guardrails, 1 organization enforcement, 1 account enforcement`.
    pub fn describe(&self) -> String {
        let count = |count: usize, noun: &str| {
            format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
        };
        let logging = count(self.invocation_logging.len(), "invocation logging");
        let logging = (!self.invocation_logging.is_empty()).then_some(logging);
        let mut counts = vec![
            count(self.guardrails.len(), "guardrail"),
            count(self.organization_enforcements.len(), "organization enforcement"),
            count(self.account_enforcements.len(), "account enforcement"),
        ];
        counts.extend(logging);
        let controls = self.service_controls.len();
        let policies = if controls == 1 { "policy" } else { "policies" };
        counts.extend((controls > 0).then(|| format!("{controls} service control {policies}")));
        counts.join(", ")
    }
}

/// Where a manifest was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Its file.
    pub path: PathBuf,
    /// The line of its name.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

/// One guardrail.
#[derive(Clone, Debug, PartialEq)]
pub struct Guardrail {
    /// Its name here.
    pub name: Name,
    /// Its name in AWS: the same, unless written.
    pub aws_name: Name,
    /// Names whose objects it takes over.
    pub former_names: BTreeSet<Name>,
    /// Where it was read.
    pub origin: Origin,
    /// Regions with a replica.
    pub regions: BTreeSet<Region>,
    /// Accounts with a replica.
    pub placement: Placement,
    /// As written.
    pub content: Content,
    /// `content.kmsKeyId`.
    pub kms_key: Option<KmsKey>,
    /// `content.crossRegionConfig`.
    pub profile: Option<ProfileId>,
    /// What single Regions have of their own; these win.
    pub region_overrides: BTreeMap<Region, RegionOverride>,
    /// Whether a Region without a profile gets that of its geography.
    pub cross_region: CrossRegion,
    /// Whom it is shared with.
    pub share_with: ShareWith,
    /// The user's tags.
    pub tags: BTreeMap<String, String>,
    /// Versions kept for rollback beyond the referenced ones; at least 1.
    pub revision_history_limit: u32,
    /// Versions that are never collected.
    pub keep_versions: BTreeSet<Version>,
    /// What to do with a DRAFT that differs although the content is published.
    pub on_draft: OnDraft,
    /// Whether it should exist.
    pub state: Presence,
    /// Whether a live guardrail of this name without an owner is taken over.
    pub adopt: bool,
    /// What it must pass before it is published.
    pub tests: Arc<GuardrailTests>,
}

/// Accounts that have a replica of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// The management account alone.
    #[default]
    Management,
    /// Every account these select.
    Selected(Vec<Selector>),
}

/// A customer key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmsKey {
    /// A whole key ARN.
    Arn(String),
    /// An id, in the account and Region of the replica.
    Id(String),
}

/// What one Region has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionOverride {
    /// Its key.
    pub kms_key: Option<KmsKey>,
    /// Its guardrail profile.
    pub profile: Option<ProfileId>,
}

/// `crossRegion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrossRegion {
    /// Profiles are written out or not used.
    #[default]
    None,
    /// Each Region uses the profile of its geography, where there is one.
    Auto,
}

/// `shareWith`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ShareWith {
    /// Nobody beyond its own account.
    #[default]
    None,
    /// Every account of the organization.
    Organization,
    /// Every account at or below these units.
    Units(Vec<UnitSelector>),
}

/// A unit as people or AWS call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitSelector {
    /// `/Workloads/Prod`.
    Path(String),
    /// `ou-ab12-cd34ef56`.
    Id(UnitId),
}

impl fmt::Display for UnitSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// One entry of `targets` or `accounts`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// Everything.
    Organization,
    /// A unit and everything below it, live.
    Unit(UnitSelector),
    /// One account.
    Account(AccountId),
    /// Every account that carries all these tags.
    AccountsWithTags(BTreeMap<String, String>),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization: true"),
            Self::Unit(unit) => write!(f, "organizationalUnit: {unit}"),
            Self::Account(id) => write!(f, "account: \"{id}\""),
            Self::AccountsWithTags(tags) => {
                let tags: Vec<_> = tags.iter().map(|(key, it)| format!("{key}: {it}")).collect();
                write!(f, "accountsWithTags: {{{}}}", tags.join(", "))
            }
        }
    }
}

/// What both kinds of enforcement say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Its name.
    pub name: Name,
    /// Names whose objects it takes over.
    pub former_names: BTreeSet<Name>,
    /// Where it was read.
    pub origin: Origin,
    /// Which guardrail.
    pub guardrail: GuardrailReference,
    /// Its Regions: as written, else those of the guardrail.
    pub regions: BTreeSet<Region>,
    /// Models and guarding.
    pub settings: EnforcementSettings,
    /// Where it applies, in the order of the text.
    pub targets: Vec<Selector>,
    /// What to do with what left the selection by itself.
    pub on_deselect: OnDeselect,
    /// Whether it should exist.
    pub state: Presence,
    /// What is proven before a reference is written.
    pub preflight: Preflight,
    /// How a new revision moves; `None`: everywhere at once.
    pub rollout: Option<Rollout>,
}

/// How a new revision moves through an enforcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// In order; the last one selects all.
    pub waves: Vec<Wave>,
    /// What a wave must pass.
    pub gate: Gate,
    /// What happens when it does not.
    pub on_failure: OnFailure,
    /// Whether nothing moves now.
    pub is_paused: bool,
}

/// A part of an enforcement that moves together. A place belongs to the first wave that selects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// Its name.
    pub name: Name,
    /// Which accounts; empty for all.
    pub targets: Vec<Selector>,
    /// Which Regions; empty for all.
    pub regions: BTreeSet<Region>,
    /// How long it stays complete before it is passed.
    pub bake: Duration,
}

/// One organization enforcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationEnforcement {
    /// What both kinds say.
    pub enforcement: Enforcement,
    /// Whether policies nearer the leaf may change it.
    pub allow_override: bool,
    /// The name of its policy in AWS; `None` for one made of the owner's and its own.
    pub policy_name: Option<String>,
    /// Whether a live policy of this name without an owner is taken over.
    pub adopt: bool,
}

/// One account enforcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEnforcement {
    /// What both kinds say.
    pub enforcement: Enforcement,
    /// What to do with somebody else's configuration.
    pub on_foreign: OnForeign,
}

/// Invocation logging of a selection of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationLogging {
    /// Its name.
    pub name: Name,
    /// Where it was read.
    pub origin: Origin,
    /// What is put into each cell, with placeholders.
    pub config: Logging<Template>,
    /// Its Regions.
    pub regions: BTreeSet<Region>,
    /// Where it applies, in the order of the text.
    pub targets: Vec<Selector>,
    /// What to do with somebody else's configuration.
    pub on_foreign: OnForeign,
    /// Whether it should exist.
    pub state: Presence,
}
