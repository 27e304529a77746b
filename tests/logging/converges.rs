//! From nothing to everywhere, and back after drift.

use serde_json::{Value, json};

use crate::support::{ADA, GONE, MANAGEMENT, REGIONS, SEARCH, SHOP, Stage, edited};
use crate::{LOGS, expected, logging, scenario};

const ACCOUNTS: [&str; 4] = [MANAGEMENT, SHOP, SEARCH, ADA];
const READ: &str = "bedrock:GetModelInvocationLoggingConfiguration";

async fn assert_everywhere(stage: &Stage) {
    for account in ACCOUNTS {
        for region in REGIONS {
            assert_eq!(logging(stage, (account, region)).await, expected(account, region));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_active_account_logs_to_places_of_its_own_in_every_region() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("logs.yaml", LOGS);
    let plan = stage.plan(2).await;
    plan.line(&["InvocationLogging/invocations"]);
    plan.line(&["put the invocation logging", "4 accounts × 2 Regions"]);
    plan.line(&["s3Config.bucketName", "logs-${account}-${region}"]);
    stage.apply(0).await;
    assert_everywhere(&stage).await;
    assert_eq!(logging(&stage, (GONE, "us-east-1")).await, Value::Null);
    stage.assert_at_rest().await;
    let cells = (ACCOUNTS.len() * REGIONS.len()) as u64;
    assert_eq!(stage.calls().await.get(READ), Some(&cells), "one read per cell at rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_put_right_and_then_it_is_quiet() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("logs.yaml", LOGS);
    stage.run().await;
    let is_everywhere = async |stage: &Stage| {
        for account in ACCOUNTS {
            for region in REGIONS {
                let live = logging(stage, (account, region)).await;
                if live != expected(account, region) {
                    return None;
                }
            }
        }
        Some(())
    };
    stage.eventually("logged everywhere", || is_everywhere(&stage)).await;
    stage.at_rest().await;
    stage.log_nowhere((SHOP, "us-east-1")).await;
    // More than the change guard admits at once: what was ours a moment ago is no takeover.
    for account in [SHOP, SEARCH, ADA] {
        stage.log_to((account, "eu-west-1"), "somewhere-else").await;
    }
    stage.eventually("drift is put right", || is_everywhere(&stage)).await;
    stage.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_text_reaches_every_cell_of_a_process_that_knows_its_own() {
    let mut stage = Stage::start(&scenario("")).await;
    stage.manifest("logs.yaml", LOGS);
    stage.run().await;
    let prefix = async |stage: &Stage, account, expected: &str| {
        let live = logging(stage, (account, "us-east-1")).await;
        (live["s3Config"]["keyPrefix"] == json!(expected)).then_some(())
    };
    for account in ACCOUNTS {
        stage.eventually("logged", || prefix(&stage, account, "bedrock")).await;
    }
    stage.at_rest().await;
    stage.manifest("logs.yaml", &edited(LOGS, "keyPrefix: bedrock", "keyPrefix: models"));
    for account in ACCOUNTS {
        stage.eventually("moved", || prefix(&stage, account, "models")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_logging_cannot_be_read_holds_up_nothing_else() {
    let role = "
      - id: \"410000000001\"
        name: ada
        roles:
          - name: BedrailMember
            allow:
              - bedrock:ApplyGuardrail
              - bedrock:ListEnforcedGuardrailsConfiguration
              - bedrock:PutEnforcedGuardrailConfiguration
";
    let scenario = edited(&scenario(""), "\n      - {id: \"410000000001\", name: ada}\n", role);
    let mut stage = Stage::start(&scenario).await;
    stage.manifest("logs.yaml", LOGS);
    let all = [crate::support::GUARDRAIL, crate::support::SANDBOX].join("---");
    stage.manifest("enforcement.yaml", &all);
    let done = stage.apply(1).await;
    done.line(&["failed (Denied)", ADA, "GetModelInvocationLoggingConfiguration"]);
    for account in [MANAGEMENT, SHOP, SEARCH] {
        let place = (account, "us-east-1");
        assert_eq!(logging(&stage, place).await, expected(account, "us-east-1"));
    }
    assert_eq!(logging(&stage, (ADA, "us-east-1")).await, Value::Null);
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some(), "{done}");
}
