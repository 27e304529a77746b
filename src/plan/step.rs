//! The changes a plan can contain. Each carries everything the executor needs: nothing is left to
//! choose when it is carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::confirm::Confirmed;
use super::replica::Exam;
use super::rollout::Trial;
use super::service_control::ControlStep;
use crate::model::{
    AccessKey, AccountId, CallerKey, Cell, ConfigId, EnforcementSettings, FieldChange,
    GuardrailArn, LoggingConfig, ManifestKey, Name, PolicyId, ProbeKey, Refusal, Region,
    ReplicaContent, ReplicaKey, ReplicaRevision, Revision, RolloutProgress, RootId, TargetId,
    Version,
};

/// What a document names and needs, as it was read: versions of a guardrail, and the resource policy
/// that lets accounts apply them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub guardrail: GuardrailArn,
    /// Those that are named: each was READY.
    pub versions: BTreeSet<Version>,
    /// `None` for none.
    pub policy: Option<Value>,
}

/// One change to AWS.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `CreateGuardrail` with tags and a deterministic token.
    CreateGuardrail {
        /// What and where.
        key: ReplicaKey,
        /// Its name in AWS.
        name: Name,
        /// The whole content.
        content: ReplicaContent,
        /// Owner tags and the user's.
        tags: BTreeMap<String, String>,
        /// `clientRequestToken`.
        token: String,
        /// Two complete reads showed no guardrail of this name.
        confirmed: Confirmed,
    },
    /// `UpdateGuardrail`: the whole content, never a patch.
    UpdateGuardrail {
        /// Whose DRAFT.
        arn: GuardrailArn,
        /// Its name; required on every update.
        name: Name,
        /// The whole content.
        content: ReplicaContent,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `TagResource` on a guardrail: adds or overwrites.
    TagGuardrail {
        /// Which.
        arn: GuardrailArn,
        /// Tags to set.
        tags: BTreeMap<String, String>,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `UntagResource` on a guardrail.
    UntagGuardrail {
        /// Which.
        arn: GuardrailArn,
        /// Keys of the tags to remove: ours only.
        keys: BTreeSet<String>,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `CreateGuardrailVersion`. The executor reads DRAFT immediately before and publishes only
    /// if its content is `content`; what was published is read back by the next visit.
    PublishVersion {
        /// Of which guardrail.
        arn: GuardrailArn,
        /// What DRAFT must contain.
        content: ReplicaContent,
        /// For people and for the index.
        revision: Revision,
        /// For the index.
        replica_revision: ReplicaRevision,
        /// The index: scheme, revision, replica revision.
        description: String,
        /// `clientRequestToken`.
        token: String,
    },
    /// `DeleteGuardrail` without a version: the guardrail and all its versions. Only for
    /// `state: Absent`.
    DeleteGuardrail {
        /// Which.
        arn: GuardrailArn,
        /// Two complete passes showed it ours and referenced by nothing.
        confirmed: Confirmed,
    },
    /// `DeleteGuardrail` of one version that nobody needs.
    DeleteVersion {
        /// Of which guardrail.
        arn: GuardrailArn,
        /// Which.
        version: Version,
        /// Two complete passes showed it ours, beyond the history and referenced by nothing.
        confirmed: Confirmed,
    },
    /// `PutResourcePolicy`: the whole document, foreign statements included.
    PutResourcePolicy {
        /// The account that owns the resource.
        account: AccountId,
        /// The Region of the call.
        region: Region,
        /// Guardrail or guardrail-profile ARN.
        resource: String,
        /// The new document.
        document: Value,
        /// The document read; the executor reads again and goes on only if it is still this.
        previous: Option<Value>,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `DeleteResourcePolicy`: only when no foreign statement is left in it.
    DeleteResourcePolicy {
        /// The account that owns the resource.
        account: AccountId,
        /// The Region of the call.
        region: Region,
        /// Guardrail or guardrail-profile ARN.
        resource: String,
        /// The document read; the executor reads again and goes on only if it is still this.
        previous: Value,
        /// Two complete reads.
        confirmed: Confirmed,
    },
    /// `EnablePolicyType` for `BEDROCK_POLICY`.
    EnablePolicyType {
        /// The root.
        root: RootId,
    },
    /// `CreatePolicy` of type `BEDROCK_POLICY`, unattached.
    CreatePolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Its number among those of the enforcement.
        shard: u32,
        /// The lane of a rollout it is for, if it is for one.
        lane: Option<String>,
        /// Its name in AWS.
        name: String,
        /// Its document.
        content: Value,
        /// Owner tags.
        tags: BTreeMap<String, String>,
        /// Two complete reads showed no such policy.
        confirmed: Confirmed,
    },
    /// `UpdatePolicy` of the document only.
    UpdatePolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Which.
        id: PolicyId,
        /// The new document.
        content: Value,
        /// The document this was computed from; the executor reads again and goes on only if it is
        /// still this, since AWS takes no precondition.
        previous: Value,
        /// Whether it narrows what was protected.
        is_loss: bool,
        /// What it rests on, where it is attached; the executor reads again and goes on only if it
        /// is still this.
        grants: Vec<Grant>,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `TagResource` on a policy: adoption.
    TagPolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Which.
        id: PolicyId,
        /// Tags to set.
        tags: BTreeMap<String, String>,
    },
    /// `UpdatePolicy` of the name only: an enforcement that is called otherwise now.
    RenamePolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Which.
        id: PolicyId,
        /// Its new name in AWS.
        name: String,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `DeletePolicy`.
    DeletePolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Its number among those of the enforcement.
        shard: u32,
        /// The lane of a rollout it is for, if it is for one.
        lane: Option<String>,
        /// Which.
        id: PolicyId,
        /// Two complete reads showed it ours and attached to nothing.
        confirmed: Confirmed,
    },
    /// `AttachPolicy`.
    AttachPolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Which.
        id: PolicyId,
        /// To what.
        target: TargetId,
        /// What it rests on; the executor reads again and goes on only if it is still this.
        grants: Vec<Grant>,
    },
    /// `DetachPolicy`.
    DetachPolicy {
        /// For which enforcement.
        enforcement: Name,
        /// Which.
        id: PolicyId,
        /// From what.
        target: TargetId,
        /// Whether it takes protection away; where another policy of ours takes over, it does not.
        is_loss: bool,
        /// Two complete reads showed it attached, and consent given or another in its place.
        confirmed: Confirmed,
    },
    /// `UpdatePolicy`: takes the blocks of Regions that the text gave up out of the document.
    DropRegions {
        /// For which enforcement.
        enforcement: Name,
        /// Which.
        id: PolicyId,
        /// The document without them.
        content: Value,
        /// The document with them; the executor reads again and goes on only if it is still this.
        previous: Value,
        /// What they were.
        changes: Vec<FieldChange>,
        /// Two complete reads showed them and consent given.
        confirmed: Confirmed,
    },
    /// `PutEnforcedGuardrailConfiguration`.
    PutEnforced {
        /// Where.
        cell: Cell,
        /// The enforcement that claims the cell.
        enforcement: Name,
        /// The configuration to replace; `None` for an empty slot.
        config_id: Option<ConfigId>,
        /// Which guardrail.
        guardrail: GuardrailArn,
        /// Which version.
        version: Version,
        /// Models (with `EMBEDDINGS` resolved) and guarding.
        settings: EnforcementSettings,
        /// Whether it takes over somebody else's slot, or narrows what was protected.
        is_loss: bool,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `DeleteEnforcedGuardrailConfiguration`.
    DeleteEnforced {
        /// Where.
        cell: Cell,
        /// The enforcement that claims the cell.
        enforcement: Name,
        /// Which.
        config_id: ConfigId,
        /// The unit or root that its account stands in: what gave it up may mean another's accounts no
        /// more.
        parent: TargetId,
        /// What it referenced.
        changes: Vec<FieldChange>,
        /// Two complete reads showed it referencing our guardrail.
        confirmed: Confirmed,
    },
    /// `PutModelInvocationLoggingConfiguration`: the whole configuration.
    PutLogging {
        /// Where.
        cell: Cell,
        /// The manifest that claims the cell.
        manifest: Name,
        /// What is put.
        config: LoggingConfig,
        /// Whether there is one already.
        is_update: bool,
        /// Whether something is not logged any more that somebody else, or our text before, wanted.
        is_loss: bool,
        /// Old and new.
        changes: Vec<FieldChange>,
    },
    /// `DeleteModelInvocationLoggingConfiguration`. The executor reads again and goes on only if it
    /// is still `config`.
    DeleteLogging {
        /// Where.
        cell: Cell,
        /// The manifest that is `Absent`.
        manifest: Name,
        /// What was read, twice.
        config: LoggingConfig,
        /// What it was.
        changes: Vec<FieldChange>,
        /// Two complete reads showed it to be what the manifest asks to take away.
        confirmed: Confirmed,
    },
    /// One change to service control policies.
    Control(ControlStep),
}

/// Why something desired is not done now. A closed set: condition reason, metric label and log
/// field alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoldReason {
    /// AWS is still working on it: CREATING, UPDATING, VERSIONING, PENDING_ENABLE.
    InProgress,
    /// A second complete read is due before a second thing is created or one is removed.
    Confirming,
    /// The version it needs is not published and read back yet.
    WaitingForVersion,
    /// Something the decision needs could not be read.
    Unreadable,
    /// The guardrail's resource policy does not admit an account that would depend on it.
    NotShared,
    /// The object carries another owner, or none and `adopt` is false.
    NotOurs,
    /// Somebody else's configuration is in the slot and `onForeign` is `Hold`.
    ForeignConfiguration,
    /// Somebody else's organization policy on the same path makes something else of ours.
    ForeignPolicy,
    /// What is attached is not what an account shows to be in effect.
    NotEffective,
    /// Something still references what should go.
    Referenced,
    /// A quota of AWS is reached (20 versions, 10,000 characters, 10 attachments).
    Quota,
    /// AWS says FAILED, or keeps answering with a version that is not ours.
    Failed,
    /// Automated reasoning cannot be enforced.
    NotEnforceable,
    /// The pinned revision does not exist here.
    RevisionNotFound,
    /// A file is gone whose enforcement still stands: nothing of its guardrail is taken away.
    Orphaned,
    /// What is meant cannot be told: a target is refused, or a cell is contested.
    Unclear,
    /// More would be lost than is done without a person's approval.
    ChangeGuard,
    /// AWS will not log to where the manifest says.
    DestinationRefused,
    /// The organization document names this guardrail by an identifier that cannot be applied.
    NotInManagementAccount,
    /// The account has not enabled this opt-in Region, so nothing can be called there either.
    RegionUnavailable,
    /// The member role of the account cannot be assumed; it may not be there yet.
    RoleNotAssumable,
    /// Somebody keeps undoing it; the next write waits.
    Contested,
    /// The journal cannot be written, so that nothing is taken away.
    JournalDegraded,
    /// Its tests are to be run before it is published.
    Testing,
    /// It fails its own tests, so it is not published.
    TestsFailing,
    /// It is being found out whether those who would depend on a reference can apply it.
    Preflight,
    /// An account that would depend on a reference cannot apply it.
    PreflightDenied,
    /// It could not be found out whether an account can apply it.
    PreflightUnknown,
    /// A service control policy denies every role of an account to apply it.
    DeniedByPolicy,
    /// A new revision is on its way through the places of an open wave.
    RollingOut,
    /// The wave of a new revision is not open yet.
    WaveClosed,
    /// A wave is complete and has to stay so for a while.
    Baking,
    /// A wave is being tried.
    Gating,
    /// A rollout does not go on by itself.
    Halted,
    /// The text says that nothing of a rollout moves.
    Paused,
    /// A revision did not pass, and is not desired again until the text changes.
    RolledBack,
}

/// Who can end a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// Time alone: ask again after this long.
    After(Duration),
    /// Another key's visit: woken when its fact changes.
    Fact,
    /// A person.
    Person,
}

/// One thing that is desired and not done, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// From the closed set.
    pub reason: HoldReason,
    /// What would be done, why it is not, what a person can do about it.
    pub message: String,
    /// What ends it.
    pub until: Until,
}

/// Something live that is ours and no longer described by any manifest. Reported, left alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// ARN or id.
    pub object: String,
    /// What it is, and how to remove or keep it.
    pub message: String,
}

/// Owned protection or logging that goes or narrows, or a foreign slot that is taken over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// Whose text consents.
    pub manifest: ManifestKey,
    /// The cell or target.
    pub object: String,
}

/// What one visit should do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Changes, in the order in which they are carried out.
    pub steps: Vec<Step>,
    /// What is desired and not done now.
    pub held: Vec<Held>,
    /// What will not be done until a manifest changes.
    pub refusals: Vec<Refusal>,
    /// What is ours and no longer desired.
    pub orphans: Vec<Orphan>,
    /// Cells that must be read before this plan can go on, though no manifest may claim them.
    pub needs: Vec<Cell>,
    /// Cells that must be read once more before this plan can go on, and not again after that.
    pub asks: Vec<Cell>,
    /// Whether the Bedrock policies must be read again before this plan can go on.
    pub needs_policies: bool,
    /// Guardrail versions to try out from inside cells before this plan can go on.
    pub needs_probes: BTreeSet<ProbeKey>,
    /// Roles to ask IAM about before this plan can go on.
    pub needs_callers: BTreeSet<CallerKey>,
    /// Where our own role is to be tried before this plan can go on.
    pub needs_access: BTreeSet<AccessKey>,
    /// Whether the service control policies must be read before this plan can go on.
    pub needs_controls: bool,
    /// What a person should look at although it holds nothing up.
    pub warnings: Vec<String>,
    /// What is to be tried before waves of organization enforcements pass.
    pub trials: BTreeMap<Name, Vec<Trial>>,
    /// How far the rollouts of organization enforcements are.
    pub progress: Vec<RolloutProgress>,
    /// What is lost once all is carried out, also of what still waits.
    pub losses: Vec<Loss>,
    /// Whether its tags wait until nothing is left of what a text gave up.
    pub is_unsettled: bool,
    /// What must be tried on the guardrail before this plan can go on.
    pub exam: Option<Exam>,
}
