//! Where calls are logged is proven like what is enforced.

use aws_sdk_bedrock::types::{LoggingConfig, S3Config};
use serde_json::{Value, json};

use super::support::{ADA, SEARCH, SHOP, SMALL, Stage};
use super::{converged, verify};

const LOGS: &str = r#"
apiVersion: bedrail.dev/v1alpha1
kind: InvocationLogging
metadata: {name: invocations}
spec:
  loggingConfig: {s3Config: {bucketName: "logs-${account}-${region}"}}
  regions: [us-east-1, eu-west-1]
  targets: [{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]
"#;

const EAST: &str = "us-east-1";

async fn logged() -> Stage {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("logs.yaml", LOGS);
    stage.apply(0).await;
    stage.forget_calls().await;
    stage
}

/// The JSON report's cells of logging as `account region verdict reason`, those that are not proven.
fn unproven(report: &Value) -> Vec<String> {
    let cells = report["logging"].as_array().unwrap().iter();
    let text = |cell: &Value, name: &str| cell[name].as_str().unwrap_or_default().to_owned();
    cells
        .filter(|cell| cell["verdict"] != "Proven")
        .map(|cell| ["account", "region", "verdict", "reason"].map(|it| text(cell, it)).join(" "))
        .collect()
}

async fn report(stage: &mut Stage) -> Value {
    let done = verify(stage, 1, &["-o", "json"]).await;
    serde_json::from_str(&done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_log_as_claimed_are_proven_without_a_probe() {
    let mut stage = logged().await;
    let done = verify(&mut stage, 0, &[]).await;
    done.line(&["InvocationLogging/invocations"]);
    done.line(&["Proven", "bucket logs-${account}-${region}", "3 accounts × 2 Regions"]);
    done.line(&["Verify: 6 proven, 0 failed, 0 unknown"]);
    let read = "bedrock:GetModelInvocationLoggingConfiguration";
    assert!(stage.calls().await[read] >= 6, "read for the proof");
    assert_eq!(stage.calls().await.get("bedrock-runtime:ApplyGuardrail"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_logs_elsewhere_or_nowhere_fails_and_says_what_differs() {
    let mut stage = logged().await;
    let bucket = S3Config::builder().bucket_name("elsewhere").build().unwrap();
    let config = LoggingConfig::builder().s3_config(bucket).text_data_delivery_enabled(false);
    let client = stage.bedrock(SHOP, EAST).await;
    let request = client.put_model_invocation_logging_configuration();
    request.logging_config(config.build()).send().await.unwrap();
    let client = stage.bedrock(SEARCH, "eu-west-1").await;
    client.delete_model_invocation_logging_configuration().send().await.unwrap();

    let report = report(&mut stage).await;
    let failed = [
        format!("{SHOP} us-east-1 Failed OtherLogging"),
        format!("{SEARCH} eu-west-1 Failed NotLogged"),
    ];
    let found = unproven(&report);
    assert!(found.len() == 2 && failed.iter().all(|it| found.contains(it)), "{found:?}");
    assert_eq!(report["summary"]["proven"], json!(4));
    let done = verify(&mut stage, 1, &[]).await;
    done.line(&["Failed", "s3Config.bucketName: logs-${account}-${region} → elsewhere", SHOP]);
    done.line(&["Failed", "textDataDeliveryEnabled: true → false"]);
    let junit = verify(&mut stage, 1, &["-o", "junit"]).await;
    junit.line(&["testsuite", "InvocationLogging/invocations", "tests=\"6\" failures=\"2\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_cannot_be_read_is_not_proven() {
    let mut stage = logged().await;
    let operation = "bedrock:GetModelInvocationLoggingConfiguration";
    stage.faults(json!([{"kind": "Denied", "operation": operation, "account": ADA}])).await;
    let report = report(&mut stage).await;
    let unknown = |region: &str| format!("{ADA} {region} Unknown Unreadable");
    assert_eq!(unproven(&report), [unknown("eu-west-1"), unknown(EAST)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_proven_only_if_enforcement_and_logging_are() {
    let mut stage = converged().await;
    stage.manifest("logs.yaml", LOGS);
    let done = verify(&mut stage, 1, &[]).await;
    done.line(&["Verify: 6 proven, 6 failed, 0 unknown"]);
    stage.apply(0).await;
    stage.forget_calls().await;
    let done = verify(&mut stage, 0, &[]).await;
    done.line(&["Verify: 12 proven, 0 failed, 0 unknown"]);
}
