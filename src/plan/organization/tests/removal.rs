//! What a text gave up leaves: targets, Regions, what is guarded.

use super::*;

/// What protects more comes first, and is read back before anything is left.
#[test]
fn a_target_is_left_only_if_the_text_gave_it_up_and_everything_else_is_attached() {
    let old = selects(&[REGION], &[UNIT], &[OTHER]);
    let rows: &[(&str, Selection, &[&str], &[&str])] = &[
        ("given up", selects(&[REGION], &[UNIT], &[]), &[UNIT, OTHER], &["DetachPolicy"]),
        ("unchanged text", old.clone(), &[UNIT, OTHER], &["orphan"]),
        (
            "the rest not attached yet",
            selects(&[REGION], &[UNIT], &[]),
            &[OTHER],
            &["AttachPolicy", "held InProgress"],
        ),
    ];
    for (name, now, live, expected) in rows {
        let mut world = world();
        said(&mut world, &old, now.clone());
        world.facts.replicas.get_mut(&key()).unwrap().policy =
            Some(crate::plan::fixture::open_policy(&guardrail_arn()));
        let plan = twice(&mut world, &want(&[UNIT]), &seen([policy(content_of(2), live)]));
        assert_eq!(summary(&plan), *expected, "{name}: {plan:?}");
        assert_eq!(plan.losses.len(), usize::from(*name != "unchanged text"), "{name}");
    }
}

#[test]
fn a_region_leaves_the_document_only_if_the_text_gave_it_up() {
    let mut live = blocks(&content_of(2));
    live.insert("eu-west-1".to_owned(), live[REGION].clone());
    let live = policy(document(&live), &[UNIT]);
    let now = selects(&[REGION], &[UNIT], &[]);
    let both = selects(&[REGION, "eu-west-1"], &[UNIT], &[]);
    let rows = [("given up", &both, "DropRegions"), ("never named", &now, "orphan")];
    for (name, old, expected) in rows {
        let mut world = world();
        said(&mut world, old, now.clone());
        let plan = twice(&mut world, &want(&[UNIT]), &seen([live.clone()]));
        if let [Step::DropRegions { content, .. }] = plan.steps.as_slice() {
            assert_eq!((expected, content), ("DropRegions", &content_of(2)), "{name}");
        } else {
            assert_eq!(summary(&plan), [expected], "{name}");
        }
    }
    // One read is not enough, and it counts as lost before it is.
    let mut world = world();
    said(&mut world, &both, now);
    let first = once(&world, want(&[UNIT]), &seen([live]));
    assert_eq!((summary(&first), first.losses.len()), (vec!["held Confirming".to_owned()], 1));
}

#[test]
fn a_region_leaves_the_document_only_once_what_takes_over_and_the_rest_are_in_force() {
    let now = selects(&[REGION], &[UNIT], &[]);
    let both = selects(&[REGION, "eu-west-1"], &[UNIT], &[]);
    let live = |number: u32| {
        let mut blocks = blocks(&content_of(number));
        blocks.insert("eu-west-1".to_owned(), blocks[REGION].clone());
        seen([policy(document(&blocks), &[UNIT])])
    };
    let mut world = world();
    said(&mut world, &both, now);
    let plan = twice(&mut world, &want(&[UNIT]), &live(1));
    assert_eq!(summary(&plan), ["UpdatePolicy", "held InProgress"]);

    let mut other = want(&[UNIT]);
    other.regions = BTreeSet::from(["eu-west-1".parse().unwrap()]);
    world.organization = desired(want(&[UNIT]));
    world.organization.insert("instead".parse().unwrap(), other);
    let plan = twice(&mut world, &want(&[UNIT]), &live(2));
    assert_eq!(summary(&plan), ["held NotEffective"]);
}

/// Otherwise a target would have what its text gave up, for a moment or until somebody approves.
#[test]
fn a_region_leaves_the_document_before_the_policy_is_attached_and_never_beside_an_attachment() {
    let both = selects(&[REGION, "eu-west-1"], &[UNIT], &[]);
    let mut world = world();
    said(&mut world, &both, selects(&[REGION], &[UNIT], &[]));
    add_replica_elsewhere(&mut world);
    let content = {
        let text = content_of(2).to_string().replace(REGION, "eu-west-1");
        let more = blocks(&serde_json::from_str(&text).unwrap());
        document(&blocks(&content_of(2)).into_iter().chain(more).collect())
    };
    let live = |targets: &[&str]| seen([policy(content.clone(), targets)]);
    let mut now = |memory: &mut Sightings, want: DesiredOrganizationEnforcement, live| {
        world.wait(5);
        let plan = plan_organization(&desired(want), &live, memory, &world.context());
        (summary(&plan), plan.losses.len())
    };
    let lines = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();

    let nowhere = &mut Sightings::default();
    assert_eq!(now(nowhere, want(&[UNIT]), live(&[])), (lines(&["held Confirming"]), 0));
    assert_eq!(now(nowhere, want(&[UNIT]), live(&[])), (lines(&["UpdatePolicy"]), 0));
    let right = seen([policy(content_of(2), &[])]);
    assert_eq!(now(nowhere, want(&[UNIT]), right), (lines(&["AttachPolicy"]), 0));

    let elsewhere = &mut Sightings::default();
    for _ in 0..3 {
        let found = now(elsewhere, want(&[UNIT, OTHER]), live(&[UNIT]));
        assert_eq!(found, (lines(&["AttachPolicy", "held InProgress"]), 1));
    }

    // What somebody detached goes back as it was, and at once.
    let by_hand = &mut Sightings::default();
    now(by_hand, want(&[UNIT]), live(&[UNIT]));
    let found = now(by_hand, want(&[UNIT]), live(&[]));
    assert_eq!(found, (lines(&["AttachPolicy", "held InProgress"]), 0));
}

#[test]
fn nothing_of_a_policy_goes_while_a_file_of_its_guardrail_is_missing() {
    let mut world = world();
    let everything = selects(&[REGION], &[UNIT], &[OTHER]);
    said(&mut world, &everything, selects(&[REGION], &[UNIT], &[]));
    let gone = EnforcementKey { kind: EnforcementKind::Account, name: "gone".parse().unwrap() };
    world.facts.replicas.get_mut(&key()).unwrap().enforcements.insert(gone, None);
    let live = seen([policy(content_of(2), &[UNIT, OTHER])]);
    let plan = twice(&mut world, &want(&[UNIT]), &live);
    assert_eq!(holds(&plan), [HoldReason::Orphaned]);
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[UNIT]) };
    assert_eq!(holds(&twice(&mut world, &absent, &live)), [HoldReason::Orphaned]);
}

#[test]
fn a_document_that_guards_less_is_a_loss_at_each_target() {
    let narrower = EnforcementSettings {
        models: crate::model::ModelEnforcement {
            excluded: BTreeSet::from(["a.b".to_owned()]),
            ..Default::default()
        },
        ..EnforcementSettings::default()
    };
    let live = seen([policy(content_of(2), &[UNIT, OTHER])]);
    let without_embeddings =
        EnforcementSettings { exclude_embeddings: true, ..EnforcementSettings::default() };
    let mut world = world();
    for (region, model) in [("ap-south-1", "c.d"), (REGION, "a.b"), ("us-west-2", "c.d")] {
        let models = BTreeSet::from([model.to_owned()]);
        world.facts.embeddings.insert(region.parse().unwrap(), models);
    }
    // Embedding models cannot be called under enforcement: to exclude them takes nothing away.
    let rows =
        [(EnforcementSettings::default(), 0, 0), (narrower, 2, 1), (without_embeddings, 0, 0)];
    for (settings, losses, expected) in rows {
        let want = DesiredOrganizationEnforcement { settings, ..want(&[UNIT, OTHER]) };
        let plan = once(&world, want, &live);
        let steps = plan.steps.iter().filter(|step| step.is_loss()).count();
        assert_eq!((plan.losses.len(), steps), (losses, expected), "{plan:?}");
    }
}

#[test]
fn what_goes_with_the_policy_of_a_wave_is_lost_at_the_nearest_target_above_it() {
    let lane = ObservedPolicy {
        name: "bedrail-us-everywhere.lane-w0".to_owned(),
        lane: Some("w0".to_owned()),
        ..policy(content_of(2), &[MEMBER])
    };
    let absent = |targets: &[&str]| DesiredOrganizationEnforcement {
        state: Presence::Absent,
        ..want(targets)
    };
    for (targets, expected) in
        [([ROOT, UNIT], UNIT), ([ROOT, OTHER], ROOT), ([UNIT, MEMBER], MEMBER)]
    {
        let plan = once(&world(), absent(&targets), &seen([lane.clone()]));
        let lost: BTreeSet<&str> = plan.losses.iter().map(|it| it.object.as_str()).collect();
        assert_eq!(lost, BTreeSet::from([expected]), "{plan:?}");
    }
}
