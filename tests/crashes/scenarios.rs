//! The other changes that an installation sees in its life, each for the organization and for an
//! account at once, killed after every call.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_organizations::Client as Organizations;
use bedrail::simulator::world::World;
use serde_json::{Value, json};

use super::trial::Trial;
use super::{Change, PRESENT, content, manifests, sweep_kills, sweep_some_kills};

const SHOP: &str = "310000000001";
const ADA: &str = "410000000001";
const WORKLOADS: &str = "ou-test-workload";
const SANDBOX: &str = "ou-test-sandbox0";

const HELIOTROPE: &str = "heliotrope";

pub(super) fn present() -> String {
    manifests(HELIOTROPE, [PRESENT; 3])
}

/// The policy reaches the other unit too.
fn wider_policy(manifests: &str) -> String {
    edited(
        manifests,
        r#"{"organizationalUnit":"/Workloads"}]"#,
        r#"{"organizationalUnit":"/Workloads"},{"organizationalUnit":"/Sandbox"}]"#,
    )
}

/// Another account has its own configuration.
fn wider_configuration(manifests: &str) -> String {
    let old = r#"{"organizationalUnit":"/Sandbox"}]"#;
    edited(
        manifests,
        old,
        &format!(r#"{{"organizationalUnit":"/Sandbox"}},{{"account":"{SHOP}"}}]"#),
    )
}

fn edited(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "`{old}` is not in {text}");
    text.replace(old, new)
}

pub(super) fn intent() -> Value {
    json!({"owner": "default", "content": {"baseline": content(HELIOTROPE)}})
}

/// What a person does in a console, in a world of its own; the world after.
async fn by_hand<F: Future<Output = ()>>(
    world: World,
    hands: impl FnOnce(SdkConfig) -> F,
) -> World {
    let trial = Trial::start(world, &present(), &intent()).await;
    let console = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(trial.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIACONSOLE", "x", None, None, "test"))
        .load()
        .await;
    hands(console).await;
    trial.world()
}

pub(super) async fn converged() -> World {
    Change::first_convergence().await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_survives_a_kill_after_every_call() {
    let revision = Change::revision().await;
    let intent = json!({
        "owner": "default",
        "content": {"baseline": content(HELIOTROPE)},
        "orderedContents": {"baseline": [content("amaranth"), content(HELIOTROPE)]},
    });
    let trial = Trial::start(revision.before.clone(), &revision.manifests, &revision.intent).await;
    assert_eq!(trial.finish(&super::APPLY).await.code, Some(0));
    let (change, after) = Change::run("rollback", trial.world(), present(), intent).await;
    drop(after);
    sweep_kills(&change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_widen_and_to_narrow_again_survives_a_kill_after_every_call() {
    let wider = wider_policy(&wider_configuration(&present()));
    let (widened, world) = Change::run("widening", converged().await, wider, intent()).await;
    sweep_kills(&widened).await;
    // One loss at a time, which needs nobody's approval.
    let mut removing = intent();
    removing["removals"] = json!(["all"]);
    let half = wider_policy(&present());
    let (cell, world) = Change::run("narrowing in an account", world, half, removing.clone()).await;
    sweep_kills(&cell).await;
    let (policy, _) =
        Change::run("narrowing in the organization", world, present(), removing).await;
    sweep_kills(&policy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_joins_survives_a_kill_after_every_call() {
    let world = by_hand(converged().await, |console| async move {
        let organizations = Organizations::new(&console);
        let created = organizations.create_account().email("new@example.com").account_name("new");
        let request = created.send().await.unwrap().create_account_status.unwrap().id.unwrap();
        let account = loop {
            let asked = organizations.describe_create_account_status();
            let asked = asked.create_account_request_id(&request).send().await.unwrap();
            if let Some(account) = asked.create_account_status.unwrap().account_id {
                break account;
            }
        };
        let moved = organizations.move_account().account_id(account);
        let moved = moved.source_parent_id("r-test").destination_parent_id(SANDBOX);
        moved.send().await.unwrap();
    })
    .await;
    let (change, _) = Change::run("new account", world, present(), intent()).await;
    assert!(change.calls.iter().any(|call| call.contains("PutEnforced")), "{:?}", change.calls);
    sweep_kills(&change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_move_survive_a_kill_after_every_call() {
    let world = by_hand(converged().await, |console| async move {
        let organizations = Organizations::new(&console);
        for (account, from, to) in [(ADA, SANDBOX, WORKLOADS), (SHOP, WORKLOADS, SANDBOX)] {
            let moved = organizations.move_account().account_id(account);
            moved.source_parent_id(from).destination_parent_id(to).send().await.unwrap();
        }
    })
    .await;
    let (change, _) = Change::run("moved accounts", world, present(), intent()).await;
    sweep_kills(&change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_closed_survives_a_kill_after_every_call() {
    let world = by_hand(converged().await, |console| async move {
        let organizations = Organizations::new(&console);
        organizations.close_account().account_id(ADA).send().await.unwrap();
    })
    .await;
    let (change, _) = Change::run("closed account", world, present(), intent()).await;
    sweep_kills(&change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_survives_a_kill_after_every_call() {
    let world = by_hand(Change::empty(), |console| async move {
        let bedrock = aws_sdk_bedrock::Client::new(&console);
        let words = aws_sdk_bedrock::types::GuardrailWordPolicyConfig::builder().words_config(
            aws_sdk_bedrock::types::GuardrailWordConfig::builder()
                .text(HELIOTROPE)
                .build()
                .unwrap(),
        );
        let created = bedrock
            .create_guardrail()
            .name("baseline")
            .blocked_input_messaging("Blocked by policy.")
            .blocked_outputs_messaging("Blocked by policy.")
            .word_policy_config(words.build());
        let arn = created.send().await.unwrap().guardrail_arn;
        loop {
            let read = bedrock.get_guardrail().guardrail_identifier(&arn).send().await.unwrap();
            if read.status.as_str() == "READY" {
                break;
            }
        }
        bedrock.create_guardrail_version().guardrail_identifier(&arn).send().await.unwrap();
    })
    .await;
    let adopting =
        edited(&present(), r#""regions":["us-east-1"]"#, r#""adopt":true,"regions":["us-east-1"]"#);
    let mut adoptable = intent();
    adoptable["adopt"] = json!(["baseline"]);
    let (change, _) = Change::run("adoption", world, adopting, adoptable).await;
    let makes = |name: &str| change.calls.iter().any(|call| call == name);
    assert!(!makes("bedrock:CreateGuardrail") && !makes("bedrock:CreateGuardrailVersion"));
    sweep_kills(&change).await;
}

/// A policy on both units, locked, in waves: an account below one of them, the other unit, the rest.
fn rolled_out(word: &str) -> String {
    let enforcement = json!({
        "apiVersion": "bedrail.dev/v1alpha1", "kind": "OrganizationEnforcement",
        "metadata": {"name": "units"},
        "spec": {
            "guardrail": "baseline", "allowOverride": false,
            "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": ["EMBEDDINGS"]},
            "targets": [{"organizationalUnit": "/Workloads"}, {"organizationalUnit": "/Sandbox"}],
            "rollout": {"waves": [
                {"name": "canary", "targets": [{"account": SHOP}]},
                {"name": "sandbox", "targets": [{"organizationalUnit": "/Sandbox"}]},
                {"name": "rest"},
            ]},
        },
    });
    let all = manifests(word, [PRESENT; 3]);
    let (guardrail, _) = all.split_once("\n---\n").unwrap();
    format!("{guardrail}\n---\n{enforcement}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_to_targets_survives_a_kill_after_every_write() {
    let intended = |words: &[&str]| {
        let contents: Vec<Value> = words.iter().map(|word| content(word)).collect();
        json!({
            "owner": "default",
            "content": {"baseline": contents.last()},
            "orderedContents": {"baseline": contents},
            "waves": [[{"account": SHOP}], [{"account": ADA}]],
        })
    };
    let first = rolled_out(HELIOTROPE);
    let (_, world) =
        Change::run("first rollout", Change::empty(), first, intended(&[HELIOTROPE])).await;
    let (change, _) = Change::run(
        "rollout to targets",
        world,
        rolled_out("amaranth"),
        intended(&[HELIOTROPE, "amaranth"]),
    )
    .await;
    let made = change.calls.iter().filter(|call| *call == "organizations:CreatePolicy").count();
    assert_eq!(made, 2, "one for each wave before the rest: {:?}", change.calls);
    sweep_some_kills(&change, 5).await;
}
