//! Answers of AWS, and what is observed when one of them is not what AWS sends.
//!
//! The real SDK reads them; where it would open a connection, an answer is taken from a table.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::http::Response;
use bedrail::aws::{Aws, Rates, Settings};
use bedrail::model::{AccountId, Cell, PolicyTypeStatus, Read};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// The rest of a guardrail's answer.
macro_rules! guardrail {
    () => {
        r#""name":"baseline","guardrailId":"abc123","guardrailArn":"arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123","status":"READY","createdAt":"2026-01-05T10:00:00Z","updatedAt":"2026-01-05T10:00:00Z","blockedInputMessaging":"no","blockedOutputsMessaging":"no","contentPolicy":{"filters":[{"type":"HATE","inputStrength":"HIGH","outputStrength":"HIGH","inputModalities":["TEXT"],"inputAction":"BLOCK","inputEnabled":true}],"tier":{"tierName":"CLASSIC"}},"wordPolicy":{"words":[{"text":"falcon"}],"managedWordLists":[{"type":"PROFANITY"}]},"topicPolicy":{"topics":[{"name":"money","definition":"Advice.","examples":["Buy?"],"type":"DENY"}]},"sensitiveInformationPolicy":{"piiEntities":[{"type":"EMAIL","action":"BLOCK"}],"regexes":[{"name":"badge","pattern":"E-[0-9]{6}","action":"BLOCK"}]},"contextualGroundingPolicy":{"filters":[{"type":"GROUNDING","threshold":0.7}]},"crossRegionDetails":{"guardrailProfileId":"us.guardrail.v1:0","guardrailProfileArn":"arn:aws:bedrock:us-east-1:111122223333:guardrail-profile/us.guardrail.v1:0"}}"#
    };
}

/// What AWS answers: an organization of one unit and two accounts, with one of everything.
pub(crate) const ANSWERS: [(&str, &str); 22] = [
    (
        "GetCallerIdentity",
        r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:role/Controller</Arn><UserId>AROA</UserId><Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>a</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#,
    ),
    (
        "ListEnforcedGuardrailsConfiguration",
        r#"{"guardrailsConfig":[{"configId":"abc1","guardrailArn":"arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123","guardrailId":"abc123","guardrailVersion":"1","inputTags":"IGNORE","selectiveContentGuarding":{"system":"COMPREHENSIVE","messages":"SELECTIVE"},"modelEnforcement":{"includedModels":["ALL"],"excludedModels":["amazon.titan-embed-text-v2:0"]},"createdAt":"2026-01-05T10:00:00Z","createdBy":"arn:aws:iam::111122223333:role/Controller","updatedAt":"2026-01-05T10:00:00Z","updatedBy":"arn:aws:iam::111122223333:role/Controller","owner":"ACCOUNT"}]}"#,
    ),
    (
        "ListGuardrails",
        r#"{"guardrails":[{"id":"abc123","arn":"arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123","status":"READY","name":"baseline","description":"What everybody gets.","version":"DRAFT","createdAt":"2026-01-05T10:00:00Z","updatedAt":"2026-01-05T10:00:00Z"}]}"#,
    ),
    (
        "ListVersions",
        r#"{"guardrails":[{"id":"abc123","arn":"arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123","status":"READY","name":"baseline","version":"DRAFT","createdAt":"2026-01-05T10:00:00Z","updatedAt":"2026-01-05T10:00:00Z"},{"id":"abc123","arn":"arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123","status":"READY","name":"baseline","description":"r1","version":"1","createdAt":"2026-01-05T10:00:00Z","updatedAt":"2026-01-05T10:00:00Z"}]}"#,
    ),
    ("GetDraft", concat!(r#"{"version":"DRAFT","#, guardrail!())),
    ("GetVersion", concat!(r#"{"version":"1","#, guardrail!())),
    (
        "ListTags",
        r#"{"tags":[{"key":"bedrail:owner","value":"default"},{"key":"bedrail:guardrail","value":"baseline"}]}"#,
    ),
    (
        "GetResourcePolicy",
        r#"{"resourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"BedrailOrganization\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"bedrock:ApplyGuardrail\",\"Resource\":\"arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123\"}]}"}"#,
    ),
    (
        "GetModelInvocationLoggingConfiguration",
        r#"{"loggingConfig":{"s3Config":{"bucketName":"calls","keyPrefix":"bedrock"},"textDataDeliveryEnabled":true,"imageDataDeliveryEnabled":false}}"#,
    ),
    (
        "DescribeOrganization",
        r#"{"Organization":{"Id":"o-abcdefghij","Arn":"arn:aws:organizations::111122223333:organization/o-abcdefghij","FeatureSet":"ALL","MasterAccountArn":"arn:aws:organizations::111122223333:account/o-abcdefghij/111122223333","MasterAccountId":"111122223333","MasterAccountEmail":"a@example.com","AvailablePolicyTypes":[]}}"#,
    ),
    (
        "ListRoots",
        r#"{"Roots":[{"Id":"r-ab12","Arn":"arn:aws:organizations::111122223333:root/o-abcdefghij/r-ab12","Name":"Root","PolicyTypes":[{"Type":"BEDROCK_POLICY","Status":"ENABLED"},{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"}]}]}"#,
    ),
    (
        "ListAccounts",
        r#"{"Accounts":[{"Id":"111122223333","Arn":"arn:aws:organizations::111122223333:account/o-abcdefghij/111122223333","Email":"a@example.com","Name":"management","Status":"ACTIVE","State":"ACTIVE","JoinedMethod":"INVITED","JoinedTimestamp":1735725600.5,"Paths":["o-abcdefghij/r-ab12/111122223333/"]},{"Id":"222233334444","Arn":"arn:aws:organizations::111122223333:account/o-abcdefghij/222233334444","Email":"b@example.com","Name":"shop","Status":"ACTIVE","State":"ACTIVE","JoinedMethod":"CREATED","JoinedTimestamp":1735725600,"Paths":["o-abcdefghij/r-ab12/ou-ab12-11111111/222233334444/"]}]}"#,
    ),
    (
        "ListOrganizationalUnitsForParent",
        r#"{"OrganizationalUnits":[{"Id":"ou-ab12-11111111","Arn":"arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-ab12-11111111","Name":"Workloads"}]}"#,
    ),
    ("ListAccountsForParent", r#"{"Accounts":[{"Id":"222233334444","Name":"shop"}]}"#),
    ("ListParents", r#"{"Parents":[{"Id":"ou-ab12-11111111","Type":"ORGANIZATIONAL_UNIT"}]}"#),
    (
        "ListPolicies",
        r#"{"Policies":[{"Id":"p-abcdefgh12","Arn":"arn:aws:organizations::111122223333:policy/o-abcdefghij/bedrock_policy/p-abcdefgh12","Name":"bedrail-everywhere","Description":"","Type":"BEDROCK_POLICY","AwsManaged":false}]}"#,
    ),
    (
        "DescribePolicy",
        r#"{"Policy":{"PolicySummary":{"Id":"p-abcdefgh12"},"Content":"{\"bedrock\":{}}"}}"#,
    ),
    (
        "ListTargetsForPolicy",
        r#"{"Targets":[{"TargetId":"r-ab12","Arn":"arn:aws:organizations::111122223333:root/o-abcdefghij/r-ab12","Name":"Root","Type":"ROOT"}]}"#,
    ),
    (
        "ListTagsForResource",
        r#"{"Tags":[{"Key":"bedrail:owner","Value":"default"},{"Key":"bedrail:enforcement","Value":"everywhere"}]}"#,
    ),
    (
        "ListAccountsWithInvalidEffectivePolicy",
        r#"{"Accounts":[{"Id":"222233334444","Name":"shop"}],"PolicyType":"BEDROCK_POLICY"}"#,
    ),
    (
        "DescribeEffectivePolicy",
        r#"{"EffectivePolicy":{"PolicyContent":"{\"bedrock\":{}}","LastUpdatedTimestamp":1735725600.123,"TargetId":"222233334444","PolicyType":"BEDROCK_POLICY"}}"#,
    ),
    ("Nothing", r#"{"OrganizationalUnits":[],"Accounts":[]}"#),
];

/// Those that are about one account and Region.
const OF_THE_CELL: [&str; 8] = [
    "ListEnforcedGuardrailsConfiguration",
    "ListGuardrails",
    "ListVersions",
    "GetDraft",
    "GetVersion",
    "ListTags",
    "GetResourcePolicy",
    "GetModelInvocationLoggingConfiguration",
];

/// An answer that AWS does not send, in place of one that it does.
#[derive(Clone)]
pub(crate) struct Spoiled {
    pub(crate) name: &'static str,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Spoiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, status, body } = self;
        write!(f, "{name}: {status} {}", String::from_utf8_lossy(body))
    }
}

/// Observes everything; whatever is spoiled, nothing is there less than before, and nothing panics.
///
/// `is_garbage` says that the answer cannot be one of another world.
pub(crate) async fn nothing_is_absent(spoiled: Spoiled, is_garbage: bool) {
    let sdk = sdk(Some(spoiled.clone()));
    let settings = Settings { rates: Rates::Unlimited, ..Settings::default() };
    let Ok(aws) = Aws::connect_through(settings, sdk).await else {
        assert_eq!(spoiled.name, "GetCallerIdentity");
        return;
    };
    let mut absent = Vec::new();
    // The others do not see the answer.
    if OF_THE_CELL.contains(&spoiled.name) {
        of_the_cell(&aws, &mut absent).await;
    } else {
        of_the_organization(&aws, &mut absent).await;
    }
    assert!(absent.is_empty() || !is_garbage, "{absent:?} out of {spoiled:?}");
    assert!(absent.is_empty() || spoiled.name != "Nothing", "{absent:?} as AWS answers");
}

async fn of_the_cell(aws: &Aws, absent: &mut Vec<&'static str>) {
    let cell = Cell { account: ACCOUNT.parse().unwrap(), region: REGION.parse().unwrap() };
    let mut see = |what, is_absent: bool| absent.extend(is_absent.then_some(what));
    see("the enforced configuration", aws.cell(&cell).await.enforcement == Read::KnownAbsent);
    let arn = format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/abc123");
    let policy = aws.resource_policy(&cell.account, &cell.region, &arn).await;
    see("the resource policy", policy == Read::KnownAbsent);
    match aws.replica(&cell, &"baseline".parse().unwrap()).await.guardrail {
        Read::Known(guardrail) => {
            see("the version", guardrail.versions.len() != 1);
            see("the guardrail's policy", guardrail.policy == Read::KnownAbsent);
        }
        Read::KnownAbsent => see("the guardrail", true),
        Read::Unknown(_) => {}
    }
    // An answer without a configuration is how AWS says that there is none.
    drop(aws.logging(&cell).await);
}

async fn of_the_organization(aws: &Aws, absent: &mut Vec<&'static str>) {
    let mut see = |what, is_absent: bool| absent.extend(is_absent.then_some(what));
    if let Ok(fleet) = aws.fleet(false).await {
        see("an account", fleet.accounts.len() != 2);
        see("a unit", fleet.units.len() != 1);
    }
    if let Ok(organization) = aws.organization().await {
        see("the policy type", organization.bedrock_policies == PolicyTypeStatus::Disabled);
        see("the list of policies", organization.policies == Read::KnownAbsent);
        if let Read::Known(policies) = &organization.policies {
            see("a policy", policies.len() != 1);
            see("its owner", policies.values().any(|it| it.owner.is_none()));
            see("its target", policies.values().any(|it| it.targets.len() != 1));
        }
        if let Read::Known(invalid) = &organization.invalid {
            see("an account on the invalid list", invalid.len() != 1);
        }
    }
    match aws.service_controls().await {
        Read::Known(controls) => see("a service control policy", controls.len() != 1),
        Read::KnownAbsent => see("service control policies", true),
        Read::Unknown(_) => {}
    }
    let member: AccountId = "222233334444".parse().unwrap();
    see("the effective policy", aws.effective_bedrock_policy(&member).await == Ok(None));
}

fn sdk(spoiled: Option<Spoiled>) -> SdkConfig {
    let connector = SharedHttpConnector::new(Table(Arc::new(spoiled)));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url("http://aws.test")
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKID", "secret", None, None, "test",
        )))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

/// Answers from the table, but for one.
#[derive(Clone)]
struct Table(Arc<Option<Spoiled>>);

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

impl HttpConnector for Table {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let name = asked(&request);
        let (status, body) = match self.0.as_ref() {
            Some(spoiled) if spoiled.name == name => (spoiled.status, spoiled.body.clone()),
            Some(_) | None => {
                let answers: BTreeMap<_, _> = ANSWERS.into();
                (200, answers[name].as_bytes().to_vec())
            }
        };
        let response = Response::builder()
            .status(status)
            .header("x-amzn-requestid", "a")
            .body(SdkBody::from(body))
            .unwrap();
        HttpConnectorFuture::ready(response.try_into().map_err(
            |error: aws_smithy_runtime_api::http::HttpError| {
                ConnectorError::other(error.into(), None)
            },
        ))
    }
}

/// Which answer a request asks for.
fn asked(request: &HttpRequest) -> &'static str {
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let target = request.headers().get("x-amz-target").and_then(|it| it.rsplit('.').next());
    let name = match (target, request.uri().rsplit_once("aws.test").map_or("", |it| it.1)) {
        (Some(_), _) if body.contains("\"ParentId\":\"ou-") => "Nothing",
        (Some(target), _) => target,
        (None, "/" | "") => "GetCallerIdentity",
        (None, path) if path.starts_with("/enforced") => "ListEnforcedGuardrailsConfiguration",
        (None, path) if path.starts_with("/guardrails?") => {
            if path.contains("guardrailIdentifier") { "ListVersions" } else { "ListGuardrails" }
        }
        (None, path) if path.contains("guardrailVersion=DRAFT") => "GetDraft",
        (None, path) if path.contains("guardrailVersion=") => "GetVersion",
        (None, "/listTagsForResource") => "ListTags",
        (None, path) if path.starts_with("/resource-policy") => "GetResourcePolicy",
        (None, _) => "GetModelInvocationLoggingConfiguration",
    };
    let names = ANSWERS.map(|(name, _)| name);
    names
        .into_iter()
        .find(|it| *it == name)
        .unwrap_or_else(|| unreachable!("nobody answers {name}"))
}
