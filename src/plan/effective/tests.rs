use serde_json::json;

use super::*;
use crate::plan::fixture::{MANAGEMENT, MEMBER, OTHER, REGION, ROOT, UNIT, fleet, owner, unread};

const LOCK: &str = "@@operators_allowed_for_child_policies";

/// A document for one Region.
fn document(configuration: &Value, is_locked: bool) -> Value {
    let mut block = json!({"config_1": configuration});
    if is_locked {
        block[LOCK] = json!(["@@none"]);
    }
    json!({"bedrock": {"guardrail_inference": {REGION: block}}})
}

fn assigns(guardrail: &str) -> Value {
    json!({"identifier": {"@@assign": guardrail},
        "model_enforcement": {"included_models": {"@@assign": ["ALL"]},
            "excluded_models": {"@@assign": []}}})
}

fn policy(id: &str, is_ours: bool, content: Value, targets: &[&str]) -> ObservedPolicy {
    ObservedPolicy {
        id: id.parse().unwrap(),
        name: id.trim_start_matches("p-").to_owned(),
        owner: is_ours.then(owner),
        enforcement: None,
        shard: None,
        lane: None,
        rollouts: BTreeMap::new(),
        content,
        targets: targets.iter().map(|it| it.parse().unwrap()).collect(),
    }
}

fn ours(is_locked: bool, targets: &[&str]) -> ObservedPolicy {
    policy("p-ouroooours", true, document(&assigns("ours"), is_locked), targets)
}

fn theirs(content: Value, targets: &[&str]) -> ObservedPolicy {
    policy("p-theirtheirs", false, content, targets)
}

fn all(policies: impl IntoIterator<Item = ObservedPolicy>) -> BTreeMap<PolicyId, ObservedPolicy> {
    policies.into_iter().map(|it| (it.id.clone(), it)).collect()
}

fn bends(policies: &BTreeMap<PolicyId, ObservedPolicy>) -> Vec<Bend> {
    Landscape::of(policies, &owner(), &fleet()).bends()
}

/// The accounts that are bent.
fn bent(policies: impl IntoIterator<Item = ObservedPolicy>) -> Vec<String> {
    let bends = bends(&all(policies));
    bends.iter().flat_map(|it| &it.accounts).map(ToString::to_string).collect()
}

#[test]
fn policies_have_something_for_the_regions_that_they_name_alone() {
    let content = document(&assigns("ours"), false);
    let outcomes = outcomes(&[vec![&content]]);
    assert!(outcomes.has(REGION) && !outcomes.has("eu-west-1"));
}

#[test]
fn a_foreign_policy_bends_where_it_has_the_last_word() {
    let other = || document(&assigns("theirs"), false);
    let locked = || document(&assigns("theirs"), true);
    let append =
        || document(&json!({"model_enforcement": {"excluded_models": {"@@append": ["m"]}}}), false);
    let remove = || {
        document(&json!({"model_enforcement": {"included_models": {"@@remove": ["ALL"]}}}), false)
    };
    let second =
        || json!({"bedrock": {"guardrail_inference": {REGION: {"config_2": assigns("theirs")}}}});
    let elsewhere = || json!({"bedrock": {"guardrail_inference": {"eu-west-1": {"config_1": assigns("theirs")}}}});
    let everyone = [MANAGEMENT, MEMBER, OTHER];
    let rows: Vec<(&str, Vec<ObservedPolicy>, &[&str])> = vec![
        ("none", vec![ours(false, &[ROOT])], &[]),
        ("above, and ours nearer", vec![theirs(other(), &[ROOT]), ours(false, &[UNIT])], &[]),
        ("above, locked", vec![theirs(locked(), &[ROOT]), ours(false, &[UNIT])], &[MEMBER]),
        ("below, overrides", vec![ours(false, &[ROOT]), theirs(other(), &[UNIT])], &[MEMBER]),
        ("below, and ours locked", vec![ours(true, &[ROOT]), theirs(other(), &[UNIT])], &[]),
        ("below, at one account", vec![ours(false, &[ROOT]), theirs(other(), &[OTHER])], &[OTHER]),
        ("below, appends", vec![ours(false, &[ROOT]), theirs(append(), &[UNIT])], &[MEMBER]),
        ("below, removes", vec![ours(false, &[ROOT]), theirs(remove(), &[UNIT])], &[MEMBER]),
        ("another configuration", vec![ours(false, &[ROOT]), theirs(second(), &[UNIT])], &[MEMBER]),
        ("another above", vec![theirs(second(), &[ROOT]), ours(false, &[UNIT])], &[MEMBER]),
        ("another Region", vec![ours(false, &[ROOT]), theirs(elsewhere(), &[UNIT])], &[]),
        ("beside, by order", vec![ours(false, &[ROOT]), theirs(other(), &[ROOT])], &everyone),
        (
            "beside, the same",
            vec![ours(false, &[ROOT]), theirs(document(&assigns("ours"), false), &[ROOT])],
            &[],
        ),
        (
            "a copy below",
            vec![ours(false, &[ROOT]), theirs(document(&assigns("ours"), false), &[UNIT])],
            &[],
        ),
        ("not attached", vec![ours(false, &[ROOT]), theirs(other(), &[])], &[]),
        ("where ours is not", vec![ours(false, &[UNIT]), theirs(other(), &[OTHER])], &[]),
    ];
    for (what, policies, expected) in rows {
        assert_eq!(bent(policies), expected, "{what}");
    }
}

#[test]
fn a_bend_names_the_policy_the_place_and_what_it_does() {
    let harmless = policy("p-harmless00", false, json!({"bedrock": {}}), &[ROOT]);
    let content =
        document(&json!({"model_enforcement": {"excluded_models": {"@@append": ["m"]}}}), true);
    let [bend] = &bends(&all([ours(false, &[ROOT]), theirs(content, &[UNIT]), harmless]))[..]
    else {
        panic!()
    };
    assert_eq!(bend.by, "`theirtheirs` (p-theirtheirs) at /Workloads (appends, locks)");
    assert_eq!(bend.does, r#"config_1.model_enforcement.excluded_models: (absent) → ["m"]"#);
    assert_eq!(bend.region, REGION);
}

#[test]
fn our_own_policies_nearer_the_leaf_win_and_bend_nothing() {
    let nearer = policy("p-nearer0000", true, document(&assigns("stricter"), false), &[UNIT]);
    assert!(bent([ours(false, &[ROOT]), nearer]).is_empty());
}

#[test]
fn only_what_a_change_bends_in_addition_counts_against_it() {
    let fleet = fleet();
    let other = document(&assigns("theirs"), false);
    let live = all([ours(false, &[ROOT]), theirs(other, &[UNIT])]);
    let landscape = Landscape::of(&live, &owner(), &fleet);
    let id: PolicyId = "p-ouroooours".parse().unwrap();
    let (new, targets) = (document(&assigns("newer"), false), ours(false, &[ROOT]).targets);
    assert!(landscape.newly_bent(&landscape.with(Some(&id), &new, &targets)).is_empty());
    let region =
        json!({"bedrock": {"guardrail_inference": {"eu-west-1": {"config_1": assigns("new")}}}});
    assert!(landscape.newly_bent(&landscape.with(None, &region, &targets)).is_empty());
    let live = all([ours(false, &[OTHER]), theirs(document(&assigns("theirs"), false), &[UNIT])]);
    let landscape = Landscape::of(&live, &owner(), &fleet);
    let found = landscape.newly_bent(&landscape.with(Some(&id), &new, &targets));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].accounts, BTreeSet::from([MEMBER.parse().unwrap()]));
}

/// Accounts, and the guardrail that each shows.
type Shown = &'static [(&'static str, &'static str)];

fn effective(says: &[(&str, &str)]) -> BTreeMap<AccountId, Read<Value>> {
    let document = |guardrail: &str| {
        json!({"bedrock": {"guardrail_inference": {REGION: {"config_1": {"identifier": guardrail,
            "model_enforcement": {"included_models": ["ALL"]}}}}}})
    };
    let read = |says: &str| match says {
        "nothing" => Read::KnownAbsent,
        "unread" => Read::Unknown(unread()),
        guardrail => Read::Known(document(guardrail)),
    };
    says.iter().map(|(account, says)| (account.parse().unwrap(), read(says))).collect()
}

#[test]
fn one_witness_shows_each_distinct_path() {
    let fleet = fleet();
    let nothing_here = theirs(json!({}), &[UNIT]);
    for (policies, expected) in [
        (all([ours(false, &[ROOT])]), &[MEMBER][..]),
        (all([ours(false, &[ROOT]), nothing_here]), &[MEMBER, OTHER]),
        (all([ours(false, &[ROOT, OTHER, MEMBER])]), &[MANAGEMENT, MEMBER, OTHER]),
        (all([ours(false, &[UNIT])]), &[MEMBER]),
        (all([theirs(document(&assigns("x"), false), &[ROOT])]), &[]),
    ] {
        let found = witnesses(&policies, &owner(), &fleet);
        let found: Vec<&str> = found.iter().map(AccountId::as_str).collect();
        assert_eq!(found, expected);
        let (none, right) = (effective(&[]), [MANAGEMENT, MEMBER, OTHER].map(|it| (it, "ours")));
        assert_eq!(unproven(&policies, &owner(), &fleet, &none).len(), expected.len());
        assert!(unproven(&policies, &owner(), &fleet, &effective(&right)).is_empty());
        let late = effective(&[(OTHER, "nothing"), (MEMBER, "unread")]);
        assert_eq!(unproven(&policies, &owner(), &fleet, &late).len(), expected.len());
    }
}

#[test]
fn what_accounts_show_is_believed_where_the_order_decides_and_checked_elsewhere() {
    let fleet = fleet();
    let other = || document(&assigns("theirs"), false);
    let beside = all([ours(false, &[ROOT]), theirs(other(), &[ROOT])]);
    let below = all([ours(false, &[ROOT]), theirs(other(), &[UNIT])]);
    let alone = all([ours(false, &[ROOT])]);
    // Policies, what the witnesses show, how many bends and how many that nothing explains.
    let rows: [(&str, &_, Shown, usize, usize); 8] = [
        ("ours came first", &beside, &[(MEMBER, "ours")], 0, 0),
        ("theirs came first", &beside, &[(MEMBER, "theirs")], 1, 0),
        ("not read", &beside, &[], 1, 0),
        ("bent, as merged", &below, &[(OTHER, "ours"), (MEMBER, "theirs")], 1, 0),
        ("bent, and not yet shown", &below, &[(OTHER, "ours"), (MEMBER, "ours")], 1, 0),
        ("as it should be", &alone, &[(MEMBER, "ours")], 0, 0),
        ("something else", &alone, &[(MEMBER, "old")], 0, 1),
        ("nothing", &alone, &[(MEMBER, "nothing")], 0, 1),
    ];
    for (what, policies, says, bends, differing) in rows {
        let survey = Landscape::of(policies, &owner(), &fleet).survey(&effective(says));
        assert_eq!((survey.bends.len(), survey.differing.len()), (bends, differing), "{what}");
        assert_eq!(survey.unread, None);
    }
    let survey = Landscape::of(&alone, &owner(), &fleet).survey(&effective(&[(MEMBER, "unread")]));
    assert_eq!(survey.unread, Some(unread()));
}

#[test]
fn what_was_bent_before_is_nothing_new() {
    let fleet = fleet();
    let assigned = || document(&assigns("theirs"), false);
    let before = all([ours(false, &[ROOT]), theirs(assigned(), &[UNIT])]);
    let after = all([ours(false, &[ROOT]), theirs(assigned(), &[UNIT, OTHER])]);
    let landscape = |policies| Landscape::of(policies, &owner(), &fleet);
    let new = landscape(&before).newly_bent(&landscape(&after));
    let accounts: Vec<&str> =
        new.iter().flat_map(|bend| &bend.accounts).map(AccountId::as_str).collect();
    assert_eq!(accounts, [OTHER]);
    assert_eq!(landscape(&after).newly_bent(&landscape(&before)), []);
}

#[test]
fn only_what_is_below_guardrail_inference_is_of_a_region() {
    let says = || json!({REGION: {"config_1": {"identifier": {"@@assign": "x"}}}});
    let regions = |document: Value| merge(&[vec![&document]]).regions().len();
    assert_eq!(regions(json!({"bedrock": {"guardrail_inference": says()}})), 1);
    assert_eq!(regions(json!({"bedrock": {"something_else": says()}})), 0);
    assert_eq!(regions(json!({"something_else": {"guardrail_inference": says()}})), 0);
}

#[test]
fn every_verb_of_a_policy_is_named() {
    let rows: [(Value, &[&str]); 3] = [
        (assigns("x"), &["assigns"]),
        (json!({"model_enforcement": {"included_models": {"@@append": ["a.b"]}}}), &["appends"]),
        (json!({"model_enforcement": {"excluded_models": {"@@remove": ["a.b"]}}}), &["removes"]),
    ];
    for (configuration, expected) in rows {
        let found = verbs(&document(&configuration, false), REGION);
        assert_eq!(found, expected.iter().copied().collect(), "{configuration}");
    }
}
