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
/// - Keys of one lane come out in the order in which they became due. Among lanes with room each
///   has its turn in every round, so that no key waits for more than one key of each other lane
///   for each that was before it in its own.
/// - At most `limit` keys run at once, and in each [`Lane`] at most its own limit.
/// - A visit that runs for longer than `patience` gives its place to another, up to
///   eight times `limit`; in its lane it still counts. What hangs in one place does not use up the
///   room of all.
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

/// How many visits may have given up their place, for each place there is.
const STALLED_PER_PLACE: usize = 8;

struct Shared<K> {
    clock: Clock,
    limit: NonZeroUsize,
    patience: Duration,
    lane: Box<LaneOf<K>>,
    state: Mutex<State<K>>,
    /// Fires on every change, so that whoever waits looks again.
    changed: Notify,
}

struct State<K> {
    entries: BTreeMap<K, Entry>,
    ready: Lanes<K>,
    delayed: BTreeSet<(Duration, K)>,
    /// Keys that run and hold a place, and since when.
    placed: BTreeSet<(Duration, K)>,
    /// How many run that gave up their place.
    stalled: usize,
    meter: Meter,
    is_closed: bool,
}

/// What the queue knows of a key. A key that neither runs nor has a next visit has none.
struct Entry {
    run: Run,
    next: Next,
}

/// Whether a key is being visited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    No,
    /// Since then, in one of the places.
    Placed(Duration),
    /// For too long; its place was given to another.
    Stalled(Duration),
}

impl Run {
    fn since(self) -> Option<Duration> {
        match self {
            Self::No => None,
            Self::Placed(since) | Self::Stalled(since) => Some(since),
        }
    }
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
    /// `lane` puts into one [`Lane`] at most as many as that lane admits. Nothing gives up its
    /// place.
    pub fn new(
        clock: Clock,
        limit: NonZeroUsize,
        lane: impl Fn(&K) -> Option<Lane> + Send + Sync + 'static,
    ) -> Self {
        Self::with_patience(clock, limit, Duration::MAX, lane)
    }

    /// The same, in which a visit that runs for longer than `patience` gives up its place.
    pub fn with_patience(
        clock: Clock,
        limit: NonZeroUsize,
        patience: Duration,
        lane: impl Fn(&K) -> Option<Lane> + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            entries: BTreeMap::new(),
            ready: Lanes::new(),
            delayed: BTreeSet::new(),
            placed: BTreeSet::new(),
            stalled: 0,
            meter: Meter::default(),
            is_closed: false,
        };
        let shared = Shared {
            clock,
            limit,
            patience,
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
        let running = state.entries.values().filter_map(|entry| entry.run.since());
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
                entry.run != Run::No
            });
        });
    }

    fn take(&self) -> Offer<K> {
        let now = self.shared.clock.now();
        let mut state = self.lock();
        state.promote(now, &*self.shared.lane);
        state.pass_over(now, &self.shared);
        let offer = state.take(now, &self.shared);
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
        Counts {
            ready: self.ready.len(),
            running: self.placed.len() + self.stalled,
            delayed: self.delayed.len(),
        }
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
        entry.next = if entry.run == Run::No {
            Next::Queued(self.ready.push(&lane(&key), key), since)
        } else {
            Next::Again(since)
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

    /// Takes the places of visits that run for too long.
    fn pass_over(&mut self, now: Duration, shared: &Shared<K>) {
        let stalled_max = shared.limit.get().saturating_mul(STALLED_PER_PLACE);
        while self.stalled < stalled_max
            && let Some((since, _)) = self.placed.first()
            && since.saturating_add(shared.patience) <= now
            && let Some((since, key)) = self.placed.pop_first()
        {
            self.stalled += 1;
            self.ready.stalled(&(shared.lane)(&key));
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.run = Run::Stalled(since);
            }
        }
    }

    fn take(&mut self, now: Duration, shared: &Shared<K>) -> Offer<K> {
        if self.is_closed {
            return Offer::Closed;
        }
        if self.placed.len() < shared.limit.get()
            && let Some(key) = self.ready.take()
        {
            self.placed.insert((now, key.clone()));
            let runs = Entry { run: Run::Placed(now), next: Next::Never };
            let waited = self.entries.insert(key.clone(), runs);
            if let Some(Entry { next: Next::Queued(_, since), .. }) = waited {
                self.meter.began(now.saturating_sub(since));
            }
            return Offer::Key(key);
        }
        let due = self.delayed.first().map(|(due, _)| *due);
        let stall = self.placed.first().map(|(since, _)| since.saturating_add(shared.patience));
        // One that has stalled already waits for room among the stalled, not for time.
        let stall = stall.filter(|at| *at > now && self.ready.len() > 0);
        Offer::Wait { until: due.into_iter().chain(stall).min() }
    }

    fn end_visit(&mut self, key: &K, lane: &LaneOf<K>, now: Duration) {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.run != Run::No) else {
            return;
        };
        let run = std::mem::replace(&mut entry.run, Run::No);
        if let Some(began) = run.since() {
            self.meter.ended(now.saturating_sub(began));
        }
        match run {
            Run::No => {}
            Run::Placed(since) => {
                self.placed.remove(&(since, key.clone()));
            }
            Run::Stalled(_) => self.stalled -= 1,
        }
        self.ready.release(&lane(key), !matches!(run, Run::Stalled(_)));
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
        if entry.run == Run::No {
            self.entries.remove(key);
        }
    }
}

impl Entry {
    const NEW: Self = Self { run: Run::No, next: Next::Never };
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
