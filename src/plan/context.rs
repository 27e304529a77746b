//! What every plan is made with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::confirm::Timing;
use super::preflight::Proving;
use super::rollout::Decision;
use crate::model::{
    Cell, DesiredCell, DesiredEnforcement, DesiredOrganizationEnforcement, DesiredReplica,
    DesiredRollout, EnforcementKey, Facts, Name, OwnerId, Region, ReplicaKey, TargetRollout,
};

/// What a plan needs beside its own key's two worlds.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who we are.
    pub owner: &'a OwnerId,
    /// What the manifests ask of every replica: an enforcement that pins no revision means the one
    /// that stands here.
    pub replicas: &'a BTreeMap<ReplicaKey, DesiredReplica>,
    /// What the text of every enforcement says.
    pub enforcements: &'a BTreeMap<EnforcementKey, DesiredEnforcement>,
    /// Organization enforcements, resolved.
    pub organization: &'a BTreeMap<Name, DesiredOrganizationEnforcement>,
    /// Which enforcement claims which cell.
    pub cells: &'a BTreeMap<Cell, Arc<DesiredCell>>,
    /// Rollouts of account enforcements, as their text arranges them.
    pub waves: &'a BTreeMap<Name, DesiredRollout<Cell>>,
    /// Rollouts of organization enforcements, likewise.
    pub organization_waves: &'a BTreeMap<Name, DesiredRollout<Region>>,
    /// Those of them that have waves of targets.
    pub target_waves: &'a BTreeMap<Name, TargetRollout>,
    /// What is decided of those of accounts.
    pub rollouts: &'a BTreeMap<Name, Decision>,
    /// Cells that an enforcement selects and cannot have.
    pub kept: &'a BTreeSet<Cell>,
    /// What other keys' visits learned.
    pub facts: &'a Facts,
    /// What is proven before a reference is written.
    pub preflight: Proving<'a>,
    /// How sure is sure.
    pub timing: &'a Timing,
    /// Now, on the clock that [`Sightings`](super::Sightings) was told of earlier reads.
    pub now: Duration,
    /// Now, on the clock that marks of rollouts are written by.
    pub wall: Timestamp,
}

impl Context<'_> {
    /// [`Desired::is_about_guardrails`](crate::model::Desired::is_about_guardrails).
    pub fn is_about_guardrails(&self) -> bool {
        !self.replicas.is_empty() || !self.organization.is_empty() || !self.enforcements.is_empty()
    }
}
