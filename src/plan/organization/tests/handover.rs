//! One rollout to a unit before the rest, a write at a time.

use std::time::Duration;

use super::*;
use crate::model::{
    Accepted, Attachments, DesiredRollout, DesiredWave, Gate, OnFailure, Rejected, RolloutMarks,
    SelectedWave, TargetRollout,
};
use crate::plan::fixture::{MANAGEMENT, fleet};

const LANE: &str = "p-lane0000";
const ELSEWHERE: &str = "eu-west-1";
const TEXT: &str = "0a1b2c3d4e5f";
/// What is done and said of the rollout as a whole.
const OF_THE_ROLLOUT: [&str; 4] =
    ["TagResource", "held RollingOut", "held WaveClosed", "held RolledBack"];

/// What is done and said at once, five seconds after that, and a minute after that.
const AT_REST: [&str; 3] = ["", "", ""];
const MADE: [&str; 3] = ["held Confirming", "CreatePolicy", "CreatePolicy"];
const LEFT: [&str; 3] = ["held InProgress", "held InProgress", "DetachPolicy"];
const REMOVED: [&str; 3] = ["held Confirming", "DeletePolicy", "DeletePolicy"];

/// Wave 0 is the unit, wave 1 the rest of what stands below the root.
fn waves(want: &DesiredOrganizationEnforcement) -> TargetRollout {
    let wave = |index: usize| DesiredWave {
        name: format!("w{index}").parse().unwrap(),
        places: BTreeSet::new(),
        bake: Duration::from_mins(5),
    };
    let rollout = DesiredRollout {
        waves: (0..2).map(wave).collect(),
        gate: Gate::default(),
        on_failure: OnFailure::Rollback,
        is_paused: false,
        is_unresolved: false,
        text: TEXT.to_owned(),
    };
    let unit = SelectedWave {
        targets: BTreeSet::from([UNIT.parse().unwrap()]),
        ..SelectedWave::default()
    };
    let fleet = fleet();
    let attached = Attachments { targets: &want.targets, regions: &want.regions, fleet: &fleet };
    TargetRollout::arranged(rollout, &[unit, SelectedWave::default()], attached)
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

fn shown(number: u32, regions: &[&str]) -> Value {
    let named = guardrail_arn().with_version(version(number));
    let block = json!({"config_1": {
        "identifier": named,
        "selective_content_guarding": {"system": "comprehensive", "messages": "comprehensive"},
        "model_enforcement": {"included_models": ["ALL"], "excluded_models": []}}});
    let blocks = regions.iter().map(|region| ((*region).to_owned(), block.clone()));
    json!({"bedrock": {"guardrail_inference": blocks.collect::<serde_json::Map<_, _>>()}})
}

/// An enforcement in the middle of its rollout, and what comes of it.
struct Case {
    name: &'static str,
    want: DesiredOrganizationEnforcement,
    policies: Vec<ObservedPolicy>,
    /// The version that the management account, the other and the member show; 0 for none.
    shown: [u32; 3],
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
        Self { name, want: want(&[ROOT]), policies, shown, expected }
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

    fn check(self) {
        let mut world = world();
        world.organization.insert("everywhere".parse().unwrap(), self.want.clone());
        world.target_waves.insert("everywhere".parse().unwrap(), waves(&self.want));
        let regions: BTreeSet<String> =
            self.policies.iter().flat_map(|it| blocks(&it.content).into_keys()).collect();
        let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
        let accounts = [MANAGEMENT, OTHER, MEMBER].into_iter().zip(self.shown);
        let mut live = seen(self.policies);
        live.invalid = Read::Known(BTreeSet::new());
        live.effective = accounts
            .filter(|(_, number)| *number > 0)
            .map(|(id, number)| (id.parse().unwrap(), Read::Known(shown(number, &regions))))
            .collect();
        let mut memory = Sightings::default();
        let found = [0, 5, 60].map(|seconds| {
            world.wait(seconds);
            let all = desired(self.want.clone());
            let mut said = summary(&plan_organization(&all, &live, &mut memory, &world.context()));
            said.retain(|it| !OF_THE_ROLLOUT.contains(&it.as_str()));
            said.join(", ")
        });
        assert_eq!(found, self.expected, "{}", self.name);
    }
}

fn always(what: &'static str) -> [&'static str; 3] {
    [what, what, what]
}

#[test]
fn a_unit_below_moves_first_and_is_left_once_the_rest_has_come_after() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let stranger = ObservedPolicy { owner: None, enforcement: None, lane: None, ..lane(2, &[]) };
    let cases = [
        Case::below("nothing of it", [main(1, &[ROOT])], [1, 1, 1], MADE),
        Case::below(
            "its name is taken",
            [main(1, &[ROOT]), stranger],
            [1, 1, 1],
            always("held NotOurs"),
        ),
        Case::below("made", [main(1, &[ROOT]), lane(2, &[])], [1, 1, 1], always("AttachPolicy")),
        Case::below(
            "made, and behind",
            [main(1, &[ROOT]), lane(1, &[])],
            [1, 1, 1],
            always("UpdatePolicy"),
        ),
        Case::below(
            "attached, not shown",
            [main(1, &[ROOT]), lane(2, &[UNIT])],
            [1, 1, 1],
            always("held InProgress"),
        ),
        Case::below("attached, unread", [main(1, &[ROOT]), lane(2, &[UNIT])], [1, 1, 0], AT_REST),
        Case::below("attached", [main(1, &[ROOT]), lane(2, &[UNIT])], [1, 1, 2], AT_REST),
        Case::below(
            "the rest is not attached",
            [main(1, &[]), lane(2, &[UNIT])],
            [0, 0, 2],
            always("AttachPolicy"),
        ),
        Case::below(
            "the rest moved, not shown",
            [main(2, &[ROOT]), lane(2, &[UNIT])],
            [1, 1, 2],
            always("held InProgress"),
        ),
        Case::below("the rest moved", [main(2, &[ROOT]), lane(2, &[UNIT])], [2, 2, 2], LEFT),
        Case::below(
            "the rest moved, elsewhere",
            [main(2, &[ROOT]), elsewhere(lane(2, &[UNIT]))],
            [2, 2, 2],
            AT_REST,
        ),
        Case::below("detached", [main(2, &[ROOT]), lane(2, &[])], [2, 2, 2], REMOVED),
        Case::below(
            "attached to more",
            [main(1, &[ROOT]), lane(2, &[UNIT, OTHER])],
            [1, 2, 2],
            AT_REST,
        ),
        Case::below(
            "attached to more, the rest moved",
            [main(2, &[ROOT]), lane(2, &[UNIT, OTHER])],
            [2, 2, 2],
            [
                "held InProgress, held InProgress",
                "held InProgress, held InProgress",
                "DetachPolicy, DetachPolicy",
            ],
        ),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn a_unit_among_the_targets_is_handed_over_and_taken_back() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let cases = [
        Case::beside("nothing of it", [main(1, &[UNIT, OTHER])], [0, 1, 1], MADE),
        Case::beside(
            "made",
            [main(1, &[UNIT, OTHER]), lane(2, &[])],
            [0, 1, 1],
            always("AttachPolicy"),
        ),
        Case::beside(
            "behind",
            [main(1, &[UNIT, OTHER]), lane(1, &[UNIT])],
            [0, 1, 1],
            always("UpdatePolicy"),
        ),
        Case::beside(
            "attached, not shown",
            [main(1, &[UNIT, OTHER]), lane(2, &[UNIT])],
            [0, 1, 1],
            LEFT,
        ),
        Case::beside("attached", [main(1, &[UNIT, OTHER]), lane(2, &[UNIT])], [0, 1, 2], LEFT),
        Case::beside(
            "attached, silent of a Region",
            [elsewhere(main(1, &[UNIT, OTHER])), lane(2, &[UNIT])],
            [0, 1, 2],
            always("UpdatePolicy, held InProgress, orphan"),
        ),
        Case::beside(
            "attached, of both Regions",
            [elsewhere(main(1, &[UNIT, OTHER])), elsewhere(lane(2, &[UNIT]))],
            [0, 1, 2],
            ["held InProgress, orphan", "held InProgress, orphan", "DetachPolicy, orphan"],
        ),
        Case::beside("handed over", [main(1, &[OTHER]), lane(2, &[UNIT])], [0, 1, 2], AT_REST),
        Case::beside(
            "the rest moved",
            [main(2, &[OTHER]), lane(2, &[UNIT])],
            [0, 2, 2],
            always("AttachPolicy"),
        ),
        Case::beside("taken back", [main(2, &[OTHER, UNIT]), lane(2, &[UNIT])], [0, 2, 2], LEFT),
        Case::beside("detached", [main(2, &[OTHER, UNIT]), lane(2, &[])], [0, 2, 2], REMOVED),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn what_was_rejected_goes_back_and_the_unit_is_left() {
    let main = |number, targets: &[&str]| rejected(main_policy(number, targets));
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let cases = [
        Case::below(
            "only the unit had it",
            [main(1, &[ROOT]), lane(2, &[UNIT])],
            [1, 1, 2],
            [
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, DetachPolicy",
            ],
        ),
        Case::below(
            "all had it",
            [main(2, &[ROOT]), lane(2, &[UNIT])],
            [2, 2, 2],
            [
                "UpdatePolicy, UpdatePolicy, held InProgress",
                "UpdatePolicy, UpdatePolicy, held InProgress",
                "UpdatePolicy, UpdatePolicy, DetachPolicy",
            ],
        ),
        Case::below("gone back", [main(1, &[ROOT]), lane(1, &[UNIT])], [1, 1, 1], LEFT),
        Case::beside(
            "handed over",
            [main(1, &[OTHER]), lane(2, &[UNIT])],
            [0, 1, 2],
            always("AttachPolicy, UpdatePolicy"),
        ),
        Case::beside(
            "handed over, gone back",
            [main(1, &[OTHER]), lane(1, &[UNIT])],
            [0, 1, 1],
            always("AttachPolicy"),
        ),
        Case::beside("taken back", [main(1, &[OTHER, UNIT]), lane(1, &[UNIT])], [0, 1, 1], LEFT),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn the_lane_of_an_older_text_goes() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w7", number, targets);
    let cases = [
        Case::below("attached nowhere", [main(2, &[ROOT]), lane(1, &[])], [2, 2, 2], REMOVED),
        Case::below("behind", [main(2, &[ROOT]), lane(1, &[UNIT])], [2, 2, 1], LEFT),
        Case::below("ahead", [main(1, &[ROOT]), lane(2, &[UNIT])], [1, 1, 2], AT_REST),
        Case::below("outside", [main(2, &[UNIT]), lane(2, &[OTHER])], [0, 2, 2], always("orphan"))
            .with(|it| it.targets = BTreeSet::from([UNIT.parse().unwrap()])),
    ];
    for case in cases {
        case.check();
    }
}

#[test]
fn a_lock_is_opened_before_what_is_below_is_ahead_and_closed_after() {
    let main = main_policy;
    let lane = |number, targets: &[&str]| lane_policy("w0", number, targets);
    let cases = [
        Case::below(
            "closed",
            [locked(main(1, &[ROOT]))],
            [1, 1, 1],
            [
                "UpdatePolicy, held Confirming",
                "UpdatePolicy, CreatePolicy",
                "UpdatePolicy, CreatePolicy",
            ],
        ),
        Case::below(
            "closed, made",
            [locked(main(1, &[ROOT])), locked(lane(2, &[]))],
            [1, 1, 1],
            always("UpdatePolicy, held InProgress"),
        ),
        Case::below(
            "opened, made",
            [main(1, &[ROOT]), locked(lane(2, &[]))],
            [1, 1, 1],
            always("AttachPolicy"),
        ),
        Case::below("attached", [main(1, &[ROOT]), locked(lane(2, &[UNIT]))], [1, 1, 2], AT_REST),
        Case::below(
            "attached under a lock",
            [locked(main(1, &[ROOT])), locked(lane(2, &[UNIT]))],
            [1, 1, 1],
            always("UpdatePolicy"),
        ),
        Case::below(
            "the rest moved",
            [main(2, &[ROOT]), locked(lane(2, &[UNIT]))],
            [2, 2, 2],
            [
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, held InProgress",
                "UpdatePolicy, DetachPolicy",
            ],
        ),
        Case::below(
            "at its end",
            [main(2, &[ROOT]), locked(lane(2, &[]))],
            [2, 2, 2],
            [
                "UpdatePolicy, held Confirming",
                "UpdatePolicy, DeletePolicy",
                "UpdatePolicy, DeletePolicy",
            ],
        ),
        Case::beside(
            "beside, closed",
            [locked(main(1, &[OTHER, UNIT])), locked(lane(2, &[]))],
            [0, 1, 1],
            always("AttachPolicy"),
        ),
    ];
    for case in cases {
        case.with(|it| it.allow_override = false).check();
    }
}
