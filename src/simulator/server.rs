//! The simulator as a whole, and its HTTP edge.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::http::header::DATE;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::call::Millis;
use super::clock::Clock;
use super::dispatch::State;
use super::events;
use super::referee::Violation;
use super::scenario::{Scenario, ScenarioError};
use super::world::World;
use super::{Options, admin, wire};

/// The largest body an AWS service of ours takes, with room to spare.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How often a long poll looks whether a message came back.
const LOOK_EVERY_MS: u64 = 1_000;

/// A running AWS. Calls are answered one at a time, as the world is one value; only the waiting
/// (latency, faults) happens side by side.
pub struct Simulator {
    state: Mutex<State>,
    clock: Clock,
    latency: Duration,
    /// Fires after each call, for those who wait for a message.
    changed: Notify,
}

impl Simulator {
    /// Builds the world of `scenario`.
    pub fn new(
        scenario: &Scenario,
        seed: u64,
        latency: Duration,
        clock: Clock,
    ) -> Result<Self, ScenarioError> {
        let world = scenario.build(seed, clock.now())?;
        Ok(Self {
            state: Mutex::new(State::new(world, seed)),
            clock,
            latency,
            changed: Notify::new(),
        })
    }

    /// Goes on from a world that another simulator ended in. Faults, counts and what the referee
    /// remembers start anew.
    pub fn resume(world: World, seed: u64, clock: Clock) -> Self {
        let (latency, changed) = (Duration::ZERO, Notify::new());
        Self { state: Mutex::new(State::new(world, seed)), clock, latency, changed }
    }

    /// What the command line asks for, on the machine's clock.
    pub fn from_options(options: &Options) -> Result<Self, ScenarioError> {
        let mut scenario = match &options.scenario {
            Some(path) => Scenario::read(path)?,
            None => Scenario::generate(options.accounts, options.units, options.seed),
        };
        scenario.partition.get_or_insert_with(|| options.partition.clone());
        Self::new(&scenario, options.seed, options.latency, Clock::system())
    }

    /// Answers one request, of an AWS client or to `/_simulator/`.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if let Some(path) = request.uri().path().strip_prefix("/_simulator/") {
            let path = path.to_owned();
            return admin::answer(self, &path, &request);
        }
        if events::is_addressed(&request) {
            self.until_event(events::long_poll(&request)).await;
            return self.answer_queue(&request);
        }
        let (response, hold) = self.answer(&request);
        // A write may have put a record into the queue.
        self.changed.notify_waiters();
        hold_back(hold + self.latency).await;
        response
    }

    /// The simulated time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The world as it is.
    pub fn world(&self) -> World {
        self.lock().world().clone()
    }

    /// The same as `GET /_simulator/world` has it, for those who share its memory.
    pub fn dump(&self) -> Value {
        admin::dump_of(self)
    }

    /// What the referee found.
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().referee().violations().to_vec()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer_queue(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut state = self.lock();
        let request_id = state.request_id();
        let at = self.clock.now();
        let (name, response) = events::answer(state.events_mut(), request, &request_id, at);
        state.calls_mut().count(name);
        drop(state);
        self.changed.notify_waiters();
        response
    }

    /// Waits until a message can be received, for so many milliseconds at most.
    async fn until_event(&self, milliseconds: Millis) {
        let ends = self.clock.now().saturating_add(milliseconds);
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = self.clock.now();
            if now >= ends || self.lock().events_mut().has_visible(now) {
                return;
            }
            // A message that was received comes back without a word.
            let left = Duration::from_millis((ends - now).min(LOOK_EVERY_MS));
            tokio::select! {
                () = changed => {}
                () = hold_back(left) => {}
            }
        }
    }

    fn answer(&self, request: &Request<Bytes>) -> (Response<Bytes>, Duration) {
        match wire::decode(request) {
            Ok(decoded) => {
                let (service, operation) = (decoded.service, decoded.operation);
                let mut state = self.lock();
                let request_id = state.request_id();
                let at = self.clock.now();
                let (answer, hold) = state.answer(decoded, at);
                let ahead_s = state.world().switches.clock_ahead_s;
                drop(state);
                let mut response = wire::encode(service, operation, answer, &request_id);
                let date = http_date(at, ahead_s);
                response.headers_mut().extend(date.map(|date| (DATE, date)));
                (response, hold)
            }
            Err(refused) => {
                let request_id = self.lock().request_id();
                let answer = Err(refused.failure);
                (wire::encode(refused.service, "", answer, &request_id), Duration::ZERO)
            }
        }
    }
}

/// `Sat, 21 Nov 2026 07:00:00 GMT`, so many seconds from `at`.
fn http_date(at: Millis, ahead_s: i64) -> Option<HeaderValue> {
    let seconds = i64::try_from(at / 1_000).ok()?.checked_add(ahead_s)?;
    let date = jiff::Timestamp::from_second(seconds).ok()?;
    HeaderValue::from_str(&date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// Serves `simulator` until `shutdown`.
///
/// # Errors
///
/// `InvalidInput` for a listener beyond loopback: this AWS believes every access key.
pub async fn serve(
    simulator: Arc<Simulator>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let message = format!(
            "refused to listen on {address}: the simulator believes every access key, so it listens on loopback only (127.0.0.1 or ::1)"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let router = Router::new().fallback(bridge).with_state(simulator);
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

async fn bridge(
    Shared(simulator): Shared<Arc<Simulator>>,
    request: Request<Body>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    simulator.handle(Request::from_parts(head, body)).await.map(Body::from)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one wait of the simulator: latency and held answers, which decide nothing"
)]
async fn hold_back(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
