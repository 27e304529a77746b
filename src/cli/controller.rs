//! The engine and its queue, wired together.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::heartbeat::Signs;
use super::run::say_where_things_stand;
use super::settings::Installation;
use crate::aws::{self, Aws, AwsError, ErrorClass, PATIENCE};
use crate::manifest::{self, Manifests};
use crate::model::{Cell, ProfileKey, ReplicaKey};
use crate::reconcile::{Accepted, Engine, EngineSettings, Intent, Key, Next, Time, Visited};
use crate::runtime::{
    Backoff, BackoffSettings, Clock, Counts, Lane, Queue, Requeue, WorkerSettings, turns,
};

/// How often the very first call is tried. With the backoff between them that is some five seconds:
/// enough for a throttle or a lost answer, and soon enough to say that an endpoint is wrong.
const CONNECTS_MAX: u32 = 4;

/// How long a key rests that was throttled. Its lane has slowed down already, as far as AWS wants
/// it to; to back off as well would let a key that makes many calls never come to its end.
const THROTTLED_FOR: Duration = Duration::from_secs(1);

/// Settings of the controller beside its engine's.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// Where all waits and dates come from.
    pub clock: Clock,
    /// Of all jitter: equal seeds on a paused clock give equal histories.
    pub seed: u64,
    /// Visits that run at once.
    pub in_flight: usize,
}

impl Pulse {
    /// The system clock and a random seed.
    pub fn system(in_flight: usize) -> Self {
        Self { clock: Clock::system(), seed: fastrand::u64(..), in_flight }
    }
}

/// How often keys come back.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Every key.
    pub resync: Duration,
    /// The organization, if that is more often: there new accounts are found. Never more often than
    /// four times as long as it takes.
    pub organization: Duration,
}

/// Runs visits until it is told to stop.
pub struct Controller {
    pub(super) engine: Arc<Engine>,
    pub(super) queue: Queue<Key>,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
    pub(super) signs: Arc<Signs>,
    pub(super) seed: u64,
    visits: Arc<AtomicU64>,
    in_force: Arc<Mutex<(u64, Option<Origin>)>>,
    /// Why the manifests that were read last cannot be used.
    unusable: Arc<Mutex<Option<String>>>,
    grace: Duration,
    /// When the first visit begins, after the manifests were read.
    first_visit_after: Duration,
    /// After how many failures in a row a key is given up until the next resync; `None`: never.
    failures_max: Option<u32>,
    /// When a command that ends gives up, on its clock.
    ends_at: OnceLock<Duration>,
    failures: Arc<Mutex<BTreeMap<Key, u32>>>,
}

/// What the generation in force was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The files of the command line.
    Files,
    /// The cache of the last good generation, since the files were broken at the start.
    LastGood,
}

/// How long visits that run at a stop may take to end: 5 of the 30 seconds that containers are
/// given between SIGTERM and SIGKILL are left for what comes after them.
const GRACE: Duration = Duration::from_secs(25);

/// Visits of one account at once, at most: others need room too.
const PER_ACCOUNT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// The organization is read at most a quarter of the time.
const ORGANIZATION_REST: u32 = 4;

/// Cells that are audited at once: some may hang while the others go on.
const AUDITED_AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

struct ControllerTime(Clock);

impl Time for ControllerTime {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn wall(&self) -> Timestamp {
        self.0.wall()
    }
}

/// Asks AWS who we are, again where trying again can help: a command must not end because one
/// answer was lost.
pub(super) async fn connect(settings: aws::Settings) -> Result<Aws, AwsError> {
    let clock = Clock::system();
    let mut backoff = Backoff::new(BackoffSettings::default(), fastrand::Rng::new());
    for _ in 1..CONNECTS_MAX {
        match Aws::connect(settings.clone()).await {
            Err(error) if error.class.is_transient() => {
                warn!(%error, "cannot connect yet");
                clock.sleep(backoff.next_delay()).await;
            }
            done => return done,
        }
    }
    Aws::connect(settings).await
}

impl Controller {
    /// Connects to AWS and makes the queue. Nothing is visited yet.
    pub(super) async fn connect(
        installation: &Installation,
        intent: Intent,
    ) -> anyhow::Result<Self> {
        Self::connect_with(installation, installation.engine(intent)).await
    }

    /// The same, to converge for ever: what is on a schedule is repeated.
    pub(super) async fn connect_to_run(installation: &Installation) -> anyhow::Result<Self> {
        let settings =
            EngineSettings { repeats_tests: true, ..installation.engine(Intent::Converge) };
        Self::connect_with(installation, settings).await
    }

    async fn connect_with(
        installation: &Installation,
        settings: EngineSettings,
    ) -> anyhow::Result<Self> {
        let aws = aws::Settings { awaits_roles: settings.repeats_tests, ..installation.aws() };
        let aws = connect(aws).await.map_err(with_endpoint)?;
        let caller = aws.caller();
        info!(account = %caller.account, arn = caller.arn, "connected");
        Ok(Self::new(aws, settings, Pulse::system(installation.max_in_flight)))
    }

    /// The engine on `aws`, with an empty queue.
    pub fn new(aws: Aws, settings: EngineSettings, pulse: Pulse) -> Self {
        let Pulse { clock, seed, in_flight } = pulse;
        let stop = CancellationToken::new();
        let time = Arc::new(ControllerTime(clock.clone()));
        let engine = Engine::new(aws, settings, time, stop.clone());
        let lane = |key: &Key| match key {
            // Organizations serialises.
            Key::Organization => Some(Lane::serial("organization")),
            // Slow by intent: it must not be felt by what is enforced.
            Key::Audit(_) => Some(Lane::new("audit", AUDITED_AT_ONCE)),
            Key::Rollout(_) => None,
            Key::Replica(ReplicaKey { account, .. })
            | Key::ProfilePolicy(ProfileKey { account, .. })
            | Key::Cell(Cell { account, .. })
            | Key::Logging(Cell { account, .. }) => {
                Some(Lane::careful(account.as_str().to_owned(), PER_ACCOUNT))
            }
        };
        let limit = NonZeroUsize::new(in_flight).unwrap_or(NonZeroUsize::MIN);
        let signs = Arc::new(Signs::beginning(clock.wall()));
        Self {
            engine: Arc::new(engine),
            queue: Queue::with_patience(clock.clone(), limit, PATIENCE, lane),
            clock,
            stop,
            signs,
            seed,
            visits: Arc::default(),
            in_force: Arc::new(Mutex::new((0, None))),
            unusable: Arc::default(),
            grace: GRACE,
            first_visit_after: Duration::ZERO,
            failures_max: None,
            ends_at: OnceLock::new(),
            failures: Arc::default(),
        }
    }

    /// Gives a key up after so many failures in a row: a command that ends must not wait for ever.
    #[must_use]
    pub(super) fn giving_up_after(mut self, failures: u32) -> Self {
        self.failures_max = Some(failures);
        self
    }

    /// Begins at a moment of its own within this time: installations that are started together must
    /// not all call at once.
    #[must_use]
    pub fn starting_within(mut self, jitter: Duration) -> Self {
        self.first_visit_after = jitter.mul_f64(fastrand::Rng::with_seed(self.seed).f64());
        self
    }

    /// Gives visits that run at a stop this long to end.
    #[must_use]
    pub(super) fn stopping_within(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The generation in force; 0 before the first.
    pub(super) fn generation(&self) -> u64 {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Where the generation in force comes from; `None` before the first.
    pub(super) fn origin(&self) -> Option<Origin> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// The same for somebody who asks later.
    pub(super) fn origin_now(&self) -> impl Fn() -> Option<Origin> + Send + Sync + 'static {
        let in_force = Arc::clone(&self.in_force);
        move || in_force.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Takes note of why the manifests that were read last cannot be used; `None` if they can.
    pub(super) fn note_unusable(&self, why: Option<String>) {
        *self.unusable.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why the manifests that were read last cannot be used, for somebody who asks later.
    pub(super) fn unusable_now(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let unusable = Arc::clone(&self.unusable);
        move || unusable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What visits have learned, planned and done.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Puts a manifest set in force as the next generation; returns its number.
    pub fn accept(&self, manifests: Arc<Manifests>) -> u64 {
        self.accept_from(Origin::Files, manifests)
    }

    /// Puts the cached manifest set in force, for want of a usable one.
    pub(super) fn accept_last_good(&self, manifests: Arc<Manifests>) -> u64 {
        self.accept_from(Origin::LastGood, manifests)
    }

    fn accept_from(&self, origin: Origin, manifests: Arc<Manifests>) -> u64 {
        let generation = {
            let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
            *in_force = (in_force.0 + 1, Some(origin));
            in_force.0
        };
        let accepted = Accepted {
            generation,
            needs_tags: manifest::needs_tags(&manifests),
            needs_embeddings: manifest::needs_embeddings(&manifests),
            resolver: Arc::new(move |fleet, generation| {
                manifest::resolve(&manifests, fleet, generation)
            }),
        };
        let wait = if generation == 1 { self.first_visit_after } else { Duration::ZERO };
        for key in self.engine.accept(accepted) {
            self.queue.add_after(key, wait);
        }
        generation
    }

    /// Visits keys until the controller is told to stop.
    pub async fn work(&self) {
        let settings = WorkerSettings { grace: self.grace, ..WorkerSettings::with_seed(self.seed) };
        let left = crate::runtime::run(&self.queue, settings, &self.stop, |key| {
            let (engine, queue) = (Arc::clone(&self.engine), self.queue.clone());
            let (visits, failures) = (Arc::clone(&self.visits), Arc::clone(&self.failures));
            let (failures_max, settle) = (self.failures_max, self.engine.settle());
            let left = self.ends_at.get().map(|end| end.saturating_sub(self.clock.now()));
            async move {
                let Visited { next, wake } = engine.visit(&key).await;
                visits.fetch_add(1, Ordering::Relaxed);
                for key in wake {
                    match key {
                        // Guardrails come in together; one document takes them all.
                        Key::Organization => queue.add_after(key, settle),
                        Key::Replica(_)
                        | Key::ProfilePolicy(_)
                        | Key::Rollout(_)
                        | Key::Cell(_)
                        | Key::Logging(_)
                        | Key::Audit(_) => {
                            queue.add(key);
                        }
                    }
                }
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                match next {
                    Next::Backoff => {
                        let count = failures.entry(key).or_default();
                        *count += 1;
                        if failures_max.is_some_and(|max| *count >= max) {
                            Requeue::Done
                        } else {
                            Requeue::Backoff
                        }
                    }
                    Next::SlowDown => Requeue::After(THROTTLED_FOR),
                    Next::Done => {
                        failures.remove(&key);
                        Requeue::Done
                    }
                    Next::After(delay) => {
                        failures.remove(&key);
                        // A bake of hours is nothing to wait for with a deadline of minutes.
                        if left.is_some_and(|left| delay > left) {
                            return Requeue::Done;
                        }
                        Requeue::After(delay)
                    }
                }
            }
        })
        .await;
        for key in left {
            tracing::warn!(%key, "abandoned at the end of the grace period");
        }
    }

    /// Tells it to stop, as SIGTERM does: no write starts any more, and [`work`](Self::work) ends once
    /// the visits that run have, or after its grace.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Brings every key back once per round, each at its own moment of it, so that the load is the
    /// same at any time; and the organization more often. Never ends.
    pub async fn resync(&self, rounds: Rounds) {
        tokio::join!(
            self.rounds(rounds.resync),
            self.organization_rounds(rounds.organization.min(rounds.resync)),
            self.heartbeat(rounds.resync),
        );
    }

    async fn rounds(&self, interval: Duration) {
        // A round before the fleet is known would be an empty one.
        self.queue.until(|_| self.engine.desired().generation > 0).await;
        let mut begins = self.clock.now();
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::ResyncLost) {
            return;
        }
        loop {
            let keys = self.engine.keys().into_iter().filter(|key| *key != Key::Organization);
            for (key, turn) in turns(keys, interval) {
                let wait = (begins + turn).saturating_sub(self.clock.now());
                self.queue.add_after(key, wait);
            }
            begins += interval;
            self.clock.sleep_until(begins).await;
        }
    }

    /// How long the organization takes is asked anew at every turn: a process that was paused in the
    /// middle of a visit took long once, and must not be blind for many times as long.
    async fn organization_rounds(&self, interval: Duration) {
        let mut due = self.clock.now();
        let mut visited = due;
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::ResyncLost) {
            return;
        }
        loop {
            due = due.saturating_add(interval);
            self.clock.sleep_until(due).await;
            let rest = self.engine.organization_took().saturating_mul(ORGANIZATION_REST);
            if due.saturating_sub(visited) >= rest {
                self.queue.add(Key::Organization);
                visited = due;
            }
        }
    }

    async fn heartbeat(&self, interval: Duration) {
        let mut visits = 0;
        loop {
            self.clock.sleep(interval).await;
            say_where_things_stand(self);
            // A runtime that turns while no visit ends is not alive.
            if self.visits() > visits {
                super::systemd::alive();
            }
            visits = self.visits();
        }
    }

    /// Visits ended so far.
    pub(super) fn visits(&self) -> u64 {
        self.visits.load(Ordering::Relaxed)
    }

    /// Visits keys until none is due any more, or until `deadline` has passed. Returns what was
    /// left then.
    pub(super) async fn work_until_idle(&self, deadline: Duration) -> Counts {
        self.ends_at.get_or_init(|| self.clock.now() + deadline);
        let idle = async {
            let counts = tokio::select! {
                counts = self.queue.until(Counts::is_idle) => counts,
                () = self.clock.sleep(deadline) => self.queue.counts(),
                // A signal: what is left is left.
                () = self.stop.cancelled() => self.queue.counts(),
            };
            self.stop.cancel();
            counts
        };
        let (counts, ()) = tokio::join!(idle, self.work());
        counts
    }
}

/// Names the endpoint that the environment sets, where nothing answered: it is the likeliest cause,
/// and the error of a refused connection does not say to whom.
fn with_endpoint(error: AwsError) -> anyhow::Error {
    let set = |name: &'static str| Some((name, std::env::var(name).ok()?));
    let endpoint = set("AWS_ENDPOINT_URL_STS").or_else(|| set("AWS_ENDPOINT_URL"));
    match (error.class, endpoint) {
        (ErrorClass::Unavailable, Some((name, endpoint))) => {
            anyhow::Error::new(error).context(format!("no answer from {name} {endpoint}"))
        }
        _ => error.into(),
    }
}
