//! When one policy of an enforcement takes over from another (S1, S2).
//!
//! | who | where | goes | once |
//! |---|---|---|---|
//! | main policy | a target of a lane | while the lane is ahead of it | the lane says all that it says |
//! | lane | below a target, or at one | when the rest has caught up, or it went back | what is left says the same |
//!
//! All of it follows from the documents as they were read and from where they are attached, merged in
//! whatever order; never from what was attached first.

use std::collections::BTreeSet;

use super::document::blocks;
use super::enforcement::Visit;
use super::find::{Shard, Shards};
use super::grounds::{Lane, Tracks};
use crate::model::{EnforcementKey, GuardrailArn, Region, TargetId, Version};
use crate::plan::consent;

/// Why a policy may leave a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// What is left protects as much.
    Neutral,
    /// It says something of a Region that the text gave up.
    GivesUp,
}

impl Visit<'_> {
    /// Whether the policy of a lane has taken a target of the enforcement over.
    pub(super) fn is_handed_over(&self, target: &TargetId, tracks: &Tracks) -> bool {
        tracks.lanes.values().filter(|lane| lane.is_at(target)).any(|lane| {
            lane.headed.iter().any(|(region, here)| {
                let main = tracks.headed.get(region);
                let is_forward = main.is_some_and(|main| self.is_desired(region, main));
                main != Some(here)
                    && (lane.is_desired_at(target) || !is_forward && !tracks.main.is_back)
            })
        })
    }

    fn is_desired(&self, region: &Region, named: &(GuardrailArn, Version)) -> bool {
        self.fact(region).is_some_and(|fact| fact.arn == named.0)
            && self.version(region) == Some(named.1)
    }

    /// Whether a lane is to be attached to a target: some wave of it is open, and it is not there.
    pub(super) fn is_wanted(
        &self,
        lane: &Lane,
        target: &TargetId,
        (tracks, shards): (&Tracks, &Shards),
    ) -> bool {
        if !is_needed(lane, target, tracks) {
            return false;
        }
        if lane.is_at(target) {
            return true;
        }
        let now = self.outcomes_at(target, (shards, &tracks.beside), &|_, _| false);
        lane.open.iter().any(|region| {
            let here = lane.headed.get(region);
            here.is_some()
                && tracks.headed.get(region) != here
                && now.references(region.as_str()) != BTreeSet::from([here.cloned()])
        })
    }

    /// Whether the policies of a lane, attached to a target alone of the enforcement's, come to what
    /// they say; not, while a lock above them stands.
    pub(super) fn is_obeyed(
        &self,
        (name, lane): (&str, &Lane),
        target: &TargetId,
        (tracks, shards): (&Tracks, &Shards),
    ) -> bool {
        let attached = lane.shards.iter().map(|(number, shard)| {
            let mut live = shard.live.clone();
            live.targets.insert(target.clone());
            (*number, live)
        });
        let attached: Vec<_> = attached.collect();
        let listed =
            attached.iter().filter_map(|(it, live)| Some((*it, Shard::listed(*it, live)?)));
        let mut there = tracks.beside.clone();
        there.insert(name.to_owned(), listed.collect());
        let alone = |at: &TargetId, other: Option<&str>| at == target && other != Some(name);
        let then = self.outcomes_at(target, (shards, &there), &alone);
        lane.open.iter().filter_map(|region| Some((region, lane.headed.get(region)?))).all(
            |(region, here)| {
                then.references(region.as_str()) == BTreeSet::from([Some(here.clone())])
            },
        )
    }

    /// Whether a main policy may leave a target to a lane: the others say all that it says.
    pub(super) fn may_hand_over(
        &self,
        shard: Shard,
        target: &TargetId,
        (tracks, shards): (&Tracks, &Shards),
    ) -> bool {
        let rest: Shards = shards
            .iter()
            .filter(|(it, _)| **it != shard.number)
            .map(|(it, all)| (*it, *all))
            .collect();
        let after = self.outcomes_at(target, (&rest, &tracks.beside), &|_, _| false);
        let lane = tracks.lanes.values().find(|it| it.is_desired_at(target) && it.is_at(target));
        let Some(lane) = lane else { return false };
        let is_moving = |(region, here): (&Region, _)| {
            tracks.headed.get(region) == Some(here) || lane.open.contains(region)
        };
        if !lane.headed.iter().all(is_moving) {
            return false;
        }
        blocks(&shard.live.content).into_keys().all(|region| {
            let references = after.references(&region);
            let headed = region.parse::<Region>().ok().and_then(|it| lane.headed.get(&it).cloned());
            match headed {
                Some(headed) => references == BTreeSet::from([Some(headed)]),
                None => !references.contains(&None),
            }
        })
    }

    /// Whether a lane may leave a target, and what with it.
    pub(super) fn may_leave(
        &self,
        (name, lane): (&str, &Lane),
        target: &TargetId,
        (tracks, shards): (&Tracks, &Shards),
    ) -> Option<Leave> {
        if is_needed(lane, target, tracks) {
            return None;
        }
        let both = (shards, &tracks.beside);
        let now = self.outcomes_at(target, both, &|_, _| false);
        let after =
            self.outcomes_at(target, both, &|at, other| at == target && other == Some(name));
        let key = self.key();
        let mut leave = Leave::Neutral;
        for region in now.regions() {
            let references = after.references(&region);
            if references == now.references(&region) {
                continue;
            }
            let parsed: Option<Region> = region.parse().ok();
            let parsed = parsed.filter(|it| self.desired.regions.contains(it));
            let Some(parsed) = parsed else {
                if !self.is_given_up_region(&key, &region) {
                    return None;
                }
                leave = Leave::GivesUp;
                continue;
            };
            let is_fine = |named: &Option<(GuardrailArn, Version)>| {
                named.as_ref().is_some_and(|named| {
                    self.is_desired(&parsed, named) && !tracks.main.is_back
                        || tracks.main.is_back && tracks.headed.get(&parsed) == Some(named)
                })
            };
            if !references.iter().all(is_fine) {
                return None;
            }
        }
        Some(leave)
    }

    fn is_given_up_region(&self, key: &EnforcementKey, region: &str) -> bool {
        matches!(consent::of_region(key, region, self.context), consent::Standing::GivenUp(_))
    }

    /// Whether the accounts that a lane at a target leaves to others show that those are in force.
    pub(super) fn is_shown_above(&self, target: &TargetId) -> bool {
        let line = self.fleet.lineage(target);
        let above = line.iter().find(|it| self.desired.targets.contains(it)).unwrap_or(target);
        let doubtful = self.doubtful;
        doubtful.is_some_and(|it| {
            !self.fleet.accounts_under(above).any(|account| it.contains(&account.id))
        })
    }
}

/// Whether a lane is ahead of the main policies at a target.
fn is_needed(lane: &Lane, target: &TargetId, tracks: &Tracks) -> bool {
    lane.is_desired_at(target)
        && lane.headed.iter().any(|(region, here)| tracks.headed.get(region) != Some(here))
}
