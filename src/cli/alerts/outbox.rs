//! Brings messages to their receivers, and keeps nobody waiting for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::AlertArguments;
use super::receiver::Receiver;
use crate::aws::Aws;
use crate::cli::controller::Controller;
use crate::cli::standing::Standing;
use crate::runtime::{Backoff, BackoffSettings, Clock};
use crate::status::alerts::{Book, Message, ReceiverStatus, decide, firing, title};

/// Messages that wait for one receiver. Of each kind there is one a minute at most, so these are
/// enough for a receiver that is away for some minutes; one that is away for longer hears what
/// still holds by the reminders.
const WAITING_MAX: usize = 64;

/// After how long a message is old news.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(1);

/// The longest distance of two tries.
const TRIED_EVERY: Duration = Duration::from_mins(5);

/// How often is looked whether there is something to tell.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// How each receiver takes its messages, for those who ask.
#[derive(Clone, Default)]
pub(in crate::cli) struct Roster(Vec<Entry>);

/// One receiver's.
#[derive(Clone)]
struct Entry(Arc<Mutex<ReceiverStatus>>);

impl Roster {
    /// In the order of the settings.
    pub(in crate::cli) fn statuses(&self) -> Vec<ReceiverStatus> {
        self.0.iter().map(|entry| entry.lock().clone()).collect()
    }
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, ReceiverStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self) {
        let mut status = self.lock();
        status.sent += 1;
        status.error = None;
        if status.failing_since.take().is_some() {
            info!(receiver = status.name, "takes alerts again");
        }
    }

    fn failed(&self, error: String, clock: &Clock) {
        let mut status = self.lock();
        status.failures += 1;
        if status.failing_since.is_none() {
            status.failing_since = Some(clock.wall());
            warn!(receiver = status.name, error, "an alert was not taken; it is tried again");
        }
        status.error = Some(error);
    }

    fn gave_up(&self, message: &Message, why: &str) {
        let mut status = self.lock();
        status.dropped += 1;
        warn!(receiver = status.name, alert = title(message), "an alert was given up: {why}");
    }
}

/// The queues of all receivers. Once dropped, nothing more is sent.
pub(in crate::cli) struct Outbox {
    queues: Vec<(Entry, mpsc::Sender<Message>)>,
    _workers: JoinSet<()>,
}

impl Outbox {
    /// Starts to deliver.
    pub(in crate::cli) fn open(
        receivers: Vec<Receiver>,
        aws: &Aws,
        clock: &Clock,
        origin: &str,
    ) -> Self {
        let mut workers = JoinSet::new();
        let mut queues = Vec::new();
        for receiver in receivers {
            let status =
                ReceiverStatus { name: receiver.name.clone(), ..ReceiverStatus::default() };
            let entry = Entry(Arc::new(Mutex::new(status)));
            let (sender, queue) = mpsc::channel(WAITING_MAX);
            queues.push((entry.clone(), sender));
            let (aws, clock, origin) = (aws.clone(), clock.clone(), origin.to_owned());
            let postman = Postman { receiver, entry, aws, clock, origin };
            workers.spawn(postman.deliver(queue));
        }
        Self { queues, _workers: workers }
    }

    /// How each receiver takes its messages.
    pub(in crate::cli) fn roster(&self) -> Roster {
        Roster(self.queues.iter().map(|(entry, _)| entry.clone()).collect())
    }

    /// Tells what is wrong, for ever. What cannot be queued is counted, and keeps nobody waiting.
    pub(in crate::cli) async fn watch(
        &self,
        controller: &Controller,
        standing: &Standing,
        arguments: &AlertArguments,
    ) {
        if self.queues.is_empty() {
            std::future::pending::<()>().await;
        }
        let pace = arguments.pace();
        let looked_every = arguments.every.clamp(Duration::from_millis(50), LOOKED_EVERY);
        let mut book = Book::default();
        loop {
            controller.clock.sleep(looked_every).await;
            let snapshot = standing.snapshot();
            let firing = firing(&snapshot, pace.after);
            let (told, messages) = decide(&book, &firing, snapshot.at, &pace);
            book = told;
            for message in messages {
                self.post(&message);
            }
        }
    }

    fn post(&self, message: &Message) {
        info!(alert = message.kind.as_str(), count = message.count, "{}", title(message));
        for (entry, queue) in &self.queues {
            if queue.try_send(message.clone()).is_err() {
                entry.gave_up(message, "too many wait already");
            }
        }
    }
}

/// Brings its messages to one receiver, one after another.
struct Postman {
    receiver: Receiver,
    entry: Entry,
    aws: Aws,
    clock: Clock,
    origin: String,
}

impl Postman {
    async fn deliver(self, mut queue: mpsc::Receiver<Message>) {
        let Self { receiver, entry, aws, clock, origin } = self;
        let settings = BackoffSettings { cap: TRIED_EVERY, ..BackoffSettings::default() };
        let mut backoff = Backoff::new(settings, fastrand::Rng::new());
        while let Some(message) = queue.recv().await {
            let began = clock.now();
            loop {
                match receiver.channel.send(Some(&aws), &clock, &message, &origin).await {
                    Ok(_) => {
                        entry.took();
                        backoff.reset();
                        break;
                    }
                    Err(error) => entry.failed(error, &clock),
                }
                if clock.now().saturating_sub(began) >= GIVEN_UP_AFTER {
                    entry.gave_up(&message, "nobody took it for an hour");
                    break;
                }
                clock.sleep(backoff.next_delay()).await;
            }
        }
    }
}
