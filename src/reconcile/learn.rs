//! Keeps what a visit read as facts, and says whose plans they change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::audit::Coverage;
use super::key::Key;
use super::observe::{Controls, Observed};
use super::state::State;
use crate::aws::ErrorClass;
use crate::model::{
    AccessKey, Attachment, Cell, DesiredControl, Fleet, GuardrailArn, Name, ObservedCell,
    ObservedEnforcement, ObservedOrganization, ObservedPolicy, ObservedReplica, OwnerId,
    PolicyFact, PolicyId, Presence, ProfileKey, Read, ReplicaFact, ReplicaKey, Unread,
    UnreadableCell, Version,
};
use crate::plan::{self, Timing};

/// What a slot references.
type Reference = (GuardrailArn, Version);

impl State {
    /// The name of a replica in AWS.
    pub(super) fn name_of(&self, key: &ReplicaKey) -> Name {
        let desired = self.desired.replicas.get(key);
        desired.map_or_else(|| key.guardrail.clone(), |it| it.name.clone())
    }

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
                let mut wake = self.learn_controls(read.2.as_ref());
                if let Some(Read::Known(controls)) = &read.3 {
                    self.facts.control_attachments = plan::control_attachments(controls, owner);
                    let known = |key: &AccessKey| {
                        key.policies.iter().all(|id| controls.policies.contains_key(id))
                    };
                    self.facts.access.retain(|key, _| known(key));
                }
                wake.append(&mut self.learn_organization(&read.0, &read.1, began, owner));
                wake
            }
            (Key::Replica(replica), Observed::Replica(read, embeddings)) => {
                self.learn_replica(replica, read, embeddings.as_ref(), owner)
            }
            (Key::Rollout(name), Observed::Rollout(tried)) => {
                self.note_verdicts(name, tried);
                BTreeSet::new()
            }
            (Key::Cell(cell), Observed::Cell(read)) => self.learn_cell(key, cell, read, began),
            (Key::ProfilePolicy(profile), Observed::ProfilePolicy(read)) => {
                self.learn_profile(profile, read)
            }
            // Nobody else's plan depends on logging; other pairs are not made by `observe`.
            (
                Key::Organization
                | Key::Replica(_)
                | Key::ProfilePolicy(_)
                | Key::Rollout(_)
                | Key::Cell(_)
                | Key::Logging(_)
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
            // What could not be read is not forgotten: a version that was read back once stays what
            // it was, and no cell loses its reference for an outage.
            Read::Known(live) if live.policy.unread().is_some() => {
                self.facts.replicas.get(replica).cloned()
            }
            Read::Known(_) => {
                let desired = self.desired.replicas.get(replica);
                let adopts = desired.is_some_and(|it| it.adopt && it.state == Presence::Present);
                plan::replica_fact(read, owner, &replica.guardrail, adopts)
            }
            Read::KnownAbsent => None,
            Read::Unknown(_) => self.facts.replicas.get(replica).cloned(),
        };
        let before = match fact {
            Some(fact) => self.facts.replicas.insert(replica.clone(), fact),
            None => self.facts.replicas.remove(replica),
        };
        self.note_replica(replica, &read.guardrail, before.as_ref());
        let now = self.facts.replicas.get(replica);
        // Without a version, before and after, nobody else can do more than wait, or go.
        let is_usable = |fact: &ReplicaFact| !fact.versions.is_empty();
        // Tags of ours are the business of no cell that a manifest claims.
        let referenced = |fact: &ReplicaFact| ReplicaFact {
            enforcements: BTreeMap::new(),
            rollouts: BTreeMap::new(),
            ..fact.clone()
        };
        concerns |= before.as_ref().map(referenced) != now.map(referenced)
            && (now.is_some_and(is_usable) || before.as_ref().is_some_and(is_usable));
        // Only now can be told what is ours in cells that no manifest claims.
        let is_found = before.is_none() && now.is_some();
        let is_news = is_first || is_found;
        let mut uncertain =
            if is_news && self.knows_replicas() { self.replicas_known() } else { BTreeSet::new() };
        if is_found {
            uncertain.append(&mut self.removals_known(replica));
        }
        if !concerns {
            return uncertain;
        }
        // The models of a Region concern all of it, whatever guardrail it uses.
        let mut uses = self.desired.organization.values();
        let mut controls = self.desired.controls.values();
        let is_used = uses.any(|it| are_new || it.guardrail.name == replica.guardrail)
            || controls.any(|it| it.form.requires(&replica.guardrail));
        let organization = is_used.then_some(Key::Organization);
        let region = are_new.then(|| self.cells_in(&replica.region)).into_iter().flatten();
        self.cells_of(replica).chain(region).chain(organization).chain(uncertain).collect()
    }

    fn learn_cell(
        &mut self,
        key: &Key,
        cell: &Cell,
        read: &ObservedCell,
        began: Duration,
    ) -> BTreeSet<Key> {
        let is_answer = self.asked.tried(key, read.enforcement.unread().is_none());
        let (changed, lost) = self.learn_slot(cell, &read.enforcement, began);
        let is_settled = self.facts.slots_written.get(cell).is_some_and(|sent| *sent < began)
            && read.enforcement.unread().is_none();
        if is_settled {
            self.facts.slots_written.remove(cell);
        }
        self.note_cell(cell, read.enforcement.unread(), changed);
        let mut wake = if changed || is_answer { self.waiting_removals() } else { BTreeSet::new() };
        if let Some(lost) = lost {
            self.was_in_force(cell, lost, began);
        }
        // During a pass all cells are new; its end wakes them.
        if (changed || is_settled) && self.unpassed.is_empty() {
            wake.append(&mut self.unsettled);
        }
        wake
    }

    /// Whether service control policies are read: when a plan waits for them, and while references
    /// are ahead, so that none need wait.
    pub(super) fn controls_due(&self, now: Duration, timing: &Timing) -> bool {
        let is_fresh = plan::controls_are_fresh(&self.facts, now, timing);
        let is_exclusive = |it: &DesiredControl| {
            it.attachment == Attachment::Exclusive && it.state == Presence::Present
        };
        let is_needed = || {
            plan::probes_ahead(&self.desired, &self.facts) > 0
                || self.desired.controls.values().any(is_exclusive)
        };
        self.asked.controls || !is_fresh && is_needed()
    }

    fn learn_controls(&mut self, controls: Option<&Controls>) -> BTreeSet<Key> {
        let Some(Controls { read, at }) = controls else { return BTreeSet::new() };
        self.asked.controls = false;
        self.facts.controls = Some(read.clone());
        self.facts.controls_read = Some(*at);
        self.waiting.iter().filter(|key| matches!(key, Key::Cell(_))).cloned().collect()
    }

    /// Returns the keys whose references wait for the policy of a profile.
    fn learn_profile(
        &mut self,
        profile: &ProfileKey,
        read: &Read<serde_json::Value>,
    ) -> BTreeSet<Key> {
        let is_out_of_reach =
            |unread: &Unread| unread.class == ErrorClass::RegionUnavailable.reason();
        // What could not be read is not forgotten.
        if read.unread().is_some_and(|unread| !is_out_of_reach(unread)) {
            return BTreeSet::new();
        }
        let before = self.facts.profiles.insert(profile.clone(), read.clone());
        if before.as_ref() == Some(read) {
            return BTreeSet::new();
        }
        let waits = |key: &&Key| matches!(key, Key::Cell(_) | Key::Organization);
        self.waiting.iter().filter(waits).cloned().collect()
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
        // What was not read is no answer, and no ground to take anything away.
        let was_read = self.foreign.was_read();
        let is_answer = was_read && self.asked.tried(&Key::Organization, references.is_some());
        if was_read || references.is_none() {
            self.facts.policies_read = references.as_ref().map(|_| began);
        }
        if self.facts.policies != references || is_answer {
            self.facts.policies = references;
            wake.append(&mut self.waiting_removals());
        }
        if self.facts.fleet.as_ref() != Some(fleet) {
            wake.append(&mut self.follow(fleet));
        } else if self.desired.generation != self.generation() {
            self.resolve();
            wake.append(&mut self.due());
        }
        // What is taken over is known once it is known what is desired.
        wake.append(&mut self.learn_policies(&observed.policies, began, owner));
        let is_known = self.facts.own_policies.is_some();
        if is_known && self.facts.policies_written.take_if(|sent| *sent < began).is_some() {
            wake.append(&mut self.unsettled);
        }
        self.keep_foreign_policies(observed, began, owner);
        wake.remove(&Key::Organization);
        wake
    }

    /// Keeps what our own policies are. Returns the keys that may have waited for it.
    fn learn_policies(
        &mut self,
        policies: &Read<BTreeMap<PolicyId, ObservedPolicy>>,
        began: Duration,
        owner: &OwnerId,
    ) -> BTreeSet<Key> {
        let own_policies = match policies {
            Read::Known(policies) => {
                let taken_over = plan::taken_over(&self.desired.organization, policies, owner);
                Some(own_policies(policies, &taken_over, owner))
            }
            Read::KnownAbsent => Some(BTreeMap::new()),
            Read::Unknown(_) => None,
        };
        let mut wake = BTreeSet::new();
        if self.facts.own_policies != own_policies {
            self.facts.own_policies = own_policies;
            wake.append(&mut self.unsettled);
            // Slots that a policy takes over from.
            wake.extend(self.waiting.iter().filter(|it| matches!(it, Key::Cell(_))).cloned());
        }
        if let Some(policies) = &self.facts.own_policies {
            let since = &self.facts.policies_since;
            self.facts.policies_since = lasting(policies, since, began);
            let lost = plan::restorable(&self.last_policies, policies);
            self.facts.restorable.extend(lost);
            self.last_policies.clone_from(policies);
        }
        wake
    }

    /// Keeps what a slot references, or that it could not be read. Whether that is news, and what it
    /// referenced before if it is.
    fn learn_slot(
        &mut self,
        cell: &Cell,
        slot: &Read<ObservedEnforcement>,
        began: Duration,
    ) -> (bool, Option<Reference>) {
        let facts = &mut self.facts;
        let failed_before = facts.cells_unreadable.remove(cell);
        let reference = match slot {
            Read::Known(live) => live.guardrail.clone().zip(live.version),
            Read::KnownAbsent => None,
            Read::Unknown(unread) => {
                facts.cells_read.remove(cell);
                let seen = facts.cells.remove(cell);
                let lost = seen.clone().flatten();
                let now = UnreadableCell {
                    tried: began,
                    last_seen: match seen {
                        Some(seen) => seen,
                        None => failed_before.as_ref().and_then(|it| it.last_seen.clone()),
                    },
                    is_not_enabled: unread.class == ErrorClass::RegionUnavailable.reason(),
                };
                let before = failed_before.map(|it| UnreadableCell { tried: began, ..it });
                let changed = before.as_ref() != Some(&now);
                facts.cells_unreadable.insert(cell.clone(), now);
                return (changed, lost);
            }
        };
        facts.cells_read.insert(cell.clone(), began);
        let before = facts.cells.insert(cell.clone(), reference);
        let changed = before.as_ref() != facts.cells.get(cell);
        (changed, before.flatten().filter(|_| changed))
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
    taken_over: &BTreeMap<PolicyId, Name>,
    owner: &OwnerId,
) -> BTreeMap<PolicyId, PolicyFact> {
    let fact = |policy: &ObservedPolicy| PolicyFact {
        enforcement: taken_over.get(&policy.id).or(policy.enforcement.as_ref()).cloned(),
        is_lane: policy.lane.is_some(),
        targets: policy.targets.clone(),
        regions: plan::policy_regions(&policy.content),
        references: references(policy),
        rollouts: policy.rollouts.clone(),
    };
    let is_ours = |(id, policy): &(&PolicyId, &ObservedPolicy)| {
        policy.owner.as_ref() == Some(owner) || taken_over.contains_key(*id)
    };
    let ours = policies.iter().filter(is_ours);
    ours.map(|(id, policy)| (id.clone(), fact(policy))).collect()
}

/// Since when what a read shows that `began` then has lasted, if it was so `before`.
fn lasting(
    policies: &BTreeMap<PolicyId, PolicyFact>,
    before: &BTreeMap<(PolicyId, String), Duration>,
    began: Duration,
) -> BTreeMap<(PolicyId, String), Duration> {
    let places = policies.iter().flat_map(|(id, policy)| {
        let targets = policy.targets.iter().map(ToString::to_string);
        targets.chain(policy.regions.iter().cloned()).map(|place| (id.clone(), place))
    });
    let since = |place: &(PolicyId, String)| before.get(place).copied().unwrap_or(began);
    places.map(|place| (place.clone(), since(&place))).collect()
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
