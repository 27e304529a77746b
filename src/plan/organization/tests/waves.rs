//! Rollouts Region by Region inside the document of an enforcement: when a Region counts as moved,
//! and who is asked whether the next one may.

use std::time::Duration;

use jiff::Timestamp;

use super::handover::{WEST, arn_in, shown, west};
use super::*;
use crate::model::{
    Accepted, Cell, DesiredRollout, DesiredWave, GateVerdict, MarkKind, Region, RolloutMarks,
};
use crate::plan::fixture::{MANAGEMENT, desired_rollout, open_policy};

const BAKE: Duration = Duration::from_mins(5);

fn name() -> Name {
    "everywhere".parse().unwrap()
}

/// The document of these versions, in the first Region and the second.
fn document_of([first, second]: [u32; 2]) -> Value {
    west(second, policy(content_of(first), &[])).content
}

/// The first Region, then the second.
fn waves() -> DesiredRollout<Region> {
    let wave = |(name, region): (&str, &str)| DesiredWave {
        name: name.parse().unwrap(),
        places: BTreeSet::from([region.parse().unwrap()]),
        bake: BAKE,
    };
    desired_rollout([("first", REGION), ("second", WEST)].map(wave).into())
}

/// A rollout whose marks stay on the policy from visit to visit, and whose documents do.
struct Course {
    world: World,
    want: DesiredOrganizationEnforcement,
    /// Versions that the policy names.
    says: [u32; 2],
    targets: &'static [&'static str],
    /// Versions that accounts show.
    shows: [u32; 2],
    marks: BTreeMap<Name, RolloutMarks>,
    memory: Sightings,
}

impl Course {
    /// `a` is in force in both Regions, and the text says `b`.
    fn new() -> Self {
        let mut world = world();
        let west = ReplicaKey { region: WEST.parse().unwrap(), ..key() };
        let mut fact = world.facts.replicas[&key()].clone();
        fact.arn = arn_in(WEST);
        fact.policy = Some(open_policy(&fact.arn));
        world.replicas.insert(west.clone(), world.replicas[&key()].clone());
        world.facts.replicas.insert(west, fact);
        let mut want = want(&[ROOT]);
        want.regions.insert(WEST.parse().unwrap());
        world.organization.insert(name(), want.clone());
        world.organization_waves.insert(name(), waves());
        let (says, shows) = ([1, 1], [1, 1]);
        let (marks, memory) = (BTreeMap::new(), Sightings::default());
        Self { world, want, says, targets: &[ROOT], shows, marks, memory }
    }

    /// `b` is in force in the first Region.
    fn moved() -> Self {
        let mut course = Self::new();
        course.visit();
        course.visit();
        course.shows = [2, 1];
        course
    }

    fn visit(&mut self) -> Plan {
        let mut policy = policy(document_of(self.says), self.targets);
        policy.rollouts = self.marks.clone();
        let mut live = seen([policy]);
        live.invalid = Read::Known(BTreeSet::new());
        let shown = shown([(REGION, self.shows[0]), (WEST, self.shows[1])]);
        live.effective = [MANAGEMENT, OTHER, MEMBER]
            .map(|id| (id.parse().unwrap(), Read::Known(shown.clone())))
            .into();
        let all = desired(self.want.clone());
        let plan = plan_organization(&all, &live, &mut self.memory, &self.world.context());
        for step in &plan.steps {
            if let Step::TagPolicy { tags, .. } = step {
                for (tag, value) in tags {
                    let (kind, name) = RolloutMarks::of_tag(tag).unwrap();
                    self.marks.entry(name).or_default().read(kind, value);
                }
            } else if let Step::UpdatePolicy { content, .. } = step {
                let says = |versions: &[u32; 2]| document_of(*versions) == *content;
                self.says = [[1, 1], [2, 1], [2, 2]].into_iter().find(says).unwrap();
            }
        }
        plan
    }

    /// Who is asked in this visit, of which Region and version.
    fn asked(&mut self) -> Vec<(Cell, u32)> {
        let plan = self.visit();
        let trials = plan.trials.values().flatten();
        trials.map(|it| (it.cell.clone(), it.version.to_string().parse().unwrap())).collect()
    }

    fn passes(&mut self, region: &str) {
        let verdict = GateVerdict {
            revision: content("b").revision(),
            at: Timestamp::UNIX_EPOCH + self.world.now,
            failure: None,
        };
        let verdicts = self.world.facts.region_verdicts.entry(name()).or_default();
        verdicts.insert(region.parse().unwrap(), verdict);
    }

    fn accepted(&self) -> Option<Accepted> {
        self.marks.get(&name())?.accepted.clone()
    }
}

fn of(message: &str) -> Accepted {
    Accepted::Revision(content(message).revision())
}

fn in_region(account: &str, region: &str) -> Cell {
    Cell { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

#[test]
fn one_region_moves_after_the_other_each_tried_from_a_member() {
    let mut course = Course::new();
    assert_eq!(course.asked(), []);
    assert_eq!(
        (course.says, course.accepted()),
        ([1, 1], Some(of("a"))),
        "nothing before the record"
    );
    assert_eq!(course.asked(), []);
    assert_eq!(course.says, [2, 1], "the first Region alone");
    course.shows = [2, 1];
    course.visit();
    assert_eq!(course.asked(), [(in_region(MEMBER, REGION), 2)]);
    course.passes(REGION);
    course.world.wait(BAKE.as_secs());
    assert_eq!(course.asked().len(), 1, "what passed before the bake is asked again");
    course.passes(REGION);
    course.visit();
    assert_eq!(course.says, [2, 2]);
    course.shows = [2, 2];
    course.visit();
    assert_eq!(course.asked(), [(in_region(MEMBER, WEST), 2)]);
    course.world.wait(BAKE.as_secs());
    course.passes(WEST);
    course.visit();
    assert_eq!(course.accepted(), Some(of("b")));
}

/// A document says what is to come; accounts follow it later.
#[test]
fn a_region_counts_as_moved_once_it_is_attached_everywhere_and_accounts_show_it() {
    for described in ["not shown yet", "not attached to all"] {
        let mut course = Course::moved();
        if described == "not shown yet" {
            course.shows = [1, 1];
        } else {
            course.want.targets.insert(UNIT.parse().unwrap());
        }
        for _ in 0..3 {
            assert_eq!(course.asked(), [], "{described}");
            course.world.wait(BAKE.as_secs());
        }
        assert_eq!(course.says, [2, 1], "{described}");
    }
    let mut course = Course::moved();
    course.visit();
    assert_eq!(course.asked().len(), 1);
}

#[test]
fn a_bake_in_which_something_is_to_be_tried_does_not_wait_for_its_end() {
    let mut course = Course::moved();
    course.visit();
    let baking = |plan: &Plan| {
        let held = plan.held.iter().find(|it| it.reason == HoldReason::Baking).unwrap();
        held.until
    };
    assert_eq!(baking(&course.visit()), Until::After(TIMING.confirm_after));
    course.passes(REGION);
    assert_eq!(baking(&course.visit()), Until::After(BAKE));
}

/// Other guardrails, and other accounts with one of this name, have texts of their own.
#[test]
fn what_is_rolled_out_is_what_the_text_of_the_guardrail_itself_says() {
    let mut course = Course::moved();
    let mut other = course.world.replicas[&key()].clone();
    other.revision = content("c").revision();
    let before = "100000000001".parse().unwrap();
    for key in [
        ReplicaKey { guardrail: "another".parse().unwrap(), ..key() },
        ReplicaKey { account: before, ..key() },
    ] {
        course.world.replicas.insert(key, other.clone());
    }
    course.visit();
    let plan = course.visit();
    let tried: Vec<_> = plan.trials.values().flatten().map(|it| it.revision.clone()).collect();
    assert_eq!(tried, [content("b").revision()]);
}

#[test]
fn only_the_first_policy_of_what_is_rolled_out_says_that_nothing_was_accepted_before() {
    let tags = |course: &mut Course| {
        let want = course.want.clone();
        let plan = twice(&mut course.world, &want, &seen([]));
        let [Step::CreatePolicy { tags, .. }] = plan.steps.as_slice() else { panic!("{plan:?}") };
        tags.clone()
    };
    let accepted = MarkKind::Accepted.tag(&name());
    let mut course = Course::new();
    assert!(tags(&mut course).contains_key(&accepted));
    course.world.organization_waves.clear();
    assert!(!tags(&mut course).contains_key(&accepted));
}
