mod bent;
mod handover;
mod lanes;
mod removal;
mod renaming;
mod sharding;
mod succession;
mod waves;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{block, blocks, document};
use super::*;
use crate::model::{
    EnforcementKey, EnforcementKind, EnforcementSettings, PolicyId, ReplicaKey, Selection,
    TargetId, TargetMark, Unread,
};
use crate::plan::fixture::{
    MEMBER, OTHER, REGION, ROOT, TIMING, UNIT, World, arn, content, desired_policy as want,
    desired_text, guardrail_arn, holds, key, summary, unread, version,
};
use crate::plan::step::{Grant, Held, Until};

const POLICY: &str = "p-abcdefgh";

fn desired(want: DesiredOrganizationEnforcement) -> BTreeMap<Name, DesiredOrganizationEnforcement> {
    BTreeMap::from([("everywhere".parse().unwrap(), want)])
}

/// `a` is published as 1, `b` as 2; the manifest says `b`.
fn world() -> World {
    World::with_versions(&content("b"), &[(1, &content("a")), (2, &content("b"))])
}

/// The guardrail stands in eu-west-1 as well.
fn add_replica_elsewhere(world: &mut World) -> ReplicaKey {
    let elsewhere = ReplicaKey { region: "eu-west-1".parse().unwrap(), ..key() };
    let mut fact = world.facts.replicas[&key()].clone();
    fact.arn = fact.arn.to_string().replace(REGION, "eu-west-1").parse().unwrap();
    fact.policy = Some(crate::plan::fixture::open_policy(&fact.arn));
    world.facts.replicas.insert(elsewhere.clone(), fact);
    elsewhere
}

fn content_of(number: u32) -> Value {
    let block = block((&guardrail_arn(), version(number)), &EnforcementSettings::default(), true);
    document(&BTreeMap::from([(REGION.to_owned(), block)]))
}

fn policy(content: Value, targets: &[&str]) -> ObservedPolicy {
    ObservedPolicy {
        id: POLICY.parse().unwrap(),
        name: "bedrail-us-everywhere".to_owned(),
        owner: Some("us".parse().unwrap()),
        enforcement: Some("everywhere".parse().unwrap()),
        shard: None,
        lane: None,
        rollouts: BTreeMap::new(),
        content,
        targets: targets.iter().map(|it| it.parse().unwrap()).collect(),
    }
}

fn seen(policies: impl IntoIterator<Item = ObservedPolicy>) -> ObservedOrganization {
    let policies: BTreeMap<PolicyId, ObservedPolicy> =
        policies.into_iter().map(|it| (it.id.clone(), it)).collect();
    ObservedOrganization {
        organization: "o-abcdefghij".parse().unwrap(),
        root: ROOT.parse().unwrap(),
        bedrock_policies: PolicyTypeStatus::Enabled,
        policies: Read::Known(policies),
        invalid: Read::KnownAbsent,
        effective: BTreeMap::new(),
    }
}

fn once(world: &World, want: DesiredOrganizationEnforcement, seen: &ObservedOrganization) -> Plan {
    plan_organization(&desired(want), seen, &mut Sightings::default(), &world.context())
}

fn twice(
    world: &mut World,
    want: &DesiredOrganizationEnforcement,
    seen: &ObservedOrganization,
) -> Plan {
    let mut memory = Sightings::default();
    plan_organization(&desired(want.clone()), seen, &mut memory, &world.context());
    world.wait(5);
    plan_organization(&desired(want.clone()), seen, &mut memory, &world.context())
}

#[test]
fn every_field_is_assigned_and_the_lock_stands_once_per_region() {
    let block = |allow_override| {
        block((&guardrail_arn(), version(3)), &EnforcementSettings::default(), allow_override)
    };
    let configuration = json!({
        "identifier": {"@@assign": format!("{}:3", guardrail_arn())},
        "selective_content_guarding": {"system": {"@@assign": "comprehensive"},
            "messages": {"@@assign": "comprehensive"}},
        "model_enforcement": {"included_models": {"@@assign": ["ALL"]},
            "excluded_models": {"@@assign": []}}});
    assert_eq!(block(true), json!({"config_1": configuration}));
    assert_eq!(
        block(false),
        json!({"@@operators_allowed_for_child_policies": ["@@none"], "config_1": configuration})
    );
}

#[test]
fn seventeen_locked_regions_with_six_excluded_models_fit_one_document() {
    let region = |index: u32| format!("ap-southeast-{index}");
    let mut settings = EnforcementSettings::default();
    settings.models.excluded =
        (0..6).map(|index| format!("amazon.titan-embed-text-v{index}:0")).collect();
    let arn = format!("arn:aws:bedrock:ap-southeast-2:{}:guardrail/abc123abc123", "1".repeat(12));
    let block = block((&arn.parse().unwrap(), version(12)), &settings, false);
    let whole = document(&(0..17).map(|index| (region(index), block.clone())).collect());
    assert!(document::size(&whole) <= document::SIZE_MAX);
}

#[test]
fn nothing_is_planned_from_an_unread_organization() {
    let unknown = ObservedOrganization { policies: Read::Unknown(unread()), ..seen([]) };
    let plan = twice(&mut world(), &want(&[ROOT]), &unknown);
    assert_eq!(summary(&plan), ["held Unreadable"]);
    let mut no_fleet = world();
    no_fleet.facts.fleet = None;
    assert_eq!(summary(&twice(&mut no_fleet, &want(&[ROOT]), &seen([]))), ["held Unreadable"]);
}

#[test]
fn the_policy_type_is_enabled_first_and_only_when_needed() {
    let off = |status| ObservedOrganization { bedrock_policies: status, ..seen([]) };
    let (world, disabled) = (world(), off(PolicyTypeStatus::Disabled));
    assert_eq!(
        summary(&once(&world, want(&[ROOT]), &disabled)),
        ["EnablePolicyType", "held InProgress"]
    );
    let pending = off(PolicyTypeStatus::Pending);
    assert_eq!(summary(&once(&world, want(&[ROOT]), &pending)), ["held InProgress"]);
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[ROOT]) };
    assert!(summary(&once(&world, absent, &disabled)).is_empty());
}

#[test]
fn a_policy_is_made_unattached_and_attached_by_the_next_visit() {
    let mut world = world();
    assert_eq!(summary(&once(&world, want(&[ROOT]), &seen([]))), ["held Confirming"]);
    let plan = twice(&mut world, &want(&[ROOT]), &seen([]));
    let [Step::CreatePolicy { name, content, tags, .. }] = plan.steps.as_slice() else { panic!() };
    assert_eq!(name, "bedrail-us-everywhere");
    assert_eq!(*content, content_of(2));
    assert_eq!(tags["bedrail:enforcement"], "everywhere");
    let next = once(&world, want(&[ROOT, UNIT]), &seen([policy(content_of(2), &[])]));
    assert_eq!(summary(&next), ["AttachPolicy", "AttachPolicy"]);
}

#[test]
fn drift_is_corrected_at_once_content_before_attachment() {
    let world = world();
    let live = seen([policy(content_of(1), &[])]);
    assert_eq!(summary(&once(&world, want(&[ROOT]), &live)), ["UpdatePolicy", "AttachPolicy"]);
    let equal = seen([policy(content_of(2), &[ROOT])]);
    assert_eq!(once(&world, want(&[ROOT]), &equal), Plan::default());
}

#[test]
fn lists_of_a_document_are_sets() {
    let mut world = world();
    let mut want = want(&[ROOT]);
    want.settings.models.excluded = BTreeSet::from(["a.b".to_owned(), "c.d".to_owned()]);
    let plan = once(&world, want.clone(), &seen([policy(content_of(2), &[ROOT])]));
    let [Step::UpdatePolicy { content, .. }] = plan.steps.as_slice() else { panic!() };
    let text = content.to_string().replace(r#"["a.b","c.d"]"#, r#"["c.d","a.b"]"#);
    assert_ne!(text, content.to_string());
    let reordered = serde_json::from_str(&text).unwrap();
    world.wait(1);
    assert_eq!(once(&world, want, &seen([policy(reordered, &[ROOT])])), Plan::default());
}

#[test]
fn an_unknown_fact_keeps_the_live_block_verbatim() {
    let mut world = world();
    world.facts.replicas.clear();
    let live = seen([policy(content_of(1), &[ROOT])]);
    assert_eq!(summary(&once(&world, want(&[ROOT]), &live)), ["held WaitingForVersion"]);
    // What never existed is left out, and nothing empty is made or attached.
    assert_eq!(summary(&twice(&mut world, &want(&[ROOT]), &seen([]))), ["held WaitingForVersion"]);
    let empty = seen([policy(json!({}), &[])]);
    assert_eq!(
        summary(&once(&world, want(&[ROOT]), &empty)),
        ["held WaitingForVersion", "held WaitingForVersion"]
    );
}

#[test]
fn a_region_that_waits_does_not_hold_the_others() {
    let mut want = want(&[ROOT]);
    want.regions.insert("eu-west-1".parse().unwrap());
    let mut world = world();
    let elsewhere = ReplicaKey { region: "eu-west-1".parse().unwrap(), ..key() };
    world.replicas.insert(elsewhere, world.replicas[&key()].clone());
    let plan = twice(&mut world, &want, &seen([]));
    assert_eq!(summary(&plan), ["CreatePolicy", "held WaitingForVersion"]);
    let [Step::CreatePolicy { content, .. }] = plan.steps.as_slice() else { panic!() };
    assert_eq!(blocks(content).keys().collect::<Vec<_>>(), [REGION]);
}

#[test]
fn a_block_no_manifest_names_stays_and_is_reported() {
    let mut live = blocks(&content_of(2));
    live.insert("eu-west-1".to_owned(), json!({"config_1": {"x": 1}}));
    let live = seen([policy(document(&live), &[ROOT])]);
    assert_eq!(summary(&once(&world(), want(&[ROOT]), &live)), ["orphan"]);
}

#[test]
fn what_an_account_below_could_not_apply_is_neither_written_nor_attached() {
    let mut world = world();
    for fact in world.facts.replicas.values_mut() {
        let units = json!({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
            "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [format!("o-abcdefghij/*/{UNIT}/*")]}});
        fact.policy.as_mut().unwrap()["Statement"][0]["Condition"] = units;
    }
    assert_eq!(summary(&twice(&mut world, &want(&[UNIT]), &seen([]))), ["CreatePolicy"]);
    let plan = twice(&mut world, &want(&[ROOT]), &seen([]));
    assert_eq!(summary(&plan), ["held NotShared"]);
    assert!(plan.held[0].message.contains(OTHER) && !plan.held[0].message.contains(MEMBER));
    // Current targets count as well as new ones.
    let live = seen([policy(content_of(1), &[ROOT])]);
    assert_eq!(summary(&once(&world, want(&[UNIT]), &live))[0], "AttachPolicy");
    assert!(summary(&once(&world, want(&[UNIT]), &live)).contains(&"held NotShared".to_owned()));
    // An attachment is judged by its own target.
    let live = seen([policy(content_of(2), &[UNIT])]);
    assert_eq!(summary(&once(&world, want(&[UNIT, ROOT]), &live)), ["held NotShared"]);
    let live = seen([policy(content_of(2), &[])]);
    assert_eq!(
        summary(&once(&world, want(&[UNIT, OTHER]), &live)),
        ["AttachPolicy", "held NotShared"]
    );
}

#[test]
fn a_document_that_references_what_was_not_read_back_is_not_attached() {
    let foreign = block((&arn("zzz"), version(1)), &EnforcementSettings::default(), true);
    let mut live = blocks(&content_of(2));
    live.insert("eu-west-1".to_owned(), foreign);
    let plan = once(&world(), want(&[ROOT]), &seen([policy(document(&live), &[])]));
    assert_eq!(holds(&plan), [HoldReason::WaitingForVersion]);
    assert!(plan.steps.is_empty());
}

/// A policy that somebody else may have made.
fn found(owner: Option<&str>, tag: Option<&str>, name: &str) -> ObservedOrganization {
    let mut policy = policy(content_of(1), &[ROOT]);
    policy.owner = owner.map(|it| it.parse().unwrap());
    policy.enforcement = tag.map(|it| it.parse().unwrap());
    policy.name = name.to_owned();
    seen([policy])
}

#[test]
fn whose_the_policy_is_decides_whether_it_is_touched() {
    let adopt = DesiredOrganizationEnforcement { adopt: true, ..want(&[ROOT]) };
    let ours = "bedrail-us-everywhere";
    let cases: [(&str, DesiredOrganizationEnforcement, ObservedOrganization, &[&str]); 7] = [
        ("nobody's", want(&[ROOT]), found(None, None, ours), &["refused"]),
        (
            "nobody's, adopted",
            adopt.clone(),
            found(None, None, ours),
            &["TagResource", "UpdatePolicy"],
        ),
        ("another's", adopt.clone(), found(Some("them"), Some("everywhere"), ours), &["refused"]),
        (
            "another enforcement's",
            adopt.clone(),
            found(Some("us"), Some("b"), ours),
            &["refused", "orphan"],
        ),
        (
            "renamed by hand",
            want(&[ROOT]),
            found(Some("us"), Some("everywhere"), "x"),
            &["UpdatePolicy"],
        ),
        (
            "untagged by hand",
            want(&[ROOT]),
            found(Some("us"), None, ours),
            &["TagResource", "UpdatePolicy"],
        ),
        ("somebody's of another name", adopt, found(Some("them"), None, "x"), &["held Confirming"]),
    ];
    for (name, want, seen, expected) in cases {
        assert_eq!(summary(&once(&world(), want, &seen)), expected, "{name}");
    }
}

#[test]
fn a_refusal_says_whose_the_policy_is() {
    for (owner, tag, whose) in [
        (None, None, "carries no owner"),
        (Some("them"), Some("everywhere"), "belongs to `them`"),
        (Some("us"), Some("b"), "belongs to another enforcement of ours"),
    ] {
        let plan = once(&world(), want(&[ROOT]), &found(owner, tag, "bedrail-us-everywhere"));
        let message = &plan.refusals[0].message;
        assert!(message.contains(whose), "{message}");
    }
}

#[test]
fn a_policy_with_the_name_the_manifest_gives_is_taken_over_without_a_rewrite() {
    let bare = |number: u32| {
        let named = guardrail_arn().with_version(version(number));
        json!({"bedrock": {"guardrail_inference":
            {REGION: {"config_1": {"identifier": {"@@assign": named}}}}}})
    };
    let live = |number: u32| {
        let mut policy = policy(bare(number), &[UNIT]);
        (policy.owner, policy.enforcement, policy.name) = (None, None, "Theirs".to_owned());
        policy
    };
    let other = |number: u32, target: &str| {
        let mut other = policy(content_of(number), &[target]);
        (other.owner, other.enforcement, other.name) = (None, None, "other".to_owned());
        other.id = "p-otherone".parse().unwrap();
        other
    };
    let want = DesiredOrganizationEnforcement {
        adopt: true,
        policy_name: Some("Theirs".to_owned()),
        ..want(&[UNIT])
    };
    let rows: [(&str, Vec<ObservedPolicy>, &[&str]); 6] = [
        ("what is left out is AWS's default", vec![live(2)], &["TagResource"]),
        ("another version", vec![live(1)], &["TagResource", "UpdatePolicy"]),
        ("one above", vec![live(2), other(1, ROOT)], &["TagResource", "UpdatePolicy"]),
        ("one beside", vec![live(2), other(2, UNIT)], &["TagResource", "UpdatePolicy"]),
        ("one against it", vec![live(2), other(1, UNIT)], &["TagResource", "held ForeignPolicy"]),
        ("one elsewhere", vec![live(2), other(1, OTHER)], &["TagResource"]),
    ];
    for (name, policies, expected) in rows {
        assert_eq!(summary(&once(&world(), want.clone(), &seen(policies))), expected, "{name}");
    }
}

#[test]
fn a_policy_that_is_taken_over_is_as_its_enforcements_own_before_it_is_marked() {
    let unmarked = |number: u32| ObservedPolicy {
        owner: None,
        enforcement: None,
        ..policy(content_of(number), &[UNIT])
    };
    let want = DesiredOrganizationEnforcement { adopt: true, ..want(&[UNIT]) };
    let mut unproven = world();
    unproven.is_assumed = false;
    let plan = |number| once(&unproven, want.clone(), &seen([unmarked(number)]));
    assert_eq!(summary(&plan(2)), ["TagResource"], "what is in force needs no proof");
    assert_eq!(summary(&plan(1)), ["TagResource", "held Preflight"], "what it moves to does");

    let owner = "us".parse().unwrap();
    let names = |want: &DesiredOrganizationEnforcement, live: ObservedPolicy| -> Vec<String> {
        let policies = BTreeMap::from([(live.id.clone(), live)]);
        let found = taken_over(&desired(want.clone()), &policies, &owner);
        found.values().map(ToString::to_string).collect()
    };
    assert_eq!(names(&want, unmarked(2)), ["everywhere"]);
    assert!(names(&want, policy(content_of(2), &[UNIT])).is_empty(), "ours already");
    let theirs = ObservedPolicy { owner: Some("them".parse().unwrap()), ..unmarked(2) };
    assert!(names(&want, theirs).is_empty());
    let refusing = DesiredOrganizationEnforcement { adopt: false, ..want };
    assert!(names(&refusing, unmarked(2)).is_empty());
}

#[test]
fn what_nobody_describes_is_reported_and_left() {
    let mut orphan = policy(content_of(1), &[ROOT]);
    orphan.enforcement = Some("gone".parse().unwrap());
    orphan.name = "bedrail-us-gone".to_owned();
    orphan.id = "p-zzzzzzzz".parse().unwrap();
    let live = seen([orphan, policy(content_of(2), &[ROOT, UNIT])]);
    assert_eq!(summary(&once(&world(), want(&[ROOT]), &live)), ["orphan", "orphan"]);
}

#[test]
fn teardown_detaches_then_deletes_each_confirmed() {
    let want = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[ROOT]) };
    let mut world = world();
    let attached = seen([policy(content_of(1), &[ROOT, UNIT])]);
    assert_eq!(summary(&once(&world, want.clone(), &attached)), ["held Confirming"]);
    assert_eq!(summary(&twice(&mut world, &want, &attached)), ["DetachPolicy", "DetachPolicy"]);
    let detached = seen([policy(content_of(1), &[])]);
    assert_eq!(summary(&once(&world, want.clone(), &detached)), ["held Confirming"]);
    assert_eq!(summary(&twice(&mut world, &want, &detached)), ["DeletePolicy"]);
    assert!(summary(&twice(&mut world, &want, &seen([]))).is_empty());
}

#[test]
fn attached_is_not_enforced_where_the_effective_policy_is_invalid() {
    let mut live = seen([policy(content_of(2), &[ROOT])]);
    live.invalid = Read::Known(BTreeSet::from([MEMBER.parse().unwrap()]));
    let plan = once(&world(), want(&[ROOT]), &live);
    assert_eq!(summary(&plan), ["held Failed"]);
    assert!(plan.held[0].message.contains(MEMBER));
    let unknown = Read::Unknown(Unread { class: "Denied", message: String::new() });
    let unread = ObservedOrganization { invalid: unknown, ..live.clone() };
    assert_eq!(summary(&once(&world(), want(&[ROOT]), &unread)), ["held Unreadable"]);
    // What was just written may cure it: it is for a person only after a while.
    let mut world = world();
    let mut memory = Sightings::default();
    let mut is_for_a_person = |seconds: u64| {
        world.wait(seconds);
        let all = desired(want(&[ROOT]));
        let plan = plan_organization(&all, &live, &mut memory, &world.context());
        plan.held[0].until == Until::Person
    };
    let patience = super::bent::patience(&TIMING).as_secs();
    assert!(!is_for_a_person(0) && !is_for_a_person(patience - 1) && is_for_a_person(1));
}

#[test]
fn what_is_put_in_force_carries_what_it_rests_on_to_be_read_again() {
    let world = world();
    let policy_of = world.facts.replicas[&key()].policy.clone();
    assert!(policy_of.is_some());
    let grant = |number: u32| Grant {
        guardrail: guardrail_arn(),
        versions: BTreeSet::from([version(number)]),
        policy: policy_of.clone(),
    };
    let rows: [(&[&str], Vec<Vec<Grant>>); 2] = [
        (&[ROOT], vec![vec![grant(2)], vec![grant(2)]]),
        // Nothing rests on what is attached nowhere, until it is.
        (&[], vec![vec![], vec![grant(2)], vec![grant(2)]]),
    ];
    for (attached, expected) in rows {
        let plan = once(&world, want(&[ROOT, UNIT]), &seen([policy(content_of(1), attached)]));
        let grants: Vec<_> = plan.steps.iter().map(|step| step.grants().to_vec()).collect();
        assert_eq!(grants, expected, "{attached:?}: {plan:?}");
    }
}

#[test]
fn a_policy_is_attached_only_with_a_version_that_was_read_back_and_that_accounts_were_seen_to_apply()
 {
    // As long as this Region waits, the live document is what is attached.
    let waiting = World::with_versions(&content("c"), &[(1, &content("a")), (2, &content("b"))]);
    let mut unproven = world();
    unproven.is_assumed = false;
    let rows =
        [("gone", waiting, 7, ":7 was not read back yet"), ("unproven", unproven, 2, "probe")];
    for (what, world, number, message) in rows {
        let plan = once(&world, want(&[UNIT]), &seen([policy(content_of(number), &[])]));
        assert!(plan.steps.is_empty(), "{what}: {plan:?}");
        let is_said = |it: &&Held| {
            it.message.starts_with("everywhere will be attached to /Workloads: ")
                && it.message.contains(message)
        };
        assert!(plan.held.iter().any(|it| is_said(&it)), "{what}: {:#?}", plan.held);
    }
}

#[test]
fn a_guardrail_outside_the_management_account_is_named_as_such() {
    let mut world = World::new();
    let mut elsewhere = key();
    elsewhere.account = MEMBER.parse().unwrap();
    world.replicas.insert(elsewhere, crate::plan::fixture::desired(&content("a")));
    let plan = once(&world, want(&[ROOT]), &seen([]));
    assert_eq!(summary(&plan), ["held NotInManagementAccount"]);
}

#[test]
fn protection_comes_before_removal_across_enforcements() {
    let mut gone = policy(content_of(1), &[ROOT]);
    gone.enforcement = Some("a-gone".parse().unwrap());
    gone.name = "bedrail-us-a-gone".to_owned();
    gone.id = "p-aaaaaaaa".parse().unwrap();
    let live = seen([gone, policy(content_of(2), &[])]);
    let mut all = desired(want(&[ROOT]));
    let absent = DesiredOrganizationEnforcement { state: Presence::Absent, ..want(&[]) };
    all.insert("a-gone".parse().unwrap(), absent);
    let (mut world, mut memory) = (world(), Sightings::default());
    world.organization.clone_from(&all);
    let mut planned = |live: &ObservedOrganization, world: &World| {
        plan_organization(&all, live, &mut memory, &world.context())
    };
    let mut gone_only = live.clone();
    assert_eq!(summary(&planned(&live, &world)), ["AttachPolicy", "held NotEffective"]);
    if let Read::Known(policies) = &mut gone_only.policies {
        policies.get_mut(&POLICY.parse().unwrap()).unwrap().targets =
            BTreeSet::from([ROOT.parse().unwrap()]);
    }
    let both = gone_only;
    assert_eq!(summary(&planned(&both, &world)), ["held NotEffective"]);
    world.wait(60);
    assert_eq!(summary(&planned(&both, &world)), ["held Confirming"]);
    world.wait(5);
    let plan = planned(&both, &world);
    assert_eq!(summary(&plan), ["DetachPolicy"]);
    let Step::DetachPolicy { target, .. } = &plan.steps[0] else { panic!() };
    assert_eq!(*target, TargetId::Root(ROOT.parse().unwrap()));
}

/// The tags record `old` of `everywhere`; its text selects `now`.
fn said(world: &mut World, old: &Selection, now: Selection) {
    let key =
        EnforcementKey { kind: EnforcementKind::Organization, name: "everywhere".parse().unwrap() };
    let fact = world.facts.replicas.get_mut(&self::key()).unwrap();
    fact.enforcements.insert(key.clone(), Some(old.clone()));
    world.enforcements.insert(key, desired_text(now));
}

fn selects(regions: &[&str], units: &[&str], accounts: &[&str]) -> Selection {
    let targets = units.iter().map(|it| TargetMark::unit(it));
    let accounts = accounts.iter().map(|it| TargetMark::account(&it.parse().unwrap()));
    let regions = regions.iter().map(|it| it.parse().unwrap()).collect();
    Selection::new(Presence::Present, &regions, targets.chain(accounts).collect())
}
