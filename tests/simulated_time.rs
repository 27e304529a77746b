//! Long histories on a paused clock: what hours of rest cost, and what a bad day costs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use support::in_process::InProcess;
use support::members::{GUARDRAIL, accounts, enforcement, slots};
use support::{SMALL, everything};

const RESYNC: Duration = Duration::from_mins(5);

#[tokio::test(start_paused = true)]
async fn a_day_at_rest_writes_nothing_and_costs_the_same_every_hour() {
    let mut world = InProcess::start(SMALL, &everything(), 1).await;
    world.run(RESYNC);
    world.pass(Duration::from_mins(10)).await;
    assert!(!world.writes().await.is_empty(), "nothing was made");
    let mut hours = Vec::new();
    for _ in 0..24 {
        world.forget_calls().await;
        world.pass(Duration::from_hours(1)).await;
        assert_eq!(world.writes().await, Vec::<String>::new());
        hours.push(world.calls().await);
    }
    let summary = world.controller.engine().summary();
    assert_eq!((summary.failed, summary.held, summary.refused), (0, 0, 0), "{summary:?}");
    let (least, most) = (hours.iter().min().unwrap(), hours.iter().max().unwrap());
    assert!(*least > 0 && most * 100 <= least * 115, "{hours:?}");
}

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "us-west-2"];

/// The account that refuses everything, and the Region that is down, on the bad day.
const DENYING: &str = "300000000007";
const DOWN: &str = "eu-west-1";

fn members() -> impl Iterator<Item = String> {
    (0..40).map(|index| format!("3{index:011}"))
}

/// Members directly below the root.
fn organization() -> String {
    let mut text = String::from(
        "organization: {id: o-exampleorg, rootId: r-test}\n\
         managementAccount: {id: \"100000000001\", name: management}\n\
         accounts:\n",
    );
    for id in members() {
        writeln!(text, "  - {{id: \"{id}\", name: a{id}}}").unwrap();
    }
    text
}

/// A guardrail in three Regions, enforced in every member.
fn manifests() -> String {
    let guardrail = GUARDRAIL.replace("[us-east-1]", "[us-east-1, eu-west-1, us-west-2]");
    format!("{guardrail}---\n{}", enforcement("members", &accounts(members())))
}

/// Every cell that can be worked in on the bad day.
fn healthy() -> BTreeSet<String> {
    let accounts = members().filter(|account| account != DENYING);
    let regions = REGIONS.into_iter().filter(|region| *region != DOWN);
    let regions: Vec<&str> = regions.collect();
    accounts
        .flat_map(|account| {
            regions.iter().map(move |it| format!("{account}/{it}")).collect::<Vec<_>>()
        })
        .collect()
}

/// Calls until the last healthy cell was enforced.
async fn calls_to_converge(world: &mut InProcess) -> u64 {
    world.forget_calls().await;
    world.run(RESYNC);
    let wanted = healthy();
    for _ in 0..3600 {
        world.pass(Duration::from_secs(1)).await;
        let seen = world.get("world").await;
        let is_enforced =
            |cell: &&String| seen["bedrock"][cell.as_str()]["enforced"]["guardrail"].is_string();
        if wanted.iter().filter(is_enforced).count() == wanted.len() {
            return world.calls().await;
        }
    }
    panic!("an hour was not enough: {:?}", world.controller.engine().summary());
}

#[tokio::test(start_paused = true)]
async fn a_denying_account_a_dead_region_and_throttling_cost_the_others_half_as_much_again_at_most()
{
    let mut undisturbed = InProcess::start(&organization(), &manifests(), 1).await;
    let usual = calls_to_converge(&mut undisturbed).await;

    let mut world = InProcess::start(&organization(), &manifests(), 1).await;
    let faults = json!([
        {"kind": "Denied", "account": DENYING},
        {"kind": "Outage", "operation": "bedrock:*", "region": DOWN},
        {"kind": "Throttle", "probability": 0.2},
    ]);
    world.put("faults", &json!({"seed": 7, "faults": faults})).await;
    let calls = calls_to_converge(&mut world).await;
    assert!(calls * 2 <= usual * 3, "{calls} calls instead of {usual}");
    for (key, outcome) in world.controller.engine().outcomes() {
        let key = key.to_string();
        let is_broken = key.contains(DENYING) || key.contains(DOWN);
        let said = outcome.failure.is_some() || !outcome.held.is_empty();
        assert!(!is_broken || said, "{key} says nothing: {outcome:?}");
    }
    println!("{calls} calls instead of {usual}");
}

/// The versions that are enforced, wherever it is.
async fn enforced_versions(world: &InProcess) -> BTreeSet<String> {
    let slots = slots(&world.get("world").await).into_iter();
    slots.map(|(_, arn)| arn.rsplit_once(':').unwrap().1.to_owned()).collect()
}

/// The referee checks meanwhile that no version is referenced that is not READY.
#[tokio::test(start_paused = true)]
async fn what_aws_cannot_prepare_leaves_the_last_version_in_force_and_says_so_until_it_is_reworded()
{
    let said = |word: &str| {
        let guardrail = GUARDRAIL.replace("heliotrope", word);
        format!("{guardrail}---\n{}", enforcement("members", &accounts([support::SHOP])))
    };
    let versions = |numbers: &[&str]| numbers.iter().map(|it| (*it).to_owned()).collect();
    let a_while = Duration::from_mins(20);
    let mut world = InProcess::start(SMALL, &said("heliotrope"), 1).await;
    world.run(RESYNC);
    world.pass(a_while).await;
    assert_eq!(enforced_versions(&world).await, versions(&["1"]));

    // A version: the next one is tried, and no person is needed.
    let failed = |operation: &str| {
        let fault = json!({"kind": "Failed", "operation": operation, "count": 1});
        json!({"faults": [fault]})
    };
    world.put("faults", &failed("bedrock:CreateGuardrailVersion")).await;
    world.accept(&said("hyacinth"));
    world.pass(a_while).await;
    assert_eq!(enforced_versions(&world).await, versions(&["3"]));

    // The content: nobody but a person can help.
    world.put("faults", &failed("bedrock:UpdateGuardrail")).await;
    world.accept(&said("tulip"));
    world.pass(a_while).await;
    assert_eq!(enforced_versions(&world).await, versions(&["3"]));
    let outcomes = world.controller.engine().outcomes();
    let held = outcomes.values().flat_map(|it| &it.held).find(|it| it.reason == "Failed").unwrap();
    assert!(held.needs_person, "{held:?}");
    assert!(held.message.contains("The content could not be prepared"), "{held:?}");
    world.forget_calls().await;
    world.pass(Duration::from_hours(3)).await;
    assert_eq!(world.writes().await, Vec::<String>::new(), "trying again cannot help");

    world.accept(&said("crocus"));
    world.pass(a_while).await;
    assert_eq!(enforced_versions(&world).await, versions(&["4"]));
    let violations = world.get("violations").await;
    assert_eq!(violations["violations"], json!([]));
}
