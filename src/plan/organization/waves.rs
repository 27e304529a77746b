//! Rolls a revision out Region by Region inside the documents of an enforcement. Its marks are tags
//! on its policies.
//!
//! A Region has a revision once its block says so, the policy is attached everywhere it should be,
//! and witnesses show it in effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::document::references;
use super::enforcement::Visit;
use super::find::{Shard, Shards};
use super::shards::Blocks;
use crate::model::{
    Accepted, AccountId, Cell, DesiredRollout, EnforcementKey, EnforcementKind, GateVerdict,
    GuardrailArn, MarkKind, NO_MARK, Name, Region, ReplicaFact, ReplicaKey, Revision, RolloutMarks,
    RolloutProgress, Version,
};
use crate::plan::rollout::{
    Course, Decision, Standing, Subject, Trial, course, decide, give_tests, holds, progress,
    to_be_tried,
};
use crate::plan::step::{HoldReason, Plan, Step, Until};

/// The origin of what an organization policy enforces (`aws-facts` 7.2).
pub(super) const ORGANIZATION_ENFORCED: &str = "ORGANIZATION_ENFORCED";

/// Where the Regions of one policy are headed. Those it does not name are free to follow the text.
#[derive(Debug, Default)]
pub(super) struct Rolled {
    pub(super) courses: BTreeMap<Region, Course>,
    /// Regions without their lock, because targets below are ahead.
    pub(super) opened: BTreeSet<Region>,
    /// Whether what has the new revision goes back.
    pub(super) is_back: bool,
    /// What a first policy is to remember of the rollout; nothing was accepted, if this says nothing.
    pub(super) marks: Option<RolloutMarks>,
}

impl Rolled {
    pub(super) fn course(&self, region: &Region) -> &Course {
        self.courses.get(region).unwrap_or(&Course::Free)
    }

    /// All of these stay as they are.
    pub(super) fn at_rest<'a>(regions: impl Iterator<Item = &'a Region>) -> Self {
        let courses = regions.map(|region| (region.clone(), Course::Stay)).collect();
        Self { courses, ..Self::default() }
    }
}

impl Visit<'_> {
    /// Decides how far the rollout is, if there is one; the plan gets what it waits for, what is to
    /// be tried, and the marks.
    pub(super) fn roll(
        &self,
        live: &BTreeMap<u32, Blocks>,
        shards: &Shards,
        plan: &mut Plan,
    ) -> Rolled {
        let context = self.context;
        let Some(rollout) = context.organization_waves.get(self.name) else {
            for shard in shards.values() {
                self.put_marks(*shard, &RolloutMarks::default(), plan);
            }
            return Rolled::default();
        };
        let regions = rollout.waves.iter().flat_map(|wave| &wave.places);
        let Some(target) = self.target() else {
            return Rolled::at_rest(regions);
        };
        // A policy that is not made yet will say when it is made that nothing was accepted before.
        let nothing = nothing_yet();
        let mut marks: Vec<&RolloutMarks> =
            shards.values().filter_map(|it| it.live.rollouts.get(self.name)).collect();
        if shards.is_empty() {
            marks.push(&nothing);
        }
        let standing = |region: &Region| self.standing(region, live, shards);
        let verdicts = context.facts.region_verdicts.get(self.name);
        // Where nobody is, nobody can be shut out, and nothing can be tried.
        let vacuous = self.witness().is_none().then(|| GateVerdict {
            revision: target.clone(),
            at: context.wall,
            failure: None,
        });
        let verdict = |region: &Region| vacuous.as_ref().or_else(|| verdicts?.get(region));
        let subject = Subject {
            rollout,
            target: &target,
            marks: &marks,
            is_complete: true,
            standing: &standing,
            verdict: &verdict,
            now: context.wall,
        };
        let decision = decide(&subject);
        let trials = self.trials(&subject, &decision);
        let names = (self.desired.guardrail.name.as_str(), "Regions");
        plan.progress.push(self.progress(&subject, &decision, names.1));
        for mut held in holds(&subject, &decision, names, context) {
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
        if let Some(marks) = &decision.marks {
            for shard in shards.values() {
                self.put_marks(*shard, marks, plan);
            }
        }
        self.courses(rollout, &decision, &standing)
    }

    fn courses(
        &self,
        rollout: &DesiredRollout<Region>,
        decision: &Decision,
        standing: &dyn Fn(&Region) -> Standing,
    ) -> Rolled {
        let regions = rollout.waves.iter().flat_map(|wave| &wave.places);
        let course = |region: &Region| {
            let is_open = decision.opens(rollout.wave_of(region));
            course(standing(region), is_open, decision, (self.fact(region), true))
        };
        let courses = regions.map(|region| (region.clone(), course(region))).collect();
        Rolled { courses, is_back: decision.is_back(), ..Rolled::default() }
    }

    /// How far the rollout is, for those who watch it.
    pub(super) fn progress<P: Ord>(
        &self,
        subject: &Subject<'_, P>,
        decision: &Decision,
        noun: &'static str,
    ) -> RolloutProgress {
        let key = EnforcementKey { kind: EnforcementKind::Organization, name: self.name.clone() };
        progress(subject, decision, (&key, &self.desired.guardrail.name, noun))
    }

    /// The revision that the text desires.
    pub(super) fn target(&self) -> Option<Revision> {
        let guardrail = &self.desired.guardrail;
        guardrail.revision.clone().or_else(|| {
            let management = &self.fleet.management;
            let mut all =
                self.context.replicas.iter().filter(|(key, _)| {
                    key.guardrail == guardrail.name && key.account == *management
                });
            all.next().map(|(_, replica)| replica.revision.clone())
        })
    }

    fn replica(&self, region: &Region) -> ReplicaKey {
        ReplicaKey {
            guardrail: self.desired.guardrail.name.clone(),
            account: self.fleet.management.clone(),
            region: region.clone(),
        }
    }

    pub(super) fn fact(&self, region: &Region) -> Option<&ReplicaFact> {
        self.context.facts.replicas.get(&self.replica(region))
    }

    /// The version that the text desires in a Region, where it is published.
    pub(super) fn version(&self, region: &Region) -> Option<Version> {
        let fact = self.fact(region)?;
        if let Some(revision) = &self.desired.guardrail.revision {
            return fact.revisions.get(revision).copied();
        }
        let replica = self.context.replicas.get(&self.replica(region))?;
        fact.versions.get(&replica.replica_revision).copied()
    }

    fn standing(&self, region: &Region, live: &BTreeMap<u32, Blocks>, shards: &Shards) -> Standing {
        let found = live.iter().find_map(|(shard, it)| Some((shard, it.get(region.as_str())?)));
        let Some((shard, block)) = found else { return Standing::Bare };
        let is_attached =
            shards.get(shard).is_some_and(|it| self.desired.targets.is_subset(&it.live.targets));
        match self.standing_of(region, block) {
            Standing::Converged if !is_attached || !self.is_in_effect() => Standing::Unknown,
            standing @ (Standing::Converged
            | Standing::Behind(_)
            | Standing::Bare
            | Standing::Unknown
            | Standing::Unreachable
            | Standing::Excluded) => standing,
        }
    }

    /// How one document stands, wherever it is attached.
    pub(super) fn standing_of(&self, region: &Region, block: &Value) -> Standing {
        if self.fact(region).is_none() {
            return Standing::Unknown;
        }
        let named = references(block).and_then(|it| <[_; 1]>::try_from(it).ok());
        named.map_or(Standing::Behind(None), |[named]| self.standing_at(region, &named))
    }

    /// How a reference stands.
    pub(super) fn standing_at(
        &self,
        region: &Region,
        (arn, version): &(GuardrailArn, Version),
    ) -> Standing {
        let Some(fact) = self.fact(region) else { return Standing::Unknown };
        if *arn != fact.arn {
            return Standing::Behind(None);
        }
        if self.version(region) == Some(*version) {
            return Standing::Converged;
        }
        let revision = fact.revisions.iter().find(|(_, number)| *number == version);
        Standing::Behind(revision.map(|(revision, _)| revision.clone()))
    }

    /// Whether the witnesses show what follows from the policies.
    fn is_in_effect(&self) -> bool {
        self.doubtful.is_some_and(BTreeSet::is_empty)
    }

    /// What is to be tried now, from inside an account that the policy reaches.
    fn trials(&self, subject: &Subject<'_, Region>, decision: &Decision) -> Vec<Trial> {
        let Some(account) = self.witness() else { return Vec::new() };
        let trial = |region: &Region| {
            Some(Trial {
                cell: Cell { account: account.clone(), region: region.clone() },
                revision: subject.target.clone(),
                guardrail: self.fact(region)?.arn.clone(),
                version: self.version(region)?,
                probe: subject.rollout.gate.probe.clone(),
                tests: Arc::default(),
                origin: ORGANIZATION_ENFORCED,
            })
        };
        let mut trials: Vec<Trial> =
            to_be_tried(subject, decision).into_iter().filter_map(trial).collect();
        if subject.rollout.gate.tests {
            give_tests(&mut trials, self.context);
        }
        trials
    }

    /// A member rather than the management account, which needs nobody's leave.
    fn witness(&self) -> Option<AccountId> {
        let all = self.active_accounts(&self.desired.targets.iter().cloned().collect());
        let member = all.iter().find(|it| **it != self.fleet.management);
        member.or(all.first()).cloned()
    }

    /// The tags of a policy that is about to be made.
    pub(super) fn tags_of_new(
        &self,
        number: u32,
        (shards, rolled): (&Shards, &Rolled),
    ) -> BTreeMap<String, String> {
        let mut tags = self.tags(number);
        let context = self.context;
        let is_rolled_out = context.organization_waves.contains_key(self.name)
            || context.target_waves.contains_key(self.name);
        if is_rolled_out && shards.is_empty() {
            let nothing = nothing_yet();
            let marks = rolled.marks.as_ref().unwrap_or(&nothing);
            tags.extend(different(self.name, &RolloutMarks::default(), marks));
        }
        tags
    }

    pub(super) fn put_marks(
        &self,
        Shard { live, .. }: Shard,
        marks: &RolloutMarks,
        plan: &mut Plan,
    ) {
        let carried = live.rollouts.get(self.name).cloned().unwrap_or_default();
        let tags = different(self.name, &carried, marks);
        if !tags.is_empty() {
            plan.steps.push(Step::TagPolicy {
                enforcement: self.name.clone(),
                id: live.id.clone(),
                tags,
            });
        }
    }
}

pub(super) fn nothing_yet() -> RolloutMarks {
    RolloutMarks { accepted: Some(Accepted::Nothing), ..RolloutMarks::default() }
}

/// The tags that make one set of marks of another.
fn different(
    enforcement: &Name,
    carried: &RolloutMarks,
    marks: &RolloutMarks,
) -> BTreeMap<String, String> {
    let tag = |kind: MarkKind| {
        let (old, new) = (carried.value(kind), marks.value(kind));
        let value = if old == new { None } else { Some(new.unwrap_or(NO_MARK.to_owned())) };
        Some((kind.tag(enforcement), value?))
    };
    MarkKind::ALL.into_iter().filter_map(tag).collect()
}
