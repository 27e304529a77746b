use std::sync::Arc;

use super::*;
use crate::model::{DesiredCell, ReplicaKey, TargetMark};
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, REGION, UNIT, World, cell, content, desired_cell, desired_policy,
    desired_text, guardrail_arn, key, policy_fact, version,
};

const UNIT_PATH: &str = "/Workloads";

fn enforcement(name: &str) -> EnforcementKey {
    EnforcementKey { kind: EnforcementKind::Account, name: name.parse().unwrap() }
}

fn account(id: &str) -> TargetMark {
    TargetMark::account(&id.parse().unwrap())
}

fn unit() -> TargetMark {
    TargetMark::unit(UNIT_PATH)
}

fn by_tags() -> TargetMark {
    TargetMark::tags(&BTreeMap::from([("team".to_owned(), "ai".to_owned())]))
}

fn selects(regions: &[&str], targets: &[TargetMark]) -> Selection {
    let regions = regions.iter().map(|it| it.parse().unwrap()).collect();
    Selection::new(Presence::Present, &regions, targets.iter().cloned().collect())
}

fn text(selection: &Selection) -> DesiredEnforcement {
    desired_text(selection.clone())
}

/// The tags record `old` of `everywhere`, and its text is `now`.
fn world(old: &Selection, now: DesiredEnforcement) -> World {
    let mut world = World::with_versions(&content("1"), &[(1, &content("1"))]);
    record(&mut world, "everywhere", Some(old.clone()));
    world.enforcements.insert(enforcement("everywhere"), now);
    world
}

fn record(world: &mut World, name: &str, selection: Option<Selection>) {
    let fact = world.facts.replicas.get_mut(&key()).unwrap();
    fact.enforcements.insert(enforcement(name), selection);
}

fn standing_of(world: &World, account: &str) -> &'static str {
    match of_cell(&key().guardrail, &cell(account), &world.context()) {
        Standing::GivenUp(_) => "given up",
        Standing::Unclear(_) => "unclear",
        Standing::Deselected => "deselected",
    }
}

#[test]
fn only_what_a_text_gave_up_goes() {
    let here = &[REGION][..];
    let both = selects(here, &[unit(), account(OTHER)]);
    let tags = selects(here, &[by_tags()]);
    let released = DesiredEnforcement { on_deselect: OnDeselect::Release, ..text(&both) };
    let refused = DesiredEnforcement { is_unresolved: true, ..text(&selects(here, &[unit()])) };
    let absent = Selection::new(Presence::Absent, &BTreeSet::new(), BTreeSet::new());
    let by_id = selects(here, &[TargetMark::unit(UNIT)]);
    let rows = [
        ("the same text", &both, text(&both), OTHER, "deselected"),
        ("its target removed", &both, text(&selects(here, &[unit()])), OTHER, "given up"),
        (
            "the unit above removed",
            &both,
            text(&selects(here, &[account(OTHER)])),
            MEMBER,
            "given up",
        ),
        ("the unit above removed, by its id", &by_id, text(&both), MEMBER, "given up"),
        ("another removed", &both, text(&selects(here, &[unit()])), MANAGEMENT, "deselected"),
        (
            "its Region removed",
            &both,
            text(&selects(&["eu-west-1"], &[unit()])),
            MEMBER,
            "given up",
        ),
        ("a target added", &selects(here, &[unit()]), text(&both), MANAGEMENT, "deselected"),
        ("all of it Absent", &both, text(&absent), OTHER, "given up"),
        ("tags, unchanged", &tags, text(&tags), OTHER, "deselected"),
        ("tags removed", &tags, text(&both), MANAGEMENT, "given up"),
        ("released", &both, released, MANAGEMENT, "given up"),
        ("a target refused", &both, refused, OTHER, "unclear"),
    ];
    for (name, old, now, account, expected) in rows {
        assert_eq!(standing_of(&world(old, now), account), expected, "{name}");
    }
}

#[test]
fn of_several_texts_that_were_left_all_must_release() {
    let both = selects(&[REGION], &[unit(), account(OTHER)]);
    let released = DesiredEnforcement { on_deselect: OnDeselect::Release, ..text(&both) };
    let mut world = world(&both, released.clone());
    record(&mut world, "besides", Some(both.clone()));
    world.enforcements.insert(enforcement("besides"), released);
    assert_eq!(standing_of(&world, MANAGEMENT), "given up");
    world.enforcements.insert(enforcement("besides"), text(&both));
    assert_eq!(standing_of(&world, MANAGEMENT), "deselected");
}

#[test]
fn a_cell_is_given_up_by_the_text_of_an_account_enforcement_alone() {
    let both = selects(&[REGION], &[unit(), account(OTHER)]);
    let now = text(&selects(&[REGION], &[unit()]));
    let given_up = |world: &World, it: &str| is_given_up(&cell(it), &world.context());
    let mut world = world(&both, now.clone());
    assert!(given_up(&world, OTHER));
    assert!(!given_up(&world, MEMBER) && !given_up(&world, MANAGEMENT));
    // The same text of an organization's policy gives up nothing that an account has of its own.
    world.enforcements.clear();
    let fact = world.facts.replicas.get_mut(&key()).unwrap();
    fact.enforcements.clear();
    let policy =
        EnforcementKey { kind: EnforcementKind::Organization, ..enforcement("everywhere") };
    fact.enforcements.insert(policy.clone(), Some(both));
    world.enforcements.insert(policy, now);
    assert!(!given_up(&world, OTHER));
}

#[test]
fn what_a_manifest_selects_and_cannot_have_is_not_given_up() {
    let old = selects(&[REGION], &[account(OTHER)]);
    let mut world = world(&old, text(&selects(&[REGION], &[unit()])));
    assert_eq!(standing_of(&world, OTHER), "given up");
    world.kept.insert(cell(OTHER));
    assert_eq!(standing_of(&world, OTHER), "unclear");
}

#[test]
fn a_value_that_somebody_wrote_over_consents_to_nothing() {
    let mut world = world(&selects(&[REGION], &[unit()]), text(&selects(&[REGION], &[unit()])));
    record(&mut world, "everywhere", None);
    assert_eq!(standing_of(&world, OTHER), "deselected");
}

#[test]
fn a_name_without_a_manifest_blocks_its_guardrail() {
    let selection = selects(&[REGION], &[unit()]);
    let mut world = world(&selection, text(&selection));
    let guardrail = key().guardrail;
    assert!(blocked(&guardrail, &world.context()).is_none());
    record(&mut world, "gone", Some(selection.clone()));
    let held = blocked(&guardrail, &world.context()).unwrap();
    assert_eq!(held.reason, HoldReason::Orphaned);
    assert!(held.message.contains("AccountEnforcement/gone"), "{}", held.message);
    assert!(blocked(&"other".parse().unwrap(), &world.context()).is_none());
    // A manifest that had the name before stands for it.
    let renamed = DesiredEnforcement {
        former_names: BTreeSet::from(["gone".parse().unwrap()]),
        ..text(&selection)
    };
    world.enforcements.insert(enforcement("everywhere"), renamed);
    assert!(blocked(&guardrail, &world.context()).is_none());
}

fn tag(world: &World) -> EnforcementTags {
    tags(&key().guardrail, &world.context())
}

fn value(selection: &Selection) -> BTreeMap<String, String> {
    BTreeMap::from([("bedrail:enforcement/everywhere".to_owned(), selection.to_string())])
}

#[test]
fn a_tag_forgets_what_was_given_up_only_when_it_is_gone() {
    let old = selects(&[REGION], &[unit(), account(OTHER)]);
    let now = selects(&[REGION], &[unit()]);
    let mut world = world(&old, text(&now));
    let slot = Some((guardrail_arn(), version(1)));
    world.facts.cells.insert(cell(OTHER), slot);
    let waiting = tag(&world);
    assert_eq!((waiting.wanted, waiting.is_unsettled), (value(&old), true));
    // A cell that was not read may hold it.
    world.facts.cells.remove(&cell(OTHER));
    assert!(tag(&world).is_unsettled);
    world.facts.cells.insert(cell(OTHER), None);
    // Read to be empty, and then written.
    world.facts.slots_written.insert(cell(OTHER), world.now);
    assert!(tag(&world).is_unsettled);
    world.facts.slots_written.clear();
    // One read does not show what another did.
    world.facts.is_in_doubt = true;
    assert!(tag(&world).is_unsettled);
    world.facts.is_in_doubt = false;
    let settled = tag(&world);
    assert_eq!((settled.wanted, settled.is_unsettled), (value(&now), false));
}

#[test]
fn nothing_is_unsettled_about_a_text_that_gave_nothing_up() {
    let selection = selects(&[REGION], &[unit()]);
    let mut world = world(&selection, text(&selection));
    // Whatever cells that were not read hold.
    world.facts.cells.clear();
    let settled = (value(&selection), BTreeSet::new(), false);
    let said = |world: &World| {
        let tags = tag(world);
        (tags.wanted, tags.unwanted, tags.is_unsettled)
    };
    assert_eq!(said(&world), settled);
    record(&mut world, "everywhere", None);
    assert_eq!(said(&world), settled, "a value that somebody wrote over");
    world.facts.replicas.get_mut(&key()).unwrap().enforcements.clear();
    assert_eq!(said(&world), settled, "a text that nothing records yet");
    record(&mut world, "before", Some(selection.clone()));
    let renamed = DesiredEnforcement {
        former_names: BTreeSet::from(["before".parse().unwrap()]),
        ..text(&selection)
    };
    world.enforcements.insert(enforcement("everywhere"), renamed);
    let former = BTreeSet::from(["bedrail:enforcement/before".to_owned()]);
    assert_eq!(said(&world), (value(&selection), former, false), "a new name");
}

#[test]
fn a_tag_records_at_once_what_a_text_adds() {
    let old = selects(&[REGION], &[account(OTHER)]);
    let now = selects(&[REGION], &[unit()]);
    let mut world = world(&old, text(&now));
    world.facts.cells.insert(cell(OTHER), Some((guardrail_arn(), version(1))));
    assert_eq!(tag(&world).wanted, value(&old.union(&now)));
    record(&mut world, "everywhere", Some(selects(&[REGION], &[])));
    assert_eq!(tag(&world).wanted, value(&now));
}

#[test]
fn the_tag_of_a_teardown_goes_last() {
    let old = selects(&[REGION], &[account(OTHER)]);
    let gone = Selection::new(Presence::Absent, &BTreeSet::new(), BTreeSet::new());
    let mut world = world(&old, DesiredEnforcement { state: Presence::Absent, ..text(&gone) });
    world.facts.cells.insert(cell(OTHER), Some((guardrail_arn(), version(1))));
    let waiting = tag(&world);
    assert_eq!((waiting.wanted, waiting.unwanted), (value(&old), BTreeSet::new()));
    world.facts.cells.insert(cell(OTHER), None);
    let done = tag(&world);
    let name = "bedrail:enforcement/everywhere".to_owned();
    assert_eq!((done.wanted, done.unwanted), (BTreeMap::new(), BTreeSet::from([name])));
}

#[test]
fn a_cell_that_is_to_have_something_else_still_has_what_was_given_up() {
    let old = selects(&[REGION], &[unit(), account(OTHER)]);
    let mut world = world(&old, text(&selects(&[REGION], &[unit()])));
    for it in [MANAGEMENT, OTHER] {
        world.facts.cells.insert(cell(it), None);
    }
    world.facts.cells.insert(cell(MEMBER), Some((guardrail_arn(), version(1))));
    let other = ReplicaKey { guardrail: "other".parse().unwrap(), ..key() };
    let besides: Name = "besides".parse().unwrap();
    let rows = [
        ("as it is", desired_cell(), false),
        ("another guardrail", DesiredCell { replica: other, ..desired_cell() }, true),
        ("nothing", DesiredCell { state: Presence::Absent, ..desired_cell() }, true),
        (
            "nothing, says another",
            DesiredCell { state: Presence::Absent, enforcement: besides, ..desired_cell() },
            false,
        ),
    ];
    for (name, claim, is_unsettled) in rows {
        world.cells.insert(cell(MEMBER), Arc::new(claim));
        assert_eq!(tag(&world).is_unsettled, is_unsettled, "{name}");
    }
}

#[test]
fn the_tag_of_an_organizations_enforcement_forgets_when_its_policies_have() {
    let name: Name = "everywhere".parse().unwrap();
    let policy =
        EnforcementKey { kind: EnforcementKind::Organization, ..enforcement("everywhere") };
    let unit_target = TargetId::Unit(UNIT.parse().unwrap());
    let other_target = TargetId::Account(OTHER.parse().unwrap());
    let now = selects(&[REGION], &[TargetMark::unit(UNIT)]);
    let old = selects(&[REGION, "eu-west-1"], &[TargetMark::unit(UNIT), account(OTHER)]);
    let wanted = desired_policy(&[UNIT]);
    let fact = |of: &str, target: &TargetId, region: &str| PolicyFact {
        targets: BTreeSet::from([target.clone()]),
        regions: BTreeSet::from([region.to_owned()]),
        ..policy_fact(of)
    };
    let is_unsettled = |state: Presence, found: Option<PolicyFact>, written: bool| {
        let mut world = World::with_versions(&content("1"), &[(1, &content("1"))]);
        let replica = world.facts.replicas.get_mut(&key()).unwrap();
        replica.enforcements.insert(policy.clone(), Some(old.clone()));
        let text = DesiredEnforcement {
            state,
            former_names: BTreeSet::from(["before".parse().unwrap()]),
            ..text(&now)
        };
        world.enforcements.insert(policy.clone(), text);
        world.organization.insert(name.clone(), wanted.clone());
        let found = found.map(|it| ("p-examplepolicy".parse().unwrap(), it));
        world.facts.own_policies = Some(found.into_iter().collect());
        world.facts.policies_written = written.then_some(world.now);
        tag(&world).is_unsettled
    };
    let rows = [
        ("only what is wanted", fact("everywhere", &unit_target, REGION), false),
        ("the target that was given up", fact("everywhere", &other_target, REGION), true),
        ("the Region that was given up", fact("everywhere", &unit_target, "eu-west-1"), true),
        ("the target, under its former name", fact("before", &other_target, REGION), true),
        ("the target, but by another's policy", fact("besides", &other_target, REGION), false),
    ];
    for (what, found, unsettled) in rows {
        let is = is_unsettled(Presence::Present, Some(found), false);
        assert_eq!(is, unsettled, "{what}");
    }
    let wanted_no_more = fact("everywhere", &unit_target, REGION);
    assert!(is_unsettled(Presence::Absent, Some(wanted_no_more), false), "a policy is there yet");
    assert!(!is_unsettled(Presence::Absent, None, false), "no policy is left");
    assert!(is_unsettled(Presence::Absent, None, true), "one may have been attached meanwhile");
}
