//! Rollouts to a unit before the rest: how each stands, in versions that policies name and accounts
//! show.

use std::time::Duration;

use super::*;
use crate::model::{
    Accepted, Attachments, DesiredRollout, DesiredWave, Gate, GuardrailArn, OnFailure, Rejected,
    RolloutMarks, SelectedWave, TargetRollout, WaveMark,
};
use crate::plan::fixture::{MANAGEMENT, fleet, open_policy};

mod courses;
mod trials;

const LANE: &str = "p-lane0000";
/// A Region of which no text says anything.
const ELSEWHERE: &str = "eu-west-1";
/// The second one that some rollouts are about; the unit moves with the rest there.
pub(super) const WEST: &str = "us-west-2";
const TEXT: &str = "0a1b2c3d4e5f";
/// What is done and said of the rollout as a whole.
const OF_THE_ROLLOUT: [&str; 4] =
    ["TagResource", "held RollingOut", "held WaveClosed", "held RolledBack"];

/// What is done and said at once, five seconds after that, and a minute after that.
const AT_REST: [&str; 3] = ["", "", ""];
const MADE: [&str; 3] = ["held Confirming", "CreatePolicy", "CreatePolicy"];
const LEFT: [&str; 3] = ["held InProgress", "held InProgress", "DetachPolicy"];
const GIVEN_UP: [&str; 3] =
    ["held InProgress, a loss", "held InProgress, a loss", "DetachPolicy, a loss"];
const REMOVED: [&str; 3] = ["held Confirming", "DeletePolicy", "DeletePolicy"];

/// Wave 0 is the unit, wave 1 the rest of what stands below the root.
fn waves(want: &DesiredOrganizationEnforcement) -> TargetRollout {
    arranged(want, &[unit_first(), SelectedWave::default()])
}

/// The same, and the second Region between them.
fn waves_with_west_between(want: &DesiredOrganizationEnforcement) -> TargetRollout {
    let west = BTreeSet::from([WEST.parse().unwrap()]);
    let west = SelectedWave { regions: west, ..SelectedWave::default() };
    arranged(want, &[unit_first(), west, SelectedWave::default()])
}

fn unit_first() -> SelectedWave {
    SelectedWave {
        targets: BTreeSet::from([UNIT.parse().unwrap()]),
        regions: BTreeSet::from([REGION.parse().unwrap()]),
    }
}

fn arranged(want: &DesiredOrganizationEnforcement, selected: &[SelectedWave]) -> TargetRollout {
    let wave = |index: usize| DesiredWave {
        name: format!("w{index}").parse().unwrap(),
        places: BTreeSet::new(),
        bake: Duration::from_mins(5),
    };
    let rollout = DesiredRollout {
        waves: (0..selected.len()).map(wave).collect(),
        gate: Gate::default(),
        on_failure: OnFailure::Rollback,
        is_paused: false,
        is_unresolved: false,
        text: TEXT.to_owned(),
    };
    let fleet = fleet();
    let attached = Attachments { targets: &want.targets, regions: &want.regions, fleet: &fleet };
    TargetRollout::arranged(rollout, selected, attached)
}

fn marks(accepted: &str) -> BTreeMap<Name, RolloutMarks> {
    let accepted = Some(Accepted::Revision(content(accepted).revision()));
    BTreeMap::from([(
        "everywhere".parse().unwrap(),
        RolloutMarks { accepted, ..RolloutMarks::default() },
    )])
}

fn main_policy(number: u32, targets: &[&str]) -> ObservedPolicy {
    ObservedPolicy { rollouts: marks("a"), ..policy(content_of(number), targets) }
}

fn lane_policy(lane: &str, number: u32, targets: &[&str]) -> ObservedPolicy {
    ObservedPolicy {
        id: LANE.parse().unwrap(),
        name: format!("bedrail-us-everywhere.lane-{lane}"),
        lane: Some(lane.to_owned()),
        ..policy(content_of(number), targets)
    }
}

/// Remembers that the new revision was tried, and found bad.
fn rejected(mut policy: ObservedPolicy) -> ObservedPolicy {
    let revision = content("b").revision();
    for marks in policy.rollouts.values_mut() {
        marks.rejected = Some(Rejected { revision: revision.clone(), text: TEXT.to_owned() });
    }
    policy
}

/// Lets nothing below decide.
fn locked(mut policy: ObservedPolicy) -> ObservedPolicy {
    let mut all = blocks(&policy.content);
    for block in all.values_mut() {
        block[document::LOCK] = json!(["@@none"]);
    }
    policy.content = document(&all);
    policy
}

/// Says something of another Region as well.
fn elsewhere(mut policy: ObservedPolicy) -> ObservedPolicy {
    let mut all = blocks(&policy.content);
    all.insert(ELSEWHERE.to_owned(), all[REGION].clone());
    policy.content = document(&all);
    policy
}

pub(super) fn arn_in(region: &str) -> GuardrailArn {
    GuardrailArn { region: region.parse().unwrap(), ..guardrail_arn() }
}

/// Names this version in the second Region.
pub(super) fn west(number: u32, mut policy: ObservedPolicy) -> ObservedPolicy {
    let named = (&arn_in(WEST), version(number));
    let mut all = blocks(&policy.content);
    all.insert(WEST.to_owned(), block(named, &EnforcementSettings::default(), true));
    policy.content = document(&all);
    policy
}

/// What an account shows that has this version in these Regions.
pub(super) fn shown<'a>(versions: impl IntoIterator<Item = (&'a str, u32)>) -> Value {
    let block = |(region, number): (&str, u32)| {
        let of = if region == ELSEWHERE { REGION } else { region };
        let block = json!({"config_1": {
            "identifier": arn_in(of).with_version(version(number)),
            "selective_content_guarding": {"system": "comprehensive", "messages": "comprehensive"},
            "model_enforcement": {"included_models": ["ALL"], "excluded_models": []}}});
        (region.to_owned(), block)
    };
    let blocks: serde_json::Map<_, _> = versions.into_iter().map(block).collect();
    json!({"bedrock": {"guardrail_inference": blocks}})
}

/// An enforcement in the middle of its rollout, and what comes of it.
struct Case {
    name: &'static str,
    want: DesiredOrganizationEnforcement,
    policies: Vec<ObservedPolicy>,
    /// The version that the management account, the other and the member show; 0 for none.
    shown: [u32; 3],
    /// The same of the second Region.
    shown_west: [u32; 3],
    /// Whether the text said something of [`ELSEWHERE`] before.
    gives_up: bool,
    waves: fn(&DesiredOrganizationEnforcement) -> TargetRollout,
    /// But for what is of the rollout as a whole.
    expected: [&'static str; 3],
}

impl Case {
    /// Attached to the root: the unit moves before the rest.
    fn below(
        name: &'static str,
        policies: impl IntoIterator<Item = ObservedPolicy>,
        shown: [u32; 3],
        expected: [&'static str; 3],
    ) -> Self {
        let policies = policies.into_iter().collect();
        Self {
            name,
            want: want(&[ROOT]),
            policies,
            shown,
            shown_west: [0, 0, 0],
            gives_up: false,
            waves,
            expected,
        }
    }

    /// Attached to the unit, which moves before, and to the other account.
    fn beside(
        name: &'static str,
        policies: impl IntoIterator<Item = ObservedPolicy>,
        shown: [u32; 3],
        expected: [&'static str; 3],
    ) -> Self {
        Self { want: want(&[UNIT, OTHER]), ..Self::below(name, policies, shown, expected) }
    }

    fn with(mut self, change: impl FnOnce(&mut DesiredOrganizationEnforcement)) -> Self {
        change(&mut self.want);
        self
    }

    /// In the second Region as well.
    fn and_west(self, shown_west: [u32; 3]) -> Self {
        let more = |want: &mut DesiredOrganizationEnforcement| {
            want.regions.insert(WEST.parse().unwrap());
        };
        Self { shown_west, ..self.with(more) }
    }

    fn check(self) {
        let mut world = world();
        for region in &self.want.regions {
            let there = ReplicaKey { region: region.clone(), ..key() };
            let mut fact = world.facts.replicas[&key()].clone();
            fact.arn = arn_in(region.as_str());
            fact.policy = Some(open_policy(&fact.arn));
            world.replicas.insert(there.clone(), world.replicas[&key()].clone());
            world.facts.replicas.insert(there, fact);
        }
        if self.gives_up {
            let selects = |regions: &[&str]| {
                let regions = regions.iter().map(|it| it.parse().unwrap()).collect();
                let root = BTreeSet::from([TargetMark::organization()]);
                Selection::new(Presence::Present, &regions, root)
            };
            said(&mut world, &selects(&[REGION, ELSEWHERE]), selects(&[REGION]));
        }
        world.organization.insert("everywhere".parse().unwrap(), self.want.clone());
        world.target_waves.insert("everywhere".parse().unwrap(), (self.waves)(&self.want));
        let regions: BTreeSet<String> =
            self.policies.iter().flat_map(|it| blocks(&it.content).into_keys()).collect();
        let accounts = [MANAGEMENT, OTHER, MEMBER]
            .into_iter()
            .zip(self.shown.into_iter().zip(self.shown_west));
        let mut live = seen(self.policies);
        live.invalid = Read::Known(BTreeSet::new());
        live.effective = accounts
            .filter(|(_, (number, _))| *number > 0)
            .map(|(id, (number, west))| {
                let in_region = |it| if it == WEST { west } else { number };
                let versions = regions.iter().map(|it| (it.as_str(), in_region(it)));
                (id.parse().unwrap(), Read::Known(shown(versions)))
            })
            .collect();
        let mut memory = Sightings::default();
        let found = [0, 5, 60].map(|seconds| {
            world.wait(seconds);
            let all = desired(self.want.clone());
            let plan = plan_organization(&all, &live, &mut memory, &world.context());
            let mut said = summary(&plan);
            said.extend((!plan.losses.is_empty()).then(|| "a loss".to_owned()));
            said.retain(|it| !OF_THE_ROLLOUT.contains(&it.as_str()));
            said.join(", ")
        });
        assert_eq!(found, self.expected, "{}", self.name);
    }
}

fn always(what: &'static str) -> [&'static str; 3] {
    [what, what, what]
}
