//! A stage for behaviour tests: a simulated AWS over real HTTP, the real binary, and a foreign
//! administrator with the real SDK. Every stage fails its test on any violation the referee saw.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of the stage")]
#![expect(clippy::panic, reason = "a panic is the failure of a test")]

mod by_hand;
mod console;
pub(crate) mod film;
mod finished;
pub(crate) mod in_process;
mod manifests;
pub(crate) mod members;
mod patience;
pub(crate) mod recorder;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bedrail::simulator::{Clock, Scenario, Simulator, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use by_hand::bare_document;
pub(crate) use console::words;
pub(crate) use finished::Finished;
pub(crate) use manifests::*;
pub(crate) use patience::{PATIENCE, within};

/// Management, two units, four members; statuses settle in a few milliseconds.
pub(crate) const SMALL: &str = r#"
organization: {id: o-exampleorg, rootId: r-test}
managementAccount: {id: "100000000001", name: management}
units:
  - name: Workloads
    id: ou-test-workload
    accounts:
      - {id: "310000000001", name: shop, tags: {environment: production}}
      - {id: "310000000002", name: search, tags: {environment: development}}
  - name: Sandbox
    id: ou-test-sandbox0
    accounts:
      - {id: "410000000001", name: ada}
      - {id: "410000000004", name: gone, state: SUSPENDED}
switches: {ready_delay_ms: 30, effective_policy_delay_ms: 20, policy_type_delay_ms: 20}
"#;

/// The accounts of [`SMALL`]: management, two below Workloads, one below Sandbox and a suspended one.
pub(crate) const MANAGEMENT: &str = "100000000001";
pub(crate) const SHOP: &str = "310000000001";
pub(crate) const SEARCH: &str = "310000000002";
pub(crate) const ADA: &str = "410000000001";
pub(crate) const GONE: &str = "410000000004";

/// The Regions of [`EVERYTHING`].
pub(crate) const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

/// One test's world.
pub(crate) struct Stage {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    /// Beside the manifests, whose folder is watched.
    logs: TempDir,
    /// Lines of the log that were there before what a test is about.
    lines_before: usize,
    environment: BTreeMap<&'static str, String>,
    partition: String,
    intent: Value,
    restarts: u64,
    stop: CancellationToken,
    children: Vec<Child>,
}

impl Stage {
    /// Starts a simulator with a scenario. The referee is told who we are and that nothing may lose
    /// its protection, until [`intend`](Self::intend) says otherwise.
    pub(crate) async fn start(scenario: &str) -> Self {
        Self::open(simulator(scenario), |simulator, listener, stop| {
            tokio::spawn(serve(simulator, listener, stop));
        })
        .await
    }

    /// The same before a camera.
    pub(crate) async fn filmed(simulator: Arc<Simulator>) -> (Self, Arc<film::Film>) {
        let mut film = None;
        let stage = Self::open(simulator, |simulator, listener, stop| {
            let camera = Arc::new(film::Film::new(simulator));
            tokio::spawn(Arc::clone(&camera).serve(listener, stop));
            film = Some(camera);
        })
        .await;
        (stage, film.unwrap())
    }

    /// The same beside a recorder of every request.
    pub(crate) async fn recorded(scenario: &str) -> (Self, recorder::Recorder) {
        let recorder = recorder::Recorder::default();
        let stage = Self::open(simulator(scenario), |simulator, listener, stop| {
            tokio::spawn(recorder.clone().serve(simulator, listener, stop));
        })
        .await;
        (stage, recorder)
    }

    async fn open(
        simulator: Arc<Simulator>,
        serve: impl FnOnce(Arc<Simulator>, TcpListener, CancellationToken),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        serve(Arc::clone(&simulator), listener, stop.clone());
        let environment = [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIATESTMANAGEMENT"),
            ("AWS_SECRET_ACCESS_KEY", "not-a-secret"),
            ("AWS_REGION", "us-east-1"),
            // Many run at once.
            ("BEDRAIL_LISTEN", "127.0.0.1:0"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("BEDRAIL_CONFIRM_AFTER", "40ms"),
            ("BEDRAIL_SETTLE", "10ms"),
            ("BEDRAIL_START_JITTER", "0s"),
            ("BEDRAIL_OWN_WRITE_GRACE", "100ms"),
            ("BEDRAIL_RATES", "unlimited"),
            ("BEDRAIL_SWEEP", "0s"),
            ("BEDRAIL_READ_BACK", "0s"),
            ("NO_COLOR", "1"),
        ];
        let mut environment: BTreeMap<&str, String> =
            environment.map(|(name, value)| (name, value.to_owned())).into();
        // A bug that is planted here is planted in the binary.
        environment.extend(std::env::var("BEDRAIL_PLANTED").map(|it| ("BEDRAIL_PLANTED", it)));
        let partition = simulator.world().partition;
        let stage = Self {
            simulator,
            url: url.clone(),
            folder: tempfile::tempdir().unwrap(),
            logs: tempfile::tempdir().unwrap(),
            lines_before: 0,
            environment,
            partition,
            intent: json!({"owner": "default"}),
            restarts: 0,
            stop,
            children: Vec::new(),
        };
        stage.tell_intent().await;
        stage
    }

    /// Writes a manifest file.
    pub(crate) fn manifest(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Removes a manifest file.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    /// Sets a variable of the binary's environment.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.insert(name, value.to_owned());
    }

    /// Takes a variable out of the binary's environment.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.remove(name);
    }

    /// Adds to what the referee is told, in its own words; see the simulator's `intent`.
    pub(crate) async fn intend(&mut self, more: Value) {
        for (name, value) in more.as_object().unwrap() {
            self.intent[name] = value.clone();
        }
        self.tell_intent().await;
    }

    /// Says that everything may be taken away.
    pub(crate) async fn intend_removal(&mut self) {
        self.intend(json!({"removals": ["all"], "approvedLosses": 1000})).await;
    }

    async fn tell_intent(&self) {
        let mut intent = self.intent.clone();
        intent["restarts"] = json!(self.restarts);
        self.put("intent", &intent).await;
    }

    /// Changes some switches of the simulator; the others stay.
    pub(crate) async fn switch(&self, change: &Value) {
        let mut switches = self.get("switches").await;
        for (name, value) in change.as_object().unwrap() {
            switches[name] = value.clone();
        }
        self.put("switches", &switches).await;
    }

    /// Puts faults in force; an empty list ends them.
    pub(crate) async fn faults(&self, faults: Value) {
        self.put("faults", &json!({"seed": 7, "faults": faults})).await;
    }

    /// The real binary, pointed at this stage, with delays fit for a test.
    pub(crate) fn bedrail(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command.args(arguments).arg("-f").arg(self.folder.path());
        command.env_clear().envs(&self.environment);
        command
    }

    /// Runs a command of the binary to its end, off the runtime that serves the simulator.
    pub(crate) async fn finish(&mut self, arguments: &[&str]) -> Finished {
        self.restarts += 1;
        self.tell_intent().await;
        let mut command = self.bedrail(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Finished::of(&output)
    }

    /// Runs a command of the binary that takes no manifests to its end.
    pub(crate) async fn command(&mut self, arguments: &[&str]) -> Finished {
        self.restarts += 1;
        self.tell_intent().await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command.args(arguments).env_clear().envs(&self.environment);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Finished::of(&output)
    }

    /// `apply`, which must end with `code`.
    pub(crate) async fn apply(&mut self, code: i32) -> Finished {
        let done = self.finish(&["apply", "--wait", "60s"]).await;
        assert_eq!(done.code, code, "apply ended otherwise\n{done}");
        done
    }

    /// `apply` of what takes much away: the change guard holds it, its `Approval` releases it.
    pub(crate) async fn apply_with_approval(&mut self) -> Finished {
        let held = self.apply(3).await;
        held.line(&["held (ChangeGuard)"]);
        self.manifest("approval.yaml", &held.approval());
        let done = self.apply(0).await;
        self.remove("approval.yaml");
        done
    }

    /// `plan --detailed-exitcode`, which must end with `code`.
    pub(crate) async fn plan(&mut self, code: i32) -> Finished {
        let done = self.finish(&["plan", "--detailed-exitcode"]).await;
        assert_eq!(done.code, code, "plan ended otherwise\n{done}");
        done
    }

    /// `validate`, which must end with `code`.
    pub(crate) async fn validate(&mut self, code: i32) -> Finished {
        let done = self.finish(&["validate"]).await;
        assert_eq!(done.code, code, "validate ended otherwise\n{done}");
        done
    }

    /// `import` into the folder of the manifests, which must end with `code`.
    pub(crate) async fn import(&mut self, arguments: &[&str], code: i32) -> Finished {
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let command = [&["import", "--output-dir", &folder][..], arguments].concat();
        let done = self.command(&command).await;
        assert_eq!(done.code, code, "import ended otherwise\n{done}");
        done
    }

    /// Nothing is left to do: `plan` says so and `apply` makes no write.
    pub(crate) async fn assert_at_rest(&mut self) {
        self.plan(0).await;
        self.forget_calls().await;
        self.apply(0).await;
        assert_eq!(self.writes().await, Vec::<String>::new(), "apply at rest wrote something");
    }

    /// Starts `run` with a short resync; killed when the stage ends.
    pub(crate) async fn run(&mut self) {
        self.restarts += 1;
        self.tell_intent().await;
        // The file begins anew.
        self.lines_before = 0;
        let log = std::fs::File::create(self.logs.path().join("run.log")).unwrap();
        let child = self
            .bedrail(&["run", "--resync", "300ms", "--settle-files", "50ms"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.children.push(child);
    }

    /// The process of `run`.
    pub(crate) fn running(&mut self) -> &mut Child {
        self.children.last_mut().unwrap()
    }

    /// Kills `run` as a lost machine would.
    pub(crate) fn kill(&mut self) {
        for mut child in self.children.drain(..) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What `run` has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.logs.path().join("run.log")).unwrap_or_default()
    }

    /// Forgets what `run` has logged so far: [`logged`](Self::logged) must not find it.
    pub(crate) fn forget_log(&mut self) {
        self.lines_before = self.log().lines().count();
    }

    /// Waits until `run` has logged a line that holds all of `words`, and returns it.
    pub(crate) async fn logged(&self, words: &[&str]) -> String {
        self.eventually(&format!("a log line with {words:?}"), || async {
            let log = self.log();
            let mut lines = log.lines().skip(self.lines_before);
            let line = lines.find(|line| words.iter().all(|word| line.contains(word)));
            line.map(str::to_owned)
        })
        .await
    }

    /// Waits until `run` has gone round for a while without a write.
    pub(crate) async fn at_rest(&self) {
        // Each visit of the organization lists them once, or twice with service control policies,
        // and visits keep a distance of four times what one takes: every cell comes up in between.
        const LISTED: u64 = 6;
        // Whoever was woken may be visited all at once: what waits needs time to come up, too.
        const RESYNCS: usize = 5;
        let operation = "organizations:ListRoots";
        let resyncs = || self.log().matches(" resync generation=").count();
        self.eventually("some resyncs without a write", || async {
            self.forget_calls().await;
            let before = resyncs();
            self.eventually("a resync", || async {
                let count = self.calls().await.get(operation).copied().unwrap_or_default();
                (count >= LISTED && resyncs() >= before + RESYNCS).then_some(())
            })
            .await;
            self.writes().await.is_empty().then_some(())
        })
        .await;
    }

    /// [`eventually`], with the log of `run` in the failure.
    pub(crate) async fn eventually<T, F>(&self, what: &str, condition: impl FnMut() -> F) -> T
    where
        F: Future<Output = Option<T>>,
    {
        match within(PATIENCE, condition).await {
            Some(value) => value,
            None => panic!("never happened: {what}\n--- log\n{}", self.log()),
        }
    }

    /// Everything the simulator holds, as `/_simulator/world` shows it.
    pub(crate) async fn world(&self) -> Value {
        self.get("world").await
    }

    /// A document below `/_simulator/`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.exchange("GET", path, &Value::Null).await
    }

    /// Puts a document below `/_simulator/`.
    pub(crate) async fn put(&self, path: &str, document: &Value) -> Value {
        self.exchange("PUT", path, document).await
    }

    /// Counts of API calls by operation, everybody's.
    pub(crate) async fn calls(&self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.get("calls").await["byOperation"].clone()).unwrap()
    }

    /// The writes of the controller since calls were forgotten, refused and lost ones included, as
    /// `bedrock:PutResourcePolicy 100000000001 us-east-1`.
    pub(crate) async fn writes(&self) -> Vec<String> {
        let log = self.get("calls/log").await;
        let field = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
        log["calls"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|call| call["isController"] == json!(true))
            .map(|call| {
                let [operation, account, region] =
                    ["operation", "account", "region"].map(|name| field(call, name));
                format!("{operation} {account} {region}")
            })
            .filter(|call| {
                let operation = call.split_once(':').unwrap().1;
                !film::READS.iter().any(|read| operation.starts_with(read))
            })
            .collect()
    }

    /// Forgets the calls counted so far.
    pub(crate) async fn forget_calls(&self) {
        self.exchange("DELETE", "calls", &Value::Null).await;
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

/// A simulator with a scenario, on the machine's clock.
pub(crate) fn simulator(scenario: &str) -> Arc<Simulator> {
    let scenario: Scenario = serde_yaml::from_str(scenario).unwrap();
    Arc::new(Simulator::new(&scenario, 1, Duration::ZERO, Clock::system()).unwrap())
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
        self.stop.cancel();
        let violations = self.simulator.violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "the referee saw violations: {violations:#?}");
        }
    }
}
