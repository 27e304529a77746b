//! What is proven before a reference is written, through the real binary.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod caught;
mod organization;
mod probes;
#[path = "../support/mod.rs"]
mod support;

use support::Stage;

/// The calls that make a reference take effect.
const REFERENCES: [&str; 3] = [
    "bedrock:PutEnforcedGuardrailConfiguration",
    "organizations:AttachPolicy",
    "organizations:UpdatePolicy",
];

/// Probes made since the calls were forgotten.
pub(crate) async fn probes(stage: &Stage) -> u64 {
    stage.calls().await.get("bedrock-runtime:ApplyGuardrail").copied().unwrap_or_default()
}

/// Nobody has come to depend on anything: not one reference was written, nor asked for.
pub(crate) async fn assert_nothing_referenced(stage: &Stage) {
    let writes = stage.writes().await;
    let references: Vec<&String> =
        writes.iter().filter(|write| REFERENCES.iter().any(|it| write.starts_with(it))).collect();
    assert!(references.is_empty(), "{references:?}");
}

/// A scenario in which one account is otherwise than the rest: `name: ada`, and more of it.
pub(crate) fn with(scenario: &str, name: &str, more: &str) -> String {
    let old = format!("name: {name}");
    assert_eq!(scenario.matches(&old).count(), 1, "one account is called {name}");
    scenario.replace(&old, &format!("{old}, {more}"))
}

/// A member role that may do its work and not apply a guardrail.
pub(crate) const WITHOUT_APPLY: &str = "roles: [{name: BedrailMember, allow: [\"bedrock:List*\", \
     \"bedrock:Get*\", \"bedrock:Put*\", \"bedrock:Delete*\"]}]";

/// A scenario with a service control policy on a unit.
pub(crate) fn controlled(scenario: &str, statement: &str, target: &str) -> String {
    format!(
        "{scenario}
policyTypes: [SERVICE_CONTROL_POLICY, BEDROCK_POLICY]
policies:
  - name: no-ai
    id: p-nothingai1
    type: SERVICE_CONTROL_POLICY
    content:
      Version: \"2012-10-17\"
      Statement: [{statement}]
    targets: [{target}]
"
    )
}
