//! What holds of every plan, whatever the two worlds look like.
//!
//! Each world is driven as the daemon would drive it: plan, apply, wait as long as the plan says.

#![expect(clippy::wildcard_enum_match_arm, reason = "a step on the wrong world fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::confirm::Sightings;
use super::fixture::{
    MEMBER, OTHER, REGION, ROOT, UNIT, World, arn, cell, content, desired, guardrail,
    guardrail_arn, key, open_policy, owner, published, unread, version,
};
use super::review::{Mode, Verdict, review};
use super::step::{Plan, Step, Until};
use super::{ReplicaMemory, plan_cell, plan_organization, plan_replica};
use crate::model::Preflight;
use crate::model::{
    DesiredCell, DesiredOrganizationEnforcement, DesiredReplica, EnforcementSettings,
    GuardrailReference, GuardrailStatus, ModelEnforcement, ObservedCell, ObservedEnforcement,
    ObservedOrganization, ObservedPolicy, ObservedReplica, ObservedVersion, OnForeign, OwnerId,
    PolicyId, PolicyTypeStatus, Presence, Read, SelectiveContentGuarding, Share,
};

/// More visits than any world here needs.
const VISITS_MAX: usize = 40;

/// Visits until only facts or people could change anything, and returns every step carried out.
fn settle(
    world: &mut World,
    mut visit: impl FnMut(&mut World) -> Plan,
    mut apply: impl FnMut(&mut World, &Step),
) -> Vec<Step> {
    let mut done = Vec::new();
    for _ in 0..VISITS_MAX {
        let plan = visit(world);
        let waits = plan.held.iter().filter_map(|held| match held.until {
            Until::After(wait) => Some(wait),
            Until::Fact | Until::Person => None,
        });
        let wait = waits.min();
        if plan.steps.is_empty() && wait.is_none() {
            return done;
        }
        match review(plan.clone(), Mode::Act) {
            Verdict::Approved(approved) => {
                for step in approved.steps() {
                    apply(world, step);
                    done.push(step.clone());
                }
            }
            Verdict::Withheld { reason, .. } => panic!("withheld: {reason:?} {plan:?}"),
        }
        world.wait(wait.unwrap_or_default().as_secs());
    }
    panic!("not settled after {VISITS_MAX} visits: {done:?}")
}

fn owner_tag() -> impl Strategy<Value = Option<&'static str>> {
    select(vec![Some("us"), None, Some("them")])
}

fn message() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c"])
}

fn status() -> impl Strategy<Value = GuardrailStatus> {
    select(vec![
        GuardrailStatus::Ready,
        GuardrailStatus::Pending,
        GuardrailStatus::Failed(Vec::new()),
    ])
}

fn versions() -> impl Strategy<Value = Vec<ObservedVersion>> {
    prop::collection::vec((message(), status()), 0..4).prop_map(|all| {
        let version = |(index, (message, status)): (usize, (&str, GuardrailStatus))| {
            let number = u32::try_from(index).unwrap() + 1;
            let (_, version) = published(number, &content(message));
            ObservedVersion { status, ..version }
        };
        all.into_iter().enumerate().map(version).collect()
    })
}

fn resource_policy() -> impl Strategy<Value = Read<Value>> {
    let foreign = json!({"Statement": [{"Sid": "Theirs", "Effect": "Allow",
        "Principal": {"AWS": MEMBER}, "Action": "bedrock:*",
        "Resource": guardrail_arn().to_string()}]});
    select(vec![
        Read::KnownAbsent,
        Read::Known(open_policy(&guardrail_arn())),
        Read::Known(foreign),
    ])
}

prop_compose! {
    fn replica()(
        owner in owner_tag(), draft in message(), status in status(), versions in versions(),
        policy in resource_policy(), exists in any::<bool>(),
    ) -> ObservedReplica {
        let mut guardrail = guardrail(&content(draft));
        guardrail.tags.remove("bedrail:owner");
        guardrail.tags.extend(owner.map(|it| ("bedrail:owner".to_owned(), it.to_owned())));
        guardrail.status = status;
        guardrail.versions = versions.into_iter().map(|it| (it.version, it)).collect();
        guardrail.policy = policy;
        ObservedReplica { guardrail: if exists { Read::Known(guardrail) } else { Read::KnownAbsent } }
    }
}

prop_compose! {
    fn wanted_replica()(
        message in message(), adopt in any::<bool>(), present in prop::bool::weighted(0.8),
        share in select(vec![
            Share::None,
            Share::Organization,
            Share::Units(BTreeSet::from([UNIT.parse().unwrap()])),
        ]),
    ) -> DesiredReplica {
        let state = if present { Presence::Present } else { Presence::Absent };
        DesiredReplica { state, share, adopt, ..desired(&content(message)) }
    }
}

/// What AWS does, when it does it at once.
fn apply_to_replica(
    observed: &mut ObservedReplica,
    memory: &mut ReplicaMemory,
    world: &World,
    step: &Step,
) {
    if let Some(object) = step.sighting() {
        memory.sightings.wrote(&object, world.now);
    }
    let live = match &mut observed.guardrail {
        Read::Known(live) => Some(live),
        Read::KnownAbsent | Read::Unknown(_) => None,
    };
    match (step, live) {
        (Step::CreateGuardrail { content, tags, .. }, None) => {
            let mut new = guardrail(content);
            new.tags = tags.clone();
            memory.created(new.arn.clone());
            observed.guardrail = Read::Known(new);
        }
        (Step::UpdateGuardrail { content, changes, .. }, Some(live)) => {
            live.draft = content.clone();
            live.status = GuardrailStatus::Ready;
            memory.updated(changes);
        }
        (Step::TagGuardrail { tags, .. }, Some(live)) => live.tags.extend(tags.clone()),
        (Step::PublishVersion { replica_revision, description, .. }, Some(live)) => {
            let number = live.versions.keys().next_back().map_or(0, |it| it.number()) + 1;
            let (number, mut new) = published(number, &live.draft);
            new.description = Some(description.clone());
            live.versions.insert(number, new);
            memory.published(replica_revision.clone(), number, world.now);
        }
        (Step::PutResourcePolicy { document, .. }, Some(live)) => {
            live.policy = Read::Known(document.clone());
        }
        (Step::DeleteResourcePolicy { .. }, Some(live)) => live.policy = Read::KnownAbsent,
        (Step::DeleteVersion { version, .. }, Some(live)) => drop(live.versions.remove(version)),
        (Step::DeleteGuardrail { .. }, Some(_)) => observed.guardrail = Read::KnownAbsent,
        (step, _) => panic!("not a step on this world: {step}"),
    }
}

/// Time passes: what was pending is READY.
fn ripen(observed: &mut ObservedReplica) {
    if let Read::Known(live) = &mut observed.guardrail {
        let statuses = live.versions.values_mut().map(|it| &mut it.status);
        for status in statuses.chain([&mut live.status]) {
            if *status == GuardrailStatus::Pending {
                *status = GuardrailStatus::Ready;
            }
        }
    }
}

fn is_foreign(observed: &ObservedReplica, adopt: bool) -> bool {
    observed.guardrail.known().is_some_and(|(live, _)| {
        match live.tags.get("bedrail:owner").map(String::as_str) {
            Some("us") => false,
            Some(_) => true,
            None => !adopt,
        }
    })
}

prop_compose! {
    fn slot()(
        kind in 0..4_u8, number in 1..4_u32, selective in any::<bool>(),
    ) -> ObservedCell {
        let guardrail = if kind == 0 { arn("foreign") } else { guardrail_arn() };
        let mut guarding = SelectiveContentGuarding::default();
        if selective {
            guarding.system = crate::model::Guarding::Selective;
        }
        let slot = ObservedEnforcement {
            config_id: "cfg1".parse().unwrap(),
            guardrail: Some(guardrail),
            version: Some(version(number)),
            guarding,
            models: ModelEnforcement::default(),
            updated_by: None,
            updated_at: None,
        };
        ObservedCell { enforcement: if kind == 3 { Read::KnownAbsent } else { Read::Known(slot) } }
    }
}

fn apply_to_cell(observed: &mut ObservedCell, step: &Step) {
    observed.enforcement = match step {
        Step::PutEnforced { config_id, guardrail, version, settings, .. } => {
            let live = observed.enforcement.known().map(|(live, _)| live.config_id.clone());
            assert_eq!(*config_id, live, "an occupied slot is replaced by its id");
            Read::Known(ObservedEnforcement {
                config_id: config_id.clone().unwrap_or_else(|| "new1".parse().unwrap()),
                guardrail: Some(guardrail.clone()),
                version: Some(*version),
                guarding: settings.guarding,
                models: settings.models.clone(),
                updated_by: None,
                updated_at: None,
            })
        }
        Step::DeleteEnforced { .. } => Read::KnownAbsent,
        step => panic!("not a step on a cell: {step}"),
    };
}

const TARGETS: [&str; 4] = [ROOT, UNIT, MEMBER, OTHER];

fn document_of(number: u32, regions: &[&str]) -> Value {
    let block = json!({"config_1":
        {"identifier": {"@@assign": guardrail_arn().with_version(version(number))}}});
    let blocks: BTreeMap<&str, &Value> = regions.iter().map(|region| (*region, &block)).collect();
    json!({"bedrock": {"guardrail_inference": blocks}})
}

prop_compose! {
    fn policy(id: &'static str)(
        owner in owner_tag(),
        enforcement in select(vec![Some("everywhere"), Some("gone"), None]),
        name in select(vec!["bedrail-us-everywhere", "theirs"]),
        number in 1..3_u32, empty in any::<bool>(),
        targets in subsequence(TARGETS.to_vec(), 0..=4),
    ) -> ObservedPolicy {
        ObservedPolicy {
            id: id.parse().unwrap(),
            name: name.to_owned(),
            owner: owner.map(|it| it.parse().unwrap()),
            enforcement: enforcement.map(|it| it.parse().unwrap()),
            shard: None,
            lane: None,
            rollouts: BTreeMap::new(),
            content: if empty { json!({}) } else { document_of(number, &[REGION]) },
            targets: targets.into_iter().map(|it| it.parse().unwrap()).collect(),
        }
    }
}

prop_compose! {
    fn organization()(
        policies in subsequence(vec!["p-aaaaaaaa", "p-bbbbbbbb"], 0..=2).prop_flat_map(|ids| {
            ids.into_iter().map(policy).collect::<Vec<_>>()
        }),
        enabled in any::<bool>(),
    ) -> ObservedOrganization {
        ObservedOrganization {
            organization: "o-abcdefghij".parse().unwrap(),
            root: ROOT.parse().unwrap(),
            bedrock_policies:
                if enabled { PolicyTypeStatus::Enabled } else { PolicyTypeStatus::Disabled },
            policies: Read::Known(policies.into_iter().map(|it| (it.id.clone(), it)).collect()),
            invalid: Read::KnownAbsent,
            effective: BTreeMap::new(),
        }
    }
}

prop_compose! {
    fn wanted_policy()(
        present in prop::bool::weighted(0.7), adopt in any::<bool>(), allow_override in any::<bool>(),
        targets in subsequence(TARGETS.to_vec(), 1..=4),
    ) -> DesiredOrganizationEnforcement {
        DesiredOrganizationEnforcement {
            policy_name: None,
            state: if present { Presence::Present } else { Presence::Absent },
            guardrail: GuardrailReference { name: key().guardrail, revision: None },
            regions: BTreeSet::from([REGION.parse().unwrap()]),
            settings: EnforcementSettings::default(),
            allow_override,
            targets: targets.into_iter().map(|it| it.parse().unwrap()).collect(),
            adopt,
            preflight: Preflight::default(),
        }
    }
}

fn policies(observed: &mut ObservedOrganization) -> &mut BTreeMap<PolicyId, ObservedPolicy> {
    match &mut observed.policies {
        Read::Known(policies) => policies,
        Read::KnownAbsent | Read::Unknown(_) => panic!("the policies of these worlds are known"),
    }
}

fn apply_to_organization(observed: &mut ObservedOrganization, step: &Step) {
    let owner_of = |tags: &BTreeMap<String, String>| -> Option<OwnerId> {
        tags.get("bedrail:owner").map(|it| it.parse().unwrap())
    };
    match step {
        Step::EnablePolicyType { .. } => observed.bedrock_policies = PolicyTypeStatus::Enabled,
        Step::CreatePolicy { enforcement, name, content, tags, .. } => {
            let new = ObservedPolicy {
                id: "p-nnnnnnnn".parse().unwrap(),
                name: name.clone(),
                owner: owner_of(tags),
                enforcement: Some(enforcement.clone()),
                shard: tags.get("bedrail:shard").map(|it| it.parse().unwrap()),
                lane: None,
                rollouts: BTreeMap::new(),
                content: content.clone(),
                targets: BTreeSet::new(),
            };
            let before = policies(observed).insert(new.id.clone(), new);
            assert!(before.is_none(), "created twice");
        }
        Step::DeletePolicy { id, .. } => {
            let gone = policies(observed).remove(id).unwrap();
            assert!(gone.targets.is_empty(), "deleted while attached");
        }
        Step::UpdatePolicy { id, .. }
        | Step::TagPolicy { id, .. }
        | Step::AttachPolicy { id, .. }
        | Step::DetachPolicy { id, .. } => {
            apply_to_policy(policies(observed).get_mut(id).unwrap(), step);
        }
        step => panic!("not a step on the organization: {step}"),
    }
}

fn apply_to_policy(policy: &mut ObservedPolicy, step: &Step) {
    match step {
        Step::UpdatePolicy { content, .. } => policy.content = content.clone(),
        Step::TagPolicy { enforcement, tags, .. } => {
            policy.owner = tags.get("bedrail:owner").map(|it| it.parse().unwrap());
            policy.enforcement = Some(enforcement.clone());
        }
        Step::AttachPolicy { target, .. } => {
            assert!(policy.content.pointer("/bedrock/guardrail_inference").is_some(), "empty");
            assert!(policy.targets.insert(target.clone()), "attached twice");
        }
        Step::DetachPolicy { target, .. } => assert!(policy.targets.remove(target)),
        step => panic!("not a step on a policy: {step}"),
    }
}

/// `a` is version 1, `b`, which the manifest asks for, is version 2.
fn enforcing_world() -> World {
    World::with_versions(&content("b"), &[(1, &content("a")), (2, &content("b"))])
}

fn wanted_cell(state: Presence, on_foreign: OnForeign) -> DesiredCell {
    DesiredCell {
        state,
        enforcement: "everywhere".parse().unwrap(),
        revision: None,
        replica: key(),
        settings: EnforcementSettings::default(),
        on_foreign,
        preflight: Preflight::default(),
    }
}

proptest! {
    #[test]
    fn a_replica_settles_as_desired_and_what_is_not_ours_stays_as_it_was(
        seen in replica(), want in wanted_replica(),
    ) {
        let mut world = World::new();
        let (observed, memory) =
            (std::cell::RefCell::new(seen.clone()), std::cell::RefCell::new(ReplicaMemory::default()));
        let steps = settle(
            &mut world,
            |world| {
                let plan = plan_replica(
                    &key(), &want, &observed.borrow(), &mut memory.borrow_mut(), &world.context(),
                );
                if plan.steps.is_empty() {
                    ripen(&mut observed.borrow_mut());
                }
                plan
            },
            |world, step| {
                apply_to_replica(&mut observed.borrow_mut(), &mut memory.borrow_mut(), world, step);
            },
        );
        let end = observed.into_inner();
        let adopt = want.adopt && want.state == Presence::Present;
        if is_foreign(&seen, adopt) {
            prop_assert!(steps.is_empty(), "{steps:?}");
            return Ok(());
        }
        match (want.state, &end.guardrail) {
            (Presence::Absent, end) => prop_assert_eq!(end, &Read::KnownAbsent),
            (Presence::Present, Read::Known(live)) => {
                prop_assert_eq!(live.tags.get("bedrail:owner").map(String::as_str), Some("us"));
                // A DRAFT that AWS failed to prepare, with our content, is a person's.
                if live.status == GuardrailStatus::Ready {
                    prop_assert_eq!(&live.draft, &want.content);
                    prop_assert!(super::replica_fact(&end, &owner(), &key().guardrail, false)
                        .unwrap().versions.contains_key(&want.replica_revision));
                }
            }
            (Presence::Present, _) => prop_assert!(false, "not created: {steps:?}"),
        }
    }

    #[test]
    fn equal_arguments_give_equal_plans(seen in replica(), want in wanted_replica()) {
        let world = World::new();
        let plan = || {
            let mut memory = ReplicaMemory::default();
            (plan_replica(&key(), &want, &seen, &mut memory, &world.context()), memory)
        };
        prop_assert_eq!(plan(), plan());
    }

    #[test]
    fn no_step_follows_from_what_is_unknown(
        want in wanted_replica(), policy in wanted_policy(), organization in organization(),
    ) {
        let world = enforcing_world();
        let seen = ObservedReplica { guardrail: Read::Unknown(unread()) };
        let mut memory = ReplicaMemory::default();
        let plan = plan_replica(&key(), &want, &seen, &mut memory, &world.context());
        prop_assert!(plan.steps.is_empty());
        let seen = ObservedOrganization { policies: Read::Unknown(unread()), ..organization };
        let desired = BTreeMap::from([("everywhere".parse().unwrap(), policy)]);
        let plan = plan_organization(&desired, &seen, &mut Sightings::default(), &world.context());
        prop_assert!(plan.steps.is_empty());
    }

    #[test]
    fn a_cell_settles_as_desired_and_a_foreign_slot_is_kept_unless_replaced(
        seen in slot(), present in any::<bool>(), replace in any::<bool>(),
    ) {
        let state = if present { Presence::Present } else { Presence::Absent };
        let on_foreign = if replace { OnForeign::Replace } else { OnForeign::Hold };
        let want = wanted_cell(state, on_foreign);
        let (mut world, mut memory) = (enforcing_world(), Sightings::default());
        let observed = std::cell::RefCell::new(seen.clone());
        let place = cell(MEMBER);
        let steps = settle(
            &mut world,
            |world| {
                plan_cell(&place, Some(&want), &observed.borrow(), &mut memory, &world.context())
            },
            |_, step| apply_to_cell(&mut observed.borrow_mut(), step),
        );
        let end = observed.into_inner();
        let foreign = seen.enforcement.known()
            .is_some_and(|(live, _)| live.guardrail != Some(guardrail_arn()));
        prop_assert!(steps.len() <= 1);
        if foreign && !(present && replace) {
            prop_assert_eq!(end, seen);
        } else if present {
            let (live, _) = end.enforcement.known().unwrap();
            prop_assert_eq!((live.guardrail.as_ref(), live.version),
                (Some(&guardrail_arn()), Some(version(2))));
        } else {
            prop_assert_eq!(end.enforcement, Read::KnownAbsent);
        }
    }

    #[test]
    fn the_organization_settles_as_desired_and_foreign_policies_stay_as_they_were(
        seen in organization(), want in wanted_policy(),
    ) {
        let desired = BTreeMap::from([("everywhere".parse().unwrap(), want.clone())]);
        let mut world = enforcing_world();
        let (observed, memory) =
            (std::cell::RefCell::new(seen.clone()), std::cell::RefCell::new(Sightings::default()));
        settle(
            &mut world,
            |world| {
                let memory = &mut memory.borrow_mut();
                plan_organization(&desired, &observed.borrow(), memory, &world.context())
            },
            |world, step| {
                apply_to_organization(&mut observed.borrow_mut(), step);
                if let Some(object) = step.sighting() {
                    memory.borrow_mut().wrote(&object, world.now);
                }
            },
        );
        let mut end = observed.into_inner();
        let before = seen.policies.known().unwrap().0;
        let adopt = want.adopt && want.state == Presence::Present;
        for (id, policy) in before {
            let others = policy.owner.as_ref().is_some_and(|it| *it != owner());
            if others || policy.owner.is_none() && !adopt {
                prop_assert_eq!(policies(&mut end).get(id), Some(policy));
            }
        }
        let ours: Vec<ObservedPolicy> = policies(&mut end).values().filter(|it| {
            it.owner.as_ref() == Some(&owner())
                && it.enforcement.as_ref().is_some_and(|it| it.as_str() == "everywhere")
        }).cloned().collect();
        let taken = before.values().any(|it| it.name == "bedrail-us-everywhere");
        // A stranger's policy on the path may have the last word.
        let taken = taken
            || before.values().any(|it| it.owner != Some(owner()) && !it.targets.is_empty());
        if want.state == Presence::Present && !taken {
            prop_assert!(ours.iter().any(|it| it.targets.is_superset(&want.targets)), "{ours:?}");
        }
    }
}
