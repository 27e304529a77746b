//! Reads what one key is about, and keeps what others need to know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::audit::Coverage;
use super::engine::Engine;
use super::key::Key;
use super::state::State;
use crate::aws::AwsError;
use crate::model::{
    AccountId, Cell, Fleet, GuardrailArn, ObservedCell, ObservedOrganization, ObservedPolicy,
    ObservedReplica, OwnerId, PolicyFact, PolicyId, Read, Region, ReplicaFact, ReplicaKey, Version,
};
use crate::plan;

/// How often the embedding models of a Region are read: AWS adds one now and then, and until it is
/// excluded its callers fail.
const EMBEDDINGS_EVERY: Duration = Duration::from_mins(10);

/// What a visit read.
pub(super) enum Observed {
    /// The tree and the policies.
    Organization(Box<(Fleet, ObservedOrganization)>),
    /// A guardrail, and the embedding models of its Region where they are needed and due.
    Replica(Box<ObservedReplica>, Option<Read<BTreeSet<String>>>),
    /// The resource policy of a guardrail profile.
    ProfilePolicy(Read<serde_json::Value>),
    /// An enforced configuration.
    Cell(ObservedCell),
}

impl Engine {
    /// Reads (no writes) what `key` is about.
    pub(super) async fn observe(&self, key: &Key) -> Result<Observed, AwsError> {
        match key {
            Key::Organization => {
                let needs_tags = self.state().accepted.as_ref().is_some_and(|it| it.needs_tags);
                let fleet = self.aws.fleet(needs_tags).await?;
                let observed = self.aws.organization().await?;
                Ok(Observed::Organization(Box::new((fleet, observed))))
            }
            Key::Replica(key) => {
                let embeddings = self.embeddings(&key.account, &key.region).await;
                Ok(Observed::Replica(Box::new(self.aws.replica(key).await), embeddings))
            }
            Key::ProfilePolicy(key) => {
                let arn = key.arn(&self.aws.caller().partition);
                let policy = self.aws.resource_policy(&key.account, &key.region, &arn).await;
                Ok(Observed::ProfilePolicy(policy))
            }
            Key::Cell(cell) | Key::Audit(cell) => Ok(Observed::Cell(self.aws.cell(cell).await)),
        }
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

impl State {
    /// Keeps what was read as facts. Returns the keys whose plans it can change.
    pub(super) fn learn(
        &mut self,
        key: &Key,
        observed: &Observed,
        began: Duration,
        owner: &OwnerId,
    ) -> BTreeSet<Key> {
        match (key, observed) {
            (Key::Organization, Observed::Organization(read)) => {
                self.learn_organization(&read.0, &read.1, began, owner)
            }
            (Key::Replica(replica), Observed::Replica(read, embeddings)) => {
                self.learn_replica(replica, read, embeddings.as_ref(), owner)
            }
            (Key::Cell(cell), Observed::Cell(read)) => self.learn_cell(key, cell, read, began),
            // A profile's policy is nobody's fact; other pairs are not made by `observe`.
            (
                Key::Organization
                | Key::Replica(_)
                | Key::ProfilePolicy(_)
                | Key::Cell(_)
                | Key::Audit(_),
                _,
            ) => BTreeSet::new(),
        }
    }

    fn learn_replica(
        &mut self,
        replica: &ReplicaKey,
        read: &ObservedReplica,
        embeddings: Option<&Read<BTreeSet<String>>>,
        owner: &OwnerId,
    ) -> BTreeSet<Key> {
        let is_first = self.visited.insert(replica.clone());
        let mut concerns = is_first;
        let mut are_new = false;
        if let Some(Read::Known(models)) = embeddings {
            let region = replica.region.clone();
            let before = self.facts.embeddings.insert(region, models.clone());
            are_new = before.as_ref() != Some(models);
        }
        concerns |= are_new;
        let fact = match &read.guardrail {
            Read::Known(_) => plan::replica_fact(read, owner, &replica.guardrail),
            Read::KnownAbsent => None,
            // What could not be read is not forgotten: a version that was read back once
            // stays what it was, and no cell loses its reference for an outage.
            Read::Unknown(_) => self.facts.replicas.get(replica).cloned(),
        };
        let before = match fact {
            Some(fact) => self.facts.replicas.insert(replica.clone(), fact),
            None => self.facts.replicas.remove(replica),
        };
        let now = self.facts.replicas.get(replica);
        // Without a version, before and after, nobody else can do more than wait.
        let is_usable = |fact: &ReplicaFact| !fact.versions.is_empty();
        // Tags of ours are the business of no cell that a manifest claims.
        let referenced =
            |fact: &ReplicaFact| ReplicaFact { enforcements: BTreeMap::new(), ..fact.clone() };
        concerns |= before.as_ref().map(referenced) != now.map(referenced)
            && (now.is_some_and(is_usable) || before.as_ref().is_some_and(is_usable));
        let unclaimed =
            if is_first && self.knows_replicas() { self.replicas_known() } else { BTreeSet::new() };
        if !concerns {
            return unclaimed;
        }
        // The models of a Region concern all of it, whatever guardrail it uses.
        let uses = self.desired.organization.values();
        let organization = uses
            .filter(|it| are_new || it.guardrail.name == replica.guardrail)
            .map(|_| Key::Organization)
            .next();
        let region = are_new.then(|| self.cells_in(&replica.region)).into_iter().flatten();
        self.cells_of(replica).chain(region).chain(organization).chain(unclaimed).collect()
    }

    fn learn_cell(
        &mut self,
        key: &Key,
        cell: &Cell,
        read: &ObservedCell,
        began: Duration,
    ) -> BTreeSet<Key> {
        let reference = match &read.enforcement {
            Read::Known(live) => Some(live.guardrail.clone().zip(live.version)),
            Read::KnownAbsent => Some(None),
            Read::Unknown(_) => None,
        };
        // What could not be read is no answer: asking again at once would not help.
        let is_answer = self.asked.answered(key) && reference.is_some();
        let before = if let Some(reference) = reference {
            self.facts.cells_read.insert(cell.clone(), began);
            self.facts.cells.insert(cell.clone(), reference)
        } else {
            self.facts.cells_read.remove(cell);
            self.facts.cells.remove(cell)
        };
        let changed = before.as_ref() != self.facts.cells.get(cell);
        let mut wake = if changed || is_answer { self.waiting_removals() } else { BTreeSet::new() };
        // During a pass all cells are new; its end wakes them.
        if changed && self.unpassed.is_empty() {
            wake.append(&mut self.unsettled);
        }
        wake
    }

    fn learn_organization(
        &mut self,
        fleet: &Fleet,
        observed: &ObservedOrganization,
        began: Duration,
        owner: &OwnerId,
    ) -> BTreeSet<Key> {
        let references = match &observed.policies {
            Read::Known(policies) => Some(policies.values().flat_map(references).collect()),
            Read::KnownAbsent => Some(BTreeSet::new()),
            Read::Unknown(_) => None,
        };
        if let Some(coverage) = Coverage::of(observed) {
            self.coverage = Some(coverage);
        }
        let mut wake = BTreeSet::new();
        let own_policies = match &observed.policies {
            Read::Known(policies) => Some(own_policies(policies, owner)),
            Read::KnownAbsent => Some(BTreeMap::new()),
            Read::Unknown(_) => None,
        };
        if self.facts.own_policies != own_policies {
            self.facts.own_policies = own_policies;
            wake.append(&mut self.unsettled);
        }
        let is_answer = self.asked.answered(&Key::Organization) && references.is_some();
        self.facts.policies_read = references.as_ref().map(|_| began);
        if self.facts.policies != references || is_answer {
            self.facts.policies = references;
            wake.append(&mut self.waiting_removals());
        }
        if self.facts.fleet.as_ref() != Some(fleet) {
            self.facts.fleet = Some(fleet.clone());
            self.resolve();
            wake.append(&mut self.due());
        } else if self.desired.generation != self.generation() {
            self.resolve();
            wake.append(&mut self.due());
        }
        wake.remove(&Key::Organization);
        wake
    }

    /// Keys that wait for what cells and policies reference.
    fn waiting_removals(&self) -> BTreeSet<Key> {
        let can_remove = |key: &&Key| matches!(key, Key::Replica(_) | Key::ProfilePolicy(_));
        self.waiting.iter().filter(can_remove).cloned().collect()
    }

    /// The generation in force; 0 before the first.
    pub(super) fn generation(&self) -> u64 {
        self.accepted.as_ref().map_or(0, |accepted| accepted.generation)
    }
}

/// What plans of others need to know of our own policies.
fn own_policies(
    policies: &BTreeMap<PolicyId, ObservedPolicy>,
    owner: &OwnerId,
) -> BTreeMap<PolicyId, PolicyFact> {
    let fact = |policy: &ObservedPolicy| PolicyFact {
        enforcement: policy.enforcement.clone(),
        targets: policy.targets.clone(),
        regions: plan::policy_regions(&policy.content),
    };
    let ours = policies.iter().filter(|(_, policy)| policy.owner.as_ref() == Some(owner));
    ours.map(|(id, policy)| (id.clone(), fact(policy))).collect()
}

/// Every guardrail version that a policy document names, wherever it stands in it.
fn references(policy: &ObservedPolicy) -> BTreeSet<(GuardrailArn, Version)> {
    fn collect(value: &serde_json::Value, found: &mut BTreeSet<(GuardrailArn, Version)>) {
        match value {
            serde_json::Value::String(text) => {
                found.extend(GuardrailArn::parse_versioned(text));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|it| collect(it, found)),
            serde_json::Value::Object(members) => {
                members.values().for_each(|it| collect(it, found));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(&policy.content, &mut found);
    found
}
