//! `bedrail test`.

use serde_json::{Value, json};

use super::support::{Finished, SMALL, Stage, edited, words};
use super::{HOME, TESTS, guardrail};

async fn test(stage: &mut Stage, code: i32, arguments: &[&str]) -> Finished {
    let done = stage.finish(&[&["test"], arguments].concat()).await;
    assert_eq!(done.code, code, "test ended otherwise\n{done}");
    done
}

async fn published() -> Stage {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &guardrail(TESTS));
    stage.apply(0).await;
    stage.forget_calls().await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_whether_what_is_live_passes() {
    let mut stage = published().await;
    let done = test(&mut stage, 0, &[]).await;
    assert!(done.stderr.contains("4 calls of ApplyGuardrail, which AWS bills"), "{done}");
    assert!(done.stdout.contains("test 1 (flower) (100000000001 × 2 Regions)"), "{done}");
    assert!(done.stdout.contains("4 passed, 0 failed, 0 could not be run"), "{done}");
    assert_eq!(stage.calls().await["bedrock-runtime:ApplyGuardrail"], 4);
    assert_eq!(stage.writes().await, Vec::<String>::new());

    // What is enforced does not do what the text now asks for.
    let more = "{text: a lavender please, action: GUARDRAIL_INTERVENED}, {name: flower";
    stage.manifest("all.yaml", &edited(&guardrail(TESTS), "{name: flower", more));
    let done = test(&mut stage, 1, &["-o", "json"]).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["summary"], json!({"passed": 4, "failed": 2, "unknown": 0}));
    let failed: Vec<&Value> =
        report["results"].as_array().unwrap().iter().filter(|it| it["verdict"] == "fail").collect();
    assert_eq!(failed[0]["expected"], "GUARDRAIL_INTERVENED");
    assert_eq!((&failed[0]["got"], &failed[0]["version"]), (&json!("NONE"), &json!("1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn draft_and_live_are_told_apart() {
    let mut stage = published().await;
    let client = stage.bedrock(HOME.0, HOME.1).await;
    let arn = stage.guardrail(HOME, "baseline").await;
    client
        .update_guardrail()
        .guardrail_identifier(&arn)
        .name("baseline")
        .blocked_input_messaging("No.")
        .blocked_outputs_messaging("No.")
        .word_policy_config(words(&["else"]))
        .send()
        .await
        .unwrap();
    stage.ready(HOME, &arn).await;
    test(&mut stage, 0, &["--guardrail", "baseline"]).await;
    test(&mut stage, 0, &["--version", "1"]).await;
    let done = test(&mut stage, 1, &["--version", "DRAFT"]).await;
    assert!(done.stdout.contains("3 passed, 1 failed"), "{done}");
    let done = test(&mut stage, 1, &["--version", "7"]).await;
    assert!(done.stdout.contains("0 passed, 0 failed, 4 could not be run"), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_no_pass() {
    let mut stage = published().await;
    let fault = json!({"kind": "Denied", "operation": "bedrock-runtime:ApplyGuardrail", "probability": 1.0,
                       "region": "eu-west-1"});
    stage.faults(json!([fault])).await;
    let done = test(&mut stage, 1, &[]).await;
    assert!(done.stdout.contains("2 passed, 0 failed, 2 could not be run"), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_is_told_from_failing_tests() {
    let mut stage = published().await;
    let done = test(&mut stage, 2, &["--guardrail", "other"]).await;
    assert!(done.stderr.contains("the manifests have no guardrail `other`"), "{done}");
    let done = test(&mut stage, 2, &["--version", "latest"]).await;
    assert!(done.stderr.contains("is not live, DRAFT or the number of a version"), "{done}");
    assert!(!stage.calls().await.contains_key("bedrock-runtime:ApplyGuardrail"));
}
