//! One world, one process of the real binary at a time, and what happens to it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bedrail::simulator::world::World;
use bedrail::simulator::{Clock, Simulator, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long one process may take. Far more than it needs, since machines are shared.
const PATIENCE: Duration = Duration::from_secs(100);

/// A call that is to be killed at hangs for longer than anything waits.
const FOR_EVER_MS: u64 = 600_000;

/// A simulator of its own, and a folder of manifests.
pub(crate) struct Trial {
    simulator: Arc<Simulator>,
    url: String,
    folder: TempDir,
    /// What outlives a process: its journal.
    disk: TempDir,
    _stop: DropGuard,
}

impl Trial {
    /// Serves `world` and says what is wanted of it, to both sides.
    pub(crate) async fn start(world: World, manifests: &str, intent: &Value) -> Self {
        let simulator = Arc::new(Simulator::resume(world, 1, Clock::system()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(serve(Arc::clone(&simulator), listener, stop.clone()));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.yaml"), manifests).unwrap();
        let disk = tempfile::tempdir().unwrap();
        let trial = Self { simulator, url, folder, disk, _stop: stop.drop_guard() };
        trial.put("intent", intent).await;
        trial
    }

    /// Runs the binary to its end. One call in flight at a time, so that the position of a call
    /// means the same in every run.
    pub(crate) async fn finish(&self, arguments: &[&str]) -> Finished {
        Self::run(self.command(arguments)).await
    }

    /// Reads the journal that all processes so far have kept.
    pub(crate) async fn verify_journal(&self) -> Finished {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command.args(["journal", "verify", "--journal"]).arg(self.journal()).env_clear();
        Self::run(command).await
    }

    fn journal(&self) -> PathBuf {
        self.disk.path().join("journal.jsonl")
    }

    async fn run(mut command: Command) -> Finished {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Finished::of(&output)
    }

    /// Runs `apply` and kills it while the call that `latency` strikes hangs, its effect done and its
    /// answer not yet given. Returns whether the process came that far.
    pub(crate) async fn apply_killed_at(&self, mut latency: Value) -> bool {
        latency["milliseconds"] = json!(FOR_EVER_MS);
        self.arm(latency).await;
        let mut command = self.command(&APPLY);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let reached = self.hangs(&mut child).await;
        // SIGKILL.
        child.kill().ok();
        child.wait().unwrap();
        self.put("faults", &json!({})).await;
        reached
    }

    /// Makes one call of the controller go wrong.
    pub(crate) async fn arm(&self, mut fault: Value) {
        fault["caller"] = json!("Controller");
        fault["count"] = json!(1);
        self.put("faults", &json!({"faults": [fault]})).await;
    }

    /// Whether the armed call was made.
    pub(crate) async fn is_struck(&self) -> bool {
        self.get("faults").await["faults"][0]["count"] == 0
    }

    /// Waits until the armed call was made; `false` when the process ended without it.
    async fn hangs(&self, child: &mut Child) -> bool {
        #[expect(clippy::disallowed_methods, reason = "a deadline on a real process")]
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.is_struck().await {
                return true;
            }
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            #[expect(clippy::disallowed_methods, reason = "a deadline on a real process")]
            let late = Instant::now() > deadline;
            assert!(!late, "neither hangs nor ends");
            #[expect(clippy::disallowed_methods, reason = "the distance of two looks")]
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command
            .args(arguments)
            .arg("-f")
            .arg(self.folder.path())
            .env_clear()
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "AKIATESTMANAGEMENT")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("BEDRAIL_CONFIRM_AFTER", "20ms")
            .env("BEDRAIL_SETTLE", "5ms")
            .env("BEDRAIL_OWN_WRITE_GRACE", "60ms")
            .env("BEDRAIL_RATES", "unlimited")
            .env("BEDRAIL_MAX_IN_FLIGHT", "1")
            .env("NO_COLOR", "1");
        if arguments.first() == Some(&"apply") {
            command.env("BEDRAIL_JOURNAL", self.journal());
        }
        command
    }

    /// A document below `/_simulator/`.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.exchange("GET", path, String::new()).await
    }

    /// Puts a document below `/_simulator/`.
    pub(crate) async fn put(&self, path: &str, document: &Value) {
        self.exchange("PUT", path, document.to_string()).await;
    }

    /// The world as a value that another trial can start from.
    pub(crate) fn world(&self) -> World {
        self.simulator.world()
    }

    /// What the referee holds against the controller.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.simulator.violations().iter().map(|found| format!("{found:?}")).collect()
    }

    async fn exchange(&self, method: &str, path: &str, body: String) -> Value {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/_simulator/{path}"))
            .body(bytes::Bytes::from(body))
            .unwrap();
        let response = self.simulator.handle(request).await;
        assert!(response.status().is_success(), "{method} {path}: {:?}", response.body());
        serde_json::from_slice(response.body()).unwrap()
    }
}

/// Converges, for as long as one process may take.
pub(crate) const APPLY: [&str; 3] = ["apply", "--wait", "90s"];

/// Shows whether anything is left to do.
pub(crate) const PLAN: [&str; 2] = ["plan", "--detailed-exitcode"];

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    text: String,
}

impl Finished {
    fn of(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        Self { code: output.status.code(), text: format!("{stdout}--- stderr\n{stderr}") }
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n--- stdout\n{}", self.code, self.text)
    }
}
