//! What goes on while somebody looks: `status --watch`, and the progress of what takes long.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::support::{ADA, PATIENCE, SMALL, Stage, everything};
use super::{CELL, Scene};

/// A command whose lines are read as they come.
struct Lines {
    child: Child,
    received: Receiver<String>,
}

impl Lines {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, received) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, received }
    }

    /// The next line that is a document of which `is` holds.
    fn document(&self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.received.recv_timeout(PATIENCE).unwrap();
            let document: Value = serde_json::from_str(&line).unwrap();
            if is(&document) {
                return document;
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // It ends by itself never.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_gets_a_document_a_line_for_each_change_and_none_between() {
    let scene = Scene::converged().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
    command.args(["status", "--watch", "-o", "json", "--server"]).env_clear();
    command.arg(format!("http://{}", scene.address));
    let lines = tokio::task::spawn_blocking(move || Lines::of(command)).await.unwrap();
    let first = lines.document(|_| true);
    assert_eq!(first["counts"]["cellsByPhase"], json!({"InSync": 2}));
    let conditions = |document: &Value| {
        let keys = document["keys"].as_array().unwrap().clone();
        let cell = keys.into_iter().find(|key| key["key"] == format!("cell {} {}", CELL.0, CELL.1));
        cell.unwrap()["conditions"].as_array().unwrap().clone()
    };
    let before = conditions(&first);
    let types: Vec<&Value> = before.iter().map(|it| &it["type"]).collect();
    assert_eq!(types, ["Ready", "InSync", "Accepted", "Reachable"]);
    assert!(before.iter().all(|it| it["status"] == "True" && it["observedGeneration"] == 1));
    let denied = json!([{"kind": "Denied", "operation": "bedrock:ListEnforced*", "account": ADA}]);
    scene.stage.faults(denied).await;
    // Each key is read again within a resync, which is no change and no line.
    let fails = |document: &Value| document["counts"]["cellsByPhase"]["Failing"] == 2;
    let after = conditions(&lines.document(fails));
    assert_eq!(after[3]["status"], "False");
    assert_eq!(after[3]["reason"], "Denied");
    assert_ne!(after[3]["lastTransitionTime"], before[3]["lastTransitionTime"]);
    assert_eq!(after[2], before[2], "what a manifest asks for is as good as it was");
    scene.stage.faults(json!([])).await;
}

/// A stage on which everything takes long.
async fn slow() -> Stage {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let late = json!([{"kind": "Latency", "operation": "*", "milliseconds": 900}]);
    stage.faults(late).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn long_work_says_how_far_it_is_in_plain_lines_and_never_on_stdout() {
    let mut stage = slow().await;
    let done = stage.finish(&["plan", "-o", "json"]).await;
    let _: Value = serde_json::from_str(&done.stdout).unwrap();
    let is_line = |line: &&str| line.contains(" keys") && line.contains(" API calls");
    let lines: Vec<&str> = done.stderr.lines().filter(is_line).collect();
    assert!(!lines.is_empty(), "{done}");
    assert!(!done.stderr.contains('\u{1b}'), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_one_line_moves_and_is_gone_at_the_end() {
    // util-linux has it; elsewhere the other test must do.
    if Command::new("script").arg("--version").output().is_err() {
        return;
    }
    let stage = slow().await;
    let folder = stage.folder.path().to_string_lossy().into_owned();
    let binary = env!("CARGO_BIN_EXE_bedrail");
    let plan = stage.bedrail(&["plan"]);
    let mut command = Command::new("script");
    let line = format!("stty cols 120; {binary} plan -f {folder}");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.env_clear().env("TERM", "xterm").env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(plan.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let seen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(seen.contains('╌') && seen.contains(" API calls"), "{seen}");
    // Whatever was drawn is cleared before the result is printed.
    let (_, result) = seen.rsplit_once("\u{1b}[2K").unwrap();
    assert!(!result.contains('╌'), "{seen}");
    assert!(result.contains("AccountEnforcement/") || result.contains("cell "), "{seen}");
}
