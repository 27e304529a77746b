//! The AWS edge over real HTTP: every read and write against the simulator, which shares no types
//! with it.

#![expect(clippy::unwrap_used, reason = "shared setup fails a test by panicking, as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region as SdkRegion};
use aws_credential_types::Credentials;
use bedrail::aws::{
    Action, AppliedGuardrail, Aws, Caller, ErrorClass, Finding, GuardrailVersion, Question, Rates,
    Settings, Side,
};
use bedrail::model::content::{
    ContentFilterConfig, ContentPolicyConfig, WordConfig, WordPolicyConfig,
};
use bedrail::model::{
    AccountId, AccountState, Cell, Content, EnforcementSettings, Guarding, GuardrailArn,
    GuardrailStatus, ModelEnforcement, ObservedGuardrail, ObservedPolicy, PolicyTypeStatus, Read,
    Region, ReplicaContent, ReplicaKey, SelectiveContentGuarding, TargetId, Version, canonical,
};
use bedrail::simulator::{Clock, Scenario, Simulator, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

const MANAGEMENT: &str = "111122223333";
const SHOP: &str = "222233334444";
const PAYMENTS: &str = "333344445555";
const PLAYGROUND: &str = "444455556666";
const CLOSING: &str = "555566667777";
const HOME: &str = "us-east-1";

/// Longer than any status of the simulator takes to settle.
const SETTLED_MS: u64 = 60_000;

/// A running simulator and an edge that talks to it.
struct Edge {
    aws: Aws,
    simulator: Arc<Simulator>,
    address: String,
    _stop: DropGuard,
}

impl Edge {
    async fn start() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/small.yaml");
        let scenario = Scenario::read(&path).unwrap();
        let simulator = Simulator::new(&scenario, 7, Duration::ZERO, Clock::system()).unwrap();
        let simulator = Arc::new(simulator);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(serve(Arc::clone(&simulator), listener, stop.clone()));
        let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .endpoint_url(format!("http://{address}"))
            .region(SdkRegion::new(HOME))
            .credentials_provider(Credentials::new("AKIDANY", "secret", None, None, "test"))
            .load()
            .await;
        let settings = Settings { rates: Rates::Unlimited, ..Settings::default() };
        let aws = Aws::connect_through(settings, sdk).await.unwrap();
        Self { aws, simulator, address, _stop: stop.drop_guard() }
    }

    fn settle(&self) {
        self.simulator.clock().advance(SETTLED_MS);
    }

    async fn fault(&self, fault: Value) {
        let body = json!({"seed": 1, "faults": [fault]}).to_string();
        let request = format!(
            "PUT /_simulator/faults HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    async fn guardrail(&self) -> ObservedGuardrail {
        let replica = self.aws.replica(&key().cell(), &key().guardrail).await;
        replica.guardrail.known().unwrap().0.clone()
    }

    /// A guardrail with one version, shared with the organization.
    async fn published(&self) -> GuardrailVersion {
        let arn = self
            .aws
            .create_guardrail((&key().cell(), &key().guardrail), &content("HIGH"), &tags(), "t1")
            .await
            .unwrap();
        self.settle();
        let version = self.aws.publish_version(&arn, "r1 one", "t2").await.unwrap();
        self.settle();
        let policy = share(&arn);
        let (account, region) = (&arn.account, &arn.region);
        self.aws.put_resource_policy(account, region, &arn.to_string(), &policy).await.unwrap();
        GuardrailVersion { arn, version }
    }
}

fn key() -> ReplicaKey {
    ReplicaKey {
        guardrail: "baseline".parse().unwrap(),
        account: MANAGEMENT.parse().unwrap(),
        region: HOME.parse().unwrap(),
    }
}

fn cell(account: &str, region: &str) -> Cell {
    Cell { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

fn tags() -> BTreeMap<String, String> {
    BTreeMap::from([("bedrail:owner".to_owned(), "test".to_owned())])
}

fn content(strength: &str) -> ReplicaContent {
    let filter = |kind: &str| ContentFilterConfig {
        r#type: Some(kind.to_owned()),
        input_strength: Some(strength.to_owned()),
        output_strength: Some(strength.to_owned()),
        ..ContentFilterConfig::default()
    };
    let word = WordConfig { text: Some("forbidden".to_owned()), ..WordConfig::default() };
    ReplicaContent {
        shared: canonical(Content {
            blocked_input_messaging: Some("This request was blocked.".to_owned()),
            blocked_outputs_messaging: Some("This answer was blocked.".to_owned()),
            content_policy_config: Some(ContentPolicyConfig {
                filters_config: Some(vec![filter("VIOLENCE"), filter("HATE")]),
                tier_config: None,
            }),
            word_policy_config: Some(WordPolicyConfig {
                words_config: Some(vec![word]),
                managed_word_lists_config: None,
            }),
            ..Content::default()
        }),
        description: Some("what everybody gets".to_owned()),
        ..ReplicaContent::default()
    }
}

fn share(arn: &GuardrailArn) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*",
        "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
        "Resource": arn.to_string(),
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-smallorg01"}}}]})
}

#[tokio::test]
async fn a_guardrail_reads_back_as_it_was_written_from_creation_to_deletion() {
    let edge = Edge::start().await;
    assert_eq!(
        edge.aws.replica(&key().cell(), &key().guardrail).await.guardrail,
        Read::KnownAbsent
    );

    let arn = edge
        .aws
        .create_guardrail((&key().cell(), &key().guardrail), &content("HIGH"), &tags(), "t1")
        .await
        .unwrap();
    edge.settle();
    let created = edge.guardrail().await;
    assert_eq!(created.arn, arn);
    assert_eq!(created.status, GuardrailStatus::Ready);
    assert_eq!(created.draft, content("HIGH"));
    assert_eq!(created.tags, tags());
    assert!(created.versions.is_empty());
    assert_eq!(created.policy, Read::KnownAbsent);

    let version = edge.aws.publish_version(&arn, "r1 one", "t2").await.unwrap();
    let pending = edge.guardrail().await;
    assert!(pending.versions[&version].content.unread().is_some(), "not READY yet");
    edge.settle();
    let again = edge.aws.publish_version(&arn, "r1 one", "t2").await.unwrap();
    assert_eq!(again, version, "a repeated token publishes nothing");

    edge.aws.update_guardrail(&arn, &key().guardrail, &content("LOW")).await.unwrap();
    let team = BTreeMap::from([("team".to_owned(), "security".to_owned())]);
    edge.aws.tag_guardrail(&arn, &team).await.unwrap();
    edge.settle();
    let updated = edge.guardrail().await;
    assert_eq!(updated.draft, content("LOW"));
    assert_eq!(edge.aws.draft(&arn).await.unwrap().1, content("LOW"));
    assert_eq!(updated.tags.len(), 2);
    let published = updated.versions[&version].content.known().unwrap().0;
    assert!(published.is_version_of(&content("HIGH")), "a version never changes");

    edge.aws.delete_guardrail(&arn).await.unwrap();
    edge.settle();
    assert_eq!(
        edge.aws.replica(&key().cell(), &key().guardrail).await.guardrail,
        Read::KnownAbsent
    );
    edge.aws.delete_guardrail(&arn).await.unwrap();
}

#[tokio::test]
async fn a_version_is_read_once() {
    let edge = Edge::start().await;
    edge.published().await;
    edge.guardrail().await;
    let after_first = edge.aws.calls()["bedrock:GetGuardrail"];
    edge.guardrail().await;
    let after_second = edge.aws.calls()["bedrock:GetGuardrail"];
    assert_eq!(after_second - after_first, 1, "DRAFT only");
}

#[tokio::test]
async fn deleting_a_version_leaves_the_guardrail() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    edge.aws.delete_version(&published).await.unwrap();
    edge.settle();
    let guardrail = edge.guardrail().await;
    assert_eq!(guardrail.arn, published.arn);
    assert!(guardrail.versions.is_empty());
    edge.aws.delete_version(&published).await.unwrap();
}

#[tokio::test]
async fn a_resource_policy_reads_back_and_goes() {
    let edge = Edge::start().await;
    let GuardrailVersion { arn, .. } = edge.published().await;
    let (account, region, resource) = (&arn.account, &arn.region, arn.to_string());
    let read = edge.aws.resource_policy(account, region, &resource).await;
    assert_eq!(read, Read::Known(share(&arn)));
    edge.aws.delete_resource_policy(account, region, &resource).await.unwrap();
    edge.aws.delete_resource_policy(account, region, &resource).await.unwrap();
    let read = edge.aws.resource_policy(account, region, &resource).await;
    assert_eq!(read, Read::KnownAbsent);
}

#[tokio::test]
async fn a_member_cell_is_enforced_through_its_role_and_released() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let cell = cell(SHOP, HOME);
    assert_eq!(edge.aws.cell(&cell).await.enforcement, Read::KnownAbsent);

    let settings = EnforcementSettings {
        models: ModelEnforcement {
            excluded: BTreeSet::from(["amazon.titan-embed-text-v2:0".to_owned()]),
            ..ModelEnforcement::default()
        },
        guarding: SelectiveContentGuarding {
            system: Guarding::Selective,
            messages: Guarding::Comprehensive,
        },
        ..EnforcementSettings::default()
    };
    let config = edge
        .aws
        .put_enforced(&cell, None, &published.arn, published.version, &settings)
        .await
        .unwrap();
    let read = edge.aws.cell(&cell).await.enforcement;
    let enforced = read.known().unwrap().0;
    assert_eq!(enforced.config_id, config);
    assert_eq!(enforced.guardrail.as_ref(), Some(&published.arn));
    assert_eq!(enforced.version, Some(published.version));
    assert_eq!(enforced.models, settings.models);
    assert_eq!(enforced.guarding, settings.guarding);
    let by = enforced.updated_by.as_deref().unwrap();
    assert!(by.contains("BedrailMember"), "{by}");

    let defaults = EnforcementSettings::default();
    let replaced = edge
        .aws
        .put_enforced(&cell, Some(&config), &published.arn, published.version, &defaults)
        .await;
    assert_eq!(replaced.unwrap(), config);
    let in_use = edge.aws.delete_guardrail(&published.arn).await.unwrap_err();
    assert!(matches!(in_use.class, ErrorClass::InUse | ErrorClass::Conflict), "{in_use}");

    edge.aws.delete_enforced(&cell, &config).await.unwrap();
    edge.aws.delete_enforced(&cell, &config).await.unwrap();
    assert_eq!(edge.aws.cell(&cell).await.enforcement, Read::KnownAbsent);
}

impl Edge {
    /// The scenario's own policy names a guardrail that does not exist, which blocks every call.
    async fn without_the_broken_policy(&self) {
        let root = TargetId::Root(self.aws.organization().await.unwrap().root);
        self.aws.detach_policy(&"p-baseline1".parse().unwrap(), &root).await.unwrap();
        self.settle();
    }
}

/// How `published` shows in evidence.
fn applied(published: &GuardrailVersion, origins: &[&str]) -> BTreeSet<AppliedGuardrail> {
    BTreeSet::from([AppliedGuardrail {
        arn: Some(published.arn.clone()),
        version: Some(published.version.to_string()),
        origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        ownership: Some("CROSS_ACCOUNT".to_owned()),
    }])
}

#[tokio::test]
async fn all_four_ways_of_inference_show_which_guardrail_ran_and_why() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let cell = cell(SHOP, HOME);
    edge.without_the_broken_policy().await;
    let aws = &edge.aws;
    let models = [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "amazon.nova-lite-v1:0",
        "meta.llama3-1-8b-instruct-v1:0",
    ];
    for (enforced, expected) in
        [(false, BTreeSet::new()), (true, applied(&published, &["ACCOUNT_ENFORCED"]))]
    {
        if enforced {
            let settings = EnforcementSettings::default();
            let (arn, version) = (&published.arn, published.version);
            aws.put_enforced(&cell, None, arn, version, &settings).await.unwrap();
        }
        for model in models {
            for (text, is_blocked) in [("hello", false), ("this is forbidden", true)] {
                let question = Question::new(model, text).at_most(200);
                let answers = [
                    ("Converse", aws.converse(&cell, &question).await.unwrap()),
                    ("ConverseStream", aws.converse_stream(&cell, &question).await.unwrap()),
                    ("InvokeModel", aws.invoke(&cell, &question).await.unwrap()),
                    ("with stream", aws.invoke_stream(&cell, &question).await.unwrap()),
                ];
                for (way, evidence) in answers {
                    assert_eq!(evidence.applied, expected, "{way} {model}: {evidence:?}");
                    let intervened = is_blocked && enforced;
                    assert_eq!(evidence.intervened, intervened, "{way} {model}: {evidence:?}");
                    let is_message = evidence.text == "This request was blocked.";
                    assert_eq!(is_message, intervened, "{way} {model}: {evidence:?}");
                    let stop = &evidence.stop_reason;
                    assert_eq!(stop == "guardrail_intervened", intervened, "{way} {model}: {stop}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_guardrail_of_the_request_shows_beside_the_enforced_one() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let cell = cell(SHOP, HOME);
    edge.without_the_broken_policy().await;
    let question = Question::new("amazon.nova-lite-v1:0", "hello").under(&published);
    let expected = applied(&published, &["REQUEST"]);
    assert_eq!(edge.aws.converse(&cell, &question).await.unwrap().applied, expected);
    assert_eq!(edge.aws.converse_stream(&cell, &question).await.unwrap().applied, expected);
    assert_eq!(edge.aws.invoke(&cell, &question).await.unwrap().applied, expected);
    assert_eq!(edge.aws.invoke_stream(&cell, &question).await.unwrap().applied, expected);
}

#[tokio::test]
async fn a_model_whose_body_is_not_known_is_not_called() {
    let edge = Edge::start().await;
    let question = Question::new("cohere.command-r-v1:0", "hello");
    let error = edge.aws.invoke(&cell(SHOP, HOME), &question).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.to_string().contains("cohere.command-r-v1:0"), "{error}");
    assert_eq!(edge.aws.calls().get("bedrock:InvokeModel"), None);
}

#[tokio::test]
async fn a_probe_says_what_the_guardrail_found_and_not_in_which_words() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let cell = cell(SHOP, HOME);
    let probe = |text: &'static str| edge.aws.apply_guardrail(&cell, &published, Side::Input, text);
    let harmless = probe("hello").await.unwrap();
    assert_eq!((harmless.action, harmless.findings), (Action::None, BTreeSet::new()));
    assert_eq!(harmless.applied, applied(&published, &["REQUEST"]));
    let found = probe("this is forbidden").await.unwrap();
    assert_eq!(found.action, Action::Intervened);
    let (policy, rule, action) = ("wordPolicyConfig", String::new(), "BLOCKED".to_owned());
    assert_eq!(found.findings, BTreeSet::from([Finding { policy, rule, action }]));
}

#[tokio::test]
async fn a_probe_tells_denied_from_missing_and_from_another_region() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let probe = async |region: &str, guardrail: &GuardrailVersion| {
        let cell = cell(SHOP, region);
        let answer = edge.aws.apply_guardrail(&cell, guardrail, Side::Input, "hello").await;
        answer.map_err(|error| error.class)
    };
    let next = GuardrailVersion { version: "9".parse().unwrap(), ..published.clone() };
    assert_eq!(probe(HOME, &next).await, Err(ErrorClass::NotFound));
    let elsewhere = probe("eu-west-1", &published).await.unwrap_err();
    assert!(matches!(elsewhere, ErrorClass::Invalid | ErrorClass::NotFound), "{elsewhere}");
    let GuardrailVersion { arn, .. } = &published;
    edge.aws.delete_resource_policy(&arn.account, &arn.region, &arn.to_string()).await.unwrap();
    assert_eq!(probe(HOME, &published).await, Err(ErrorClass::Denied));
}

#[tokio::test]
async fn a_probe_can_be_made_as_another_role_of_the_account() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let (member, own) = (cell(PAYMENTS, HOME), cell(MANAGEMENT, HOME));
    let probe = async |caller: Caller<'_>| {
        let answer = edge.aws.apply_guardrail(caller, &published, Side::Input, "hello").await;
        answer.map_err(|error| (error.class, error.operation))
    };
    let apply = "bedrock:ApplyGuardrail";
    probe(Caller::member(&member)).await.unwrap();
    let long_lived = probe(Caller::member(&member).as_role("LongLived")).await;
    assert_eq!(long_lived, Err((ErrorClass::Denied, apply)), "its policy has no ApplyGuardrail");
    probe(Caller::member(&member).as_role("OrganizationAccountAccessRole")).await.unwrap();
    let missing = probe(Caller::member(&own).as_role("NoSuchRole")).await;
    assert_eq!(missing, Err((ErrorClass::Denied, "sts:AssumeRole")));
}

#[tokio::test]
async fn the_fleet_is_the_tree_with_states_and_tags() {
    let edge = Edge::start().await;
    let fleet = edge.aws.fleet(true).await.unwrap();
    assert_eq!(fleet.organization.as_str(), "o-smallorg01");
    assert_eq!(fleet.management.as_str(), MANAGEMENT);
    assert_eq!(fleet.accounts.len(), 5);
    let account = |id: &str| &fleet.accounts[&id.parse::<AccountId>().unwrap()];
    assert_eq!(fleet.describe(&account(SHOP).parent), "/Workloads/Prod");
    assert_eq!(account(SHOP).state, AccountState::Active);
    assert_eq!(account(SHOP).tags.as_ref().unwrap()["environment"], "production");
    assert_eq!(account(PAYMENTS).tags, Some(BTreeMap::new()));
    assert_eq!(account(CLOSING).state, AccountState::Other("SUSPENDED".to_owned()));
    assert_eq!(account(CLOSING).tags, None);

    let untagged = edge.aws.fleet(false).await.unwrap();
    assert!(untagged.accounts.values().all(|account| account.tags.is_none()));
}

#[tokio::test]
async fn a_policy_lives_from_creation_to_deletion_and_repeats_do_no_harm() {
    let edge = Edge::start().await;
    let published = edge.published().await;
    let root = edge.aws.organization().await.unwrap().root;
    edge.aws.enable_policy_type(&root).await.unwrap();
    edge.settle();
    let before = edge.aws.organization().await.unwrap();
    assert_eq!(before.bedrock_policies, PolicyTypeStatus::Enabled);
    let foreign = before.policies.known().unwrap().0.len();

    let document = |version: Version| {
        json!({"bedrock": {"guardrail_inference": {HOME: {"config_1": {
            "identifier": {"@@assign": published.arn.with_version(version)}}}}}})
    };
    let marks = BTreeMap::from([
        ("bedrail:owner".to_owned(), "test".to_owned()),
        ("bedrail:enforcement".to_owned(), "everywhere".to_owned()),
    ]);
    let first = document(published.version);
    let id = edge.aws.create_policy("bedrail-everywhere", &first, &marks).await.unwrap();
    let twice = edge.aws.create_policy("bedrail-everywhere", &first, &marks).await.unwrap_err();
    assert_eq!(twice.class, ErrorClass::Conflict);
    let target = TargetId::Account(PAYMENTS.parse().unwrap());
    edge.aws.attach_policy(&id, &target).await.unwrap();
    edge.aws.attach_policy(&id, &target).await.unwrap();
    edge.settle();

    let read = edge.aws.organization().await.unwrap();
    let policies = read.policies.known().unwrap().0;
    assert_eq!(policies.len(), foreign + 1);
    let expected = ObservedPolicy {
        id: id.clone(),
        name: "bedrail-everywhere".to_owned(),
        owner: Some("test".parse().unwrap()),
        enforcement: Some("everywhere".parse().unwrap()),
        shard: None,
        lane: None,
        rollouts: BTreeMap::new(),
        content: first,
        targets: BTreeSet::from([target.clone()]),
    };
    assert_eq!(policies[&id], expected);
    assert!(policies.values().any(|it| it.owner.is_none() && it.content.is_object()));
    assert_eq!(read.invalid, Read::Known(BTreeSet::new()));
    let effective =
        edge.aws.effective_bedrock_policy(&PAYMENTS.parse().unwrap()).await.unwrap().unwrap();
    assert!(effective.pointer("/bedrock/guardrail_inference/us-east-1").is_some(), "{effective}");

    let in_use = edge.aws.delete_policy(&id).await.unwrap_err();
    assert_eq!(in_use.class, ErrorClass::InUse);
    edge.aws.detach_policy(&id, &target).await.unwrap();
    edge.aws.detach_policy(&id, &target).await.unwrap();
    edge.aws.tag_policy(&id, &tags()).await.unwrap();
    edge.aws.update_policy(&id, &json!({"bedrock": {}})).await.unwrap();
    edge.aws.delete_policy(&id).await.unwrap();
    edge.aws.delete_policy(&id).await.unwrap();
}

#[tokio::test]
async fn embedding_models_are_those_that_can_be_excluded() {
    let edge = Edge::start().await;
    let (account, region): (AccountId, Region) = (SHOP.parse().unwrap(), HOME.parse().unwrap());
    let models = edge.aws.embedding_models(&account, &region).await.unwrap();
    assert!(models.contains("amazon.titan-embed-text-v2:0"), "{models:?}");
    assert!(models.iter().all(|id| !id.contains("claude")), "{models:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown_with_its_reason_and_never_absent() {
    let edge = Edge::start().await;
    let rows = [
        (cell(PLAYGROUND, HOME), "Denied", "arn:aws:iam::444455556666:role/BedrailMember"),
        (cell(PAYMENTS, "eu-south-1"), "RegionUnavailable", "eu-south-1"),
        (cell(CLOSING, HOME), "Denied", CLOSING),
    ];
    for (cell, class, names) in rows {
        let read = edge.aws.cell(&cell).await.enforcement;
        let unread = read.unread().unwrap_or_else(|| panic!("{cell}: {read:?}"));
        assert_eq!(unread.class, class, "{}", unread.message);
        assert!(unread.message.contains(names), "{}", unread.message);
    }
}

#[tokio::test]
async fn the_regions_of_an_account_without_the_role_cost_one_question() {
    let edge = Edge::start().await;
    for region in ["us-east-1", "us-west-2", "eu-west-1"] {
        let read = edge.aws.cell(&cell(PLAYGROUND, region)).await.enforcement;
        assert_eq!(read.unread().unwrap().class, "Denied");
    }
    assert_eq!(edge.aws.calls()["sts:AssumeRole"], 1);
}

#[tokio::test]
async fn a_failing_part_is_unknown_and_the_rest_is_known() {
    let edge = Edge::start().await;
    edge.published().await;
    edge.fault(json!({"kind": "Denied", "operation": "bedrock:GetResourcePolicy"})).await;
    let guardrail = edge.guardrail().await;
    assert_eq!(guardrail.policy.unread().unwrap().class, "Denied");
    assert_eq!(guardrail.versions.len(), 1);

    edge.fault(json!({"kind": "ErrorBefore", "operation": "organizations:DescribePolicy"})).await;
    let organization = edge.aws.organization().await.unwrap();
    assert!(organization.policies.unread().is_some());
    assert!(organization.invalid.known().is_some());
}

#[tokio::test]
async fn a_throttle_is_counted_and_its_page_is_asked_for_again() {
    let edge = Edge::start().await;
    edge.fault(json!({"kind": "Throttle", "operation": "bedrock:*", "count": 1})).await;
    let cell = cell(SHOP, HOME);
    assert_eq!(edge.aws.cell(&cell).await.enforcement, Read::KnownAbsent);
    let operation = "bedrock:ListEnforcedGuardrailsConfiguration";
    assert_eq!(edge.aws.throttles()[operation], 1);
    assert_eq!(edge.aws.calls()[operation], 2);
    edge.fault(json!({"kind": "Throttle", "operation": "bedrock:*"})).await;
    let read = edge.aws.cell(&cell).await.enforcement;
    assert_eq!(read.unread().unwrap().class, "Throttled", "but not for ever");
}
