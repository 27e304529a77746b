//! What an import does not take, and what it says of it.

use serde_json::json;

use crate::REGIONS;
use crate::support::{ADA, SEARCH, SHOP, SMALL, Stage, bare_document};

const EAST: &str = "us-east-1";

#[tokio::test(flavor = "multi_thread")]
async fn what_no_manifest_can_say_is_named_and_left_foreign() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["baseline"]})).await;
    let arn = stage.console_guardrail(EAST, "baseline", "heliotrope").await;
    stage.share(EAST, &arn).await;
    let own = stage.create_guardrail((SHOP, EAST), "private", &[]).await;
    let client = stage.bedrock(SHOP, EAST).await;
    client.create_guardrail_version().guardrail_identifier(&own).send().await.unwrap();
    stage.ready((SHOP, EAST), &own).await;
    let admitting = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": "*", "Action": ["bedrock:GetGuardrail", "bedrock:ApplyGuardrail"],
        "Resource": own,
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}}]});
    let shared = client.put_resource_policy().resource_arn(&own);
    shared.resource_policy(admitting.to_string()).send().await.unwrap();
    stage.put_enforced((SEARCH, EAST), &own, "1").await;
    stage.create_guardrail((crate::support::MANAGEMENT, EAST), "unpublished", &[]).await;
    let theirs = [("bedrail:owner", "other-installation")];
    stage.create_guardrail((crate::support::MANAGEMENT, EAST), "theirs", &theirs).await;
    stage.enable_policies().await;
    let named = format!("{arn}:1");
    let assign = json!({"@@assign": named});
    let documents = [
        (
            "appends",
            json!({"identifier": assign, "model_enforcement": {
                "included_models": {"@@assign": ["ALL"]},
                "excluded_models": {"@@append": ["amazon.titan-embed-text-v2:0"]}}}),
            "@@append",
        ),
        (
            "leaf lock",
            json!({"identifier": {"@@assign": named,
            "@@operators_allowed_for_child_policies": ["@@none"]}}),
            "@@operators",
        ),
    ];
    for (name, configuration, _) in &documents {
        let document = json!({"bedrock": {"guardrail_inference":
            {EAST: {"config_1": configuration}}}});
        stage.attach(name, &document, "ou-test-sandbox0").await;
    }
    let two = json!({"bedrock": {"guardrail_inference": {EAST: {
        "config_1": {"identifier": assign}, "config_2": {"identifier": assign}}}}});
    stage.attach("two names", &two, "ou-test-sandbox0").await;
    let before = stage.policies().await.len();

    let done = stage.import(&[REGIONS], 0).await;
    for (name, _, why) in &documents {
        done.line(&["left", name, why]);
    }
    done.line(&["left", "two names", "2 configurations"]);
    done.line(&["left", SEARCH, &own, "nor of the account itself"]);
    done.line(&["left", "unpublished", "no published version"]);
    done.line(&["left", "theirs", "other-installation"]);
    done.line(&["not imported: guardrails of member accounts"]);
    stage.validate(0).await;
    stage.forget_calls().await;
    stage.apply(0).await;
    let writes = stage.writes().await;
    assert_eq!(writes.len(), 1, "the mark of the one guardrail: {writes:#?}");
    assert_eq!(stage.policies().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_and_the_rest_is_written_and_marked() {
    let mut stage = Stage::start(SMALL).await;
    let arn = stage.console_guardrail(EAST, "baseline", "heliotrope").await;
    stage.share(EAST, &arn).await;
    for account in [ADA, SEARCH] {
        stage.put_enforced((account, EAST), &arn, "1").await;
    }
    stage.faults(json!([{"kind": "Denied", "operation": "*", "account": SEARCH}])).await;
    let done = stage.import(&[REGIONS], 1).await;
    done.line(&["could not read", SEARCH, EAST]);
    let text = std::fs::read_to_string(stage.folder.path().join("accounts-baseline-accounts.yaml"));
    let text = text.unwrap();
    assert!(text.contains("INCOMPLETE") && text.contains(SEARCH), "{text}");
    assert!(text.contains(&format!("- account: \"{ADA}\"  # ada")), "{text}");
    stage.validate(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_there_are_not_overwritten_and_the_text_is_always_the_same() {
    let mut stage = Stage::start(SMALL).await;
    let arn = stage.console_guardrail(EAST, "baseline", "heliotrope").await;
    stage.share(EAST, &arn).await;
    stage.enable_policies().await;
    let document = bare_document(&[(EAST, &format!("{arn}:1"))]);
    stage.attach("all", &document, "r-test").await;
    stage.import(&[REGIONS], 0).await;
    let read = |stage: &Stage| {
        let files = std::fs::read_dir(stage.folder.path()).unwrap();
        let paths: std::collections::BTreeSet<_> = files.map(|it| it.unwrap().path()).collect();
        paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
    };
    let first = read(&stage);
    assert_eq!(first.len(), 2);
    assert!(first[1].contains("- organization: true"), "{first:?}");
    stage.manifest("guardrail-baseline.yaml", "mine");
    let done = stage.import(&[REGIONS], 2).await;
    done.line(&["guardrail-baseline.yaml", "is there already"]);
    assert_eq!(read(&stage)[0], "mine", "nothing was written");
    stage.import(&[REGIONS, "--force"], 0).await;
    assert_eq!(read(&stage), first);
}
