//! What one key's visit learned and another key's plan needs. Lost on restart, and read again
//! before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::canonical::{ReplicaRevision, Revision};
use super::cell::{Cell, ReplicaKey};
use super::fleet::Fleet;
use super::ids::{GuardrailArn, Name, PolicyId, Region, TargetId, Version};
use super::selection::{EnforcementKey, Selection};

/// What is known of one replica. Every version in it is READY and was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaFact {
    /// Its ARN.
    pub arn: GuardrailArn,
    /// Versions by the replica revision of their content; the highest number of each.
    pub versions: BTreeMap<ReplicaRevision, Version>,
    /// Versions by the revision of their shared content; the highest number of each.
    pub revisions: BTreeMap<Revision, Version>,
    /// Its resource policy as last read; `None` when it has none.
    pub policy: Option<Value>,
    /// Versions whose content carries automated reasoning, which cannot be enforced.
    pub not_enforceable: BTreeSet<Version>,
    /// The enforcements that its tags name, and what their text selected; `None` where the tag's
    /// value is none of ours.
    pub enforcements: BTreeMap<EnforcementKey, Option<Selection>>,
}

/// What is known of one organization policy of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFact {
    /// The enforcement it belongs to, from its tags.
    pub enforcement: Option<Name>,
    /// What it is attached to.
    pub targets: BTreeSet<TargetId>,
    /// Regions with a block in its document.
    pub regions: BTreeSet<String>,
}

/// All facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The organization, once read.
    pub fleet: Option<Fleet>,
    /// Replicas, once read; a replica that was read and does not exist is absent here.
    pub replicas: BTreeMap<ReplicaKey, ReplicaFact>,
    /// What each cell's slot was last read to reference; `None` for an empty slot. A cell that
    /// was not read is absent here.
    pub cells: BTreeMap<Cell, Option<(GuardrailArn, Version)>>,
    /// When the read of each of them began, on the clock that plans are given: how old they are.
    pub cells_read: BTreeMap<Cell, Duration>,
    /// Every version any `BEDROCK_POLICY` of the organization names; `None` until all were read.
    pub policies: Option<BTreeSet<(GuardrailArn, Version)>>,
    /// When the read of them began.
    pub policies_read: Option<Duration>,
    /// Our own policies; `None` until all were read.
    pub own_policies: Option<BTreeMap<PolicyId, PolicyFact>>,
    /// Embedding models per Region, where a manifest excludes them.
    pub embeddings: BTreeMap<Region, BTreeSet<String>>,
}
