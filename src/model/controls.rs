//! Service control policies as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ids::{PolicyId, TargetId};

/// One `SERVICE_CONTROL_POLICY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceControl {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: String,
    /// Its document, parsed; `Null` when it is not JSON.
    pub content: Value,
    /// What it is attached to directly.
    pub targets: BTreeSet<TargetId>,
}

/// All of them, read completely.
pub type ServiceControls = BTreeMap<PolicyId, ServiceControl>;
