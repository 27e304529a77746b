//! How often IAM is asked, and what is said of it.

use serde_json::{Value, json};

use crate::naming;
use crate::support::{SMALL, Stage, edited};

/// Two accounts below Workloads and one below Sandbox, with one role each, in two Regions.
const ALL: u64 = 3;

async fn questions(stage: &Stage) -> u64 {
    stage.calls().await.get("iam:SimulatePrincipalPolicy").copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_of_an_account_is_asked_about_once_for_each_revision_in_all_regions() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &naming("Application"));
    stage.apply(0).await;
    // At first the guardrails of the Regions come to be one after the other.
    let first = questions(&stage).await;
    assert!((ALL..=2 * ALL).contains(&first), "{first}");
    stage.assert_at_rest().await;
    assert_eq!(questions(&stage).await, 0, "what is in force is asked about no more");
    let moved = edited(&naming("Application"), "heliotrope", "vermilion");
    stage.manifest("all.yaml", &moved);
    stage.apply(0).await;
    assert_eq!(questions(&stage).await, ALL, "one call for both Regions");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_is_said_by_plan_which_asks_nothing_and_by_apply_before_the_first() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &naming("Application, Other"));
    stage.plan(2).await.line(&["callerRoles", "up to 6 times", "costs nothing"]);
    assert_eq!(questions(&stage).await, 0);
    let planned = stage.finish(&["plan", "-o", "json"]).await;
    let document: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(document["callerChecks"], json!(6));
    stage.apply(0).await.line(&["callerRoles", "up to 6 times", "costs nothing"]);
}
