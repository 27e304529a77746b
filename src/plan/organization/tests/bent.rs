//! Foreign policies on our paths, and what the accounts show.

use super::super::bent::{all_in_place, in_place, patience};
use super::*;

/// A stranger's policy that assigns another guardrail.
fn strangers(targets: &[&str]) -> ObservedPolicy {
    ObservedPolicy {
        id: "p-strangers".parse().unwrap(),
        name: "strangers".to_owned(),
        owner: None,
        enforcement: None,
        ..policy(content_of(1), targets)
    }
}

#[test]
fn a_policy_is_not_attached_where_a_strangers_would_have_the_last_word() {
    let world = world();
    let live = seen([policy(content_of(2), &[]), strangers(&[MEMBER])]);
    let plan = once(&world, want(&[UNIT, OTHER]), &live);
    assert_eq!(summary(&plan), ["AttachPolicy", "held ForeignPolicy"]);
    let Step::AttachPolicy { target, .. } = &plan.steps[0] else { panic!() };
    assert_eq!(target.to_string(), OTHER);
    let message = &plan.held[0].message;
    for said in ["not attached to /Workloads", "`strangers` (p-strangers)", MEMBER, "identifier"] {
        assert!(message.contains(said), "{said}: {message}");
    }
    // A lock above it takes its word away.
    let locked = DesiredOrganizationEnforcement { allow_override: false, ..want(&[UNIT]) };
    let plan = once(&world, locked, &live);
    assert_eq!(summary(&plan), ["UpdatePolicy", "AttachPolicy"]);
}

#[test]
fn what_was_in_place_is_restored_whatever_bends_it() {
    let world = world();
    let mut memory = Sightings::default();
    let mut visit = |wanted: &[&str], targets: &[&str]| {
        let live = seen([policy(content_of(2), targets), strangers(&[MEMBER])]);
        let all = desired(want(wanted));
        summary(&plan_organization(&all, &live, &mut memory, &world.context()))
    };
    assert_eq!(visit(&[UNIT], &[UNIT]), ["held ForeignPolicy"]);
    assert_eq!(visit(&[UNIT], &[]), ["AttachPolicy"]);
    // What was given up and is gone is new when it is wanted again.
    assert_eq!(visit(&[OTHER], &[UNIT, OTHER]), ["held ForeignPolicy", "orphan"]);
    assert_eq!(visit(&[UNIT], &[OTHER]), ["AttachPolicy", "orphan"]);
    assert_eq!(visit(&[OTHER], &[OTHER]), [""; 0]);
    assert_eq!(visit(&[UNIT], &[OTHER]), ["held ForeignPolicy", "orphan"]);
}

#[test]
fn what_is_bent_already_is_said_and_holds_up_no_revision() {
    let live = seen([
        policy(content_of(1), &[ROOT]),
        ObservedPolicy {
            content: json!({"bedrock": {"guardrail_inference": {REGION: {"config_1":
            {"model_enforcement": {"excluded_models": {"@@append": ["m"]}}}}}}}),
            ..strangers(&[UNIT])
        },
    ]);
    let plan = once(&world(), want(&[ROOT]), &live);
    assert_eq!(summary(&plan), ["UpdatePolicy", "held ForeignPolicy"]);
    assert!(plan.held[0].message.contains("changes what is enforced"), "{plan:?}");
}

/// Else what somebody detached of one would count as in place because another is there.
#[test]
fn what_was_in_place_is_remembered_of_each_policy_by_itself() {
    let [one, two]: [PolicyId; 2] = ["p-11111111", "p-22222222"].map(|it| it.parse().unwrap());
    let target = UNIT.parse().unwrap();
    assert_ne!(in_place(&one, &target), in_place(&two, &target));
    assert!(in_place(&one, &target).starts_with(&all_in_place(&one)));
}

#[test]
fn a_region_that_would_be_bent_is_held_and_the_others_are_not() {
    let mut world = world();
    let elsewhere = add_replica_elsewhere(&mut world);
    world.replicas.insert(elsewhere.clone(), world.replicas[&key()].clone());
    let mut want = want(&[ROOT]);
    want.regions.insert(elsewhere.region);
    let text = content_of(1).to_string().replace(REGION, "eu-west-1");
    let theirs =
        ObservedPolicy { content: serde_json::from_str(&text).unwrap(), ..strangers(&[UNIT]) };
    let plan = once(&world, want, &seen([policy(content_of(1), &[ROOT]), theirs]));
    assert_eq!(summary(&plan), ["UpdatePolicy", "held ForeignPolicy"]);
    let [Step::UpdatePolicy { content, .. }] = plan.steps.as_slice() else { panic!() };
    assert_eq!(*content, content_of(2));
    assert!(plan.held[0].message.starts_with("everywhere in eu-west-1"), "{plan:?}");
}

#[test]
fn what_an_account_shows_otherwise_is_waited_for_and_then_named() {
    let mut world = world();
    let mut live = seen([policy(content_of(2), &[ROOT])]);
    let mut memory = Sightings::default();
    live.effective.insert(MEMBER.parse().unwrap(), Read::KnownAbsent);
    let all = desired(want(&[ROOT]));
    let plan = plan_organization(&all, &live, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held InProgress"]);
    let patience = patience(world.context().timing);
    world.wait(patience.as_secs() - 1);
    let plan = plan_organization(&all, &live, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held InProgress"]);
    world.wait(1);
    let plan = plan_organization(&all, &live, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held NotEffective"]);
    assert!(plan.held[0].message.contains(OTHER), "{plan:?}");
    // Once it is as it should be, the waiting begins anew.
    let identifier = guardrail_arn().with_version(version(2));
    let shown = json!({"bedrock": {"guardrail_inference": {REGION: {"config_1": {
        "identifier": identifier, "model_enforcement": {"included_models": ["ALL"]},
        "selective_content_guarding": {"system": "comprehensive", "messages": "comprehensive"}}}}}});
    live.effective.insert(MEMBER.parse().unwrap(), Read::Known(shown));
    assert_eq!(plan_organization(&all, &live, &mut memory, &world.context()), Plan::default());
    live.effective.insert(MEMBER.parse().unwrap(), Read::KnownAbsent);
    let plan = plan_organization(&all, &live, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held InProgress"]);
}
