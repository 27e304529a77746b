//! What would shut us out, or everybody out of what is enforced, is refused before it is written.

use serde_json::{Value, json};

use crate::support::Stage;
use crate::support::members::{GUARDRAIL, enforcement};
use crate::{LANDING_ZONE, SHOP, controls, written};

async fn refused(document: &Value, targets: &str, says: &[&str]) {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    let members = ["organizationalUnit: /Workloads".to_owned()];
    stage.manifest("members.yaml", &enforcement("members", &members));
    stage.apply(0).await;
    let before = controls(&stage).await;
    stage.manifest("no.yaml", &written("no", document, targets));
    stage.forget_calls().await;
    let done = stage.apply(1).await;
    let mut words = vec!["refused", "ServiceControlPolicy/no"];
    words.extend(says);
    done.line(&words);
    assert!(stage.writes().await.is_empty(), "{:?}", stage.writes().await);
    assert_eq!(controls(&stage).await, before);
}

fn denying(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}, statement]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_leaves_bedrock_to_another_role_is_refused_with_its_statement() {
    let only = json!({"Sid": "OnlyPlatform", "Effect": "Deny", "Action": "bedrock:*",
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Platform"}}});
    let says = ["`OnlyPlatform`", "BedrailMember", "bedrock:"];
    refused(&denying(&only), "{organizationalUnit: /Workloads}", &says).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_without_a_name_is_named_by_its_number() {
    let only = json!({"Effect": "Deny", "Action": "bedrock:PutEnforced*", "Resource": "*"});
    let target = format!("{{account: \"{SHOP}\"}}");
    refused(&denying(&only), &target, &["statement [1]", "PutEnforcedGuardrailConfiguration"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_denies_everybody_an_enforced_guardrail_is_refused() {
    let apply = json!({"Sid": "NoApply", "Effect": "Deny", "Action": "bedrock:ApplyGuardrail",
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/x"}}});
    refused(&denying(&apply), "{organization: true}", &["`NoApply`", "bedrock:ApplyGuardrail"])
        .await;
}
