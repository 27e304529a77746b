//! One simulated AWS on a paused clock, and the processes that work in it one after another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{SharedHttpClient, http_client_fn};
use aws_types::sdk_config::TimeSource;
use bedrail::aws::{Aws, Settings};
use bedrail::cli::{Controller, Pulse, Rounds};
use bedrail::manifest::{self, Manifests, Source};
use bedrail::model::ControlLimits;
use bedrail::plan::Timing;
use bedrail::reconcile::{EngineSettings, Intent, Key};
use bedrail::runtime;
use bedrail::simulator::world::World;
use bedrail::simulator::{Clock, Scenario, Simulator};
use bedrail::status::Phase;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use crate::strike::{Strike, Wire, get, put};

/// The date on which everything begins.
const START: &str = "2026-01-05T10:00:00Z";

/// How often everything is looked at.
pub(crate) const RESYNC: Duration = Duration::from_mins(5);

/// How long it takes until a dead process is replaced.
const DOWN: Duration = Duration::from_secs(3);

/// A world at a moment, from which any number of stages can go on.
#[derive(Clone)]
pub(crate) struct Scene {
    world: World,
    at: Timestamp,
}

impl Scene {
    /// Nobody has done anything.
    pub(crate) fn empty(scenario: &str) -> Self {
        Self::at(&serde_yaml::from_str(scenario).unwrap(), START.parse().unwrap())
    }

    /// As a scenario says, at a date.
    pub(crate) fn at(scenario: &Scenario, at: Timestamp) -> Self {
        let world = scenario.build(1, u64::try_from(at.as_millisecond()).unwrap()).unwrap();
        Self { world, at }
    }
}

/// What is wanted, as the controller reads it and as the referee does.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) manifests: String,
    pub(crate) intent: Value,
}

/// A world that goes on.
pub(crate) struct Stage {
    pub(crate) simulator: Arc<Simulator>,
    clock: runtime::Clock,
    manifests: Arc<Manifests>,
    intent: Value,
    starts: u64,
    /// Calls of all processes so far.
    count: Arc<AtomicUsize>,
}

/// A process that lives.
pub(crate) struct Process {
    pub(crate) controller: Arc<Controller>,
    wire: Wire,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Stage {
    /// Goes on from a scene. The runtime's clock must be paused.
    pub(crate) fn enter(scene: &Scene, wanted: &Wanted) -> Self {
        let clock = runtime::Clock::starting_at(scene.at);
        let wall = clock.clone();
        let simulated =
            Clock::new(Box::new(move || u64::try_from(wall.wall().as_millisecond()).unwrap()));
        let simulator = Arc::new(Simulator::resume(scene.world.clone(), 1, simulated));
        let manifests = Arc::new(parse(&wanted.manifests));
        let (intent, count) = (wanted.intent.clone(), Arc::default());
        Self { simulator, clock, manifests, intent, starts: 0, count }
    }

    /// The world as it is now.
    pub(crate) fn scene(&self) -> Scene {
        Scene { world: self.simulator.world(), at: self.date() }
    }

    /// A process that remembers nothing, until it dies by `strike`. `None`: it did before it had
    /// begun.
    pub(crate) async fn start(
        &mut self,
        intent: Intent,
        strike: Option<Strike>,
    ) -> Option<Process> {
        self.starts += 1;
        self.intent["restarts"] = json!(self.starts);
        put(&self.simulator, "intent", &self.intent).await;
        let wire = self.wire(strike, Arc::clone(&self.count));
        let aws = tokio::select! {
            biased;
            () = wire.died() => return None,
            aws = self.connect(&wire) => aws,
        };
        let seed = self.starts;
        let pulse = Pulse { clock: self.clock.clone(), seed, in_flight: 16 };
        let controller = Arc::new(Controller::new(aws, settings(intent), pulse));
        controller.accept(Arc::clone(&self.manifests));
        let (work, resync) = (Arc::clone(&controller), Arc::clone(&controller));
        let rounds = Rounds { resync: RESYNC, organization: RESYNC };
        let tasks = [
            tokio::spawn(async move { work.work().await }),
            tokio::spawn(async move { resync.resync(rounds).await }),
        ];
        let tasks = tasks.into_iter().map(AbortOnDropHandle::new).collect();
        Some(Process { controller, wire, _tasks: tasks })
    }

    /// As whoever starts processes does: again, for as long as they end at once.
    async fn connect(&self, wire: &Wire) -> Aws {
        loop {
            let settings = Settings { awaits_roles: true, ..Settings::default() };
            let sdk = self.sdk(wire, "AKIATESTMANAGEMENT");
            if let Ok(aws) = Aws::connect_through(settings, sdk).await {
                return aws;
            }
            self.pass(DOWN).await;
        }
    }

    /// Buries a process; the next one may start.
    pub(crate) async fn replace(&self, process: Option<Process>) {
        drop(process);
        self.pass(DOWN).await;
    }

    /// The configuration of somebody else's clients.
    pub(crate) fn by_hand(&self) -> SdkConfig {
        self.sdk(&self.wire(None, Arc::default()), "AKIACONSOLE")
    }

    fn wire(&self, strike: Option<Strike>, count: Arc<AtomicUsize>) -> Wire {
        Wire::new(Arc::clone(&self.simulator), self.clock.clone(), strike, count)
    }

    /// How many calls controllers made so far.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// What the date is.
    pub(crate) fn date(&self) -> Timestamp {
        self.clock.wall()
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Everything that exists, readable.
    pub(crate) async fn world(&self) -> Value {
        get(&self.simulator, "world").await
    }

    /// The operations that controllers called so far, in the order of their effects.
    pub(crate) async fn calls(&self) -> Vec<Call> {
        let log = get(&self.simulator, "calls/log").await;
        let calls = log["calls"].as_array().unwrap().iter();
        calls.filter(|it| it["isController"] == true).map(Call::of).collect()
    }

    /// What the referee holds against the controller.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.simulator.violations().iter().map(|found| format!("{found:?}")).collect()
    }

    fn sdk(&self, wire: &Wire, access_key: &str) -> SdkConfig {
        let connector = wire.connector();
        let client: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
        let credentials = Credentials::new(access_key, "not-a-secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url("http://simulator.test")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(client)
            .time_source(Wall(self.clock.clone()))
            .build()
    }
}

impl Process {
    /// Whether what was to strike it did, if anything was.
    pub(crate) fn is_over(&self) -> bool {
        self.wire.is_over()
    }

    /// Calls that it made so far.
    pub(crate) fn calls(&self) -> usize {
        self.wire.calls()
    }

    /// Lets it live until it dies; `false` if it still does after so long.
    pub(crate) async fn dies_within(&self, stage: &Stage, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.wire.died() => true,
            () = stage.pass(time) => false,
        }
    }

    /// The keys that do not say that they are in sync, and why.
    pub(crate) fn unready(&self) -> Vec<String> {
        let engine = self.controller.engine();
        let outcomes = engine.outcomes();
        let mut wrong: Vec<String> = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.phase() != Phase::InSync)
            .map(|(key, outcome)| format!("{key}: {:?} {:?}", outcome.phase(), outcome.why()))
            .collect();
        let is_unseen = |key: &Key| !outcomes.contains_key(key);
        let keys = engine.keys();
        wrong.extend(keys.iter().filter(|it| is_unseen(it)).map(|it| format!("{it}: unseen")));
        wrong.extend(engine.desired().refusals.iter().map(|it| format!("refused: {it}")));
        wrong
    }
}

/// A call of a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// `bedrock:ListGuardrails`.
    pub(crate) operation: String,
    line: String,
}

impl Call {
    fn of(logged: &Value) -> Self {
        let text = |name: &str| logged[name].as_str().unwrap_or_default().to_owned();
        let operation = text("operation");
        let line = format!("{operation} {} {} {}", text("account"), text("region"), text("code"));
        Self { operation, line: line.trim_end().to_owned() }
    }

    /// Whether it may change what exists.
    pub(crate) fn is_write(&self) -> bool {
        let (service, operation) = self.operation.split_once(':').unwrap();
        let reads = ["List", "Get", "Describe", "ApplyGuardrail", "Converse", "InvokeModel"];
        service != "sts" && !reads.iter().any(|read| operation.starts_with(read))
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

fn settings(intent: Intent) -> EngineSettings {
    EngineSettings {
        owner: "default".parse().unwrap(),
        timing: Timing {
            confirm_after: Duration::from_secs(5),
            own_write_grace: Duration::from_mins(1),
        },
        intent,
        settle: Duration::from_secs(1),
        act_within: Duration::from_mins(1),
        visit_deadline: Duration::from_mins(10),
        controls: ControlLimits::default(),
        sweep: 2 * RESYNC,
        read_back: 4 * RESYNC,
        repeats_tests: true,
    }
}

fn parse(manifests: &str) -> Manifests {
    let source = Source {
        files: BTreeMap::from([("all.yaml".into(), manifests.to_owned())]),
        hash: String::new(),
        searched: Vec::new(),
    };
    let parsed = manifest::parse(&source);
    parsed.manifests.unwrap_or_else(|| panic!("{:?}\n{manifests}", parsed.problems))
}

/// The date for signatures and sessions.
#[derive(Debug)]
struct Wall(runtime::Clock);

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        self.0.wall().into()
    }
}
