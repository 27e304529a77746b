//! Accounts that join, move, change their tags, are closed, or whose role comes late.

use std::time::Duration;

use bedrail::reconcile::Key;
use serde_json::json;

use super::support::in_process::InProcess;
use super::{WORKLOADS, is_converged, manifests, members, organization};

const REGION: &str = "us-west-2";
const SECOND: Duration = Duration::from_secs(1);

/// Twice what an organization resync takes with a moment for the visits after it.
const SOON: Duration = Duration::from_secs(70);

async fn start(target: &str) -> InProcess {
    let members = members(2, 6);
    let mut world = InProcess::start(&organization(&members), &manifests(1, target), 1).await;
    world.run(Duration::from_hours(24));
    let times = (SECOND, Duration::from_mins(10));
    world.until(times, |world| is_converged(world, members.len())).await;
    world
}

fn console(world: &InProcess) -> aws_sdk_organizations::Client {
    aws_sdk_organizations::Client::new(&world.by_hand())
}

/// Creates an account in the unit that is enforced.
async fn join(world: &InProcess) -> String {
    let console = console(world);
    let created = console.create_account().email("new@example.com").account_name("new");
    let request = created.send().await.unwrap().create_account_status.unwrap().id.unwrap();
    let asked = console.describe_create_account_status().create_account_request_id(request);
    let account = loop {
        let status = asked.clone().send().await.unwrap().create_account_status.unwrap();
        if let Some(account) = status.account_id {
            break account;
        }
        world.pass(SECOND).await;
    };
    let moved = console.move_account().account_id(&account).source_parent_id("r-test");
    moved.destination_parent_id(WORKLOADS).send().await.unwrap();
    account
}

async fn is_enforced(world: &InProcess, account: &str) -> bool {
    let place = format!("{account}/{REGION}");
    world.get("world").await["bedrock"][&place]["enforced"]["guardrail"].is_string()
}

async fn until_enforced(world: &InProcess, account: &str, within: Duration) {
    let mut passed = Duration::ZERO;
    while !is_enforced(world, account).await {
        assert!(passed < within, "{account} is not enforced after {passed:?}");
        world.pass(SECOND).await;
        passed += SECOND;
    }
}

/// What the status says of the cell of an account.
fn holds(world: &InProcess, account: &str) -> Option<Vec<String>> {
    let outcomes = world.controller.engine().outcomes();
    let of_it = |key: &Key| matches!(key, Key::Cell(cell) if cell.account.as_str() == account);
    let (_, outcome) = outcomes.iter().find(|(key, _)| of_it(key))?;
    assert!(outcome.failure.is_none(), "{outcome:?}");
    Some(outcome.held.iter().map(|held| held.reason.clone()).collect())
}

#[tokio::test(start_paused = true)]
async fn an_account_that_joins_is_enforced_and_costs_the_others_a_look_each_at_most() {
    let world = start("organizationalUnit: /Workloads").await;
    world.forget_calls().await;
    let account = join(&world).await;
    until_enforced(&world, &account, SOON).await;
    world.pass(Duration::from_mins(2)).await;
    assert_eq!(holds(&world, &account), Some(Vec::new()));
    let log = world.get("calls/log").await["calls"].clone();
    let is_elsewhere = |call: &&serde_json::Value| {
        call["operation"].as_str().unwrap().starts_with("bedrock:") && call["account"] != account
    };
    let elsewhere: Vec<_> = log.as_array().unwrap().iter().filter(is_elsewhere).collect();
    // The six others and the management account, once each at most.
    assert!(elsewhere.len() <= 7, "the others were looked at again: {elsewhere:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_not_there_yet_is_held_and_found_within_a_minute_of_its_coming() {
    let world = start("organizationalUnit: /Workloads").await;
    let account = join(&world).await;
    let missing = json!({"kind": "Denied", "operation": "sts:AssumeRole", "account": account});
    world.put("faults", &json!({"faults": [missing]})).await;
    let held = || holds(&world, &account).is_some_and(|held| held == ["RoleNotAssumable"]);
    world.until((SECOND, SOON), |_| held()).await;
    world.pass(Duration::from_hours(3)).await;
    assert!(held(), "{:?}", holds(&world, &account));
    assert_eq!(world.controller.engine().summary().failed, 0);

    world.put("faults", &json!({"faults": []})).await;
    until_enforced(&world, &account, SOON).await;
}

#[tokio::test(start_paused = true)]
async fn accounts_that_are_closed_or_leave_the_unit_or_the_organization_are_seen_within_a_minute() {
    let world = start("organizationalUnit: /Workloads").await;
    let (closed, moved, gone) = ("200000000001", "200000000002", "200000000003");
    let console = console(&world);
    console.close_account().account_id(closed).send().await.unwrap();
    console.remove_account_from_organization().account_id(gone).send().await.unwrap();
    let away = console.move_account().account_id(moved).source_parent_id(WORKLOADS);
    away.destination_parent_id("ou-test-sandbox1").send().await.unwrap();
    world
        .until((SECOND, SOON), |world| {
            let desired = world.controller.engine().desired();
            let is_claimed =
                |account: &str| desired.cells.keys().any(|cell| cell.account.as_str() == account);
            !is_claimed(closed) && !is_claimed(moved) && !is_claimed(gone)
        })
        .await;
    world.pass(Duration::from_mins(1)).await;
    assert_eq!(holds(&world, gone), None, "who is not of the organization is not asked for");
    let desired = world.controller.engine().desired();
    assert_eq!(
        desired.unreachable.keys().map(bedrail::model::AccountId::as_str).collect::<Vec<_>>(),
        [closed]
    );
    assert!(is_enforced(&world, moved).await, "who leaves a selection is left alone");
    let orphans = world.controller.engine().summary().orphans;
    assert_eq!(orphans, 1, "and reported");
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_set_is_seen_at_the_next_sweep_and_one_on_a_new_account_at_once() {
    let world = start("accountsWithTags: {team: any}").await;
    let console = console(&world);
    let account = join(&world).await;
    world.pass(SOON).await;
    assert!(!is_enforced(&world, &account).await);
    let tag = |account: &str| {
        let team = aws_sdk_organizations::types::Tag::builder().key("team").value("any").build();
        console.tag_resource().resource_id(account).tags(team.unwrap()).send()
    };
    tag(&account).await.unwrap();
    until_enforced(&world, &account, Duration::from_mins(16)).await;

    let another = join(&world).await;
    tag(&another).await.unwrap();
    until_enforced(&world, &another, SOON).await;

    // Twelve hours of sweeps: each account once in a quarter of an hour.
    world.forget_calls().await;
    world.pass(Duration::from_hours(12)).await;
    let read = world.by_operation().await["organizations:ListTagsForResource"];
    assert!((8 * 48..=8 * 48 * 2).contains(&read), "{read} reads of tags");
}
