//! Holds the keys that wait for a visit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::clock::Clock;
use super::lanes::{Lane, Lanes, Ticket};
use super::meter::Meter;

/// A work queue: who waits for a visit, since when, and who is being visited.
///
/// For each key the queue remembers one thing only: when its *next* visit is due.
///
/// | next visit | `add` | `add_after(d)` |
/// |---|---|---|
/// | none | due now | due in `d` |
/// | in `e` | due now | due in min(`d`, `e`) |
/// | now | as it was | as it was |
///
/// # Guarantees
///
/// - A key is in the queue once, however often it is added.
/// - A key is visited once at a time. Added during its visit, it is visited again after.
/// - After `add_after(key, d)` a visit of the key begins at most `d` later, room permitting.
/// - Keys that are due come out in the order in which they became due, except that a key
///   whose lane is full waits and lets others pass. No key is overtaken for ever.
/// - At most `limit` keys run at once, and in each [`Lane`] at most its own limit.
///
/// # Assumptions
///
/// - Each key that [`get`](Self::get) returned is given back to [`done`](Self::done) once.
/// - The lane of a key never changes.
///
/// # Caveats
///
/// - The earliest request wins and takes the later ones with it: a visit must say itself
///   when it wants to be repeated. Level-triggered visits do.
/// - The queue is unbounded; its keys are bounded by the fleet, since each is in it once.
pub struct Queue<K> {
    shared: Arc<Shared<K>>,
}

/// Says which lane a key is in.
type LaneOf<K> = dyn Fn(&K) -> Lane + Send + Sync;

struct Shared<K> {
    clock: Clock,
    limit: NonZeroUsize,
    lane: Box<LaneOf<K>>,
    state: Mutex<State<K>>,
    /// Fires on every change, so that whoever waits looks again.
    changed: Notify,
}

struct State<K> {
    entries: BTreeMap<K, Entry>,
    ready: Lanes<K>,
    delayed: BTreeSet<(Duration, K)>,
    running: usize,
    meter: Meter,
    is_closed: bool,
}

/// What the queue knows of a key. A key that neither runs nor has a next visit has none.
struct Entry {
    /// Since when it runs, if it does.
    running: Option<Duration>,
    next: Next,
}

/// When the next visit of a key is due.
#[derive(Clone, Copy)]
enum Next {
    Never,
    /// Since then; it waits in its lane.
    Queued(Ticket, Duration),
    /// As soon as the visit that runs has ended; due since then.
    Again(Duration),
    /// At this time of the clock.
    At(Duration),
}

/// What `get` found.
enum Offer<K> {
    Key(K),
    Wait { until: Option<Duration> },
    Closed,
}

/// How many keys are in which state. No key is in two, except that one that runs may
/// also be delayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Due, waiting for room.
    pub ready: usize,
    /// Being visited.
    pub running: usize,
    /// Due later.
    pub delayed: usize,
}

impl Counts {
    /// Whether nothing is due or running, although something may be due later.
    pub const fn is_calm(&self) -> bool {
        self.ready == 0 && self.running == 0
    }

    /// Whether nothing is queued, running or delayed.
    pub const fn is_idle(&self) -> bool {
        self.is_calm() && self.delayed == 0
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// An empty queue of which at most `limit` keys run at once, and of the keys that
    /// `lane` puts into one [`Lane`] at most as many as that lane admits.
    pub fn new(
        clock: Clock,
        limit: NonZeroUsize,
        lane: impl Fn(&K) -> Option<Lane> + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            entries: BTreeMap::new(),
            ready: Lanes::new(),
            delayed: BTreeSet::new(),
            running: 0,
            meter: Meter::default(),
            is_closed: false,
        };
        let shared = Shared {
            clock,
            limit,
            lane: Box::new(move |key| lane(key).unwrap_or(Lane::UNLIMITED)),
            state: Mutex::new(state),
            changed: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the clock by which delays are measured.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Makes the next visit of `key` due now.
    pub fn add(&self, key: K) {
        self.change(|state, lane, now| {
            if !state.is_closed {
                state.make_due(key, lane, now);
            }
        });
    }

    /// The same as [`add_after`](Self::add_after), for a key whose visit failed.
    pub fn retry_after(&self, key: K, delay: Duration) {
        self.lock().meter.retries += 1;
        self.add_after(key, delay);
    }

    /// Makes the next visit of `key` due in `delay` at the latest.
    pub fn add_after(&self, key: K, delay: Duration) {
        if delay.is_zero() {
            return self.add(key);
        }
        let due = self.shared.clock.now().saturating_add(delay);
        self.change(|state, _, _| {
            if !state.is_closed {
                state.make_due_at(key, due);
            }
        });
    }

    /// Forgets the next visit of `key`. A visit that runs goes on and comes back as usual.
    pub fn remove(&self, key: &K) {
        self.change(|state, lane, _| state.cancel(key, lane));
    }

    /// Waits for a key to visit, or `None` once the queue is closed.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has taken no key.
    pub async fn get(&self) -> Option<K> {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            // Listen before looking: what changes after the look must not be missed.
            changed.as_mut().enable();
            let until = match self.take() {
                Offer::Key(key) => return Some(key),
                Offer::Closed => return None,
                Offer::Wait { until } => until,
            };
            match until {
                None => changed.await,
                Some(due) => tokio::select! {
                    () = changed => {}
                    () = self.shared.clock.sleep_until(due) => {}
                },
            }
        }
    }

    /// Ends the visit of a key that [`get`](Self::get) returned.
    pub fn done(&self, key: &K) {
        self.change(|state, lane, now| state.end_visit(key, lane, now));
    }

    /// Counts the keys that are due and wait for room.
    pub fn len(&self) -> usize {
        self.counts().ready
    }

    /// Whether no key is due and waiting. See also [`is_idle`](Self::is_idle).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing is queued, running or delayed.
    pub fn is_idle(&self) -> bool {
        self.counts().is_idle()
    }

    /// Counts the keys by state.
    pub fn counts(&self) -> Counts {
        let now = self.shared.clock.now();
        let mut state = self.lock();
        state.promote(now, &*self.shared.lane);
        state.counts()
    }

    /// What went through so far, and how long the visits that run have taken. Looks at each of
    /// the keys.
    pub fn meter(&self) -> Meter {
        let now = self.shared.clock.now();
        let state = self.lock();
        let mut meter = state.meter;
        let running = state.entries.values().filter_map(|entry| entry.running);
        running.for_each(|since| meter.runs_for(now.saturating_sub(since)));
        meter
    }

    /// How many keys run at once at most.
    pub fn limit(&self) -> usize {
        self.shared.limit.get()
    }

    /// Waits until the counts are as asked, and returns them. What only waits for time to
    /// pass (`is_calm`) is how `apply` knows that it is finished.
    pub async fn until(&self, mut condition: impl FnMut(&Counts) -> bool) -> Counts {
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            let counts = self.counts();
            if condition(&counts) {
                return counts;
            }
            changed.await;
        }
    }

    /// Returns when each delayed key is due, as time of the [`clock`](Self::clock).
    pub fn waiting(&self) -> BTreeMap<K, Duration> {
        self.lock().delayed.iter().map(|(due, key)| (key.clone(), *due)).collect()
    }

    /// Closes the queue for good: [`get`](Self::get) returns `None`, nothing can be added,
    /// and what waited is forgotten. Visits that run may still end.
    pub fn close(&self) {
        self.change(|state, _, _| {
            state.is_closed = true;
            state.ready = Lanes::new();
            state.delayed.clear();
            state.entries.retain(|_, entry| {
                entry.next = Next::Never;
                entry.running.is_some()
            });
        });
    }

    fn take(&self) -> Offer<K> {
        let now = self.shared.clock.now();
        let mut state = self.lock();
        state.promote(now, &*self.shared.lane);
        let offer = state.take(self.shared.limit, now);
        drop(state);
        if matches!(offer, Offer::Key(_)) {
            self.shared.changed.notify_waiters();
        }
        offer
    }

    fn change(&self, apply: impl FnOnce(&mut State<K>, &LaneOf<K>, Duration)) {
        let now = self.shared.clock.now();
        let mut state = self.lock();
        // What is due already comes before what this change makes due.
        state.promote(now, &*self.shared.lane);
        apply(&mut state, &*self.shared.lane, now);
        drop(state);
        self.shared.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        // No code that runs under the lock leaves the state half changed.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Ord + Clone> fmt::Debug for Queue<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Queue").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl<K: Ord + Clone> State<K> {
    fn counts(&self) -> Counts {
        Counts { ready: self.ready.len(), running: self.running, delayed: self.delayed.len() }
    }

    fn make_due(&mut self, key: K, lane: &LaneOf<K>, since: Duration) {
        let entry = self.entries.entry(key.clone()).or_insert(Entry::NEW);
        match entry.next {
            Next::Queued(..) | Next::Again(_) => return,
            Next::Never => {}
            Next::At(due) => {
                self.delayed.remove(&(due, key.clone()));
            }
        }
        self.meter.added();
        entry.next = if entry.running.is_some() {
            Next::Again(since)
        } else {
            Next::Queued(self.ready.push(&lane(&key), key), since)
        };
    }

    fn make_due_at(&mut self, key: K, due: Duration) {
        let entry = self.entries.entry(key.clone()).or_insert(Entry::NEW);
        match entry.next {
            Next::Queued(..) | Next::Again(_) => return,
            Next::At(earlier) if earlier <= due => return,
            Next::Never => {}
            Next::At(later) => {
                self.delayed.remove(&(later, key.clone()));
            }
        }
        entry.next = Next::At(due);
        self.delayed.insert((due, key));
    }

    /// Makes due what has waited long enough, the longest first.
    fn promote(&mut self, now: Duration, lane: &LaneOf<K>) {
        while self.delayed.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((due, key)) = self.delayed.pop_first() {
                self.make_due(key, lane, due);
            }
        }
    }

    fn take(&mut self, limit: NonZeroUsize, now: Duration) -> Offer<K> {
        if self.is_closed {
            return Offer::Closed;
        }
        if self.running < limit.get()
            && let Some(key) = self.ready.take()
        {
            self.running += 1;
            let runs = Entry { running: Some(now), next: Next::Never };
            let waited = self.entries.insert(key.clone(), runs);
            if let Some(Entry { next: Next::Queued(_, since), .. }) = waited {
                self.meter.began(now.saturating_sub(since));
            }
            return Offer::Key(key);
        }
        Offer::Wait { until: self.delayed.first().map(|(due, _)| *due) }
    }

    fn end_visit(&mut self, key: &K, lane: &LaneOf<K>, now: Duration) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(began) = entry.running.take() else { return };
        self.meter.ended(now.saturating_sub(began));
        self.running -= 1;
        self.ready.release(&lane(key));
        match entry.next {
            Next::Again(since) => {
                entry.next = Next::Queued(self.ready.push(&lane(key), key.clone()), since);
            }
            Next::Never => {
                self.entries.remove(key);
            }
            Next::Queued(..) | Next::At(_) => {}
        }
    }

    fn cancel(&mut self, key: &K, lane: &LaneOf<K>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        match std::mem::replace(&mut entry.next, Next::Never) {
            Next::Never | Next::Again(_) => {}
            Next::Queued(ticket, _) => self.ready.remove(&lane(key), ticket),
            Next::At(due) => {
                self.delayed.remove(&(due, key.clone()));
            }
        }
        if entry.running.is_none() {
            self.entries.remove(key);
        }
    }
}

impl Entry {
    const NEW: Self = Self { running: None, next: Next::Never };
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
