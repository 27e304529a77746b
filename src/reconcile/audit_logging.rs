//! What the audit sees of invocation logging: cells that no manifest claims for it, once manifests
//! ask for it elsewhere.

use std::collections::BTreeMap;

use tracing::{debug, info, warn};

use super::state::State;
use crate::model::{Cell, LoggingConfig, Read};
use crate::plan::{self, UnclaimedLogging};

/// The logging of one cell of the audit, read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuditedLogging {
    live: Option<LoggingConfig>,
    /// What was logged of it last.
    said: Option<UnclaimedLogging>,
}

impl State {
    /// Whether the logging of a cell is anybody's business here: manifests ask for logging, and none
    /// in this cell. One that a manifest has left is watched by its own visits.
    pub(super) fn audits_logging(&self, cell: &Cell) -> bool {
        !self.logging_templates.is_empty()
            && self.scope.logging.contains(&cell.region)
            && self.is_active(&cell.account)
            && !self.desired.logging.contains_key(cell)
            && !self.left_logging.contains_key(cell)
    }

    /// What the audit has found of logging so far.
    pub(super) fn logging_findings(&self) -> BTreeMap<Cell, UnclaimedLogging> {
        let finding = |(cell, audited): (&Cell, &AuditedLogging)| {
            Some((cell.clone(), self.logging_finding(cell, audited.live.as_ref())?))
        };
        self.audited_logging.iter().filter_map(finding).collect()
    }

    fn logging_finding(
        &self,
        cell: &Cell,
        live: Option<&LoggingConfig>,
    ) -> Option<UnclaimedLogging> {
        let partition = self.facts.fleet.as_ref()?.partition.as_str();
        plan::judge_unclaimed_logging(live, (cell, partition), &self.logging_templates)
    }

    /// Forgets audited cells that are claimed now, and knows what is asked for now.
    pub(super) fn retain_audited_logging(&mut self) {
        if let Some(fleet) = &self.facts.fleet {
            self.logging_templates =
                plan::logging_templates(&self.desired.logging, &fleet.partition);
        }
        let mut audited = std::mem::take(&mut self.audited_logging);
        audited.retain(|cell, _| self.audits_logging(cell));
        self.audited_logging = audited;
    }

    /// Keeps what was read, and logs it once per change.
    pub(super) fn note_logging(&mut self, cell: &Cell, read: Read<LoggingConfig>) {
        let live = match read {
            Read::Known(live) => Some(live),
            Read::KnownAbsent => None,
            Read::Unknown(_) => {
                debug!(%cell, "the audit could not read the invocation logging of this cell");
                return;
            }
        };
        let now = self.logging_finding(cell, live.as_ref());
        let audited = AuditedLogging { live, said: now.clone() };
        let before = self.audited_logging.insert(cell.clone(), audited);
        if before.and_then(|before| before.said) == now {
            return;
        }
        let account = self.account_name(&cell.account);
        match now {
            Some(UnclaimedLogging::Orphan(manifest)) => warn!(
                %cell, account, %manifest,
                "orphan: calls are logged as this manifest asks elsewhere, and no manifest claims \
                 this cell; write one with `state: Absent` to end it, or `Present` to keep it"
            ),
            Some(UnclaimedLogging::Unlogged) => warn!(
                %cell, account,
                "unlogged: calls of models are logged nowhere here, and no manifest asks for it"
            ),
            None => info!(%cell, account, "no longer orphaned or unlogged"),
        }
    }
}
