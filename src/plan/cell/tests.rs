use super::*;
use crate::model::{
    Content, DesiredOrganizationEnforcement, Facts, Version, canonical,
    content::AutomatedReasoningPolicyConfig,
};
use crate::model::{PolicyFact, PolicyId, TargetId};
use crate::model::{ReplicaContent, Revision};
use crate::plan::fixture::{
    MEMBER, OTHER, REGION, ROOT, UNIT, World, arn, cell, content, desired as replica, desired_cell,
    desired_policy, fact, guardrail_arn, key, policy_fact, summary, unread, version,
};

fn want() -> DesiredCell {
    desired_cell()
}

fn slot(guardrail: GuardrailArn, number: u32) -> ObservedEnforcement {
    ObservedEnforcement {
        config_id: "cfg1".parse().unwrap(),
        guardrail: Some(guardrail),
        version: Some(version(number)),
        guarding: SelectiveContentGuarding::default(),
        models: ModelEnforcement::default(),
        updated_by: None,
        updated_at: None,
    }
}

fn known(slot: ObservedEnforcement) -> ObservedCell {
    ObservedCell { enforcement: Read::Known(slot) }
}

fn empty() -> ObservedCell {
    ObservedCell { enforcement: Read::KnownAbsent }
}

/// `a` is published as 1, `b` as 2; the manifest says `b`.
fn world() -> World {
    World::with_versions(&content("b"), &[(1, &content("a")), (2, &content("b"))])
}

fn plan(world: &World, want: Option<&DesiredCell>, seen: &ObservedCell) -> Plan {
    plan_cell(&cell(MEMBER), want, seen, &mut Sightings::default(), &world.context())
}

#[test]
fn the_slot_decides_what_is_done() {
    let other_ours = arn("other1");
    let mut world = world();
    let mut second = fact(&[]);
    second.arn = other_ours.clone();
    let other_key = crate::model::ReplicaKey { guardrail: "second".parse().unwrap(), ..key() };
    world.facts.replicas.insert(other_key, second);
    let hold = DesiredCell { on_foreign: OnForeign::Hold, ..want() };
    let absent = DesiredCell { state: Presence::Absent, ..want() };
    let guarded = |change: fn(&mut ObservedEnforcement)| {
        let mut slot = slot(guardrail_arn(), 2);
        change(&mut slot);
        known(slot)
    };
    let foreign = || known(slot(arn("foreign"), 1));
    let ours = || known(slot(guardrail_arn(), 2));
    let put: &[&str] = &["PutEnforcedGuardrailConfiguration"];
    let cases: Vec<(&str, Option<&DesiredCell>, ObservedCell, &[&str])> = vec![
        ("empty", None, empty(), &[]),
        ("foreign and unclaimed", None, foreign(), &[]),
        ("ours and unclaimed", None, ours(), &["orphan"]),
        ("equal", Some(&hold), ours(), &[]),
        ("an older version", Some(&hold), known(slot(guardrail_arn(), 1)), put),
        ("another guardrail of ours", Some(&hold), known(slot(other_ours.clone(), 1)), put),
        ("foreign, replace", None.or(Some(&WANT)), foreign(), put),
        ("foreign, hold", Some(&hold), foreign(), &["held ForeignConfiguration"]),
        (
            "unnamed, hold",
            Some(&hold),
            guarded(|it| it.guardrail = None),
            &["held ForeignConfiguration"],
        ),
        (
            "narrowed models",
            Some(&hold),
            guarded(|it| {
                it.models.included = BTreeSet::from(["amazon.nova-lite-v1:0".to_owned()]);
            }),
            put,
        ),
        ("selective", Some(&hold), guarded(|it| it.guarding.system = Guarding::Selective), put),
        ("an empty inclusion is all", Some(&hold), guarded(|it| it.models.included.clear()), &[]),
        ("empty, wanted", Some(&hold), empty(), put),
        ("empty, to be absent", Some(&absent), empty(), &[]),
        ("foreign, to be absent", Some(&absent), foreign(), &[]),
        ("another of ours, to be absent", Some(&absent), known(slot(other_ours, 1)), &[]),
        ("ours, to be absent", Some(&absent), ours(), &["held Confirming"]),
    ];
    for (name, want, seen, expected) in cases {
        assert_eq!(summary(&plan(&world, want, &seen)), expected, "{name}");
    }
}

static WANT: std::sync::LazyLock<DesiredCell> = std::sync::LazyLock::new(want);

#[test]
fn an_unread_slot_gets_no_step() {
    let seen = ObservedCell { enforcement: Read::Unknown(unread()) };
    for state in [Presence::Present, Presence::Absent] {
        let want = DesiredCell { state, ..want() };
        assert_eq!(summary(&plan(&world(), Some(&want), &seen)), ["held Unreadable"]);
    }
    assert!(plan(&world(), None, &seen).steps.is_empty());
}

#[test]
fn an_empty_slot_is_filled_on_one_read_with_the_version_of_the_desired_revision() {
    let plan = plan(&world(), Some(&want()), &empty());
    let [Step::PutEnforced { config_id: None, guardrail, version: number, changes, .. }] =
        plan.steps.as_slice()
    else {
        panic!("{plan:?}")
    };
    assert_eq!((guardrail, *number), (&guardrail_arn(), version(2)));
    let new = format!("guardrail: (absent) → baseline {}", content("b").revision().short());
    assert_eq!(changes[0].to_string(), new);
}

#[test]
fn a_change_says_what_differs_from_what_aws_assumes() {
    let fields = |included: &[&str]| -> Vec<String> {
        let mut want = want();
        want.settings.models.included = included.iter().map(|it| (*it).to_owned()).collect();
        let plan = plan(&world(), Some(&want), &empty());
        plan.steps[0].changes().iter().map(|it| it.path.clone()).collect()
    };
    assert_eq!(fields(&["ALL"]), ["guardrail"]);
    assert_eq!(fields(&["a.b"]), ["guardrail", "includedModels"]);
}

#[test]
fn a_change_names_revisions_where_they_are_ours() {
    let plan = plan(&world(), Some(&want()), &known(slot(guardrail_arn(), 1)));
    let old = content("a").revision();
    let change = plan.steps[0].changes()[0].to_string();
    assert!(change.starts_with(&format!("guardrail: baseline {} → ", old.short())), "{change}");
    assert!(matches!(&plan.steps[0], Step::PutEnforced { config_id: Some(_), .. }));
}

#[test]
fn what_is_not_proven_is_not_referenced() {
    let pinned = |revision: Revision| DesiredCell { revision: Some(revision), ..want() };
    let unpublished = || World::with_versions(&content("c"), &[(1, &content("a"))]);
    let with_facts = |change: fn(&mut Facts)| {
        let mut world = world();
        change(&mut world.facts);
        world
    };
    let embeddings = DesiredCell {
        settings: EnforcementSettings { exclude_embeddings: true, ..Default::default() },
        ..want()
    };
    let cases: Vec<(&str, World, DesiredCell, &str)> = vec![
        ("replica unread", with_facts(|it| it.replicas.clear()), want(), "held WaitingForVersion"),
        ("revision unpublished", unpublished(), want(), "held WaitingForVersion"),
        (
            "pinned to what is coming",
            unpublished(),
            pinned(content("c").revision()),
            "held WaitingForVersion",
        ),
        ("pinned to nothing", world(), pinned(content("x").revision()), "held RevisionNotFound"),
        (
            "pinned to an older one",
            world(),
            pinned(content("a").revision()),
            "PutEnforcedGuardrailConfiguration",
        ),
        (
            "not shared",
            with_facts(|it| {
                for fact in it.replicas.values_mut() {
                    fact.policy = None;
                }
            }),
            want(),
            "held NotShared",
        ),
        (
            "another Region's",
            with_facts(|it| {
                for fact in it.replicas.values_mut() {
                    fact.arn.region = "us-west-2".parse().unwrap();
                }
            }),
            want(),
            "held NotEnforceable",
        ),
        ("organization unread", with_facts(|it| it.fleet = None), want(), "held Unreadable"),
        ("embeddings unread", world(), embeddings.clone(), "held Unreadable"),
        (
            "embeddings read",
            with_facts(|it| {
                it.embeddings.insert("us-east-1".parse().unwrap(), BTreeSet::new());
            }),
            embeddings,
            "PutEnforcedGuardrailConfiguration",
        ),
    ];
    for (name, world, want, expected) in cases {
        assert_eq!(summary(&plan(&world, Some(&want), &empty())), [expected], "{name}");
    }
}

#[test]
fn automated_reasoning_is_never_enforced() {
    let policy = AutomatedReasoningPolicyConfig {
        policies: Some(vec!["arn:aws:bedrock:us-east-1:1:automated-reasoning-policy/a".to_owned()]),
        confidence_threshold: None,
    };
    let shared = canonical(Content {
        automated_reasoning_policy_config: Some(policy),
        ..Content::default()
    });
    let content = ReplicaContent { shared, ..ReplicaContent::default() };
    let mut world = World::with_versions(&content, &[]);
    let mut fact = fact(&[(1, &content)]);
    assert_eq!(fact.not_enforceable, BTreeSet::<Version>::from([version(1)]));
    fact.policy = world.facts.replicas[&key()].policy.clone();
    world.facts.replicas.insert(key(), fact);
    world.replicas.insert(key(), replica(&content));
    assert_eq!(summary(&plan(&world, Some(&want()), &empty())), ["held NotEnforceable"]);
}

#[test]
fn embedding_models_are_excluded_beside_the_named_ones() {
    let mut world = world();
    let models = BTreeSet::from(["amazon.titan-embed-text-v2:0".to_owned()]);
    world.facts.embeddings.insert("us-east-1".parse().unwrap(), models);
    let mut want = want();
    want.settings.exclude_embeddings = true;
    want.settings.models.excluded.insert("a.b".to_owned());
    let plan = plan(&world, Some(&want), &empty());
    let [Step::PutEnforced { settings, .. }] = plan.steps.as_slice() else { panic!() };
    assert_eq!(settings.models.excluded.len(), 2);
}

#[test]
fn removal_needs_two_reads_that_show_our_guardrail() {
    let want = DesiredCell { state: Presence::Absent, ..want() };
    let (mut world, mut memory) = (world(), Sightings::default());
    let ours = known(slot(guardrail_arn(), 1));
    let mut see = |seen: &ObservedCell, world: &World| {
        summary(&plan_cell(&cell(MEMBER), Some(&want), seen, &mut memory, &world.context()))
    };
    assert_eq!(see(&ours, &world), ["held Confirming"]);
    let unknown = ObservedCell { enforcement: Read::Unknown(unread()) };
    assert_eq!(see(&unknown, &world), ["held Unreadable"]);
    world.wait(5);
    assert_eq!(see(&ours, &world), ["held Confirming"]);
    world.wait(5);
    assert_eq!(see(&ours, &world), ["DeleteEnforcedGuardrailConfiguration"]);
}

#[test]
fn a_slot_stays_while_nobody_can_tell_where_its_account_stands() {
    let want = DesiredCell { state: Presence::Absent, ..want() };
    let (mut world, mut memory) = (world(), Sightings::default());
    let ours = known(slot(guardrail_arn(), 1));
    let account = cell(MEMBER).account;
    let fleet = world.facts.fleet.as_mut().unwrap();
    let stands = fleet.accounts.remove(&account).unwrap();
    for _ in 0..2 {
        let plan = plan_cell(&cell(MEMBER), Some(&want), &ours, &mut memory, &world.context());
        assert_eq!((summary(&plan), plan.losses.len()), (vec!["held Unreadable".to_owned()], 1));
        world.wait(5);
    }
    let parent = stands.parent.clone();
    world.facts.fleet.as_mut().unwrap().accounts.insert(account, stands);
    let mut see =
        |world: &World| plan_cell(&cell(MEMBER), Some(&want), &ours, &mut memory, &world.context());
    assert_eq!(summary(&see(&world)), ["held Confirming"]);
    world.wait(5);
    let plan = see(&world);
    let [Step::DeleteEnforced { parent: planned, .. }] = plan.steps.as_slice() else { panic!() };
    assert_eq!(*planned, parent);
}

/// Has `policy` found for the first time.
fn find_policy(world: &mut World, policy: PolicyFact) {
    let id: PolicyId = "p-abcdefgh".parse().unwrap();
    let places = policy.targets.iter().map(ToString::to_string);
    let places = places.chain(policy.regions.iter().cloned());
    world.facts.policies_since = places.map(|place| ((id.clone(), place), world.now)).collect();
    world.facts.own_policies = Some([(id, policy)].into());
}

#[test]
fn a_slot_goes_only_once_the_organization_policy_that_takes_over_is_in_force() {
    let want = DesiredCell { state: Presence::Absent, ..want() };
    let (mut world, mut memory) = (world(), Sightings::default());
    let (name, root): (Name, TargetId) = ("all".parse().unwrap(), ROOT.parse().unwrap());
    let region = cell(MEMBER).region;
    let organization = desired_policy(&[ROOT]);
    world.organization.insert(name.clone(), organization);
    let ours = known(slot(guardrail_arn(), 1));
    let mut see_slot = |world: &World, slot: &ObservedCell| {
        summary(&plan_cell(&cell(MEMBER), Some(&want), slot, &mut memory, &world.context()))
    };
    let mut see = |world: &World| see_slot(world, &ours);
    assert_eq!(see(&world), ["held NotEffective"]);
    world.wait(300);
    assert_eq!(see(&world), ["held NotEffective"]);
    let policy = PolicyFact {
        targets: [root].into(),
        regions: [region.to_string()].into(),
        ..policy_fact(name.as_str())
    };
    find_policy(&mut world, policy);
    assert_eq!(see(&world), ["held NotEffective"], "it has yet to reach the account");
    world.wait(60);
    assert_eq!(see(&world), ["held Confirming"]);
    world.wait(5);
    assert_eq!(see(&world), ["DeleteEnforcedGuardrailConfiguration"]);
    // Put there again, it waits again: that it goes now need not have to do with what was before.
    let empty = ObservedCell { enforcement: Read::KnownAbsent };
    assert_eq!(see_slot(&world, &empty), [""; 0]);
    world.wait(3600);
    assert_eq!(see_slot(&world, &ours), ["held NotEffective"]);
}

/// Nobody looked at the slot while the policy was away, so to the slot it was there all the time.
#[test]
fn a_slot_waits_anew_for_a_policy_that_was_away_and_is_attached_again() {
    let want = DesiredCell { state: Presence::Absent, ..want() };
    let ours = known(slot(guardrail_arn(), 1));
    let region = cell(MEMBER).region.to_string();
    // What came back: the target, the Region, or neither.
    for (back, waits) in [(ROOT, true), (region.as_str(), true), (UNIT, false)] {
        let (mut world, mut memory) = (world(), Sightings::default());
        world.organization.insert("all".parse().unwrap(), desired_policy(&[ROOT]));
        let policy = PolicyFact {
            targets: [ROOT.parse().unwrap()].into(),
            regions: [region.clone()].into(),
            ..policy_fact("all")
        };
        find_policy(&mut world, policy);
        let mut see = |world: &World| {
            summary(&plan_cell(&cell(MEMBER), Some(&want), &ours, &mut memory, &world.context()))
        };
        assert_eq!(see(&world), ["held NotEffective"]);
        world.wait(60);
        let id: PolicyId = "p-abcdefgh".parse().unwrap();
        world.facts.policies_since.insert((id, back.to_owned()), world.now);
        let first = if waits { ["held NotEffective"] } else { ["held Confirming"] };
        assert_eq!(see(&world), first, "{back}");
        world.wait(60);
        let then = if waits { "held Confirming" } else { "DeleteEnforcedGuardrailConfiguration" };
        assert_eq!(see(&world), [then], "{back}");
        world.facts.policies_since.clear();
        assert_eq!(see(&world), ["held NotEffective"], "nobody knows since when");
    }
}

#[test]
fn a_slot_is_left_to_a_policy_only_on_its_path_in_its_region_and_of_an_enforcement_that_says_so() {
    const ELSEWHERE: &str = "eu-west-1";
    let want = DesiredCell { state: Presence::Absent, ..want() };
    let ours = known(slot(guardrail_arn(), 1));
    let (nobody, missing) = (
        ["held Confirming", "DeleteEnforcedGuardrailConfiguration"],
        ["held NotEffective", "held NotEffective"],
    );
    let in_force = ["held NotEffective", "held Confirming"];
    let rows = [
        // What another manifest wants, and what is attached: of whom, where, in which Region.
        ("above", (ROOT, REGION), ("all", ROOT, REGION), in_force),
        ("above, in part", (ROOT, REGION), ("all", UNIT, REGION), in_force),
        ("attached beside", (ROOT, REGION), ("all", OTHER, REGION), missing),
        ("silent here", (ROOT, REGION), ("all", ROOT, ELSEWHERE), missing),
        ("another's", (ROOT, REGION), ("another", ROOT, REGION), missing),
        ("wanted beside", (OTHER, REGION), ("another", ROOT, REGION), nobody),
        ("wanted elsewhere", (ROOT, ELSEWHERE), ("another", ROOT, REGION), nobody),
    ];
    for (what, (target, region), (by, attached, enforcing), expected) in rows {
        for state in [Presence::Present, Presence::Absent] {
            let mut world = world();
            let regions = BTreeSet::from([region.parse().unwrap()]);
            let other =
                DesiredOrganizationEnforcement { state, regions, ..desired_policy(&[target]) };
            world.organization.insert("all".parse().unwrap(), other);
            let policy = PolicyFact {
                targets: [attached.parse().unwrap()].into(),
                regions: [enforcing.to_owned()].into(),
                ..policy_fact(by)
            };
            find_policy(&mut world, policy);
            let mut memory = Sightings::default();
            let found = [0, 60].map(|seconds| {
                world.wait(seconds);
                let context = world.context();
                summary(&plan_cell(&cell(MEMBER), Some(&want), &ours, &mut memory, &context))
                    .join(", ")
            });
            let expected = if state == Presence::Present { expected } else { nobody };
            assert_eq!(found, expected, "{what}, {state:?}");
        }
    }
}

#[test]
fn what_may_be_ours_is_neither_removed_nor_called_foreign_while_unread() {
    let want = DesiredCell { state: Presence::Absent, ..want() };
    let mut world = world();
    world.facts.replicas.clear();
    let seen = known(slot(guardrail_arn(), 1));
    assert_eq!(summary(&plan(&world, Some(&want), &seen)), ["held Unreadable"]);
    let elsewhere: GuardrailArn =
        "arn:aws:bedrock:us-east-1:999999999999:guardrail/abc".parse().unwrap();
    assert!(summary(&plan(&world, Some(&want), &known(slot(elsewhere, 1)))).is_empty());
}

/// The change guard must know all that would be lost, also what waits for something else.
#[test]
fn what_narrows_or_takes_over_is_a_loss_whether_or_not_it_can_be_done_now() {
    let models = |included: &[&str], excluded: &[&str]| EnforcementSettings {
        models: ModelEnforcement {
            included: included.iter().map(|it| (*it).to_owned()).collect(),
            excluded: excluded.iter().map(|it| (*it).to_owned()).collect(),
        },
        ..EnforcementSettings::default()
    };
    let wants = |settings| DesiredCell { settings, ..want() };
    let mut guarding = EnforcementSettings::default();
    guarding.guarding.messages = Guarding::Selective;
    let hold = DesiredCell { on_foreign: OnForeign::Hold, ..want() };
    let without_embeddings =
        EnforcementSettings { exclude_embeddings: true, ..models(&["ALL"], &["an.embedding"]) };
    let ours = slot(guardrail_arn(), 1);
    let rows: &[(&str, DesiredCell, ObservedEnforcement, usize)] = &[
        ("another version", want(), ours.clone(), 0),
        ("a foreign slot", want(), slot(arn("foreign"), 1), 1),
        ("a foreign slot that stays", hold, slot(arn("foreign"), 1), 0),
        ("one model instead of all", wants(models(&["a.b"], &[])), ours.clone(), 1),
        ("one model excluded", wants(models(&["ALL"], &["a.b"])), ours.clone(), 1),
        (
            "an embedding model excluded by name",
            wants(models(&["ALL"], &["an.embedding"])),
            ours.clone(),
            1,
        ),
        ("embedding models excluded", wants(without_embeddings), ours.clone(), 0),
        ("less is checked", wants(guarding), ours, 1),
    ];
    let mut published = World::with_versions(&content("1"), &[(1, &content("1"))]);
    let mut waiting = World::with_versions(&content("2"), &[]);
    waiting.facts.replicas.get_mut(&key()).unwrap().policy = None;
    for world in [&mut published, &mut waiting] {
        let embeddings = BTreeSet::from(["an.embedding".to_owned()]);
        world.facts.embeddings.insert(REGION.parse().unwrap(), embeddings);
    }
    for (name, want, live, expected) in rows {
        for world in [&published, &waiting] {
            let plan = plan(world, Some(want), &known(live.clone()));
            assert_eq!(plan.losses.len(), *expected, "{name}");
            let steps = plan.steps.iter().filter(|step| step.is_loss()).count();
            assert!(steps <= *expected, "{name}");
        }
    }
}
