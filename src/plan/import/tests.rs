use serde_json::{Value, json};

use super::*;
use crate::model::{
    Bucket, DataKind, ImportedShare, ImportedTarget, ModelEnforcement, OnDraft, Region,
    ReplicaContent, SelectiveContentGuarding,
};
use crate::plan::fixture::{
    MANAGEMENT, MEMBER, OTHER, REGION, ROOT, UNIT, arn, cell, content, fleet, guardrail,
    guardrail_arn, open_policy, owner, published, version,
};

/// A live guardrail of nobody's, open to all, with versions of these contents; the last is DRAFT.
fn live_guardrail(contents: &[&str]) -> ObservedGuardrail {
    let contents: Vec<ReplicaContent> = contents.iter().map(|it| content(it)).collect();
    let mut live = guardrail(contents.last().unwrap());
    live.tags.clear();
    live.policy = Read::Known(open_policy(&live.arn));
    live.versions = (1_u32..).zip(&contents).map(|(number, it)| published(number, it)).collect();
    live
}

fn policy(content: Value, targets: &[&str]) -> ObservedPolicy {
    ObservedPolicy {
        id: "p-abcdefgh".parse().unwrap(),
        name: "All of us!".to_owned(),
        owner: None,
        enforcement: None,
        shard: None,
        lane: None,
        rollouts: BTreeMap::new(),
        content,
        targets: targets.iter().map(|it| it.parse().unwrap()).collect(),
    }
}

fn slot(number: u32) -> ObservedEnforcement {
    ObservedEnforcement {
        config_id: "abc1".parse().unwrap(),
        guardrail: Some(guardrail_arn()),
        version: Some(version(number)),
        guarding: SelectiveContentGuarding::default(),
        models: ModelEnforcement::default(),
        updated_at: None,
        updated_by: None,
    }
}

/// One world to import from.
struct World {
    guardrails: Vec<(String, ObservedGuardrail)>,
    policies: BTreeMap<PolicyId, ObservedPolicy>,
    slots: BTreeMap<Cell, ObservedEnforcement>,
    logging: BTreeMap<Cell, LoggingConfig>,
}

impl World {
    fn new(guardrail: ObservedGuardrail) -> Self {
        Self {
            guardrails: vec![("baseline".to_owned(), guardrail)],
            policies: BTreeMap::new(),
            slots: BTreeMap::new(),
            logging: BTreeMap::new(),
        }
    }

    /// With the logs of these accounts in these buckets.
    fn with_logging(mut self, buckets: &[(&str, &str)]) -> Self {
        let config = |bucket: &str| LoggingConfig {
            log_group: None,
            bucket: Some(Bucket { name: bucket.to_owned(), prefix: None }),
            delivered: DataKind::ALL.into(),
        };
        let logging = buckets.iter().map(|(account, bucket)| (cell(account), config(bucket)));
        self.logging = logging.collect();
        self
    }

    fn with_policy(mut self, content: Value, targets: &[&str]) -> Self {
        let policy = policy(content, targets);
        self.policies.insert(policy.id.clone(), policy);
        self
    }

    fn with_slots(mut self, slots: &[(&str, u32)]) -> Self {
        self.slots = slots.iter().map(|(account, number)| (cell(account), slot(*number))).collect();
        self
    }

    fn import(&self) -> Imported {
        let Self { guardrails, policies, slots, logging } = self;
        import(&Live {
            owner: &owner(),
            fleet: &fleet(),
            guardrails,
            policies,
            slots,
            logging,
            controls: &BTreeMap::new(),
            control_size_max: 5120,
        })
    }
}

fn document(configuration: &Value) -> Value {
    json!({"bedrock": {"guardrail_inference": {REGION: {"config_1": configuration}}}})
}

fn identifier(number: u32) -> Value {
    json!({"identifier": {"@@assign": guardrail_arn().with_version(version(number))}})
}

#[test]
fn the_version_in_force_is_the_content_and_not_the_newest() {
    let world = World::new(live_guardrail(&["a", "b", "c"])).with_slots(&[(MEMBER, 2)]);
    let imported = world.import();
    let [found] = imported.guardrails.as_slice() else { panic!("{imported:?}") };
    assert_eq!(found.content, content("b").shared);
    assert_eq!(found.on_draft, OnDraft::Leave);
    assert!(found.notes.iter().any(|note| note.contains("DRAFT differs")), "{:?}", found.notes);
    assert_eq!(found.share, ImportedShare::Organization);
    let [enforcement] = imported.accounts.as_slice() else { panic!("{imported:?}") };
    assert_eq!(enforcement.revision, None);
}

#[test]
fn slots_of_another_revision_are_a_manifest_that_pins_it() {
    let world = World::new(live_guardrail(&["a", "b"]));
    let imported = world.with_slots(&[(MEMBER, 2), (OTHER, 1), (MANAGEMENT, 2)]).import();
    let said: Vec<_> =
        imported.accounts.iter().map(|it| (it.revision.clone(), it.targets.len())).collect();
    assert_eq!(said, [(None, 2), (Some(content("a").revision()), 1)]);
}

#[test]
fn a_version_published_twice_is_left_since_a_manifest_would_move_it() {
    let world = World::new(live_guardrail(&["a", "a"])).with_slots(&[(MEMBER, 1), (OTHER, 1)]);
    let imported = world.import();
    assert_eq!(imported.accounts, []);
    assert!(imported.left[0].why.contains("again as version 2"), "{:?}", imported.left);
}

#[test]
fn whom_a_live_policy_admits_is_said_as_units_where_it_names_no_less() {
    let units = |units: &[&str]| {
        let paths: Vec<String> =
            units.iter().map(|unit| format!("o-abcdefghij/*/{unit}/*")).collect();
        let mut policy = open_policy(&guardrail_arn());
        policy["Statement"][0]["Condition"]["ForAnyValue:StringLike"] =
            json!({"aws:PrincipalOrgPaths": paths});
        Read::Known(policy)
    };
    let account = || {
        let mut policy = open_policy(&guardrail_arn());
        policy["Statement"][0]["Principal"] = json!({"AWS": MEMBER});
        Read::Known(policy)
    };
    let workloads = ImportedShare::Units(vec!["/Workloads".to_owned()]);
    for (name, policy, expected) in [
        ("everybody", Read::Known(open_policy(&guardrail_arn())), ImportedShare::Organization),
        ("a unit", units(&[UNIT]), workloads),
        ("one account: no manifest can say it", account(), ImportedShare::None),
        ("nobody", Read::KnownAbsent, ImportedShare::None),
    ] {
        let mut live = live_guardrail(&["a"]);
        live.policy = policy;
        let imported = World::new(live).import();
        assert_eq!(imported.guardrails[0].share, expected, "{name}");
    }
}

#[test]
fn a_policy_is_one_manifest_with_its_own_name() {
    let world = World::new(live_guardrail(&["a"]));
    let imported = world.with_policy(document(&identifier(1)), &[ROOT, UNIT, MEMBER]).import();
    let [found] = imported.organization.as_slice() else { panic!("{:?}", imported.left) };
    assert_eq!(
        (found.enforcement.name.as_str(), found.policy_name.as_str()),
        ("All-of-us", "All of us!")
    );
    assert!(found.allow_override);
    let targets = &found.enforcement.targets;
    assert!(targets.contains(&ImportedTarget::Organization), "{targets:?}");
    let unit = ImportedTarget::Unit { text: "/Workloads".to_owned(), comment: None };
    assert!(targets.contains(&unit), "{targets:?}");
}

#[test]
fn what_no_manifest_says_of_a_policy_is_left_with_the_reason() {
    let with = |name: &str, value: Value| {
        let mut configuration = identifier(1);
        configuration[name] = value;
        document(&configuration)
    };
    let locked = json!({"bedrock": {"guardrail_inference": {REGION: {
        "@@operators_allowed_for_child_policies": ["@@assign"], "config_1": identifier(1)}}}});
    let named = json!({"bedrock": {"guardrail_inference": {REGION: {"mine": identifier(1)}}}});
    let two = json!({"bedrock": {"guardrail_inference":
        {REGION: {"config_1": identifier(1), "config_2": identifier(1)}}}});
    let above = json!({"bedrock": {"guardrail_inference":
        {"@@operators_allowed_for_child_policies": ["@@none"], REGION: {"config_1": identifier(1)}}}});
    let foreign =
        document(&json!({"identifier": {"@@assign": arn("zzz").with_version(version(1))}}));
    let rows: [(Value, &[&str], &str); 11] = [
        (
            with("model_enforcement", json!({"excluded_models": {"@@append": ["x"]}})),
            &[ROOT],
            "`@@append`",
        ),
        (with("input_tags", json!({"@@assign": "honor"})), &[ROOT], "`input_tags`"),
        (locked, &[ROOT], "@@operators_allowed_for_child_policies"),
        (named, &[ROOT], "is called `mine`"),
        (two, &[ROOT], "2 configurations"),
        (above, &[ROOT], "above its Regions"),
        (foreign, &[ROOT], "is not imported"),
        (document(&identifier(7)), &[ROOT], "does not exist"),
        (document(&identifier(1)), &[], "attached to nothing"),
        (json!({"bedrock": {"guardrail_inference": {}}}), &[ROOT], "enforces nothing"),
        (Value::Null, &[ROOT], "is not in its document"),
    ];
    for (content, targets, why) in rows {
        let world = World::new(live_guardrail(&["a"])).with_policy(content, targets);
        let imported = world.import();
        assert_eq!(imported.organization, [], "{why}");
        assert!(imported.left[0].why.contains(why), "{why}: {:?}", imported.left);
    }
}

#[test]
fn a_policy_of_regions_that_differ_is_left() {
    let mut elsewhere = live_guardrail(&["b"]);
    elsewhere.arn = guardrail_arn().to_string().replace(REGION, "eu-west-1").parse().unwrap();
    elsewhere.policy = Read::Known(open_policy(&elsewhere.arn));
    let content = json!({"bedrock": {"guardrail_inference": {
        REGION: {"config_1": identifier(1)},
        "eu-west-1": {"config_1": {"identifier":
            {"@@assign": elsewhere.arn.with_version(version(1))}}}}}});
    let mut world = World::new(live_guardrail(&["a"])).with_policy(content, &[ROOT]);
    world.guardrails.push(("baseline".to_owned(), elsewhere));
    let imported = world.import();
    let names: Vec<_> = imported.guardrails.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["baseline", "baseline-us-east-1"]);
    assert!(imported.left[0].why.contains("different guardrails"), "{:?}", imported.left);
}

#[test]
fn whoever_is_not_admitted_by_what_a_manifest_says_is_left() {
    let mut live = live_guardrail(&["a"]);
    live.policy = Read::KnownAbsent;
    let imported =
        World::new(live).with_policy(document(&identifier(1)), &[UNIT]).with_slots(&[(OTHER, 1)]);
    let imported = imported.import();
    assert_eq!(imported.left.len(), 2, "{:?}", imported.left);
    assert!(imported.left.iter().all(|it| it.why.contains("`shareWith` of baseline cannot say")));
}

#[test]
fn a_document_of_several_policies_is_one_manifest_where_they_are_attached_alike() {
    let shard = |number: u32, region: &str, targets: &[&str]| {
        let content = json!({"bedrock": {"guardrail_inference": {region:
            {"config_1": identifier(1)}}}});
        ObservedPolicy {
            id: format!("p-abcdefg{number}").parse().unwrap(),
            name: if number == 1 { "Ours".to_owned() } else { format!("Ours.{number}") },
            owner: Some(owner()),
            enforcement: Some("everywhere".parse().unwrap()),
            shard: (number > 1).then_some(number),
            lane: None,
            ..policy(content, targets)
        }
    };
    let import = |second: &[&str]| {
        let mut world = World::new(live_guardrail(&["a"]));
        for policy in [shard(2, "eu-west-1", second), shard(1, REGION, &[UNIT])] {
            world.policies.insert(policy.id.clone(), policy);
        }
        world.import()
    };
    let imported = import(&[UNIT]);
    let [found] = imported.organization.as_slice() else { panic!("{imported:?}") };
    assert_eq!(found.policy_name, "Ours");
    let regions: Vec<&str> = found.enforcement.regions.iter().map(Region::as_str).collect();
    assert_eq!(regions, ["eu-west-1", REGION]);
    assert!(imported.left.is_empty(), "{:?}", imported.left);
    let imported = import(&[UNIT, OTHER]);
    let [found] = imported.organization.as_slice() else { panic!("{imported:?}") };
    assert_eq!(found.enforcement.regions.len(), 1);
    let [left] = imported.left.as_slice() else { panic!("{:?}", imported.left) };
    assert!(left.why.contains("continues another policy"), "{}", left.why);
}

#[test]
fn logging_that_differs_by_the_place_only_is_one_manifest_with_placeholders() {
    let bucket = |account: &str| format!("logs-{account}-{REGION}");
    let (member, other) = (bucket(MEMBER), bucket(OTHER));
    let world = World::new(live_guardrail(&["a"])).with_logging(&[
        (MEMBER, &member),
        (OTHER, &other),
        (MANAGEMENT, "logs-${account}"),
    ]);
    let imported = world.import();
    let [found] = imported.logging.as_slice() else { panic!("{imported:?}") };
    assert_eq!(found.config.bucket.as_ref().unwrap().name.as_str(), "logs-${account}-${region}");
    assert_eq!(found.targets.len(), 2);
    let [left] = imported.left.as_slice() else { panic!("{imported:?}") };
    assert!(left.object.contains(MANAGEMENT) && left.why.contains("${"), "{left:?}");
}
