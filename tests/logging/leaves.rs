//! What is taken away, and what never is.

use serde_json::Value;

use crate::support::{ADA, GUARDRAIL, MANAGEMENT, SEARCH, SHOP, Stage, edited, with};
use crate::{LOGS, expected, logging, scenario};

const EAST: &str = "us-east-1";

async fn logged() -> Stage {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("logs.yaml", LOGS);
    stage.apply(0).await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_takes_away_what_it_says_and_leaves_what_is_another() {
    let mut stage = logged().await;
    stage.intend_removal().await;
    stage.log_to((SHOP, EAST), "theirs").await;
    stage.manifest("logs.yaml", &with(LOGS, "state: Absent"));
    let done = stage.apply_with_approval().await;
    done.line(&["orphan", "invocation logging in", SHOP, "left alone"]);
    for account in [MANAGEMENT, SEARCH, ADA] {
        assert_eq!(logging(&stage, (account, EAST)).await, Value::Null);
    }
    assert_eq!(logging(&stage, (SHOP, EAST)).await["s3Config"]["bucketName"], "theirs");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_vanishes_takes_nothing_away_whoever_looks() {
    let mut stage = logged().await;
    stage.remove("logs.yaml");
    stage.forget_calls().await;
    let done = stage.apply(0).await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "{done}");
    assert_eq!(logging(&stage, (ADA, EAST)).await, expected(ADA, EAST));

    // A process that saw it in force says what is left.
    stage.manifest("logs.yaml", LOGS);
    stage.run().await;
    stage.at_rest().await;
    stage.remove("logs.yaml");
    stage.logged(&["orphan", ADA, "InvocationLogging/invocations", "left alone"]).await;
    stage.at_rest().await;
    assert_eq!(logging(&stage, (ADA, EAST)).await, expected(ADA, EAST));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_leaves_the_selection_is_reported_and_keeps_its_logging() {
    let mut stage = logged().await;
    stage.run().await;
    stage.at_rest().await;
    let narrower = edited(LOGS, "{organization: true}", "{organizationalUnit: /Workloads}");
    stage.manifest("logs.yaml", &narrower);
    stage.logged(&["orphan", ADA, "no manifest claims this cell any more"]).await;
    stage.at_rest().await;
    assert_eq!(logging(&stage, (ADA, EAST)).await, expected(ADA, EAST));
}
