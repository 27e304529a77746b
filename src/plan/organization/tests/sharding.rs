//! Documents that are too long for one policy.

use super::super::shards::Blocks;
use super::*;
use crate::model::Region;
use crate::plan::describe::sighting;

/// More Regions than one document has room for, with the guardrail published in each.
fn many(count: usize) -> (World, DesiredOrganizationEnforcement) {
    let mut world = world();
    let mut want = want(&[ROOT]);
    let (replica, fact) = (world.replicas[&key()].clone(), world.facts.replicas[&key()].clone());
    for number in 0..count {
        let region: Region = format!("ap-south-{number}").parse().unwrap();
        let key = ReplicaKey { region: region.clone(), ..key() };
        let mut fact = fact.clone();
        fact.arn = fact.arn.to_string().replace(REGION, region.as_str()).parse().unwrap();
        fact.policy = Some(crate::plan::fixture::open_policy(&fact.arn));
        world.replicas.insert(key.clone(), replica.clone());
        world.facts.replicas.insert(key, fact);
        want.regions.insert(region);
    }
    want.settings.models.excluded =
        (0..6).map(|index| format!("amazon.titan-embed-text-v{index}:0")).collect();
    (world, want)
}

/// The policies that a plan makes, as they are listed next.
fn made(plan: &Plan) -> Vec<ObservedPolicy> {
    let mut policies = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let Step::CreatePolicy { shard, name, content, tags, .. } = step else {
            panic!("{plan:?}")
        };
        assert!(document::size(content) <= document::SIZE_MAX);
        policies.push(ObservedPolicy {
            id: format!("p-{index}aaaaaaa").parse().unwrap(),
            name: name.clone(),
            shard: tags.get("bedrail:shard").map(|it| it.parse().unwrap()),
            lane: None,
            rollouts: BTreeMap::new(),
            ..policy(content.clone(), &[])
        });
        assert_eq!((*shard > 1).then_some(*shard), policies[index].shard);
    }
    policies
}

#[test]
fn a_document_that_is_too_long_is_several_policies_each_attached_everywhere() {
    let (mut world, want) = many(30);
    let mut policies = made(&twice(&mut world, &want, &seen([])));
    let names: Vec<&str> = policies.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["bedrail-us-everywhere", "bedrail-us-everywhere.2"]);
    let plan = once(&world, want.clone(), &seen(policies.clone()));
    assert_eq!(summary(&plan), ["AttachPolicy", "AttachPolicy"]);
    for policy in &mut policies {
        policy.targets.extend(want.targets.clone());
    }
    assert_eq!(once(&world, want.clone(), &seen(policies.clone())), Plan::default());

    // Torn down like one.
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want };
    let live = seen(policies.clone());
    assert_eq!(summary(&twice(&mut world, &absent, &live)), ["DetachPolicy", "DetachPolicy"]);
    for policy in &mut policies {
        policy.targets.clear();
    }
    let detached = seen(policies);
    assert_eq!(summary(&twice(&mut world, &absent, &detached)), ["DeletePolicy", "DeletePolicy"]);
}

#[test]
fn a_shard_is_known_by_its_tag_else_by_its_name_and_marked_again() {
    let (mut world, want) = many(30);
    let mut policies = made(&twice(&mut world, &want, &seen([])));
    for policy in &mut policies {
        policy.targets.extend(want.targets.clone());
    }
    policies[1].shard = None;
    let plan = once(&world, want.clone(), &seen(policies.clone()));
    assert_eq!(summary(&plan), ["TagResource"]);
    policies[1].shard = Some(2);
    policies[1].name = "renamed by hand".to_owned();
    assert_eq!(once(&world, want, &seen(policies)), Plan::default());
}

#[test]
fn a_shard_whose_regions_were_all_given_up_goes_and_the_last_one_does_not() {
    let (mut world, mut want) = many(30);
    let mut policies = made(&twice(&mut world, &want, &seen([])));
    for policy in &mut policies {
        policy.targets.extend(want.targets.clone());
    }
    let all: Vec<String> = want.regions.iter().map(ToString::to_string).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let first = blocks(&policies[0].content);
    let kept: Vec<&str> = first.keys().map(String::as_str).collect();
    want.regions = kept.iter().map(|it| it.parse().unwrap()).collect();
    // Not, while no text gave them up.
    let unnamed = twice(&mut world, &want, &seen(policies.clone()));
    assert_eq!(unnamed.steps, [], "{unnamed:?}");
    assert_eq!(unnamed.orphans.len(), all.len() - kept.len());
    said(&mut world, &selects(&all, &[], &[]), selects(&kept, &[], &[]));
    // Not, while the other is in force nowhere.
    let attached = std::mem::take(&mut policies[0].targets);
    let beside = twice(&mut world, &want, &seen(policies.clone()));
    assert_eq!(summary(&beside)[0], "AttachPolicy");
    assert!(!summary(&beside).iter().any(|it| it == "DetachPolicy"), "{beside:?}");
    policies[0].targets = attached;
    assert_eq!(summary(&twice(&mut world, &want, &seen(policies.clone()))), ["DetachPolicy"]);
    policies[1].targets.clear();
    assert_eq!(summary(&twice(&mut world, &want, &seen(policies.clone()))), ["DeletePolicy"]);
    // Alone, it stays until another is in force.
    policies[1].targets.extend(want.targets.clone());
    let second = policies.remove(1);
    let plan = twice(&mut world, &want, &seen([second]));
    assert!(!summary(&plan).iter().any(|it| it == "DetachPolicy"), "{plan:?}");
}

#[test]
fn a_shard_whose_regions_were_all_given_up_stays_for_one_that_has_room_nowhere_else() {
    let (mut world, mut want) = many(31);
    let new = want.regions.pop_last().unwrap();
    let mut policies = made(&twice(&mut world, &want, &seen([])));
    for policy in &mut policies {
        policy.targets.extend(want.targets.clone());
    }
    let all: Vec<String> = want.regions.iter().map(ToString::to_string).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let kept = blocks(&policies[0].content);
    want.regions = kept.keys().map(|it| it.parse().unwrap()).chain([new]).collect();
    let now: Vec<String> = want.regions.iter().map(ToString::to_string).collect();
    let now: Vec<&str> = now.iter().map(String::as_str).collect();
    said(&mut world, &selects(&all, &[], &[]), selects(&now, &[], &[]));
    let plan = twice(&mut world, &want, &seen(policies));
    assert_eq!(summary(&plan), ["UpdatePolicy", "held InProgress"]);
}

#[test]
fn a_policy_that_was_just_made_and_is_not_listed_gets_no_second_place() {
    let (mut world, want) = many(30);
    let mut memory = Sightings::default();
    let policies = made(&twice(&mut world, &want, &seen([])));
    for number in [1, 2] {
        let object = sighting::policy(&"everywhere".parse().unwrap(), number);
        memory.wrote(&object, world.now);
    }
    let [_, second] = policies.as_slice() else { panic!() };
    let (desired, seen) = (desired(want), seen([second.clone()]));
    let plan = plan_organization(&desired, &seen, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["AttachPolicy", "held InProgress"]);
}

#[test]
fn a_policy_that_was_just_made_and_is_listed_keeps_nothing_waiting() {
    let (world, mut memory) = (world(), Sightings::default());
    memory.wrote(&sighting::policy(&"everywhere".parse().unwrap(), 1), world.now);
    let listed = seen([policy(content_of(2), &[])]);
    let all = desired(want(&[ROOT]));
    let plan = plan_organization(&all, &listed, &mut memory, &world.context());
    assert_eq!(summary(&plan), ["AttachPolicy"]);
    let plan = plan_organization(&all, &seen([]), &mut memory, &world.context());
    assert_eq!(summary(&plan), ["held InProgress"]);
}

/// What becomes of the policies by a step.
fn carry_out(step: &Step, policies: &mut Vec<ObservedPolicy>) {
    let find = |id: &PolicyId| policies.iter().position(|it| it.id == *id).unwrap();
    if let Step::AttachPolicy { id, target, .. } = step {
        let at = find(id);
        policies[at].targets.insert(target.clone());
    } else if let Step::UpdatePolicy { id, content, .. } = step {
        assert!(document::size(content) <= document::SIZE_MAX);
        let at = find(id);
        policies[at].content = content.clone();
    } else if let Step::CreatePolicy { shard, name, content, .. } = step {
        policies.push(ObservedPolicy {
            id: "p-another1".parse().unwrap(),
            name: name.clone(),
            shard: Some(*shard),
            ..policy(content.clone(), &[])
        });
    } else {
        panic!("{step:?}");
    }
}

/// Regions move to another policy first, as they are; every Region is said at every moment.
#[test]
fn a_document_that_outgrows_its_policy_moves_regions_without_a_gap() {
    let (mut world, mut want) = many(22);
    let long = std::mem::take(&mut want.settings.models.excluded);
    let mut policies = made(&twice(&mut world, &want, &seen([])));
    assert_eq!(policies.len(), 1);
    policies[0].targets.extend(want.targets.clone());
    want.settings.models.excluded = long;

    let mut memory = Sightings::default();
    let all = desired(want.clone());
    let mut plan = |world: &mut World, policies: &[ObservedPolicy]| {
        world.wait(60);
        let listed = seen(policies.to_vec());
        plan_organization(&all, &listed, &mut memory, &world.context())
    };
    let mut seen_steps = Vec::new();
    for _ in 0..20 {
        let mut next = plan(&mut world, &policies);
        if policies.len() == 2 && policies[1].targets.is_empty() {
            // However long the other one takes to be attached.
            next = plan(&mut world, &policies);
        }
        if next == Plan::default() {
            break;
        }
        for step in &next.steps {
            seen_steps.push(step.operation().replace("organizations:", ""));
            carry_out(step, &mut policies);
            let attached = policies.iter().filter(|it| it.targets == want.targets);
            let said: BTreeSet<String> =
                attached.flat_map(|it| blocks(&it.content).into_keys()).collect();
            assert_eq!(said.len(), want.regions.len(), "a gap after {seen_steps:?}");
        }
    }
    let moved = ["CreatePolicy", "AttachPolicy", "UpdatePolicy", "UpdatePolicy", "UpdatePolicy"];
    assert_eq!(seen_steps, moved);
    let documents: Vec<Blocks> = policies.iter().map(|it| blocks(&it.content)).collect();
    assert_eq!(documents[0].len() + documents[1].len(), want.regions.len(), "each once");
    assert_eq!(plan(&mut world, &policies), Plan::default());
}

#[test]
fn a_region_that_no_policy_has_room_for_is_named() {
    let mut want = want(&[ROOT]);
    want.settings.models.excluded = (0..400).map(|it| format!("a.model-{it:020}:0")).collect();
    let plan = once(&world(), want, &seen([policy(content_of(2), &[ROOT])]));
    assert_eq!(summary(&plan), ["held Quota"]);
    assert!(plan.held[0].message.contains(REGION), "{plan:?}");
}

#[test]
fn an_eleventh_policy_is_not_attached_and_the_ten_are_named() {
    let strangers = (0..10).map(|index| ObservedPolicy {
        id: format!("p-{index}zzzzzzz").parse().unwrap(),
        name: format!("theirs-{index}"),
        owner: None,
        enforcement: None,
        ..policy(json!({}), &[ROOT])
    });
    let plan =
        once(&world(), want(&[ROOT, UNIT]), &seen(strangers.chain([policy(content_of(2), &[])])));
    assert_eq!(summary(&plan), ["AttachPolicy", "held Quota"]);
    assert!(plan.held[0].message.contains("theirs-9"), "{}", plan.held[0].message);
}

#[test]
fn a_written_name_is_that_of_the_first_policy_and_the_others_are_numbered() {
    let (mut world, want) = many(30);
    let (long, cut) = ("x".repeat(128), format!("{}.2", "x".repeat(126)));
    for (written, second) in [("Theirs", "Theirs.2"), (&long, &cut)] {
        let policy_name = Some(written.to_owned());
        let want = DesiredOrganizationEnforcement { policy_name, ..want.clone() };
        let mut policies = made(&twice(&mut world, &want, &seen([])));
        let names: Vec<&str> = policies.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, [written, second]);
        for policy in &mut policies {
            policy.targets.extend(want.targets.clone());
        }
        assert_eq!(once(&world, want.clone(), &seen(policies.clone())), Plan::default());
        // Without their marks they are known by name.
        for policy in &mut policies {
            (policy.enforcement, policy.shard) = (None, None);
        }
        let plan = once(&world, want, &seen(policies));
        assert_eq!(summary(&plan), ["TagResource", "TagResource"]);
    }
}

#[test]
fn nobodys_policy_is_not_taken_over_for_a_number_after_a_written_name() {
    let (mut world, want) = many(30);
    let stranger = |name: &str| ObservedPolicy {
        id: "p-strangers".parse().unwrap(),
        name: name.to_owned(),
        owner: None,
        enforcement: None,
        ..policy(content_of(1), &[])
    };
    let want = DesiredOrganizationEnforcement { adopt: true, ..want };
    let written =
        DesiredOrganizationEnforcement { policy_name: Some("Theirs".to_owned()), ..want.clone() };
    let plan = twice(&mut world, &written, &seen([stranger("Theirs.2")]));
    assert_eq!(made(&plan).len(), 1);
    assert!(plan.refusals.iter().any(|it| it.message.contains("rename it")), "{plan:?}");
    let plan = twice(&mut world, &want, &seen([stranger("bedrail-us-everywhere.2")]));
    assert!(plan.steps.iter().any(|it| matches!(it, Step::TagPolicy { .. })), "{plan:?}");
}
