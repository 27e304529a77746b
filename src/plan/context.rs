//! What every plan is made with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::confirm::Timing;
use crate::model::{
    Cell, DesiredCell, DesiredEnforcement, DesiredOrganizationEnforcement, DesiredReplica,
    EnforcementKey, Facts, Name, OwnerId, ReplicaKey,
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
    pub cells: &'a BTreeMap<Cell, DesiredCell>,
    /// Cells that an enforcement selects and cannot have.
    pub kept: &'a BTreeSet<Cell>,
    /// What other keys' visits learned.
    pub facts: &'a Facts,
    /// How sure is sure.
    pub timing: &'a Timing,
    /// Now, on the clock that [`Sightings`](super::Sightings) was told of earlier reads.
    pub now: Duration,
}
