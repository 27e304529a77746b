//! What every plan is made with.

use std::collections::BTreeMap;
use std::time::Duration;

use super::confirm::Timing;
use crate::model::{DesiredReplica, Facts, OwnerId, ReplicaKey};

/// What a plan needs beside its own key's two worlds.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who we are.
    pub owner: &'a OwnerId,
    /// What the manifests ask of every replica: an enforcement that pins no revision means the one
    /// that stands here.
    pub replicas: &'a BTreeMap<ReplicaKey, DesiredReplica>,
    /// What other keys' visits learned.
    pub facts: &'a Facts,
    /// How sure is sure.
    pub timing: &'a Timing,
    /// Now, on the clock that [`Sightings`](super::Sightings) was told of earlier reads.
    pub now: Duration,
}
