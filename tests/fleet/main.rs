//! A fleet on a paused clock: what rest costs, what broken accounts cost the others, and how soon
//! what changes in the organization is noticed.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod broken;
mod deadline;
mod foreign;
mod progress;
mod rest;

use std::fmt::Write as _;
use std::time::Duration;

use support::in_process::InProcess;
use support::members::{GUARDRAIL, enforcement};

/// Every key is visited once in this time.
const RESYNC: Duration = Duration::from_mins(5);

/// The Regions that no account has to enable first.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The unit all members are in.
const WORKLOADS: &str = "ou-test-workloads";

/// An organization with these members in one unit, and an empty one beside it.
fn organization(members: &[String]) -> String {
    let mut text = String::from(
        "organization: {id: o-exampleorg, rootId: r-test}\n\
         managementAccount: {id: \"100000000001\", name: management}\n\
         units:\n  - {name: Sandbox, id: ou-test-sandbox1}\n\
         \x20 - name: Workloads\n    id: ou-test-workloads\n    accounts:\n",
    );
    for id in members {
        writeln!(text, "      - {{id: \"{id}\", name: a{id}, tags: {{team: any}}}}").unwrap();
    }
    text
}

/// The first `count` accounts that begin with `digit`.
fn members(digit: u8, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{digit}{index:011}")).collect()
}

/// A guardrail in the first Regions, enforced on `target`.
fn manifests(regions: usize, target: &str) -> String {
    let regions = REGIONS[REGIONS.len() - regions..].join(", ");
    let guardrail = GUARDRAIL.replace("[us-east-1]", &format!("[{regions}]"));
    format!("{guardrail}---\n{}", enforcement("members", &[target.to_owned()]))
}

/// Whether all of these cells are desired, and every key is as it should be.
fn is_converged(world: &InProcess, cells: usize) -> bool {
    let engine = world.controller.engine();
    let (summary, progress) = (engine.summary(), engine.progress());
    progress.unread == 0
        && progress.done == progress.total
        && summary.ready == summary.keys
        && engine.desired().cells.len() == cells
}
