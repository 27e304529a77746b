use std::sync::Mutex;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::*;

const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws-us-gov:sts::111122223333:assumed-role/Bedrail/i</Arn>\
    <UserId>AROA:i</UserId><Account>111122223333</Account></GetCallerIdentityResult>\
    </GetCallerIdentityResponse>";

const ASSUMED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <AssumeRoleResult><Credentials><AccessKeyId>ASIAMEMBER</AccessKeyId>\
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
    <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
    </AssumeRoleResponse>";

/// A wire that remembers what was sent and answers in order of the service asked.
#[derive(Clone, Debug, Default)]
struct Wire(Arc<Mutex<Vec<Sent>>>);

#[derive(Clone, Debug)]
struct Sent {
    uri: String,
    user_agent: String,
    authorization: String,
    body: String,
}

impl Wire {
    fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().clone()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let answer = if body.contains("Action=AssumeRole") {
            ASSUMED
        } else if body.contains("Action=GetCallerIdentity") {
            CALLER
        } else {
            r#"{"guardrailsConfig":[]}"#
        };
        self.0.lock().unwrap().push(Sent {
            uri: request.uri().to_owned(),
            user_agent: header("user-agent"),
            authorization: header("authorization"),
            body,
        });
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(answer))))
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

async fn connected(settings: Settings) -> (Aws, Wire) {
    let wire = Wire::default();
    let sdk = sdk(&wire, "us-gov-west-1").load().await;
    (Aws::connect_through(settings, sdk).await.unwrap(), wire)
}

fn sdk(wire: &Wire, home: &'static str) -> aws_config::ConfigLoader {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(home))
        .credentials_provider(Credentials::new("AKIAOWN", "secret", None, None, "test"))
        .http_client(wire.clone())
}

fn cell(account: &str, region: &str) -> Cell {
    Cell { account: account.parse().unwrap(), region: region.parse().unwrap() }
}

#[tokio::test]
async fn every_request_names_the_application_and_is_signed() {
    let (aws, wire) = connected(Settings::default()).await;
    aws.cell(&cell("222233334444", "us-gov-east-1")).await;
    let sent = wire.sent();
    assert_eq!(sent.len(), 3, "GetCallerIdentity, AssumeRole, ListEnforced");
    for request in sent {
        assert!(request.user_agent.contains("app/bedrail"), "{}", request.user_agent);
        assert!(request.authorization.starts_with("AWS4-HMAC-SHA256"), "{request:?}");
    }
    assert_eq!(aws.caller().partition, "aws-us-gov");
}

#[tokio::test]
async fn one_session_serves_all_regions_of_an_account_and_the_own_account_needs_none() {
    let settings = Settings {
        external_id: Some("x-1".to_owned()),
        instance: "prod".to_owned(),
        ..Settings::default()
    };
    let (aws, wire) = connected(settings).await;
    for region in ["us-gov-east-1", "us-gov-west-1", "us-gov-east-1"] {
        aws.cell(&cell("222233334444", region)).await;
    }
    aws.cell(&cell("111122223333", "us-gov-east-1")).await;
    assert_eq!(aws.calls()["sts:AssumeRole"], 1);
    assert_eq!(aws.calls()["bedrock:ListEnforcedGuardrailsConfiguration"], 4);

    let sent = wire.sent();
    let assumed = sent.iter().find(|it| it.body.contains("Action=AssumeRole")).unwrap();
    for part in [
        "RoleArn=arn%3Aaws-us-gov%3Aiam%3A%3A222233334444%3Arole%2FBedrailMember",
        "RoleSessionName=bedrail-prod",
        "ExternalId=x-1",
        "DurationSeconds=3600",
    ] {
        assert!(assumed.body.contains(part), "{part} in {}", assumed.body);
    }
    let keys: Vec<_> =
        sent.iter().map(|it| it.authorization.contains("Credential=ASIAMEMBER/")).collect();
    assert_eq!(keys, [false, false, true, true, true, false]);
}

#[tokio::test]
async fn calls_of_two_accounts_side_by_side_are_signed_by_their_own_sessions() {
    let (aws, _) = connected(Settings::default()).await;
    let (one, two) = (cell("222233334444", "us-gov-east-1"), cell("333344445555", "us-gov-east-1"));
    let (one, two) = tokio::join!(aws.enter(&one), aws.enter(&two));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(!Arc::ptr_eq(one.session.as_ref().unwrap(), two.session.as_ref().unwrap()));
    assert_eq!(aws.calls()["sts:AssumeRole"], 2);
}

#[tokio::test]
async fn a_client_of_members_used_without_a_session_sends_nothing() {
    let (aws, wire) = connected(Settings::default()).await;
    let place = aws.enter(&cell("222233334444", "us-gov-east-1")).await.unwrap();
    let before = wire.sent().len();
    let request = aws.bedrock(&place).list_enforced_guardrails_configuration();
    assert!(request.send().await.is_err());
    assert_eq!(wire.sent().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waits_for_its_turn_when_the_stop_comes_is_never_sent() {
    let (aws, wire) = connected(Settings::default()).await;
    let cell = Cell { account: aws.caller().account.clone(), region: aws.home_region().clone() };
    let stop = CancellationToken::new();
    aws.send_no_write_after(stop.clone());
    let config = "abc1".parse().unwrap();
    // The burst that is admitted at once.
    for _ in 0..4 {
        aws.delete_enforced(&cell, &config).await.unwrap();
    }
    let before = wire.sent().len();
    let stopping = async { stop.cancel() };
    let (waited, ()) = tokio::join!(aws.delete_enforced(&cell, &config), stopping);
    assert!(waited.unwrap_err().to_string().contains("not sent"));
    assert_eq!(wire.sent().len(), before);
    // A read harms nobody.
    assert_eq!(aws.cell(&cell).await.enforcement, crate::model::Read::KnownAbsent);
}

#[tokio::test]
async fn organizations_is_signed_for_the_one_region_of_its_partition_whatever_endpoint_is_given() {
    for endpoint in [None, Some("https://vpce-0123.organizations.example")] {
        let wire = Wire::default();
        let sdk = sdk(&wire, "us-gov-east-1");
        let sdk = match endpoint {
            Some(endpoint) => sdk.endpoint_url(endpoint),
            None => sdk,
        };
        let aws = Aws::connect_through(Settings::default(), sdk.load().await).await.unwrap();
        // The answer is of STS and is not understood; what was sent counts.
        aws.feature_set().await.unwrap_err();
        let sent = wire.sent();
        assert_eq!(sent.len(), 2, "{sent:?}");
        let host = endpoint.unwrap_or("https://organizations.us-gov-west-1.amazonaws.com");
        assert!(sent[1].uri.starts_with(host), "{}", sent[1].uri);
        for (request, scope) in
            sent.iter().zip(["us-gov-east-1/sts/aws4", "us-gov-west-1/organizations/aws4"])
        {
            assert!(request.authorization.contains(scope), "{}", request.authorization);
        }
    }
}
