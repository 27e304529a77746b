//! A small organization and builders, for the tests of this room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::confirm::{Confirmed, Sightings, Timing};
use super::context::Context;
use super::preflight::Proving;
use super::replica::replica_fact;
use super::rollout::Decision;
use super::step::{HoldReason, Plan};
use crate::model::{
    Account, AccountState, Cell, Content, DesiredCell, DesiredEnforcement,
    DesiredOrganizationEnforcement, DesiredReplica, DesiredRollout, DesiredWave, EnforcementKey,
    EnforcementSettings, Facts, Fleet, Gate, GuardrailArn, GuardrailReference, GuardrailStatus,
    History, Name, ObservedGuardrail, ObservedReplica, ObservedVersion, OnDeselect, OnDraft,
    OnFailure, OnForeign, OwnerId, PolicyFact, Preflight, Presence, ProfileKey, Read, Region,
    ReplicaContent, ReplicaFact, ReplicaKey, Selection, Share, TargetRollout, Unit, UnitId, Unread,
    Version, canonical,
};

pub(super) const MANAGEMENT: &str = "111122223333";
pub(super) const MEMBER: &str = "222233334444";
/// Stands beside the unit in which [`MEMBER`] stands.
pub(super) const OTHER: &str = "333344445555";
pub(super) const SUSPENDED: &str = "444455556666";
pub(super) const UNIT: &str = "ou-ab12-11111111";
pub(super) const ROOT: &str = "r-ab12";
pub(super) const REGION: &str = "us-east-1";

pub(super) const TIMING: Timing =
    Timing { confirm_after: Duration::from_secs(5), own_write_grace: Duration::from_mins(1) };

/// When a world begins.
const START: Duration = Duration::from_secs(1000);

/// Root: management, other, suspended; in one unit: member.
pub(super) fn fleet() -> Fleet {
    let account = |id: &str, parent: &str, state: AccountState| {
        let account = Account {
            id: id.parse().unwrap(),
            name: format!("account {id}"),
            state,
            parent: parent.parse().unwrap(),
            tags: None,
        };
        (account.id.clone(), account)
    };
    let unit: UnitId = UNIT.parse().unwrap();
    Fleet {
        partition: "aws".to_owned(),
        organization: "o-abcdefghij".parse().unwrap(),
        management: MANAGEMENT.parse().unwrap(),
        root: ROOT.parse().unwrap(),
        units: BTreeMap::from([(
            unit.clone(),
            Unit { id: unit, name: "Workloads".to_owned(), parent: ROOT.parse().unwrap() },
        )]),
        accounts: BTreeMap::from([
            account(MANAGEMENT, ROOT, AccountState::Active),
            account(MEMBER, UNIT, AccountState::Active),
            account(OTHER, ROOT, AccountState::Active),
            account(SUSPENDED, ROOT, AccountState::Other("SUSPENDED".to_owned())),
        ]),
    }
}

pub(super) fn owner() -> OwnerId {
    "us".parse().unwrap()
}

pub(super) fn key() -> ReplicaKey {
    ReplicaKey {
        guardrail: "baseline".parse().unwrap(),
        account: MANAGEMENT.parse().unwrap(),
        region: REGION.parse().unwrap(),
    }
}

pub(super) fn cell(account: &str) -> Cell {
    Cell { account: account.parse().unwrap(), region: REGION.parse().unwrap() }
}

pub(super) fn guardrail_arn() -> GuardrailArn {
    arn("abc123abc123")
}

pub(super) fn arn(id: &str) -> GuardrailArn {
    format!("arn:aws:bedrock:{REGION}:{MANAGEMENT}:guardrail/{id}").parse().unwrap()
}

pub(super) fn version(number: u32) -> Version {
    number.to_string().parse().unwrap()
}

/// Content that differs by its message.
pub(super) fn content(message: &str) -> ReplicaContent {
    let shared = canonical(Content {
        blocked_input_messaging: Some(message.to_owned()),
        blocked_outputs_messaging: Some("no".to_owned()),
        ..Content::default()
    });
    ReplicaContent { shared, ..ReplicaContent::default() }
}

pub(super) fn desired(content: &ReplicaContent) -> DesiredReplica {
    DesiredReplica {
        state: Presence::Present,
        content: content.clone(),
        revision: content.revision(),
        replica_revision: content.replica_revision(),
        share: Share::None,
        tags: BTreeMap::new(),
        adopt: false,
        on_draft: OnDraft::Correct,
        name: key().guardrail,
        history: History { limit: 5, ..History::default() },
        tests: Arc::default(),
    }
}

/// A cell that is to have the guardrail in force.
pub(super) fn desired_cell() -> DesiredCell {
    DesiredCell {
        state: Presence::Present,
        enforcement: "everywhere".parse().unwrap(),
        revision: None,
        replica: key(),
        settings: EnforcementSettings::default(),
        on_foreign: OnForeign::Replace,
        preflight: Preflight::default(),
    }
}

/// A policy of the organization that is to enforce the guardrail at these targets.
pub(super) fn desired_policy(targets: &[&str]) -> DesiredOrganizationEnforcement {
    DesiredOrganizationEnforcement {
        policy_name: None,
        state: Presence::Present,
        guardrail: GuardrailReference { name: key().guardrail, revision: None },
        regions: BTreeSet::from([REGION.parse().unwrap()]),
        settings: EnforcementSettings::default(),
        allow_override: true,
        targets: targets.iter().map(|it| it.parse().unwrap()).collect(),
        adopt: false,
        preflight: Preflight::default(),
    }
}

/// The text of an enforcement of the guardrail that selects this.
pub(super) fn desired_text(selection: Selection) -> DesiredEnforcement {
    DesiredEnforcement {
        state: Presence::Present,
        guardrail: key().guardrail,
        selection,
        former_names: BTreeSet::new(),
        on_deselect: OnDeselect::Keep,
        is_unresolved: false,
        spec_hash: String::new(),
    }
}

/// What a text selects that names nothing.
pub(super) fn no_selection() -> Selection {
    Selection::new(Presence::Present, &BTreeSet::new(), BTreeSet::new())
}

/// A rollout of which the text says nothing but its waves.
pub(super) fn desired_rollout<P: Ord>(waves: Vec<DesiredWave<P>>) -> DesiredRollout<P> {
    DesiredRollout {
        waves,
        gate: Gate::default(),
        on_failure: OnFailure::Halt,
        is_paused: false,
        is_unresolved: false,
        text: String::new(),
    }
}

/// A policy of an enforcement that is attached nowhere and says nothing.
pub(super) fn policy_fact(enforcement: &str) -> PolicyFact {
    PolicyFact {
        enforcement: Some(enforcement.parse().unwrap()),
        is_lane: false,
        targets: BTreeSet::new(),
        regions: BTreeSet::new(),
        rollouts: BTreeMap::new(),
        references: BTreeSet::new(),
    }
}

/// A guardrail of ours without versions and without a resource policy.
pub(super) fn guardrail(draft: &ReplicaContent) -> ObservedGuardrail {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    ObservedGuardrail {
        arn: guardrail_arn(),
        name: "baseline".to_owned(),
        status: GuardrailStatus::Ready,
        draft: draft.clone(),
        tags: BTreeMap::from([tag("bedrail:owner", "us"), tag("bedrail:guardrail", "baseline")]),
        versions: BTreeMap::new(),
        policy: Read::KnownAbsent,
    }
}

pub(super) fn observed(guardrail: ObservedGuardrail) -> ObservedReplica {
    ObservedReplica { guardrail: Read::Known(guardrail) }
}

pub(super) fn published(number: u32, content: &ReplicaContent) -> (Version, ObservedVersion) {
    let observed = ObservedVersion {
        version: version(number),
        status: GuardrailStatus::Ready,
        created_at: i64::from(number),
        description: None,
        content: Read::Known(content.clone()),
    };
    (observed.version, observed)
}

pub(super) fn unread() -> Unread {
    Unread { class: "Throttled", message: "slow down".to_owned() }
}

/// The policy that admits the whole organization to `arn`.
pub(super) fn open_policy(arn: &GuardrailArn) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "BedrailOrganization",
        "Effect": "Allow", "Principal": "*", "Resource": arn.to_string(),
        "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}]})
}

/// The fact of [`guardrail`] with these versions, open to the organization.
pub(super) fn fact(versions: &[(u32, &ReplicaContent)]) -> ReplicaFact {
    let mut guardrail = guardrail(&content("draft"));
    guardrail.versions = versions.iter().map(|(number, it)| published(*number, it)).collect();
    guardrail.policy = Read::Known(open_policy(&guardrail.arn));
    replica_fact(&observed(guardrail), &owner(), &key().guardrail, false).unwrap()
}

pub(super) fn confirmed() -> Confirmed {
    let absent = Read::<()>::KnownAbsent.absent().unwrap();
    let instant = Timing { confirm_after: Duration::ZERO, own_write_grace: Duration::ZERO };
    Sightings::default().confirm_absent("x", absent, Duration::ZERO, &instant).unwrap()
}

/// All that a context borrows. Every cell was read and is empty, every policy was read and names
/// nothing.
pub(super) struct World {
    pub(super) owner: OwnerId,
    pub(super) replicas: BTreeMap<ReplicaKey, DesiredReplica>,
    pub(super) enforcements: BTreeMap<EnforcementKey, DesiredEnforcement>,
    pub(super) organization: BTreeMap<Name, DesiredOrganizationEnforcement>,
    pub(super) cells: BTreeMap<Cell, Arc<DesiredCell>>,
    pub(super) waves: BTreeMap<Name, DesiredRollout<Cell>>,
    pub(super) organization_waves: BTreeMap<Name, DesiredRollout<Region>>,
    pub(super) target_waves: BTreeMap<Name, TargetRollout>,
    pub(super) rollouts: BTreeMap<Name, Decision>,
    pub(super) kept: BTreeSet<Cell>,
    pub(super) profiles: BTreeMap<ProfileKey, Share>,
    /// Whether probes that were not made count as passed.
    pub(super) is_assumed: bool,
    pub(super) facts: Facts,
    pub(super) now: Duration,
}

impl World {
    pub(super) fn new() -> Self {
        let cells = [MANAGEMENT, MEMBER, OTHER].map(|account| (cell(account), None));
        let facts = Facts {
            fleet: Some(fleet()),
            cells: BTreeMap::from(cells),
            policies: Some(BTreeSet::new()),
            controls: Some(Read::KnownAbsent),
            controls_read: Some(START),
            ..Facts::default()
        };
        Self {
            owner: owner(),
            replicas: BTreeMap::new(),
            enforcements: BTreeMap::new(),
            organization: BTreeMap::new(),
            cells: BTreeMap::new(),
            waves: BTreeMap::new(),
            organization_waves: BTreeMap::new(),
            target_waves: BTreeMap::new(),
            rollouts: BTreeMap::new(),
            kept: BTreeSet::new(),
            profiles: BTreeMap::new(),
            is_assumed: true,
            facts,
            now: START,
        }
    }

    /// With the guardrail `baseline`, of which the manifest says `content`, and its versions.
    pub(super) fn with_versions(
        content: &ReplicaContent,
        versions: &[(u32, &ReplicaContent)],
    ) -> Self {
        let mut world = Self::new();
        world.replicas.insert(key(), desired(content));
        world.facts.replicas.insert(key(), fact(versions));
        world
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            owner: &self.owner,
            replicas: &self.replicas,
            enforcements: &self.enforcements,
            organization: &self.organization,
            cells: &self.cells,
            waves: &self.waves,
            organization_waves: &self.organization_waves,
            target_waves: &self.target_waves,
            rollouts: &self.rollouts,
            kept: &self.kept,
            facts: &self.facts,
            preflight: Proving {
                profiles: &self.profiles,
                member_role: "BedrailMember",
                is_assumed: self.is_assumed,
            },
            timing: &TIMING,
            now: self.now,
            wall: Timestamp::UNIX_EPOCH + self.now,
        }
    }

    /// Time passes, and what cells and policies reference is read again.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.facts.controls_read = Some(self.now);
        self.facts.policies_read = self.facts.policies.is_some().then_some(self.now);
        let cells = self.facts.cells.keys().cloned();
        self.facts.cells_read = cells.map(|cell| (cell, self.now)).collect();
    }
}

/// A plan in short: operations and their effect, then reasons of holds, refusals, orphans.
pub(super) fn summary(plan: &Plan) -> Vec<String> {
    let steps = plan
        .steps
        .iter()
        .map(|step| step.operation().split(':').next_back().unwrap_or_default().to_owned());
    let held = plan.held.iter().map(|held| format!("held {}", held.reason));
    let refused = plan.refusals.iter().map(|_| "refused".to_owned());
    let orphans = plan.orphans.iter().map(|_| "orphan".to_owned());
    steps.chain(held).chain(refused).chain(orphans).collect()
}

pub(super) fn holds(plan: &Plan) -> Vec<HoldReason> {
    plan.held.iter().map(|held| held.reason).collect()
}
