//! Rolls a revision out target by target, or Region by Region at some of them.
//!
//! ```text
//!   main policies ── attached to the targets of the enforcement ── move with the last wave of each Region
//!   lanes ────────── attached to targets that move before ──────── move with theirs
//! ```
//!
//! A place has a revision once its nearest policies come to it in whatever order they were attached,
//! and the accounts there show it. The marks are tags on the main policies; before there is one, on
//! those of the lanes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::document::{blocks, references};
use super::enforcement::Visit;
use super::find::{Lanes, Shards};
use super::shards::Blocks;
use super::waves::{ORGANIZATION_ENFORCED, Rolled, nothing_yet};
use crate::model::{
    AccountId, AccountState, Cell, DesiredLane, GateVerdict, Ground, GuardrailArn, Region,
    RolloutMarks, TargetId, TargetRollout, Version,
};
use crate::plan::effective::{Outcomes, outcomes};
use crate::plan::rollout::{
    Course, Decision, Standing, Subject, Trial, course, decide, give_tests, holds, to_be_tried,
};
use crate::plan::step::{HoldReason, Plan, Until};

/// What each Region of a policy is to reference.
pub(super) type Headed = BTreeMap<Region, (GuardrailArn, Version)>;

/// A lane, as it is and as it is to be.
#[derive(Default)]
pub(super) struct Lane<'a> {
    /// `None` for one that no text names any more.
    pub(super) desired: Option<&'a DesiredLane>,
    pub(super) shards: Shards<'a>,
    pub(super) live: BTreeMap<u32, Blocks>,
    pub(super) rolled: Rolled,
    pub(super) headed: Headed,
    /// What its documents reference.
    pub(super) said: Headed,
    /// Regions whose wave is open.
    pub(super) open: BTreeSet<Region>,
}

impl Lane<'_> {
    /// Whether a policy of it is attached to a target.
    pub(super) fn is_at(&self, target: &TargetId) -> bool {
        self.shards.values().any(|shard| shard.live.targets.contains(target))
    }

    /// Whether the text has it at a target.
    pub(super) fn is_desired_at(&self, target: &TargetId) -> bool {
        self.desired.is_some_and(|lane| lane.targets.contains(target))
    }

    /// Where it is attached, and where it is to be.
    pub(super) fn targets(&self) -> BTreeSet<TargetId> {
        let live = self.shards.values().flat_map(|shard| &shard.live.targets);
        live.chain(self.desired.iter().flat_map(|lane| &lane.targets)).cloned().collect()
    }
}

/// Where all policies of an enforcement are headed.
pub(super) struct Tracks<'a> {
    pub(super) main: Rolled,
    /// What the main policies are to reference.
    pub(super) headed: Headed,
    /// The others, by name.
    pub(super) lanes: BTreeMap<String, Lane<'a>>,
    /// The policies of the lanes, as they are.
    pub(super) beside: Lanes<'a>,
}

impl<'a> Visit<'a> {
    /// Decides where all policies are headed; the plan gets what the rollout waits for, what is to be
    /// tried, and the marks.
    pub(super) fn tracks(
        &self,
        live: &BTreeMap<u32, Blocks>,
        shards: &Shards,
        plan: &mut Plan,
    ) -> Tracks<'a> {
        let beside = self.identity().lanes(self.policies);
        let lanes = self.lanes(&beside);
        let Some(rollout) = self.context.target_waves.get(self.name) else {
            let main = self.roll(live, shards, plan);
            let headed = self.headed(&main, live);
            let mut tracks = Tracks { main, headed, lanes, beside };
            self.open_locks(&mut tracks);
            return tracks;
        };
        let Some(target) = self.target() else {
            let main = Rolled::at_rest(self.desired.regions.iter());
            let headed = self.headed(&main, live);
            return Tracks { main, headed, lanes, beside };
        };
        let ground = Grounds::new(self, rollout, (shards, &beside));
        let nothing = nothing_yet();
        let carriers = carriers(shards, &beside);
        let mut marks: Vec<&RolloutMarks> = carriers
            .iter()
            .flat_map(|shards| shards.values())
            .filter_map(|it| it.live.rollouts.get(self.name))
            .collect();
        if carriers.iter().all(|shards| shards.is_empty()) {
            marks.push(&nothing);
        }
        let standing = |place: &Ground| ground.standing(place);
        let verdict = |place: &Ground| ground.verdict(place);
        let subject = Subject {
            rollout: &rollout.rollout,
            target: &target,
            marks: &marks,
            is_complete: true,
            standing: &standing,
            verdict: &verdict,
            now: self.context.wall,
        };
        let decision = decide(&subject);
        self.say(&subject, &decision, &ground, plan);
        if let Some(marks) = &decision.marks {
            for shard in carriers.iter().flat_map(|shards| shards.values()) {
                self.put_marks(*shard, marks, plan);
            }
        }
        let main = self.rolled((&rollout.main, live), false, &decision);
        let headed = self.headed(&main, live);
        let mut tracks = Tracks { main, headed, lanes, beside };
        for lane in tracks.lanes.values_mut() {
            let Some(desired) = lane.desired else { continue };
            lane.rolled = self.rolled((&desired.waves, &lane.live), true, &decision);
            lane.headed = self.headed(&lane.rolled, &lane.live);
            let is_open = |(_, wave): &(&Region, &usize)| decision.opens(Some(**wave));
            lane.open = desired.waves.iter().filter(is_open).map(|(it, _)| it.clone()).collect();
        }
        self.open_locks(&mut tracks);
        tracks
    }

    /// The lanes of the text, and those of an older one that are still there.
    fn lanes(&self, beside: &Lanes<'a>) -> BTreeMap<String, Lane<'a>> {
        let mut lanes: BTreeMap<String, Lane<'a>> = BTreeMap::new();
        for (name, shards) in beside.clone() {
            let live = shards.iter().map(|(it, shard)| (*it, blocks(&shard.live.content)));
            lanes.insert(name, Lane { live: live.collect(), shards, ..Lane::default() });
        }
        for lane in lanes.values_mut() {
            let at_rest = Rolled::at_rest(self.desired.regions.iter());
            lane.said = self.headed(&at_rest, &lane.live);
        }
        let desired = self.context.target_waves.get(self.name);
        for (name, desired) in desired.iter().flat_map(|it| &it.lanes) {
            lanes.entry(name.clone()).or_default().desired = Some(desired);
        }
        for lane in lanes.values_mut() {
            lane.rolled = Rolled::at_rest(self.desired.regions.iter());
            lane.headed.clone_from(&lane.said);
        }
        lanes
    }

    /// What the plan says of a rollout, and what is to be tried now.
    fn say(
        &self,
        subject: &Subject<'_, Ground>,
        decision: &Decision,
        ground: &Grounds,
        plan: &mut Plan,
    ) {
        let context = self.context;
        let trials = ground.trials(subject, decision);
        let names = (self.desired.guardrail.name.as_str(), "places");
        plan.progress.push(self.progress(subject, decision, names.1));
        for mut held in holds(subject, decision, names, context) {
            held.message = format!("{}: {}", self.name, held.message);
            // What can be tried at once is, long before it has baked.
            if held.reason == HoldReason::Baking && !trials.is_empty() {
                held.until = Until::After(context.timing.confirm_after);
            }
            plan.held.push(held);
        }
        if !trials.is_empty() {
            plan.trials.insert(self.name.clone(), trials);
        }
    }

    /// Where the Regions of a policy are headed. A lane says nothing of a Region before its wave is
    /// open there: what is above it holds.
    fn rolled(
        &self,
        (waves, live): (&BTreeMap<Region, usize>, &BTreeMap<u32, Blocks>),
        is_lane: bool,
        decision: &Decision,
    ) -> Rolled {
        let course_of = |region: &Region| {
            let block = live.values().find_map(|it| it.get(region.as_str()));
            let is_open = decision.opens(waves.get(region).copied());
            let standing = match block {
                Some(block) => self.standing_of(region, block),
                None if is_lane && !is_open => return Course::Stay,
                None => Standing::Bare,
            };
            course(standing, is_open, decision, (self.fact(region), true))
        };
        let regions = self.desired.regions.iter();
        Rolled {
            courses: regions.map(|region| (region.clone(), course_of(region))).collect(),
            opened: BTreeSet::new(),
            is_back: decision.is_back(),
            marks: decision.marks.clone(),
        }
    }

    /// What a policy is to reference, as far as it is published; else what it references.
    fn headed(&self, rolled: &Rolled, live: &BTreeMap<u32, Blocks>) -> Headed {
        let of = |region: &Region| {
            let version = match rolled.course(region) {
                Course::Free => self.version(region),
                Course::At(revision) => self.fact(region)?.revisions.get(revision).copied(),
                Course::Stay => None,
            };
            let new = version.and_then(|it| Some((self.fact(region)?.arn.clone(), it)));
            new.or_else(|| {
                let block = live.values().find_map(|it| it.get(region.as_str()))?;
                references(block)?.into_iter().next()
            })
        };
        let regions = self.desired.regions.iter();
        regions.filter_map(|region| Some((region.clone(), of(region)?))).collect()
    }

    /// Takes the lock off Regions where a lane below is to be ahead of what is above it, or still
    /// says something else: a lock must never be what its accounts have a revision by, since what
    /// opens it again would take it from them.
    fn open_locks(&self, tracks: &mut Tracks) {
        if self.desired.allow_override {
            return;
        }
        let ahead = |above: &BTreeSet<TargetId>, headed: &Headed, lane: &Lane| {
            let is_below = |target: &TargetId| {
                let line = self.fleet.lineage(target);
                line.iter().any(|it| it != target && above.contains(it))
            };
            let is_taken = lane.shards.values().any(|shard| !shard.live.targets.is_empty());
            let is_ahead =
                (is_taken || !lane.open.is_empty()) && lane.targets().iter().any(is_below);
            let differs =
                |(region, here): &(&Region, _)| is_ahead && headed.get(*region) != Some(*here);
            let said = lane.said.iter().filter(|_| is_taken);
            let differing = lane.headed.iter().chain(said).filter(differs);
            differing.map(|(region, _)| region.clone()).collect::<Vec<_>>()
        };
        let others = || tracks.lanes.values();
        let main: BTreeSet<Region> =
            others().flat_map(|lane| ahead(&self.desired.targets, &tracks.headed, lane)).collect();
        let lanes: Vec<BTreeSet<Region>> = others()
            .map(|one| others().flat_map(|it| ahead(&one.targets(), &one.headed, it)).collect())
            .collect();
        tracks.main.opened = main;
        for (lane, opened) in tracks.lanes.values_mut().zip(lanes) {
            lane.rolled.opened = opened;
        }
    }

    /// What the policies of the enforcement come to at a target, but for those that are `without`.
    pub(super) fn outcomes_at(
        &self,
        target: &TargetId,
        (shards, lanes): (&Shards, &Lanes),
        without: &dyn Fn(&TargetId, Option<&str>) -> bool,
    ) -> Outcomes {
        let main = shards.values().map(|shard| (None, shard.live));
        let all = lanes
            .iter()
            .flat_map(|(name, lane)| lane.values().map(|shard| (Some(name.as_str()), shard.live)));
        let all: Vec<_> = main.chain(all).collect();
        let level = |target: &TargetId| -> Vec<&Value> {
            let here = all
                .iter()
                .filter(|(lane, live)| live.targets.contains(target) && !without(target, *lane));
            here.map(|(_, live)| &live.content).collect()
        };
        outcomes(&self.fleet.lineage(target).iter().map(level).collect::<Vec<_>>())
    }
}

/// What carries the marks: the main policies, or before there is one those of the lanes.
fn carriers<'s, 'a>(shards: &'s Shards<'a>, lanes: &'s Lanes<'a>) -> Vec<&'s Shards<'a>> {
    if shards.is_empty() { lanes.values().collect() } else { vec![shards] }
}

/// How places stand.
struct Grounds<'v, 'a> {
    visit: &'v Visit<'a>,
    /// Accounts by the target that is the nearest to them.
    accounts: BTreeMap<TargetId, BTreeSet<AccountId>>,
    outcomes: BTreeMap<TargetId, Outcomes>,
}

impl<'v, 'a> Grounds<'v, 'a> {
    fn new(visit: &'v Visit<'a>, rollout: &TargetRollout, now: (&Shards, &Lanes)) -> Self {
        let lanes = rollout.lanes.values().flat_map(|lane| &lane.targets);
        let targets: BTreeSet<&TargetId> = lanes.chain(&visit.desired.targets).collect();
        let mut accounts: BTreeMap<TargetId, BTreeSet<AccountId>> = BTreeMap::new();
        let active = visit.fleet.accounts.values().filter(|it| it.state == AccountState::Active);
        for account in active {
            let line = visit.fleet.lineage(&TargetId::Account(account.id.clone()));
            if let Some(nearest) = line.into_iter().rev().find(|it| targets.contains(it)) {
                accounts.entry(nearest).or_default().insert(account.id.clone());
            }
        }
        let of = |target: &TargetId| visit.outcomes_at(target, now, &|_, _| false);
        let outcomes = accounts.keys().map(|target| (target.clone(), of(target))).collect();
        Self { visit, accounts, outcomes }
    }

    fn standing(&self, Ground { target, region }: &Ground) -> Standing {
        let (Some(outcomes), Some(accounts)) =
            (self.outcomes.get(target), self.accounts.get(target))
        else {
            return Standing::Unreachable;
        };
        if !outcomes.has(region.as_str()) {
            return Standing::Bare;
        }
        let of = |named: &Option<(GuardrailArn, Version)>| match named {
            Some(named) => self.visit.standing_at(region, named),
            None => Standing::Behind(None),
        };
        let all: Vec<Standing> = outcomes.references(region.as_str()).iter().map(of).collect();
        let other = all.iter().find(|it| **it != Standing::Converged);
        match other {
            Some(other) => other.clone(),
            None if self.visit.doubtful.is_none_or(|it| !it.is_disjoint(accounts)) => {
                Standing::Unknown
            }
            None => Standing::Converged,
        }
    }

    /// Who is asked for a place: a member rather than the management account, which needs nobody's
    /// leave.
    fn witness(&self, place: &Ground) -> Option<Cell> {
        let accounts = self.accounts.get(&place.target)?;
        let member = accounts.iter().find(|it| **it != self.visit.fleet.management);
        let account = member.or_else(|| accounts.first())?.clone();
        Some(Cell { account, region: place.region.clone() })
    }

    fn verdict(&self, place: &Ground) -> Option<&'a GateVerdict> {
        let context = self.visit.context;
        context.facts.witness_verdicts.get(self.visit.name)?.get(&self.witness(place)?)
    }

    fn trials(&self, subject: &Subject<'_, Ground>, decision: &Decision) -> Vec<Trial> {
        let trial = |place: &Ground| {
            Some(Trial {
                cell: self.witness(place)?,
                revision: subject.target.clone(),
                guardrail: self.visit.fact(&place.region)?.arn.clone(),
                version: self.visit.version(&place.region)?,
                probe: subject.rollout.gate.probe.clone(),
                tests: Arc::default(),
                origin: ORGANIZATION_ENFORCED,
            })
        };
        let mut trials: Vec<Trial> =
            to_be_tried(subject, decision).into_iter().filter_map(trial).collect();
        if subject.rollout.gate.tests {
            give_tests(&mut trials, self.visit.context);
        }
        trials
    }
}
