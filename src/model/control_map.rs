//! What the controls of a user's own framework rest on.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{AccountId, Region};

/// Something that a report can show to be so, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// Every ACTIVE account has a guardrail enforced in every Region it has enabled.
    Enforcement,
    /// Everything that the manifests claim was proven.
    Declared,
    /// Every guardrail version in force has the content of a manifest.
    Content,
    /// Calls of models are logged as the manifests say, in every ACTIVE account and Region.
    Logging,
    /// The service control policies of the manifests are attached as they say.
    ServiceControlPolicies,
    /// Every drift that the journal shows was put right.
    Drift,
    /// The journal is unbroken.
    Journal,
    /// Nothing is excepted.
    NoExceptions,
}

impl Statement {
    /// Every statement.
    pub const ALL: [Self; 8] = [
        Self::Enforcement,
        Self::Declared,
        Self::Content,
        Self::Logging,
        Self::ServiceControlPolicies,
        Self::Drift,
        Self::Journal,
        Self::NoExceptions,
    ];

    /// As a file of controls spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforcement => "enforcement",
            Self::Declared => "declared",
            Self::Content => "content",
            Self::Logging => "logging",
            Self::ServiceControlPolicies => "service-control-policies",
            Self::Drift => "drift",
            Self::Journal => "journal",
            Self::NoExceptions => "no-exceptions",
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One control of the user's framework, and what it rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MappedControl {
    /// Its id there: `SOC2-CC6.1`.
    pub id: String,
    /// What it asks for, in the user's words.
    pub title: String,
    /// Statements that must all hold.
    pub covers: BTreeSet<Statement>,
    /// Manifests whose objects must all be as they say: `ServiceControlPolicy/approved-models`.
    pub manifests: BTreeSet<String>,
    /// Only these accounts count; empty: all.
    pub accounts: BTreeSet<AccountId>,
    /// Only these Regions count; empty: all.
    pub regions: BTreeSet<Region>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_spelled_as_it_is_read() {
        for statement in Statement::ALL {
            let read: Statement = serde_json::from_value(statement.as_str().into()).unwrap();
            assert_eq!(read, statement);
        }
    }
}
