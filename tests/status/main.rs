//! What an operator sees: `status`, health, metrics, and who may ask.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod alarms;
#[path = "../support/mod.rs"]
mod support;
mod watch;

mod page;

use std::process::Command;

use bedrail::status::Snapshot;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use support::{ADA, Finished, MANAGEMENT, SHOP, SMALL, Stage, everything};

const CELL: (&str, &str) = (ADA, "us-east-1");

/// `run`, and where it answers.
struct Scene {
    stage: Stage,
    address: String,
}

impl Scene {
    async fn start(prepare: impl FnOnce(&mut Stage)) -> Self {
        let mut stage = Stage::start(SMALL).await;
        prepare(&mut stage);
        stage.run().await;
        let line = stage.logged(&["serving status"]).await;
        let (_, address) = line.rsplit_once("address=").unwrap();
        let address = address.to_owned();
        Self { stage, address }
    }

    /// The same in another process.
    async fn again(mut self) -> Self {
        self.stage.kill();
        self.stage.forget_log();
        self.stage.run().await;
        let line = self.stage.logged(&["serving status"]).await;
        let (_, address) = line.rsplit_once("address=").unwrap();
        Self { address: address.to_owned(), stage: self.stage }
    }

    async fn converged() -> Self {
        let scene = Self::start(|stage| {
            stage.manifest("all.yaml", &everything());
            // No manifest protects the management account; when the audit sees it is up to the hour.
            stage.set("BEDRAIL_AUDIT_INTERVAL", "0s");
        })
        .await;
        scene.becomes("everything is in sync", |status| status["verdict"] == "all in sync").await;
        scene
    }

    /// Waits until the status is as asked; `verdict` is the first part of the text.
    async fn becomes(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.stage
            .eventually(what, || async {
                let (_, text) = self.get("/api/v1/status", &[]).await;
                let mut status: Value = serde_json::from_str(&text).ok()?;
                let shown = self.status(&[]).await;
                let verdict = shown.stdout.split(" · ").next().unwrap_or_default();
                status["verdict"] = json!(verdict);
                is(&status).then_some(status)
            })
            .await
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        fetched(&format!("http://{}{path}", self.address), headers).await
    }

    async fn status(&self, arguments: &[&str]) -> Finished {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command.arg("status").args(arguments).env_clear();
        command.arg("--server").arg(format!("http://{}", self.address));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Finished::of(&output)
    }
}

/// Status and body of an answer.
pub(crate) async fn fetched(url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = axum::http::Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_sync_is_said_so_in_a_line_and_cell_by_cell() {
    let scene = Scene::converged().await;
    let all = scene.status(&[]).await;
    assert_eq!(all.code, 0, "{all}");
    all.line(&["5 accounts", "4 active", "2 cells in 2 Regions: 2 InSync"]);
    all.line(&["✓ AccountEnforcement/sandbox", "2 InSync"]);
    let cell = scene.status(&["cell", CELL.0, CELL.1]).await;
    assert_eq!(cell.code, 0, "{cell}");
    cell.line(&["✓ cell", ADA, "us-east-1 InSync"]);
    cell.line(&["manifest", "AccountEnforcement/sandbox"]);
    cell.line(&["last read", "ago)"]);
    let manifest = scene.status(&["sandbox", "-o", "json"]).await;
    let keys: Value = serde_json::from_str(&manifest.stdout).unwrap();
    assert_eq!(keys.as_array().unwrap().len(), 2);
    assert_eq!(scene.status(&["nothing-of-this-name"]).await.code, 1);
    assert_eq!(scene.get("/readyz", &[]).await, (200, "ok\n".to_owned()));
    assert_eq!(scene.get("/healthz", &[]).await, (200, "ok\n".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_failing_and_why_and_since_when() {
    let scene = Scene::converged().await;
    let denied = json!([{"kind": "Denied", "operation": "bedrock:ListEnforced*", "account": ADA}]);
    scene.stage.faults(denied).await;
    scene
        .becomes("two cells fail", |status| status["counts"]["cellsByPhase"]["Failing"] == 2)
        .await;
    let all = scene.status(&[]).await;
    assert_eq!(all.code, 1, "{all}");
    all.line(&["needs attention: 2 Failing"]);
    all.line(&["✗ Failing (Denied) 2:", ADA]);
    let cell = scene.status(&["cell", CELL.0, CELL.1]).await;
    assert_eq!(cell.code, 1);
    cell.line(&["why", "Denied"]);
    // What was read before it failed is not forgotten.
    cell.line(&["last read", "ago)"]);
    scene.stage.faults(json!([])).await;
    scene.becomes("all is well again", |status| status["verdict"] == "all in sync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_visits_calls_drift_and_cells() {
    let scene = Scene::converged().await;
    scene.stage.delete_enforced(CELL).await;
    let text = scene
        .stage
        .eventually("drift is counted", || async {
            let (code, text) = scene.get("/metrics", &[]).await;
            assert_eq!(code, 200);
            text.contains("bedrail_drift_corrected_total{").then_some(text)
        })
        .await;
    let value = |series: &str| {
        let line = text.lines().find(|line| line.starts_with(series));
        line.and_then(|line| line.rsplit_once(' ')).and_then(|it| it.1.parse::<f64>().ok())
    };
    assert_eq!(value("bedrail_drift_corrected_total"), Some(1.0), "{text}");
    assert_eq!(value("bedrail_drift_found_total"), Some(1.0), "{text}");
    assert!(value("workqueue_work_duration_seconds_count").unwrap() > 0.0, "{text}");
    assert_eq!(value("bedrail_ready{} "), Some(1.0), "{text}");
    let series = "controller_runtime_reconcile_total{controller=\"Cell\"";
    assert!(value(series).unwrap() > 0.0, "{text}");
    assert!(value("bedrail_api_calls_total{service=\"organizations\"").unwrap() > 0.0);
    assert!(value("bedrail_oldest_observation_seconds").is_some(), "{text}");
    for secret in [ADA, SHOP, MANAGEMENT] {
        assert!(!text.contains(secret), "an account is a label: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_manifests_it_is_alive_and_not_ready() {
    let scene = Scene::start(|stage| {
        stage.manifest("broken.yaml", "kind: Guardrail\n");
    })
    .await;
    assert_eq!(scene.get("/healthz", &[]).await.0, 200);
    let (code, why) = scene.get("/readyz", &[]).await;
    assert_eq!(code, 503);
    assert!(why.contains("no usable manifests"), "{why}");
    let all = scene.status(&[]).await;
    assert_eq!(all.code, 1);
    all.line(&["no manifests in force: nothing is written"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_time_alone_is_neither_done_nor_wrong() {
    let scene = Scene::start(|stage| stage.set("BEDRAIL_AUDIT_INTERVAL", "0s")).await;
    // A guardrail that stays CREATING.
    scene.stage.switch(&json!({"ready_delay_ms": 3_600_000})).await;
    scene.stage.manifest("all.yaml", &everything());
    let waits = scene
        .stage
        .eventually("only time is left", || async {
            let shown = scene.status(&[]).await;
            (shown.code == 3).then_some(shown)
        })
        .await;
    waits.line(&["converging:", "to go"]);
    waits.line(&["AccountEnforcement/sandbox", "2 Waiting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_else_cannot_ask() {
    let scene = Scene::converged().await;
    for path in ["/api/v1/status", "/metrics"] {
        let (code, said) = scene.get(path, &[("host", "evil.example:8787")]).await;
        assert_eq!(code, 421, "{said}");
        assert!(!said.contains(ADA));
    }
    let (code, _) = scene.get("/api/v1/status", &[("host", "localhost")]).await;
    assert_eq!(code, 200);
    assert_eq!(scene.get("/other", &[]).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_of_all_but_probes() {
    let scene = Scene::start(|stage| {
        stage.manifest("all.yaml", &everything());
        stage.set("BEDRAIL_LISTEN_TOKEN", "token-canary");
    })
    .await;
    assert_eq!(scene.get("/api/v1/status", &[]).await.0, 401);
    assert_eq!(scene.get("/metrics", &[("authorization", "Bearer wrong")]).await.0, 401);
    assert_eq!(scene.get("/metrics", &[("authorization", "Bearer token-canary")]).await.0, 200);
    assert_eq!(scene.get("/healthz", &[]).await.0, 200);
    let refused = scene.status(&[]).await;
    assert_eq!(refused.code, 1);
    refused.line(&["401", "a token is needed"]);
    scene
        .stage
        .eventually("the fleet is read", || async {
            let shown = scene.status(&["--token", "token-canary"]).await;
            shown.stdout.contains("5 accounts").then_some(())
        })
        .await;
    assert!(!scene.stage.log().contains("token-canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_loopback_nothing_is_served_without_a_token_and_protection_goes_on() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.set("BEDRAIL_LISTEN", "0.0.0.0:0");
    stage.run().await;
    stage.logged(&["nothing is served", "--listen-any"]).await;
    stage
        .eventually("the cell is enforced", || async {
            stage.enforced_version(CELL).await.map(|_| ())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_controller_status_says_so_or_looks_itself() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
    // Nothing listens on the port of nobody.
    command.args(["status", "--server", "http://127.0.0.1:9"]).env_clear();
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let refused = Finished::of(&output);
    assert_eq!(refused.code, 1);
    refused.line(&["no controller at http://127.0.0.1:9", "-f looks"]);

    stage.forget_calls().await;
    let looked = stage.finish(&["status"]).await;
    // The management account, which no manifest names.
    assert_eq!(looked.code, 1, "{looked}");
    looked.line(&["needs attention: 2 unprotected"]);
    looked.line(&["2 cells in 2 Regions: 2 InSync; 2 unprotected"]);
    looked.line(&["✗ Unprotected 2", "100000000001 eu-west-1, 100000000001 us-east-1"]);
    assert_eq!(stage.writes().await, Vec::<String>::new());
}

/// It is made apart, so that it is quick.
#[tokio::test(flavor = "multi_thread")]
async fn what_status_asks_for_is_the_snapshot_without_what_it_does_not_show() {
    let scene = Scene::converged().await;
    scene.stage.at_rest().await;
    let read = async |path: &str| {
        let (_, text) = scene.get(path, &[]).await;
        serde_json::from_str::<Snapshot>(&text).unwrap()
    };
    let whole = read("/api/v1/status").await;
    assert!(whole.keys.iter().any(|key| key.place.is_some() && !key.conditions.is_empty()));
    let (brief, expected) = (read("/api/v1/status?brief").await, whole.brief());
    assert_eq!(brief.keys, expected.keys);
    assert_eq!(brief.counts, expected.counts);
    assert_eq!(brief.verdict(), expected.verdict());
    assert_eq!(lasting(&brief), lasting(&expected));
}

/// All that does not change from one moment to the next.
fn lasting(snapshot: &Snapshot) -> (usize, usize, &[String], &[String]) {
    let Snapshot { accounts, unprotected, refusals, orphans, .. } = snapshot;
    (accounts.len(), unprotected.len(), refusals, orphans)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_word_of_a_guardrail_and_no_secret_is_served_or_shown() {
    const CANARY: &str = "xylocarp-canary";
    let scene = Scene::start(|stage| {
        stage.set("BEDRAIL_AUDIT_INTERVAL", "0s");
        stage.set("BEDRAIL_EXTERNAL_ID", "external-canary");
        stage.set("AWS_SECRET_ACCESS_KEY", "secret-canary");
        stage.manifest("all.yaml", &everything());
    })
    .await;
    scene.becomes("everything is in sync", |status| status["verdict"] == "all in sync").await;
    scene.stage.manifest("all.yaml", &everything().replace("heliotrope", CANARY));
    let is_served = async || {
        let (_, overview) = scene.get("/api/v1/overview", &[]).await;
        overview.contains("wordsConfig[sha256:").then_some(())
    };
    scene.stage.eventually("the change of a word is on the page", is_served).await;
    scene.becomes("everything is in sync", |status| status["verdict"] == "all in sync").await;

    let mut all = scene.stage.log();
    let cell = format!("/api/v1/cells/{}/{}", CELL.0, CELL.1);
    for path in ["/api/v1/status", "/api/v1/status?brief", "/api/v1/overview", &cell, "/metrics"] {
        let (code, text) = scene.get(path, &[]).await;
        assert_eq!(code, 200, "{path}");
        all.push_str(&text);
    }
    for arguments in [&[][..], &["-o", "json"], &["cell", CELL.0, CELL.1], &["baseline"]] {
        all.push_str(&scene.status(arguments).await.to_string());
    }
    for canary in [CANARY, "heliotrope", "external-canary", "secret-canary"] {
        let found = all.lines().find(|line| line.contains(canary));
        assert_eq!(found, None);
    }
}
