//! Controller and simulator in one process, on a paused clock: hours pass in seconds.
//!
//! The SDK is the real one; where it would open a connection, its request is handed to the
//! simulator.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_types::sdk_config::TimeSource;
use bedrail::aws::{Aws, Settings};
use bedrail::cli::{Controller, Pulse, Rounds};
use bedrail::manifest::{self, Source};
use bedrail::model::ControlLimits;
use bedrail::plan::Timing;
use bedrail::reconcile::{EngineSettings, Intent};
use bedrail::runtime;
use bedrail::simulator::{Clock, Scenario, Simulator};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The date of every history.
const START: &str = "2026-01-05T10:00:00Z";

/// A world with one controller in it.
pub(crate) struct InProcess {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) controller: Arc<Controller>,
    clock: runtime::Clock,
    tasks: Vec<JoinHandle<()>>,
}

/// Settings that some histories have otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) visit_deadline: Duration,
    pub(crate) act_within: Duration,
    pub(crate) start_jitter: Duration,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            visit_deadline: Duration::from_mins(10),
            act_within: Duration::from_mins(1),
            start_jitter: Duration::ZERO,
        }
    }
}

impl InProcess {
    /// Starts both; nothing is visited before the controller works. The runtime's clock must be
    /// paused.
    pub(crate) async fn start(scenario: &str, manifests: &str, seed: u64) -> Self {
        Self::start_as(scenario, manifests, seed, Variant::default()).await
    }

    /// The same with other settings.
    pub(crate) async fn start_as(
        scenario: &str,
        manifests: &str,
        seed: u64,
        variant: Variant,
    ) -> Self {
        let scenario: Scenario = serde_yaml::from_str(scenario).unwrap();
        let clock = runtime::Clock::starting_at(START.parse().unwrap());
        let simulator =
            Simulator::new(&scenario, seed, Duration::from_millis(50), simulated(&clock)).unwrap();
        let simulator = Arc::new(simulator);
        let settings = Settings { awaits_roles: true, ..Settings::default() };
        let aws = Aws::connect_through(settings, sdk(&simulator, &clock)).await.unwrap();
        let engine = EngineSettings {
            owner: "default".parse().unwrap(),
            timing: Timing {
                confirm_after: Duration::from_secs(5),
                own_write_grace: Duration::from_mins(1),
            },
            intent: Intent::Converge,
            settle: Duration::from_secs(1),
            act_within: variant.act_within,
            visit_deadline: variant.visit_deadline,
            controls: ControlLimits::default(),
            sweep: Duration::from_mins(15),
            read_back: Duration::from_hours(24),
            repeats_tests: true,
        };
        let controller =
            Controller::new(aws, engine, Pulse { clock: clock.clone(), seed, in_flight: 64 });
        let controller = Arc::new(controller.starting_within(variant.start_jitter));
        let world = Self { simulator, controller, clock, tasks: Vec::new() };
        world.accept(manifests);
        world.put("intent", &json!({"owner": "default"})).await;
        world
    }

    /// Puts manifests in force; returns their generation.
    pub(crate) fn accept(&self, manifests: &str) -> u64 {
        let source = Source {
            files: BTreeMap::from([(PathBuf::from("all.yaml"), manifests.to_owned())]),
            hash: String::new(),
            searched: Vec::new(),
        };
        let parsed = manifest::parse(&source);
        let manifests = parsed.manifests.unwrap_or_else(|| panic!("{:?}", parsed.problems));
        self.controller.accept(Arc::new(manifests))
    }

    /// The configuration of somebody else's clients.
    pub(crate) fn by_hand(&self) -> SdkConfig {
        sdk(&self.simulator, &self.clock)
    }

    /// Waits until `condition` is true, looking `every` so often; panics after `within`. Returns how
    /// long it took.
    pub(crate) async fn until(
        &self,
        (every, within): (Duration, Duration),
        mut condition: impl FnMut(&Self) -> bool,
    ) -> Duration {
        let began = self.clock.now();
        while !condition(self) {
            let passed = self.clock.now().saturating_sub(began);
            assert!(passed <= within, "after {passed:?}: {:?}", self.controller.engine().summary());
            self.clock.sleep(every).await;
        }
        self.clock.now().saturating_sub(began)
    }

    /// Calls since they were forgotten, by operation.
    pub(crate) async fn by_operation(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.get("calls").await["byOperation"].clone()).unwrap()
    }

    /// Lets the controller work, and look at everything every `resync`, from now on.
    pub(crate) fn run(&mut self, resync: Duration) {
        let rounds = Rounds { resync, organization: Duration::from_mins(1) };
        let controller = Arc::clone(&self.controller);
        self.tasks.push(tokio::spawn(async move { controller.work().await }));
        let controller = Arc::clone(&self.controller);
        self.tasks.push(tokio::spawn(async move { controller.resync(rounds).await }));
    }

    /// Runs something beside.
    pub(crate) fn also(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(work));
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// A document below `/_simulator/`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.exchange("GET", path, &Value::Null).await
    }

    /// Puts a document below `/_simulator/`.
    pub(crate) async fn put(&self, path: &str, document: &Value) -> Value {
        self.exchange("PUT", path, document).await
    }

    /// Forgets the calls counted so far.
    pub(crate) async fn forget_calls(&self) {
        self.exchange("DELETE", "calls", &Value::Null).await;
    }

    /// Calls since they were forgotten.
    pub(crate) async fn calls(&self) -> u64 {
        self.get("calls").await["total"].as_u64().unwrap()
    }

    /// Calls since they were forgotten that change something.
    pub(crate) async fn writes(&self) -> Vec<String> {
        let operations = self.get("calls").await["byOperation"].clone();
        let operations: BTreeMap<String, u64> = serde_json::from_value(operations).unwrap();
        let is_read = |name: &str| {
            let operation = name.split_once(':').unwrap().1;
            ["Get", "List", "Describe", "AssumeRole"].iter().any(|it| operation.starts_with(it))
        };
        operations.into_keys().filter(|name| !is_read(name)).collect()
    }

    async fn exchange(&self, method: &str, path: &str, document: &Value) -> Value {
        let body = if document.is_null() { String::new() } else { document.to_string() };
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/_simulator/{path}"))
            .header("host", "127.0.0.1")
            .body(bytes::Bytes::from(body))
            .unwrap();
        let response = self.simulator.handle(request).await;
        assert!(response.status().is_success(), "{method} {path}: {:?}", response.body());
        serde_json::from_slice(response.body()).unwrap_or(Value::Null)
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        let violations = self.simulator.violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "the referee saw violations: {violations:#?}");
        }
    }
}

/// The simulator's clock, as the controller's wall goes.
fn simulated(clock: &runtime::Clock) -> Clock {
    let clock = clock.clone();
    Clock::new(Box::new(move || u64::try_from(clock.wall().as_millisecond()).unwrap()))
}

fn sdk(simulator: &Arc<Simulator>, clock: &runtime::Clock) -> SdkConfig {
    let connector = SharedHttpConnector::new(Handed(Arc::clone(simulator)));
    let client: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url("http://simulator.test")
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
            Credentials::new("AKIATESTMANAGEMENT", "not-a-secret", None, None, "test"),
        ))
        .http_client(client)
        .time_source(Wall(clock.clone()))
        .build()
}

/// The date for signatures and sessions.
#[derive(Debug)]
struct Wall(runtime::Clock);

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        self.0.wall().into()
    }
}

/// A connection that is a function call.
#[derive(Clone)]
struct Handed(Arc<Simulator>);

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handed")
    }
}

impl HttpConnector for Handed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let simulator = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|it| ConnectorError::user(it.into()))?;
            let request =
                request.map(|body| bytes::Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = simulator.handle(request).await;
            let response = response.map(SdkBody::from);
            response.try_into().map_err(|error: aws_smithy_runtime_api::http::HttpError| {
                ConnectorError::other(error.into(), None)
            })
        })
    }
}
