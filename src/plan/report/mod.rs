//! Makes the evidence of one moment: what is enforced where, what is not, and how that is known.
//!
//! ```text
//!   what was read ──┐
//!   claims, judged ─┼─> build ─> Report ─> JSON, CSV, HTML
//!   journal, map ───┘   pure
//! ```
//!
//! # Invariants
//!
//! - **Observed or said.** Nothing counts as enforced but by what was read for this report; what
//!   was not read is said to be so, and never counts as good.
//! - **Holes are rows.** What nobody protects stands beside what is broken, with the same weight.
//! - **No words by default.** A guardrail's words and patterns are counted and hashed, unless the
//!   reader was asked for and given the whole.

mod access;
mod content;
mod controls;
mod coverage;
mod csv;
mod exceptions;
mod history;
mod html;
mod revisions;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

pub use access::{
    AccessEvidence, AccessReadings, ControlExemptions, Exemption, Foreign, ForeignObject,
    MemberRole,
};
pub use controls::{Basis, ControlEvidence, Standing};
pub use coverage::{CellEvidence, ClaimEvidence, Coverage, Level, Mechanism, State, referenced};
pub use csv::{access_to_csv, to_csv};
pub use exceptions::{Exception, ExceptionKind};
pub use history::{DriftEvent, History, Integrity};
pub use html::to_html;
pub use revisions::{RevisionEvidence, VersionEvidence};

use super::verify::{Claim, Finding};
use crate::model::{
    AccountId, Cell, Desired, Fleet, MappedControl, Name, ObservedCell, ObservedControls,
    ObservedGuardrail, ObservedOrganization, OwnerId, Read, Region,
};

/// Everything a report is made of.
#[derive(Clone, Debug)]
pub struct Material<'a> {
    /// Who made it, when, and how.
    pub observation: Observation,
    /// Whose objects are ours.
    pub owner: &'a OwnerId,
    /// The organization.
    pub fleet: &'a Fleet,
    /// Regions that were looked at.
    pub regions: &'a BTreeSet<Region>,
    /// The slot of each ACTIVE account in each of them.
    pub slots: &'a BTreeMap<Cell, ObservedCell>,
    /// The effective Bedrock policy of each ACTIVE account.
    pub effective: &'a BTreeMap<AccountId, Read<Value>>,
    /// The Bedrock policies.
    pub organization: &'a Read<ObservedOrganization>,
    /// Every claim of the manifests, judged.
    pub findings: &'a [(Claim, Finding)],
    /// The guardrails that are referenced, by name; others may be among them.
    pub guardrails: &'a [(String, ObservedGuardrail)],
    /// What the manifests ask for.
    pub desired: &'a Desired,
    /// Where everything stands that the manifests ask for.
    pub keys: Vec<KeyEvidence>,
    /// What must be known to read the rest: `Contested: …`.
    pub notices: Vec<String>,
    /// What is ours and nobody asks for.
    pub orphans: Vec<String>,
    /// The service control policies; `None` when nothing needs them.
    pub controls: Option<&'a Read<ObservedControls>>,
    /// Service control policies of manifests that are not yet as they say.
    pub controls_pending: BTreeSet<Name>,
    /// What the journal says.
    pub history: History,
    /// The user's controls.
    pub mapped: &'a [MappedControl],
    /// What is asked about access, if it is.
    pub access: Option<AccessReadings>,
    /// Whether words and patterns are shown.
    pub shows_words: bool,
    /// What could not be read, by what it is about.
    pub unread: BTreeMap<String, String>,
}

/// Where one key stands, as a status shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyEvidence {
    /// `cell 111122223333 us-east-1`.
    pub key: String,
    /// `Cell`, `Logging`, …
    pub kind: String,
    /// Where, if it is in one account and Region.
    pub place: Option<Cell>,
    /// The manifest that claims it.
    pub manifest: Option<String>,
    /// `InSync`, `Held`, …
    pub phase: String,
    /// Why it is not in sync.
    pub reason: Option<String>,
    /// The same in a sentence.
    pub message: Option<String>,
    /// Everything that waits: reason and message.
    pub waits: Vec<(String, String)>,
}

impl KeyEvidence {
    /// Whether everything it asks for is in force.
    fn is_in_sync(&self) -> bool {
        self.phase == "InSync"
    }
}

/// Who looked, when, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// When the first read began.
    pub began: Timestamp,
    /// When the last had ended.
    pub ended: Timestamp,
    /// Of the controller.
    pub version: String,
    /// Which manifest set is in force, in this process.
    pub generation: u64,
    /// SHA-256 of the manifests.
    pub manifests: String,
    /// What the set holds.
    pub summary: String,
    /// As whom.
    pub caller: String,
    /// How it is known that something is enforced.
    pub how: String,
}

/// The evidence of one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `bedrail.dev/v1alpha1`.
    pub api_version: &'static str,
    /// `Report`.
    pub kind: &'static str,
    /// Who looked, when, and with what.
    pub observation: Observation,
    /// The organization's id.
    pub organization: String,
    /// Its management account.
    pub management_account: String,
    /// Whose objects are ours.
    pub owner: String,
    /// Numbers over the cells.
    pub coverage: Coverage,
    /// Every ACTIVE account × Region looked at.
    pub cells: Vec<CellEvidence>,
    /// Every guardrail revision in force.
    pub guardrails: Vec<RevisionEvidence>,
    /// Whether words and patterns are shown in them.
    pub shows_words: bool,
    /// What is not as a reader would expect, and why.
    pub exceptions: Vec<Exception>,
    /// What was put right, as the journal says.
    pub history: History,
    /// The user's controls; empty when none were given.
    pub controls: Vec<ControlEvidence>,
    /// Who is exempt, who may act, what is foreign; when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessEvidence>,
    /// What could not be read: nothing above rests on it.
    pub unread: Vec<Unobserved>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unobserved {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Makes the report. Equal material gives an equal report.
pub fn build(material: &Material) -> Report {
    let cells = coverage::cells(material);
    let coverage = Coverage::of(&cells, material);
    let guardrails = revisions::revisions(&cells, material);
    let exceptions = exceptions::exceptions(material);
    let judged = controls::Judged {
        cells: &cells,
        guardrails: &guardrails,
        exceptions: &exceptions,
        material,
    };
    let controls = material.mapped.iter().map(|control| judged.judge(control)).collect();
    let access = material.access.as_ref().map(|readings| access::evidence(readings, material));
    Report {
        api_version: "bedrail.dev/v1alpha1",
        kind: "Report",
        observation: material.observation.clone(),
        organization: material.fleet.organization.to_string(),
        management_account: material.fleet.management.to_string(),
        owner: material.owner.to_string(),
        coverage,
        cells,
        guardrails,
        shows_words: material.shows_words,
        exceptions,
        history: material.history.clone(),
        controls,
        access,
        unread: unread(material),
    }
}

fn unread(material: &Material) -> Vec<Unobserved> {
    let given = material.unread.iter();
    let mut unread: Vec<Unobserved> =
        given.map(|(what, why)| Unobserved { what: what.clone(), why: why.clone() }).collect();
    let mut add = |what: &str, why: String| {
        unread.push(Unobserved { what: what.to_owned(), why });
    };
    match material.organization {
        Read::Unknown(why) => add("the Bedrock policies", why.message.clone()),
        Read::Known(organization) => {
            if let Read::Unknown(why) = &organization.policies {
                add("the Bedrock policies", why.message.clone());
            }
            if let Read::Unknown(why) = &organization.invalid {
                add("the list of invalid effective policies", why.message.clone());
            }
        }
        Read::KnownAbsent => {}
    }
    if let Some(Read::Unknown(why)) = material.controls {
        add("the service control policies", why.message.clone());
    }
    unread
}
