//! Which guardrail content is in force, as it was read back.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::Material;
use super::content::shown;
use super::coverage::CellEvidence;
use crate::model::{
    GuardrailArn, OWNER_TAG, ObservedGuardrail, ObservedVersion, Presence, Read, Version,
};

/// One version that is in force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionEvidence {
    /// The guardrail.
    pub guardrail: GuardrailArn,
    /// Its version.
    pub version: Version,
    /// When it was published.
    pub published_at: Option<jiff::Timestamp>,
    /// Cells it is in force in.
    pub cells: usize,
}

/// One content that is in force, in however many Regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionEvidence {
    /// What the guardrail is called; `None` where it could not be read.
    pub guardrail: Option<String>,
    /// The hash of the content, the same in every Region; `None` where it was not read.
    pub revision: Option<String>,
    /// Whether the guardrails carry our mark.
    pub is_ours: bool,
    /// Whether a manifest asks for exactly this content now.
    pub is_desired: bool,
    /// Cells it is in force in.
    pub cells: usize,
    /// The versions that hold it.
    pub versions: Vec<VersionEvidence>,
    /// The content, read back; words and patterns only if they are shown.
    pub content: Option<Value>,
    /// Why it was not read.
    pub unread: Option<String>,
}

/// Names and revisions that the manifests ask for.
pub(super) fn desired<'a>(material: &'a Material) -> BTreeSet<(&'a str, &'a str)> {
    let replicas = material.desired.replicas.iter();
    let present = replicas.filter(|(_, it)| it.state == Presence::Present);
    present.map(|(_, it)| (it.name.as_str(), it.revision.as_str())).collect()
}

/// Every content that is in force, the most used first.
pub(super) fn revisions(cells: &[CellEvidence], material: &Material) -> Vec<RevisionEvidence> {
    let mut used: BTreeMap<(&GuardrailArn, Version), BTreeSet<&crate::model::Cell>> =
        BTreeMap::new();
    for cell in cells {
        for mechanism in &cell.mechanisms {
            if let (Some(arn), Some(version)) = (&mechanism.guardrail, mechanism.version) {
                used.entry((arn, version)).or_default().insert(&cell.cell);
            }
        }
    }
    let desired = desired(material);
    let mut revisions: Vec<RevisionEvidence> = Vec::new();
    for ((arn, version), cells) in used {
        let found = find(arn, version, material);
        let mut evidence = one(&found, material);
        evidence.is_desired = match (&evidence.guardrail, &evidence.revision) {
            (Some(name), Some(revision)) => desired.contains(&(name.as_str(), revision.as_str())),
            (Some(_) | None, _) => false,
        };
        evidence.versions.push(VersionEvidence {
            guardrail: arn.clone(),
            version,
            published_at: found.published_at(),
            cells: cells.len(),
        });
        let is_same = |it: &&mut RevisionEvidence| {
            evidence.revision.is_some()
                && (&it.guardrail, &it.revision, it.is_ours)
                    == (&evidence.guardrail, &evidence.revision, evidence.is_ours)
        };
        match revisions.iter_mut().find(is_same) {
            Some(same) => same.versions.append(&mut evidence.versions),
            None => revisions.push(evidence),
        }
    }
    for revision in &mut revisions {
        // No cell is counted twice: a version is one Region's, but one cell may have two levels.
        revision.cells = cells
            .iter()
            .filter(|cell| {
                cell.mechanisms.iter().any(|it| {
                    revision.versions.iter().any(|version| {
                        Some(&version.guardrail) == it.guardrail.as_ref()
                            && Some(version.version) == it.version
                    })
                })
            })
            .count();
    }
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.cells));
    revisions
}

/// The revision of a version that was read back.
pub(super) fn revision_of(
    arn: &GuardrailArn,
    version: Version,
    material: &Material,
) -> Option<String> {
    let found = find(arn, version, material);
    let Some(ObservedVersion { content: Read::Known(content), .. }) = found.version else {
        return None;
    };
    Some(content.revision().to_string())
}

/// What was read of a version.
struct Found<'a> {
    guardrail: Option<&'a (String, ObservedGuardrail)>,
    version: Option<&'a ObservedVersion>,
}

impl Found<'_> {
    fn published_at(&self) -> Option<jiff::Timestamp> {
        let version = self.version?;
        jiff::Timestamp::from_millisecond(version.created_at).ok()
    }
}

fn find<'a>(arn: &GuardrailArn, version: Version, material: &Material<'a>) -> Found<'a> {
    let guardrail = material.guardrails.iter().find(|(_, it)| it.arn == *arn);
    let version = guardrail.and_then(|(_, it)| it.versions.get(&version));
    Found { guardrail, version }
}

fn one(found: &Found, material: &Material) -> RevisionEvidence {
    let owner = found.guardrail.and_then(|(_, it)| it.tags.get(OWNER_TAG));
    let mut evidence = RevisionEvidence {
        guardrail: found.guardrail.map(|(name, _)| name.clone()),
        revision: None,
        is_ours: owner.is_some_and(|owner| owner == material.owner.as_str()),
        is_desired: false,
        cells: 0,
        versions: Vec::new(),
        content: None,
        unread: None,
    };
    match found.version.map(|it| &it.content) {
        Some(Read::Known(content)) => {
            evidence.revision = Some(content.revision().to_string());
            evidence.content = Some(shown(&content.shared, material.shows_words));
        }
        Some(Read::Unknown(why)) => evidence.unread = Some(why.message.clone()),
        Some(Read::KnownAbsent) => evidence.unread = Some("the version is not there".to_owned()),
        None if found.guardrail.is_some() => {
            evidence.unread = Some("the guardrail has no such version".to_owned());
        }
        None => evidence.unread = Some("the guardrail was not found or not read".to_owned()),
    }
    evidence
}
