//! What a verification found, for people and programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Claim, Finding, LoggedCell, Verdict};
use crate::model::{AccountId, Cell, EnforcementKind, Refusal};
use crate::plan::render::{Row, Subject, table};

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How it was probed, as the command line spells it.
    pub probe: String,
    /// Each claim and the verdict on it.
    pub findings: Vec<(Claim, Finding)>,
    /// Each cell whose logging is claimed, and the verdict on it.
    pub logging: Vec<(LoggedCell, Finding)>,
    /// Accounts that are not ACTIVE, with their state.
    pub skipped: BTreeMap<AccountId, String>,
    /// What of the manifests cannot be carried out: claims that nobody can even make.
    pub refusals: BTreeSet<Refusal>,
}

/// One cell and the verdict on what a manifest claims there.
pub(super) struct Case<'a> {
    /// The manifest: `AccountEnforcement/everywhere`.
    pub(super) label: String,
    pub(super) cell: &'a Cell,
    pub(super) finding: &'a Finding,
    remark: Option<&'a str>,
}

/// Counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Cells that are as claimed.
    pub proven: usize,
    /// Cells that are not.
    pub failed: usize,
    /// Cells of which nobody can say.
    pub unknown: usize,
    /// Accounts that are not ACTIVE.
    pub skipped: usize,
    /// Parts of the manifests that cannot be carried out.
    pub refused: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proven, failed, unknown, skipped, refused } = self;
        write!(f, "Verify: {proven} proven, {failed} failed, {unknown} unknown")?;
        if *refused > 0 {
            write!(f, "; {refused} refused")?;
        }
        if *skipped > 0 {
            let noun = if *skipped == 1 { "account" } else { "accounts" };
            write!(f, "; {skipped} {noun} skipped")?;
        }
        Ok(())
    }
}

impl Report {
    /// Counts.
    pub fn totals(&self) -> Totals {
        let cases = self.cases();
        let count = |verdict| cases.iter().filter(|it| it.finding.verdict == verdict).count();
        Totals {
            proven: count(Verdict::Proven),
            failed: count(Verdict::Failed),
            unknown: count(Verdict::Unknown),
            skipped: self.skipped.len(),
            refused: self.refusals.len(),
        }
    }

    /// Whether something is claimed and all of it is proven.
    pub fn is_proven(&self) -> bool {
        let Totals { proven, failed, unknown, refused, skipped: _ } = self.totals();
        proven > 0 && failed == 0 && unknown == 0 && refused == 0
    }

    /// Every cell that is claimed, by every kind.
    pub(super) fn cases(&self) -> Vec<Case<'_>> {
        let enforced = self.findings.iter().map(|(claim, finding)| Case {
            label: claim.label(),
            cell: &claim.cell,
            finding,
            remark: claim.remark.as_deref(),
        });
        let logged = self.logging.iter().map(|(claim, finding)| Case {
            label: claim.label(),
            cell: &claim.cell,
            finding,
            remark: None,
        });
        enforced.chain(logged).collect()
    }

    /// Cells alike as one line, worst last; the last line counts.
    pub fn to_text(&self) -> String {
        let mut cases = self.cases();
        cases.sort_by_key(|case| (case.finding.verdict, case.cell.clone()));
        let mut rows: Vec<Row> = cases
            .into_iter()
            .map(|Case { label, cell, finding, remark }| Row {
                subject: Subject { label, place: Some(cell.clone()) },
                word: finding.verdict.as_str(),
                text: match remark {
                    Some(remark) => format!("{}; {remark}", finding.message),
                    None => finding.message.clone(),
                },
            })
            .collect();
        rows.extend(self.refusals.iter().map(|refusal| Row {
            subject: Subject { label: refusal.manifest.clone(), place: None },
            word: "Refused",
            text: format!("{}: {}", refusal.field, refusal.message),
        }));
        rows.extend(self.skipped.iter().map(|(account, state)| Row {
            subject: Subject { label: "Accounts not ACTIVE".to_owned(), place: None },
            word: "Skipped",
            text: format!("{account} is {state}"),
        }));
        format!("{}{}\n", table(&rows), self.totals())
    }

    /// One document of `bedrail.dev/verify/v1`. Members are only ever added to it.
    pub fn to_json(&self) -> Value {
        let cell = |(claim, finding): &(Claim, Finding)| {
            let expected = claim.expected.as_ref().ok();
            json!({
                "account": claim.cell.account,
                "region": claim.cell.region,
                "level": claim.enforcement.kind,
                "enforcement": claim.enforcement.name,
                "guardrail": expected.map(|it| it.arn.to_string()),
                "version": expected.map(|it| it.version.to_string()),
                "verdict": finding.verdict,
                "reason": finding.reason,
                "message": finding.message,
                "remark": claim.remark,
            })
        };
        let logged = |(claim, finding): &(LoggedCell, Finding)| {
            json!({
                "account": claim.cell.account,
                "region": claim.cell.region,
                "manifest": claim.manifest,
                "verdict": finding.verdict,
                "reason": finding.reason,
                "message": finding.message,
            })
        };
        let skipped = |(account, state)| json!({"account": account, "state": state});
        json!({
            "apiVersion": "bedrail.dev/verify/v1",
            "probe": self.probe,
            "summary": self.totals(),
            "cells": self.findings.iter().map(cell).collect::<Vec<_>>(),
            "logging": self.logging.iter().map(logged).collect::<Vec<_>>(),
            "skipped": self.skipped.iter().map(skipped).collect::<Vec<_>>(),
            "refusals": self.refusals,
        })
    }
}

impl Claim {
    /// The manifest that claims it: `AccountEnforcement/everywhere`.
    pub(super) fn label(&self) -> String {
        let kind = match self.enforcement.kind {
            EnforcementKind::Account => "AccountEnforcement",
            EnforcementKind::Organization => "OrganizationEnforcement",
            EnforcementKind::ServiceControl => "ServiceControlPolicy",
        };
        format!("{kind}/{}", self.enforcement.name)
    }
}
