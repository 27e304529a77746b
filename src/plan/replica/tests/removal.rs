use super::*;

/// Name, what is different in the world, expected summary.
type WorldCase<'a> = (&'a str, fn(&mut World), &'a [&'a str]);

#[test]
fn what_should_be_absent_goes_only_when_nothing_references_it() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let seen = observed(guardrail(&a));
    let reference = || Some((guardrail(&content("a")).arn, version(1)));
    let cases: [WorldCase; 6] = [
        ("unreferenced", |_| (), &["DeleteGuardrail"]),
        ("policies unread", |it| it.facts.policies = None, &["held Unreadable"]),
        ("a cell unread", |it| drop(it.facts.cells.remove(&cell(MEMBER))), &["held Unreadable"]),
        ("organization unread", |it| it.facts.fleet = None, &["held Unreadable"]),
        (
            "another guardrail in a slot",
            |it| {
                it.facts.cells.insert(cell(MEMBER), Some((arn("zzz"), version(1))));
            },
            &["DeleteGuardrail"],
        ),
        (
            "a suspended account's cell unread",
            |it| {
                assert!(!it.facts.cells.contains_key(&cell(crate::plan::fixture::SUSPENDED)));
            },
            &["DeleteGuardrail"],
        ),
    ];
    for (name, change, expected) in cases {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(summary(&long_after(&mut world, &want, &seen)), expected, "{name}");
    }
    let mut world = World::new();
    world.facts.cells.insert(cell(MEMBER), reference());
    assert_eq!(summary(&long_after(&mut world, &want, &seen)), ["held Referenced"]);
    let mut world = World::new();
    world.facts.policies = Some(reference().into_iter().collect());
    assert_eq!(summary(&long_after(&mut world, &want, &seen)), ["held Referenced"]);
}

#[test]
fn cells_nobody_read_are_asked_for() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let mut world = World::new();
    world.facts.cells.remove(&cell(MEMBER));
    let plan = second(&mut world, &want, &observed(guardrail(&a)));
    assert_eq!(plan.needs, [cell(MEMBER)]);
}

/// Without it a guardrail that somebody came to reference since the last resync would be deleted.
#[test]
fn what_was_read_before_the_removal_began_is_read_again() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let seen = observed(guardrail(&a));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    world.wait(1);
    let began = world.now;
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    let mut visit = |world: &mut World, cells: Duration, policies: Duration| {
        world.now = began + Duration::from_mins(1);
        world.facts.policies_read = Some(policies);
        world.facts.cells_read.insert(cell(MEMBER), cells);
        plan_replica(&key(), &want, &seen, &mut memory, &world.context())
    };
    let before = began.saturating_sub(Duration::from_secs(1));
    let plan = visit(&mut world, before, began);
    assert_eq!(summary(&plan), ["held Confirming"]);
    assert_eq!((plan.needs, plan.needs_policies), (vec![cell(MEMBER)], false));
    let plan = visit(&mut world, began, before);
    assert_eq!(summary(&plan), ["held Confirming"]);
    assert_eq!((plan.needs, plan.needs_policies), (vec![], true));
    let plan = visit(&mut world, began, began);
    assert_eq!(summary(&plan), ["DeleteGuardrail"]);
}

#[test]
fn a_reference_seen_in_between_starts_the_confirmation_over() {
    let a = content("a");
    let want = DesiredReplica { state: Presence::Absent, ..desired(&a) };
    let seen = observed(guardrail(&a));
    let (mut world, mut memory) = (World::new(), ReplicaMemory::default());
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(holds(&plan), [HoldReason::Confirming]);
    world.facts.policies = None;
    plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    world.facts.policies = Some(BTreeSet::new());
    world.wait(5);
    let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
    assert_eq!(holds(&plan), [HoldReason::Confirming]);
}
