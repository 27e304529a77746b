//! Waves of targets of an organization enforcement to lanes: targets that move before the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::super::manifests::{Enforcement, Rollout, Wave};
use super::refusal;
use super::select::Tree;
use crate::model::{
    AccountState, Desired, DesiredLane, DesiredWave, Ground, Region, TargetId, TargetRollout, digits,
};

/// Digits that tell lanes apart whose targets move in several waves each.
const LANE_DIGITS: usize = 6;

/// In which wave each Region moves; one that no resolved wave takes is left out.
type Waves = BTreeMap<Region, usize>;

/// What the waves of a rollout mean. `None` while the enforcement itself cannot be resolved.
pub(super) fn target_rollout(
    enforcement: &Enforcement,
    rollout: &Rollout,
    text: String,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> Option<TargetRollout> {
    let attached = desired.organization.get(&enforcement.name)?.targets.clone();
    let selected = select(enforcement, rollout, &attached, tree, desired);
    let all: BTreeSet<TargetId> =
        selected.iter().flat_map(|it| &it.targets).chain(&attached).cloned().collect();
    let waves = |target: &TargetId| waves_of(target, &enforcement.regions, &selected, tree);
    // A target that moves as what is above it does is no target of its own.
    let is_own = |target: &&TargetId| {
        attached.contains(*target)
            || above(target, tree).find(|it| all.contains(it)).map(|it| waves(&it))
                != Some(waves(target))
    };
    let targets: BTreeMap<TargetId, Waves> =
        all.iter().filter(is_own).map(|target| (target.clone(), waves(target))).collect();
    let main = latest(attached.iter().filter_map(|it| targets.get(it)), &enforcement.regions);
    let mut places: Vec<DesiredWave<Ground>> = selected.iter().map(|it| empty(it.wave)).collect();
    for target in owners(&targets, tree) {
        for (region, wave) in targets.get(&target).into_iter().flatten() {
            if let Some(wave) = places.get_mut(*wave) {
                wave.places.insert(Ground { target: target.clone(), region: region.clone() });
            }
        }
    }
    let mut lanes: BTreeMap<String, DesiredLane> = BTreeMap::new();
    for (target, waves) in targets {
        if waves.is_empty() || attached.contains(&target) && waves == main {
            continue;
        }
        let lane = lanes.entry(name(&waves, &enforcement.regions, rollout)).or_default();
        lane.targets.insert(target);
        lane.waves = waves;
    }
    let rollout = super::rollouts::arranged(rollout, places, text);
    Some(TargetRollout { rollout, main, lanes })
}

/// A wave, and where policies are attached for it.
struct Selected<'a> {
    wave: &'a Wave,
    targets: BTreeSet<TargetId>,
}

/// The waves up to the first that cannot be told. A wave means the targets of the enforcement at or
/// below what it names, or what it names below one of them.
fn select<'a>(
    enforcement: &Enforcement,
    rollout: &'a Rollout,
    attached: &BTreeSet<TargetId>,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> Vec<Selected<'a>> {
    let mut selected = Vec::new();
    for (index, wave) in rollout.waves.iter().enumerate() {
        let mut targets =
            if wave.targets.is_empty() { attached.clone() } else { BTreeSet::new() };
        for (number, selector) in wave.targets.iter().enumerate() {
            match tree.targets(selector) {
                Ok(found) => {
                    for named in found {
                        targets.extend(attached.iter().filter(|it| is_at(it, &named, tree)).cloned());
                        if attached.iter().any(|it| is_at(&named, it, tree)) {
                            targets.insert(named);
                        }
                    }
                }
                Err(message) => {
                    let field = format!("spec.rollout.waves[{index}].targets[{number}]");
                    let kind = "OrganizationEnforcement";
                    desired.refusals.insert(refusal(kind, &enforcement.name, &field, message));
                    return selected;
                }
            }
        }
        selected.push(Selected { wave, targets });
    }
    selected
}

/// Whether `target` is `other` or below it.
fn is_at(target: &TargetId, other: &TargetId, tree: &Tree<'_>) -> bool {
    tree.fleet.lineage(target).contains(other)
}

/// What is above a target, nearest first.
fn above(target: &TargetId, tree: &Tree<'_>) -> impl Iterator<Item = TargetId> {
    tree.fleet.lineage(target).into_iter().rev().skip(1)
}

fn waves_of(
    target: &TargetId,
    regions: &BTreeSet<Region>,
    selected: &[Selected<'_>],
    tree: &Tree<'_>,
) -> Waves {
    let line: BTreeSet<TargetId> = tree.fleet.lineage(target).into_iter().collect();
    let wave = |region: &Region| {
        let has = |it: &Selected<'_>| {
            (it.wave.regions.is_empty() || it.wave.regions.contains(region))
                && !it.targets.is_disjoint(&line)
        };
        Some((region.clone(), selected.iter().position(has)?))
    };
    regions.iter().filter_map(wave).collect()
}

/// When the last of the targets moves, by Region.
fn latest<'a>(all: impl Iterator<Item = &'a Waves> + Clone, regions: &BTreeSet<Region>) -> Waves {
    let wave = |region: &Region| {
        let waves: Option<Vec<usize>> = all.clone().map(|it| it.get(region).copied()).collect();
        Some((region.clone(), waves?.into_iter().max()?))
    };
    regions.iter().filter_map(wave).collect()
}

/// The targets that are the nearest to some ACTIVE account.
fn owners(targets: &BTreeMap<TargetId, Waves>, tree: &Tree<'_>) -> BTreeSet<TargetId> {
    let fleet = tree.fleet;
    let active = fleet.accounts.values().filter(|it| it.state == AccountState::Active);
    let nearest = active.filter_map(|account| {
        let line = fleet.lineage(&TargetId::Account(account.id.clone()));
        line.into_iter().rev().find(|it| targets.contains_key(it))
    });
    nearest.collect()
}

/// What a lane is called: as its wave, if it moves in one; it must not change when the text of
/// another wave does.
fn name(waves: &Waves, regions: &BTreeSet<Region>, rollout: &Rollout) -> String {
    let wave = |index: &usize| rollout.waves.get(*index).map_or("", |wave| wave.name.as_str());
    let numbers: BTreeSet<&usize> = waves.values().collect();
    match numbers.first() {
        Some(first) if numbers.len() > 1 || waves.len() < regions.len() => {
            let said = waves.iter().map(|(region, index)| format!("{region}={}\n", wave(index)));
            format!("{}.{}", wave(first), digits(&said.collect::<String>(), LANE_DIGITS))
        }
        Some(first) => wave(first).to_owned(),
        None => String::new(),
    }
}

fn empty(wave: &Wave) -> DesiredWave<Ground> {
    DesiredWave { name: wave.name.clone(), places: BTreeSet::new(), bake: wave.bake }
}
