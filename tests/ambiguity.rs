//! Answers that may mean two things: a token that names something dead, a DRAFT that moves under
//! our hands, a list that breaks off.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod support;

use aws_sdk_organizations::types::PolicyType;
use serde_json::json;
use support::{ADA, GUARDRAIL, MANAGEMENT, REGIONS, SMALL, Stage, everything};
use tokio::task::JoinSet;

const PLACE: (&str, &str) = (MANAGEMENT, "us-east-1");

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_a_stranger_deleted_is_published_again_though_its_token_is_spent() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.apply(0).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    let console = stage.bedrock(PLACE.0, PLACE.1).await;
    let delete = console.delete_guardrail().guardrail_identifier(&arn).guardrail_version("1");
    delete.send().await.unwrap();
    assert_eq!(stage.versions(PLACE, "baseline").await, Vec::<u32>::new());
    // A process that remembers nothing: its first token is the one that made version 1.
    stage.apply(0).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [2]);
    assert_eq!(stage.versions((MANAGEMENT, "eu-west-1"), "baseline").await, [1]);
    stage.assert_at_rest().await;
}

/// Converges while somebody rewrites DRAFT during the controller's `nth` look at it: the controller
/// gets the answer of before. Returns whether there was such a look.
async fn rewritten_behind_its_back(nth: u64) -> bool {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let slow = json!({
        "kind": "Latency", "operation": "bedrock:GetGuardrail", "region": PLACE.1,
        "caller": "Controller", "after": nth, "count": 1, "milliseconds": 700,
    });
    stage.faults(json!([slow])).await;
    let apply = tokio::task::spawn_blocking({
        let mut command = stage.bedrail(&["apply", "--wait", "60s"]);
        move || command.output().unwrap()
    });
    let looked = stage
        .eventually("the look, or the end", || async {
            let left = stage.get("faults").await["faults"][0]["count"].as_u64();
            let is_over = left.unwrap_or_default() == 0;
            (is_over || apply.is_finished()).then_some(is_over)
        })
        .await;
    if looked {
        let arn = stage.guardrail(PLACE, "baseline").await;
        let console = stage.bedrock(PLACE.0, PLACE.1).await;
        // AWS refuses it while a version is being made, as it would refuse a person.
        console
            .update_guardrail()
            .guardrail_identifier(arn)
            .name("baseline")
            .blocked_input_messaging("rewritten")
            .blocked_outputs_messaging("rewritten")
            .send()
            .await
            .ok();
    }
    let ended = support::Finished::of(&apply.await.unwrap());
    assert_eq!(ended.code, 0, "rewritten during look {nth}\n{ended}");
    stage.apply(0).await;
    for region in REGIONS {
        let arn = stage.guardrail((MANAGEMENT, region), "baseline").await;
        let live = stage.enforced((ADA, region)).await.unwrap();
        let version = live.guardrail_version.unwrap();
        let console = stage.bedrock(MANAGEMENT, region).await;
        let read = console.get_guardrail().guardrail_identifier(arn).guardrail_version(version);
        let message = read.send().await.unwrap().blocked_input_messaging;
        assert_eq!(message, "Blocked by policy.", "rewritten during look {nth}");
    }
    stage.assert_at_rest().await;
    looked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_rewritten_during_any_look_at_it_is_never_enforced() {
    const MOST: u64 = 14;
    let mut trials = JoinSet::new();
    for nth in 0..MOST {
        trials.spawn(rewritten_behind_its_back(nth));
    }
    let looks = trials.join_all().await.into_iter().filter(|looked| *looked).count();
    assert!(looks >= 5, "only {looks} looks were disturbed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_policies_that_breaks_off_is_no_reason_to_make_one() {
    let mut stage = Stage::start(SMALL).await;
    let organizations = stage.organizations().await;
    // Pages have 20.
    for number in 0..25 {
        let policy = organizations.create_policy().name(format!("a-foreign-{number:02}"));
        let policy = policy.description("by hand").r#type(PolicyType::BedrockPolicy);
        policy.content("{\"bedrock\":{}}").send().await.unwrap();
    }
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    let broken_off =
        json!([{"kind": "ErrorBefore", "operation": "organizations:ListPolicies", "after": 1}]);
    stage.faults(broken_off).await;
    stage.forget_calls().await;
    let done = stage.finish(&["apply", "--wait", "3s"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["organizations:ListPolicies"]);
    assert_eq!(stage.writes().await, Vec::<String>::new());
    stage.faults(json!([])).await;
    stage.assert_at_rest().await;
}
