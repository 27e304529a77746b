//! Keeps Amazon Bedrock guardrails enforced across an AWS organization.

pub mod aws;
pub mod cli;
pub mod lint;
pub mod manifest;
pub mod model;
pub mod plan;
#[cfg(feature = "planted")]
pub mod planted;
pub mod reconcile;
pub mod runtime;
pub mod serve;
pub mod simulator;
pub mod status;
