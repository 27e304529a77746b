//! Where the policies of an organization enforcement are attached while a revision is rolled out in
//! waves of targets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::ids::{Region, TargetId};
use super::rollout::DesiredRollout;

/// One Region at one target: the accounts there to which no other target of the enforcement, or of
/// its waves, is nearer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ground {
    /// The target.
    pub target: TargetId,
    /// The Region.
    pub region: Region,
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.target, self.region)
    }
}

/// A rollout some of whose waves name targets, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetRollout {
    /// What belongs to which wave: each Region at each target below which an ACTIVE account stands.
    pub rollout: DesiredRollout<Ground>,
    /// In which wave the policy of the enforcement moves each Region: after all of its targets have.
    /// A Region without a number is in none that could be resolved.
    pub main: BTreeMap<Region, usize>,
    /// Targets that move before the rest does, by the name of the lane they have in common.
    pub lanes: BTreeMap<String, DesiredLane>,
}

/// Targets whose Regions move in the same waves. They have a policy of their own while the rollout is
/// open, so that it can move, and go back, without any other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DesiredLane {
    /// Where its policy is attached, once a wave of it is open.
    pub targets: BTreeSet<TargetId>,
    /// In which wave each Region moves.
    pub waves: BTreeMap<Region, usize>,
}
