//! Judges the controls of a user's framework by the evidence.

use std::collections::BTreeSet;

use serde::Serialize;

use super::coverage::{CellEvidence, State};
use super::exceptions::{Exception, ExceptionKind};
use super::history::Integrity;
use super::revisions::RevisionEvidence;
use super::{KeyEvidence, Material};
use crate::model::{
    Cell, DesiredControl, MappedControl, Name, Presence, Read, Statement, TargetId,
};
use crate::plan::hold::listed;
use crate::plan::verify::Verdict;

/// Whether something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Standing {
    /// It was seen to be so.
    Met,
    /// It could not be seen, or nothing speaks of it.
    NotObserved,
    /// It was seen not to be so.
    NotMet,
}

impl Standing {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotObserved => "not observed",
            Self::NotMet => "not met",
        }
    }
}

/// One thing a control rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Basis {
    /// A statement, or a manifest.
    pub of: String,
    /// Whether it holds.
    pub standing: Standing,
    /// What was seen.
    pub why: String,
}

/// One control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlEvidence {
    /// Its id in the user's framework.
    pub id: String,
    /// What it asks for.
    pub title: String,
    /// The worst of what it rests on.
    pub standing: Standing,
    /// What it rests on.
    pub basis: Vec<Basis>,
    /// Which accounts and Regions alone count; empty: all.
    pub scope: Vec<String>,
}

/// The evidence that controls are judged by.
pub(super) struct Judged<'a> {
    pub(super) cells: &'a [CellEvidence],
    pub(super) guardrails: &'a [RevisionEvidence],
    pub(super) exceptions: &'a [Exception],
    pub(super) material: &'a Material<'a>,
}

type Found = (Standing, String);

fn met(why: impl Into<String>) -> Found {
    (Standing::Met, why.into())
}

fn not_met(why: impl Into<String>) -> Found {
    (Standing::NotMet, why.into())
}

fn not_observed(why: impl Into<String>) -> Found {
    (Standing::NotObserved, why.into())
}

impl Judged<'_> {
    /// Judges one control by everything it rests on.
    pub(super) fn judge(&self, control: &MappedControl) -> ControlEvidence {
        let statements = control.covers.iter().map(|statement| {
            let (standing, why) = self.statement(*statement, control);
            Basis { of: statement.to_string(), standing, why }
        });
        let manifests = control.manifests.iter().map(|manifest| {
            let (standing, why) = self.manifest(manifest, control);
            Basis { of: manifest.clone(), standing, why }
        });
        let basis: Vec<Basis> = statements.chain(manifests).collect();
        let worst = basis.iter().map(|it| it.standing).max();
        let accounts = control.accounts.iter().map(ToString::to_string);
        ControlEvidence {
            id: control.id.clone(),
            title: control.title.clone(),
            standing: worst.unwrap_or(Standing::NotObserved),
            basis,
            scope: accounts.chain(control.regions.iter().map(ToString::to_string)).collect(),
        }
    }

    fn statement(&self, statement: Statement, control: &MappedControl) -> Found {
        match statement {
            Statement::Enforcement => self.enforcement(control),
            Statement::Declared => self.declared(control),
            Statement::Content => self.content(control),
            Statement::Logging => self.logging(control),
            Statement::ServiceControlPolicies => self.service_controls(),
            Statement::Drift => self.drift(),
            Statement::Journal => self.journal(),
            Statement::NoExceptions => self.no_exceptions(),
        }
    }

    /// Cells of the control's scope that count: those in Regions that are enabled.
    fn cells<'a>(&'a self, control: &'a MappedControl) -> impl Iterator<Item = &'a CellEvidence> {
        let enabled = self.cells.iter().filter(|it| it.state != State::NotEnabled);
        enabled.filter(|it| is_in_scope(&it.cell, control))
    }

    fn enforcement(&self, control: &MappedControl) -> Found {
        let of = |state| -> Vec<&Cell> {
            self.cells(control).filter(|it| it.state == state).map(|it| &it.cell).collect()
        };
        let (broken, uncovered) = (of(State::Broken), of(State::Uncovered));
        let (unknown, others) = (of(State::Unknown), of(State::EnforcedByOthers));
        let all = self.cells(control).count();
        if all == 0 {
            return not_observed("no enabled account × Region is in its scope");
        }
        if !broken.is_empty() || !uncovered.is_empty() {
            return not_met(format!(
                "of {all} cells {} are not as claimed and {} are uncovered: {}",
                broken.len(),
                uncovered.len(),
                listed(broken.into_iter().chain(uncovered))
            ));
        }
        if !unknown.is_empty() {
            let names = listed(&unknown);
            return not_observed(format!("{} of {all} cells are unknown: {names}", unknown.len()));
        }
        if !others.is_empty() {
            return not_observed(format!(
                "{} of {all} cells have something in force that no manifest claims, and what that \
                 does was not judged: {}",
                others.len(),
                listed(&others)
            ));
        }
        met(format!("a guardrail of the manifests is enforced in all of {all} cells"))
    }

    fn declared(&self, control: &MappedControl) -> Found {
        let findings = self.material.findings.iter();
        let findings: Vec<_> =
            findings.filter(|(claim, _)| is_in_scope(&claim.cell, control)).collect();
        let of = |verdict| -> Vec<&Cell> {
            let found = findings.iter().filter(|(_, finding)| finding.verdict == verdict);
            found.map(|(claim, _)| &claim.cell).collect()
        };
        let (failed, unknown) = (of(Verdict::Failed), of(Verdict::Unknown));
        let refusals = self.material.desired.refusals.len();
        if findings.is_empty() {
            return not_observed("the manifests claim nothing in its scope");
        }
        if refusals > 0 {
            return not_met(format!("{refusals} parts of the manifests cannot be carried out"));
        }
        if !failed.is_empty() {
            return not_met(format!("{} claims failed: {}", failed.len(), listed(failed)));
        }
        if !unknown.is_empty() {
            let count = unknown.len();
            return not_observed(format!("{count} claims are unknown: {}", listed(unknown)));
        }
        met(format!("all of {} claims are proven", findings.len()))
    }

    fn content(&self, control: &MappedControl) -> Found {
        let cells: BTreeSet<_> = self
            .cells(control)
            .flat_map(|cell| &cell.mechanisms)
            .filter_map(|it| Some((it.guardrail.as_ref()?, it.version?)))
            .collect();
        let used = self.guardrails.iter().filter(|revision| {
            revision.versions.iter().any(|it| cells.contains(&(&it.guardrail, it.version)))
        });
        let used: Vec<&RevisionEvidence> = used.collect();
        let named = |it: &&RevisionEvidence| {
            let revision = it.revision.as_deref().and_then(|it| it.get(..8)).unwrap_or("?");
            format!("{}@{revision}", it.guardrail.as_deref().unwrap_or("?"))
        };
        let others: Vec<String> =
            used.iter().filter(|it| it.revision.is_some() && !it.is_desired).map(named).collect();
        let unread = used.iter().filter(|it| it.revision.is_none()).count();
        if used.is_empty() {
            return not_observed("no guardrail is in force in its scope");
        }
        if !others.is_empty() {
            let others = listed(others);
            return not_met(format!("in force beside what the manifests say: {others}"));
        }
        if unread > 0 {
            return not_observed(format!("the content of {unread} guardrails was not read"));
        }
        let all = listed(used.iter().map(named));
        met(format!("everything in force reads back as the manifests say: {all}"))
    }

    fn logging(&self, control: &MappedControl) -> Found {
        let of_logging = |cell: &Cell| {
            let mut keys = self.material.keys.iter();
            keys.find(|key| key.kind == "Logging" && key.place.as_ref() == Some(cell))
        };
        let desired = &self.material.desired.logging;
        let is_claimed =
            |cell: &Cell| desired.get(cell).is_some_and(|it| it.state == Presence::Present);
        let cells: Vec<&Cell> = self.cells(control).map(|it| &it.cell).collect();
        let (claimed, silent): (Vec<&Cell>, Vec<&Cell>) =
            cells.into_iter().partition(|cell| is_claimed(cell));
        let wrong: Vec<&Cell> = claimed
            .iter()
            .filter(|cell| !of_logging(cell).is_some_and(KeyEvidence::is_in_sync))
            .copied()
            .collect();
        if claimed.is_empty() {
            return not_observed("no InvocationLogging of the manifests speaks of its scope");
        }
        if !wrong.is_empty() {
            let names = listed(&wrong);
            return not_met(format!("{} cells do not log as they should: {names}", wrong.len()));
        }
        if !silent.is_empty() {
            return not_observed(format!(
                "no InvocationLogging speaks of {} cells, which were not asked: {}",
                silent.len(),
                listed(&silent)
            ));
        }
        met(format!("all of {} cells log as the manifests say", claimed.len()))
    }

    fn service_controls(&self) -> Found {
        let wanted = self.material.desired.controls.iter();
        let wanted: Vec<_> = wanted.filter(|(_, it)| it.state == Presence::Present).collect();
        if wanted.is_empty() {
            return not_observed("the manifests have no ServiceControlPolicy");
        }
        let found: Vec<_> =
            wanted.iter().map(|(name, desired)| self.service_control(name, desired)).collect();
        let why: Vec<&str> = found.iter().map(|(_, why)| why.as_str()).collect();
        let worst = found.iter().map(|(standing, _)| *standing).max();
        (worst.unwrap_or(Standing::NotObserved), why.join("; "))
    }

    fn service_control(&self, name: &Name, desired: &DesiredControl) -> Found {
        let live = match self.material.controls {
            Some(Read::Known(live)) => live,
            Some(Read::KnownAbsent) => {
                return not_met(format!(
                    "{name}: the organization has no service control policies"
                ));
            }
            Some(Read::Unknown(why)) => {
                return not_observed(format!("{name}: they could not be read: {}", why.message));
            }
            None => return not_observed(format!("{name}: they were not read")),
        };
        let ours = live.policies.values().filter(|it| {
            it.marks.is_owned_by(self.material.owner) && it.marks.manifest.as_ref() == Some(name)
        });
        let attached: BTreeSet<&TargetId> =
            ours.filter_map(|it| it.body.as_ref()).flat_map(|body| &body.targets).collect();
        let missing = desired.targets.iter().filter(|target| !attached.contains(target));
        let missing: Vec<String> =
            missing.map(|target| self.material.fleet.describe(target)).collect();
        if !missing.is_empty() {
            return not_met(format!("{name} is not attached to {}", listed(missing)));
        }
        if self.material.controls_pending.contains(name) {
            return not_met(format!("{name} is attached, and does not say what its manifest says"));
        }
        met(format!("{name} is attached to every target ({}), as written", desired.targets.len()))
    }

    fn drift(&self) -> Found {
        let history = &self.material.history;
        match &history.integrity {
            Integrity::NotGiven => not_observed("no journal was given"),
            Integrity::Broken { at } => not_met(format!("the journal is broken: {at}")),
            Integrity::Unbroken { .. } => {
                let open: Vec<String> = history
                    .drift
                    .iter()
                    .filter(|it| !it.is_corrected)
                    .map(|it| format!("#{} {} ({})", it.sequence, it.object, it.ending))
                    .collect();
                if open.is_empty() {
                    met(format!(
                        "every drift was put right ({} in the journal)",
                        history.drift.len()
                    ))
                } else {
                    not_met(format!("{} corrections did not succeed: {}", open.len(), listed(open)))
                }
            }
        }
    }

    fn journal(&self) -> Found {
        let history = &self.material.history;
        match &history.integrity {
            Integrity::NotGiven => not_observed("no journal was given"),
            Integrity::Broken { at } => not_met(at.clone()),
            Integrity::Unbroken { .. } if !history.gaps.is_empty() => {
                not_met(format!("records are missing: {}", listed(&history.gaps)))
            }
            Integrity::Unbroken { records, newest_hash, .. } => {
                met(format!("{records} records, each follows the one before; newest {newest_hash}"))
            }
        }
    }

    fn no_exceptions(&self) -> Found {
        // What AWS itself does not work in is no exception that anybody made.
        let made = self.exceptions.iter().filter(|it| it.kind != ExceptionKind::NotActive);
        let made: Vec<String> =
            made.map(|it| format!("{} {}", it.kind.as_str(), it.subject)).collect();
        if made.is_empty() {
            met("nothing is held, refused, contested, limited, excluded or orphaned")
        } else {
            not_met(format!("{} exceptions: {}", made.len(), listed(made)))
        }
    }

    /// Whether everything that belongs to a manifest is as it says.
    fn manifest(&self, manifest: &str, control: &MappedControl) -> Found {
        let (kind, name) = manifest.split_once('/').unwrap_or((manifest, ""));
        if let ("ServiceControlPolicy", Ok(name)) = (kind, name.parse::<Name>())
            && let Some(desired) = self.material.desired.controls.get(&name)
        {
            return self.service_control(&name, desired);
        }
        let in_scope = |place: Option<&Cell>| place.is_none_or(|it| is_in_scope(it, control));
        let findings = self.material.findings.iter().filter(|(claim, _)| {
            claim.enforcement.to_string() == manifest && is_in_scope(&claim.cell, control)
        });
        let findings: Vec<_> = findings.collect();
        let keys = self.material.keys.iter().filter(|key| {
            key.manifest.as_deref() == Some(manifest) && in_scope(key.place.as_ref())
        });
        let keys: Vec<&KeyEvidence> = keys.collect();
        if findings.is_empty() && keys.is_empty() {
            return not_met(
                "the manifests have no such manifest, or it speaks of nothing in scope",
            );
        }
        let failed = findings.iter().filter(|(_, it)| it.verdict == Verdict::Failed);
        let failed = failed.map(|(claim, it)| format!("{}: {}", claim.cell, it.message));
        let late = keys.iter().filter(|key| !key.is_in_sync());
        let late = late.map(|key| {
            let message = key.message.as_deref().unwrap_or(&key.phase);
            format!("{} is {}: {message}", key.key, key.phase)
        });
        let wrong: Vec<String> = failed.chain(late).collect();
        if !wrong.is_empty() {
            return not_met(listed(wrong));
        }
        let unknown = findings.iter().filter(|(_, it)| it.verdict == Verdict::Unknown);
        let unknown: Vec<&Cell> = unknown.map(|(claim, _)| &claim.cell).collect();
        if !unknown.is_empty() {
            return not_observed(format!("{} claims are unknown", listed(unknown)));
        }
        met(format!("{} claims are proven, {} objects are in sync", findings.len(), keys.len()))
    }
}

fn is_in_scope(cell: &Cell, control: &MappedControl) -> bool {
    (control.accounts.is_empty() || control.accounts.contains(&cell.account))
        && (control.regions.is_empty() || control.regions.contains(&cell.region))
}
