//! `bedrail alerts test`, and what is refused before anything runs.

use serde_json::Value;

use super::SECRET;
use super::receiver::{Mood, Receiver};
use super::support::{SMALL, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_what_each_receiver_answered() {
    let mut stage = Stage::start(SMALL).await;
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    other.is(Mood::Fails);
    let none = stage.command(&["alerts", "test"]).await;
    assert_eq!(none.code, 2, "{none}");
    none.line(&["--alert-webhook"]);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("# ours\n{}\n", one.address(SECRET))).unwrap();
    stage.set("BEDRAIL_ALERT_WEBHOOK_FILE", file.path().to_str().unwrap());
    let done = stage.command(&["alerts", "test"]).await;
    assert_eq!(done.code, 0, "{done}");
    done.line(&["webhook 1 (127.0.0.1:", "took it", "204"]);
    assert_eq!(one.alerts()[0]["status"], "test");

    stage.set("BEDRAIL_ALERT_WEBHOOK", &format!("{} {}", other.address(SECRET), one.address("x")));
    let done = stage.command(&["alerts", "test", "--alert-format", "slack"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["webhook 1 (127.0.0.1:", "did not take it", "502"]);
    done.line(&["webhook 2 (127.0.0.1:", "took it"]);
    done.line(&["webhook 3 (127.0.0.1:", "took it"]);
    assert!(!done.to_string().contains(SECRET), "{done}");
    let slack: Value = one.alerts().pop().unwrap();
    assert!(slack["text"].as_str().unwrap().contains("arrive here"), "{slack}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_may_not_be_is_refused_without_a_word_of_it() {
    let mut stage = Stage::start(SMALL).await;
    for address in [
        "http://example.com/canary-secret-path",
        "canary-secret-path",
        "ftp://127.0.0.1/canary-secret-path",
    ] {
        stage.set("BEDRAIL_ALERT_WEBHOOK", address);
        for command in [&["alerts", "test"][..], &["run", "-f", "/nowhere"]] {
            let done = stage.command(command).await;
            assert_eq!(done.code, 1, "{done}");
            done.line(&["webhook 1"]);
            assert!(!done.to_string().contains(SECRET), "{done}");
        }
    }
    stage.unset("BEDRAIL_ALERT_WEBHOOK");
    let help = stage.command(&["run", "--help"]).await;
    help.line(&["--alert-webhook"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_is_allowed_on_the_topic_alone() {
    let mut stage = Stage::start(SMALL).await;
    let topic = "arn:aws:sns:us-east-1:100000000001:alerts";
    let printed = [
        "iam",
        "--management-account",
        "100000000001",
        "--organization",
        "o-exampleorg",
        "--only",
        "controller-policy",
    ];
    let without = stage.command(&printed).await;
    assert!(!without.stdout.contains("sns:"), "{without}");
    let with = stage.command(&[&printed[..], &["--alert-sns", topic]].concat()).await;
    let policy: Value = serde_json::from_str(&with.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let alerts = statements.iter().find(|it| it["Sid"] == "Alerts").unwrap().to_string();
    assert!(alerts.contains("\"sns:Publish\"") && alerts.contains(topic), "{alerts}");
    assert!(!alerts.contains('*'), "{alerts}");
}
