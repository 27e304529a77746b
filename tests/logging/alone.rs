//! Where nothing is said of guardrails.

use serde_json::json;

use crate::support::{ADA, Stage};
use crate::{LOGS, expected, logging, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn who_only_logs_needs_no_bedrock_policies() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("logs.yaml", LOGS);
    for kind in ["Denied", "ErrorBefore"] {
        let unreadable = json!([{"kind": kind, "operation": "organizations:ListPolicies"}]);
        stage.faults(unreadable).await;
        let done = stage.apply(0).await;
        done.line(&["the Bedrock policies could not be read", "nothing waits for them"]);
    }
    assert_eq!(logging(&stage, (ADA, "us-east-1")).await, expected(ADA, "us-east-1"));
    // What takes away goes by a complete pass, which needs them no more than the rest.
    stage.intend_removal().await;
    stage.manifest("logs.yaml", &crate::support::with(LOGS, "state: Absent"));
    stage.apply_with_approval().await;
    assert!(logging(&stage, (ADA, "us-east-1")).await.is_null());
}
