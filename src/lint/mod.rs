//! Finds what IAM accepts in a policy and what does not do what its author believes.
//!
//! ```text
//!   a policy as JSON ──► document ──► rules ──► findings, each with a JSON pointer
//!                        statements   shape · principals · actions · resources · conditions ·
//!                                     guardrail · sharing
//! ```
//!
//! IAM stores a policy that names an action, a condition key or a guardrail version that does not
//! exist. The policy then denies nothing, or everything, without a word. The claims that circulate
//! about Bedrock's policies are all of this kind (`aws-facts` 6 and 11).
//!
//! # Invariants
//!
//! - **Bedrock alone.** Statements about other services are judged by their shape and by the
//!   operators and global keys of their conditions.
//! - **A right policy gives nothing.** What may be right is a [`Grade::Risky`] at most.
//! - **Deterministic.** Equal documents give equal findings, in the order of the document.
//!
//! # What does not belong here
//!
//! Where in a file a pointer is: that is [`manifest`](crate::manifest)'s. Whether a policy lets
//! somebody through: [`plan`](crate::plan) evaluates policies, here nobody asks.

mod actions;
mod conditions;
mod document;
mod finding;
mod guardrail;
mod known;
mod pattern;
mod principals;
mod resources;
mod shape;
mod sharing;

use serde_json::Value;

pub use finding::{Finding, Grade, Rule};

use document::Document;

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    /// Attached to a root, unit or account: bounds what its accounts may do, and grants nothing.
    ServiceControl,
    /// Attached to a role or user.
    Identity,
    /// Attached to a resource: says whom it admits.
    Resource,
}

impl PolicyType {
    /// The type of a policy of which only the text is known: one that names principals is a
    /// resource's. A service control policy cannot be told from an identity policy.
    pub fn of(policy: &Value) -> Self {
        let document = Document::read(policy);
        let names_principals =
            document.statements.iter().any(|it| it.has("Principal") || it.has("NotPrincipal"));
        if names_principals { Self::Resource } else { Self::Identity }
    }
}

/// Judges one policy document.
///
/// # Guarantees
///
/// Pure. Findings come in the order of the rules within each statement; no two are equal.
pub fn lint(policy: &Value, policy_type: PolicyType) -> Vec<Finding> {
    let mut findings = Vec::new();
    shape::policy(policy, policy_type, &mut findings);
    let document = Document::read(policy);
    for statement in &document.statements {
        shape::statement(statement, policy_type, &mut findings);
        principals::principals(statement, policy_type, &mut findings);
        actions::actions(statement, &document, policy_type, &mut findings);
        resources::resources(statement, &mut findings);
        conditions::conditions(statement, &mut findings);
        guardrail::required(statement, &document, &mut findings);
        if policy_type == PolicyType::Resource {
            sharing::shared(statement, &mut findings);
        }
    }
    findings.dedup();
    findings
}
