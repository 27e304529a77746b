//! Drift that an event tells of, on a paused clock, with a resync once a day.

#![cfg(feature = "sqs")]
#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_bedrock::types::GuardrailWordConfig;
use bedrail::status::EventKind;
use bedrail::status::journal::Actor;
use serde_json::json;
use support::SMALL;
use support::in_process::InProcess;
use support::members::{GUARDRAIL, enforcement};

const SECOND: Duration = Duration::from_secs(1);
const QUEUE: &str = "http://simulator.test/100000000001/bedrail-events";
const MEMBER: &str = "310000000001";

/// Every member enforced, and nothing looked at again for a day but the organization.
async fn start() -> InProcess {
    let manifests =
        format!("{GUARDRAIL}---\n{}", enforcement("all", &["organization: true".to_owned()]));
    let mut world = InProcess::start(SMALL, &manifests, 1).await;
    world.run(Duration::from_hours(24));
    let controller = Arc::clone(&world.controller);
    world.also(async move { controller.follow_events(QUEUE).await });
    world.until((SECOND, Duration::from_mins(10)), is_ready).await;
    world.pass(Duration::from_mins(2)).await;
    world
}

fn is_ready(world: &InProcess) -> bool {
    let summary = world.controller.engine().summary();
    summary.keys > 3 && summary.ready == summary.keys
}

/// Somebody in a member account, with the role that people have there.
async fn somebody(world: &InProcess) -> aws_sdk_bedrock::Client {
    let sts = aws_sdk_sts::Client::new(&world.by_hand());
    let role = format!("arn:aws:iam::{MEMBER}:role/OrganizationAccountAccessRole");
    let session = sts.assume_role().role_arn(role).role_session_name("me").send().await.unwrap();
    let given = session.credentials.unwrap();
    let credentials = aws_credential_types::Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        None,
        "test",
    );
    let config = aws_sdk_bedrock::config::Builder::from(&world.by_hand());
    aws_sdk_bedrock::Client::from_conf(config.credentials_provider(credentials).build())
}

async fn is_enforced(world: &InProcess) -> bool {
    let place = format!("{MEMBER}/us-east-1");
    world.get("world").await["bedrock"][&place]["enforced"]["guardrail"].is_string()
}

async fn take_away(world: &InProcess) {
    let client = somebody(world).await;
    let listed = client.list_enforced_guardrails_configuration().send().await.unwrap();
    let id = listed.guardrails_config[0].config_id.clone().unwrap();
    client.delete_enforced_guardrail_configuration().config_id(id).send().await.unwrap();
    assert!(!is_enforced(world).await);
}

/// How long it takes until the member is enforced again.
async fn until_enforced(world: &InProcess) -> Duration {
    let mut passed = Duration::ZERO;
    while !is_enforced(world).await {
        world.pass(Duration::from_millis(100)).await;
        passed += Duration::from_millis(100);
        assert!(passed < Duration::from_mins(1), "nobody looked");
    }
    passed
}

async fn send(world: &InProcess, body: &str) {
    let sqs = aws_sdk_sqs::Client::new(&world.by_hand());
    sqs.send_message().queue_url(QUEUE).message_body(body).send().await.unwrap();
}

async fn waiting(world: &InProcess) -> u64 {
    world.get("events").await["waiting"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn drift_is_put_right_within_two_seconds_of_its_event() {
    let world = start().await;
    take_away(&world).await;
    let took = until_enforced(&world).await;
    assert!(took <= 2 * SECOND, "{took:?}");
    world.pass(SECOND).await;
    assert_eq!(waiting(&world).await, 0);
}

/// Who is named for the drift that was put right last.
fn actor(world: &InProcess) -> Option<Actor> {
    let timeline = world.controller.engine().overview().timeline;
    timeline.into_iter().find(|event| event.kind == EventKind::Drift)?.actor
}

#[tokio::test(start_paused = true)]
async fn who_an_event_names_is_named_for_the_drift_it_tells_of() {
    let world = start().await;
    take_away(&world).await;
    until_enforced(&world).await;
    world.pass(2 * SECOND).await;
    let Some(Actor::Known(who)) = actor(&world) else { panic!("{:?}", actor(&world)) };
    let role = format!("arn:aws:sts::{MEMBER}:assumed-role/OrganizationAccountAccessRole/me");
    assert_eq!(who, format!("{role} (bedrock:DeleteEnforcedGuardrailConfiguration)"));
}

#[tokio::test(start_paused = true)]
async fn without_an_event_the_author_is_unknown_and_cloudtrail_can_be_asked() {
    let manifests =
        format!("{GUARDRAIL}---\n{}", enforcement("all", &["organization: true".to_owned()]));
    let mut world = InProcess::start(SMALL, &manifests, 1).await;
    world.run(Duration::from_mins(1));
    world.until((SECOND, Duration::from_mins(10)), is_ready).await;
    world.pass(Duration::from_mins(2)).await;
    take_away(&world).await;
    world.pass(Duration::from_mins(2)).await;
    assert!(is_enforced(&world).await);
    let Some(Actor::Unknown(query)) = actor(&world) else { panic!("{:?}", actor(&world)) };
    let name = "AttributeValue=DeleteEnforcedGuardrailConfiguration";
    assert!(query.contains("--region us-east-1 ") && query.ends_with(name), "{query}");
}

#[tokio::test(start_paused = true)]
async fn a_guardrail_that_is_edited_and_a_policy_of_it_that_is_deleted_are_put_right() {
    let world = start().await;
    let bedrock = aws_sdk_bedrock::Client::new(&world.by_hand());
    let listed = bedrock.list_guardrails().send().await.unwrap();
    let arn = listed.guardrails[0].arn.clone();
    let words = GuardrailWordConfig::builder().text("harmless").build().unwrap();
    let words = aws_sdk_bedrock::types::GuardrailWordPolicyConfig::builder().words_config(words);
    let edit = bedrock.update_guardrail().guardrail_identifier(&arn).name("baseline");
    let edit = edit.blocked_input_messaging("x").blocked_outputs_messaging("x");
    edit.word_policy_config(words.build()).send().await.unwrap();
    bedrock.delete_resource_policy().resource_arn(&arn).send().await.unwrap();
    world.forget_calls().await;
    world.pass(5 * SECOND).await;
    assert!(bedrock.get_resource_policy().resource_arn(&arn).send().await.is_ok());
    world.pass(30 * SECOND).await;
    let draft = bedrock.get_guardrail().guardrail_identifier(&arn).send().await.unwrap();
    assert_eq!(draft.blocked_input_messaging, "Blocked by policy.");
}

#[tokio::test(start_paused = true)]
async fn our_own_writes_cost_no_visit() {
    let world = start().await;
    take_away(&world).await;
    until_enforced(&world).await;
    world.pass(Duration::from_mins(1)).await;
    let before = world.controller.engine().events();
    assert!(before.own > 0 && before.hints == 1, "{before:?}");
}

#[tokio::test(start_paused = true)]
async fn poison_duplicates_and_strangers_are_deleted_and_change_nothing() {
    let world = start().await;
    world.forget_calls().await;
    let failed = json!({
        "detail-type": "AWS API Call via CloudTrail", "account": MEMBER, "region": "us-east-1",
        "detail": {"eventSource": "bedrock.amazonaws.com", "errorCode": "AccessDenied",
            "eventName": "DeleteEnforcedGuardrailConfiguration"},
    });
    let nobody = json!({
        "detail-type": "AWS API Call via CloudTrail", "account": "999999999999",
        "region": "eu-north-1",
        "detail": {"eventSource": "bedrock.amazonaws.com", "eventName": "DeleteGuardrail",
            "userIdentity": {"arn": "arn:aws:sts::999999999999:assumed-role/Admin/me"}},
    });
    for body in ["not json", "{}", "[[[[", &failed.to_string(), &nobody.to_string()] {
        send(&world, body).await;
    }
    world.pass(30 * SECOND).await;
    assert_eq!(waiting(&world).await, 0);
    let calls = world.by_operation().await;
    assert!(!calls.contains_key("bedrock:ListEnforcedGuardrailsConfiguration"), "{calls:?}");

    let mut same = nobody;
    same["account"] = json!(MEMBER);
    same["region"] = json!("us-east-1");
    same["detail"]["eventName"] = json!("DeleteEnforcedGuardrailConfiguration");
    for _ in 0..25 {
        send(&world, &same.to_string()).await;
    }
    world.pass(30 * SECOND).await;
    assert_eq!(
        (waiting(&world).await, world.writes().await),
        (0, SENT.map(str::to_owned).to_vec())
    );
    let calls = world.by_operation().await;
    assert!(calls["bedrock:ListEnforcedGuardrailsConfiguration"] <= 25, "{calls:?}");
    assert!(is_ready(&world));
}

/// The only writes are of the queue.
const SENT: [&str; 3] = ["sqs:DeleteMessageBatch", "sqs:ReceiveMessage", "sqs:SendMessage"];

#[tokio::test(start_paused = true)]
async fn at_rest_the_queue_costs_three_calls_a_minute() {
    let world = start().await;
    world.forget_calls().await;
    world.pass(Duration::from_hours(1)).await;
    let calls = world.by_operation().await;
    let polls = calls.get("sqs:ReceiveMessage").copied().unwrap_or_default();
    assert!((179..=181).contains(&polls), "{polls}: {calls:?}");
}
