//! What the audit says of cells in which no manifest asks for logging.

use std::time::Duration;

use crate::support::{ADA, GUARDRAIL, SANDBOX, Stage, edited, within};
use crate::{LOGS, logging, scenario};

const EAST: &str = "us-east-1";
const READ: &str = "bedrock:GetModelInvocationLoggingConfiguration";

fn workloads() -> String {
    edited(LOGS, "{organization: true}", "{organizationalUnit: /Workloads}")
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_nobody_logs_and_cells_that_are_logged_like_ours_are_said() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.set("BEDRAIL_AUDIT_INTERVAL", "300ms");
    stage.manifest("logs.yaml", &workloads());
    stage.run().await;
    stage.logged(&["unlogged", ADA, EAST]).await;
    stage.forget_log();
    stage.log_to((ADA, EAST), "of-their-own").await;
    stage.logged(&["no longer orphaned or unlogged", ADA, EAST]).await;

    // As a process that is gone has left it when its text still said so.
    stage.kill();
    stage.manifest("logs.yaml", LOGS);
    stage.intend(serde_json::json!({"approvedLosses": 1000})).await;
    stage.apply(0).await;
    let left = logging(&stage, (ADA, EAST)).await;
    stage.manifest("logs.yaml", &workloads());
    stage.run().await;
    stage.logged(&["orphan", "calls are logged as this manifest asks", ADA, EAST]).await;
    stage.at_rest().await;
    assert_eq!(logging(&stage, (ADA, EAST)).await, left, "the audit only reads");
}

/// Nobody pays for what nobody asks for.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_manifest_about_logging_no_logging_is_read() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.set("BEDRAIL_AUDIT_INTERVAL", "300ms");
    stage.manifest("guardrail.yaml", &[GUARDRAIL, SANDBOX].join("---"));
    stage.run().await;
    stage.logged(&["unprotected"]).await;
    let is_read = within(Duration::from_secs(1), || async {
        stage.calls().await.contains_key(READ).then_some(())
    })
    .await;
    assert_eq!(is_read, None);
}
