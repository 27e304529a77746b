//! All five kinds in one landing zone: once converged, nobody has anything left to do.

use serde_json::json;

use crate::support::{self, Stage};
use crate::{
    ADA, LANDING_ZONE, MODELS, PROTECTION, ROOT, SANDBOX, SHOP, WORKLOADS, assert_strangers_stay,
    at, control,
};

const ORGANIZATION: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: OrganizationEnforcement
metadata: {name: workloads}
spec:
  guardrail: baseline
  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}
  targets: [{organizationalUnit: /Workloads}, {organizationalUnit: /Security}]
";

const REQUIRED: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: required}
spec:
  requireGuardrail: {guardrails: [baseline], exemptRoles: [BreakGlass]}
  targets: [{organizationalUnit: /Workloads/Prod}]
";

const LOGS: &str = r#"
apiVersion: bedrail.dev/v1alpha1
kind: InvocationLogging
metadata: {name: invocations}
spec:
  loggingConfig:
    cloudWatchConfig:
      logGroupName: /bedrock/invocations
      roleArn: "arn:${partition}:iam::${account}:role/BedrockLogging"
    s3Config: {bucketName: "logs-${account}-${region}", keyPrefix: bedrock}
    videoDataDeliveryEnabled: false
  regions: [us-east-1, eu-west-1]
  targets: [{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]
"#;

/// Reads by which resyncs are counted: of the organization, of replicas, of cells and of logging.
const READ: [&str; 5] = [
    "organizations:ListRoots",
    "organizations:ListPolicies",
    "bedrock:ListGuardrails",
    "bedrock:ListEnforcedGuardrailsConfiguration",
    "bedrock:GetModelInvocationLoggingConfiguration",
];

const RESYNCS: u64 = 3;

fn landing_zone() -> String {
    format!(
        "{LANDING_ZONE}
memberRoles:
  - name: BedrockLogging
    trust: {{Statement: [{{Effect: Allow, Principal: {{Service: bedrock.amazonaws.com}}, Action: sts:AssumeRole}}]}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn all_five_kinds_together_come_to_rest_and_stay_there() {
    let mut stage = Stage::start(&landing_zone()).await;
    for (name, text) in [
        ("guardrail.yaml", support::GUARDRAIL),
        ("organization.yaml", ORGANIZATION),
        ("accounts.yaml", support::SANDBOX),
        ("models.yaml", MODELS),
        ("protection.yaml", PROTECTION),
        ("required.yaml", REQUIRED),
        ("logs.yaml", LOGS),
    ] {
        stage.manifest(name, text);
    }
    stage.apply(0).await;
    assert_in_force(&stage).await;
    // Exit code 0, and then a second apply without a write.
    let planned = stage.plan(0).await;
    planned.line(&["0 to create, 0 to update, 0 to delete; 0 held"]);
    stage.assert_at_rest().await;
    // What going round once takes, at least.
    let a_pass = stage.calls().await;

    let before = stage.world().await;
    stage.run().await;
    // What a process does when it starts is no resync.
    stage.at_rest().await;
    stage.forget_calls().await;
    stage
        .eventually("three resyncs of every key", || async {
            let calls = stage.calls().await;
            let count = |operation: &str| calls.get(operation).copied().unwrap_or_default();
            READ.iter()
                .all(|it| a_pass[*it] > 0 && count(it) >= RESYNCS * a_pass[*it])
                .then_some(())
        })
        .await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "at rest nothing is written");
    stage.kill();
    let after = stage.world().await;
    for part in ["policies", "attachments", "bedrock"] {
        assert_eq!(after[part], before[part], "{part}");
    }
}

/// Each kind has done its work.
async fn assert_in_force(stage: &Stage) {
    let arn = stage.guardrail(("100000000001", "us-east-1"), "baseline").await;
    let version = format!("{arn}:1");
    assert_eq!(stage.effective(SHOP).await["us-east-1"], version);
    assert_eq!(stage.enforced_version((ADA, "us-east-1")).await, Some(version));
    assert_eq!(control(stage, "models").await.targets, at([ROOT]));
    assert_eq!(control(stage, "protection").await.targets, at([WORKLOADS, SANDBOX]));
    assert_eq!(control(stage, "required").await.targets, at([crate::PROD]));
    assert_strangers_stay(stage).await;
    let world = stage.world().await;
    for account in [SHOP, ADA] {
        let logging = &world["bedrock"][format!("{account}/eu-west-1")]["logging"];
        assert_eq!(logging["s3Config"]["bucketName"], json!(format!("logs-{account}-eu-west-1")));
    }
}
