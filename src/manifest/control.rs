//! A service control policy that passed every check that needs no AWS.

use std::collections::BTreeSet;

use super::manifests::{Origin, Rollout, Selector};
use crate::model::{Attachment, ControlForm, Name, OnDeselect, Presence};

/// One service control policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceControlPolicy {
    /// Its name.
    pub name: Name,
    /// Names whose objects it takes over.
    pub former_names: BTreeSet<Name>,
    /// Where it was read.
    pub origin: Origin,
    /// What it says.
    pub form: ControlForm,
    /// The name of its policy in AWS; `None` for one made of the owner's and its own.
    pub policy_name: Option<String>,
    /// Where it applies, in the order of the text.
    pub targets: Vec<Selector>,
    /// What becomes of the policies of others there.
    pub attachment: Attachment,
    /// What to do with what left the selection by itself.
    pub on_deselect: OnDeselect,
    /// Whether it should exist.
    pub state: Presence,
    /// Whether a live policy of its written name without an owner is taken over.
    pub adopt: bool,
    /// Where a changed policy goes first; `None`: to one account.
    pub rollout: Option<Rollout>,
}
