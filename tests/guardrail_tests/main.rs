//! Tests of guardrails, through the real binary: what fails them is not published.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod command;
mod publishing;
mod schedule;
#[path = "../support/mod.rs"]
mod support;

use support::{GUARDRAIL, SANDBOX, Stage, with};

/// What the guardrail of the tests' manifests must do, and one thing it must not.
pub(crate) const TESTS: &str = "tests: [\
    {name: flower, text: a heliotrope please, action: GUARDRAIL_INTERVENED}, \
    {text: What is our refund policy?, action: NONE}]";

/// Where its account enforcement is.
pub(crate) const PLACE: (&str, &str) = (support::ADA, "us-east-1");

/// The home of the guardrail in the same Region.
pub(crate) const HOME: (&str, &str) = (support::MANAGEMENT, "us-east-1");

/// The guardrail with these tests, enforced in one account.
pub(crate) fn guardrail(tests: &str) -> String {
    [&with(GUARDRAIL, tests), SANDBOX].join("---")
}

/// How often a guardrail was asked at its home: preflight asks from the accounts that depend on it.
pub(crate) async fn asked(stage: &Stage) -> usize {
    let log = stage.get("calls/log").await;
    let calls = log["calls"].as_array().unwrap().iter();
    let is_test = |call: &&serde_json::Value| {
        call["operation"] == "bedrock-runtime:ApplyGuardrail" && call["account"] == HOME.0
    };
    calls.filter(is_test).count()
}
