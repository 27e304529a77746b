//! Tests of what is live, repeated.

use super::support::{SMALL, Stage, edited};
use super::{PLACE, TESTS, guardrail};

#[tokio::test(flavor = "multi_thread")]
async fn tests_of_what_is_enforced_are_repeated_and_take_nothing_away() {
    let mut stage = Stage::start(SMALL).await;
    let text = guardrail(&format!("testInterval: 1s\n  {TESTS}"));
    stage.manifest("all.yaml", &text);
    stage.run().await;
    stage.logged(&["TestsPassing is true", "version 1: all 2 pass"]).await;
    let enforced =
        stage.eventually("it is enforced", || async { stage.enforced_version(PLACE).await }).await;
    stage.at_rest().await;

    // Somebody asks for what the enforced version does not do.
    stage.forget_log();
    let more = "{text: a lavender please, action: GUARDRAIL_INTERVENED}, {name: flower";
    stage.manifest("all.yaml", &edited(&text, "{name: flower", more));
    stage
        .logged(&["TestsPassing is false", "test 1 (a lavender please)", "got NONE", "version 1"])
        .await;
    stage.at_rest().await;
    assert_eq!(stage.enforced_version(PLACE).await, Some(enforced));

    stage.forget_log();
    stage.manifest("all.yaml", &text);
    stage.logged(&["TestsPassing is true"]).await;
    // Asked again and again: two Regions, two tests, three rounds.
    stage.forget_calls().await;
    stage
        .eventually("three rounds", || async {
            let calls = stage.calls().await;
            (calls.get("bedrock-runtime:ApplyGuardrail").copied().unwrap_or_default() >= 12)
                .then_some(())
        })
        .await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
}
