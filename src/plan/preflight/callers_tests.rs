//! What roles that an enforcement names must be able to do before it references a version.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Scope, callers_ahead};
use crate::model::{
    CallerKey, Cell, Desired, DesiredCell, EnforcementSettings, ObservedCell, OnForeign, Preflight,
    Presence, ProbeFact, ProbeKey, ProbeOutcome, Probes, Read, ReplicaKey,
};
use crate::plan::confirm::Sightings;
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, ROOT, World, cell, content, guardrail_arn, holds, key, summary,
    version,
};
use crate::plan::plan_cell;
use crate::plan::step::{HoldReason, Plan, Until};

/// Where the guardrail has another replica.
const FAR: &str = "eu-west-1";

fn naming(roles: &[&str]) -> Preflight {
    let callers: BTreeSet<_> = roles.iter().map(|role| role.parse().unwrap()).collect();
    Preflight { callers: Arc::new(callers), ..Preflight::default() }
}

fn want(replica: ReplicaKey, preflight: Preflight) -> DesiredCell {
    DesiredCell {
        state: Presence::Present,
        enforcement: "everywhere".parse().unwrap(),
        revision: None,
        replica,
        settings: EnforcementSettings::default(),
        on_foreign: OnForeign::Replace,
        preflight,
    }
}

fn far(cell: Cell) -> Cell {
    Cell { region: FAR.parse().unwrap(), ..cell }
}

/// Version 2 is what the manifest says, in two Regions, and was tried from everywhere.
fn world(preflight: &Preflight) -> World {
    let mut world = World::with_versions(&content("b"), &[(2, &content("b"))]);
    world.is_assumed = false;
    let away = ReplicaKey { region: FAR.parse().unwrap(), ..key() };
    world.replicas.insert(away.clone(), world.replicas[&key()].clone());
    let mut fact = world.facts.replicas[&key()].clone();
    fact.arn.region = FAR.parse().unwrap();
    world.facts.replicas.insert(away.clone(), fact);
    for account in [MANAGEMENT, MEMBER, OTHER] {
        world.cells.insert(cell(account), want(key(), preflight.clone()).into());
        world.cells.insert(far(cell(account)), want(away.clone(), preflight.clone()).into());
        let key = ProbeKey { cell: cell(account), guardrail: guardrail_arn(), version: version(2) };
        world.facts.probes.insert(key, answer(&world, ProbeOutcome::Passed, 0));
    }
    world
}

fn answer(world: &World, outcome: ProbeOutcome, failures: u32) -> ProbeFact {
    ProbeFact { outcome, at: world.now, failures }
}

fn asked(world: &World, account: &str, role: &str, region: Option<&str>) -> CallerKey {
    let mut guardrail = guardrail_arn();
    if let Some(region) = region {
        guardrail.region = region.parse().unwrap();
    }
    CallerKey {
        account: account.parse().unwrap(),
        role: role.parse().unwrap(),
        guardrail,
        revision: Some(world.replicas[&key()].revision.clone()),
    }
}

fn learn(world: &mut World, account: &str, role: &str, outcome: ProbeOutcome) {
    let key = asked(world, account, role, None);
    let fact = answer(world, outcome, 1);
    world.facts.callers.insert(key, fact);
}

fn put(world: &World) -> Plan {
    let empty = ObservedCell { enforcement: Read::KnownAbsent };
    let want = world.cells.get(&cell(MEMBER)).map(|it| &**it);
    plan_cell(&cell(MEMBER), want, &empty, &mut Sightings::default(), &world.context())
}

fn unknown() -> ProbeOutcome {
    ProbeOutcome::Unknown { message: "not allowed to ask".to_owned(), is_transient: false }
}

#[test]
fn a_role_is_asked_about_for_all_regions_of_its_account_at_once() {
    let mut world = world(&naming(&["App", "teams/Other"]));
    let plan = put(&world);
    assert_eq!(summary(&plan), ["held Preflight"]);
    assert!(plan.needs_probes.is_empty(), "the account can apply it");
    let all = ["App", "teams/Other"]
        .map(|role| [None, Some(FAR)].map(|region| asked(&world, MEMBER, role, region)));
    assert_eq!(plan.needs_callers, all.into_iter().flatten().collect());
    learn(&mut world, MEMBER, "App", ProbeOutcome::Passed);
    let roles: BTreeSet<String> =
        put(&world).needs_callers.iter().map(|key| key.role.to_string()).collect();
    assert_eq!(roles, BTreeSet::from(["teams/Other".to_owned()]), "what is known is not asked");
    learn(&mut world, MEMBER, "teams/Other", ProbeOutcome::Passed);
    world.wait(100_000);
    assert_eq!(summary(&put(&world)), ["PutEnforcedGuardrailConfiguration"]);
}

#[test]
fn a_denied_role_holds_for_a_person_and_is_asked_about_again_later() {
    let mut world = world(&naming(&["App"]));
    learn(&mut world, MEMBER, "App", ProbeOutcome::Denied("no policy allows it".to_owned()));
    let plan = put(&world);
    let held = plan.held.first().unwrap();
    assert_eq!((held.reason, held.until), (HoldReason::PreflightDenied, Until::Person));
    for word in ["role App", MEMBER, "bedrock:ApplyGuardrail", "no policy allows it"] {
        assert!(held.message.contains(word), "{word}: {}", held.message);
    }
    assert!(plan.needs_callers.is_empty());
    world.wait(60);
    assert!(!put(&world).needs_callers.is_empty());
}

#[test]
fn no_more_accounts_go_on_unasked_than_the_manifest_tolerates() {
    for (max_unknown, expected) in [
        (0, vec![HoldReason::PreflightUnknown]),
        (1, vec![HoldReason::PreflightUnknown]),
        (2, vec![]),
    ] {
        let mut world = world(&Preflight { max_unknown, ..naming(&["App", "Other"]) });
        for account in [MEMBER, OTHER] {
            learn(&mut world, account, "App", unknown());
            learn(&mut world, account, "Other", unknown());
        }
        let plan = put(&world);
        assert_eq!(holds(&plan), expected, "{max_unknown}: two accounts, two roles each");
        assert_eq!(plan.warnings.len(), usize::from(expected.is_empty()));
    }
}

#[test]
fn what_is_tolerated_is_of_the_roles_and_the_guardrail_that_are_meant() {
    let mut world = world(&Preflight { max_unknown: 1, ..naming(&["App"]) });
    learn(&mut world, MEMBER, "App", unknown());
    learn(&mut world, OTHER, "NotNamed", unknown());
    let mut elsewhere = asked(&world, MANAGEMENT, "App", None);
    elsewhere.guardrail = crate::plan::fixture::arn("another");
    world.facts.callers.insert(elsewhere, answer(&world, unknown(), 1));
    assert_eq!(holds(&put(&world)), []);
}

#[test]
fn what_is_only_shown_and_what_is_not_tried_asks_nothing() {
    let mut shown = world(&naming(&["App"]));
    shown.is_assumed = true;
    let offline = world(&Preflight { probes: Probes::Offline, ..naming(&["App"]) });
    for world in [shown, offline] {
        let plan = put(&world);
        assert_eq!(summary(&plan), ["PutEnforcedGuardrailConfiguration"]);
        assert!(plan.needs_callers.is_empty());
    }
}

#[test]
fn an_attachment_asks_about_the_roles_of_every_account_and_one_denied_holds_all() {
    let mut world = world(&Preflight::default());
    let preflight = naming(&["App"]);
    let attach = |world: &World, plan: &mut Plan| {
        let (context, name) = (world.context(), "everywhere".parse().unwrap());
        let scope = Scope { enforcement: &name, preflight: &preflight, context: &context };
        let references = BTreeSet::from([(guardrail_arn(), version(2))]);
        scope.clear_attachment(&ROOT.parse().unwrap(), &references, plan)
    };
    let mut plan = Plan::default();
    assert_eq!(attach(&world, &mut plan).unwrap_err().reason, HoldReason::Preflight);
    let all = [MANAGEMENT, MEMBER, OTHER].map(|account| asked(&world, account, "App", None));
    assert_eq!(plan.needs_callers, BTreeSet::from(all));
    for account in [MANAGEMENT, MEMBER] {
        learn(&mut world, account, "App", ProbeOutcome::Passed);
    }
    learn(&mut world, OTHER, "App", ProbeOutcome::Denied("a policy denies it".to_owned()));
    let held = attach(&world, &mut Plan::default()).unwrap_err();
    assert_eq!(held.reason, HoldReason::PreflightDenied);
    assert!(held.message.contains(OTHER) && !held.message.contains(MEMBER), "{}", held.message);
    learn(&mut world, OTHER, "App", ProbeOutcome::Passed);
    assert_eq!(attach(&world, &mut Plan::default()), Ok(()));
}

#[test]
fn questions_ahead_are_one_for_each_role_of_an_account() {
    let world = world(&naming(&["App", "Other"]));
    let desired = Desired {
        cells: world.cells.clone(),
        replicas: world.replicas.clone(),
        ..Desired::default()
    };
    let mut facts = world.facts.clone();
    facts.probes.clear();
    assert_eq!(callers_ahead(&desired, &facts), 6, "three accounts, two roles, in two Regions");
    let mut sampled = desired.clone();
    for claim in sampled.cells.values_mut() {
        Arc::make_mut(claim).preflight.probes = Probes::Sample(50);
    }
    assert_eq!(callers_ahead(&sampled, &facts), 8, "two accounts of each Region, two roles");
    let mut of_one_role = sampled.clone();
    for claim in of_one_role.cells.values_mut() {
        Arc::make_mut(claim).preflight.callers = naming(&["App"]).callers;
    }
    assert_eq!(callers_ahead(&of_one_role, &facts), 4, "two accounts of each Region");
    let everywhere = desired.cells.iter().filter(|(it, _)| it.region.as_str() == FAR);
    sampled.cells.extend(everywhere.map(|(it, claim)| (it.clone(), claim.clone())));
    assert_eq!(callers_ahead(&sampled, &facts), 10, "all of one Region, a sample of the other");
}
