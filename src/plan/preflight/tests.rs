//! What is proven before a cell or an organization policy comes to reference a version.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::{controls_are_fresh, probes_ahead, restorable};
use crate::model::{
    Desired, DesiredCell, DesiredOrganizationEnforcement, EnforcementSettings, Guarding,
    GuardrailArn, ModelEnforcement, ObservedCell, ObservedEnforcement, OnForeign, PolicyFact,
    Preflight, Presence, ProbeFact, ProbeKey, ProbeOutcome, Probes, ProfileKey, Read,
    SelectiveContentGuarding, ServiceControl, ServiceControls, Share, TargetId,
};
use crate::plan::confirm::Sightings;
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, REGION, ROOT, UNIT, World, arn, cell, content, desired_policy,
    guardrail_arn, holds, key, policy_fact, summary, unread, version,
};
use crate::plan::plan_cell;
use crate::plan::preflight::Scope;
use crate::plan::step::{Held, HoldReason, Plan, Until};

fn want(probes: Probes, max_unknown: u32) -> DesiredCell {
    DesiredCell {
        state: Presence::Present,
        enforcement: "everywhere".parse().unwrap(),
        revision: None,
        replica: key(),
        settings: EnforcementSettings::default(),
        on_foreign: OnForeign::Replace,
        preflight: Preflight { probes, max_unknown, ..Preflight::default() },
    }
}

/// Version 2 is what the manifest says; nothing was tried yet.
fn world() -> World {
    let mut world = World::with_versions(&content("b"), &[(2, &content("b"))]);
    world.is_assumed = false;
    for account in [MEMBER, OTHER] {
        world.cells.insert(cell(account), want(Probes::Every, 0).into());
    }
    world
}

fn put(world: &World, want: &DesiredCell) -> Plan {
    let empty = ObservedCell { enforcement: Read::KnownAbsent };
    plan_cell(&cell(MEMBER), Some(want), &empty, &mut Sightings::default(), &world.context())
}

fn probe(account: &str) -> ProbeKey {
    ProbeKey { cell: cell(account), guardrail: guardrail_arn(), version: version(2) }
}

fn shown(world: &mut World, account: &str, outcome: ProbeOutcome, failures: u32) {
    let fact = ProbeFact { outcome, at: world.now, failures };
    world.facts.probes.insert(probe(account), fact);
}

fn denied() -> ProbeOutcome {
    ProbeOutcome::Denied("AccessDeniedException: no".to_owned())
}

fn no_answer(is_transient: bool) -> ProbeOutcome {
    ProbeOutcome::Unknown { message: "slow down".to_owned(), is_transient }
}

/// These statements at the root beside the full access of every level.
fn controls(statements: &Value) -> ServiceControls {
    let control = |id: &str, statements: &Value, targets: &[&str]| {
        let control = ServiceControl {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            content: json!({"Version": "2012-10-17", "Statement": statements}),
            targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
        };
        (control.id.clone(), control)
    };
    let full = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    BTreeMap::from([
        control("p-FullAWSAccess", &full, &[ROOT, UNIT, MEMBER, OTHER, MANAGEMENT]),
        control("p-fromsomebody", statements, &[ROOT]),
    ])
}

#[test]
fn a_cell_is_probed_once_and_then_written() {
    let mut world = world();
    let want = want(Probes::Every, 0);
    let first = put(&world, &want);
    assert_eq!(summary(&first), ["held Preflight"]);
    assert_eq!(first.needs_probes, BTreeSet::from([probe(MEMBER)]));
    shown(&mut world, MEMBER, ProbeOutcome::Passed, 0);
    world.wait(100_000);
    let second = put(&world, &want);
    assert_eq!(summary(&second), ["PutEnforcedGuardrailConfiguration"]);
    assert!(second.needs_probes.is_empty());
}

#[test]
fn a_denied_cell_is_held_for_a_person_and_asked_again_later_each_time() {
    let mut world = world();
    let want = want(Probes::Every, 0);
    for (failures, silent_for) in [(1, 59), (2, 119), (20, 1799)] {
        shown(&mut world, MEMBER, denied(), failures);
        let at_once = put(&world, &want);
        assert_eq!(summary(&at_once), ["held PreflightDenied"]);
        let held = at_once.held.first().unwrap();
        assert_eq!(held.until, Until::Person);
        assert!(held.message.contains("bedrock:ApplyGuardrail"), "{}", held.message);
        world.wait(silent_for);
        assert!(put(&world, &want).needs_probes.is_empty(), "{failures}");
        world.wait(1);
        assert_eq!(put(&world, &want).needs_probes.len(), 1, "{failures}");
    }
}

#[test]
fn without_an_answer_a_cell_waits_longer_each_time_and_then_for_a_person() {
    let mut world = world();
    let want = want(Probes::Every, 0);
    let until = |world: &mut World, outcome: ProbeOutcome, failures: u32| {
        shown(world, MEMBER, outcome, failures);
        let plan = put(world, &want);
        assert_eq!(summary(&plan), ["held PreflightUnknown"]);
        plan.held.first().unwrap().until
    };
    let after = |seconds| Until::After(Duration::from_secs(seconds));
    assert_eq!(until(&mut world, no_answer(true), 1), after(5));
    assert_eq!(until(&mut world, no_answer(true), 3), after(20));
    assert_eq!(until(&mut world, no_answer(true), 5), Until::Person);
    assert_eq!(until(&mut world, no_answer(false), 1), Until::Person);
}

#[test]
fn no_more_cells_go_on_unproven_than_the_manifest_tolerates() {
    let mut world = world();
    for account in [MEMBER, OTHER] {
        shown(&mut world, account, no_answer(true), 1);
    }
    assert_eq!(holds(&put(&world, &want(Probes::Every, 1))), [HoldReason::PreflightUnknown]);
    let tolerated = put(&world, &want(Probes::Every, 2));
    assert_eq!(summary(&tolerated), ["PutEnforcedGuardrailConfiguration"]);
    assert_eq!(tolerated.warnings.len(), 1, "and says so");
}

#[test]
fn a_plan_that_is_only_shown_asks_for_nothing() {
    let mut world = world();
    world.is_assumed = true;
    let plan = put(&world, &want(Probes::Every, 0));
    assert_eq!(summary(&plan), ["PutEnforcedGuardrailConfiguration"]);
    assert!(plan.needs_probes.is_empty());
}

#[test]
fn offline_and_outside_of_the_sample_policies_alone_decide() {
    let mut world = world();
    let offline = want(Probes::Offline, 0);
    assert_eq!(summary(&put(&world, &offline)), ["PutEnforcedGuardrailConfiguration"]);
    world.facts.controls = Some(Read::Unknown(unread()));
    assert_eq!(holds(&put(&world, &offline)), [HoldReason::PreflightUnknown]);
    // One of two accounts is in half a sample.
    world.facts.controls = Some(Read::KnownAbsent);
    let asks = |account: &str| {
        let empty = ObservedCell { enforcement: Read::KnownAbsent };
        let want = want(Probes::Sample(50), 0);
        let mut memory = Sightings::default();
        let plan = plan_cell(&cell(account), Some(&want), &empty, &mut memory, &world.context());
        plan.needs_probes.len()
    };
    assert_eq!(asks(MEMBER) + asks(OTHER), 1);
}

#[test]
fn service_control_policies_are_asked_for_before_anything_is_tried() {
    let mut world = world();
    world.facts.controls = None;
    let plan = put(&world, &want(Probes::Every, 0));
    assert_eq!(summary(&plan), ["held Preflight"]);
    assert!(plan.needs_controls && plan.needs_probes.is_empty());
    world.facts.controls = Some(Read::KnownAbsent);
    assert!(!put(&world, &want(Probes::Every, 0)).needs_controls);
    world.now += Duration::from_mins(11);
    assert!(put(&world, &want(Probes::Every, 0)).needs_controls, "too old to go by");
}

#[test]
fn a_deny_for_everyone_holds_and_one_with_an_exemption_warns() {
    let mut world = world();
    let mut deny =
        json!([{"Sid": "NoAi", "Effect": "Deny", "Action": "bedrock:*", "Resource": "*"}]);
    world.facts.controls = Some(Read::Known(controls(&deny)));
    for probes in [Probes::Every, Probes::Offline] {
        let plan = put(&world, &want(probes, 9));
        assert_eq!(holds(&plan), [HoldReason::DeniedByPolicy]);
        let message = &plan.held.first().unwrap().message;
        assert!(message.contains("`NoAi` of the policy p-fromsomebody"), "{message}");
        assert!(plan.needs_probes.is_empty(), "what is sure is not tried");
    }
    let exempt = |role: &str| json!({"ArnNotLike": {"aws:PrincipalArn": format!("arn:aws:iam::*:role/{role}")}});
    deny[0]["Condition"] = exempt("BedrailMember");
    world.facts.controls = Some(Read::Known(controls(&deny)));
    let plan = put(&world, &want(Probes::Every, 0));
    assert_eq!(plan.needs_probes.len(), 1);
    assert!(plan.warnings.first().unwrap().contains("p-fromsomebody"), "{:?}", plan.warnings);
    // Where our own role is not the one that is exempt, there is no need to try.
    deny[0]["Condition"] = exempt("Application");
    world.facts.controls = Some(Read::Known(controls(&deny)));
    assert_eq!(holds(&put(&world, &want(Probes::Every, 0))), [HoldReason::DeniedByPolicy]);
    let offline = put(&world, &want(Probes::Offline, 0));
    assert_eq!(summary(&offline), ["PutEnforcedGuardrailConfiguration"]);
    assert_eq!(offline.warnings.len(), 1);
}

#[test]
fn unread_policies_leave_it_to_the_probe() {
    let mut world = world();
    world.facts.controls = Some(Read::Unknown(unread()));
    assert_eq!(put(&world, &want(Probes::Every, 0)).needs_probes.len(), 1);
}

#[test]
fn a_profile_must_admit_the_account_in_every_region_it_reaches() {
    let mut world = world();
    let profile = "us.guardrail.v1:0".parse().unwrap();
    let destination = |region: &str| ProfileKey {
        account: MANAGEMENT.parse().unwrap(),
        region: region.parse().unwrap(),
        profile: "us.guardrail.v1:0".parse().unwrap(),
    };
    let open = |key: &ProfileKey| {
        Read::Known(json!({"Statement": [{"Effect": "Allow", "Principal": "*",
            "Action": "bedrock:ApplyGuardrail", "Resource": key.arn("aws"),
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}]}))
    };
    world.facts.replicas.get_mut(&key()).unwrap().profiles.insert(version(2), profile);
    let hold = |world: &World| {
        let plan = put(world, &want(Probes::Every, 0));
        plan.held.first().map(|held| (held.reason, held.message.clone())).unwrap()
    };
    assert_eq!(hold(&world).0, HoldReason::NotShared, "nobody describes its policies");
    let [near, far] = [destination(REGION), destination("us-west-2")];
    world.profiles = [near.clone(), far.clone()].map(|key| (key, Share::Organization)).into();
    assert_eq!(hold(&world).0, HoldReason::Unreadable);
    world.facts.profiles.insert(near.clone(), open(&near));
    world.facts.profiles.insert(far.clone(), Read::KnownAbsent);
    let (reason, message) = hold(&world);
    assert_eq!(reason, HoldReason::NotShared);
    assert!(message.contains("us-west-2"), "{message}");
    world.facts.profiles.insert(far.clone(), open(&far));
    assert_eq!(hold(&world).0, HoldReason::Preflight);
    // A profile of the same name in another account is another.
    let elsewhere = ProfileKey { account: OTHER.parse().unwrap(), ..near.clone() };
    world.profiles.insert(elsewhere.clone(), Share::Organization);
    world.facts.profiles.insert(elsewhere, Read::KnownAbsent);
    assert_eq!(hold(&world).0, HoldReason::Preflight);
    // Where the owner cannot enable the Region, nobody could put a policy.
    world.facts.profiles.insert(far.clone(), Read::Unknown(unread()));
    assert_eq!(hold(&world).0, HoldReason::Preflight);
    // What answered once needs no policy to show that it can.
    world.facts.profiles.insert(far, Read::KnownAbsent);
    shown(&mut world, MEMBER, ProbeOutcome::Passed, 0);
    let plan = put(&world, &want(Probes::Every, 0));
    assert_eq!(summary(&plan), ["PutEnforcedGuardrailConfiguration"]);
}

#[test]
fn settings_alone_change_without_asking() {
    let world = world();
    let want = want(Probes::Every, 0);
    let slot = |guardrail: GuardrailArn, number: u32| ObservedEnforcement {
        config_id: "cfg1".parse().unwrap(),
        guardrail: Some(guardrail),
        version: Some(version(number)),
        guarding: SelectiveContentGuarding {
            system: Guarding::Selective,
            ..SelectiveContentGuarding::default()
        },
        models: ModelEnforcement::default(),
        updated_by: None,
        updated_at: None,
    };
    let rows = [
        (slot(guardrail_arn(), 2), "PutEnforcedGuardrailConfiguration"),
        (slot(guardrail_arn(), 1), "held Preflight"),
        (slot(arn("another"), 2), "held Preflight"),
    ];
    for (live, expected) in rows {
        let seen = ObservedCell { enforcement: Read::Known(live) };
        let mut sightings = Sightings::default();
        let context = world.context();
        let plan = plan_cell(&cell(MEMBER), Some(&want), &seen, &mut sightings, &context);
        assert_eq!(summary(&plan), [expected]);
    }
}

#[test]
fn what_the_manifest_tolerates_is_of_its_own_cells() {
    let mut world = world();
    for account in [MEMBER, OTHER] {
        shown(&mut world, account, no_answer(true), 1);
    }
    let another = DesiredCell { enforcement: "another".parse().unwrap(), ..want(Probes::Every, 0) };
    world.cells.insert(cell(OTHER), another.into());
    let tolerated = put(&world, &want(Probes::Every, 1));
    assert_eq!(summary(&tolerated), ["PutEnforcedGuardrailConfiguration"]);
}

#[test]
fn policies_that_cannot_be_read_are_asked_for_again_unless_that_is_denied() {
    let mut world = world();
    let until = |world: &World| {
        let plan = put(world, &want(Probes::Offline, 0));
        assert_eq!(summary(&plan), ["held PreflightUnknown"]);
        plan.held[0].until
    };
    let age_max = world.context().timing.own_write_grace * 10;
    world.facts.controls = Some(Read::Unknown(unread()));
    assert_eq!(until(&world), Until::After(age_max));
    let denied = crate::model::Unread { class: "Denied", ..unread() };
    world.facts.controls = Some(Read::Unknown(denied));
    assert_eq!(until(&world), Until::Person);
}

#[test]
fn policies_are_fresh_for_ten_times_as_long_as_a_write_may_take_to_show() {
    let mut world = world();
    let timing = *world.context().timing;
    let read = world.facts.controls_read.unwrap();
    world.facts.controls = Some(Read::KnownAbsent);
    let is_fresh = |after: Duration| controls_are_fresh(&world.facts, read + after, &timing);
    let age_max = timing.own_write_grace * 10;
    assert!(is_fresh(age_max) && !is_fresh(age_max + Duration::from_secs(1)));
}

fn attach(world: &World, preflight: &Preflight, plan: &mut Plan) -> Result<(), Held> {
    let (context, name) = (world.context(), "everywhere".parse().unwrap());
    let scope = Scope { enforcement: &name, preflight, context: &context };
    let references = BTreeSet::from([(guardrail_arn(), version(2))]);
    scope.clear_attachment(&ROOT.parse().unwrap(), &references, plan)
}

#[test]
fn an_attachment_is_tried_from_every_active_account_and_one_denied_holds_all() {
    let mut world = world();
    let mut plan = Plan::default();
    let held = attach(&world, &Preflight::default(), &mut plan).unwrap_err();
    assert_eq!(held.reason, HoldReason::Preflight);
    let all = [MANAGEMENT, MEMBER, OTHER].map(probe);
    assert_eq!(plan.needs_probes, BTreeSet::from(all), "and not from the suspended one");
    assert_eq!(held.message, "it goes on once 3 probes were made from 3 accounts");
    shown(&mut world, MANAGEMENT, ProbeOutcome::Passed, 0);
    shown(&mut world, MEMBER, ProbeOutcome::Passed, 0);
    let held = attach(&world, &Preflight::default(), &mut plan).unwrap_err();
    assert_eq!(held.message, "it goes on once one probe was made");
    shown(&mut world, OTHER, denied(), 1);
    let tolerant = Preflight { max_unknown: 100, ..Preflight::default() };
    let held = attach(&world, &tolerant, &mut Plan::default()).unwrap_err();
    assert_eq!((held.reason, held.until), (HoldReason::PreflightDenied, Until::Person));
    assert!(held.message.contains(OTHER) && !held.message.contains(MEMBER), "{}", held.message);
    shown(&mut world, OTHER, ProbeOutcome::Passed, 0);
    assert_eq!(attach(&world, &Preflight::default(), &mut Plan::default()), Ok(()));
}

#[test]
fn an_attachment_tolerates_so_many_accounts_without_an_answer() {
    let mut world = world();
    shown(&mut world, MANAGEMENT, ProbeOutcome::Passed, 0);
    for account in [MEMBER, OTHER] {
        shown(&mut world, account, no_answer(true), 1);
    }
    let tolerating = |max_unknown| Preflight { max_unknown, ..Preflight::default() };
    let held = attach(&world, &tolerating(1), &mut Plan::default()).unwrap_err();
    assert_eq!(held.reason, HoldReason::PreflightUnknown);
    let mut plan = Plan::default();
    assert_eq!(attach(&world, &tolerating(2), &mut plan), Ok(()));
    assert_eq!(plan.warnings.len(), 1, "and says so");
}

fn policy(targets: &[&str], number: u32) -> PolicyFact {
    let targets: BTreeSet<TargetId> = targets.iter().map(|it| it.parse().unwrap()).collect();
    PolicyFact {
        targets,
        regions: BTreeSet::from([REGION.to_owned()]),
        references: BTreeSet::from([(guardrail_arn(), version(number))]),
        ..policy_fact("everywhere")
    }
}

#[test]
fn what_was_attached_before_is_attached_again_without_asking() {
    let mut world = world();
    let id = |id: &str| id.parse().unwrap();
    let before = BTreeMap::from([(id("p-aaaaaaaa"), policy(&[ROOT, UNIT], 2))]);
    // Detached from the root, and made anew under another id for the unit.
    let now = BTreeMap::from([(id("p-bbbbbbbb"), policy(&[UNIT], 2))]);
    let lost = restorable(&before, &now);
    assert_eq!(lost.iter().map(|it| it.target.to_string()).collect::<Vec<_>>(), [ROOT]);
    world.facts.restorable = lost;
    assert_eq!(attach(&world, &Preflight::default(), &mut Plan::default()), Ok(()));
    let moved = BTreeMap::from([(id("p-aaaaaaaa"), policy(&[ROOT, UNIT], 1))]);
    assert_eq!(restorable(&before, &moved).len(), 2, "another version in the same document");
    assert!(restorable(&before, &before).is_empty());
}

#[test]
fn a_move_is_tried_from_below_what_the_policy_is_attached_to() {
    let world = world();
    let (context, name) = (world.context(), "everywhere".parse().unwrap());
    let preflight = Preflight::default();
    let scope = Scope { enforcement: &name, preflight: &preflight, context: &context };
    let mut plan = Plan::default();
    let new = BTreeSet::from([(guardrail_arn(), version(2))]);
    let unit = UNIT.parse().unwrap();
    let targets = BTreeSet::from([&unit]);
    assert_eq!(scope.clear(&targets, &new, &mut plan).unwrap_err().reason, HoldReason::Preflight);
    assert_eq!(plan.needs_probes, BTreeSet::from([probe(MEMBER)]));
    let nothing = BTreeSet::new();
    assert_eq!(scope.clear(&targets, &nothing, &mut Plan::default()), Ok(()), "nothing moves");
}

#[test]
fn probes_ahead_are_counted_before_a_version_is_published_and_fall_as_they_pass() {
    let mut world = world();
    let desired = |cells: &BTreeMap<_, _>| Desired {
        cells: cells.clone(),
        replicas: world.replicas.clone(),
        ..Desired::default()
    };
    let every = desired(&world.cells);
    let half =
        world.cells.keys().map(|it| (it.clone(), want(Probes::Sample(50), 0).into())).collect();
    let none = world.cells.keys().map(|it| (it.clone(), want(Probes::Offline, 0).into())).collect();
    assert_eq!(probes_ahead(&every, &world.facts), 2);
    assert_eq!(probes_ahead(&desired(&half), &world.facts), 1);
    assert_eq!(probes_ahead(&desired(&none), &world.facts), 0);
    shown(&mut world, MEMBER, ProbeOutcome::Passed, 0);
    assert_eq!(probes_ahead(&every, &world.facts), 1);
    world.facts.cells.insert(cell(OTHER), Some((guardrail_arn(), version(2))));
    assert_eq!(probes_ahead(&every, &world.facts), 0, "what is in force is proven");
    world.facts.replicas.clear();
    assert_eq!(probes_ahead(&every, &world.facts), 2, "nothing is published yet");
}

#[test]
fn probes_ahead_of_a_policy_are_of_the_active_accounts_below_where_it_is_not_in_force() {
    let mut world = world();
    let wanted = desired_policy(&[ROOT]);
    let mut desired = Desired { replicas: world.replicas.clone(), ..Desired::default() };
    desired.organization.insert("everywhere".parse().unwrap(), wanted.clone());
    let ahead = |world: &World| probes_ahead(&desired, &world.facts);
    assert_eq!(ahead(&world), 3, "the suspended one cannot be tried");
    let mut in_force = |change: &dyn Fn(&mut PolicyFact)| {
        let mut fact = policy(&[ROOT], 2);
        change(&mut fact);
        world.facts.own_policies = Some(BTreeMap::from([("p-aaaaaaaa".parse().unwrap(), fact)]));
        ahead(&world)
    };
    assert_eq!(in_force(&|_| ()), 0);
    assert_eq!(in_force(&|it| it.enforcement = Some("another".parse().unwrap())), 3);
    assert_eq!(in_force(&|it| it.targets = BTreeSet::from([UNIT.parse().unwrap()])), 3);
    assert_eq!(in_force(&|it| it.references = policy(&[ROOT], 1).references), 3);
    world.facts.own_policies = None;
    shown(&mut world, MEMBER, ProbeOutcome::Passed, 0);
    assert_eq!(probes_ahead(&desired, &world.facts), 2);
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..wanted };
    desired.organization.insert("everywhere".parse().unwrap(), absent);
    assert_eq!(probes_ahead(&desired, &world.facts), 0);
}
