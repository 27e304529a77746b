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
//!
//! What is read once in a while has its own moment of the while, which follows from the guardrail:
//! those that were published together are not all read back together for ever after.

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
    Cell, GuardrailArn, GuardrailStatus, Name, ObservedGuardrail, ObservedReplica, Read, Version,
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
#[derive(Debug)]
pub(super) struct Looks {
    /// From when on moments are counted.
    since: Instant,
    looks: Mutex<BTreeMap<(Cell, String), Look>>,
}

impl Looks {
    pub(super) fn new(since: Instant) -> Self {
        Self { since, looks: Mutex::default() }
    }

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
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    /// Whether a look less than complete will do.
    fn will_do(&self, cadence: Cadence, since: Instant, now: Instant) -> bool {
        let is_known = |content: &Read<_>| content.unread().is_none();
        !is_due(&self.guardrail.arn, cadence.content, since, (self.read_at, now))
            && self.guardrail.status == GuardrailStatus::Ready
            && self.guardrail.versions.values().all(|version| is_known(&version.content))
    }

    fn tags_are_due(&self, cadence: Cadence, since: Instant, now: Instant) -> bool {
        is_due(&self.guardrail.arn, cadence.tags, since, (self.tags_at, now))
    }
}

/// Whether the moment of a guardrail, one in `every`, has come since `last`. Moments are counted from
/// `since` on.
fn is_due(
    guardrail: &GuardrailArn,
    every: Duration,
    since: Instant,
    (last, now): (Instant, Instant),
) -> bool {
    let mut hasher = DefaultHasher::new();
    guardrail.hash(&mut hasher);
    let [high, low, ..] = hasher.finish().to_be_bytes();
    let phase = every.as_nanos() * u128::from(u16::from_be_bytes([high, low])) / (1 << 16);
    let round = |at: Instant| {
        let passed = at.saturating_duration_since(since).as_nanos();
        (passed + phase).checked_div(every.as_nanos())
    };
    // No time at all is always over.
    every.is_zero() || round(now) > round(last)
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
        let since = self.looks().since;
        let look = self.looks().get(cell, name);
        let look = look.filter(|it| it.will_do(cadence, since, Instant::now()));
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
        let tags_are_due = look.tags_are_due(cadence, self.looks().since, now);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(number: u32) -> GuardrailArn {
        let arn = format!("arn:aws:bedrock:us-east-1:111122223333:guardrail/g{number:09}");
        arn.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn guardrails_that_were_read_together_are_not_read_back_together() {
        let since = Instant::now();
        let (every, hour) = (Duration::from_hours(24), Duration::from_hours(1));
        let mut looks: Vec<(GuardrailArn, Instant)> =
            (0..2400).map(|number| (arn(number), since)).collect();
        for day in 0..3 {
            let mut read: Vec<usize> = Vec::new();
            for hour_of_day in 1..=24 {
                let now = since + every * day + hour * hour_of_day;
                let due =
                    looks.iter_mut().filter(|(arn, at)| is_due(arn, every, since, (*at, now)));
                read.push(due.map(|(_, at)| *at = now).count());
            }
            assert_eq!(read.iter().sum::<usize>(), 2400, "each once a day: {read:?}");
            assert!(read.iter().all(|count| (60..140).contains(count)), "{read:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_while_everything_is_read_every_time() {
        let now = Instant::now();
        assert!(is_due(&arn(1), Duration::ZERO, now, (now, now)));
        assert!(!is_due(&arn(1), Duration::MAX, now, (now, now)));
    }
}
