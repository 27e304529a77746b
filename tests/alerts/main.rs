//! Alerts: somebody is told once, together, and when it is over; and whether they are is said.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod command;
mod delivery;
mod incidents;
mod receiver;
#[path = "../support/mod.rs"]
mod support;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use receiver::Receiver;
use serde_json::Value;
use support::{MANAGEMENT, SMALL, Stage, edited, everything};

/// What is secret of the address of a receiver.
pub(crate) const SECRET: &str = "canary-secret-path";

/// `run`, whom it tells, and where it answers.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) receiver: Receiver,
    pub(crate) address: String,
}

impl Scene {
    pub(crate) async fn start(prepare: impl FnOnce(&mut Stage)) -> Self {
        Self::told_by(Receiver::start().await, prepare).await
    }

    pub(crate) async fn told_by(receiver: Receiver, prepare: impl FnOnce(&mut Stage)) -> Self {
        let stage = Stage::start(SMALL).await;
        stage.manifest("all.yaml", &everything());
        Self::of(stage, receiver, prepare).await
    }

    async fn of(mut stage: Stage, receiver: Receiver, prepare: impl FnOnce(&mut Stage)) -> Self {
        stage.set("BEDRAIL_ALERT_WEBHOOK", &receiver.address(SECRET));
        stage.set("BEDRAIL_ALERT_EVERY", "300ms");
        // What no manifest claims is not what most tests are about.
        stage.set("BEDRAIL_AUDIT_INTERVAL", "0s");
        prepare(&mut stage);
        stage.run().await;
        let line = stage.logged(&["serving status"]).await;
        let (_, address) = line.rsplit_once("address=").unwrap();
        let address = address.to_owned();
        Self { stage, receiver, address }
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.address);
        let request = axum::http::Request::get(url).body(Empty::<bytes::Bytes>::new()).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    }

    /// Waits for an alert of this kind and status.
    pub(crate) async fn told(&self, kind: &str, status: &str) -> Value {
        self.stage
            .eventually(&format!("a {status} {kind}"), || async {
                let alerts = self.receiver.alerts().into_iter();
                alerts.rev().find(|it| it["alert"] == kind && it["status"] == status)
            })
            .await
    }

    /// Subjects that were told so, over all messages.
    pub(crate) fn subjects(&self, kind: &str, status: &str) -> Vec<String> {
        let alerts = self.receiver.alerts().into_iter();
        let alerts = alerts.filter(|it| it["alert"] == kind && it["status"] == status);
        let mut subjects: Vec<String> = alerts
            .flat_map(|it| it["subjects"].as_array().unwrap().clone())
            .map(|it| it["subject"].as_str().unwrap().to_owned())
            .collect();
        subjects.sort();
        subjects
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_nobody_protects_are_told_once_and_again_when_that_is_over() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    // Before that everything is unprotected, and told so.
    stage.apply(0).await;
    let scene = Scene::of(stage, Receiver::start().await, |stage| {
        stage.set("BEDRAIL_AUDIT_INTERVAL", "500ms");
    })
    .await;
    let bare =
        ["eu-west-1", "us-east-1"].map(|region| format!("{MANAGEMENT} {region} (management)"));
    let subjects = || async {
        let found = scene.subjects("Unprotected", "firing");
        (found == bare).then_some(())
    };
    scene.stage.eventually("both cells are told", subjects).await;
    scene.stage.at_rest().await;
    assert_eq!(scene.subjects("Unprotected", "firing"), bare, "each is told once");
    let last = scene.told("Unprotected", "firing").await;
    assert_eq!(last["firing"], 2, "{last:#}");
    assert_eq!(
        (&last["apiVersion"], &last["kind"]),
        (&"bedrail.dev/v1alpha1".into(), &"Alert".into())
    );

    for region in ["us-east-1", "eu-west-1"] {
        let stage = &scene.stage;
        let theirs = stage.create_guardrail((MANAGEMENT, region), "theirs", &[]).await;
        stage.publish((MANAGEMENT, region), &theirs).await;
        stage.put_enforced((MANAGEMENT, region), &theirs, "1").await;
    }
    let over = || async {
        let found = scene.subjects("Unprotected", "resolved");
        (found == bare).then_some(())
    };
    scene.stage.eventually("both are over", over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_holds_is_told_again_after_a_while() {
    let scene = Scene::start(|stage| {
        stage.set("BEDRAIL_ALERT_REPEAT", "1s");
        stage.manifest("broken.yaml", "kind: Guardrail\nspec: {\n");
    })
    .await;
    scene.told("Manifests", "firing").await;
    scene.told("Manifests", "reminder").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_cannot_be_used_are_told_by_their_place_and_without_their_words() {
    let scene = Scene::start(|_| {}).await;
    scene.stage.at_rest().await;
    assert_eq!(scene.receiver.alerts(), Vec::<Value>::new(), "nothing was wrong");
    let broken = edited(&everything(), "{type: HATE,", "{type: heliotrope,");
    scene.stage.manifest("all.yaml", &broken);
    let alert = scene.told("Manifests", "firing").await.to_string();
    assert!(alert.contains("all.yaml:"), "{alert}");
    assert!(!alert.contains("heliotrope"), "{alert}");
    let status = scene.get("/api/v1/status").await;
    assert!(status.contains("ManifestsUnusable"), "{status}");
    assert!(!status.contains("heliotrope"), "{status}");
    scene.stage.manifest("all.yaml", &everything());
    scene.told("Manifests", "resolved").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cannot_be_assumed_for_long_is_told() {
    let scene = Scene::start(|stage| stage.set("BEDRAIL_ALERT_AFTER", "1s")).await;
    scene.stage.at_rest().await;
    let denied = serde_json::json!([{"kind": "Denied", "operation": "bedrock:*",
        "account": support::ADA, "probability": 1.0}]);
    scene.stage.faults(denied).await;
    let alert = scene.told("Unreachable", "firing").await.to_string();
    assert!(alert.contains(support::ADA) && alert.contains("Denied"), "{alert}");
    scene.stage.faults(serde_json::json!([])).await;
    scene.told("Unreachable", "resolved").await;
}
