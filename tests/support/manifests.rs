//! Manifests that tests share. Each can be written to a file of its own.

/// A guardrail in two Regions, shared with everybody.
pub(crate) const GUARDRAIL: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {name: baseline}
spec:
  regions: [us-east-1, eu-west-1]
  shareWith: Organization
  content:
    description: What everybody gets.
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    contentPolicyConfig:
      filtersConfig:
        - {type: HATE, inputStrength: HIGH, outputStrength: HIGH}
        - {type: PROMPT_ATTACK, inputStrength: HIGH, outputStrength: NONE}
    wordPolicyConfig:
      wordsConfig: [{text: heliotrope}]
";

/// Its enforcement on a unit.
pub(crate) const WORKLOADS: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: OrganizationEnforcement
metadata: {name: workloads}
spec:
  guardrail: baseline
  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}
  targets: [{organizationalUnit: /Workloads}]
";

/// Its enforcement in each account of another.
pub(crate) const SANDBOX: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: AccountEnforcement
metadata: {name: sandbox}
spec:
  guardrail: baseline
  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}
  targets: [{organizationalUnit: /Sandbox}]
";

/// All three in one file.
pub(crate) fn everything() -> String {
    [GUARDRAIL, WORKLOADS, SANDBOX].join("---")
}

/// The same with another line in its spec.
pub(crate) fn with(manifest: &str, line: &str) -> String {
    assert_eq!(manifest.matches("\nspec:\n").count(), 1, "one manifest");
    manifest.replace("\nspec:\n", &format!("\nspec:\n  {line}\n"))
}

/// The same with one text for another, which must be there.
pub(crate) fn edited(manifest: &str, old: &str, new: &str) -> String {
    assert!(manifest.contains(old), "`{old}` is not in {manifest}");
    manifest.replace(old, new)
}
