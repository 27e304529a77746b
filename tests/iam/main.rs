//! The roles that `bedrail iam` prints, given to the controller and to every account exactly so.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[cfg(feature = "iam")]
mod callers;
mod delegated;
mod flow;
mod forms;
mod missing;
mod passed;
#[path = "../support/mod.rs"]
mod support;

use std::process::Command;

use serde_json::{Value, json};

use support::{ADA, Finished, MANAGEMENT, SMALL, Stage};

pub(crate) const EXTERNAL_ID: &str = "an-external-id";
pub(crate) const MODEL: &str = "amazon.nova-lite-v1:0";

/// Calls in two kinds of accounts are logged: to a bucket, so that no role is passed.
pub(crate) fn logging() -> String {
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: InvocationLogging\nmetadata: {{name: invocations}}\n\
         spec:\n  loggingConfig: {{s3Config: {{bucketName: \"logs-${{account}}-${{region}}\"}}}}\n  \
         regions: [us-east-1]\n  targets: [{{account: \"{ADA}\"}}, {{account: \"{MANAGEMENT}\"}}]\n"
    )
}

/// What `bedrail iam` prints with these arguments.
pub(crate) fn iam(arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
    Finished::of(&command.arg("iam").args(arguments).env_clear().output().unwrap())
}

/// The documents for the organization of the stage.
pub(crate) fn documents(more: &[&str]) -> Value {
    let names = ["--management-account", MANAGEMENT, "--organization", "o-exampleorg"];
    let done = iam(&[&names[..], &["--external-id", EXTERNAL_ID], more].concat());
    assert_eq!(done.code, 0, "{done}");
    serde_json::from_str(&done.stdout).unwrap()
}

/// One action or a list of them.
pub(crate) fn actions(value: &Value) -> Vec<String> {
    match value.as_str() {
        Some(only) => vec![only.to_owned()],
        None => serde_json::from_value(value.clone()).unwrap(),
    }
}

/// The organization of the stage with the printed roles, and no others that the controller could
/// use.
pub(crate) fn scenario(documents: &Value) -> String {
    let mut scenario: Value = serde_yaml::from_str(SMALL).unwrap();
    let runner = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{MANAGEMENT}:root")}, "Action": "sts:AssumeRole"}]});
    scenario["managementAccount"]["roles"] = json!([
        {"name": "BedrailController", "policies": [documents["controllerPolicy"]], "trust": runner},
    ]);
    scenario["memberRoles"] = json!([{
        "name": "BedrailMember",
        "policies": [documents["memberPolicy"]],
        "trust": documents["memberTrustPolicy"],
    }]);
    scenario.to_string()
}

/// A stage whose binary is the controller's role.
pub(crate) async fn stage(documents: &Value) -> Stage {
    let mut stage = Stage::start(&scenario(documents)).await;
    stage.act_as(MANAGEMENT, "BedrailController").await;
    stage.set("BEDRAIL_EXTERNAL_ID", EXTERNAL_ID);
    stage
}
