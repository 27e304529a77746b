use super::*;
use crate::model::TargetMark;
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, REGION, UNIT, World, cell, content, guardrail_arn, key, version,
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
    DesiredEnforcement {
        state: Presence::Present,
        guardrail: key().guardrail,
        selection: selection.clone(),
        former_names: BTreeSet::new(),
        on_deselect: OnDeselect::Keep,
        is_unresolved: false,
        spec_hash: String::new(),
    }
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
    let settled = tag(&world);
    assert_eq!((settled.wanted, settled.is_unsettled), (value(&now), false));
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
