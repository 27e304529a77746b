//! A changed policy goes to one account first, and the one before leaves last.

use serde_json::json;

use crate::support::{SMALL, Stage, edited};
use crate::{
    AUDIT, LANDING_ZONE, MODELS, PROD, ROOT, SHOP, WORKLOADS, at, control, controls, denies,
    written,
};

/// The calls that change policies, in order, with the policy's name and the target.
async fn story(stage: &Stage) -> Vec<String> {
    let log = stage.get("calls/log").await;
    let calls = log["calls"].as_array().unwrap().iter();
    calls
        .filter(|it| it["isController"] == json!(true) && it.get("code").is_none())
        .filter_map(|it| it["operation"].as_str()?.strip_prefix("organizations:"))
        .filter(|it| !["Get", "List", "Describe"].iter().any(|read| it.starts_with(read)))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_a_new_policy_that_goes_to_one_account_first() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    let before = control(&stage, "models").await;
    stage.forget_calls().await;
    stage.manifest("models.yaml", &edited(MODELS, "amazon.nova-*", "anthropic.claude-*"));
    stage.apply(0).await;
    let after = control(&stage, "models").await;
    assert_ne!(after.id, before.id, "no UpdatePolicy, which would reach everybody at once");
    assert_eq!(after.targets, at([ROOT]));
    let story = story(&stage).await;
    let first: Vec<&str> = story.iter().map(String::as_str).take(4).collect();
    // Created, at one account, passed, at the root; then the canary and the old one leave.
    assert_eq!(first, ["CreatePolicy", "AttachPolicy", "TagResource", "AttachPolicy"], "{story:?}");
    assert_eq!(story.last().map(String::as_str), Some("DeletePolicy"), "{story:?}");
    assert!(!story.contains(&"UpdatePolicy".to_owned()));
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waves_of_targets_bake_and_then_open_for_the_rest() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    let waves = "rollout:\n    waves:\n      - {name: prod, targets: [{organizationalUnit: \
                 /Workloads/Prod}], bake: 8s}\n      - {name: rest}\n";
    let text = format!(
        "{}  {waves}",
        written("no", &denies("s3:DeleteBucket"), "{organizationalUnit: /Workloads}")
    );
    stage.manifest("no.yaml", &text);
    stage.run().await;
    stage.logged(&["held", "bakes for", "`prod`"]).await;
    stage.kill();
    assert_eq!(control(&stage, "no").await.targets, at([PROD]));
    stage.manifest("no.yaml", &edited(&text, "    waves:", "    paused: true\n    waves:"));
    stage.apply(3).await.line(&["held (Paused)"]);
    stage.manifest("no.yaml", &text);
    stage.apply(0).await;
    assert_eq!(control(&stage, "no").await.targets, at([WORKLOADS]));
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_shuts_us_out_where_it_is_tried_is_taken_back() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("no.yaml", &written("no", &denies("s3:DeleteBucket"), "{organization: true}"));
    stage.apply(0).await;
    let before = control(&stage, "no").await;
    // What a session does is not known offline: in no simulated session is there a tag.
    let tagged = json!({"Version": "2012-10-17", "Statement": [{"Sid": "OnlyTagged",
        "Effect": "Deny", "Action": "bedrock:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "ai"}}}]});
    stage.manifest("no.yaml", &written("no", &tagged, "{organization: true}"));
    let done = stage.apply(3).await;
    done.line(&["held (RolledBack)", "is not tried again until its text changes"]);
    let all = controls(&stage).await;
    assert_eq!(all["bedrail-default-no.scp"], before, "the one before stays everywhere");
    let tried = all.iter().find(|(name, _)| name.starts_with("bedrail-default-no.scp-")).unwrap();
    assert_eq!(tried.1.targets, at([]), "and nobody has the new one");
    stage.forget_calls().await;
    stage.apply(3).await;
    assert!(stage.writes().await.is_empty(), "another process does not try it again");
    stage.manifest("no.yaml", &written("no", &denies("s3:DeleteObject"), "{organization: true}"));
    stage.apply(0).await;
    assert_eq!(control(&stage, "no").await.targets, at([ROOT]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_let_us_in_is_not_the_first() {
    let out = edited(LANDING_ZONE, "name: audit}", "name: audit, withoutRoles: [BedrailMember]}");
    let mut stage = Stage::start(&out).await;
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    assert_eq!(control(&stage, "models").await.targets, at([ROOT]));
    let log = stage.get("calls/log").await;
    let attached: Vec<&serde_json::Value> = log["calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["operation"] == json!("organizations:AttachPolicy"))
        .collect();
    assert_eq!(attached.len(), 2, "one account, then the root: {attached:?}");
    assert!(!attached.iter().any(|it| it.to_string().contains(AUDIT)), "{attached:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_alone_needs_no_canary_and_the_partition_is_its_own() {
    let mut stage = Stage::start(&format!("partition: aws-us-gov\n{SMALL}")).await;
    stage.set("AWS_REGION", "us-gov-west-1");
    stage.manifest(
        "models.yaml",
        &edited(MODELS, "{organization: true}", &format!("{{account: \"{SHOP}\"}}")),
    );
    stage.apply(0).await;
    let control = control(&stage, "models").await;
    assert_eq!(control.targets, at([SHOP]));
    let text = control.content.to_string();
    assert!(text.contains("arn:aws-us-gov:bedrock:") && !text.contains("arn:aws:"), "{text}");
}
