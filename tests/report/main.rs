//! `bedrail report`: what is enforced, what is not, and how that is known, at one moment.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod access;
mod controls;
mod forms;
mod history;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;
use support::{ADA, Finished, MANAGEMENT, SEARCH, SHOP, SMALL, Stage, edited, everything};

/// The Regions that the manifests speak of.
pub(crate) const LOOKED_AT: &str = "us-east-1,eu-west-1";

/// An organization enforcement on two accounts and an account enforcement on one, in two Regions;
/// nobody speaks of the management account.
pub(crate) async fn converged() -> Stage {
    converged_in(SMALL, &everything()).await
}

/// The same in an organization and with manifests of the test's own.
pub(crate) async fn converged_in(scenario: &str, manifests: &str) -> Stage {
    let mut stage = Stage::start(scenario).await;
    stage.manifest("all.yaml", manifests);
    stage.apply(0).await;
    in_effect(&stage).await;
    stage
}

/// AWS takes its time between an attachment and its effect.
pub(crate) async fn in_effect(stage: &Stage) {
    for account in [SHOP, SEARCH] {
        stage
            .eventually("the policy is in effect", || async {
                (stage.effective(account).await.len() == 2).then_some(())
            })
            .await;
    }
}

/// `report`, which must end with `code` and write nothing to AWS.
pub(crate) async fn report(stage: &mut Stage, code: i32, arguments: &[&str]) -> Finished {
    stage.forget_calls().await;
    let done = stage.finish(&[&["report", "--regions", LOOKED_AT], arguments].concat()).await;
    assert_eq!(done.code, code, "report ended otherwise\n{done}");
    assert_eq!(stage.writes().await, Vec::<String>::new());
    done
}

/// The same as JSON.
pub(crate) async fn json(stage: &mut Stage, code: i32, arguments: &[&str]) -> Value {
    let done = report(stage, code, &[arguments, &["--format", "json"]].concat()).await;
    serde_json::from_str(&done.stdout).unwrap()
}

/// The cells that stand so, as `account region`.
pub(crate) fn cells(report: &Value, state: &str) -> Vec<String> {
    let cells = report["cells"].as_array().unwrap().iter();
    let text = |cell: &Value, name: &str| cell[name].as_str().unwrap().to_owned();
    cells
        .filter(|cell| cell["state"] == state)
        .map(|cell| ["account", "region"].map(|name| text(cell, name)).join(" "))
        .collect()
}

/// The exceptions of a kind, as their whole text.
pub(crate) fn exceptions(report: &Value, kind: &str) -> Vec<String> {
    let all = report["exceptions"].as_array().unwrap().iter();
    all.filter(|it| it["kind"] == kind).map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_counted_once_and_holes_are_rows() {
    let mut stage = converged().await;
    let report = json(&mut stage, 0, &[]).await;
    assert_eq!(
        (&report["apiVersion"], &report["kind"]),
        (&"bedrail.dev/v1alpha1".into(), &"Report".into())
    );
    let coverage = &report["coverage"];
    assert_eq!(coverage["cells"], 8, "{coverage}");
    assert_eq!(coverage["byState"]["Enforced"], 6, "{coverage}");
    assert_eq!(coverage["byOrganizationPolicy"], 4, "{coverage}");
    assert_eq!(coverage["byAccountEnforcement"], 2, "{coverage}");
    assert_eq!((&coverage["accounts"], &coverage["accountsNotActive"]), (&4.into(), &1.into()));
    let bare = ["eu-west-1", "us-east-1"].map(|region| format!("{MANAGEMENT} {region}"));
    assert_eq!(cells(&report, "Uncovered"), bare);
    assert!(exceptions(&report, "Excluded")[0].contains(MANAGEMENT), "{report:#}");
    assert!(exceptions(&report, "NotActive")[0].contains("SUSPENDED"), "{report:#}");
    assert!(exceptions(&report, "Limited")[0].contains("embedding models"), "{report:#}");
    assert!(report["observation"]["caller"].as_str().unwrap().contains(MANAGEMENT));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broken_one_foreign_and_one_unreadable_cell_show_as_what_they_are() {
    let mut stage = converged().await;
    stage.delete_enforced((ADA, "us-east-1")).await;
    let theirs = stage.create_guardrail((MANAGEMENT, "us-east-1"), "theirs", &[]).await;
    stage.ready((MANAGEMENT, "us-east-1"), &theirs).await;
    stage.publish((MANAGEMENT, "us-east-1"), &theirs).await;
    stage.put_enforced((MANAGEMENT, "us-east-1"), &theirs, "1").await;
    let found = json(&mut stage, 0, &[]).await;
    assert_eq!(cells(&found, "Broken"), [format!("{ADA} us-east-1")]);
    assert_eq!(cells(&found, "EnforcedByOthers"), [format!("{MANAGEMENT} us-east-1")]);
    assert_eq!(cells(&found, "Uncovered"), [format!("{MANAGEMENT} eu-west-1")]);
    let guardrails = found["guardrails"].as_array().unwrap();
    let theirs = guardrails.iter().find(|it| it["guardrail"] == "theirs").unwrap();
    assert_eq!((&theirs["isOurs"], &theirs["isDesired"]), (&false.into(), &false.into()));

    let denied = serde_json::json!([{"kind": "Denied", "probability": 1.0, "account": ADA,
        "operation": "bedrock:ListEnforcedGuardrailsConfiguration"}]);
    stage.faults(denied).await;
    let found = json(&mut stage, 0, &[]).await;
    let both = ["eu-west-1", "us-east-1"].map(|region| format!("{ADA} {region}"));
    assert_eq!(cells(&found, "Unknown"), both);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_an_exception_with_its_reason() {
    let mut stage = Stage::start(SMALL).await;
    let theirs = stage.create_guardrail((ADA, "us-east-1"), "theirs", &[]).await;
    stage.publish((ADA, "us-east-1"), &theirs).await;
    stage.put_enforced((ADA, "us-east-1"), &theirs, "1").await;
    let held = edited(
        &everything(),
        "metadata: {name: sandbox}\nspec:\n",
        "metadata: {name: sandbox}\nspec:\n  onForeign: Hold\n",
    );
    stage.manifest("all.yaml", &held);
    stage.apply(3).await;
    in_effect(&stage).await;
    let found = json(&mut stage, 0, &[]).await;
    let held = exceptions(&found, "Held");
    assert_eq!(held.len(), 1, "{found:#}");
    assert!(held[0].contains("AccountEnforcement/sandbox") && held[0].contains("us-east-1"));
    assert_eq!(cells(&found, "Broken"), [format!("{ADA} us-east-1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_the_organization_is_none() {
    let mut stage = converged().await;
    let denied = serde_json::json!([{"kind": "Denied", "probability": 1.0,
        "operation": "organizations:ListAccounts"}]);
    stage.faults(denied).await;
    let done = report(&mut stage, 1, &[]).await;
    assert_eq!(done.stdout, "");
    done.line(&["without the organization"]);
}
