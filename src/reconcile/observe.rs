//! Reads what one key is about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::engine::Engine;
use super::gate::Tried;
use super::key::Key;
use crate::aws::{AwsError, Cadence, ControlsOf};
use crate::model::{
    AccountId, Fleet, LoggingConfig, ObservedCell, ObservedControls, ObservedOrganization,
    ObservedReplica, PolicyTypeStatus, Read, Region, ServiceControls, Unread,
};
use crate::plan;

/// How often the embedding models of a Region are read: AWS adds one now and then, and until it is
/// excluded its callers fail.
const EMBEDDINGS_EVERY: Duration = Duration::from_mins(10);

/// How often an effective policy is read that was as it should be: somebody may have changed the
/// tree in a way that no policy shows.
const EFFECTIVE_EVERY: Duration = Duration::from_hours(1);

/// How often service control policies of ours are looked for that no manifest describes.
const ORPHANS_EVERY: Duration = Duration::from_hours(1);

/// Service control policies, and when they were read.
pub(super) struct Controls {
    pub(super) read: Read<ServiceControls>,
    pub(super) at: Duration,
}

/// Service control policies of ours; `None` where no manifest describes one and none could be read.
pub(super) type OwnControls = Option<Read<ObservedControls>>;

/// What a visit read.
pub(super) enum Observed {
    /// The tree, the policies, all service control policies where they were due, and ours.
    Organization(Box<(Fleet, ObservedOrganization, Option<Controls>, OwnControls)>),
    /// A guardrail, and the embedding models of its Region where they are needed and due.
    Replica(Box<ObservedReplica>, Option<Read<BTreeSet<String>>>),
    /// The resource policy of a guardrail profile.
    ProfilePolicy(Read<serde_json::Value>),
    /// What was found where the gate of a wave was tried.
    Rollout(Vec<Tried>),
    /// An enforced configuration.
    Cell(ObservedCell),
    /// Invocation logging.
    Logging(Read<LoggingConfig>),
}

impl Observed {
    /// Why what the key is about could not be read.
    pub(super) fn unread(&self) -> Option<&Unread> {
        match self {
            Self::Organization(read) => {
                let controls = read.3.as_ref().and_then(Read::unread);
                read.1.policies.unread().or(read.1.invalid.unread()).or(controls)
            }
            Self::Replica(read, embeddings) => {
                let embeddings = embeddings.as_ref().and_then(Read::unread);
                match &read.guardrail {
                    Read::Known(guardrail) => guardrail.policy.unread().or(embeddings),
                    Read::KnownAbsent => embeddings,
                    Read::Unknown(unread) => Some(unread),
                }
            }
            Self::ProfilePolicy(read) => read.unread(),
            Self::Rollout(_) => None,
            Self::Cell(read) => read.enforcement.unread(),
            Self::Logging(read) => read.unread(),
        }
    }
}

impl Engine {
    /// Reads (no writes) what `key` is about.
    pub(super) async fn observe(&self, key: &Key) -> Result<Observed, AwsError> {
        match key {
            Key::Organization => {
                let began = self.time.now();
                let fleet = self.read_fleet().await?;
                let fleet = self.state().believed(fleet, began, &self.settings.timing);
                let (now, sweep) = (self.time.now(), self.settings.sweep);
                let known = self.state().foreign_policies(now, sweep);
                let mut observed = self.aws.organization_knowing(known).await?;
                observed.effective = self.effective(&fleet, &observed).await;
                let is_due = self.state().controls_due(self.time.now(), &self.settings.timing);
                let controls = if is_due { Some(self.controls().await) } else { None };
                let own = self.own_controls().await;
                self.try_policies().await;
                Ok(Observed::Organization(Box::new((fleet, observed, controls, own))))
            }
            Key::Replica(key) => {
                let embeddings = self.embeddings(&key.account, &key.region).await;
                let name = self.state().name_of(key);
                let is_at_rest = self.state().at_rest.contains(key);
                let Self { aws, settings, .. } = self;
                let cadence = Cadence { tags: settings.sweep, content: settings.read_back };
                let mut read = if is_at_rest {
                    aws.replica_at_rest(&key.cell(), &name, cadence).await
                } else {
                    aws.replica(&key.cell(), &name).await
                };
                #[cfg(feature = "planted")]
                if crate::planted::is(crate::planted::Planted::RenamedTakenAsAbsent) {
                    return Ok(Observed::Replica(Box::new(read), embeddings));
                }
                // Before a second one is made: ours may be there under a name that somebody gave it.
                if read.guardrail == Read::KnownAbsent {
                    let tags = plan::guardrail_tags(&self.settings.owner, &key.guardrail);
                    read = self.aws.replica_tagged(&key.cell(), &tags).await;
                }
                Ok(Observed::Replica(Box::new(read), embeddings))
            }
            Key::ProfilePolicy(key) => {
                let arn = key.arn(&self.aws.caller().partition);
                let policy = self.aws.resource_policy(&key.account, &key.region, &arn).await;
                Ok(Observed::ProfilePolicy(policy))
            }
            Key::Rollout(name) => Ok(Observed::Rollout(self.try_gate(name).await)),
            Key::Logging(cell) => Ok(Observed::Logging(self.aws.logging(cell).await)),
            Key::Cell(cell) | Key::Audit(cell) => Ok(Observed::Cell(self.aws.cell(cell).await)),
        }
    }

    /// The effective policies of the witnesses. Those that are as they should be are read again once
    /// in a while, the others at every visit.
    async fn effective(
        &self,
        fleet: &Fleet,
        observed: &ObservedOrganization,
    ) -> BTreeMap<AccountId, Read<serde_json::Value>> {
        let (Read::Known(policies), PolicyTypeStatus::Enabled) =
            (&observed.policies, observed.bedrock_policies)
        else {
            return BTreeMap::new();
        };
        let (owner, now) = (&self.settings.owner, self.time.now());
        let mut known = std::mem::take(&mut self.state().effective);
        let witnesses = plan::witnesses(policies, owner, fleet);
        known.retain(|account, (read_at, _)| {
            witnesses.contains(account) && now < *read_at + EFFECTIVE_EVERY
        });
        let shown = known.iter().map(|(account, (_, read))| (account.clone(), read.clone()));
        for account in plan::unproven(policies, owner, fleet, &shown.collect()) {
            let read = match self.aws.effective_bedrock_policy(&account).await {
                Ok(Some(document)) => Read::Known(document),
                Ok(None) => Read::KnownAbsent,
                Err(error) => Read::Unknown(error.into()),
            };
            known.insert(account, (now, read));
        }
        let effective = known.iter().map(|(account, (_, read))| (account.clone(), read.clone()));
        let effective = effective.collect();
        self.state().effective = known;
        effective
    }

    /// Service control policies of ours. Where no manifest describes one, they are looked for once in
    /// each generation and then once in a while, for the sake of what a file left behind.
    async fn own_controls(&self) -> OwnControls {
        let now = self.time.now();
        let (of, is_described) = {
            let state = self.state();
            let generation = state.generation();
            let controls = &state.desired.controls;
            if let Some((seen, at, read)) = &state.own_controls
                && controls.is_empty()
                && *seen == generation
                && now < *at + ORPHANS_EVERY
            {
                return read.clone();
            }
            let names = controls.values().filter_map(|it| it.policy_name.clone()).collect();
            let owner = self.settings.owner.clone();
            (ControlsOf::OwnedOrNamed { owner, names }, !controls.is_empty())
        };
        let read = self.aws.listed_service_controls(&of).await;
        // What nobody asks for need not be readable.
        let read = (is_described || read.unread().is_none()).then_some(read);
        let mut state = self.state();
        let generation = state.generation();
        state.own_controls = Some((generation, now, read.clone()));
        read
    }

    async fn controls(&self) -> Controls {
        let read = self.aws.service_controls().await;
        // When it ended: a read that takes longer than it is believed must not be asked for again
        // before anybody could go by it.
        Controls { read, at: self.time.now() }
    }

    /// The embedding models of a Region, where a manifest excludes them and they were not read
    /// lately. A failure holds what needs them and brings this key back, and nothing else.
    async fn embeddings(
        &self,
        account: &AccountId,
        region: &Region,
    ) -> Option<Read<BTreeSet<String>>> {
        let now = self.time.now();
        let is_due = {
            let mut state = self.state();
            let is_needed = state.accepted.as_ref().is_some_and(|it| it.needs_embeddings);
            let last = state.embeddings_read.get(region).copied();
            let is_due = is_needed && last.is_none_or(|last| now >= last + EMBEDDINGS_EVERY);
            if is_due {
                state.embeddings_read.insert(region.clone(), now);
            }
            is_due
        };
        if !is_due {
            return None;
        }
        Some(match self.aws.embedding_models(account, region).await {
            Ok(models) => Read::Known(models),
            Err(error) => {
                self.state().embeddings_read.remove(region);
                Read::Unknown(error.into())
            }
        })
    }
}
