//! The unit of work.

use std::fmt;

use serde::Serialize;

use crate::model::{Cell, Name, ProfileKey, ReplicaKey};

/// What one visit is about. Ordered so that listings show the organization first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Key {
    /// Tree, policies and attachments: one lane, since Organizations serialises.
    Organization,
    /// One guardrail in one account and Region.
    Replica(ReplicaKey),
    /// The resource policy of one guardrail profile, shared by all guardrails of the account.
    ProfilePolicy(ProfileKey),
    /// The waves in which a revision reaches the cells of one account enforcement.
    Rollout(Name),
    /// The enforced configuration of one account and Region.
    Cell(Cell),
    /// The invocation logging of one account and Region. A key of its own, so that where it cannot be
    /// read or written, enforcement goes on.
    Logging(Cell),
    /// The enforced configuration of one that no manifest names: only looked at.
    Audit(Cell),
}

impl Key {
    /// The kind, as the label of logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Replica(_) => "Replica",
            Self::ProfilePolicy(_) => "ProfilePolicy",
            Self::Rollout(_) => "Rollout",
            Self::Cell(_) => "Cell",
            Self::Logging(_) => "Logging",
            Self::Audit(_) => "Audit",
        }
    }

    /// Where it is, if it is in one account and Region.
    pub fn place(&self) -> Option<Cell> {
        match self {
            Self::Organization | Self::Rollout(_) => None,
            Self::Replica(replica) => Some(replica.cell()),
            Self::ProfilePolicy(profile) => {
                let ProfileKey { account, region, .. } = profile;
                Some(Cell { account: account.clone(), region: region.clone() })
            }
            Self::Cell(cell) | Self::Logging(cell) | Self::Audit(cell) => Some(cell.clone()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization"),
            Self::Replica(key) => write!(f, "guardrail {key}"),
            Self::ProfilePolicy(key) => write!(f, "guardrail profile {key}"),
            Self::Rollout(name) => write!(f, "rollout of {name}"),
            Self::Cell(cell) => write!(f, "cell {cell}"),
            Self::Logging(cell) => write!(f, "invocation logging in {cell}"),
            Self::Audit(cell) => write!(f, "audit of {cell}"),
        }
    }
}
