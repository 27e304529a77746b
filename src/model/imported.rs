//! What an import found in a live organization, in the words of manifests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::canonical::Revision;
use super::content::Content;
use super::desired::{EnforcementSettings, OnDraft};
use super::ids::{AccountId, Name, ProfileId, Region};
use super::logging::Logging;
use super::template::Template;

/// Everything that manifests can say of what is live, and the rest by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// Guardrails; Regions with equal content are one.
    pub guardrails: Vec<ImportedGuardrail>,
    /// Organization policies.
    pub organization: Vec<ImportedPolicy>,
    /// Enforced configurations; equal cells are one.
    pub accounts: Vec<ImportedEnforcement>,
    /// Invocation logging; cells that are equal but for where they are, are one.
    pub logging: Vec<ImportedLogging>,
    /// Service control policies.
    pub controls: Vec<ImportedControl>,
    /// What no manifest describes now, and why.
    pub left: Vec<Left>,
}

/// One guardrail.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedGuardrail {
    /// The name of its manifest.
    pub name: Name,
    /// Its name in AWS.
    pub aws_name: Name,
    /// Regions with a replica in each of its accounts.
    pub regions: BTreeSet<Region>,
    /// Its accounts; none means the management account.
    pub accounts: Vec<ImportedTarget>,
    /// Canonical content: of the version that is referenced, else of the newest.
    pub content: Content,
    /// Description of DRAFT.
    pub description: Option<String>,
    /// Guardrail profiles.
    pub profiles: BTreeMap<Region, ProfileId>,
    /// ARNs of customer keys.
    pub keys: BTreeMap<Region, String>,
    /// Whom the live resource policies admit.
    pub share: ImportedShare,
    /// What to do with DRAFT.
    pub on_draft: OnDraft,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// `shareWith`, with units as people call them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportedShare {
    /// Nobody.
    None,
    /// The organization.
    Organization,
    /// Paths or ids of units.
    Units(Vec<String>),
}

/// What both kinds of enforcement say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedEnforcement {
    /// The name of its manifest.
    pub name: Name,
    /// The manifest of its guardrail.
    pub guardrail: Name,
    /// The revision it references, where that is not the guardrail's.
    pub revision: Option<Revision>,
    /// Its Regions.
    pub regions: BTreeSet<Region>,
    /// Models and guarding.
    pub settings: EnforcementSettings,
    /// Where it applies.
    pub targets: Vec<ImportedTarget>,
}

/// One organization policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPolicy {
    /// What both kinds say.
    pub enforcement: ImportedEnforcement,
    /// Its name in AWS.
    pub policy_name: String,
    /// Whether policies nearer the leaf may change it.
    pub allow_override: bool,
}

/// Invocation logging of some accounts in the same Regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLogging {
    /// The name of its manifest.
    pub name: Name,
    /// The configuration, with placeholders.
    pub config: Logging<Template>,
    /// Its Regions.
    pub regions: BTreeSet<Region>,
    /// Its accounts.
    pub targets: Vec<ImportedTarget>,
}

/// One service control policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedControl {
    /// The name of its manifest.
    pub name: Name,
    /// Its name in AWS; `None` for one that its tags and its manifest's name say.
    pub policy_name: Option<String>,
    /// Its document, as it is.
    pub document: Value,
    /// Where it is attached.
    pub targets: Vec<ImportedTarget>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportedTarget {
    /// The root.
    Organization,
    /// A unit: its path, or its id and its path.
    Unit {
        /// What the manifest says.
        text: String,
        /// What people call it, where that is something else.
        comment: Option<String>,
    },
    /// An account, and its name.
    Account {
        /// Its id.
        id: AccountId,
        /// What people call it.
        name: String,
    },
}

/// Something live that no manifest describes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What, by name or ARN, and where.
    pub object: String,
    /// Why.
    pub why: String,
}
