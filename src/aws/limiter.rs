//! How fast calls may go: one bucket per lane, and one bound on calls in flight.
//!
//! ```text
//! call ─► bucket of its lane (waits for its turn) ─► in-flight bound ─► AWS
//!              ▲  halved by a throttle, recovers with each success │
//!              └────────────────────────────────────────────────────┘
//! ```
//!
//! A lane is an account, a Region and a class of API, or one operation of Organizations or STS:
//! a throttled account never slows another. A call waits for its turn before it takes a place in
//! flight, so that a slow lane does not fill the bound.
//!
//! AWS does not say whether the Regions of an account share a limit. So where one is throttled, all
//! reads of the account go through one more bucket, until it has recovered; and a visit asks for
//! [`wait`](Limiter::wait) first, so as to come back later instead of waiting with others behind it.
//!
//! The buckets are our own rather than `governor`'s: a quota there cannot change once made, and
//! the whole point here is to change it; and its clocks do not follow a paused tokio clock.
//!
//! # Cancel safety
//!
//! A call dropped while it waits forfeits its turn; nothing else is lost.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::operation::{Kind, Operation};
use super::settings::Rates;
use crate::model::{AccountId, Cell};

/// The share of its documented rate that a lane never falls below.
const SHARE_MIN: f64 = 1.0 / 32.0;

/// What each success gives back: a halved lane needs 32 calls to recover.
const RECOVERY: f64 = 1.0 / 64.0;

/// Throttles that arrive together are answers to one burst: they halve once.
const HALVING_PAUSE: Duration = Duration::from_secs(1);

/// A rate and the calls that may go at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    per_second: f64,
    burst: u32,
}

impl Rate {
    pub(super) const fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// What shares one bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// One operation, wherever it is called: Organizations and STS limit the caller's account.
    Operation(&'static str),
    /// One class of a regional API.
    Place(Cell, Kind),
    /// One class of a regional API, in all Regions of an account that was throttled.
    Account(AccountId, Kind),
}

impl Lane {
    /// The lane of an operation called in `cell`.
    pub(super) fn of(operation: Operation, cell: &Cell) -> Self {
        match operation.kind {
            Kind::Organizations | Kind::Sts => Self::Operation(operation.name),
            #[cfg(feature = "sqs")]
            Kind::Queue => Self::Operation(operation.name),
            #[cfg(feature = "sns")]
            Kind::Alerts => Self::Operation(operation.name),
            Kind::Read | Kind::Write | Kind::Inference | Kind::Iam => {
                Self::Place(cell.clone(), operation.kind)
            }
        }
    }
}

impl Lane {
    /// The lane of the whole account, for what limits reads of one place.
    fn of_account(&self) -> Option<Self> {
        match self {
            Self::Place(cell, Kind::Read) => Some(Self::Account(cell.account.clone(), Kind::Read)),
            Self::Place(_, _) | Self::Operation(_) | Self::Account(_, _) => None,
        }
    }
}

/// A token bucket. Below zero stand the calls that wait for their turn.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Of the documented rate, lowered by throttles.
    share: f64,
    tokens: f64,
    filled_at: Instant,
    halved_at: Option<Instant>,
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        let tokens = f64::from(rate.burst);
        Self { rate, share: 1.0, tokens, filled_at: now, halved_at: None }
    }

    fn per_second(&self) -> f64 {
        self.rate.per_second * self.share
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second()).min(f64::from(self.rate.burst));
        self.filled_at = self.filled_at.max(now);
    }

    /// Takes the next turn and says when it is.
    fn take(&mut self, now: Instant) -> Instant {
        self.fill(now);
        self.tokens -= 1.0;
        now + Duration::from_secs_f64((-self.tokens / self.per_second()).max(0.0))
    }

    /// AWS says its own bucket is empty: so is ours, and it fills half as fast.
    fn throttled(&mut self, now: Instant) {
        self.fill(now);
        self.tokens = self.tokens.min(0.0);
        let halved_lately = self.halved_at.is_some_and(|at| now < at + HALVING_PAUSE);
        if !halved_lately {
            self.share = (self.share / 2.0).max(SHARE_MIN);
            self.halved_at = Some(now);
        }
    }

    fn succeeded(&mut self, now: Instant) {
        self.fill(now);
        self.share = (self.share + RECOVERY).min(1.0);
    }

    /// How long it is until a turn, without taking it.
    fn wait(&self, now: Instant) -> Duration {
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        let tokens = self.tokens + elapsed * self.per_second();
        Duration::from_secs_f64(((1.0 - tokens) / self.per_second()).max(0.0))
    }

    /// Whether it is as slow as no other: one that was never throttled would admit as much.
    fn has_recovered(&self) -> bool {
        self.share >= 1.0
    }
}

/// What was counted of one operation.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    calls: u64,
    throttles: u64,
}

/// All buckets, the bound on calls in flight, and the counters.
#[derive(Debug)]
pub(super) struct Limiter {
    rates: Rates,
    in_flight: Semaphore,
    buckets: Mutex<BTreeMap<Lane, Bucket>>,
    counts: Mutex<BTreeMap<&'static str, Count>>,
}

impl Limiter {
    pub(super) fn new(rates: Rates, max_in_flight: usize) -> Self {
        Self {
            rates,
            // No call could ever be made with none in flight.
            in_flight: Semaphore::new(max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            buckets: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Waits until the call may be made, and counts it. The permit is its place in flight; there
    /// always is one, since the semaphore is never closed.
    pub(super) async fn admit(
        &self,
        operation: Operation,
        lane: &Lane,
    ) -> Option<SemaphorePermit<'_>> {
        let now = Instant::now();
        let turn = self.turn(operation, lane, now);
        if turn > now {
            tokio::time::sleep_until(turn).await;
        }
        let permit = self.in_flight.acquire().await.ok();
        lock(&self.counts).entry(operation.name).or_default().calls += 1;
        permit
    }

    /// Takes the next turn of a lane and says when it is.
    fn turn(&self, operation: Operation, lane: &Lane, now: Instant) -> Instant {
        match self.rates {
            Rates::Documented => {
                let turn = self.with_bucket(operation, lane, now, |bucket| bucket.take(now));
                let mut buckets = lock(&self.buckets);
                let account = lane.of_account().and_then(|lane| buckets.get_mut(&lane));
                account.map_or(turn, |bucket| bucket.take(now).max(turn))
            }
            Rates::Unlimited => now,
        }
    }

    /// How long it is until a read of `cell` has its turn; zero where nothing was throttled.
    pub(super) fn wait(&self, cell: &Cell, now: Instant) -> Duration {
        match self.rates {
            Rates::Documented => {}
            Rates::Unlimited => return Duration::ZERO,
        }
        let buckets = lock(&self.buckets);
        let account = buckets.get(&Lane::Account(cell.account.clone(), Kind::Read));
        let Some(account) = account else { return Duration::ZERO };
        let place = buckets.get(&Lane::Place(cell.clone(), Kind::Read));
        account.wait(now).max(place.map_or(Duration::ZERO, |place| place.wait(now)))
    }

    /// Takes note of a throttle: the lane slows down.
    pub(super) fn throttled(&self, operation: Operation, lane: &Lane, now: Instant) {
        lock(&self.counts).entry(operation.name).or_default().throttles += 1;
        self.with_bucket(operation, lane, now, |bucket| bucket.throttled(now));
        if let Some(account) = lane.of_account() {
            self.with_bucket(operation, &account, now, |bucket| bucket.throttled(now));
        }
    }

    /// Takes note of a success: the lane recovers a little.
    pub(super) fn succeeded(&self, operation: Operation, lane: &Lane, now: Instant) {
        match self.rates {
            Rates::Documented => {
                self.with_bucket(operation, lane, now, |bucket| bucket.succeeded(now));
                let Some(lane) = lane.of_account() else { return };
                let mut buckets = lock(&self.buckets);
                let Some(bucket) = buckets.get_mut(&lane) else { return };
                bucket.succeeded(now);
                if bucket.has_recovered() {
                    buckets.remove(&lane);
                }
            }
            Rates::Unlimited => {}
        }
    }

    /// Calls made since the start, by operation.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).iter().map(|(name, count)| ((*name).to_owned(), count.calls)).collect()
    }

    /// Calls answered by a throttle, by operation; operations never throttled are absent.
    pub(super) fn throttles(&self) -> BTreeMap<String, u64> {
        lock(&self.counts)
            .iter()
            .filter(|(_, count)| count.throttles > 0)
            .map(|(name, count)| ((*name).to_owned(), count.throttles))
            .collect()
    }

    fn with_bucket<T>(
        &self,
        operation: Operation,
        lane: &Lane,
        now: Instant,
        f: impl FnOnce(&mut Bucket) -> T,
    ) -> T {
        let mut buckets = lock(&self.buckets);
        if let Some(bucket) = buckets.get_mut(lane) {
            return f(bucket);
        }
        f(buckets.entry(lane.clone()).or_insert_with(|| Bucket::new(operation.rate(), now)))
    }
}

/// How long a call keeps its place in flight. Nearly every answer comes sooner, from the other side
/// of the world too.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// Waits for an answer. A call that takes long gives its place in flight to others: what hangs in
/// one account must not use up the places of all.
pub(super) async fn patient<F: Future>(
    call: F,
    in_flight: Option<SemaphorePermit<'_>>,
) -> F::Output {
    let mut call = pin!(call);
    if let Ok(answer) = tokio::time::timeout(PATIENCE, call.as_mut()).await {
        return answer;
    }
    drop(in_flight);
    call.await
}

/// The guard, whatever a panicking holder did: counters and buckets are valid after every write.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::operation;
    use super::*;

    fn lane(operation: Operation, account: &str) -> Lane {
        let region = "us-east-1".parse().unwrap();
        Lane::of(operation, &Cell { account: account.parse().unwrap(), region })
    }

    fn assert_about(wait: Duration, seconds: f64) {
        assert!((wait.as_secs_f64() - seconds).abs() < 0.001, "{wait:?}, expected {seconds}");
    }

    /// How long a caller waits who makes `calls` calls one after the other.
    fn wait(limiter: &Limiter, operation: Operation, lane: &Lane, calls: u32) -> Duration {
        wait_from(limiter, operation, lane, calls, Instant::now()).1
    }

    fn wait_from(
        limiter: &Limiter,
        operation: Operation,
        lane: &Lane,
        calls: u32,
        start: Instant,
    ) -> (Instant, Duration) {
        let end = (0..calls).fold(start, |now, _| limiter.turn(operation, lane, now));
        (end, end - start)
    }

    #[test]
    fn a_lane_bursts_and_then_keeps_its_rate() {
        let limiter = Limiter::new(Rates::Documented, 8);
        // 2 per second, burst 2.
        let operation = operation::DESCRIBE_POLICY;
        let lane = lane(operation, "111122223333");
        let (now, burst) = wait_from(&limiter, operation, &lane, 2, Instant::now());
        assert_eq!(burst, Duration::ZERO);
        let (now, more) = wait_from(&limiter, operation, &lane, 4, now);
        assert_about(more, 2.0);
        let rested = now + Duration::from_mins(1);
        assert_eq!(wait_from(&limiter, operation, &lane, 2, rested).1, Duration::ZERO);
    }

    #[test]
    fn a_throttled_account_never_slows_another() {
        let limiter = Limiter::new(Rates::Documented, 8);
        let operation = operation::GET_GUARDRAIL;
        let (slow, fast) = (lane(operation, "111122223333"), lane(operation, "222233334444"));
        limiter.throttled(operation, &slow, Instant::now());
        assert!(wait(&limiter, operation, &slow, 1) > Duration::ZERO);
        assert_eq!(wait(&limiter, operation, &fast, 5), Duration::ZERO);
    }

    #[test]
    fn a_throttled_account_is_slow_in_all_its_regions_until_it_has_recovered() {
        let limiter = Limiter::new(Rates::Documented, 8);
        let operation = operation::LIST_ENFORCED;
        let cell = |region: &str| Cell {
            account: "111122223333".parse().unwrap(),
            region: region.parse().unwrap(),
        };
        let (here, there) = (cell("us-east-1"), cell("eu-west-1"));
        let start = Instant::now();
        assert_eq!(limiter.wait(&there, start), Duration::ZERO);
        limiter.throttled(operation, &Lane::of(operation, &here), start);
        // Half of 5 per second, and the bucket is empty.
        assert_about(limiter.wait(&there, start), 0.4);
        let lane = Lane::of(operation, &there);
        let (now, waited) = wait_from(&limiter, operation, &lane, 5, start);
        assert_about(waited, 2.0);
        let calls = (0..32).map(|_| limiter.succeeded(operation, &lane, now)).count();
        assert_eq!((calls, limiter.wait(&there, now)), (32, Duration::ZERO));
    }

    #[test]
    fn throttles_of_one_burst_halve_the_rate_once_and_success_restores_it() {
        let limiter = Limiter::new(Rates::Documented, 8);
        // 8 per second, burst 12.
        let operation = operation::LIST_ACCOUNTS;
        let lane = lane(operation, "111122223333");
        let start = Instant::now();
        for _ in 0..10 {
            limiter.throttled(operation, &lane, start);
        }
        let (now, halved) = wait_from(&limiter, operation, &lane, 8, start);
        assert_about(halved, 2.0);
        for _ in 0..32 {
            limiter.succeeded(operation, &lane, now);
        }
        let (_, restored) = wait_from(&limiter, operation, &lane, 8, now);
        assert_about(restored, 1.0);
        assert_eq!(limiter.throttles()["organizations:ListAccounts"], 10);
    }

    #[test]
    fn a_lane_never_stops_however_often_it_is_throttled() {
        let limiter = Limiter::new(Rates::Documented, 8);
        // 2 per second.
        let operation = operation::CREATE_POLICY;
        let lane = lane(operation, "111122223333");
        let mut now = Instant::now();
        for _ in 0..50 {
            limiter.throttled(operation, &lane, now);
            now += Duration::from_mins(1);
        }
        assert!(wait_from(&limiter, operation, &lane, 2, now).1 <= Duration::from_secs(32));
    }

    #[tokio::test]
    async fn calls_in_flight_are_bounded_whatever_the_rate() {
        let limiter = Limiter::new(Rates::Unlimited, 2);
        let operation = operation::GET_GUARDRAIL;
        let lane = lane(operation, "111122223333");
        let first = limiter.admit(operation, &lane).await;
        let _second = limiter.admit(operation, &lane).await;
        let mut third = std::pin::pin!(limiter.admit(operation, &lane));
        tokio::select! {
            biased;
            _ = &mut third => panic!("a third call went out beside two"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        drop(third.await);
        assert_eq!(limiter.calls()["bedrock:GetGuardrail"], 3);
    }
}
