//! Invocation logging through the real binary: every cell has its own, and nothing else of anybody's
//! is touched.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

mod alone;
mod audit;
mod converges;
mod destinations;
mod foreign;
mod leaves;

use serde_json::{Value, json};
use support::{SMALL, Stage};

/// Logs go to a bucket and a log group of every cell.
const LOGS: &str = r#"
apiVersion: bedrail.dev/v1alpha1
kind: InvocationLogging
metadata: {name: invocations}
spec:
  loggingConfig:
    cloudWatchConfig:
      logGroupName: /bedrock/invocations
      roleArn: "arn:${partition}:iam::${account}:role/BedrockLogging"
      largeDataDeliveryS3Config: {bucketName: "large-${account}-${region}"}
    s3Config: {bucketName: "logs-${account}-${region}", keyPrefix: bedrock}
    videoDataDeliveryEnabled: false
  regions: [us-east-1, eu-west-1]
  targets: [{organization: true}]
"#;

/// [`SMALL`], with a role that Bedrock may log with, and `more`.
fn scenario(more: &str) -> String {
    format!(
        "{SMALL}
memberRoles:
  - name: BedrockLogging
    trust:
      Statement:
        - Effect: Allow
          Principal: {{Service: bedrock.amazonaws.com}}
          Action: sts:AssumeRole
{more}"
    )
}

/// What [`LOGS`] comes to in a cell.
fn expected(account: &str, region: &str) -> Value {
    json!({
        "cloudWatchConfig": {
            "logGroupName": "/bedrock/invocations",
            "roleArn": format!("arn:aws:iam::{account}:role/BedrockLogging"),
            "largeDataDeliveryS3Config": {"bucketName": format!("large-{account}-{region}")},
        },
        "s3Config": {"bucketName": format!("logs-{account}-{region}"), "keyPrefix": "bedrock"},
        "textDataDeliveryEnabled": true,
        "imageDataDeliveryEnabled": true,
        "embeddingDataDeliveryEnabled": true,
        "videoDataDeliveryEnabled": false,
        "audioDataDeliveryEnabled": true,
    })
}

/// What is logged in a cell; null for nothing.
async fn logging(stage: &Stage, (account, region): (&str, &str)) -> Value {
    stage.world().await["bedrock"][format!("{account}/{region}")]["logging"].clone()
}

impl Stage {
    /// An administrator of the account sends the logs of a cell to this bucket.
    async fn log_to(&self, (account, region): (&str, &str), bucket: &str) {
        use aws_sdk_bedrock::types::{LoggingConfig, S3Config};
        let bucket = S3Config::builder().bucket_name(bucket).build().unwrap();
        let config = LoggingConfig::builder().s3_config(bucket).build();
        let client = self.bedrock(account, region).await;
        client
            .put_model_invocation_logging_configuration()
            .logging_config(config)
            .send()
            .await
            .unwrap();
    }

    /// An administrator of the account ends the logging of a cell.
    async fn log_nowhere(&self, (account, region): (&str, &str)) {
        let client = self.bedrock(account, region).await;
        client.delete_model_invocation_logging_configuration().send().await.unwrap();
    }
}
