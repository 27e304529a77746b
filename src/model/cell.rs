//! Where things are: cells and replicas.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{AccountId, Name, ProfileId, Region};

/// One account and one Region: the unit of account enforcement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.account, self.region)
    }
}

/// One guardrail profile of an account, in one of its destination Regions. Its resource policy is
/// shared by all guardrails of the account that use the profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProfileKey {
    /// Who owns it.
    pub account: AccountId,
    /// Which destination Region.
    pub region: Region,
    /// Which profile.
    pub profile: ProfileId,
}

impl ProfileKey {
    /// `arn:PARTITION:bedrock:REGION:ACCOUNT:guardrail-profile/PROFILE` (`aws-facts` 1.1).
    pub fn arn(&self, partition: &str) -> String {
        let Self { account, region, profile } = self;
        format!("arn:{partition}:bedrock:{region}:{account}:guardrail-profile/{profile}")
    }
}

impl fmt::Display for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} {}", self.profile, self.account, self.region)
    }
}

/// One guardrail in one account and Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReplicaKey {
    /// The name of its manifest.
    pub guardrail: Name,
    /// Who owns it.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
}

impl ReplicaKey {
    /// The place without the name.
    pub fn cell(&self) -> Cell {
        Cell { account: self.account.clone(), region: self.region.clone() }
    }
}

impl fmt::Display for ReplicaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} {}", self.guardrail, self.account, self.region)
    }
}
