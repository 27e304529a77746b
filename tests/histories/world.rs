//! One simulated AWS and the controllers that live and die in it, on one thread and a paused clock.
//!
//! The SDK is the real one; where it would open a connection, its request is handed to the
//! simulator and to the [`Trace`]. A controller dies by its future being dropped, at a moment or at
//! a call: before the call has an effect, or after it and before its answer.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_types::sdk_config::TimeSource;
use axum::http::{Request, Response};
use bedrail::aws::{Aws, Rates, Settings};
use bedrail::cli::{Controller, Pulse, Rounds};
use bedrail::manifest::Manifests;
use bedrail::model::ControlLimits;
use bedrail::plan::Timing;
use bedrail::reconcile::{EngineSettings, Intent};
use bedrail::runtime;
use bedrail::simulator::{Clock, Scenario, Simulator};
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::AbortOnDropHandle;

use crate::disk::Disk;
use crate::spoiler::{self, Fate, Spoiler};
use crate::trace::{Entry, Trace};

/// The date of every history.
const START: &str = "2026-01-05T10:00:00Z";

/// How long every answer of AWS takes.
pub(crate) const LATENCY: Duration = Duration::from_millis(50);

/// How often everything is looked at.
pub(crate) const RESYNC: Duration = Duration::from_mins(5);

/// Before or after the effect of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
    /// After the effect of a write; reads are not counted.
    AfterWrite,
    /// The call goes through: somebody only wants to know that it is made.
    Through,
}

/// What makes a controller die at a call.
#[derive(Default)]
pub(crate) struct Fuse {
    /// Calls that still pass, and the moment of the next; once blown, no call is answered any more.
    state: Mutex<Option<(u64, Moment)>>,
    blown: Mutex<bool>,
    notify: Notify,
}

impl Fuse {
    fn strike(&self, is_write: impl FnOnce() -> bool) -> Option<Moment> {
        let mut state = self.state.lock().unwrap();
        match state.as_mut() {
            Some((_, Moment::AfterWrite)) if !is_write() => None,
            Some((0, Moment::Through)) => {
                *state = None;
                self.notify.notify_one();
                None
            }
            Some((0, moment)) => {
                *self.blown.lock().unwrap() = true;
                self.notify.notify_one();
                Some(*moment)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }

    fn is_blown(&self) -> bool {
        *self.blown.lock().unwrap()
    }
}

/// A controller that lives.
pub(crate) struct Running {
    pub(crate) controller: Arc<Controller>,
    fuse: Arc<Fuse>,
    /// By which the trace knows it.
    pub(crate) who: String,
    work: AbortOnDropHandle<()>,
    _resync: AbortOnDropHandle<()>,
}

impl Running {
    /// Whether it has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.work.is_finished()
    }
}

/// In what a process differs from the usual one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind<'a> {
    pub(crate) instance: &'a str,
    pub(crate) intent: Intent,
    /// Seconds by which its clock is ahead.
    pub(crate) ahead: i64,
    /// Whether it has the disk of this history.
    pub(crate) has_disk: bool,
    pub(crate) resync: Duration,
}

impl Kind<'_> {
    /// The one controller that there should be.
    pub(crate) fn usual() -> Self {
        Self {
            instance: "default",
            intent: Intent::Converge,
            ahead: 0,
            has_disk: true,
            resync: RESYNC,
        }
    }
}

/// The world of one history.
pub(crate) struct World {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) trace: Arc<Trace>,
    pub(crate) clock: runtime::Clock,
    pub(crate) spoiler: Arc<Mutex<Spoiler>>,
    /// Where the journal is, in histories in which there is one.
    pub(crate) disk: Option<Disk>,
    seed: u64,
    /// Controllers started so far.
    starts: u64,
    /// How many of them began beside another.
    pub(crate) beside: u64,
}

impl World {
    /// A world in which nobody has done anything. The runtime's clock must be paused.
    pub(crate) fn new(scenario: &Value, seed: u64) -> Self {
        let scenario: Scenario = serde_json::from_value(scenario.clone()).unwrap();
        let clock = runtime::Clock::starting_at(START.parse().unwrap());
        let simulator = Simulator::new(&scenario, seed, Duration::ZERO, simulated(&clock)).unwrap();
        Self {
            simulator: Arc::new(simulator),
            trace: Arc::default(),
            clock,
            spoiler: Arc::default(),
            disk: None,
            seed,
            starts: 0,
            beside: 0,
        }
    }

    /// How often a process has taken the place of another.
    pub(crate) fn restarts(&self) -> u64 {
        self.starts - self.beside
    }

    /// A new process: it remembers nothing. `None` where AWS does not tell it who it is.
    pub(crate) async fn start(
        &mut self,
        instance: &str,
        intent: Intent,
        manifests: Option<Manifests>,
    ) -> Option<Running> {
        let has_disk = instance == "default" && intent == Intent::Converge;
        self.start_as(Kind { instance, intent, has_disk, ..Kind::usual() }, manifests).await
    }

    /// The same, of this kind.
    pub(crate) async fn start_as(
        &mut self,
        kind: Kind<'_>,
        manifests: Option<Manifests>,
    ) -> Option<Running> {
        self.starts += 1;
        let fuse = Arc::new(Fuse::default());
        let settings = Settings {
            rates: Rates::Documented,
            instance: kind.instance.to_owned(),
            ..Settings::default()
        };
        let who = format!("bedrail-{}", self.starts);
        let wall = self.clock.wall().saturating_add(SignedDuration::from_secs(kind.ahead)).unwrap();
        let clock = runtime::Clock::starting_at(wall);
        let aws = self.connect(settings, (&who, &clock), &fuse).await?;
        let engine = EngineSettings {
            owner: "default".parse().unwrap(),
            timing: Timing {
                confirm_after: Duration::from_secs(5),
                own_write_grace: Duration::from_mins(1),
            },
            intent: kind.intent,
            settle: Duration::from_secs(1),
            act_within: Duration::from_mins(1),
            visit_deadline: Duration::from_mins(10),
            controls: ControlLimits::default(),
            repeats_tests: true,
            sweep: 2 * kind.resync,
            read_back: 4 * kind.resync,
        };
        let seed = self.seed.wrapping_add(self.starts);
        let controller = Controller::new(aws, engine, Pulse { clock, seed, in_flight: 16 });
        if kind.has_disk {
            self.keep_journal(&controller).await;
        }
        let controller = Arc::new(controller);
        if let Some(manifests) = manifests {
            controller.accept(Arc::new(manifests));
        }
        let (worker, resync) = (Arc::clone(&controller), Arc::clone(&controller));
        let rounds = Rounds { resync: kind.resync, organization: kind.resync };
        let work = tokio::spawn(async move { worker.work().await });
        let resync = tokio::spawn(async move { resync.resync(rounds).await });
        let (work, resync) = (AbortOnDropHandle::new(work), AbortOnDropHandle::new(resync));
        Some(Running { controller, fuse, who, work, _resync: resync })
    }

    /// A process that has just died lets go of its files a moment later.
    async fn keep_journal(&self, controller: &Controller) {
        let Some(disk) = &self.disk else { return };
        for _ in 0..50 {
            if let Some(journal) = disk.open(&self.clock).await {
                controller.engine().keep_journal(journal);
                return;
            }
            self.pass(Duration::from_secs(1)).await;
        }
        panic!("the journal is held by somebody who died");
    }

    /// As the binary does, a few times.
    async fn connect(
        &self,
        settings: Settings,
        (who, clock): (&str, &runtime::Clock),
        fuse: &Arc<Fuse>,
    ) -> Option<Aws> {
        for attempt in 0..5_u64 {
            let sdk = self.sdk(who, clock, fuse);
            if let Ok(aws) = Aws::connect_through(settings.clone(), sdk).await {
                return Some(aws);
            }
            self.pass(Duration::from_secs(1 << attempt)).await;
        }
        None
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// Lets a controller live until it has made `calls` more calls, or for `time`. Whether it died.
    pub(crate) async fn kill(
        &self,
        running: Running,
        (calls, moment): (u64, Moment),
        time: Duration,
    ) -> Option<Running> {
        *running.fuse.state.lock().unwrap() = Some((calls, moment));
        tokio::select! {
            biased;
            () = running.fuse.notify.notified() => None,
            () = self.pass(time) => {
                *running.fuse.state.lock().unwrap() = None;
                if running.fuse.is_blown() { None } else { Some(running) }
            }
        }
    }

    /// Waits until a controller has made `calls` more calls, or for `time`. Whether it has.
    pub(crate) async fn until_call(&self, running: &Running, calls: u64, time: Duration) -> bool {
        *running.fuse.state.lock().unwrap() = Some((calls, Moment::Through));
        let is_made = tokio::select! {
            biased;
            () = running.fuse.notify.notified() => true,
            () = self.pass(time) => false,
        };
        *running.fuse.state.lock().unwrap() = None;
        is_made
    }

    /// A document below `/_simulator/`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        match path {
            "world" => self.simulator.dump(),
            _ => self.administer("GET", path, &Value::Null).await,
        }
    }

    /// Puts a document below `/_simulator/`.
    pub(crate) async fn put(&self, path: &str, document: &Value) -> Value {
        self.administer("PUT", path, document).await
    }

    async fn administer(&self, method: &str, path: &str, document: &Value) -> Value {
        administer(&self.simulator, method, path, document).await
    }

    fn sdk(&self, who: &str, clock: &runtime::Clock, fuse: &Arc<Fuse>) -> SdkConfig {
        let handed = Handed {
            line: self.line(who),
            fuse: Arc::clone(fuse),
            spoiler: Arc::clone(&self.spoiler),
        };
        let connector = SharedHttpConnector::new(handed);
        let client: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
        let credentials =
            Credentials::new("AKIATESTMANAGEMENT", "not-a-secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url("http://simulator.test")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(client)
            .time_source(Wall(clock.clone()))
            .build()
    }

    /// The way of somebody's requests to AWS.
    pub(crate) fn line(&self, who: &str) -> Line {
        Line {
            simulator: Arc::clone(&self.simulator),
            trace: Arc::clone(&self.trace),
            clock: self.clock.clone(),
            who: who.to_owned(),
        }
    }
}

async fn administer(simulator: &Simulator, method: &str, path: &str, document: &Value) -> Value {
    let body = if document.is_null() { String::new() } else { document.to_string() };
    let request = Request::builder()
        .method(method)
        .uri(format!("/_simulator/{path}"))
        .header("host", "127.0.0.1")
        .body(Bytes::from(body))
        .unwrap();
    let response = simulator.handle(request).await;
    assert!(response.status().is_success(), "{method} {path}: {:?}", response.body());
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

/// The simulator's clock, as the controller's wall goes.
fn simulated(clock: &runtime::Clock) -> Clock {
    let clock = clock.clone();
    Clock::new(Box::new(move || u64::try_from(clock.wall().as_millisecond()).unwrap()))
}

/// The date for signatures and sessions.
#[derive(Debug)]
struct Wall(runtime::Clock);

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        self.0.wall().into()
    }
}

/// Takes requests to the simulator and writes down what came of them.
#[derive(Clone)]
pub(crate) struct Line {
    simulator: Arc<Simulator>,
    trace: Arc<Trace>,
    clock: runtime::Clock,
    who: String,
}

impl Line {
    /// One request. It goes on, and is written down, if nobody waits for the answer any more.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let (answer, answered) = oneshot::channel();
        let line = self.clone();
        drop(tokio::spawn(async move {
            let response = line.exchange(request).await;
            answer.send(response).ok();
        }));
        answered.await.ok()
    }

    async fn exchange(&self, request: Request<Bytes>) -> Response<Bytes> {
        let at = self.clock.now();
        let entry = Entry::of(at, &self.who, &request);
        let before = entry.is_write().then(|| self.fingerprint());
        let mut answer = pin!(self.simulator.handle(request));
        // The effect of a call is in the first poll of its answer; the rest is waiting.
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(answer.as_mut().poll(context)))
                .await;
        let has_effect = match before {
            Some(before) => before != self.fingerprint(),
            None => false,
        };
        let index = self.trace.begin(Entry { has_effect, ..entry });
        let response = match first {
            std::task::Poll::Ready(response) => response,
            std::task::Poll::Pending => answer.await,
        };
        self.trace.end(index, &response);
        self.clock.sleep(LATENCY).await;
        response
    }

    /// Everything that a write can change, but for what takes effect by time alone.
    fn fingerprint(&self) -> Value {
        let mut seen = self.simulator.dump();
        for account in seen["accounts"].as_object_mut().unwrap().values_mut() {
            account["effectiveBedrockPolicy"] = Value::Null;
            account["effectivePolicyErrors"] = Value::Null;
        }
        seen
    }

    /// Writes down a request that never arrived, and what was answered instead.
    fn refuse(&self, request: &Request<Bytes>, refusal: &Response<Bytes>) {
        let index = self.trace.begin(Entry::of(self.clock.now(), &self.who, request));
        self.trace.end(index, refusal);
    }
}

/// A connection that is a function call.
#[derive(Clone)]
struct Handed {
    line: Line,
    fuse: Arc<Fuse>,
    spoiler: Arc<Mutex<Spoiler>>,
}

impl Handed {
    /// What the client gets; `None` if that is a broken connection.
    async fn sent(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let fate = self.spoiler.lock().unwrap().sends(&request);
        let is_list = spoiler::is_list(&request);
        match fate {
            Fate::Passes => {
                let Some(response) = self.line.send(request).await else {
                    return std::future::pending().await;
                };
                let at = self.line.clock.now();
                Some(self.spoiler.lock().unwrap().answers(at, is_list, response))
            }
            Fate::Refused(refusal) => {
                self.line.refuse(&request, &refusal);
                self.line.clock.sleep(LATENCY).await;
                Some(refusal)
            }
            Fate::Breaks { arrives } => {
                if arrives {
                    self.line.send(request).await;
                }
                None
            }
        }
    }
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handed")
    }
}

impl HttpConnector for Handed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let handed = self.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|it| ConnectorError::user(it.into()))?;
            let request =
                request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            if handed.fuse.is_blown() {
                return std::future::pending().await;
            }
            let is_write = || Entry::of(Duration::ZERO, "", &request).is_write();
            match handed.fuse.strike(is_write) {
                Some(Moment::Before) => return std::future::pending().await,
                Some(Moment::After | Moment::AfterWrite | Moment::Through) => {
                    handed.line.exchange(request).await;
                    return std::future::pending().await;
                }
                None => {}
            }
            let Some(response) = handed.sent(request).await else {
                return Err(ConnectorError::io("the connection broke".into()));
            };
            let response = response.map(SdkBody::from);
            response.try_into().map_err(|error: aws_smithy_runtime_api::http::HttpError| {
                ConnectorError::other(error.into(), None)
            })
        })
    }
}

/// An empty plan of faults.
pub(crate) fn no_faults() -> Value {
    json!({"seed": 0, "faults": []})
}
