//! Decides what one organization enforcement needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::document::{self, SIZE_MAX, blocks, normalised, references, size};
use super::find::{Whose, policy_name, whose};
use crate::model::{
    AccountId, AccountState, DesiredOrganizationEnforcement, EnforcementKey, EnforcementKind,
    Fleet, GuardrailArn, Name, ObservedPolicy, Presence, Read, Region, ReplicaKey, Seen, TargetId,
    Version, changes,
};
use crate::plan::confirm::Sightings;
use crate::plan::consent::{self, Standing};
use crate::plan::context::Context;
use crate::plan::describe::sighting;
use crate::plan::narrowing::is_narrower;
use crate::plan::ownership::{ENFORCEMENT_TAG, tags};
use crate::plan::reference::{self, replica_of, resolve, with_embeddings};
use crate::plan::step::{Held, HoldReason, Loss, Plan, Step};

/// The arguments that stay the same through the plan of one enforcement.
pub(super) struct Visit<'a> {
    pub(super) name: &'a Name,
    pub(super) desired: &'a DesiredOrganizationEnforcement,
    pub(super) fleet: &'a Fleet,
    pub(super) context: &'a Context<'a>,
}

impl Visit<'_> {
    /// | policy | `Present` | `Absent` |
    /// |---|---|---|
    /// | absent | create, once confirmed | nothing |
    /// | ours | update, then attach | detach, then delete, both confirmed |
    /// | nobody's | tag and go on if `adopt`, else refused | refused |
    /// | another's | refused | refused |
    pub(super) fn plan(
        &self,
        policy: &Read<&ObservedPolicy>,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let Some((live, seen)) = policy.known().map(|(live, seen)| (*live, seen)) else {
            // A list that was not read never comes so far; `create` asks for the proof again.
            return self.create(policy, memory, plan);
        };
        let refused = match (whose(live, self.name, self.context.owner), self.desired.state) {
            (Whose::Ours, Presence::Absent) => return self.remove(policy, memory, plan),
            (Whose::Ours, Presence::Present) => None,
            (Whose::Nobodys, Presence::Present) if self.desired.adopt => None,
            (Whose::Nobodys, Presence::Present) => {
                Some("carries no owner; write `adopt: true` to take it over".to_owned())
            }
            (Whose::Nobodys, Presence::Absent) => {
                Some("carries no owner and is left alone".to_owned())
            }
            (Whose::Others(owner), _) => Some(format!("belongs to {owner}; rename one of the two")),
        };
        memory.reset(&sighting::policy(self.name));
        match refused {
            Some(why) => {
                let message = format!("the policy `{}` ({}) {why}", live.name, live.id);
                plan.refuse(format!("OrganizationEnforcement/{}", self.name), message);
            }
            None => self.keep((live, seen), memory, plan),
        }
    }

    fn create(&self, policy: &Read<&ObservedPolicy>, memory: &mut Sightings, plan: &mut Plan) {
        let object = sighting::policy(self.name);
        let (Presence::Present, Some(absent)) = (self.desired.state, policy.absent()) else {
            return memory.reset(&object);
        };
        let Some(content) = self.document(&BTreeMap::new(), &self.desired.targets, plan) else {
            return memory.reset(&object);
        };
        let Context { now, timing, owner, .. } = *self.context;
        match memory.confirm_absent(&object, absent, now, timing) {
            Ok(confirmed) => plan.steps.push(Step::CreatePolicy {
                enforcement: self.name.clone(),
                name: policy_name(owner, self.name),
                content,
                tags: self.tags(),
                confirmed,
            }),
            Err(wait) => {
                let message = format!(
                    "the policy of {} will be made once a second complete read finds none",
                    self.name
                );
                plan.hold(Held::after(HoldReason::Confirming, wait, message));
            }
        }
    }

    fn tags(&self) -> BTreeMap<String, String> {
        tags(self.context.owner, (ENFORCEMENT_TAG, self.name.as_str()), &BTreeMap::new())
    }

    /// Mark, content, attachments: in this order, so that nothing wrong is ever attached.
    fn keep(&self, (live, seen): (&ObservedPolicy, Seen), memory: &mut Sightings, plan: &mut Plan) {
        if live.owner.is_none() || live.enforcement.as_ref() != Some(self.name) {
            plan.steps.push(Step::TagPolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                tags: self.tags(),
            });
        }
        let targets = self.desired.targets.union(&live.targets).cloned().collect();
        let new = self.document(&blocks(&live.content), &targets, plan);
        let in_force = new.unwrap_or_else(|| live.content.clone());
        let (old, new) = (normalised(&live.content), normalised(&in_force));
        // What narrows may be held, and the live document be attached meanwhile.
        let is_loss = old != new && self.is_narrowing(&live.content, &in_force);
        let documents = if is_loss { vec![&in_force, &live.content] } else { vec![&in_force] };
        if old != new {
            if is_loss {
                plan.losses.extend(live.targets.iter().map(|target| self.loss(target)));
            }
            plan.steps.push(Step::UpdatePolicy {
                is_loss,
                enforcement: self.name.clone(),
                id: live.id.clone(),
                content: in_force.clone(),
                changes: changes(&old, &new),
            });
        }
        for target in &self.desired.targets {
            memory.reset(&sighting::attachment(self.name, target));
        }
        self.drop_regions((live, seen), old == new, memory, plan);
        for target in self.desired.targets.difference(&live.targets) {
            let proven = documents.iter().try_for_each(|it| self.prove_attachment(target, it));
            match proven {
                Ok(()) => plan.steps.push(Step::AttachPolicy {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    target: target.clone(),
                }),
                Err(held) => plan.hold(held),
            }
        }
        self.detach_extra((live, seen), memory, plan);
    }

    /// Whether some Region's block protects less than the live one.
    fn is_narrowing(&self, old: &Value, new: &Value) -> bool {
        let (old, new) = (blocks(old), blocks(new));
        let nobody = BTreeSet::new();
        new.iter().any(|(region, block)| {
            let embeddings = &self.context.facts.embeddings;
            let embeddings = embeddings.iter().find(|(it, _)| it.as_str() == region);
            // Embedding models cannot be called under enforcement.
            let beyond = match embeddings {
                Some((_, models)) if self.desired.settings.exclude_embeddings => models,
                Some(_) | None => &nobody,
            };
            let before = old.get(region).map(document::settings).unwrap_or_default();
            before.iter().any(|before| {
                document::settings(block).iter().any(|now| is_narrower(before, now, beyond))
            })
        })
    }

    /// Detaches what the text gave up, once everything it names is attached; the rest is left.
    fn detach_extra(
        &self,
        (live, seen): (&ObservedPolicy, Seen),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let key = self.key();
        let mut confirming = None;
        for target in live.targets.difference(&self.desired.targets) {
            let object = sighting::attachment(self.name, target);
            let why = match consent::of_target(&key, target, self.fleet, self.context) {
                Standing::GivenUp(_) => {
                    if let Some(held) = self.blocked(live) {
                        memory.reset(&object);
                        plan.hold(held);
                    } else if self.desired.targets.is_subset(&live.targets) {
                        plan.losses.push(self.loss(target));
                        confirming =
                            confirming.max(self.detach((live, seen), target, memory, plan));
                    } else {
                        plan.losses.push(self.loss(target));
                        memory.reset(&object);
                        let message = format!(
                            "the policy of {} leaves {} once it is attached everywhere else",
                            self.name,
                            self.fleet.describe(target)
                        );
                        let wait = self.context.timing.confirm_after;
                        plan.hold(Held::after(HoldReason::InProgress, wait, message));
                    }
                    continue;
                }
                Standing::Unclear(why) => format!("unclear, {why}"),
                Standing::Deselected => "Deselected, no text gave it up".to_owned(),
            };
            memory.reset(&object);
            let message = format!(
                "the policy of {} is attached to {}, which the manifest does not name ({why}); it is \
                 left alone: name it, or detach the policy by hand",
                self.name,
                self.fleet.describe(target)
            );
            plan.orphan(format!("{} at {target}", live.id), message);
        }
        self.confirming(confirming, plan);
    }

    /// Detaches from one target; how long until it is confirmed, if it is not.
    fn detach(
        &self,
        (live, seen): (&ObservedPolicy, Seen),
        target: &TargetId,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) -> Option<Duration> {
        let Context { now, timing, .. } = *self.context;
        let object = sighting::attachment(self.name, target);
        match memory.confirm_removable(&object, seen, now, timing) {
            Ok(confirmed) => plan.steps.push(Step::DetachPolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                target: target.clone(),
                confirmed,
            }),
            Err(wait) => return Some(wait),
        }
        None
    }

    fn confirming(&self, wait: Option<Duration>, plan: &mut Plan) {
        if let Some(wait) = wait {
            let message = format!(
                "the policy of {} will be taken down once a second complete read confirms it",
                self.name
            );
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }

    fn key(&self) -> EnforcementKey {
        EnforcementKey { kind: EnforcementKind::Organization, name: self.name.clone() }
    }

    fn loss(&self, target: &TargetId) -> Loss {
        Loss { enforcement: self.key(), object: target.to_string() }
    }

    /// Why nothing of the policy is taken away now, if so: for the guardrail that the manifest
    /// names, and for those that are in force.
    fn blocked(&self, live: &ObservedPolicy) -> Option<Held> {
        let in_force = blocks(&live.content).into_values().filter_map(|block| references(&block));
        let replicas = in_force.flatten().filter_map(|(arn, _)| replica_of(&arn, self.context));
        std::iter::once(&self.desired.guardrail.name)
            .chain(replicas.map(|(key, _)| &key.guardrail))
            .find_map(|guardrail| consent::blocked(guardrail, self.context))
    }

    /// Takes the blocks out of the document whose Regions the text gave up; the others that the
    /// manifest does not name are reported. Comes after every other change of the document.
    fn drop_regions(
        &self,
        (live, seen): (&ObservedPolicy, Seen),
        is_current: bool,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let key = self.key();
        let object = sighting::blocks(self.name);
        let mut kept = blocks(&live.content);
        let all = kept.len();
        for region in blocks(&live.content).into_keys() {
            if self.desired.regions.iter().any(|it| it.as_str() == region) {
                continue;
            }
            let why = match consent::of_region(&key, &region, self.context) {
                Standing::GivenUp(_) => {
                    kept.remove(&region);
                    continue;
                }
                Standing::Unclear(why) => format!("unclear, {why}"),
                Standing::Deselected => "no text gave it up".to_owned(),
            };
            let message = format!(
                "the policy of {} still has a block for {region}, which its manifest does not \
                 name ({why}); it stays in force",
                self.name
            );
            plan.orphan(format!("{} {region}", self.name), message);
        }
        if kept.len() == all {
            return memory.reset(&object);
        }
        if let Some(held) = self.blocked(live) {
            memory.reset(&object);
            return plan.hold(held);
        }
        plan.losses.extend(live.targets.iter().map(|target| self.loss(target)));
        // A document without a Region would be nothing to be attached.
        if !is_current || kept.is_empty() {
            memory.reset(&object);
            let message = format!("{} drops its Regions once the others are in force", self.name);
            let wait = self.context.timing.confirm_after;
            return plan.hold(Held::after(HoldReason::InProgress, wait, message));
        }
        let Context { now, timing, .. } = *self.context;
        match memory.confirm_removable(&object, seen, now, timing) {
            Ok(confirmed) => {
                let content = document::document(&kept);
                plan.steps.push(Step::DropRegions {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    changes: changes(&normalised(&live.content), &normalised(&content)),
                    content,
                    confirmed,
                });
            }
            Err(wait) => self.confirming(Some(wait), plan),
        }
    }

    fn remove(&self, policy: &Read<&ObservedPolicy>, memory: &mut Sightings, plan: &mut Plan) {
        let Some((live, seen)) = policy.known() else { return };
        if let Some(held) = self.blocked(live) {
            for target in &live.targets {
                memory.reset(&sighting::attachment(self.name, target));
            }
            memory.reset(&sighting::policy(self.name));
            return plan.hold(held);
        }
        let Context { now, timing, .. } = *self.context;
        let mut confirming = None;
        for target in &live.targets {
            plan.losses.push(self.loss(target));
            confirming = confirming.max(self.detach((live, seen), target, memory, plan));
        }
        let object = sighting::policy(self.name);
        if live.targets.is_empty() {
            match memory.confirm_removable(&object, seen, now, timing) {
                Ok(confirmed) => plan.steps.push(Step::DeletePolicy {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    confirmed,
                }),
                Err(wait) => confirming = Some(wait),
            }
        } else {
            memory.reset(&object);
        }
        self.confirming(confirming, plan);
    }

    /// The document with each Region's block as desired, or as it is where that is not possible
    /// now. `None` when there is nothing to write.
    fn document(
        &self,
        live: &BTreeMap<String, Value>,
        targets: &BTreeSet<TargetId>,
        plan: &mut Plan,
    ) -> Option<Value> {
        let accounts = self.active_accounts(targets);
        let mut blocks = live.clone();
        for region in &self.desired.regions {
            match self.block(region, live.get(region.as_str()), &accounts) {
                Ok(block) => {
                    blocks.insert(region.to_string(), block);
                }
                Err(held) => {
                    let message = format!("{} in {region}: {}", self.name, held.message);
                    plan.hold(Held { message, ..held });
                }
            }
        }
        if blocks.is_empty() {
            return None;
        }
        let document = document::document(&blocks);
        let size = size(&document);
        if size > SIZE_MAX {
            let message = format!(
                "the document of {} would have {size} characters; AWS takes {SIZE_MAX}: name fewer \
                 Regions, or split it into two enforcements",
                self.name
            );
            plan.hold(Held::for_person(HoldReason::Quota, message));
            return None;
        }
        Some(document)
    }

    fn block(
        &self,
        region: &Region,
        live: Option<&Value>,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<Value, Held> {
        let DesiredOrganizationEnforcement { guardrail, settings, allow_override, .. } =
            self.desired;
        let key = ReplicaKey {
            guardrail: guardrail.name.clone(),
            account: self.fleet.management.clone(),
            region: region.clone(),
        };
        self.is_placed(&key)?;
        let found = resolve(&key, guardrail.revision.as_ref(), self.context)?;
        let settings = with_embeddings(settings, region, self.context)?;
        let named = (found.arn.clone(), found.version);
        // A reference that is in force already is not made by this write.
        if live.and_then(references).is_none_or(|live| live != [named]) {
            found.prove(&guardrail.name, region, accounts, self.fleet)?;
        }
        Ok(document::block((found.arn, found.version), &settings, *allow_override))
    }

    /// AWS's rule: the guardrail lives in the management account.
    fn is_placed(&self, key: &ReplicaKey) -> Result<(), Held> {
        let known = |other: &ReplicaKey| other == key;
        let context = self.context;
        let elsewhere = context.replicas.keys().any(|it| it.guardrail == key.guardrail);
        if context.replicas.keys().any(known)
            || context.facts.replicas.keys().any(known)
            || !elsewhere
        {
            return Ok(());
        }
        let message = format!(
            "{} has no replica in the management account here, and only such a guardrail can be \
             enforced on an organization; add the Region, or `accounts: Management`",
            key.guardrail
        );
        Err(Held::for_person(HoldReason::NotInManagementAccount, message))
    }

    /// Proves that every account at or below `target` can apply all the document references.
    fn prove_attachment(&self, target: &TargetId, document: &Value) -> Result<(), Held> {
        let place = self.fleet.describe(target);
        let held = |held: Held| {
            let message = format!("{} will be attached to {place}: {}", self.name, held.message);
            Held { message, ..held }
        };
        if !self.fleet.contains(target) {
            let message = format!("{target} was not found in the organization");
            return Err(held(Held::for_fact(HoldReason::Unreadable, message)));
        }
        let blocks = blocks(document);
        if blocks.is_empty() {
            let message = "its document has no Region to enforce anything in yet";
            return Err(held(Held::for_fact(HoldReason::WaitingForVersion, message)));
        }
        let accounts = self.active_accounts(&BTreeSet::from([target.clone()]));
        for (region, block) in &blocks {
            self.prove_block(region, block, &accounts).map_err(held)?;
        }
        Ok(())
    }

    fn prove_block(
        &self,
        region: &str,
        block: &Value,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<(), Held> {
        let (Ok(region), Some(references)) = (region.parse::<Region>(), references(block)) else {
            let message = format!("the block of {region} is not understood; correct the policy");
            return Err(Held::for_person(HoldReason::NotEnforceable, message));
        };
        for (arn, version) in &references {
            self.prove_reference(&region, (arn, *version), accounts)?;
        }
        Ok(())
    }

    fn prove_reference(
        &self,
        region: &Region,
        (arn, version): (&GuardrailArn, Version),
        accounts: &BTreeSet<AccountId>,
    ) -> Result<(), Held> {
        if arn.account != self.fleet.management {
            let message = format!("{arn} is not a guardrail of the management account");
            return Err(Held::for_person(HoldReason::NotInManagementAccount, message));
        }
        let known = replica_of(arn, self.context).filter(|(_, fact)| {
            fact.versions.values().chain(fact.revisions.values()).any(|it| *it == version)
        });
        let Some((key, fact)) = known else {
            let message = format!("{} was not read back yet", arn.with_version(version));
            return Err(Held::for_fact(HoldReason::WaitingForVersion, message));
        };
        if fact.not_enforceable.contains(&version) {
            let message = format!("{} uses automated reasoning", arn.with_version(version));
            return Err(Held::for_person(HoldReason::NotEnforceable, message));
        }
        reference::prove(fact, &key.guardrail, (region, accounts), self.fleet)
    }

    fn active_accounts(&self, targets: &BTreeSet<TargetId>) -> BTreeSet<AccountId> {
        targets
            .iter()
            .flat_map(|target| self.fleet.accounts_under(target))
            .filter(|account| account.state == AccountState::Active)
            .map(|account| account.id.clone())
            .collect()
    }
}
