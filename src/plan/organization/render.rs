//! Renders the block of each Region (DESIGN section 4).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{self, normalised, references};
use super::enforcement::Visit;
use super::find::Shards;
use super::shards::Blocks;
use super::waves::Rolled;
use crate::model::{
    AccountId, DesiredOrganizationEnforcement, ObservedPolicy, Region, ReplicaKey, Revision,
    TargetId,
};
use crate::plan::reference::{resolve, with_embeddings};
use crate::plan::rollout::Course;
use crate::plan::step::{Held, HoldReason, Plan};

impl Visit<'_> {
    /// The block of every Region that the manifest names and that can be rendered now; of the
    /// others the plan says why not, and what is live of them stays, verbatim.
    pub(super) fn blocks(
        &self,
        (live, rolled): (&BTreeMap<u32, Blocks>, &Rolled),
        shards: &Shards,
        accounts: &BTreeSet<AccountId>,
        plan: &mut Plan,
    ) -> Blocks {
        let mut blocks = Blocks::new();
        for region in &self.desired.regions {
            let live = live.values().find_map(|it| it.get(region.as_str()));
            let revision = match rolled.course(region) {
                Course::Free => self.desired.guardrail.revision.as_ref(),
                Course::At(revision) => Some(revision),
                Course::Stay => continue,
            };
            let is_locked = !self.desired.allow_override && !rolled.opened.contains(region);
            let said = (region, revision, is_locked);
            let block = self.block(said, live, accounts).and_then(|block| {
                if let Some(live) = live.filter(|live| self.agrees(region, live, &block, shards)) {
                    return Ok(live.clone());
                }
                let is_new = live.map(normalised) != Some(normalised(&block));
                if is_new {
                    self.admits_block(region, &block, shards).map(|()| block)
                } else {
                    Ok(block)
                }
            });
            match block.and_then(|block| self.clear_move(live, block, shards, plan)) {
                Ok(block) => {
                    blocks.insert(region.to_string(), block);
                }
                Err(held) => {
                    let message = format!("{} in {region}: {}", self.name, held.message);
                    plan.hold(Held { message, ..held });
                }
            }
        }
        blocks
    }

    /// Whether the live block means what the new one says. What it leaves out is AWS's default only
    /// where no other policy beside or above says anything of the Region, to inherit from.
    fn agrees(&self, region: &Region, live: &Value, new: &Value, shards: &Shards) -> bool {
        if document::explicit(live) != document::explicit(new) {
            return false;
        }
        let has = |policy: &ObservedPolicy| {
            document::blocks(&policy.content).contains_key(region.as_str())
        };
        let attached = shards.values().flat_map(|shard| &shard.live.targets);
        let targets = self.desired.targets.iter().chain(attached);
        let above: BTreeSet<TargetId> = targets.flat_map(|it| self.fleet.lineage(it)).collect();
        let is_of_it = |policy: &&ObservedPolicy| {
            shards.values().any(|shard| shard.live.id == policy.id)
                || !policy.targets.is_disjoint(&above)
        };
        self.policies.values().filter(is_of_it).filter(|policy| has(policy)).count() <= 1
    }

    fn block(
        &self,
        (region, revision, is_locked): (&Region, Option<&Revision>, bool),
        live: Option<&Value>,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<Value, Held> {
        let DesiredOrganizationEnforcement { guardrail, settings, .. } = self.desired;
        let key = ReplicaKey {
            guardrail: guardrail.name.clone(),
            account: self.fleet.management.clone(),
            region: region.clone(),
        };
        self.is_placed(&key)?;
        let found = resolve(&key, revision, self.context)?;
        let settings = with_embeddings(settings, region, self.context)?;
        let named = (found.arn.clone(), found.version);
        // A reference that is in force already is not made by this write.
        if live.and_then(references).is_none_or(|live| live != [named]) {
            found.prove(&guardrail.name, region, accounts, self.fleet)?;
        }
        Ok(document::block((found.arn, found.version), &settings, !is_locked))
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
}
