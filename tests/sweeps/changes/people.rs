//! What others do meanwhile: accounts that join, move and close, and hands in the console.

use aws_config::SdkConfig;
use aws_sdk_bedrock::Client as Bedrock;
use aws_sdk_organizations::Client as Organizations;

use super::converged;
use crate::change::{Change, by_hand};
use crate::sweep::{sweep, sweep_pairs};
use crate::text::{ADA, HELIOTROPE, ROOT, SANDBOX, SHOP, WORKLOADS, three, wanted};

/// What the manifests of before come to after somebody did this.
fn after<F: Future<Output = ()>>(name: &'static str, hands: impl FnOnce(SdkConfig) -> F) -> Change {
    let wanted = wanted(three(HELIOTROPE), &[HELIOTROPE]);
    let before = by_hand(&converged(), &wanted, hands);
    Change::run(name, &before, wanted)
}

async fn move_account(organizations: &Organizations, account: &str, from: &str, to: &str) {
    let moved = organizations.move_account().account_id(account);
    moved.source_parent_id(from).destination_parent_id(to).send().await.unwrap();
}

#[test]
fn an_account_that_joins_survives_whatever_strikes_any_call() {
    let change = after("new account", |console| async move {
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
        move_account(&organizations, &account, ROOT, SANDBOX).await;
    });
    assert!(change.makes("bedrock:PutEnforcedGuardrailConfiguration"), "{:?}", change.calls);
    sweep(&change);
    sweep_pairs(&change);
}

#[test]
fn a_configuration_deleted_by_hand_is_restored_whatever_strikes_any_call() {
    let change = after("deleted by hand", |console| async move {
        let organizations = Organizations::new(&console);
        let detached = organizations.list_policies();
        let policies = detached.filter(aws_sdk_organizations::types::PolicyType::BedrockPolicy);
        let listed = policies.send().await.unwrap();
        let id = listed.policies()[0].id().unwrap();
        let detached = organizations.detach_policy().policy_id(id).target_id(WORKLOADS);
        detached.send().await.unwrap();
        let bedrock = Bedrock::new(&console);
        let listed = bedrock.list_guardrails().send().await.unwrap();
        let arn = listed.guardrails()[0].arn();
        bedrock.delete_resource_policy().resource_arn(arn).send().await.unwrap();
    });
    assert!(change.makes("organizations:AttachPolicy"), "{:?}", change.calls);
    assert!(change.makes("bedrock:PutResourcePolicy"), "{:?}", change.calls);
    sweep(&change);
}

#[test]
fn accounts_that_move_survive_whatever_strikes_any_call() {
    let change = after("moved accounts", |console| async move {
        let organizations = Organizations::new(&console);
        move_account(&organizations, ADA, SANDBOX, WORKLOADS).await;
        move_account(&organizations, SHOP, WORKLOADS, SANDBOX).await;
    });
    sweep(&change);
}

#[test]
fn an_account_that_is_closed_survives_whatever_strikes_any_call() {
    let change = after("closed account", |console| async move {
        let organizations = Organizations::new(&console);
        organizations.close_account().account_id(ADA).send().await.unwrap();
    });
    sweep(&change);
}
