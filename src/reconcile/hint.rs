//! What events tell: which keys to look at, and whom to name as the author of drift.

use std::collections::BTreeSet;
use std::time::Duration;

use super::engine::Engine;
use super::key::Key;
use super::state::State;
#[cfg(feature = "sqs")]
use crate::aws::{AwsError, EventQueue, QueueMessage};
use crate::model::{AccountId, Cell};
use crate::plan::event::{Event, Hint, Subject, Writer, read_event};

/// How long an event speaks for the drift that is found where it points.
const SPEAKS_FOR: Duration = Duration::from_mins(10);

/// Whom an event named as having written something.
#[derive(Clone, Debug)]
pub(super) struct Author {
    actor: String,
    operation: String,
    at: Duration,
}

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
        self.authors.retain(|_, author| now < author.at + SPEAKS_FOR);
        if let Some(actor) = actor {
            let author = Author { actor, operation, at: now };
            self.authors.extend(keys.iter().map(|key| (key.clone(), author.clone())));
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
            Subject::Policies => BTreeSet::from([Key::Organization]),
            Subject::Tree => {
                self.sweeps.walk_soon();
                BTreeSet::from([Key::Organization])
            }
            Subject::Tags(account) => self.tags_meant(account.as_ref()),
        }
    }

    fn tags_meant(&mut self, account: Option<&AccountId>) -> BTreeSet<Key> {
        if let Some(account) = account {
            self.sweeps.read_tags_soon(account);
        }
        BTreeSet::from([Key::Organization])
    }

    /// Whom an event named for what is amiss at a key, if one did lately.
    pub(super) fn author(&self, key: &Key, now: Duration) -> Option<String> {
        let author = self.authors.get(key).filter(|it| now < it.at + SPEAKS_FOR)?;
        Some(format!("{} ({})", author.actor, author.operation))
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
