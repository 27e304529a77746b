//! Service control policies.

use serde_json::{Value, json};

use super::converged;
use crate::change::Change;
use crate::stage::{Scene, Wanted};
use crate::sweep::{sweep, sweep_pairs};
use crate::text::{Document, HELIOTROPE, ORGANIZATION, three, unit_target, wanted};

/// What strangers deny the root user at the top.
const STRANGERS: &str = r#"
policies:
  - name: no-root-user
    id: p-norootuser
    type: SERVICE_CONTROL_POLICY
    content: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "*", Resource: "*", Condition: {StringLike: {"aws:PrincipalArn": "arn:aws:iam::*:root"}}}]}
    targets: [root]
"#;

fn models(patterns: &[&str]) -> Document {
    Document::control("models", "approvedModels", json!(patterns), everywhere())
}

fn everywhere() -> Value {
    json!([{"organization": true}])
}

fn beside(control: Document) -> Wanted {
    let mut documents = three(HELIOTROPE).to_vec();
    documents.push(control);
    wanted(documents, &[HELIOTROPE])
}

#[test]
fn a_service_control_policy_survives_whatever_strikes_any_call() {
    let first = Change::run("service control policy", &converged(), beside(models(&["amazon.*"])));
    assert!(first.makes("organizations:CreatePolicy"));
    sweep(&first);
    let other = beside(models(&["anthropic.*"]));
    let change = Change::run("another document", first.after(), other);
    // One beside the other first, so that it can be tried.
    assert!(change.makes("organizations:CreatePolicy"));
    assert!(change.makes("organizations:DetachPolicy"));
    sweep(&change);
    let gone = beside(models(&["anthropic.*"]).absent()).telling("removals", json!(["all"]));
    let change = Change::run("its teardown", change.after(), gone);
    assert!(change.makes("organizations:DeletePolicy"));
    sweep(&change);
    sweep_pairs(&change);
}

#[test]
fn a_protection_of_two_units_survives_whatever_strikes_any_call() {
    let units = json!([unit_target("/Workloads"), unit_target("/Sandbox")]);
    let exempt = json!({"exemptRoles": ["OrganizationAccountAccessRole"]});
    let protection = Document::control("protection", "protectEnforcement", exempt, units);
    let change = Change::run("protection", &converged(), beside(protection));
    sweep(&change);
}

#[test]
fn an_exclusive_service_control_policy_survives_whatever_strikes_any_call() {
    let scene = Scene::empty(&format!("{ORGANIZATION}{STRANGERS}"));
    let exclusive = models(&["amazon.*"]).with("attachment", json!("Exclusive"));
    let wanted = wanted([exclusive], &[HELIOTROPE]).telling("detaches", json!(["p-norootuser"]));
    let change = Change::run("exclusive", &scene, wanted);
    assert!(change.makes("organizations:DetachPolicy"));
    sweep(&change);
}
