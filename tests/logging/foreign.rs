//! What was there before.

use serde_json::Value;

use crate::support::{ADA, SEARCH, SHOP, Stage, with};
use crate::{LOGS, expected, logging, scenario};

const EAST: &str = "us-east-1";

#[tokio::test(flavor = "multi_thread")]
async fn one_foreign_configuration_is_replaced_at_once_and_several_wait_for_approval() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.log_to((SHOP, EAST), "theirs").await;
    stage.manifest("logs.yaml", LOGS);
    stage.apply(0).await;
    assert_eq!(logging(&stage, (SHOP, EAST)).await, expected(SHOP, EAST));

    for account in [SHOP, SEARCH, ADA] {
        stage.log_to((account, EAST), "theirs").await;
    }
    let held = stage.apply(3).await;
    held.line(&["held (ChangeGuard)"]);
    assert_eq!(logging(&stage, (ADA, EAST)).await["s3Config"]["bucketName"], "theirs");
    stage.apply_with_approval().await;
    for account in [SHOP, SEARCH, ADA] {
        assert_eq!(logging(&stage, (account, EAST)).await, expected(account, EAST));
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_hold_a_foreign_configuration_stays_and_every_other_cell_is_logged() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.log_to((SHOP, EAST), "theirs").await;
    stage.manifest("logs.yaml", &with(LOGS, "onForeign: Hold"));
    let done = stage.apply(3).await;
    done.line(&["held (ForeignConfiguration)", "bucket theirs"]);
    assert_eq!(logging(&stage, (SHOP, EAST)).await["s3Config"]["bucketName"], "theirs");
    assert_eq!(logging(&stage, (ADA, EAST)).await, expected(ADA, EAST));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_two_manifests_claim_is_refused_with_both_names_and_left_as_it_is() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("logs.yaml", LOGS);
    let other = LOGS
        .replace("name: invocations", "name: sandbox")
        .replace("{organization: true}", "{organizationalUnit: /Sandbox}");
    stage.manifest("other.yaml", &other);
    let done = stage.apply(1).await;
    done.line(&["refused", "InvocationLogging/invocations", "`sandbox`", ADA]);
    done.line(&["refused", "InvocationLogging/sandbox", "`invocations`", ADA]);
    assert_eq!(logging(&stage, (ADA, EAST)).await, Value::Null);
    assert_eq!(logging(&stage, (SHOP, EAST)).await, expected(SHOP, EAST));
}
