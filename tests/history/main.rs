//! Which old versions of a guardrail go and which stay, through the real binary.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod collects;
mod quota;
#[path = "../support/mod.rs"]
mod support;
mod unreadable;

use support::{MANAGEMENT, Stage};

/// Where the guardrail of these tests lives.
pub(crate) const PLACE: (&str, &str) = (MANAGEMENT, "us-east-1");

/// A guardrail in one Region whose content is `word`, with these lines in its spec.
pub(crate) fn guardrail(name: &str, word: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: Guardrail\nmetadata: {{name: {name}}}\nspec:\n  \
         regions: [us-east-1]\n{lines}  content:\n    blockedInputMessaging: No.\n    \
         blockedOutputsMessaging: No.\n    wordPolicyConfig: {{wordsConfig: [{{text: {word}}}]}}\n"
    )
}

/// Shared with everybody, and two versions of history.
pub(crate) const SHARED: [&str; 2] = ["shareWith: Organization", "revisionHistoryLimit: 2"];

/// Its enforcement in each account of the sandbox.
pub(crate) const SANDBOX: &str = "apiVersion: bedrail.dev/v1alpha1\nkind: AccountEnforcement\n\
    metadata: {name: sandbox}\nspec:\n  guardrail: baseline\n  \
    targets: [{organizationalUnit: /Sandbox}]\n";

/// Its enforcement on the unit of the workloads.
pub(crate) const WORKLOADS: &str = "apiVersion: bedrail.dev/v1alpha1\n\
    kind: OrganizationEnforcement\nmetadata: {name: workloads}\nspec:\n  guardrail: baseline\n  \
    targets: [{organizationalUnit: /Workloads}]\n";

/// The words of revision 1, 2, …
pub(crate) fn word(revision: u32) -> String {
    format!("heliotrope{revision}")
}

/// Writes and applies revisions of `baseline` one after another.
pub(crate) async fn apply_revisions(
    stage: &mut Stage,
    revisions: impl IntoIterator<Item = u32>,
    lines: &[&str],
) {
    for revision in revisions {
        stage.manifest("baseline.yaml", &guardrail("baseline", &word(revision), lines));
        stage.apply(0).await;
    }
}
