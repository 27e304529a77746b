//! What a verification found, for people and programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Claim, Finding, Verdict};
use crate::model::{AccountId, EnforcementKind, Refusal};
use crate::plan::render::{Row, Subject, table};

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How it was probed, as the command line spells it.
    pub probe: String,
    /// Each claim and the verdict on it.
    pub findings: Vec<(Claim, Finding)>,
    /// Accounts that are not ACTIVE, with their state.
    pub skipped: BTreeMap<AccountId, String>,
    /// What of the manifests cannot be carried out: claims that nobody can even make.
    pub refusals: BTreeSet<Refusal>,
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
        let count = |verdict| self.findings.iter().filter(|(_, it)| it.verdict == verdict).count();
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

    /// Cells alike as one line, worst last; the last line counts.
    pub fn to_text(&self) -> String {
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|(claim, finding)| (finding.verdict, claim.cell.clone()));
        let mut rows: Vec<Row> = findings
            .into_iter()
            .map(|(claim, finding)| Row {
                subject: Subject { label: claim.label(), place: Some(claim.cell.clone()) },
                word: finding.verdict.as_str(),
                text: match &claim.remark {
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
        let skipped = |(account, state)| json!({"account": account, "state": state});
        json!({
            "apiVersion": "bedrail.dev/verify/v1",
            "probe": self.probe,
            "summary": self.totals(),
            "cells": self.findings.iter().map(cell).collect::<Vec<_>>(),
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
