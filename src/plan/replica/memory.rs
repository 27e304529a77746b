//! What one process remembers of a replica between two visits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::trial::{Subject, Trials};
use crate::model::{Answers, FieldChange, GuardrailArn, ReplicaRevision, Version};
use crate::plan::confirm::{Sightings, Timing};

/// Updates that leave the same difference before we stop: an eventually consistent read may show
/// the old content once or twice, a server that ignores a field shows it for ever.
const FRUITLESS_UPDATES_MAX: u32 = 3;

/// Tokens that may name something unusable before a person is asked (DESIGN section 4).
const TOKENS_MAX: usize = 3;

/// How long a version that AWS refused to delete is left alone.
const IN_USE_FOR: Duration = Duration::from_hours(1);

/// What a visit to a replica remembers for the next one. Lost on restart without harm: everything
/// is confirmed anew, and a repeated token names the version it named before.
///
/// The executor reports what AWS answered: [`created`](Self::created),
/// [`updated`](Self::updated), [`published`](Self::published) and [`answered`](Self::answered), and
/// calls
/// [`Sightings::wrote`] for every step that has a [`sighting`](crate::plan::Step::sighting).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaMemory {
    /// What was seen of the guardrail and of its resource policy.
    pub sightings: Sightings,
    /// Since when DRAFT was READY with the content of this revision, and no version had it.
    settled: Option<(ReplicaRevision, Duration)>,
    /// What updates sought to change, how often in a row, without an equal DRAFT in between.
    fruitless: Option<(Vec<FieldChange>, u32)>,
    /// ARNs that CreateGuardrail answered since a guardrail was last seen.
    created: Vec<GuardrailArn>,
    /// Numbers that CreateGuardrailVersion answered, by what should be in them.
    published: BTreeMap<ReplicaRevision, Vec<Publication>>,
    /// Versions that AWS refused to delete since something uses them, and when it did.
    in_use: BTreeMap<Version, Duration>,
    /// Versions that something referenced, and when it was last seen to.
    referenced: BTreeMap<Version, Duration>,
    /// What tests have shown.
    pub(super) trials: Trials,
}

/// One answer of CreateGuardrailVersion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Publication {
    /// The number it answered.
    pub(super) version: Version,
    at: Duration,
    missing_since: Option<Duration>,
}

impl Publication {
    /// How long the version, which the read at `now` did not show, may still appear. Zero when it
    /// is absent: two reads said so, and our own write is long enough ago.
    pub(super) fn may_appear_for(&mut self, now: Duration, timing: &Timing) -> Duration {
        let trusted = self.at + timing.own_write_grace;
        if now < trusted {
            return trusted.saturating_sub(now);
        }
        let first = *self.missing_since.get_or_insert(now);
        (first + timing.confirm_after).saturating_sub(now)
    }

    /// Notes a read that showed it.
    pub(super) fn appeared(&mut self) {
        self.missing_since = None;
    }
}

impl ReplicaMemory {
    /// Records the answer of CreateGuardrail.
    pub fn created(&mut self, arn: GuardrailArn) {
        self.created.push(arn);
    }

    /// Records that UpdateGuardrail was accepted.
    pub fn updated(&mut self, changes: &[FieldChange]) {
        let count = match &self.fruitless {
            Some((before, count)) if before == changes => count.saturating_add(1),
            Some(_) | None => 1,
        };
        self.fruitless = Some((changes.to_vec(), count));
    }

    /// Records the number that CreateGuardrailVersion answered, which may be an old one: AWS
    /// ignores a repeated token without an error.
    pub fn published(&mut self, content: ReplicaRevision, version: Version, now: Duration) {
        let publication = Publication { version, at: now, missing_since: None };
        self.published.entry(content).or_default().push(publication);
        self.settled = None;
    }

    /// Records that AWS refused to delete a version, since something uses it.
    pub fn refused(&mut self, version: Version, now: Duration) {
        self.in_use.insert(version, now);
    }

    /// The versions that AWS refused to delete not long ago.
    pub(super) fn in_use(&self, now: Duration) -> BTreeSet<Version> {
        let lasting = self.in_use.iter().filter(|(_, at)| now < **at + IN_USE_FOR);
        lasting.map(|(version, _)| *version).collect()
    }

    /// Notes which versions are referenced.
    pub(super) fn saw_referenced(
        &mut self,
        versions: impl Iterator<Item = Version>,
        now: Duration,
    ) {
        self.referenced.extend(versions.map(|version| (version, now)));
    }

    /// How long a reference that is gone from what was read may still be in effect: organization
    /// policies reach the accounts with a delay (`aws-facts` 3.3).
    pub(super) fn lingers_for(&self, version: Version, now: Duration, timing: &Timing) -> Duration {
        let last = self.referenced.get(&version);
        last.map_or(Duration::ZERO, |last| (*last + timing.own_write_grace).saturating_sub(now))
    }

    /// Records what a guardrail answered to tests, also if not all could be asked.
    pub fn answered(&mut self, subject: &Subject, answers: Answers) {
        self.trials.answered(subject, answers);
    }

    /// Notes that a guardrail was read.
    pub(super) fn seen(&mut self) {
        self.created.clear();
    }

    /// Notes that DRAFT is as desired.
    pub(super) fn converged(&mut self) {
        self.fruitless = None;
    }

    /// Whether updates of just these fields came to nothing often enough.
    pub(super) fn is_fruitless(&self, changes: &[FieldChange]) -> bool {
        self.fruitless
            .as_ref()
            .is_some_and(|(fields, count)| fields == changes && *count >= FRUITLESS_UPDATES_MAX)
    }

    /// Notes that nothing is about to be published.
    pub(super) fn unsettle(&mut self) {
        self.settled = None;
    }

    /// How long until what the read at `now` showed has lasted long enough to publish from.
    pub(super) fn settles_in(
        &mut self,
        content: &ReplicaRevision,
        now: Duration,
        timing: &Timing,
    ) -> Duration {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::SettleSkipped) {
            return Duration::ZERO;
        }
        let since = match &self.settled {
            Some((before, since)) if before == content => *since,
            Some(_) | None => now,
        };
        self.settled = Some((content.clone(), since));
        (since + timing.confirm_after).saturating_sub(now)
    }

    /// Forgets publications of what is published.
    pub(super) fn forget_published(&mut self, content: &ReplicaRevision) {
        self.published.remove(content);
    }

    /// The numbers given for this content, oldest first.
    pub(super) fn publications(&mut self, content: &ReplicaRevision) -> &mut [Publication] {
        self.published.get_mut(content).map_or(&mut [], Vec::as_mut_slice)
    }

    /// What to mix into the next version's token, if another may be tried.
    pub(super) fn version_salt(&self, content: &ReplicaRevision) -> Option<String> {
        let given = self.published.get(content).map_or(&[][..], Vec::as_slice);
        salt(given, |publication| publication.version.to_string())
    }

    /// What to mix into the guardrail's token, if another may be tried.
    pub(super) fn guardrail_salt(&self) -> Option<String> {
        salt(&self.created, |arn| arn.id.to_string())
    }
}

/// Empty at first, then what the last token named.
fn salt<T>(given: &[T], name: impl Fn(&T) -> String) -> Option<String> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::TokenUnsalted) {
        return Some(String::new());
    }
    (given.len() < TOKENS_MAX).then(|| given.last().map(name).unwrap_or_default())
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
