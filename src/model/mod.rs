//! The nouns: identifiers, places, guardrail content in canonical form, and the two worlds,
//! desired and observed. Plain values; nothing here decides or talks.
//!
//! # What does not belong here
//!
//! What a manifest may say is [`manifest`](crate::manifest)'s, what to change is
//! [`plan`](crate::plan)'s, how AWS spells it is [`aws`](crate::aws)'s.

pub mod bounds;
mod canonical;
mod cell;
mod changes;
pub mod content;
mod control_map;
mod controls;
mod desired;
mod facts;
mod fleet;
mod ground;
mod ids;
mod imported;
mod logging;
mod manifest_key;
mod observed;
mod preflight;
mod progress;
mod rollout;
mod selection;
pub mod suggest;
mod template;
mod topic;
mod trial;

pub use canonical::{NotAHash, ReplicaContent, ReplicaRevision, Revision, SCHEME, canonical};
pub use cell::{Cell, ProfileKey, ReplicaKey};
pub use changes::{FieldChange, Strength, changes};
pub use content::Content;
pub use control_map::{MappedControl, Statement};
pub use controls::{
    AccessFact, AccessKey, AccessOutcome, Attachment, CONTROL_DOCUMENT_TAG, CONTROL_PART_TAG,
    CONTROL_REJECTED_TAG, CONTROL_SELECTION_TAG, CONTROL_STAGE_TAG, CONTROL_TAG, ControlBody,
    ControlForm, ControlLimits, ControlMarks, ControlProgress, ControlStage, DesiredControl,
    ObservedControl, ObservedControls, Rejection, ServiceControl, ServiceControls,
};
pub use desired::{
    Approval, Desired, DesiredCell, DesiredEnforcement, DesiredOrganizationEnforcement,
    DesiredReplica, EnforcementSettings, Guarding, GuardrailReference, History, ModelEnforcement,
    OnDeselect, OnDraft, OnForeign, Presence, Refusal, SelectiveContentGuarding, Share,
};
pub use facts::{Facts, PolicyFact, ReplicaFact, Restorable, UnreadableCell};
pub use fleet::{Account, AccountState, Fleet, Unit};
pub use ground::{Attachments, DesiredLane, Ground, SelectedWave, TargetRollout};
pub use ids::{
    AccountId, ConfigId, GuardrailArn, GuardrailId, IdError, Name, OrganizationId, OwnerId,
    PolicyId, ProfileId, Region, RoleName, RootId, TargetId, UnitId, Version,
};
pub use imported::{
    Imported, ImportedControl, ImportedEnforcement, ImportedGuardrail, ImportedLogging,
    ImportedPolicy, ImportedShare, ImportedTarget, Left,
};
pub use logging::{Bucket, DataKind, DesiredLogging, LogGroup, Logging, LoggingConfig};
pub use manifest_key::ManifestKey;
pub use observed::{
    Absent, ENFORCEMENT_TAG, GuardrailStatus, LANE_TAG, OWNER_TAG, ObservedCell,
    ObservedEnforcement, ObservedGuardrail, ObservedOrganization, ObservedPolicy, ObservedReplica,
    ObservedVersion, PolicyTypeStatus, Read, SHARD_TAG, Seen, Unread,
};
pub use preflight::{CallerKey, Preflight, ProbeFact, ProbeKey, ProbeOutcome, Probes};
pub use progress::{RolloutProgress, WaveProgress, WaveState};
pub use rollout::{
    Accepted, DesiredRollout, DesiredWave, Gate, GateProbe, GateVerdict, MarkKind, NO_MARK,
    NotAMark, OnFailure, Rejected, RolloutMarks, WaveMark,
};
pub use selection::{
    EnforcementKey, EnforcementKind, NotASelection, Selection, TargetMark, digits,
    marks_of_account, marks_of_target,
};
pub use template::{Template, TemplateError};
pub use topic::TopicArn;
pub use trial::{Action, Answer, Answers, GuardrailTest, GuardrailTests, Sample, Side};
