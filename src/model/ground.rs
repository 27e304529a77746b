//! Where the policies of an organization enforcement are attached while a revision is rolled out in
//! waves of targets.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::fleet::{AccountState, Fleet};
use super::ids::{Region, TargetId};
use super::rollout::DesiredRollout;
use super::selection::digits;

/// Digits that tell lanes apart whose targets move in several waves each.
const LANE_DIGITS: usize = 6;

/// One Region at one target: the accounts there to which no other target of the enforcement, or of
/// its waves, is nearer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ground {
    /// The target.
    pub target: TargetId,
    /// The Region.
    pub region: Region,
}

/// A rollout some of whose waves name targets, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetRollout {
    /// What belongs to which wave: each Region at each target that is the nearest to some ACTIVE
    /// account.
    pub rollout: DesiredRollout<Ground>,
    /// In which wave the main policy of the enforcement moves each Region: the last of those of its
    /// targets. A Region that no resolved wave takes is left out.
    pub main: BTreeMap<Region, usize>,
    /// Targets that move before the rest does, by the name of the lane they have in common.
    pub lanes: BTreeMap<String, DesiredLane>,
}

/// Targets whose Regions move in the same waves. They have a policy of their own while the rollout is
/// open, so that it can move, and go back, without any other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DesiredLane {
    /// Where its policy is attached, once a wave of it is open.
    pub targets: BTreeSet<TargetId>,
    /// In which wave each Region moves.
    pub waves: BTreeMap<Region, usize>,
}

/// What one wave selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectedWave {
    /// The targets that it names; empty for all.
    pub targets: BTreeSet<TargetId>,
    /// The Regions that it names; empty for all.
    pub regions: BTreeSet<Region>,
}

/// What an enforcement is attached to, and where.
#[derive(Clone, Copy, Debug)]
pub struct Attachments<'a> {
    /// Its targets.
    pub targets: &'a BTreeSet<TargetId>,
    /// Its Regions.
    pub regions: &'a BTreeSet<Region>,
    /// What is below what.
    pub fleet: &'a Fleet,
}

impl TargetRollout {
    /// Arranges waves over the targets of an enforcement; `rollout` has them with no places yet.
    ///
    /// A wave means the targets of the enforcement at or below those that it names, and those that it
    /// names below one of them. An account belongs to the first wave that selects it.
    pub fn arranged(
        mut rollout: DesiredRollout<Ground>,
        waves: &[SelectedWave],
        attached: Attachments,
    ) -> Self {
        let waves: Vec<SelectedWave> = waves.iter().map(|wave| attached.meant(wave)).collect();
        let named = waves.iter().flat_map(|wave| &wave.targets);
        let all: BTreeSet<&TargetId> = named.chain(attached.targets).collect();
        let of = |target: &TargetId| attached.waves_of(target, &waves);
        // A target that moves as what is above it does is no target of its own.
        let is_own = |target: &TargetId| {
            let line = attached.fleet.lineage(target);
            let above = line.iter().rev().skip(1).find(|it| all.contains(it));
            attached.targets.contains(target) || above.map(of) != Some(of(target))
        };
        let targets: BTreeMap<&TargetId, BTreeMap<Region, usize>> =
            all.iter().filter(|it| is_own(it)).map(|target| (*target, of(target))).collect();
        let main = attached.last(&targets);
        for target in attached.nearest(&targets) {
            for (region, wave) in targets.get(&target).into_iter().flatten() {
                if let Some(wave) = rollout.waves.get_mut(*wave) {
                    let (target, region) = (target.clone(), region.clone());
                    wave.places.insert(Ground { target, region });
                }
            }
        }
        let mut lanes: BTreeMap<String, DesiredLane> = BTreeMap::new();
        for (target, waves) in targets {
            if waves.is_empty() || attached.targets.contains(target) && waves == main {
                continue;
            }
            let lane = lanes.entry(lane_name(&waves, attached.regions, &rollout)).or_default();
            lane.targets.insert(target.clone());
            lane.waves = waves;
        }
        Self { rollout, main, lanes }
    }

    /// The wave of a Region in an account, by its lineage: that of the nearest target.
    pub fn wave_of(&self, lineage: &[TargetId], region: &Region) -> Option<usize> {
        lineage.iter().rev().find_map(|target| {
            let place = Ground { target: target.clone(), region: region.clone() };
            self.rollout.wave_of(&place)
        })
    }
}

impl Attachments<'_> {
    /// The targets at which a wave finds the enforcement.
    fn meant(&self, wave: &SelectedWave) -> SelectedWave {
        let is_at =
            |target: &TargetId, other: &TargetId| self.fleet.lineage(target).contains(other);
        let mut targets = BTreeSet::new();
        for named in &wave.targets {
            targets.extend(self.targets.iter().filter(|it| is_at(it, named)).cloned());
            if self.targets.iter().any(|it| is_at(named, it)) {
                targets.insert(named.clone());
            }
        }
        if wave.targets.is_empty() {
            targets.clone_from(self.targets);
        }
        SelectedWave { targets, regions: wave.regions.clone() }
    }

    /// In which wave each Region of a target moves.
    fn waves_of(&self, target: &TargetId, waves: &[SelectedWave]) -> BTreeMap<Region, usize> {
        let line: BTreeSet<TargetId> = self.fleet.lineage(target).into_iter().collect();
        let wave = |region: &Region| {
            let has = |wave: &SelectedWave| {
                (wave.regions.is_empty() || wave.regions.contains(region))
                    && !wave.targets.is_disjoint(&line)
            };
            Some((region.clone(), waves.iter().position(has)?))
        };
        self.regions.iter().filter_map(wave).collect()
    }

    /// When the last of the targets of the enforcement moves, by Region.
    fn last(
        &self,
        targets: &BTreeMap<&TargetId, BTreeMap<Region, usize>>,
    ) -> BTreeMap<Region, usize> {
        let last = |region: &Region| {
            let of = |target| targets.get(target)?.get(region).copied();
            let waves: Option<Vec<usize>> = self.targets.iter().map(of).collect();
            Some((region.clone(), waves?.into_iter().max()?))
        };
        self.regions.iter().filter_map(last).collect()
    }

    /// Those of the targets that are the nearest to some ACTIVE account.
    fn nearest<T>(&self, targets: &BTreeMap<&TargetId, T>) -> BTreeSet<TargetId> {
        let accounts = self.fleet.accounts.values();
        let active = accounts.filter(|it| it.state == AccountState::Active);
        let nearest = active.filter_map(|account| {
            let line = self.fleet.lineage(&TargetId::Account(account.id.clone()));
            line.into_iter().rev().find(|it| targets.contains_key(it))
        });
        nearest.collect()
    }
}

/// What a lane is called: as its wave, if it moves in one; it must not change when the text of
/// another wave does.
fn lane_name(
    waves: &BTreeMap<Region, usize>,
    regions: &BTreeSet<Region>,
    rollout: &DesiredRollout<Ground>,
) -> String {
    let name = |index: &usize| rollout.waves.get(*index).map_or("", |wave| wave.name.as_str());
    let numbers: BTreeSet<&usize> = waves.values().collect();
    let first = numbers.first().map(|first| name(first)).unwrap_or_default();
    if numbers.len() == 1 && waves.len() == regions.len() {
        return first.to_owned();
    }
    let said: String =
        waves.iter().map(|(region, index)| format!("{region}={}\n", name(index))).collect();
    format!("{first}.{}", digits(&said, LANE_DIGITS))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fleet::{Account, Unit};
    use super::super::rollout::{DesiredWave, Gate, OnFailure};
    use super::*;

    const ROOT: &str = "r-ab12";
    const WORKLOADS: &str = "ou-ab12-11111111";
    const PROD: &str = "ou-ab12-22222222";
    const SANDBOX: &str = "ou-ab12-33333333";
    const SHOP: &str = "222222222222";
    const CLOSED: &str = "555555555555";

    /// Workloads (Prod (shop), and an account of its own), Sandbox (one closed account), management.
    fn fleet() -> Fleet {
        let unit = |id: &str, parent: &str| {
            let parent = parent.parse().unwrap();
            let unit = Unit { id: id.parse().unwrap(), name: id.to_owned(), parent };
            (unit.id.clone(), unit)
        };
        let account = |id: &str, parent: &str, state: AccountState| {
            let (id, parent) = (id.parse().unwrap(), parent.parse().unwrap());
            let account = Account { id, name: "x".to_owned(), state, parent, tags: None };
            (account.id.clone(), account)
        };
        Fleet {
            partition: "aws".to_owned(),
            organization: "o-abcdefghij".parse().unwrap(),
            management: "111111111111".parse().unwrap(),
            root: ROOT.parse().unwrap(),
            units: [unit(WORKLOADS, ROOT), unit(PROD, WORKLOADS), unit(SANDBOX, ROOT)].into(),
            accounts: [
                account("111111111111", ROOT, AccountState::Active),
                account(SHOP, PROD, AccountState::Active),
                account("333333333333", WORKLOADS, AccountState::Active),
                account(CLOSED, SANDBOX, AccountState::Other("SUSPENDED".to_owned())),
            ]
            .into(),
        }
    }

    fn set<T: Ord + std::str::FromStr<Err: std::fmt::Debug>>(words: &[&str]) -> BTreeSet<T> {
        words.iter().map(|it| it.parse().unwrap()).collect()
    }

    fn arranged(
        attached: &[&str],
        regions: &[&str],
        waves: &[(&[&str], &[&str])],
    ) -> TargetRollout {
        let (targets, regions, fleet) = (set(attached), set(regions), fleet());
        let wave = |index: usize| DesiredWave {
            name: format!("w{index}").parse().unwrap(),
            places: BTreeSet::new(),
            bake: Duration::ZERO,
        };
        let rollout = DesiredRollout {
            waves: (0..waves.len()).map(wave).collect(),
            gate: Gate::default(),
            on_failure: OnFailure::Halt,
            is_paused: false,
            is_unresolved: false,
            text: String::new(),
        };
        let selected = waves.iter().map(|(targets, regions)| SelectedWave {
            targets: set(targets),
            regions: set(regions),
        });
        let attached = Attachments { targets: &targets, regions: &regions, fleet: &fleet };
        TargetRollout::arranged(rollout, &selected.collect::<Vec<_>>(), attached)
    }

    /// `w0: 2222…`, in order.
    fn lanes(rollout: &TargetRollout) -> Vec<String> {
        let line = |(name, lane): (&String, &DesiredLane)| {
            let targets: Vec<String> = lane.targets.iter().map(ToString::to_string).collect();
            format!("{}: {}", name.split('.').next().unwrap(), targets.join(" "))
        };
        rollout.lanes.iter().map(line).collect()
    }

    fn places(rollout: &TargetRollout) -> Vec<Vec<String>> {
        let wave = |wave: &DesiredWave<Ground>| {
            wave.places.iter().map(|it| format!("{} {}", it.target, it.region)).collect()
        };
        rollout.rollout.waves.iter().map(wave).collect()
    }

    #[test]
    fn a_target_belongs_to_the_first_wave_that_selects_it_and_has_a_lane_if_the_rest_comes_later() {
        let all: &[&str] = &[];
        let one = ["us-east-1"];
        let below = arranged(&[ROOT], &one, &[(&[SHOP], all), (&[WORKLOADS], all), (all, all)]);
        assert_eq!(lanes(&below), [format!("w0: {SHOP}"), format!("w1: {WORKLOADS}")]);
        assert_eq!(
            places(&below),
            [
                [format!("{SHOP} us-east-1")],
                [format!("{WORKLOADS} us-east-1")],
                [format!("{ROOT} us-east-1")]
            ]
        );
        // The unit is tried before the account below it, which needs no lane then.
        let above = arranged(&[ROOT], &one, &[(&[WORKLOADS], all), (&[SHOP], all), (all, all)]);
        assert_eq!(lanes(&above), [format!("w0: {WORKLOADS}")]);
        // What is named above the targets means the targets.
        let over = arranged(&[PROD, SANDBOX], &one, &[(&[WORKLOADS], all), (all, all)]);
        assert_eq!(lanes(&over), [format!("w0: {PROD}")]);
        // What is named beside them means nothing.
        let beside = arranged(&[PROD], &one, &[(&[SANDBOX], all), (all, all)]);
        assert_eq!(lanes(&beside), [""; 0]);
        assert_eq!(places(&beside)[0], [""; 0]);
    }

    #[test]
    fn nothing_is_moved_where_no_account_is_active() {
        let rollout = arranged(&[ROOT], &["us-east-1"], &[(&[SANDBOX], &[]), (&[], &[])]);
        assert_eq!(places(&rollout)[0], [""; 0]);
        assert_eq!(lanes(&rollout), [format!("w0: {SANDBOX}")]);
    }

    #[test]
    fn a_target_that_moves_in_several_waves_has_a_lane_of_its_own() {
        let two = ["eu-west-1", "us-east-1"];
        let waves: [(&[&str], &[&str]); 4] =
            [(&[SHOP], &["eu-west-1"]), (&[SHOP], &[]), (&[], &["eu-west-1"]), (&[], &[])];
        let rollout = arranged(&[ROOT], &two, &waves);
        let [lane] = rollout.lanes.values().collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(lane.waves.values().copied().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(rollout.main.values().copied().collect::<Vec<_>>(), [2, 3]);
        assert!(rollout.lanes.keys().all(|name| name.starts_with("w0.")), "{:?}", rollout.lanes);
    }
}
