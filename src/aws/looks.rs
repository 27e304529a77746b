//! Looks at guardrails that were at rest when they were read last.
//!
//! | what could have changed | what shows it | read |
//! |---|---|---|
//! | DRAFT, name, status | its `updatedAt` and status in the list | every time |
//! | versions: published, deleted, failed | their rows in the same list | every time |
//! | resource policy | nothing but itself | every time |
//! | tags | nothing but themselves | once a sweep |
//! | content behind an unchanged `updatedAt` | nothing | once a read-back |
//!
//! So a guardrail at rest costs two calls instead of five. Whatever moved is read as a whole.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_bedrock::types::GuardrailSummary;
use aws_smithy_types::DateTime;
use tokio::time::Instant;

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use crate::model::{
    Cell, GuardrailStatus, Name, ObservedGuardrail, ObservedReplica, Read, Version,
};

/// How often what no list shows is read.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    /// Tags.
    pub tags: Duration,
    /// Everything.
    pub content: Duration,
}

/// What a list shows of DRAFT or of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    name: String,
    version: String,
    status: String,
    description: Option<String>,
    created_at: DateTime,
    updated_at: DateTime,
}

impl From<&GuardrailSummary> for Row {
    fn from(summary: &GuardrailSummary) -> Self {
        Self {
            name: summary.name.clone(),
            version: summary.version.clone(),
            status: summary.status.as_str().to_owned(),
            description: summary.description.clone(),
            created_at: summary.created_at,
            updated_at: summary.updated_at,
        }
    }
}

/// What was read of one guardrail.
#[derive(Clone, Debug)]
struct Look {
    /// DRAFT as listed before its content was read, and all versions.
    rows: Vec<Row>,
    guardrail: ObservedGuardrail,
    read_at: Instant,
    tags_at: Instant,
}

/// The last complete look at each guardrail.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<BTreeMap<(Cell, String), Look>>);

impl Looks {
    /// Keeps a complete look: at DRAFT as listed before it was read, and at the versions.
    pub(super) fn keep(
        &self,
        cell: &Cell,
        (draft, versions): (Row, Vec<Row>),
        guardrail: &ObservedGuardrail,
        now: Instant,
    ) {
        let key = (cell.clone(), draft.name.clone());
        let rows = sorted(std::iter::once(draft).chain(versions));
        let look = Look { rows, guardrail: guardrail.clone(), read_at: now, tags_at: now };
        self.lock().insert(key, look);
    }

    fn get(&self, cell: &Cell, name: &Name) -> Option<Look> {
        self.lock().get(&(cell.clone(), name.as_str().to_owned())).cloned()
    }

    fn update(&self, cell: &Cell, name: &Name, guardrail: &ObservedGuardrail, tags_at: Instant) {
        if let Some(look) = self.lock().get_mut(&(cell.clone(), name.as_str().to_owned())) {
            look.guardrail = guardrail.clone();
            look.tags_at = tags_at;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Cell, String), Look>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    /// Whether a look less than complete will do.
    fn will_do(&self, cadence: Cadence, now: Instant) -> bool {
        let is_known = |content: &Read<_>| content.unread().is_none();
        now.saturating_duration_since(self.read_at) < cadence.content
            && self.guardrail.status == GuardrailStatus::Ready
            && self.guardrail.versions.values().all(|version| is_known(&version.content))
    }

    /// Whether tags are due. Guardrails that were read together do not all have theirs read
    /// together: the first time comes earlier, by a share of the cadence that differs.
    fn tags_are_due(&self, cadence: Cadence, now: Instant) -> bool {
        let mut hasher = DefaultHasher::new();
        self.guardrail.arn.hash(&mut hasher);
        let [share, ..] = hasher.finish().to_be_bytes();
        let is_first = self.tags_at == self.read_at;
        let early = if is_first { cadence.tags * u32::from(share) / 256 } else { Duration::ZERO };
        now.saturating_duration_since(self.tags_at) + early >= cadence.tags
    }
}

impl Aws {
    /// Reads the guardrail of this name, which was at rest when it was read last: as much as is
    /// needed to see whether it still is. What moved is read as by [`replica`](Self::replica).
    pub async fn replica_at_rest(
        &self,
        cell: &Cell,
        name: &Name,
        cadence: Cadence,
    ) -> ObservedReplica {
        let look = self.looks().get(cell, name).filter(|it| it.will_do(cadence, Instant::now()));
        let Some(look) = look else { return self.replica(cell, name).await };
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::StaleLookBelieved) {
            return ObservedReplica { guardrail: Read::Known(look.guardrail) };
        }
        match self.look_again(cell, name, look, cadence).await {
            Ok(Some(guardrail)) => ObservedReplica { guardrail: Read::Known(guardrail) },
            Ok(None) => self.replica(cell, name).await,
            Err(error) => ObservedReplica { guardrail: Read::Unknown(error.into()) },
        }
    }

    /// What the guardrail is now, if nothing but its policy and tags can have moved.
    async fn look_again(
        &self,
        cell: &Cell,
        name: &Name,
        look: Look,
        cadence: Cadence,
    ) -> Result<Option<ObservedGuardrail>, AwsError> {
        let place = self.enter(cell).await?;
        let arn = look.guardrail.arn.clone();
        let resource = arn.to_string();
        let now = Instant::now();
        let tags_are_due = look.tags_are_due(cadence, now);
        let tags = async {
            if tags_are_due { self.guardrail_tags(&place, &arn).await.map(Some) } else { Ok(None) }
        };
        let (listed, policy, tags) = tokio::join!(
            self.list_guardrails(&place, Some(&arn)),
            self.policy_of(&place, &resource),
            tags,
        );
        let rows = match listed {
            Ok(listed) => sorted(listed.iter().map(Row::from)),
            // It is gone, or this read lags: a complete one will tell.
            Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_deleted = |row: &Row| {
            let version: Option<Version> = row.version.parse().ok();
            version.is_some_and(|it| self.versions().is_deleted(&arn, &(it, row.created_at)))
        };
        if rows != look.rows || rows.iter().any(is_deleted) {
            return Ok(None);
        }
        let tags_at = if tags_are_due { now } else { look.tags_at };
        let tags = tags?.unwrap_or(look.guardrail.tags);
        let guardrail = ObservedGuardrail { tags, policy, ..look.guardrail };
        self.looks().update(cell, name, &guardrail, tags_at);
        Ok(Some(guardrail))
    }
}

fn sorted(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by(|one, other| one.version.cmp(&other.version));
    rows
}
