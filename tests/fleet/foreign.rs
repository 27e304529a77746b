//! Bedrock policies of others: read as a whole before anything is written, and else once a sweep.

use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_organizations::types::PolicyType;
use bedrail::reconcile::Key;
use serde_json::{Value, json};

use super::support::in_process::InProcess;
use super::{RESYNC, WORKLOADS, is_converged, manifests, members, organization};

const SECOND: Duration = Duration::from_secs(1);
const DESCRIBE: &str = "organizations:DescribePolicy";
const SANDBOX: &str = "ou-test-sandbox1";
const FOREIGN: u64 = 4;
const MEMBERS: usize = 2;

/// Our policy on the units of these names, and an account enforcement beside it.
fn enforced_on(units: &[&str]) -> String {
    let mut text = manifests(1, "organizationalUnit: /Workloads");
    text.push_str(
        "---\napiVersion: bedrail.dev/v1alpha1\nkind: OrganizationEnforcement\n\
         metadata: {name: units}\nspec:\n  guardrail: baseline\n  targets:\n",
    );
    for unit in units {
        writeln!(text, "    - organizationalUnit: /{unit}").unwrap();
    }
    text
}

/// What ours says, with these models taken out of enforcement.
fn document(ours: &Value, excluded: &[&str]) -> String {
    if excluded.is_empty() {
        return ours.to_string();
    }
    let mut document = ours.clone();
    let block = &mut document["bedrock"]["guardrail_inference"]["us-west-2"]["config_1"];
    block["model_enforcement"]["excluded_models"] = json!({"@@assign": excluded});
    document.to_string()
}

/// Ours on one unit, and nobody else's.
async fn alone() -> InProcess {
    let scenario = organization(&members(2, MEMBERS));
    let mut world = InProcess::start(&scenario, &enforced_on(&["Sandbox"]), 1).await;
    world.run(RESYNC);
    let times = (SECOND, Duration::from_mins(10));
    world.until(times, |world| is_converged(world, MEMBERS)).await;
    // Until the policy is made and attached.
    world.pass(Duration::from_mins(2)).await;
    world
}

/// Ours on one unit, and policies of others, which say the same, on the members of another.
async fn start() -> (InProcess, Value, Vec<String>) {
    let world = alone().await;
    let console = console(&world);
    let id = ours(&world).await;
    let described = console.describe_policy().policy_id(id).send().await.unwrap();
    let content = described.policy.unwrap().content.unwrap();
    let content: Value = serde_json::from_str(&content).unwrap();
    let mut ids = Vec::new();
    for number in 0..FOREIGN {
        let created = console.create_policy().name(format!("theirs-{number}")).description("");
        let created = created.r#type(PolicyType::BedrockPolicy);
        let created = created.content(document(&content, &[])).send().await.unwrap();
        let id = created.policy.unwrap().policy_summary.unwrap().id.unwrap();
        let member = format!("20000000000{}", number % 2);
        console.attach_policy().policy_id(&id).target_id(member).send().await.unwrap();
        ids.push(id);
    }
    // Until they were read, and once more.
    world.pass(Duration::from_mins(3)).await;
    let is_ready = is_converged(&world, MEMBERS);
    assert!(is_ready, "{:?}", world.controller.engine().outcomes()[&Key::Organization]);
    (world, content, ids)
}

/// The policy on the first unit.
async fn ours(world: &InProcess) -> String {
    let listed = console(world).list_policies_for_target().target_id(SANDBOX);
    let listed = listed.filter(PolicyType::BedrockPolicy).send().await.unwrap();
    listed.policies()[0].id().unwrap().to_owned()
}

fn console(world: &InProcess) -> aws_sdk_organizations::Client {
    aws_sdk_organizations::Client::new(&world.by_hand())
}

/// The operations of the controller, in order.
async fn operations(world: &InProcess) -> Vec<String> {
    let log = world.get("calls/log").await["calls"].clone();
    let calls: Vec<Value> = serde_json::from_value(log).unwrap();
    let ours = calls.iter().filter(|call| call["isController"] == true);
    ours.map(|call| call["operation"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn at_rest_ours_are_described_every_minute_and_those_of_others_once_a_sweep() {
    let (world, _, _) = start().await;
    world.forget_calls().await;
    world.pass(Duration::from_hours(1)).await;
    let described = world.by_operation().await[DESCRIBE];
    let expected = 60 + FOREIGN * 4;
    assert!(described.abs_diff(expected) <= FOREIGN + 2, "{described}, not {expected}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_attached_on_the_ground_of_what_is_remembered_of_others() {
    let (world, _, _) = start().await;
    let console = console(&world);
    let ours = ours(&world).await;
    world.forget_calls().await;
    console.detach_policy().policy_id(&ours).target_id(SANDBOX).send().await.unwrap();
    world.pass(Duration::from_secs(90)).await;

    let made = operations(&world).await;
    let attached = made.iter().position(|it| it == "organizations:AttachPolicy").unwrap();
    let listed = made[..attached].iter().rposition(|it| it == "organizations:ListPolicies");
    let described = made[listed.unwrap()..attached].iter().filter(|it| *it == DESCRIBE).count();
    assert_eq!(u64::try_from(described).unwrap(), FOREIGN + 1, "{made:#?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_was_edited_behind_our_back_holds_what_it_would_bend() {
    let (world, content, ids) = start().await;
    let console = console(&world);
    let edited = console.update_policy().policy_id(&ids[0]);
    let theirs = document(&content, &["example.their-favourite-v1:0"]);
    edited.content(theirs).send().await.unwrap();
    world.accept(&enforced_on(&["Sandbox", "Workloads"]));
    world
        .until((SECOND, Duration::from_mins(2)), |world| {
            let outcomes = world.controller.engine().outcomes();
            let mut held = outcomes[&Key::Organization].held.iter();
            held.any(|it| it.reason == "ForeignPolicy" && it.message.contains("is not attached to"))
        })
        .await;
    world.pass(RESYNC).await;
    let attached = console.list_policies_for_target().target_id(WORKLOADS);
    let attached = attached.filter(PolicyType::BedrockPolicy).send().await.unwrap();
    assert!(attached.policies().is_empty(), "{attached:?}");
}

/// AWS takes no precondition with a document. To read what ours rests on takes five seconds here, and
/// somebody else writes every second.
#[tokio::test(start_paused = true)]
async fn no_document_is_replaced_that_somebody_wrote_after_it_was_read() {
    let world = alone().await;
    let console = console(&world);
    let id = ours(&world).await;
    let described = || async {
        let described = console.describe_policy().policy_id(&id).send().await.unwrap();
        let content = described.policy.unwrap().content.unwrap();
        serde_json::from_str::<Value>(&content).unwrap()
    };
    let content = described().await;
    let slow = json!({"kind": "Latency", "operation": "bedrock:GetResourcePolicy", "caller": "Controller", "milliseconds": 5_000});
    world.put("faults", &json!({"seed": 1, "faults": [slow]})).await;
    world.forget_calls().await;

    for number in 0..90 {
        let theirs = document(&content, &[&format!("amazon.titan-{number}")]);
        console.update_policy().policy_id(&id).content(theirs).send().await.unwrap();
        world.pass(SECOND).await;
    }
    world.pass(Duration::from_mins(2)).await;

    assert_eq!(described().await, content);
    let log = world.get("calls/log").await["calls"].clone();
    let calls: Vec<Value> = serde_json::from_value(log).unwrap();
    let updates = calls.iter().filter(|call| call["operation"] == "organizations:UpdatePolicy");
    let writers: Vec<bool> = updates.map(|call| call["isController"] == true).collect();
    let expected: Vec<bool> = [false; 90].into_iter().chain([true]).collect();
    assert_eq!(writers, expected);
}
