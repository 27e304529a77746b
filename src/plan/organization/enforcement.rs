//! Decides what one organization enforcement needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{self, SIZE_MAX, blocks, normalised, references, size};
use super::find::{Whose, policy_name, whose};
use crate::model::{
    AccountId, AccountState, DesiredOrganizationEnforcement, Fleet, GuardrailArn, Name,
    ObservedPolicy, Presence, Read, Region, ReplicaKey, TargetId, Version, changes,
};
use crate::plan::confirm::Sightings;
use crate::plan::context::Context;
use crate::plan::describe::sighting;
use crate::plan::ownership::{ENFORCEMENT_TAG, tags};
use crate::plan::reference::{self, replica_of, resolve, with_embeddings};
use crate::plan::step::{Held, HoldReason, Plan, Step};

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
        let live = match policy {
            Read::Unknown(_) => return,
            Read::KnownAbsent => return self.create(policy, memory, plan),
            Read::Known(live) => *live,
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
            None => self.keep(live, memory, plan),
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
    fn keep(&self, live: &ObservedPolicy, memory: &mut Sightings, plan: &mut Plan) {
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
        if old != new {
            plan.steps.push(Step::UpdatePolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                content: in_force.clone(),
                changes: changes(&old, &new),
            });
        }
        for target in self.desired.targets.union(&live.targets) {
            memory.reset(&sighting::attachment(self.name, target));
        }
        for target in self.desired.targets.difference(&live.targets) {
            match self.prove_attachment(target, &in_force) {
                Ok(()) => plan.steps.push(Step::AttachPolicy {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    target: target.clone(),
                }),
                Err(held) => plan.hold(held),
            }
        }
        for target in live.targets.difference(&self.desired.targets) {
            let message = format!(
                "the policy of {} is attached to {}, which the manifest does not name; name it or \
                 detach the policy by hand",
                self.name,
                self.fleet.describe(target)
            );
            plan.orphan(format!("{} at {target}", live.id), message);
        }
    }

    fn remove(&self, policy: &Read<&ObservedPolicy>, memory: &mut Sightings, plan: &mut Plan) {
        let Some((live, seen)) = policy.known() else { return };
        let Context { now, timing, .. } = *self.context;
        let mut confirming = None;
        for target in &live.targets {
            let object = sighting::attachment(self.name, target);
            match memory.confirm_removable(&object, seen, now, timing) {
                Ok(confirmed) => plan.steps.push(Step::DetachPolicy {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    target: target.clone(),
                    confirmed,
                }),
                Err(wait) => confirming = confirming.max(Some(wait)),
            }
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
        if let Some(wait) = confirming {
            let message = format!(
                "the policy of {} will be taken down once a second complete read confirms it",
                self.name
            );
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
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
        for region in live.keys() {
            if !self.desired.regions.iter().any(|it| it.as_str() == region) {
                let message = format!(
                    "the policy of {} still has a block for {region}, which its manifest does not \
                     name; it stays in force",
                    self.name
                );
                plan.orphan(format!("{} {region}", self.name), message);
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
