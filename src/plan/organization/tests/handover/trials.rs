//! Who is asked whether a wave may be left, and when.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::model::{
    AccountState, Action, Cell, Fleet, GateProbe, GateVerdict, GuardrailTest, GuardrailTests,
    Sample, Side,
};
use crate::plan::fixture::cell;
use crate::plan::step::Until;

/// A rollout whose marks stay on the main policy from visit to visit.
struct Course {
    world: World,
    want: DesiredOrganizationEnforcement,
    main: ObservedPolicy,
    lane: ObservedPolicy,
    shown: [u32; 3],
    memory: Sightings,
}

impl Course {
    /// The unit has the new version, and shows it.
    fn new() -> Self {
        let (mut world, want) = (world(), want(&[ROOT]));
        world.organization.insert("everywhere".parse().unwrap(), want.clone());
        world.target_waves.insert("everywhere".parse().unwrap(), waves(&want));
        Self {
            world,
            want,
            main: main_policy(1, &[ROOT]),
            lane: lane_policy("w0", 2, &[UNIT]),
            shown: [1, 1, 2],
            memory: Sightings::default(),
        }
    }

    fn gate(&mut self) -> &mut Gate {
        let rollout = self.world.target_waves.values_mut().next().unwrap();
        &mut rollout.rollout.gate
    }

    fn visit(&mut self) -> Plan {
        let mut live = seen([self.main.clone(), self.lane.clone()]);
        live.invalid = Read::Known(BTreeSet::new());
        live.effective = [MANAGEMENT, OTHER, MEMBER]
            .into_iter()
            .zip(self.shown)
            .map(|(id, number)| (id.parse().unwrap(), Read::Known(shown([(REGION, number)]))))
            .collect();
        let all = desired(self.want.clone());
        let plan = plan_organization(&all, &live, &mut self.memory, &self.world.context());
        for step in &plan.steps {
            let Step::TagPolicy { tags, .. } = step else { continue };
            for (tag, value) in tags {
                let (kind, name) = RolloutMarks::of_tag(tag).unwrap();
                self.main.rollouts.entry(name).or_default().read(kind, value);
            }
        }
        plan
    }

    /// After so many seconds, who is asked what; the visit before notes what it saw.
    fn asked(&mut self, seconds: u64) -> Vec<(Cell, u32, GateProbe, usize)> {
        self.world.wait(seconds);
        self.visit();
        let plan = self.visit();
        let trials = plan.trials.values().flatten();
        trials
            .map(|it| {
                let number = it.version.to_string().parse().unwrap();
                (it.cell.clone(), number, it.probe.clone(), it.tests.cases.len())
            })
            .collect()
    }

    fn answer(&mut self, account: &str, failure: Option<&str>) {
        let verdict = GateVerdict {
            revision: content("b").revision(),
            at: Timestamp::UNIX_EPOCH + self.world.now,
            failure: failure.map(str::to_owned),
        };
        let verdicts = &mut self.world.facts.witness_verdicts;
        verdicts.entry("everywhere".parse().unwrap()).or_default().insert(cell(account), verdict);
    }
}

fn probed(account: &str) -> Vec<(Cell, u32, GateProbe, usize)> {
    vec![(cell(account), 2, GateProbe::ApplyGuardrail, 0)]
}

#[test]
fn each_place_is_tried_from_a_member_at_once_and_once_it_has_baked() {
    let mut course = Course::new();
    course.shown = [1, 1, 1];
    assert_eq!(course.asked(0), [], "not in force");
    course.shown = [1, 1, 2];
    assert_eq!(course.asked(5), probed(MEMBER));
    course.answer(MEMBER, None);
    assert_eq!(course.asked(5), []);
    assert_eq!(course.asked(300), probed(MEMBER), "what passed before the bake is asked again");
    course.answer(MEMBER, None);
    let plan = course.visit();
    let [Step::UpdatePolicy { id, .. }] = plan.steps.as_slice() else { panic!("{plan:?}") };
    assert_eq!(id.as_str(), POLICY);
    course.main.content = content_of(2);
    assert_eq!(course.asked(5), [], "not in force");
    course.shown = [2, 2, 2];
    assert_eq!(course.asked(5), probed(OTHER), "the management account needs nobody's leave");
}

#[test]
fn a_bake_in_which_something_is_to_be_tried_does_not_wait_for_its_end() {
    let mut course = Course::new();
    course.visit();
    let baking = |plan: &Plan| {
        let held = plan.held.iter().find(|it| it.reason == HoldReason::Baking).unwrap();
        held.until
    };
    assert_eq!(baking(&course.visit()), Until::After(Duration::from_secs(5)));
    course.answer(MEMBER, None);
    assert_eq!(baking(&course.visit()), Until::After(Duration::from_mins(5)));
}

#[test]
fn what_fails_in_the_unit_sends_it_back() {
    let mut course = Course::new();
    course.asked(0);
    course.world.wait(300);
    course.answer(MEMBER, Some("it blocks everything"));
    course.visit();
    let rejected = course.main.rollouts.values().next().unwrap().rejected.clone().unwrap();
    assert_eq!(rejected.revision, content("b").revision());
    let plan = course.visit();
    let [Step::TagPolicy { .. }, Step::UpdatePolicy { id, content, .. }] = plan.steps.as_slice()
    else {
        panic!("{plan:?}")
    };
    assert_eq!((id.as_str(), content), (LANE, &content_of(1)));
}

#[test]
fn without_members_the_management_account_is_asked() {
    let mut course = Course::new();
    let fleet = course.world.facts.fleet.clone().unwrap();
    let mut accounts = fleet.accounts.clone();
    let other = accounts.get_mut(&OTHER.parse().unwrap()).unwrap();
    other.state = AccountState::Other("SUSPENDED".to_owned());
    course.world.facts.fleet = Some(Fleet { accounts, ..fleet });
    course.asked(0);
    course.answer(MEMBER, None);
    course.asked(300);
    course.answer(MEMBER, None);
    course.visit();
    course.main.content = content_of(2);
    course.shown = [2, 2, 2];
    assert_eq!(course.asked(5), probed(MANAGEMENT));
}

#[test]
fn the_tests_of_the_guardrail_run_where_the_gate_says_so() {
    for (tests, count) in [(false, 0), (true, 1)] {
        let mut course = Course::new();
        let replica = course.world.replicas.values_mut().next().unwrap();
        let sample = Sample { side: Side::Input, text: "good".to_owned() };
        let cases = vec![GuardrailTest { name: None, sample, action: Action::None }];
        replica.tests = Arc::new(GuardrailTests { cases, interval: None });
        course.gate().tests = tests;
        let asked = course.asked(0);
        assert_eq!(asked[0].3, count, "{asked:?}");
    }
}
