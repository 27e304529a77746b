//! The role that Bedrock writes to CloudWatch with: only the one that was named is handed over.

use serde_json::{Value, json};

use super::support::{ADA, MANAGEMENT, Stage, edited};
use super::{EXTERNAL_ID, documents, logging, scenario};

const ROLE: &str = "BedrockLogging";

/// Calls of two kinds of accounts are logged to CloudWatch, through a role of each.
fn to_cloudwatch(role: &str) -> String {
    let config = format!(
        "cloudWatchConfig: {{logGroupName: /bedrock/invocations, roleArn: \
         \"arn:aws:iam::${{account}}:role/{role}\"}}"
    );
    edited(&logging(), "s3Config: {bucketName: \"logs-${account}-${region}\"}", &config)
}

/// The stage of the printed roles, with roles in every account that Bedrock may take on.
async fn stage(documents: &Value) -> Stage {
    let mut scenario: Value = serde_json::from_str(&scenario(documents)).unwrap();
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    for roles in ["/memberRoles", "/managementAccount/roles"] {
        for role in [ROLE, "Administrator"] {
            let roles = scenario.pointer_mut(roles).unwrap().as_array_mut().unwrap();
            roles.push(json!({"name": role, "policies": [], "trust": trust}));
        }
    }
    let mut stage = Stage::start(&scenario.to_string()).await;
    stage.act_as(MANAGEMENT, "BedrailController").await;
    stage.set("BEDRAIL_EXTERNAL_ID", EXTERNAL_ID);
    stage
}

async fn logged(stage: &Stage, account: &str) -> Value {
    stage.world().await["bedrock"][format!("{account}/us-east-1")]["logging"].clone()
}

fn passes(policy: &Value) -> Vec<&Value> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements.filter(|it| it["Action"] == "iam:PassRole").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_printed_roles_the_role_that_was_named_is_handed_to_bedrock() {
    let documents = documents(&["--logging-role", ROLE]);
    let condition = json!({"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}});
    for (policy, account) in [("memberPolicy", "*"), ("controllerPolicy", MANAGEMENT)] {
        let [pass] = passes(&documents[policy]).try_into().unwrap();
        assert_eq!(pass["Resource"], json!(format!("arn:aws:iam::{account}:role/{ROLE}")));
        assert_eq!(pass["Condition"], condition, "{policy}");
    }
    let mut stage = stage(&documents).await;
    stage.manifest("logs.yaml", &to_cloudwatch(ROLE));
    stage.apply(0).await;
    for account in [ADA, MANAGEMENT] {
        let role = format!("arn:aws:iam::{account}:role/{ROLE}");
        assert_eq!(logged(&stage, account).await["cloudWatchConfig"]["roleArn"], json!(role));
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_is_not_handed_over_however_the_manifests_read() {
    let mut stage = stage(&documents(&["--logging-role", ROLE])).await;
    stage.manifest("logs.yaml", &to_cloudwatch("Administrator"));
    let done = stage.finish(&["apply", "--wait", "5s"]).await;
    assert_ne!(done.code, 0, "{done}");
    assert!(done.to_string().contains("iam:PassRole"), "{done}");
    for account in [ADA, MANAGEMENT] {
        assert_eq!(logged(&stage, account).await, Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_permission_each_account_says_what_it_lacks() {
    for (policy, account, other) in
        [("memberPolicy", ADA, MANAGEMENT), ("controllerPolicy", MANAGEMENT, ADA)]
    {
        let mut documents = documents(&["--logging-role", ROLE]);
        documents[policy]["Statement"]
            .as_array_mut()
            .unwrap()
            .retain(|it| it["Action"] != "iam:PassRole");
        let mut stage = stage(&documents).await;
        stage.manifest("logs.yaml", &to_cloudwatch(ROLE));
        let done = stage.finish(&["apply", "--wait", "5s"]).await;
        assert_ne!(done.code, 0, "{done}");
        assert!(done.to_string().contains("iam:PassRole"), "{policy}: {done}");
        assert_eq!(logged(&stage, account).await, Value::Null, "{policy}");
        assert_ne!(logged(&stage, other).await, Value::Null, "{policy}");
    }
}

/// Who does not log to CloudWatch hands no role to anybody.
#[test]
fn without_a_name_no_role_may_be_handed_over() {
    let documents = documents(&["--manage-guardrails"]);
    for policy in ["memberPolicy", "controllerPolicy"] {
        assert!(passes(&documents[policy]).is_empty(), "{policy}");
    }
}
