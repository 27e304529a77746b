//! A revision is published only once it passes.

use serde_json::json;

use super::support::{SMALL, Stage, edited, words};
use super::{HOME, PLACE, TESTS, asked, guardrail};

/// The word that the tests look for.
const WORD: &str = "wordsConfig: [{text: heliotrope}]";

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_test_publishes_nothing_and_the_old_version_stays_enforced() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &guardrail(TESTS));
    stage.apply(0).await;
    assert_eq!(stage.versions(HOME, "baseline").await, [1]);
    // Two tests in two Regions, each once.
    assert_eq!(asked(&stage).await, 4);
    let enforced = stage.enforced_version(PLACE).await.unwrap();

    // Another word stands where the tests want theirs.
    let broken = edited(&guardrail(TESTS), WORD, "wordsConfig: [{text: lavender}]");
    stage.manifest("all.yaml", &broken);
    let done = stage.apply(3).await;
    let expected = "fails 1 of its 2 tests and is not published: test 1 (flower): expected \
                    GUARDRAIL_INTERVENED, got NONE";
    assert!(done.stdout.contains("held (TestsFailing)"), "{done}");
    assert!(done.stdout.contains(expected), "{done}");
    assert!(!done.stdout.contains("a heliotrope please"), "the text stands in\n{done}");
    assert_eq!(stage.versions(HOME, "baseline").await, [1]);
    assert_eq!(stage.enforced_version(PLACE).await.as_ref(), Some(&enforced));

    // What has both words passes, and moves what is enforced.
    let words = "wordsConfig: [{text: heliotrope}, {text: lavender}]";
    stage.manifest("all.yaml", &edited(&guardrail(TESTS), WORD, words));
    stage.apply(0).await;
    assert_eq!(stage.versions(HOME, "baseline").await, [1, 2]);
    let moved = stage.enforced_version(PLACE).await.unwrap();
    assert_eq!(moved.strip_suffix('2'), enforced.strip_suffix('1'));
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_blocking_is_found_before_anybody_meets_it() {
    let mut stage = Stage::start(SMALL).await;
    let text = edited(&guardrail(TESTS), WORD, "wordsConfig: [{text: heliotrope}, {text: refund}]");
    stage.manifest("all.yaml", &text);
    let done = stage.apply(3).await;
    let expected = "test 2 (What is our refund policy?): expected NONE, got GUARDRAIL_INTERVENED \
                    by wordPolicyConfig";
    assert!(done.stdout.contains(expected), "{done}");
    assert_eq!(stage.versions(HOME, "baseline").await, Vec::<u32>::new());
    assert_eq!(stage.enforced_version(PLACE).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_test_is_asked_again_and_is_neither_pass_nor_fail() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &guardrail(TESTS));
    let fault = json!({"kind": "Throttle", "operation": "bedrock-runtime:ApplyGuardrail",
                       "probability": 1.0, "count": 3});
    stage.faults(json!([fault])).await;
    let done = stage.apply(0).await;
    assert!(!done.stdout.contains("TestsFailing"), "{done}");
    assert_eq!(stage.versions(HOME, "baseline").await, [1]);
    // What was answered before a throttle is not asked again.
    assert_eq!(asked(&stage).await, 4 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tested_is_not_published() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &guardrail(TESTS));
    let fault = json!({"kind": "Denied", "operation": "bedrock-runtime:ApplyGuardrail", "probability": 1.0});
    stage.faults(json!([fault])).await;
    let done = stage.apply(1).await;
    assert!(done.stderr.contains("bedrock:ApplyGuardrail"), "{done}");
    assert_eq!(stage.versions(HOME, "baseline").await, Vec::<u32>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_before_needs_no_tests_to_stay() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &guardrail("tags: {team: ai}"));
    stage.apply(0).await;
    let enforced = stage.enforced_version(PLACE).await;
    // The tests come later, and would fail.
    let tests = "tests: [{text: hello, action: GUARDRAIL_INTERVENED}]\n  tags: {team: ai}";
    stage.manifest("all.yaml", &guardrail(tests));
    stage.assert_at_rest().await;
    assert_eq!(stage.enforced_version(PLACE).await, enforced);
    assert!(!stage.calls().await.contains_key("bedrock-runtime:ApplyGuardrail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_tests_and_runs_none() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &edited(&guardrail(TESTS), WORD, "wordsConfig: [{text: lavender}]"));
    stage.apply(3).await;
    stage.forget_calls().await;
    let done = stage.plan(2).await;
    assert!(done.stdout.contains("will be published once it has passed 2 tests"), "{done}");
    assert!(!stage.calls().await.contains_key("bedrock-runtime:ApplyGuardrail"));
}

/// Were the answers of somebody else's content taken for ours, the revision would fail for good.
#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_draft_that_was_edited_meanwhile_count_for_nothing() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &guardrail(TESTS));
    let slow = json!({"kind": "Latency", "operation": "bedrock-runtime:ApplyGuardrail",
                      "region": HOME.1, "probability": 1.0, "count": 2, "milliseconds": 1500});
    stage.faults(json!([slow])).await;
    stage.run().await;
    let place = HOME;
    stage
        .eventually("the tests have begun", || async {
            let log = stage.get("calls/log").await;
            let mut calls = log["calls"].as_array().unwrap().iter();
            let is_first = |call: &serde_json::Value| {
                call["operation"] == "bedrock-runtime:ApplyGuardrail" && call["region"] == place.1
            };
            calls.any(is_first).then_some(())
        })
        .await;
    let arn = stage.guardrail(place, "baseline").await;
    let client = stage.bedrock(place.0, place.1).await;
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
    let version = stage
        .eventually("it is published", || async {
            let request = client.get_guardrail().guardrail_identifier(&arn);
            request.guardrail_version("1").send().await.ok()
        })
        .await;
    let published = version.word_policy.unwrap().words.unwrap();
    assert_eq!(published[0].text, "heliotrope");
    assert!(!stage.log().contains("TestsFailing"), "{}", stage.log());
}
