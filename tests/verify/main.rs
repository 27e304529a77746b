//! `bedrail verify`: what is enforced is proven, and nothing else is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

mod failed;
mod forms;
mod logging;
mod proven;
mod rolling;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;
use support::{Finished, SEARCH, SHOP, SMALL, Stage, everything};

/// A model that every simulated Region has.
pub(crate) const MODEL: &str = "amazon.nova-lite-v1:0";

/// An organization enforcement on two accounts and an account enforcement on one, in two Regions.
pub(crate) async fn converged() -> Stage {
    converged_in(SMALL).await
}

/// The same in an organization of the test's own.
pub(crate) async fn converged_in(scenario: &str) -> Stage {
    let mut stage = Stage::start(scenario).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    // AWS takes its time between an attachment and its effect.
    for account in [SHOP, SEARCH] {
        stage
            .eventually("the policy is in effect", || async {
                (stage.effective(account).await.len() == 2).then_some(())
            })
            .await;
    }
    stage.forget_calls().await;
    stage
}

/// `verify`, which must end with `code` and write nothing.
pub(crate) async fn verify(stage: &mut Stage, code: i32, arguments: &[&str]) -> Finished {
    let done = stage.finish(&[&["verify"], arguments].concat()).await;
    assert_eq!(done.code, code, "verify ended otherwise\n{done}");
    assert_eq!(stage.writes().await, Vec::<String>::new());
    done
}

/// The cells of the JSON report as `account region verdict reason`, those that are not proven.
pub(crate) async fn unproven(stage: &mut Stage, arguments: &[&str]) -> Vec<String> {
    let done = verify(stage, 1, &[arguments, &["-o", "json"]].concat()).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let cells = report["cells"].as_array().unwrap().iter();
    let text = |cell: &Value, name: &str| cell[name].as_str().unwrap_or_default().to_owned();
    cells
        .filter(|cell| cell["verdict"] != "Proven")
        .map(|cell| ["account", "region", "verdict", "reason"].map(|it| text(cell, it)).join(" "))
        .collect()
}
