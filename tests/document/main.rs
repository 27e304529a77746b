//! The organization document over the wire: names, shards, Regions that cannot be read, foreign
//! policies.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod foreign;
mod renaming;
mod rivals;
mod sharding;
#[path = "../support/mod.rs"]
mod support;
mod unreadable;

/// An enforcement on the whole organization.
pub(crate) const EVERYWHERE: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: OrganizationEnforcement
metadata: {name: everywhere}
spec:
  guardrail: baseline
  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}
  targets: [{organization: true}]
";
