//! Where AWS will not log to.

use serde_json::Value;

use crate::support::{ADA, MANAGEMENT, SEARCH, SHOP, Stage, edited};
use crate::{LOGS, expected, logging, scenario};

const EAST: &str = "us-east-1";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_bucket_does_not_admit_bedrock_is_held_with_what_it_needs() {
    // Its policy is of another account: nobody may write.
    let buckets =
        format!("buckets: {{logs-{SHOP}-us-east-1: {{account: \"{SHOP}\", region: us-east-1}}}}");
    let mut stage = Stage::start(&scenario(&buckets)).await;
    stage.manifest("logs.yaml", LOGS);
    let done = stage.apply(3).await;
    let object = format!("arn:aws:s3:::logs-{SHOP}-us-east-1/bedrock/AWSLogs/{SHOP}/");
    done.line(&["held (DestinationRefused)", "s3:PutObject", &object, "aws:SourceAccount"]);
    assert_eq!(logging(&stage, (SHOP, EAST)).await, Value::Null);
    for account in [MANAGEMENT, SEARCH, ADA] {
        assert_eq!(logging(&stage, (account, EAST)).await, expected(account, EAST));
    }
    assert_eq!(logging(&stage, (SHOP, "eu-west-1")).await, expected(SHOP, "eu-west-1"));

    // With another text there is something new to try.
    stage.manifest("logs.yaml", &edited(LOGS, "\"logs-$", "\"bedrock-logs-$"));
    stage.intend(serde_json::json!({"approvedLosses": 1000})).await;
    stage.apply_with_approval().await;
    let bucket = format!("bedrock-logs-{SHOP}-us-east-1");
    assert_eq!(logging(&stage, (SHOP, EAST)).await["s3Config"]["bucketName"], bucket);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_does_not_exist_is_explained_once_and_not_asked_for_again() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("logs.yaml", &edited(LOGS, "role/BedrockLogging", "role/Misspelt"));
    let done = stage.apply(3).await;
    let role = format!("role arn:aws:iam::{ADA}:role/Misspelt must trust bedrock.amazonaws.com");
    done.line(&["held (DestinationRefused)", &role, "logs:PutLogEvents"]);
    let tried = stage.writes().await;
    assert_eq!(tried.len(), 8, "once in each cell: {tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_of_another_account_or_region_is_refused_before_anything_is_written() {
    let mut stage = Stage::start(&scenario("")).await;
    let shared = edited(LOGS, "logs-${account}-${region}", "logs-${region}");
    let shared = edited(&shared, "{organization: true}", "{organizationalUnit: /Workloads}");
    stage.manifest("logs.yaml", &shared);
    let done = stage.apply(1).await;
    done.line(&["refused", "the bucket `logs-us-east-1` is in one account", SHOP, SEARCH]);
    assert_eq!(stage.writes().await, Vec::<String>::new(), "{done}");
}
