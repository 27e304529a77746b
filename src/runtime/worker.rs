//! Visits the keys of a queue.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::backoff::{Backoff, BackoffSettings};
use super::queue::Queue;

/// When a key wants to be visited again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// Not before somebody adds it.
    Done,
    /// After this delay at the latest.
    After(Duration),
    /// After a delay that grows with each such answer in a row.
    Backoff,
}

/// How visits are run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WorkerSettings {
    /// How the delays of [`Requeue::Backoff`] grow.
    pub backoff: BackoffSettings,
    /// How long visits that run at the stop may take to end.
    pub grace: Duration,
    /// Seeds the jitter.
    pub seed: u64,
}

impl WorkerSettings {
    /// The default settings with this seed. The grace of 25 seconds leaves 5 of the 30 that
    /// containers are given between SIGTERM and SIGKILL for what comes after the visits.
    pub fn with_seed(seed: u64) -> Self {
        Self { backoff: BackoffSettings::default(), grace: Duration::from_secs(25), seed }
    }
}

/// Visits keys as they come due until `stop` fires; returns the keys whose visit had not
/// ended when the grace was over. Those visits are aborted.
///
/// # Guarantees
///
/// - After `stop` no new visit starts, and the queue is closed.
/// - A visit that panics is logged and counts as [`Requeue::Backoff`]: one key that brings a
///   visit down stops neither the others nor the program.
/// - How many run at once is the queue's decision; each visit is a task of its own.
///
/// # Assumptions
///
/// - A visit that may outlast the grace watches the stop token itself, between its steps.
///
/// # Cancel safety
///
/// Dropping the future aborts the visits that run. Their keys stay marked as running, so
/// the queue must not be used afterwards.
pub async fn run<K, V, F>(
    queue: &Queue<K>,
    settings: WorkerSettings,
    stop: &CancellationToken,
    visit: V,
) -> BTreeSet<K>
where
    K: Ord + Clone + fmt::Display + Send + 'static,
    V: Fn(K) -> F,
    F: Future<Output = Requeue> + Send + 'static,
{
    let mut worker = Worker {
        queue,
        settings,
        rng: Rng::with_seed(settings.seed),
        backoffs: BTreeMap::new(),
        running: BTreeSet::new(),
        visits: JoinSet::new(),
    };

    loop {
        tokio::select! {
            // The stop goes first: a key that is ready at the same moment is not visited.
            biased;
            () = stop.cancelled() => break,
            Some(ended) = worker.visits.join_next() => worker.settle(ended),
            key = queue.get() => match key {
                Some(key) => worker.start(key, &visit),
                None => break,
            },
        }
    }
    queue.close();

    let deadline = queue.clock().now().saturating_add(settings.grace);
    loop {
        tokio::select! {
            biased;
            ended = worker.visits.join_next() => match ended {
                Some(ended) => worker.settle(ended),
                None => break,
            },
            () = queue.clock().sleep_until(deadline) => break,
        }
    }
    worker.running
}

/// What one run of [`run`] remembers.
struct Worker<'a, K> {
    queue: &'a Queue<K>,
    settings: WorkerSettings,
    rng: Rng,
    /// Keys whose last visit asked for backoff.
    backoffs: BTreeMap<K, Backoff>,
    running: BTreeSet<K>,
    visits: JoinSet<(K, Result<Requeue, JoinError>)>,
}

impl<K: Ord + Clone + fmt::Display + Send + 'static> Worker<'_, K> {
    fn start<F>(&mut self, key: K, visit: impl Fn(K) -> F)
    where
        F: Future<Output = Requeue> + Send + 'static,
    {
        self.running.insert(key.clone());
        // A task around the task: it keeps the key when the visit panics.
        let running = AbortOnDropHandle::new(tokio::spawn(visit(key.clone())));
        self.visits.spawn(async move { (key, running.await) });
    }

    /// Puts a key back as its visit asked.
    fn settle(&mut self, ended: Result<(K, Result<Requeue, JoinError>), JoinError>) {
        // The outer task awaits and does nothing else, so it ends only by returning or with
        // the runtime.
        let Ok((key, answer)) = ended else {
            return;
        };
        let requeue = answer.unwrap_or_else(|error| {
            if error.is_panic() {
                // Without its message, which may hold anything; the panic hook printed it.
                tracing::error!(%key, "visit panicked");
            }
            Requeue::Backoff
        });

        self.running.remove(&key);
        match requeue {
            Requeue::Done => {
                self.backoffs.remove(&key);
            }
            Requeue::After(delay) => {
                self.backoffs.remove(&key);
                self.queue.add_after(key.clone(), delay);
            }
            Requeue::Backoff => {
                let delay = self.next_delay(&key);
                self.queue.retry_after(key.clone(), delay);
            }
        }
        self.queue.done(&key);
    }

    fn next_delay(&mut self, key: &K) -> Duration {
        if let Some(backoff) = self.backoffs.get_mut(key) {
            return backoff.next_delay();
        }
        let mut backoff = Backoff::new(self.settings.backoff, self.rng.fork());
        let delay = backoff.next_delay();
        self.backoffs.insert(key.clone(), backoff);
        delay
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
