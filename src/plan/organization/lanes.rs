//! The policies of lanes: made, brought up to date, attached, and taken down when the rest has caught
//! up.
//!
//! Each is one of ours that exists only while a rollout is open, and that a tag names. Between any
//! two writes every account has the old revision or the new one; what is still to do follows from
//! the policies as they are.

use std::collections::BTreeSet;

use super::document::{self, blocks, normalised};
use super::enforcement::Visit;
use super::find::{Shard, Shards, unlisted};
use super::grounds::{Lane, Tracks};
use super::handover::Leave;
use super::shards::{Blocks, Placement, place};
use crate::model::{LANE_TAG, TargetId, changes};
use crate::plan::confirm::{Sightings, Timing};
use crate::plan::context::Context;
use crate::plan::describe::sighting;
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// The main policies, as they are and as they are to be.
type Main<'m, 'a> = (&'m Shards<'a>, &'m Blocks);

impl Visit<'_> {
    /// Plans all lanes, and what the main policies leave to them.
    pub(super) fn keep_lanes(
        &self,
        tracks: &Tracks,
        main: Main,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let mut are_current = BTreeSet::new();
        for (name, lane) in &tracks.lanes {
            let wanted = self.lane_blocks(lane, (tracks, main), plan);
            let placement = place(&lane.live, &wanted);
            let is_said = !placement.full.is_empty() || !placement.too_long.is_empty();
            if is_said {
                self.say_placement(&placement, plan);
            }
            let is_wanted = lane
                .desired
                .iter()
                .flat_map(|it| &it.targets)
                .any(|target| self.is_wanted(lane, target, (tracks, main.0)));
            if is_wanted {
                self.create_lane((name, lane), (&placement, tracks, main.0), memory, plan);
            }
            let is_current = self.update_lane(lane, &placement, plan);
            if is_current && !is_said {
                are_current.insert(name.as_str());
                self.attach_lane((name, lane), (tracks, main.0), plan);
            }
            self.release_lane((name, lane), (tracks, main.0), memory, plan);
            if is_wanted {
                for number in lane.shards.keys() {
                    memory.reset(&sighting::lane(self.name, name, *number));
                }
            } else {
                self.delete_lane((name, lane), memory, plan);
            }
        }
        self.hand_over(tracks, (main.0, &are_current), memory, plan);
    }

    /// What a lane is to say. One at a target of the enforcement says all that the main policies say
    /// there, since they leave it.
    fn lane_blocks(&self, lane: &Lane, (tracks, main): (&Tracks, Main), plan: &mut Plan) -> Blocks {
        let Some(desired) = lane.desired else { return Blocks::new() };
        if lane.shards.is_empty() && lane.open.is_empty() {
            return Blocks::new();
        }
        let is_used = |target: &&TargetId| {
            lane.is_at(target) || self.is_wanted(lane, target, (tracks, main.0))
        };
        if lane.shards.is_empty() && !desired.targets.iter().any(|it| is_used(&it)) {
            return Blocks::new();
        }
        let accounts = self.active_accounts(&lane.targets());
        let mut wanted = self.blocks((&lane.live, &lane.rolled), &lane.shards, &accounts, plan);
        if !desired.targets.is_disjoint(&self.desired.targets) {
            let (shards, said) = main;
            let live = shards.values().flat_map(|shard| blocks(&shard.live.content));
            for (region, block) in said.clone().into_iter().chain(live) {
                if !lane.live.values().any(|it| it.contains_key(&region)) {
                    wanted.entry(region).or_insert(block);
                }
            }
        }
        wanted
    }

    fn create_lane(
        &self,
        (name, lane): (&str, &Lane),
        (placement, tracks, shards): (&Placement, &Tracks, &Shards),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        for (number, blocks) in &placement.documents {
            if lane.shards.contains_key(number) || blocks.is_empty() {
                continue;
            }
            let called = self.identity().lane_name(name, *number);
            if let Some(other) = self.policies.values().find(|it| it.name == called) {
                let message = format!(
                    "{} needs a policy of the name `{called}` while its rollout is open, and {} has \
                     it; rename that one",
                    self.name, other.id
                );
                plan.hold(Held::for_person(HoldReason::NotOurs, message));
                continue;
            }
            let object = sighting::lane(self.name, name, *number);
            let Some(absent) = unlisted() else { continue };
            let Context { now, timing, .. } = *self.context;
            match memory.confirm_absent(&object, absent, now, timing) {
                Ok(confirmed) => {
                    let mut tags = self.tags_of_new(*number, (shards, &tracks.main));
                    tags.insert(LANE_TAG.to_owned(), name.to_owned());
                    plan.steps.push(Step::CreatePolicy {
                        enforcement: self.name.clone(),
                        shard: *number,
                        lane: Some(name.to_owned()),
                        name: called,
                        content: document::document(blocks),
                        tags,
                        confirmed,
                    });
                }
                Err(wait) => {
                    let message = format!(
                        "the policy of {} for the wave `{name}` will be made once a second complete \
                         read finds none",
                        self.name
                    );
                    plan.hold(Held::after(HoldReason::Confirming, wait, message));
                }
            }
        }
    }

    /// Brings the documents of a lane up to date; whether they are.
    fn update_lane(&self, lane: &Lane, placement: &Placement, plan: &mut Plan) -> bool {
        let mut is_current = !lane.shards.is_empty();
        for (number, wanted) in placement.documents.iter().filter(|(_, it)| !it.is_empty()) {
            let Some(Shard { live, .. }) = lane.shards.get(number) else {
                is_current = false;
                continue;
            };
            let content = document::document(wanted);
            let (old, new) = (normalised(&live.content), normalised(&content));
            if old == new {
                continue;
            }
            is_current = false;
            let is_loss = self.is_narrowing(&live.content, &content);
            if is_loss {
                plan.losses.extend(live.targets.iter().map(|target| self.loss(target)));
            }
            plan.steps.push(Step::UpdatePolicy {
                is_loss,
                enforcement: self.name.clone(),
                id: live.id.clone(),
                previous: live.content.clone(),
                grants: self.grants(live, &content),
                content,
                changes: changes(&old, &new),
            });
        }
        is_current
    }

    /// Attaches what is up to date where it is wanted and will be obeyed.
    fn attach_lane(&self, (name, lane): (&str, &Lane), now: (&Tracks, &Shards), plan: &mut Plan) {
        for target in lane.desired.iter().flat_map(|it| &it.targets) {
            if !self.is_wanted(lane, target, now) {
                continue;
            }
            for Shard { live, .. } in lane.shards.values() {
                if live.targets.contains(target) {
                    continue;
                }
                let cleared = self
                    .is_in_order((name, lane), target, now)
                    .and_then(|()| self.prove_attachment(target, &live.content))
                    .and_then(|()| self.admits_attachment(live, target, &live.content))
                    .and_then(|()| self.has_room_at(target, plan))
                    .and_then(|()| self.clear_attachment(target, &[&live.content], plan));
                match cleared {
                    Ok(()) => plan.steps.push(Step::AttachPolicy {
                        enforcement: self.name.clone(),
                        id: live.id.clone(),
                        target: target.clone(),
                        grants: self.grants_of(&[&live.content]),
                    }),
                    Err(held) => plan.hold(held),
                }
            }
        }
    }

    fn is_in_order(
        &self,
        (name, lane): (&str, &Lane),
        target: &TargetId,
        now: (&Tracks, &Shards),
    ) -> Result<(), Held> {
        if self.is_obeyed((name, lane), target, now) {
            return Ok(());
        }
        let message = format!(
            "{} will be attached to {} for the wave `{name}` once what is above lets it decide there",
            self.name,
            self.fleet.describe(target)
        );
        Err(Held::after(HoldReason::InProgress, self.context.timing.confirm_after, message))
    }

    /// Detaches a lane where what is left says the same, once that was so for as long as a write may
    /// take to show.
    fn release_lane(
        &self,
        (name, lane): (&str, &Lane),
        now: (&Tracks, &Shards),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let mut outside = BTreeSet::new();
        for shard in lane.shards.values() {
            let live = shard.live;
            for target in &live.targets {
                let object = sighting::handed_over(&live.id, target);
                let path = self.fleet.lineage(target);
                if !path.iter().any(|it| self.desired.targets.contains(it)) {
                    outside.insert(target.clone());
                    memory.reset(&object);
                    continue;
                }
                let leave = self.may_leave((name, lane), target, now);
                let Some(leave) = leave.filter(|_| self.is_shown_above(target)) else {
                    memory.reset(&object);
                    continue;
                };
                let is_loss = leave == Leave::GivesUp;
                if is_loss {
                    plan.losses.push(self.loss(target));
                }
                self.leave(*shard, (target, is_loss), memory, plan);
            }
            let here: BTreeSet<TargetId> = live.targets.intersection(&outside).cloned().collect();
            self.detach_extra(*shard, (&here, true), memory, plan);
        }
    }

    /// Takes the policy of a lane down that is attached nowhere and not wanted any more.
    fn delete_lane(&self, (name, lane): (&str, &Lane), memory: &mut Sightings, plan: &mut Plan) {
        let Context { now, timing, .. } = *self.context;
        for Shard { number, live, seen } in lane.shards.values().copied() {
            let object = sighting::lane(self.name, name, number);
            if !live.targets.is_empty() {
                memory.reset(&object);
                continue;
            }
            match memory.confirm_removable(&object, seen, now, timing) {
                Ok(confirmed) => plan.steps.push(Step::DeletePolicy {
                    enforcement: self.name.clone(),
                    shard: number,
                    lane: Some(name.to_owned()),
                    id: live.id.clone(),
                    confirmed,
                }),
                Err(wait) => {
                    let message = format!(
                        "the policy of {} for the wave `{name}` goes once a second complete read \
                         confirms that it is attached nowhere",
                        self.name
                    );
                    plan.hold(Held::after(HoldReason::Confirming, wait, message));
                }
            }
        }
    }

    /// Detaches the main policies from targets that lanes have taken over.
    fn hand_over(
        &self,
        tracks: &Tracks,
        (shards, are_current): (&Shards, &BTreeSet<&str>),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        for shard in shards.values() {
            for target in shard.live.targets.intersection(&self.desired.targets) {
                let is_current = tracks
                    .lanes
                    .iter()
                    .any(|(name, it)| it.is_at(target) && are_current.contains(name.as_str()));
                if is_current
                    && self.is_handed_over(target, tracks)
                    && self.may_hand_over(*shard, target, (tracks, shards))
                {
                    self.leave(*shard, (target, false), memory, plan);
                } else {
                    memory.reset(&sighting::handed_over(&shard.live.id, target));
                }
            }
        }
    }

    fn leave(
        &self,
        Shard { live, seen, .. }: Shard,
        (target, is_loss): (&TargetId, bool),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let Context { now, timing, .. } = *self.context;
        let timing = Timing { confirm_after: timing.own_write_grace, ..*timing };
        let object = sighting::handed_over(&live.id, target);
        match memory.confirm_removable(&object, seen, now, &timing) {
            Ok(confirmed) => plan.steps.push(Step::DetachPolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                target: target.clone(),
                is_loss,
                confirmed,
            }),
            Err(wait) => {
                let message = format!(
                    "`{}` leaves {} to another policy of {}, once that one has taken effect",
                    live.name,
                    self.fleet.describe(target),
                    self.name
                );
                plan.hold(Held::after(HoldReason::InProgress, wait, message));
            }
        }
    }
}
