//! What a policy is left to, and when.

use std::time::Duration;

use super::*;
use crate::model::{Cell, DesiredCell, Region, UnreadableCell};
use crate::plan::confirm::Timing;
use crate::plan::fixture::{cell, desired_cell};

const ELSEWHERE: &str = "eu-west-1";

/// Name, targets and Region of the other manifest, its policy, what becomes of ours.
type Row<'a> = (&'a str, &'a [&'a str], &'a str, Option<ObservedPolicy>, [&'static str; 2]);

const NOBODY_TAKES_OVER: [&str; 2] = ["held Confirming", "DetachPolicy"];
const NOT_IN_FORCE: [&str; 2] = ["held NotEffective", "held NotEffective"];
const IN_FORCE: [&str; 2] = ["held NotEffective", "held Confirming"];

/// What becomes of a policy at the unit that its text gives up: at first, and after a minute.
fn given_up(world: &mut World, others: &[ObservedPolicy]) -> [String; 2] {
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[UNIT]) };
    let live = seen(others.iter().cloned().chain([policy(content_of(1), &[UNIT])]));
    let mut memory = Sightings::default();
    [0, 60].map(|seconds| {
        world.wait(seconds);
        let all = desired(absent.clone());
        let mut plan = plan_organization(&all, &live, &mut memory, &world.context());
        // Those of the others, whose manifests are not among these.
        plan.orphans.clear();
        summary(&plan).join(", ")
    })
}

#[test]
fn an_account_enforcement_takes_over_in_its_cell_and_nowhere_else() {
    let at = |account: &str, region: &str| {
        let region: Region = region.parse().unwrap();
        Cell { region, ..cell(account) }
    };
    let absent = || DesiredCell { state: Presence::Absent, ..desired_cell() };
    let rows = [
        ("where the policy enforces", at(MEMBER, REGION), desired_cell(), NOT_IN_FORCE),
        ("beside it", at(OTHER, REGION), desired_cell(), NOBODY_TAKES_OVER),
        ("in another Region", at(MEMBER, ELSEWHERE), desired_cell(), NOBODY_TAKES_OVER),
        ("given up itself", at(MEMBER, REGION), absent(), NOBODY_TAKES_OVER),
    ];
    for (name, cell, desired, expected) in rows {
        let mut world = world();
        world.cells.insert(cell, desired.into());
        assert_eq!(given_up(&mut world, &[]), expected, "{name}");
    }
    let unreadable =
        |is_not_enabled| UnreadableCell { tried: Duration::ZERO, last_seen: None, is_not_enabled };
    for (is_not_enabled, expected) in [(false, NOT_IN_FORCE), (true, IN_FORCE)] {
        let mut world = world();
        world.cells.insert(cell(MEMBER), desired_cell().into());
        world.facts.cells.remove(&cell(MEMBER));
        world.facts.cells_unreadable.insert(cell(MEMBER), unreadable(is_not_enabled));
        assert_eq!(given_up(&mut world, &[]), expected, "not enabled: {is_not_enabled}");
    }
}

#[test]
fn what_is_missing_of_what_takes_over_is_named() {
    let mut world = world();
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[ROOT]) };
    let live = seen([policy(content_of(1), &[ROOT])]);
    for account in [MEMBER, OTHER] {
        world.cells.insert(cell(account), desired_cell().into());
    }
    let plan = once(&world, absent.clone(), &live);
    let message = &plan.held[0].message;
    assert!(message.contains(&format!("{} and 1 more", cell(MEMBER))), "{message}");
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(1))));
    let plan = once(&world, absent, &live);
    let message = &plan.held[0].message;
    assert!(message.contains(&format!("{} and 0 more", cell(OTHER))), "{message}");
}

#[test]
fn an_organization_enforcement_takes_over_on_its_paths_and_where_its_policy_says_so() {
    let instead = |targets: &[&str], regions: &[&str]| {
        let block = blocks(&content_of(1))[REGION].clone();
        let regions = regions.iter().map(|it| ((*it).to_owned(), block.clone()));
        ObservedPolicy {
            id: "p-instead0".parse().unwrap(),
            name: "bedrail-us-instead".to_owned(),
            enforcement: Some("instead".parse().unwrap()),
            ..policy(document(&regions.collect()), targets)
        }
    };
    let another = |targets: &[&str]| ObservedPolicy {
        enforcement: Some("another".parse().unwrap()),
        ..instead(targets, &[REGION])
    };
    let here: &[&str] = &[REGION];
    let rows: [Row; 12] = [
        ("not attached", &[UNIT], REGION, Some(instead(&[], here)), NOT_IN_FORCE),
        ("no policy at all", &[UNIT], REGION, None, NOT_IN_FORCE),
        ("attached", &[UNIT], REGION, Some(instead(&[UNIT], here)), IN_FORCE),
        ("attached elsewhere", &[UNIT], REGION, Some(instead(&[OTHER], here)), NOT_IN_FORCE),
        ("another's is", &[UNIT], REGION, Some(another(&[UNIT])), NOT_IN_FORCE),
        ("silent", &[UNIT], REGION, Some(instead(&[UNIT], &[ELSEWHERE])), NOT_IN_FORCE),
        ("above", &[ROOT], REGION, Some(instead(&[ROOT], here)), IN_FORCE),
        ("to be above", &[ROOT], REGION, Some(instead(&[], here)), NOT_IN_FORCE),
        ("to be below", &[MEMBER], REGION, Some(instead(&[], here)), NOT_IN_FORCE),
        ("partly", &[ROOT, MEMBER], REGION, Some(instead(&[ROOT], here)), NOT_IN_FORCE),
        ("to be beside", &[OTHER], REGION, Some(instead(&[], here)), NOBODY_TAKES_OVER),
        ("another Region", &[UNIT], ELSEWHERE, Some(instead(&[], here)), NOBODY_TAKES_OVER),
    ];
    for (name, targets, region, live, expected) in rows {
        for state in [Presence::Present, Presence::Absent] {
            let regions = BTreeSet::from([region.parse().unwrap()]);
            let other = DesiredOrganizationEnforcement { state, regions, ..want(targets) };
            let mut world = world();
            world.organization.insert("instead".parse().unwrap(), other);
            let is_wanted = state == Presence::Present;
            let expected = if is_wanted { expected } else { NOBODY_TAKES_OVER };
            let found = given_up(&mut world, live.as_slice());
            assert_eq!(found, expected, "{name}, {state:?}");
        }
    }
}

/// What is above may name a version that somebody deleted: nobody was hurt by that yet below a
/// policy that still says something else.
#[test]
fn a_policy_goes_only_once_what_takes_over_can_be_applied() {
    let instead = |number: u32| ObservedPolicy {
        id: "p-instead0".parse().unwrap(),
        name: "bedrail-us-instead".to_owned(),
        enforcement: Some("instead".parse().unwrap()),
        ..policy(content_of(number), &[ROOT])
    };
    let with = |change: fn(&mut World)| {
        let mut world = world();
        world.organization.insert("instead".parse().unwrap(), want(&[ROOT]));
        change(&mut world);
        world
    };
    let fact = |world: &mut World, policy: Option<Value>| {
        world.facts.replicas.get_mut(&key()).unwrap().policy = policy;
    };
    let mut sound = with(|_| ());
    assert_eq!(given_up(&mut sound, &[instead(2)]), IN_FORCE);
    assert_eq!(given_up(&mut sound, &[instead(9)]), NOT_IN_FORCE, "no such version");
    fact(&mut sound, None);
    assert_eq!(given_up(&mut sound, &[instead(2)]), NOT_IN_FORCE, "not shared any more");
    let mut unread = with(|world| world.facts.replicas.clear());
    assert_eq!(given_up(&mut unread, &[instead(2)]), NOT_IN_FORCE, "not read");
}

#[test]
fn a_policy_goes_only_once_the_account_enforcements_that_take_over_are_in_force() {
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[ROOT]) };
    let live = seen([policy(content_of(1), &[ROOT])]);
    let (mut world, mut memory) = (world(), Sightings::default());
    let cell = cell(MEMBER);
    world.cells.insert(cell.clone(), desired_cell().into());
    let mut planned = |world: &World| {
        summary(&plan_organization(&desired(absent.clone()), &live, &mut memory, &world.context()))
    };
    world.facts.cells.insert(cell.clone(), None);
    assert_eq!(planned(&world), ["held NotEffective"]);
    world.wait(300);
    assert_eq!(planned(&world), ["held NotEffective"]);
    world.facts.cells.insert(cell.clone(), Some((guardrail_arn(), version(1))));
    assert_eq!(planned(&world), ["held NotEffective"], "it has yet to take effect");
    world.wait(60);
    assert_eq!(planned(&world), ["held Confirming"]);
    world.wait(5);
    assert_eq!(planned(&world), ["DetachPolicy"]);
}

#[test]
fn a_target_is_left_to_those_above_it_once_they_had_time() {
    let mut world = world();
    let old = selects(&[REGION], &[UNIT], &[MEMBER]);
    said(&mut world, &old, selects(&[REGION], &[UNIT], &[]));
    let all = desired(want(&[UNIT]));
    world.organization.clone_from(&all);
    let live = |targets: &[&str]| seen([policy(content_of(2), targets)]);
    let mut memory = Sightings::default();
    let mut visit = |seconds: u64, targets: &[&str]| {
        world.wait(seconds);
        summary(&plan_organization(&all, &live(targets), &mut memory, &world.context()))
    };
    let grace = Timing::default().own_write_grace.as_secs();
    for _ in 0..2 {
        assert_eq!(visit(0, &[UNIT, MEMBER]), ["held NotEffective"]);
        assert_eq!(visit(grace - 1, &[UNIT, MEMBER]), ["held NotEffective"]);
        assert_eq!(visit(1, &[UNIT, MEMBER]), ["held Confirming"]);
        assert_eq!(visit(5, &[UNIT, MEMBER]), ["DetachPolicy"]);
        // A second move is a new one, however long ago the first was.
        assert_eq!(visit(3600, &[UNIT]), [""; 0]);
    }
}

#[test]
fn what_is_given_up_later_is_left_to_what_takes_over_once_that_had_time_as_well() {
    let mut world = world();
    let old = selects(&[REGION], &[ROOT], &[MEMBER, OTHER]);
    let all = desired(want(&[ROOT]));
    world.organization.clone_from(&all);
    let live = seen([policy(content_of(2), &[ROOT, MEMBER, OTHER])]);
    let mut memory = Sightings::default();
    let mut visit = |seconds: u64, kept: &[&str]| {
        said(&mut world, &old, selects(&[REGION], &[ROOT], kept));
        world.wait(seconds);
        summary(&plan_organization(&all, &live, &mut memory, &world.context()))
    };
    let grace = Timing::default().own_write_grace.as_secs();
    assert_eq!(visit(0, &[OTHER]), ["held NotEffective", "orphan"]);
    assert_eq!(visit(grace, &[OTHER]), ["held Confirming", "orphan"]);
    assert_eq!(visit(5, &[]), ["DetachPolicy", "held NotEffective"]);
    // Taken back, and given up again.
    assert_eq!(visit(1, &[MEMBER, OTHER]), ["orphan", "orphan"]);
    assert_eq!(visit(1, &[]), ["held NotEffective"; 2]);
}

/// Somebody emptied the document, which is put back before the policy leaves a target.
#[test]
fn a_region_that_comes_back_is_left_only_once_what_takes_over_is_in_force() {
    let mut world = world();
    let all = desired(want(&[ROOT]));
    world.organization.clone_from(&all);
    let old = selects(&[REGION], &[ROOT], &[MEMBER]);
    let emptied = json!({"bedrock": {"guardrail_inference": {}}});
    let live = seen([policy(emptied, &[ROOT, MEMBER])]);
    let mut memory = Sightings::default();
    for seconds in [0, 5, 60] {
        said(&mut world, &old, selects(&[REGION], &[ROOT], &[]));
        world.wait(seconds);
        let plan = plan_organization(&all, &live, &mut memory, &world.context());
        assert_eq!(summary(&plan), ["UpdatePolicy", "held NotEffective"], "{seconds}");
    }
}
