//! Changes to service control policies of ours.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{FieldChange, Name, PolicyId, RootId, TargetId};
use crate::plan::confirm::Confirmed;
use crate::plan::describe::Effect;

/// Why a policy leaves a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// A text gave the target up, and two complete reads showed it: a loss.
    GivenUp(Confirmed),
    /// It is somebody else's, and the manifest is `Exclusive`: a loss.
    Foreign(Confirmed),
    /// Another of the same manifest is in force there, or above.
    Replaced(Confirmed),
    /// It shut us out where it was tried.
    Undone,
}

/// One change to service control policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlStep {
    /// `EnablePolicyType` for `SERVICE_CONTROL_POLICY`.
    EnableType {
        /// The root.
        root: RootId,
    },
    /// `CreatePolicy`, unattached.
    Create {
        /// For which manifest.
        manifest: Name,
        /// Its name in AWS.
        name: String,
        /// Under which name its sighting is kept.
        object: String,
        /// Its document.
        content: Value,
        /// Owner tags.
        tags: BTreeMap<String, String>,
        /// Two complete reads showed no such policy.
        confirmed: Confirmed,
    },
    /// `UpdatePolicy` of the document: somebody edited it.
    Update {
        /// For which manifest.
        manifest: Name,
        /// Which.
        id: PolicyId,
        /// What it is to say.
        content: Value,
        /// What it said; the executor reads again and goes on only if it still does.
        previous: Value,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `TagResource`.
    Tag {
        /// For which manifest.
        manifest: Name,
        /// Which.
        id: PolicyId,
        /// Tags to set.
        tags: BTreeMap<String, String>,
    },
    /// `AttachPolicy`.
    Attach {
        /// For which manifest.
        manifest: Name,
        /// Which.
        id: PolicyId,
        /// To what.
        target: TargetId,
    },
    /// `DetachPolicy`.
    Detach {
        /// For which manifest.
        manifest: Name,
        /// Which.
        id: PolicyId,
        /// From what.
        target: TargetId,
        /// Why, and how sure that is.
        leaving: Leaving,
    },
    /// `DeletePolicy`.
    Delete {
        /// For which manifest.
        manifest: Name,
        /// Which.
        id: PolicyId,
        /// Two complete reads showed it ours and attached to nothing.
        confirmed: Confirmed,
    },
}

impl ControlStep {
    /// The call by which somebody else can have made it necessary.
    pub(in crate::plan) fn undone_by(&self) -> &'static str {
        match self {
            Self::EnableType { .. } => "DisablePolicyType",
            Self::Create { .. } => "DeletePolicy",
            Self::Update { .. } => "UpdatePolicy",
            Self::Tag { .. } => "UntagResource",
            Self::Attach { .. } => "DetachPolicy",
            Self::Detach { .. } => "AttachPolicy",
            Self::Delete { .. } => "CreatePolicy",
        }
    }

    /// What it does to its object.
    pub(in crate::plan) fn effect(&self) -> Effect {
        match self {
            Self::Create { .. } | Self::Attach { .. } => Effect::Create,
            Self::EnableType { .. } | Self::Update { .. } | Self::Tag { .. } => Effect::Update,
            Self::Detach { .. } | Self::Delete { .. } => Effect::Delete,
        }
    }

    /// The call of AWS it is.
    pub(in crate::plan) fn operation(&self) -> &'static str {
        match self {
            Self::EnableType { .. } => "organizations:EnablePolicyType",
            Self::Create { .. } => "organizations:CreatePolicy",
            Self::Update { .. } => "organizations:UpdatePolicy",
            Self::Tag { .. } => "organizations:TagResource",
            Self::Attach { .. } => "organizations:AttachPolicy",
            Self::Detach { .. } => "organizations:DetachPolicy",
            Self::Delete { .. } => "organizations:DeletePolicy",
        }
    }

    /// What it changes, by id or name.
    pub(in crate::plan) fn object(&self) -> String {
        match self {
            Self::EnableType { root } => format!("SERVICE_CONTROL_POLICY on {root}"),
            Self::Create { name, .. } => name.clone(),
            Self::Update { id, .. } | Self::Tag { id, .. } | Self::Delete { id, .. } => {
                id.to_string()
            }
            Self::Attach { id, target, .. } | Self::Detach { id, target, .. } => {
                format!("{id} at {target}")
            }
        }
    }

    /// The same for people, without its place.
    pub(in crate::plan) fn title(&self) -> String {
        match self {
            Self::EnableType { root } => format!("enable SERVICE_CONTROL_POLICY on {root}"),
            Self::Create { name, .. } => format!("create the service control policy {name}"),
            Self::Update { manifest, id, .. } => {
                format!("put the service control policy of {manifest} right ({id})")
            }
            Self::Tag { manifest, id, .. } => {
                format!("tag the service control policy of {manifest} ({id})")
            }
            Self::Attach { manifest, id, target } => {
                format!("attach the service control policy of {manifest} ({id}) to {target}")
            }
            Self::Detach { id, target, leaving: Leaving::Foreign(_), .. } => {
                format!("detach the service control policy {id} of somebody else from {target}")
            }
            Self::Detach { manifest, id, target, .. } => {
                format!("detach the service control policy of {manifest} ({id}) from {target}")
            }
            Self::Delete { manifest, id, .. } => {
                format!("delete a service control policy of {manifest} ({id})")
            }
        }
    }

    /// Old and new of each field, where it changes fields.
    pub(in crate::plan) fn changes(&self) -> &[FieldChange] {
        match self {
            Self::Update { changes, .. } => changes,
            Self::EnableType { .. }
            | Self::Create { .. }
            | Self::Tag { .. }
            | Self::Attach { .. }
            | Self::Detach { .. }
            | Self::Delete { .. } => &[],
        }
    }

    /// Under which name the key's sightings keep the object.
    pub(in crate::plan) fn sighting(&self) -> Option<String> {
        match self {
            Self::Create { object, .. } => Some(object.clone()),
            Self::Attach { id, target, .. } | Self::Detach { id, target, .. } => {
                Some(attachment(id, target))
            }
            Self::Delete { id, .. } => Some(removal(id)),
            Self::EnableType { .. } | Self::Update { .. } | Self::Tag { .. } => None,
        }
    }

    /// Whether the change guard may hold it.
    pub(in crate::plan) fn is_loss(&self) -> bool {
        match self {
            Self::Detach { leaving, .. } => match leaving {
                Leaving::GivenUp(_) | Leaving::Foreign(_) => true,
                Leaving::Replaced(_) | Leaving::Undone => false,
            },
            Self::EnableType { .. }
            | Self::Create { .. }
            | Self::Update { .. }
            | Self::Tag { .. }
            | Self::Attach { .. }
            | Self::Delete { .. } => false,
        }
    }

    /// The manifest it is for; `None` for what is the organization's.
    pub fn manifest(&self) -> Option<&Name> {
        match self {
            Self::EnableType { .. } => None,
            Self::Create { manifest, .. }
            | Self::Update { manifest, .. }
            | Self::Tag { manifest, .. }
            | Self::Attach { manifest, .. }
            | Self::Detach { manifest, .. }
            | Self::Delete { manifest, .. } => Some(manifest),
        }
    }

    /// Under which name it is remembered that AWS takes no more policies at a target, or does not
    /// let one go.
    pub fn refused(&self) -> Option<String> {
        match self {
            Self::Attach { id, target, .. } | Self::Detach { id, target, .. } => {
                Some(refused(id, target))
            }
            Self::EnableType { .. }
            | Self::Create { .. }
            | Self::Update { .. }
            | Self::Tag { .. }
            | Self::Delete { .. } => None,
        }
    }
}

/// The sighting of a policy that is to be made.
pub(super) fn creation(manifest: &Name, hash: &str) -> String {
    format!("control/{manifest}/{hash}")
}

/// The sighting of one attachment.
pub(super) fn attachment(id: &PolicyId, target: &TargetId) -> String {
    format!("control-attachment/{id}/{target}")
}

/// The sighting of a policy that is attached to nothing.
pub(super) fn removal(id: &PolicyId) -> String {
    format!("control/{id}")
}

/// Whether a sighting is of a service control policy: the key's sightings are of Bedrock policies
/// as well, and one type may be unreadable while the other is not.
pub(in crate::plan) fn is_control_sighting(object: &str) -> bool {
    object.starts_with("control/") || object.starts_with("control-attachment/")
}

/// The note that AWS refused to change an attachment for a limit.
pub(super) fn refused(id: &PolicyId, target: &TargetId) -> String {
    format!("control-refused/{id}/{target}")
}

/// The note that a policy was seen in place.
pub(super) fn in_place(id: &PolicyId, target: &TargetId) -> String {
    format!("{}{target}", all_in_place(id))
}

/// How all these notes of a policy begin.
pub(super) fn all_in_place(id: &PolicyId) -> String {
    format!("control-in-place/{id}/")
}
