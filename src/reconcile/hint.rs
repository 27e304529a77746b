//! What events tell: which keys to look at, and whom to name as the author of drift.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::engine::Engine;
use super::key::Key;
use super::state::State;
#[cfg(feature = "sqs")]
use crate::aws::{AwsError, EventQueue, QueueMessage};
use crate::model::{AccountId, Cell};
use crate::plan::Step;
use crate::plan::event::{Event, Hint, Subject, Writer, read_event};

/// How long an event speaks for the drift that is found where it points.
const SPEAKS_FOR: Duration = Duration::from_mins(10);

/// Whom an event named as having written something.
#[derive(Clone, Debug)]
pub(super) struct Author {
    actor: String,
    at: Duration,
}

/// Whom events named as having written something, by what was called: who tagged a policy did not
/// detach it.
pub(super) type Authors = BTreeMap<String, Author>;

/// Messages by what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Hints that keys were visited for.
    pub hints: u64,
    /// About our own writes.
    pub own: u64,
    /// About calls that failed.
    pub failed: u64,
    /// Not for us, or not to be understood.
    pub foreign: u64,
}

impl Engine {
    /// Takes note of a message. Returns the keys to visit, which may be none.
    pub fn heed(&self, body: &str) -> BTreeSet<Key> {
        let session = self.aws.session_name();
        let application = format!("app/{}", crate::aws::APPLICATION);
        let caller = &self.aws.caller().arn;
        let us = Writer { session: &session, caller, application: &application };
        let event = read_event(body, us);
        let now = self.time.now();
        let mut state = self.state();
        let counts = &mut state.events;
        match event {
            Event::Own => counts.own += 1,
            Event::Failed => counts.failed += 1,
            Event::Foreign => {
                counts.foreign += 1;
                tracing::debug!("a message on the queue of events is not for us");
            }
            Event::Hint(hint) => {
                counts.hints += 1;
                return state.heed(hint, now);
            }
        }
        BTreeSet::new()
    }

    /// The queue of events at `url`.
    #[cfg(feature = "sqs")]
    pub fn event_queue(&self, url: &str) -> EventQueue {
        self.aws.event_queue(url)
    }

    /// Waits for messages; none after a while without any.
    #[cfg(feature = "sqs")]
    pub async fn receive(&self, queue: &EventQueue) -> Result<Vec<QueueMessage>, AwsError> {
        self.aws.receive(queue).await
    }

    /// Deletes messages that were heeded.
    #[cfg(feature = "sqs")]
    pub async fn delete(
        &self,
        queue: &EventQueue,
        messages: &[QueueMessage],
    ) -> Result<(), AwsError> {
        self.aws.delete(queue, messages).await
    }

    /// Messages heeded since the start.
    pub fn events(&self) -> EventCounts {
        self.state().events
    }
}

impl State {
    fn heed(&mut self, hint: Hint, now: Duration) -> BTreeSet<Key> {
        let Hint { subject, operation, actor } = hint;
        let keys = self.meant(&subject);
        self.authors.retain(|_, authors| {
            authors.retain(|_, author| now < author.at + SPEAKS_FOR);
            !authors.is_empty()
        });
        if let Some(actor) = actor {
            let author = Author { actor, at: now };
            for key in &keys {
                let authors = self.authors.entry(key.clone()).or_default();
                authors.insert(operation.clone(), author.clone());
            }
        }
        keys
    }

    /// The keys whose objects the subject is. An account or Region that nobody described costs
    /// nothing.
    fn meant(&mut self, subject: &Subject) -> BTreeSet<Key> {
        let due = self.due();
        let known = |keys: &[Key]| keys.iter().filter(|key| due.contains(*key)).cloned().collect();
        match subject {
            Subject::Enforced(cell) => known(&[Key::Cell(cell.clone())]),
            Subject::Logging(cell) => known(&[Key::Logging(cell.clone())]),
            Subject::Guardrails(cell) => {
                // Whatever it was is to be read as a whole.
                self.at_rest.retain(|replica| replica.cell() != *cell);
                let is_there = |key: &&Key| is_guardrail_in(key, cell);
                due.iter().filter(is_there).cloned().collect()
            }
            Subject::Policies => {
                self.foreign.forget();
                BTreeSet::from([Key::Organization])
            }
            Subject::Tree => {
                self.sweeps.walk_soon();
                BTreeSet::from([Key::Organization])
            }
            Subject::Tags(account) => self.tags_meant(account.as_ref()),
        }
    }

    fn tags_meant(&mut self, account: Option<&AccountId>) -> BTreeSet<Key> {
        match account {
            Some(account) => self.sweeps.read_tags_soon(account),
            // Of a policy, it may be: whose it is.
            None => self.foreign.forget(),
        }
        BTreeSet::from([Key::Organization])
    }

    /// Whom an event named for a call that made `step` necessary, if one did lately.
    pub(super) fn author(&self, key: &Key, step: &Step, now: Duration) -> Option<String> {
        let authors = self.authors.get(key)?.iter();
        let of_step = authors.filter(|(operation, author)| {
            let name = operation.split_once(':').map(|(_, name)| name);
            now < author.at + SPEAKS_FOR && name.is_some_and(|name| step.can_be_undone_by(name))
        });
        let (operation, author) = of_step.max_by_key(|(_, author)| author.at)?;
        Some(format!("{} ({operation})", author.actor))
    }
}

fn is_guardrail_in(key: &Key, cell: &Cell) -> bool {
    match key {
        Key::Replica(_) | Key::ProfilePolicy(_) => key.place().as_ref() == Some(cell),
        Key::Organization | Key::Rollout(_) | Key::Cell(_) | Key::Logging(_) | Key::Audit(_) => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn hint(subject: Subject, operation: &str, actor: &str) -> Hint {
        Hint { subject, operation: operation.to_owned(), actor: Some(actor.to_owned()) }
    }

    /// Who tagged a policy a moment later did not disable its type.
    #[test]
    fn the_author_is_whoever_called_what_made_the_step_necessary() {
        let mut state = State::default();
        state.heed(hint(Subject::Policies, "organizations:DisablePolicyType", "a"), MINUTE);
        state.heed(hint(Subject::Tags(None), "organizations:TagResource", "b"), 2 * MINUTE);
        let step = Step::EnablePolicyType { root: "r-ab12".parse().unwrap() };
        let author = |state: &State, now| state.author(&Key::Organization, &step, now);
        let named = Some("a (organizations:DisablePolicyType)".to_owned());
        assert_eq!(author(&state, 2 * MINUTE), named);
        assert_eq!(author(&state, 12 * MINUTE), None, "too long ago to be about this");
        state.heed(hint(Subject::Tags(None), "organizations:TagResource", "c"), 30 * MINUTE);
        assert_eq!(state.authors[&Key::Organization].len(), 1, "what is old is forgotten");
    }
}
