use serde_json::{Value, json};

use super::*;
use crate::model::{ReplicaKey, UnreadableCell};
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, REGION, UNIT, World, cell, guardrail_arn, key, open_policy, summary,
    unread, version,
};

fn units() -> Share {
    Share::Units(BTreeSet::from([UNIT.parse().unwrap()]))
}

fn plan(world: &World, share: &Share, observed: &Read<Value>, sightings: &mut Sightings) -> Plan {
    let mut plan = Plan::default();
    let (key, arn): (ReplicaKey, _) = (key(), guardrail_arn());
    let context = world.context();
    plan_guardrail_policy((&key, &arn), (share, observed), sightings, &context, &mut plan);
    plan
}

fn once(world: &World, share: &Share, observed: &Read<Value>) -> Plan {
    plan(world, share, observed, &mut Sightings::default())
}

fn twice(world: &mut World, share: &Share, observed: &Read<Value>) -> Plan {
    let mut sightings = Sightings::default();
    plan(world, share, observed, &mut sightings);
    world.wait(5);
    plan(world, share, observed, &mut sightings)
}

fn open() -> Read<Value> {
    Read::Known(open_policy(&guardrail_arn()))
}

#[test]
fn each_share_is_rendered_in_a_shape_the_service_supports() {
    let document = |share: &Share| match once(&World::new(), share, &Read::KnownAbsent).steps.pop()
    {
        Some(Step::PutResourcePolicy { document, .. }) => document,
        other => panic!("{other:?}"),
    };
    assert_eq!(document(&Share::Organization), open_policy(&guardrail_arn()));
    let document = document(&units());
    assert_eq!(
        document["Statement"][0]["Condition"],
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
            "ForAnyValue:StringLike":
                {"aws:PrincipalOrgPaths": ["o-abcdefghij/*/ou-ab12-11111111/*"]}})
    );
    let admitted = |account: &str| {
        let fleet = World::new().facts.fleet.unwrap();
        admits(Some(&document), &guardrail_arn(), &account.parse().unwrap(), &fleet)
    };
    assert!(admitted(MEMBER) && !admitted(OTHER) && admitted(MANAGEMENT));
}

#[test]
fn what_is_shared_as_desired_gets_no_write() {
    let world = World::new();
    let cases = [
        ("nobody, no policy", Share::None, Read::KnownAbsent),
        ("nobody, something else", Share::None, Read::Known(json!({}))),
        ("nobody, a foreign policy", Share::None, Read::Known(json!({"Statement": {"Sid": "x"}}))),
        ("the organization", Share::Organization, open()),
    ];
    for (name, share, live) in cases {
        assert_eq!(once(&world, &share, &live), Plan::default(), "{name}");
    }
}

#[test]
fn an_edited_statement_of_ours_is_put_back_at_once_beside_the_foreign_ones() {
    let foreign = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": MEMBER},
        "Action": "bedrock:GetGuardrail", "Resource": guardrail_arn().to_string()});
    let mut live = open_policy(&guardrail_arn());
    live["Statement"][0]["Action"] = json!(["bedrock:ApplyGuardrail"]);
    live["Statement"].as_array_mut().unwrap().insert(0, foreign.clone());
    let plan = once(&World::new(), &Share::Organization, &Read::Known(live.clone()));
    let [Step::PutResourcePolicy { document, previous, changes, .. }] = plan.steps.as_slice()
    else {
        panic!("{plan:?}")
    };
    assert_eq!(document["Statement"][0], foreign);
    assert_eq!(document["Statement"].as_array().unwrap().len(), 2);
    assert_eq!(previous.as_ref(), Some(&live));
    assert_eq!(changes.len(), 1);
}

#[test]
fn access_goes_only_when_nobody_depends_on_it() {
    let used = || Some((guardrail_arn(), version(1)));
    let mut world = World::new();
    assert_eq!(summary(&once(&world, &units(), &open())), ["held Confirming"]);
    assert_eq!(summary(&twice(&mut world, &units(), &open())), ["PutResourcePolicy"]);
    assert_eq!(summary(&twice(&mut world, &Share::None, &open())), ["DeleteResourcePolicy"]);

    // The member stays admitted by its unit: that it uses the guardrail does not matter.
    world.facts.cells.insert(cell(MEMBER), used());
    assert_eq!(summary(&twice(&mut world, &units(), &open())), ["PutResourcePolicy"]);
    assert_eq!(summary(&twice(&mut world, &Share::None, &open())), ["held Referenced"]);

    let mut world = World::new();
    world.facts.cells.remove(&cell(OTHER));
    let plan = twice(&mut world, &units(), &open());
    assert_eq!(summary(&plan), ["held Unreadable"]);
    assert_eq!(plan.needs, [cell(OTHER)]);

    let mut world = World::new();
    world.facts.policies = Some(used().into_iter().collect());
    assert_eq!(summary(&twice(&mut world, &units(), &open())), ["held Referenced"]);
    world.facts.policies = None;
    assert_eq!(summary(&twice(&mut world, &units(), &open())), ["held Unreadable"]);
}

#[test]
fn access_stays_for_who_cannot_be_read_and_depended_on_it_when_last_read() {
    for is_not_enabled in [false, true] {
        let mut world = World::new();
        world.facts.cells.remove(&cell(OTHER));
        let last_seen = Some((guardrail_arn(), version(1)));
        let unreadable = UnreadableCell { tried: world.now, last_seen, is_not_enabled };
        world.facts.cells_unreadable.insert(cell(OTHER), unreadable);
        let plan = twice(&mut world, &units(), &open());
        assert_eq!(summary(&plan), ["held Referenced"], "not enabled: {is_not_enabled}");
    }
}

#[test]
fn what_cannot_be_read_or_understood_is_left_alone() {
    let mut world = World::new();
    let unknown = Read::Unknown(unread());
    assert_eq!(summary(&twice(&mut world, &Share::None, &unknown)), ["held Unreadable"]);
    let text = Read::Known(json!("no policy"));
    assert_eq!(summary(&once(&world, &Share::Organization, &text)), ["held Failed"]);
    world.facts.fleet = None;
    let live = Read::KnownAbsent;
    assert_eq!(summary(&once(&world, &Share::Organization, &live)), ["held Unreadable"]);
}

#[test]
fn a_policy_over_the_size_limit_is_held_with_the_numbers() {
    let filler = "x".repeat(20_480);
    let live = Read::Known(json!({"Statement": [{"Sid": filler}]}));
    let plan = once(&World::new(), &Share::Organization, &live);
    assert_eq!(summary(&plan), ["held Quota"]);
    assert!(plan.held[0].message.contains("20480"));
}

#[test]
fn a_policy_of_just_the_size_limit_is_written() {
    let live = |length: usize| Read::Known(json!({"Statement": [{"Sid": "x".repeat(length)}]}));
    let planned = |length: usize| once(&World::new(), &Share::Organization, &live(length));
    let step = planned(1).steps.pop();
    let Some(Step::PutResourcePolicy { document, .. }) = step else { panic!("{step:?}") };
    let room = SIZE_MAX - document.to_string().chars().count();
    assert_eq!(summary(&planned(1 + room)), ["PutResourcePolicy"]);
    assert_eq!(summary(&planned(2 + room)), ["held Quota"]);
}

#[test]
fn access_goes_only_after_a_read_that_began_after_it_was_to_go() {
    let mut world = World::new();
    let mut sightings = Sightings::default();
    assert_eq!(summary(&plan(&world, &units(), &open(), &mut sightings)), ["held Confirming"]);
    // The policy was read a second time, and nothing that may depend on it was.
    world.now += world.context().timing.confirm_after;
    let waits = plan(&world, &units(), &open(), &mut sightings);
    assert!(waits.steps.is_empty() && waits.held.len() == 1, "{waits:?}");
    world.wait(0);
    let goes = plan(&world, &units(), &open(), &mut sightings);
    assert_eq!(summary(&goes), ["PutResourcePolicy"]);
}

#[test]
fn what_was_seen_of_one_policy_confirms_nothing_of_another() {
    let mut world = World::new();
    let mut sightings = Sightings::default();
    plan(&world, &units(), &open(), &mut sightings);
    world.wait(5);
    let (key, arn) = (key(), crate::plan::fixture::arn("other"));
    let live = Read::Known(open_policy(&arn));
    let mut plan = Plan::default();
    let context = world.context();
    plan_guardrail_policy((&key, &arn), (&units(), &live), &mut sightings, &context, &mut plan);
    assert_eq!(summary(&plan), ["held Confirming"]);
}

#[test]
fn a_live_policy_states_a_share_if_nothing_would_be_written() {
    let fleet = World::new().facts.fleet.unwrap();
    let stated = |share: &Share, live: &Value| is_stated(live, share, &guardrail_arn(), &fleet);
    let organization = open_policy(&guardrail_arn());
    assert!(stated(&Share::Organization, &organization));
    assert!(!stated(&units(), &organization));
    assert!(!stated(&Share::Organization, &json!({"Statement": []})));
    assert!(!stated(&Share::Organization, &json!("no policy")));
}

#[test]
fn a_profile_admits_the_union_for_applying_alone() {
    let profile = |shares: Vec<Share>| ProfilePolicy {
        account: MANAGEMENT.parse().unwrap(),
        region: "us-west-2".parse().unwrap(),
        resource: format!(
            "arn:aws:bedrock:us-west-2:{MANAGEMENT}:guardrail-profile/us.guardrail.v1:0"
        ),
        shares,
    };
    let mut world = World::new();
    world
        .replicas
        .insert(key(), crate::plan::fixture::desired(&crate::plan::fixture::content("a")));
    let see = |shares: Vec<Share>, live: &Read<Value>, world: &World| {
        let mut sightings = Sightings::default();
        plan_profile_policy(&profile(shares), live, &mut sightings, &world.context())
    };
    let plan = see(vec![units(), Share::Organization], &Read::KnownAbsent, &world);
    let [Step::PutResourcePolicy { document, region, .. }] = plan.steps.as_slice() else {
        panic!()
    };
    assert_eq!(region.as_str(), "us-west-2");
    assert_eq!(document["Statement"][0]["Sid"], "BedrailOrganization");
    assert_eq!(document["Statement"][0]["Action"], json!(["bedrock:ApplyGuardrail"]));

    // A cell of the source Region depends on the profile through any guardrail of the account.
    let live = Read::Known(document.clone());
    world.facts.cells.insert(cell(OTHER), Some((guardrail_arn(), version(1))));
    assert_eq!(cell(OTHER).region.as_str(), REGION);
    assert_eq!(summary(&see(vec![units()], &live, &world)), ["held Referenced"]);
}
