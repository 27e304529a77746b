//! What takes much away at once waits for a person, through the real binary.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod support;

use std::fmt::Write as _;

use aws_sdk_bedrock::types::AccountEnforcedGuardrailInferenceInputConfiguration as Input;

use serde_json::json;
use support::members::{GUARDRAIL, accounts, count, enforced, enforcement, slots};
use support::{MANAGEMENT, PATIENCE, Stage, within};

/// An organization of so many members, directly below the root.
fn organization(members: usize) -> String {
    let mut text = String::from(
        "organization: {id: o-exampleorg, rootId: r-test}\n\
         managementAccount: {id: \"100000000001\", name: management}\n\
         switches: {ready_delay_ms: 30, effective_policy_delay_ms: 20, policy_type_delay_ms: 20}\n\
         accounts:\n",
    );
    for id in ids(0..members) {
        writeln!(text, "  - {{id: \"{id}\", name: a{id}}}").unwrap();
    }
    text
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|index| format!("3{index:011}")).collect()
}

fn members(range: std::ops::Range<usize>) -> String {
    enforcement("members", &accounts(ids(range)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_of_the_targets_waits_and_strengthening_does_not() {
    let mut stage = Stage::start(&organization(30)).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..20));
    stage.apply(0).await;
    assert_eq!(count(&stage).await, 20);

    // Six go, three come.
    stage.manifest("members.yaml", &members(6..23));
    let planned = stage.plan(2).await;
    assert!(planned.stdout.contains("0006: 6 cells and targets would lose"), "{planned}");
    let done = stage.apply(3).await;
    assert!(done.stdout.contains("held (ChangeGuard)"), "{done}");
    assert_eq!(enforced(&stage, |_| true).await, ids(0..23));
    // Another process comes to the same end.
    stage.apply(3).await;
    assert_eq!(count(&stage).await, 23);

    // An approval of fewer does not do.
    stage.manifest("approval.yaml", &done.approval().replace("0006", "0005"));
    stage.apply(3).await;
    assert_eq!(count(&stage).await, 23);

    stage.manifest("approval.yaml", &done.approval());
    stage.apply(0).await;
    assert_eq!(enforced(&stage, |_| true).await, ids(6..23));
    stage.plan(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_approval_releases_nothing() {
    let mut stage = Stage::start(&organization(4)).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..4));
    stage.apply(0).await;
    stage.manifest("members.yaml", &members(0..2));
    let held = stage.apply(3).await;
    let text = held.approval();
    let (before, _) = text.split_once("expires").unwrap();
    stage.manifest("approval.yaml", &format!("{before}expires: \"2020-01-01T00:00:00Z\"}}\n"));
    let done = stage.apply(3).await;
    assert!(done.stdout.contains("the approval has expired"), "{done}");
    assert_eq!(count(&stage).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teardown_is_a_loss_too() {
    let mut stage = Stage::start(&organization(3)).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..3));
    stage.apply(0).await;
    stage.manifest("members.yaml", &format!("{}  state: Absent\n", members(0..3)));
    let held = stage.apply(3).await;
    assert_eq!(count(&stage).await, 3);
    stage.manifest("approval.yaml", &held.approval());
    stage.apply(0).await;
    assert_eq!(count(&stage).await, 0);
}

/// Killed halfway, the next process neither forgets what was approved nor goes beyond it.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_halfway_loses_neither_consent_nor_its_limit() {
    let mut stage = Stage::start(&organization(40)).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..40));
    stage.apply(0).await;
    stage.manifest("members.yaml", &members(20..40));
    let held = stage.apply(3).await;
    stage.manifest("approval.yaml", &held.approval());
    // Half of them fail as long as this process lives, so that it dies in the middle.
    let failing: Vec<serde_json::Value> = ids(0..10)
        .into_iter()
        .map(|account| {
            serde_json::json!({"kind": "ErrorBefore", "probability": 1.0, "account": account,
                "operation": "bedrock:DeleteEnforcedGuardrailConfiguration"})
        })
        .collect();
    stage.put("faults", &serde_json::json!({"seed": 1, "faults": failing})).await;
    stage.run().await;
    within(PATIENCE, async || (count(&stage).await == 30).then_some(())).await.unwrap();
    stage.kill();
    stage.put("faults", &serde_json::json!({"seed": 1, "faults": []})).await;
    stage.apply(0).await;
    assert_eq!(enforced(&stage, |_| true).await, ids(20..40));
    stage.plan(0).await;
}

/// Puts somebody else's guardrail into these accounts.
async fn occupy(stage: &Stage, accounts: &[String]) {
    let management = stage.administrator(MANAGEMENT, "us-east-1").await;
    let bedrock = aws_sdk_bedrock::Client::new(&management);
    let made = bedrock.create_guardrail().name("theirs");
    let made = made.blocked_input_messaging("no").blocked_outputs_messaging("no");
    let words = aws_sdk_bedrock::types::GuardrailWordPolicyConfig::builder();
    let word = aws_sdk_bedrock::types::GuardrailWordConfig::builder().text("zebra");
    let words = words.words_config(word.build().unwrap()).build();
    let arn = made.word_policy_config(words).send().await.unwrap().guardrail_arn().to_owned();
    within(PATIENCE, async || {
        bedrock.create_guardrail_version().guardrail_identifier(&arn).send().await.ok()
    })
    .await
    .unwrap();
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{"Sid": "All",
        "Effect": "Allow", "Principal": "*", "Resource": arn,
        "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}}]});
    let put = bedrock.put_resource_policy().resource_arn(&arn);
    put.resource_policy(policy.to_string()).send().await.unwrap();
    for account in accounts {
        let member = aws_sdk_bedrock::Client::new(&stage.administrator(account, "us-east-1").await);
        let input = Input::builder().guardrail_identifier(&arn).guardrail_version("1");
        let input = input.build().unwrap();
        within(PATIENCE, async || {
            let put = member.put_enforced_guardrail_configuration();
            put.guardrail_inference_config(input.clone()).send().await.ok()
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_foreign_configurations_wait_and_one_is_replaced_at_once() {
    let mut stage = Stage::start(&organization(202)).await;
    stage.intend_removal().await;
    occupy(&stage, &ids(0..200)).await;
    let theirs = enforced(&stage, |_| true).await;
    assert_eq!(theirs.len(), 200);
    let is_theirs = {
        let world = stage.world().await;
        let arn = slots(&world).first().unwrap().1.clone();
        move |it: &str| it == arn
    };
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..202));
    let held = stage.apply(3).await;
    assert!(held.stdout.contains("00c8: 200 cells and targets"), "{held}");
    assert_eq!(enforced(&stage, &is_theirs).await.len(), 200);
    // Who had nothing has ours.
    assert_eq!(count(&stage).await, 202);

    stage.manifest("approval.yaml", &held.approval());
    stage.apply(0).await;
    assert_eq!(enforced(&stage, &is_theirs).await.len(), 0);
    assert_eq!(count(&stage).await, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_foreign_configuration_is_replaced_at_once() {
    let mut stage = Stage::start(&organization(3)).await;
    stage.intend_removal().await;
    occupy(&stage, &ids(0..1)).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..3));
    stage.apply(0).await;
    let world = stage.world().await;
    let arns: std::collections::BTreeSet<String> =
        slots(&world).into_iter().map(|(_, arn)| arn).collect();
    assert_eq!((arns.len(), count(&stage).await), (1, 3));
    stage.plan(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_answered_at_first_is_counted_before_anything_goes() {
    let mut stage = Stage::start(&organization(6)).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(0..6));
    stage.apply(0).await;
    // Five of six are given up; AWS answers half of the calls with a throttle, forty at most: to read
    // a guardrail takes several in a row that are answered.
    stage.manifest("members.yaml", &members(0..1));
    let half = |operation: &str| json!({"kind": "Throttle", "operation": operation, "probability": 0.5, "count": 20});
    stage.faults(json!([half("bedrock:*"), half("organizations:*")])).await;
    let done = stage.apply(3).await;
    assert!(done.stdout.contains("0005: 5 cells and targets would lose"), "{done}");
    assert_eq!(count(&stage).await, 6);
}
