use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::model::{
    DesiredCell, DesiredOrganizationEnforcement, EnforcementKind, Guarding, GuardrailReference,
    ModelEnforcement, ObservedCell, ObservedEnforcement, ObservedOrganization, ObservedPolicy,
    OnForeign, PolicyTypeStatus, Preflight, Presence, ProbeOutcome, Read, SelectiveContentGuarding,
};
use crate::plan::fixture::{
    MEMBER, OTHER, REGION, ROOT, SUSPENDED, UNIT, World, arn, cell, content, guardrail_arn, key,
    unread, version,
};

/// `baseline` in two versions, of which the manifest means the second.
fn world() -> World {
    let (a, b) = (content("a"), content("b"));
    World::with_versions(&b, &[(1, &a), (2, &b)])
}

fn organization_enforcement(target: &str, allow_override: bool) -> DesiredOrganizationEnforcement {
    DesiredOrganizationEnforcement {
        state: Presence::Present,
        guardrail: GuardrailReference { name: "baseline".parse().unwrap(), revision: None },
        regions: BTreeSet::from([REGION.parse().unwrap()]),
        settings: EnforcementSettings::default(),
        allow_override,
        targets: BTreeSet::from([target.parse().unwrap()]),
        adopt: false,
        policy_name: None,
        preflight: Preflight::default(),
    }
}

fn of(kind: EnforcementKind, account: &str, world: &World) -> Claim {
    let name = "e".parse().unwrap();
    let settings = EnforcementSettings::default();
    let expected = Expected {
        arn: guardrail_arn(),
        version: version(2),
        spoken: format!("baseline {}", world.replicas[&key()].revision.short()),
        settings,
    };
    Claim {
        cell: cell(account),
        enforcement: EnforcementKey { kind, name },
        expected: Ok(expected),
        meanwhile: None,
        remark: None,
        callers: Arc::default(),
    }
}

fn observed(invalid: Read<BTreeSet<crate::model::AccountId>>) -> ObservedOrganization {
    ObservedOrganization {
        organization: "o-abcdefghij".parse().unwrap(),
        root: ROOT.parse().unwrap(),
        bedrock_policies: PolicyTypeStatus::Enabled,
        policies: Read::Known(BTreeMap::new()),
        invalid,
        effective: BTreeMap::new(),
    }
}

fn enforced(change: impl Fn(&mut ObservedEnforcement)) -> Read<ObservedEnforcement> {
    let mut live = ObservedEnforcement {
        config_id: "cfg1".parse().unwrap(),
        guardrail: Some(guardrail_arn()),
        version: Some(version(2)),
        guarding: SelectiveContentGuarding::default(),
        models: ModelEnforcement { included: BTreeSet::new(), excluded: BTreeSet::new() },
        updated_by: None,
        updated_at: None,
    };
    change(&mut live);
    Read::Known(live)
}

fn effective(configurations: &Value) -> Read<Value> {
    Read::Known(json!({"bedrock": {"guardrail_inference": {REGION: configurations}}}))
}

fn one(version: u32) -> Value {
    json!({"identifier": guardrail_arn().with_version(super::super::fixture::version(version)),
           "selective_content_guarding": {"system": "comprehensive", "messages": "comprehensive"},
           "model_enforcement": {"included_models": ["ALL"], "excluded_models": []}})
}

/// What was read, and the verdict on it.
type Case = (&'static str, Read<ObservedEnforcement>, Verdict, Reason);

#[test]
fn a_slot_is_proven_only_by_all_of_it() {
    let world = world();
    let claim = of(EnforcementKind::Account, MEMBER, &world);
    let cases: Vec<Case> = vec![
        ("as claimed", enforced(|_| {}), Verdict::Proven, Reason::ReadBack),
        ("empty", Read::KnownAbsent, Verdict::Failed, Reason::NotEnforced),
        ("unread", Read::Unknown(unread()), Verdict::Unknown, Reason::Unreadable),
        (
            "an older version",
            enforced(|it| it.version = Some(version(1))),
            Verdict::Failed,
            Reason::OtherVersion,
        ),
        (
            "another guardrail",
            enforced(|it| it.guardrail = Some(arn("zzz999zzz999"))),
            Verdict::Failed,
            Reason::OtherGuardrail,
        ),
        (
            "for fewer models",
            enforced(|it| it.models.excluded = BTreeSet::from(["m".to_owned()])),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        (
            "for less of a request",
            enforced(|it| it.guarding.system = Guarding::Selective),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        ("unnamed", enforced(|it| it.version = None), Verdict::Failed, Reason::OtherSettings),
    ];
    for (name, enforcement, verdict, reason) in cases {
        let organization = Read::Known(observed(Read::Known(BTreeSet::new())));
        let slot = ObservedCell { enforcement };
        let effective = Read::KnownAbsent;
        let reading = Reading { organization: &organization, slot: &slot, effective: &effective };
        let found = judge_reading(&claim, &reading, &world.context());
        assert_eq!((found.verdict, found.reason), (verdict, reason), "{name}: {}", found.message);
    }
}

#[test]
fn an_effective_policy_is_proven_only_by_one_configuration_that_is_all_as_claimed() {
    let world = world();
    let claim = of(EnforcementKind::Organization, MEMBER, &world);
    let with = |name: &str, value: Value| {
        let mut configuration = one(2);
        configuration[name] = value;
        effective(&json!({"config_1": configuration}))
    };
    let cases: Vec<(&str, Read<Value>, Verdict, Reason)> = vec![
        ("as claimed", effective(&json!({"config_1": one(2)})), Verdict::Proven, Reason::ReadBack),
        ("none", Read::KnownAbsent, Verdict::Failed, Reason::NotEnforced),
        ("no Region", Read::Known(json!({"bedrock": {}})), Verdict::Failed, Reason::NotEnforced),
        ("unread", Read::Unknown(unread()), Verdict::Unknown, Reason::Unreadable),
        (
            "another version",
            effective(&json!({"config_1": one(1)})),
            Verdict::Failed,
            Reason::OtherVersion,
        ),
        (
            "a second configuration",
            effective(&json!({"config_1": one(2), "config_2": one(2)})),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        (
            "another name",
            effective(&json!({"config_2": one(2)})),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        (
            "an unknown member",
            with("input_tags", json!("honor")),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        (
            "a guarding of later times",
            with("selective_content_guarding", json!({"system": "lenient"})),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        (
            "fewer models",
            with("model_enforcement", json!({"included_models": ["m"], "excluded_models": []})),
            Verdict::Failed,
            Reason::OtherSettings,
        ),
        ("DRAFT", with("identifier", json!("arn:x:DRAFT")), Verdict::Failed, Reason::OtherSettings),
    ];
    for (name, effective, verdict, reason) in cases {
        let organization = Read::Known(observed(Read::Known(BTreeSet::new())));
        let slot = ObservedCell { enforcement: Read::KnownAbsent };
        let reading = Reading { organization: &organization, slot: &slot, effective: &effective };
        let found = judge_reading(&claim, &reading, &world.context());
        assert_eq!((found.verdict, found.reason), (verdict, reason), "{name}: {}", found.message);
    }
}

#[test]
fn nothing_of_an_account_with_an_invalid_effective_policy_is_proven() {
    let world = world();
    let slot = ObservedCell { enforcement: enforced(|_| {}) };
    let effective = effective(&json!({"config_1": one(2)}));
    let cases = [
        (Read::Known(BTreeSet::from([MEMBER.parse().unwrap()])), Reason::InvalidEffectivePolicy),
        (Read::Known(BTreeSet::from([OTHER.parse().unwrap()])), Reason::ReadBack),
        (Read::Unknown(unread()), Reason::Unreadable),
    ];
    for (invalid, reason) in cases {
        for kind in [EnforcementKind::Account, EnforcementKind::Organization] {
            let organization = Read::Known(observed(invalid.clone()));
            let reading =
                Reading { organization: &organization, slot: &slot, effective: &effective };
            let claim = of(kind, MEMBER, &world);
            assert_eq!(
                judge_reading(&claim, &reading, &world.context()).reason,
                reason,
                "{kind:?}"
            );
        }
    }
}

#[test]
fn a_bent_policy_names_who_bends_it_on_the_path_and_nobody_else() {
    let world = world();
    let policy = |id: &str, owner: Option<&str>, target: &str, region: &str| ObservedPolicy {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        owner: owner.map(|owner| owner.parse().unwrap()),
        enforcement: None,
        shard: None,
        lane: None,
        rollouts: BTreeMap::new(),
        content: json!({"bedrock": {"guardrail_inference": {region: {"config_1": {}}}}}),
        targets: BTreeSet::from([target.parse().unwrap()]),
    };
    let cases = [
        ("theirs above", policy("p-aaaaaaaa", Some("them"), UNIT, REGION), Reason::Bent),
        ("nobody's", policy("p-aaaaaaaa", None, ROOT, REGION), Reason::Bent),
        ("ours", policy("p-aaaaaaaa", Some("us"), UNIT, REGION), Reason::OtherVersion),
        ("beside", policy("p-aaaaaaaa", None, OTHER, REGION), Reason::OtherVersion),
        ("another Region", policy("p-aaaaaaaa", None, UNIT, "eu-west-1"), Reason::OtherVersion),
    ];
    for (name, policy, reason) in cases {
        let mut organization = observed(Read::Known(BTreeSet::new()));
        organization.policies = Read::Known([(policy.id.clone(), policy)].into());
        let organization = Read::Known(organization);
        let slot = ObservedCell { enforcement: Read::KnownAbsent };
        let effective = effective(&json!({"config_1": one(1)}));
        let reading = Reading { organization: &organization, slot: &slot, effective: &effective };
        let claim = of(EnforcementKind::Organization, MEMBER, &world);
        let found = judge_reading(&claim, &reading, &world.context());
        assert_eq!(found.reason, reason, "{name}: {}", found.message);
        assert_eq!(found.message.contains("p-aaaaaaaa"), reason == Reason::Bent, "{name}");
    }
}

#[test]
fn what_a_rollout_means_counts_where_what_the_text_says_is_not_in_force() {
    let world = world();
    let older = Expected {
        version: version(1),
        ..of(EnforcementKind::Account, MEMBER, &world).expected.unwrap()
    };
    let untold = Finding::unknown(Reason::Unreadable, "x");
    let cases = [
        ("the new one", Some(2), Ok(older.clone()), (Verdict::Proven, false)),
        ("the older one", Some(1), Ok(older.clone()), (Verdict::Proven, true)),
        ("neither", Some(3), Ok(older.clone()), (Verdict::Failed, true)),
        ("nothing", None, Ok(older), (Verdict::Failed, true)),
        ("the new one, rollout unread", Some(2), Err(untold.clone()), (Verdict::Proven, false)),
        ("another, rollout unread", Some(1), Err(untold), (Verdict::Unknown, true)),
    ];
    for (name, live, expected, found) in cases {
        for kind in [EnforcementKind::Account, EnforcementKind::Organization] {
            let organization = Read::Known(observed(Read::Known(BTreeSet::new())));
            let enforcement = live.map_or(Read::KnownAbsent, |number| {
                enforced(|it| it.version = Some(version(number)))
            });
            let policy = live
                .map_or(Read::KnownAbsent, |number| effective(&json!({"config_1": one(number)})));
            let slot = ObservedCell { enforcement };
            let reading = Reading { organization: &organization, slot: &slot, effective: &policy };
            let meanwhile = Meanwhile { expected: expected.clone(), remark: "waits".to_owned() };
            let claim = Claim { meanwhile: Some(meanwhile), ..of(kind, MEMBER, &world) };
            let claim = meant(claim, &reading);
            let judged = judge_reading(&claim, &reading, &world.context());
            assert_eq!((judged.verdict, claim.remark.is_some()), found, "{name}, {kind:?}");
        }
    }
}

fn ran(version: &str, origin: &str) -> BTreeSet<Ran> {
    BTreeSet::from([Ran {
        arn: Some(guardrail_arn()),
        version: Some(version.to_owned()),
        origins: BTreeSet::from([origin.to_owned()]),
    }])
}

#[test]
fn inference_proves_what_it_shows_with_arn_version_and_origin() {
    let world = world();
    let claim = of(EnforcementKind::Organization, MEMBER, &world);
    let cases = [
        (Probed::Inferred(ran("2", "ORGANIZATION_ENFORCED")), Verdict::Proven, Reason::Shown),
        (Probed::Inferred(ran("2", "ACCOUNT_ENFORCED")), Verdict::Failed, Reason::NotShown),
        (Probed::Inferred(ran("2", "REQUEST")), Verdict::Failed, Reason::NotShown),
        (Probed::Inferred(ran("1", "ORGANIZATION_ENFORCED")), Verdict::Failed, Reason::NotShown),
        (Probed::Inferred(BTreeSet::new()), Verdict::Failed, Reason::NotShown),
        (Probed::Applied(ran("2", "REQUEST")), Verdict::Proven, Reason::Applied),
        (Probed::Applied(ran("1", "REQUEST")), Verdict::Failed, Reason::NotShown),
        (Probed::Refused("no".to_owned()), Verdict::Failed, Reason::ProbeRefused),
        (Probed::Unanswered("…".to_owned()), Verdict::Unknown, Reason::ProbeUnanswered),
    ];
    for (probed, verdict, reason) in cases {
        let found = judge_probe(&claim, &probed, None);
        assert_eq!((found.verdict, found.reason), (verdict, reason), "{probed:?}");
    }
    let mut exempt = claim;
    if let Ok(expected) = &mut exempt.expected {
        expected.settings.models.excluded = BTreeSet::from(["m".to_owned()]);
    }
    let shown = Probed::Inferred(ran("2", "ORGANIZATION_ENFORCED"));
    assert_eq!(judge_probe(&exempt, &shown, Some("m")).reason, Reason::ModelExempt);
    assert_eq!(judge_probe(&exempt, &shown, Some("n")).reason, Reason::Shown);
}

#[test]
fn a_cell_is_claimed_by_the_enforcement_whose_word_counts_there() {
    let cases = [(true, "leaf", "above"), (false, "above", "above")];
    for (allow_override, member, other) in cases {
        let mut world = world();
        let above = organization_enforcement(ROOT, allow_override);
        world.organization.insert("above".parse().unwrap(), above);
        world.organization.insert("leaf".parse().unwrap(), organization_enforcement(UNIT, true));
        let Claims { claims, skipped } = claims(&BTreeMap::new(), &world.context());
        let by: BTreeMap<&str, &str> = claims
            .iter()
            .map(|it| (it.cell.account.as_str(), it.enforcement.name.as_str()))
            .collect();
        assert_eq!((by[MEMBER], by[OTHER]), (member, other), "override {allow_override}");
        assert_eq!(skipped[&SUSPENDED.parse().unwrap()], "SUSPENDED");
        assert!(!by.contains_key(SUSPENDED));
        let expected = claims[0].expected.as_ref().unwrap();
        assert_eq!((&expected.arn, expected.version), (&guardrail_arn(), version(2)));
    }
}

#[test]
fn what_is_not_published_or_not_read_is_no_expectation() {
    let desired = DesiredCell {
        state: Presence::Present,
        enforcement: "e".parse().unwrap(),
        revision: None,
        replica: key(),
        settings: EnforcementSettings::default(),
        on_foreign: OnForeign::Replace,
        preflight: Preflight::default(),
    };
    let (a, b) = (content("a"), content("b"));
    let mut unpublished = World::with_versions(&b, &[(1, &a)]);
    unpublished.cells.insert(cell(MEMBER), desired.clone().into());
    let mut unread = World::with_versions(&b, &[]);
    unread.facts.replicas.clear();
    unread.cells.insert(cell(MEMBER), desired.clone().into());
    let mut absent = world();
    absent.cells.insert(cell(MEMBER), DesiredCell { state: Presence::Absent, ..desired }.into());

    let reasons = |world: &World| -> Vec<Reason> {
        let found = claims(&BTreeMap::new(), &world.context()).claims.into_iter();
        found.map(|claim| claim.expected.unwrap_err().reason).collect()
    };
    assert_eq!(reasons(&unpublished), [Reason::NotPublished]);
    assert_eq!(reasons(&unread), [Reason::Unreadable]);
    assert_eq!(reasons(&absent), [], "what should be gone is not claimed");
}

#[test]
fn a_report_is_proven_when_something_is_claimed_and_all_of_it_is_proven() {
    let world = world();
    let claim = || of(EnforcementKind::Account, MEMBER, &world);
    let report = |findings: Vec<Finding>| Report {
        findings: findings.into_iter().map(|finding| (claim(), finding)).collect(),
        ..Report::default()
    };
    let proven = || Finding::proven(Reason::ReadBack, "x");
    assert!(report(vec![proven()]).is_proven());
    assert!(!report(Vec::new()).is_proven());
    assert!(!report(vec![proven(), Finding::failed(Reason::NotEnforced, "x")]).is_proven());
    assert!(!report(vec![proven(), Finding::unknown(Reason::Unreadable, "x")]).is_proven());
    let mut refused = report(vec![proven()]);
    refused.refusals.insert(crate::model::Refusal {
        manifest: "AccountEnforcement/e".to_owned(),
        field: "spec.targets[0]".to_owned(),
        message: "there is no such unit".to_owned(),
    });
    assert!(!refused.is_proven());
    let mut skipped = report(vec![proven()]);
    skipped.skipped.insert(SUSPENDED.parse().unwrap(), "SUSPENDED".to_owned());
    assert!(skipped.is_proven(), "a suspended account is neither");
}

#[test]
fn a_role_that_may_not_apply_it_fails_a_claim_and_one_nobody_can_tell_of_proves_nothing() {
    let roles = ["App", "Other"].map(|role| role.parse().unwrap());
    let claim =
        Claim { callers: Arc::new(roles.into()), ..of(EnforcementKind::Account, MEMBER, &world()) };
    let questions: Vec<_> = claim.questions().collect();
    let answered = |first: ProbeOutcome, second: ProbeOutcome| {
        let answers = questions.iter().cloned().zip([first, second]).collect();
        judge_callers(&claim, &answers).map(|it| (it.verdict, it.reason))
    };
    let passed = || ProbeOutcome::Passed;
    let denied = || ProbeOutcome::Denied("no".to_owned());
    let unknown = || ProbeOutcome::Unknown { message: "no".to_owned(), is_transient: false };
    let (failed, untold) = (
        Some((Verdict::Failed, Reason::CallerDenied)),
        Some((Verdict::Unknown, Reason::CallerUnknown)),
    );
    assert_eq!(answered(passed(), passed()), None);
    assert_eq!(answered(passed(), denied()), failed);
    assert_eq!(answered(unknown(), denied()), failed, "what is sure comes first");
    assert_eq!(answered(unknown(), passed()), untold);
    assert_eq!(
        judge_callers(&claim, &BTreeMap::new()).map(|it| it.verdict),
        Some(Verdict::Unknown)
    );
}
