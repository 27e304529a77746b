//! Takes away what the text of an organization enforcement gave up: targets, Regions, all of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::document::{self, blocks, normalised, references};
use super::enforcement::Visit;
use super::find::{Shard, Shards};
use super::shards::{Blocks, Placement};
use crate::model::{ObservedPolicy, Seen, TargetId, changes};
use crate::plan::confirm::Sightings;
use crate::plan::consent::{self, Standing};
use crate::plan::context::Context;
use crate::plan::describe::sighting;
use crate::plan::reference::replica_of;
use crate::plan::step::{Held, HoldReason, Plan, Step};

impl Visit<'_> {
    /// Detaches what the text gave up, once everything it names is attached; the rest is left.
    pub(super) fn detach_extra(
        &self,
        Shard { live, seen, .. }: Shard,
        (extra, is_everywhere): (&BTreeSet<TargetId>, bool),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let key = self.key();
        let mut confirming = None;
        for target in extra {
            let object = sighting::attachment(&live.id, target);
            let why = match consent::of_target(&key, target, self.fleet, self.context) {
                Standing::GivenUp(_) => {
                    if let Some(held) = self.blocked(live) {
                        memory.reset(&object);
                        plan.hold(held);
                    } else if is_everywhere {
                        plan.losses.push(self.loss(target));
                        if let Err(held) = self.succeeded_at(live, target, memory) {
                            memory.reset(&object);
                            plan.hold(held);
                        } else {
                            let wait = self.detach((live, seen), target, memory, plan);
                            confirming = confirming.max(wait);
                        }
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
        let object = sighting::attachment(&live.id, target);
        match memory.confirm_removable(&object, seen, now, timing) {
            Ok(confirmed) => plan.steps.push(Step::DetachPolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                target: target.clone(),
                is_loss: true,
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

    /// Why nothing of the policy is taken away now, if so: for the guardrail that the manifest
    /// names, and for those that are in force.
    fn blocked(&self, live: &ObservedPolicy) -> Option<Held> {
        let in_force = blocks(&live.content).into_values().filter_map(|block| references(&block));
        let replicas = in_force.flatten().filter_map(|(arn, _)| replica_of(&arn, self.context));
        std::iter::once(&self.desired.guardrail.name)
            .chain(replicas.map(|(key, _)| &key.guardrail))
            .find_map(|guardrail| consent::blocked(guardrail, self.context))
    }

    /// Whether the manifest names the Region of a block.
    fn names_region(&self, region: &str) -> bool {
        self.desired.regions.iter().any(|it| it.as_str() == region)
    }

    /// Takes the blocks out of the document whose Regions the text gave up, or says what that waits
    /// for; the others that the manifest does not name are reported. Comes after every other change
    /// of the document, and never with an attachment, whose target would have a Region for a moment
    /// that nobody counted. Whether there is a Region that is to go and may.
    pub(super) fn drop_regions(
        &self,
        Shard { live, seen, .. }: Shard,
        is_current: bool,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) -> bool {
        let key = self.key();
        let object = sighting::blocks(&live.id);
        let mut kept = blocks(&live.content);
        let all = kept.len();
        for region in blocks(&live.content).into_keys() {
            if self.names_region(&region) {
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
            memory.reset(&object);
            return false;
        }
        if let Some(held) = self.blocked(live) {
            memory.reset(&object);
            plan.hold(held);
            return false;
        }
        plan.losses.extend(live.targets.iter().map(|target| self.loss(target)));
        let mut given_up = Self::regions_of(live);
        given_up.retain(|region| !kept.contains_key(region));
        if let Err(held) = self.succeeded(live, (&live.targets, &given_up), memory) {
            memory.reset(&object);
            plan.hold(held);
            return false;
        }
        // A document without a Region would be nothing to be attached.
        if !is_current || kept.is_empty() {
            memory.reset(&object);
            let message = format!("{} drops its Regions once the others are in force", self.name);
            let wait = self.context.timing.confirm_after;
            plan.hold(Held::after(HoldReason::InProgress, wait, message));
            return true;
        }
        let Context { now, timing, .. } = *self.context;
        match memory.confirm_removable(&object, seen, now, timing) {
            Ok(confirmed) => {
                let content = document::document(&kept);
                plan.steps.push(Step::DropRegions {
                    enforcement: self.name.clone(),
                    id: live.id.clone(),
                    previous: live.content.clone(),
                    changes: changes(&normalised(&live.content), &normalised(&content)),
                    content,
                    confirmed,
                });
            }
            Err(wait) => self.confirming(Some(wait), plan),
        }
        true
    }

    /// Whether a text gave up every Region of a shard, and no other came to it.
    pub(super) fn is_given_up(
        &self,
        Shard { number, live, .. }: Shard,
        placement: &Placement,
    ) -> bool {
        let blocks = blocks(&live.content);
        let key = self.key();
        !blocks.is_empty()
            && placement.documents.get(&number).is_none_or(|it| it.len() == blocks.len())
            && blocks.keys().all(|region| {
                let standing = || consent::of_region(&key, region, self.context);
                !self.names_region(region) && matches!(standing(), Standing::GivenUp(_))
            })
    }

    /// Whether another shard is in force wherever the manifest says: one is never the last to go.
    pub(super) fn is_in_force_beside(&self, shards: &Shards, number: u32) -> bool {
        let is_enforcing = |live: &ObservedPolicy| {
            let blocks: Blocks = blocks(&live.content);
            blocks.keys().any(|region| self.names_region(region))
                && self.desired.targets.is_subset(&live.targets)
        };
        shards.values().any(|other| other.number != number && is_enforcing(other.live))
    }

    /// Takes down the policies of an enforcement.
    pub(super) fn remove(&self, shards: &Shards, memory: &mut Sightings, plan: &mut Plan) {
        for shard in shards.values() {
            self.retire(*shard, memory, plan);
        }
    }

    /// The target of the enforcement at or above `target`; itself where there is none.
    fn covering<'t>(&'t self, target: &'t TargetId) -> &'t TargetId {
        let line = self.fleet.lineage(target);
        let above = self.desired.targets.iter().filter(|it| line.contains(it));
        above.max_by_key(|it| line.iter().position(|above| above == *it)).unwrap_or(target)
    }

    /// Takes down one policy: detached everywhere, then deleted.
    pub(super) fn retire(
        &self,
        Shard { number, live, seen }: Shard,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let object = match &live.lane {
            None => sighting::policy(self.name, number),
            Some(lane) => sighting::lane(self.name, lane, number),
        };
        if let Some(held) = self.blocked(live) {
            for target in &live.targets {
                memory.reset(&sighting::attachment(&live.id, target));
            }
            memory.reset(&object);
            return plan.hold(held);
        }
        let Context { now, timing, .. } = *self.context;
        let succeeded = self.succeeded(live, (&live.targets, &Self::regions_of(live)), memory);
        let mut confirming = None;
        for target in &live.targets {
            // What is taken from a lane is taken from the target above it.
            let lost = if live.lane.is_some() { self.covering(target) } else { target };
            plan.losses.push(self.loss(lost));
            if succeeded.is_ok() {
                confirming = confirming.max(self.detach((live, seen), target, memory, plan));
            } else {
                memory.reset(&sighting::attachment(&live.id, target));
            }
        }
        if let Err(held) = succeeded {
            plan.hold(held);
        }
        if live.targets.is_empty() {
            match memory.confirm_removable(&object, seen, now, timing) {
                Ok(confirmed) => plan.steps.push(Step::DeletePolicy {
                    enforcement: self.name.clone(),
                    shard: number,
                    lane: live.lane.clone(),
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
}
