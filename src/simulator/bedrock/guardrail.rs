//! A guardrail: its draft, its versions, and the status time gives them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::call::{Call, Millis};
use super::super::switches::Switches;
use super::content::Content;

/// What a guardrail or a version is busy with until it is READY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// New.
    Creating,
    /// The draft was replaced.
    Updating,
    /// The draft is being copied.
    Versioning,
    /// Usable.
    Ready,
    /// Could not be made usable.
    Failed,
}

impl Status {
    /// As the API spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Updating => "UPDATING",
            Self::Versioning => "VERSIONING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }
}

/// The way to READY. There are no timers: the status is a function of the time asked for.
#[derive(Clone, Debug)]
pub(crate) struct Settling {
    busy: Status,
    since: Millis,
    ready_reads: u8,
    /// Milliseconds it takes at most: what is READY stays so, however slow AWS becomes.
    takes_ms: u64,
    fails: bool,
}

impl Settling {
    /// READY since `since`.
    pub(super) fn ready(since: Millis) -> Self {
        Self { busy: Status::Ready, since, ready_reads: 0, takes_ms: 0, fails: false }
    }

    /// `busy` from this call on, for as long as AWS takes now. May end FAILED.
    pub(super) fn of(busy: Status, call: &Call, takes_ms: u64) -> Self {
        Self { busy, takes_ms, fails: call.ends_failed, ..Self::ready(call.at) }
    }

    /// The same, but it does not end FAILED.
    pub(super) fn surely(self) -> Self {
        Self { fails: false, ..self }
    }

    /// The status at `at`.
    pub(crate) fn status(&self, at: Millis, switches: &Switches) -> Status {
        let takes_ms = self.takes_ms.min(switches.ready_delay_ms);
        if at < self.since.saturating_add(takes_ms) {
            self.busy
        } else if self.fails {
            Status::Failed
        } else {
            Status::Ready
        }
    }

    /// Counts a read that found READY and says what it shows: with `ready_flicker`, the read after
    /// the first shows the transition once more.
    pub(super) fn read_ready(&mut self) -> Status {
        self.ready_reads = self.ready_reads.saturating_add(1);
        if self.ready_reads == 2 { self.busy } else { Status::Ready }
    }

    /// Whether reads must still be counted.
    pub(super) fn may_flicker(&self) -> bool {
        self.ready_reads < 2
    }
}

/// A published version: a snapshot of the draft that never changes.
#[derive(Clone, Debug)]
pub struct Version {
    pub(crate) content: Arc<Content>,
    pub(super) description: Option<String>,
    pub(super) created_at: Millis,
    pub(crate) settling: Settling,
    pub(super) deleted_at: Option<Millis>,
}

/// A guardrail. A deleted one is kept while reads lag behind.
#[derive(Clone, Debug)]
pub struct Guardrail {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
    pub(crate) draft: Arc<Content>,
    pub(crate) settling: Settling,
    pub(super) versions: BTreeMap<u32, Version>,
    /// The highest number ever given.
    pub(super) last_number: u32,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) deleted_at: Option<Millis>,
}

impl Guardrail {
    /// `guardrailId`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `guardrailArn`.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// `name`, as the draft has it.
    pub fn name(&self) -> &str {
        self.draft.name()
    }

    /// Tags of the guardrail; versions have none of their own.
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// The numbers of the versions that exist.
    pub fn version_numbers(&self) -> impl Iterator<Item = u32> {
        self.live_versions().map(|(number, _)| number)
    }

    /// What a version (or the draft, for `None`) says, in the members of `CreateGuardrail`.
    pub fn body(&self, number: Option<u32>) -> Option<&Map<String, Value>> {
        match number {
            Some(number) => self.version(number).map(|version| &version.content.body),
            None => Some(&self.draft.body),
        }
    }

    /// The status of a version (or of the draft, for `None`) at `at`.
    pub fn status(
        &self,
        number: Option<u32>,
        at: Millis,
        switches: &Switches,
    ) -> Option<&'static str> {
        let settling = match number {
            Some(number) => &self.version(number)?.settling,
            None => &self.settling,
        };
        Some(settling.status(at, switches).name())
    }

    /// Whether nothing is being made of the draft.
    pub(super) fn is_settled(&self, at: Millis, switches: &Switches) -> bool {
        matches!(self.settling.status(at, switches), Status::Ready | Status::Failed)
    }

    /// A version that exists.
    pub(crate) fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get(&number).filter(|version| version.deleted_at.is_none())
    }

    /// A version that exists, or whose deletion reads do not show yet.
    pub(super) fn readable_version(&self, number: u32, read: Read) -> Option<&Version> {
        self.versions.get(&number).filter(|version| read.shows(version.deleted_at))
    }

    pub(super) fn live_versions(&self) -> impl Iterator<Item = (u32, &Version)> {
        self.versions
            .iter()
            .filter(|(_, version)| version.deleted_at.is_none())
            .map(|(number, version)| (*number, version))
    }

    /// The number of the next version. Numbers only rise, unless `are_reused`.
    pub(super) fn next_number(&self, are_reused: bool) -> u32 {
        if are_reused {
            (1..=self.last_number)
                .find(|number| self.version(*number).is_none())
                .unwrap_or(self.last_number + 1)
        } else {
            self.last_number + 1
        }
    }
}

/// When a read happens and how far it lags behind deletions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    at: Millis,
    lag: Millis,
}

impl Read {
    pub(super) fn new(at: Millis, switches: &Switches) -> Self {
        Self { at, lag: switches.delete_read_lag_ms }
    }

    /// Whether the read still sees what was deleted then.
    pub(super) fn shows(self, deleted_at: Option<Millis>) -> bool {
        deleted_at.is_none_or(|deleted| self.at < deleted.saturating_add(self.lag))
    }
}
