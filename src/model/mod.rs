//! The nouns: identifiers, places, guardrail content in canonical form, and the two worlds,
//! desired and observed. Plain values; nothing here decides or talks.
//!
//! # What does not belong here
//!
//! What a manifest may say is [`manifest`](crate::manifest)'s, what to change is
//! [`plan`](crate::plan)'s, how AWS spells it is [`aws`](crate::aws)'s.

mod canonical;
mod cell;
mod changes;
pub mod content;
mod desired;
mod facts;
mod fleet;
mod ids;
mod observed;
mod selection;

pub use canonical::{NotAHash, ReplicaContent, ReplicaRevision, Revision, SCHEME, canonical};
pub use cell::{Cell, ProfileKey, ReplicaKey};
pub use changes::{FieldChange, changes};
pub use content::Content;
pub use desired::{
    Approval, Desired, DesiredCell, DesiredEnforcement, DesiredOrganizationEnforcement,
    DesiredReplica, EnforcementSettings, Guarding, GuardrailReference, ModelEnforcement,
    OnDeselect, OnForeign, Presence, Refusal, SelectiveContentGuarding, Share,
};
pub use facts::{Facts, PolicyFact, ReplicaFact};
pub use fleet::{Account, AccountState, Fleet, Unit};
pub use ids::{
    AccountId, ConfigId, GuardrailArn, GuardrailId, IdError, Name, OrganizationId, OwnerId,
    PolicyId, ProfileId, Region, RootId, TargetId, UnitId, Version,
};
pub use observed::{
    Absent, ENFORCEMENT_TAG, GuardrailStatus, OWNER_TAG, ObservedCell, ObservedEnforcement,
    ObservedGuardrail, ObservedOrganization, ObservedPolicy, ObservedReplica, ObservedVersion,
    PolicyTypeStatus, Read, Seen, Unread,
};
pub use selection::{
    EnforcementKey, EnforcementKind, NotASelection, Selection, TargetMark, digits,
    marks_of_account, marks_of_target,
};
