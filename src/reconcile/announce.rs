//! Tells the journal of each write before it is made, and how it ended.

use tracing::warn;

use super::act::ActError;
use super::engine::Engine;
use super::key::Key;
use super::observe::Observed;
use super::state::State;
use crate::model::{Name, Read};
use crate::plan::{self, Held, Step};
use crate::status::Event;
use crate::status::journal::{Actor, Because, Ending, Intended, Journal, Record};

/// Whether a write may be made now.
pub(super) enum Announced {
    /// Its record is in the journal under this number, or there is no journal.
    Go(Option<u64>),
    /// The journal cannot be written, and it weakens protection.
    Wait(Held),
}

impl Engine {
    /// Writes every call that changes something to `journal` from now on. The first one stays.
    pub fn keep_journal(&self, journal: Journal) {
        // A second journal would make two halves of one history.
        self.journal.set(journal).ok();
    }

    /// Shows on the timeline what was before this process, oldest first.
    pub fn recall(&self, events: Vec<Event>) {
        let mut state = self.state();
        for event in events {
            state.timeline.push(event);
        }
    }

    /// Tells the journal that manifests are about to be put in force: how many of which kind, and
    /// the SHA-256 of their texts.
    pub async fn note_accepted(&self, generation: u64, manifests: &str, summary: &str) {
        let event = Event::accepted(generation, summary, self.time.wall());
        self.state().timeline.push(event);
        let Some(journal) = self.journal.get() else { return };
        let (manifests, summary) = (manifests.to_owned(), summary.to_owned());
        let record = Record::Accepted { generation, manifests, summary };
        if journal.write(record.clone()).await.is_err() {
            journal.write_elsewhere(&record);
        }
    }

    /// Why the journal cannot be written, if there is one and it cannot.
    pub(super) fn journal_trouble(&self) -> Option<String> {
        self.journal.get()?.trouble()
    }

    /// Looks whether a journal that could not be written can be again.
    pub(super) async fn mend_journal(&self) {
        if let Some(journal) = self.journal.get().filter(|it| it.trouble().is_some()) {
            journal.retry().await;
        }
    }

    /// Tells the journal that `step` is about to be carried out.
    pub(super) async fn announce(&self, step: &Step, intended: &Intended) -> Announced {
        let Some(journal) = self.journal.get() else { return Announced::Go(None) };
        let record = Record::Intended(intended.clone());
        match journal.write(record.clone()).await {
            Ok(number) => Announced::Go(Some(number)),
            Err(error) if step.weakens() => {
                let trouble = journal.trouble().unwrap_or_else(|| error.to_string());
                Announced::Wait(plan::held_for_journal(&trouble))
            }
            Err(_) => {
                journal.write_elsewhere(&record);
                Announced::Go(None)
            }
        }
    }

    /// Tells the journal how the call ended that it has under `number`.
    pub(super) async fn note_end(&self, number: Option<u64>, error: Option<&ActError>) {
        let (Some(journal), Some(of)) = (self.journal.get(), number) else { return };
        let (ending, message) = ending(error);
        let record = Record::Ended { of, ending, message };
        if let Err(error) = journal.write(record.clone()).await {
            warn!(%error, "how a write ended is not in the journal");
            journal.write_elsewhere(&record);
        }
    }

    /// What the journal and the timeline say of a step.
    pub(super) fn intended(
        &self,
        key: &Key,
        step: &Step,
        generation: u64,
        observed: &Observed,
    ) -> Intended {
        let because = self.state().because(key, step, generation);
        let place = step.place();
        Intended {
            key: key.to_string(),
            operation: step.operation().to_owned(),
            object: step.object(),
            effect: step.effect().as_str().to_owned(),
            account: place.as_ref().map(|cell| cell.account.to_string()),
            region: place.as_ref().map(|cell| cell.region.to_string()),
            weakens: step.weakens(),
            generation,
            because,
            actor: (because == Because::Drift).then(|| self.actor(key, step, observed)),
            changes: step.changes().iter().map(|it| it.without_words().to_string()).collect(),
        }
    }

    /// Who made `step` necessary. AWS says who wrote an enforced configuration, and nothing else;
    /// an event may have said more.
    fn actor(&self, key: &Key, step: &Step, observed: &Observed) -> Actor {
        let known = match (step, observed) {
            (Step::PutEnforced { config_id: Some(_), .. }, Observed::Cell(read)) => {
                match &read.enforcement {
                    Read::Known(live) => live.updated_by.clone(),
                    Read::KnownAbsent | Read::Unknown(_) => None,
                }
            }
            _ => None,
        };
        let foreign = known.filter(|by| !self.aws.is_session(by));
        let foreign = foreign.or_else(|| self.state().author(key, step, self.time.now()));
        foreign.map_or_else(
            || Actor::Unknown(step.cloudtrail_query(&self.aws.caller().partition)),
            Actor::Known,
        )
    }
}

/// How a call ended, and what AWS said where it did not go well.
pub(super) fn ending(error: Option<&ActError>) -> (Ending, Option<String>) {
    let ending = match error {
        None => Ending::Done,
        Some(ActError::Moved { .. }) => Ending::Moved,
        Some(
            ActError::Aws(_)
            | ActError::GivenUp { .. }
            | ActError::Unread { .. }
            | ActError::InUse { .. }
            | ActError::Refused(_)
            | ActError::Limit { .. },
        ) => Ending::Failed,
    };
    (ending, error.map(ToString::to_string))
}

impl State {
    /// Notes under which generation a key was found as it should be.
    pub(super) fn note_settled(&mut self, key: &Key, generation: u64, is_settled: bool) {
        if is_settled {
            self.settled.insert(key.clone(), generation);
        }
    }

    pub(super) fn because(&self, key: &Key, step: &Step, generation: u64) -> Because {
        if self.settled.get(key) == Some(&generation) {
            return Because::Drift;
        }
        let is_rolled_out = |name: &Name| {
            self.desired.rollouts.contains_key(name)
                || self.desired.organization_rollouts.contains_key(name)
                || self.desired.target_rollouts.contains_key(name)
        };
        match step.enforcement() {
            Some(name) if is_rolled_out(name) => Because::Rollout,
            Some(_) | None => Because::Manifest,
        }
    }
}
