//! An enforcement that is called otherwise now.

use super::*;

/// The text of `everywhere`, which was called `before`.
fn renamed(world: &mut World) {
    said(world, &selects(&[REGION], &[UNIT], &[]), selects(&[REGION], &[UNIT], &[]));
    let text = world.enforcements.values_mut().next().unwrap();
    text.former_names.insert("before".parse().unwrap());
}

fn of_before() -> ObservedPolicy {
    ObservedPolicy {
        name: "bedrail-us-before".to_owned(),
        enforcement: Some("before".parse().unwrap()),
        ..policy(content_of(2), &[UNIT])
    }
}

#[test]
fn a_former_name_hands_its_policy_over_and_nothing_else_happens_to_it() {
    let mut world = world();
    renamed(&mut world);
    let plan = once(&world, want(&[UNIT]), &seen([of_before()]));
    let [Step::TagPolicy { id, tags, .. }, Step::RenamePolicy { id: same, name, .. }] =
        plan.steps.as_slice()
    else {
        panic!("{plan:?}")
    };
    assert_eq!((id, id.as_str()), (same, POLICY));
    assert_eq!(
        (name.as_str(), tags["bedrail:enforcement"].as_str()),
        ("bedrail-us-everywhere", "everywhere")
    );
    assert_eq!(summary(&plan).len(), 2, "{plan:?}");
    assert_eq!(
        once(&world, want(&[UNIT]), &seen([policy(content_of(2), &[UNIT])])),
        Plan::default()
    );
}

#[test]
fn a_crash_between_mark_and_name_leaves_the_name_to_do() {
    let mut world = world();
    renamed(&mut world);
    let half = ObservedPolicy { name: of_before().name, ..policy(content_of(2), &[UNIT]) };
    let plan = once(&world, want(&[UNIT]), &seen([half.clone()]));
    assert!(matches!(plan.steps.as_slice(), [Step::RenamePolicy { .. }]), "{plan:?}");
    // A name that somebody has taken is not fought for.
    let other = ObservedPolicy {
        id: "p-bbbbbbbb".parse().unwrap(),
        owner: None,
        enforcement: None,
        ..policy(content_of(1), &[])
    };
    assert!(once(&world, want(&[UNIT]), &seen([half, other])).steps.is_empty());
}

#[test]
fn without_the_former_name_the_old_policy_is_an_orphan_and_stays() {
    let mut world = world();
    let plan = twice(&mut world, &want(&[UNIT]), &seen([of_before()]));
    assert_eq!(summary(&plan), ["CreatePolicy", "orphan"]);
    // So is one of the former name beside one of the present.
    renamed(&mut world);
    let before = ObservedPolicy { id: "p-aaaaaaaa".parse().unwrap(), ..of_before() };
    let plan = once(&world, want(&[UNIT]), &seen([before, policy(content_of(2), &[UNIT])]));
    assert_eq!(summary(&plan), ["orphan"]);
}

#[test]
fn what_a_text_gives_up_while_it_is_renamed_is_given_up() {
    let mut world = world();
    renamed(&mut world);
    // The tags know the old name only.
    let fact = world.facts.replicas.get_mut(&key()).unwrap();
    let (mut name, old) = fact.enforcements.pop_first().unwrap();
    name.name = "before".parse().unwrap();
    assert!(old.is_some());
    fact.enforcements.insert(name, Some(selects(&[REGION], &[UNIT], &[OTHER])));
    let live = ObservedPolicy { targets: policy(json!({}), &[UNIT, OTHER]).targets, ..of_before() };
    let plan = twice(&mut world, &want(&[UNIT]), &seen([live]));
    assert_eq!(summary(&plan), ["TagResource", "UpdatePolicy", "DetachPolicy"]);
}

#[test]
fn of_several_for_one_document_the_one_with_its_name_is_kept_and_else_the_lowest_id() {
    let of = |id: &str, name: &str| ObservedPolicy {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        ..policy(content_of(1), &[UNIT])
    };
    for (others_name, kept) in [("renamed", POLICY), ("bedrail-us-everywhere", "p-aaaaaaaa")] {
        let live = [of("p-aaaaaaaa", others_name), policy(content_of(1), &[UNIT])];
        let plan = once(&world(), want(&[UNIT]), &seen(live));
        let [Step::UpdatePolicy { id, .. }] = plan.steps.as_slice() else { panic!("{plan:?}") };
        assert_eq!(id.as_str(), kept);
    }
}
