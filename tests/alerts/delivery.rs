//! A receiver that does not take its alerts holds nothing up, and is itself a notice.

use serde_json::json;

use super::receiver::{Mood, Receiver};
use super::support::{ADA, SMALL, Stage, edited, everything};
use super::{SECRET, Scene};

/// What tells that manifests are broken, and quotes nothing.
const BROKEN: &str = "kind: Guardrail\nspec: {\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_is_tried_again_and_said_without_its_secret() {
    let receiver = Receiver::start().await;
    receiver.is(Mood::Fails);
    let scene = Scene::told_by(receiver, |stage| {
        stage.manifest("broken.yaml", BROKEN);
    })
    .await;
    let failing = || async {
        let status = scene.get("/api/v1/status").await;
        status.contains("AlertsFailing: webhook 1 (127.0.0.1:").then_some(status)
    };
    let status = scene.stage.eventually("the status says so", failing).await;
    assert!(status.contains("502"), "{status}");
    let metrics = scene.get("/metrics").await;
    let is_failing =
        |line: &str| line.starts_with("bedrail_alert_receiver_failing{") && line.ends_with("} 1");
    assert!(metrics.lines().any(is_failing), "{metrics}");
    let again = || async { (scene.receiver.refused() > 2).then_some(()) };
    scene.stage.eventually("it is tried again", again).await;

    scene.receiver.is(Mood::Takes);
    scene.told("Manifests", "firing").await;
    let fine = || async {
        let status = scene.get("/api/v1/status").await;
        (!status.contains("AlertsFailing")).then_some(())
    };
    scene.stage.eventually("the notice is gone", fine).await;
    let firing = scene.receiver.alerts().into_iter().filter(|it| it["status"] == "firing");
    assert_eq!(firing.count(), 1, "what was tried often is told once");
    assert_eq!(scene.receiver.paths()[0], format!("/{SECRET}"));

    let log = scene.stage.log();
    assert!(log.contains("takes alerts again"), "{log}");
    for text in [log, status, metrics, scene.get("/metrics").await] {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_holds_no_correction_up() {
    let receiver = Receiver::start().await;
    receiver.is(Mood::Hangs);
    let scene = Scene::told_by(receiver, |stage| stage.set("BEDRAIL_ALERT_AFTER", "0s")).await;
    let stage = &scene.stage;
    stage.at_rest().await;
    let denied = json!([{"kind": "Denied", "operation": "bedrock:*", "account": ADA,
        "probability": 1.0}]);
    stage.faults(denied).await;
    let asked = || async { (scene.receiver.refused() > 0).then_some(()) };
    stage.eventually("somebody is told", asked).await;
    stage.faults(json!([])).await;
    stage.delete_enforced((ADA, "us-east-1")).await;
    stage
        .eventually("the cell is enforced again", || async {
            stage.enforced((ADA, "us-east-1")).await.map(|_| ())
        })
        .await;
    assert_eq!(scene.receiver.alerts().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let receiver = Receiver::start().await;
    receiver.is(Mood::Redirects);
    let scene = Scene::told_by(receiver, |stage| {
        stage.manifest("broken.yaml", BROKEN);
    })
    .await;
    scene.stage.logged(&["an alert was not taken", "redirects are not followed"]).await;
    assert_eq!(scene.receiver.paths(), Vec::<String>::new());
}

const TOPIC: &str = "arn:aws:sns:us-east-1:100000000001:alerts";

fn with_topic() -> String {
    edited(SMALL, "switches:", &format!("topics: ['{TOPIC}']\nswitches:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_told_over_the_wire() {
    let mut stage = Stage::start(&with_topic()).await;
    stage.manifest("all.yaml", &everything());
    stage.manifest("broken.yaml", BROKEN);
    stage.set("BEDRAIL_ALERT_SNS", TOPIC);
    stage.set("BEDRAIL_ALERT_EVERY", "300ms");
    stage.run().await;
    let published = || async {
        let world = stage.world().await;
        world["topics"][TOPIC].as_array().unwrap().first().cloned()
    };
    let message = stage.eventually("a message is published", published).await;
    assert_eq!(message["subject"], "Bedrail: Manifests: the manifests cannot be used (1)");
    assert!(message["message"].as_str().unwrap().contains("broken.yaml:"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_said() {
    let mut stage = Stage::start(&with_topic()).await;
    let done = stage.command(&["alerts", "test", "--alert-sns", TOPIC]).await;
    assert_eq!(done.code, 0, "{done}");
    done.line(&["topic arn:aws:sns", "took it"]);
    let other = "arn:aws:sns:us-east-1:100000000001:other";
    let done = stage.command(&["alerts", "test", "--alert-sns", other]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["did not take it", "Topic does not exist"]);
}
