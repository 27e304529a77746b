//! The referee over real HTTP: the controller, known by its User-Agent, is judged; a foreign
//! administrator doing the same is not.

#![expect(clippy::unwrap_used, reason = "shared setup fails a test by panicking, as tests do")]

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_bedrock::types::{
    AccountEnforcedGuardrailInferenceInputConfiguration, GuardrailWordConfig,
    GuardrailWordPolicyConfig, Tag,
};
use bedrail::simulator::{Clock, Scenario, Simulator, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A simulator on a free port, its clock moved by the test alone.
struct Sim {
    simulator: Arc<Simulator>,
    address: String,
    _stop: DropGuard,
}

impl Sim {
    async fn start() -> Self {
        let clock = Clock::new(Box::new(|| 1_767_607_200_000));
        let scenario = Scenario::generate(3, 1, 1);
        let simulator = Arc::new(Simulator::new(&scenario, 7, Duration::ZERO, clock).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(serve(Arc::clone(&simulator), listener, stop.clone()));
        Self { simulator, address, _stop: stop.drop_guard() }
    }

    async fn config(&self, app: Option<&'static str>) -> SdkConfig {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", self.address))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("AKIDANY", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled());
        if let Some(app) = app {
            loader = loader.app_name(AppName::new(app).unwrap());
        }
        loader.load().await
    }

    async fn bedrock(&self, app: Option<&'static str>) -> aws_sdk_bedrock::Client {
        aws_sdk_bedrock::Client::new(&self.config(app).await)
    }

    /// A call of `/_simulator/`.
    async fn admin(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "{method} /_simulator/{path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 2"), "{head}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// The invariants broken so far, in order, each with its operation.
    async fn broken(&self) -> Vec<(String, String)> {
        let answer = self.admin("GET", "violations", "").await;
        let violations = answer["violations"].as_array().unwrap();
        let text = |violation: &Value, member: &str| violation[member].as_str().unwrap().to_owned();
        violations.iter().map(|it| (text(it, "invariant"), text(it, "operation"))).collect()
    }

    /// A guardrail with one version that is READY; owned if `tag` says by whom.
    async fn guardrail(&self, client: &aws_sdk_bedrock::Client, owner: Option<&str>) -> String {
        let word = GuardrailWordConfig::builder().text("zebra").build().unwrap();
        let words = GuardrailWordPolicyConfig::builder().words_config(word).build();
        let tag = |owner| Tag::builder().key("bedrail:owner").value(owner).build().unwrap();
        let created = client
            .create_guardrail()
            .name("baseline")
            .blocked_input_messaging("blocked")
            .blocked_outputs_messaging("blocked")
            .word_policy_config(words)
            .set_tags(owner.map(|owner| vec![tag(owner)]))
            .send()
            .await
            .unwrap();
        self.simulator.clock().advance(1_000);
        let arn = created.guardrail_arn().to_owned();
        client.create_guardrail_version().guardrail_identifier(&arn).send().await.unwrap();
        self.simulator.clock().advance(1_000);
        arn
    }
}

/// Puts a reference; whether AWS takes it is the caller's to look at.
async fn enforce(client: &aws_sdk_bedrock::Client, arn: &str, version: &str) -> Option<String> {
    let inference = AccountEnforcedGuardrailInferenceInputConfiguration::builder()
        .guardrail_identifier(arn)
        .guardrail_version(version)
        .build()
        .unwrap();
    let put = client.put_enforced_guardrail_configuration();
    let answer = put.guardrail_inference_config(inference).send().await;
    answer.ok().and_then(|answer| answer.config_id().map(str::to_owned))
}

/// Breaks S3, S7 twice and S5 on a guardrail that is nobody's.
async fn misbehave(sim: &Sim, client: &aws_sdk_bedrock::Client, arn: &str) {
    enforce(client, arn, "DRAFT").await;
    client.create_guardrail_version().guardrail_identifier(arn).send().await.unwrap();
    sim.simulator.clock().advance(1_000);
    enforce(client, arn, "1").await.unwrap();
    let delete = client.delete_guardrail().guardrail_identifier(arn).guardrail_version("1");
    delete.send().await.unwrap_err();
}

#[tokio::test]
async fn referee_judges_the_controller_and_nobody_else() {
    let sim = Sim::start().await;
    let administrator = sim.bedrock(None).await;
    let theirs = sim.guardrail(&administrator, None).await;
    misbehave(&sim, &administrator, &theirs).await;
    assert_eq!(sim.broken().await, []);

    let other = Sim::start().await;
    let theirs = other.guardrail(&other.bedrock(None).await, None).await;
    misbehave(&other, &other.bedrock(Some("bedrail")).await, &theirs).await;
    let expected = [
        ("S3", "bedrock:PutEnforcedGuardrailConfiguration"),
        ("S7", "bedrock:CreateGuardrailVersion"),
        ("S5", "bedrock:DeleteGuardrail"),
        ("S7", "bedrock:DeleteGuardrail"),
    ];
    assert_eq!(
        other.broken().await,
        expected.map(|(rule, call)| (rule.to_owned(), call.to_owned()))
    );
}

#[tokio::test]
async fn removals_need_the_intent_and_the_reads_of_the_controller() {
    for (intent, is_read, expected) in [
        (json!({}), true, vec!["S1"]),
        (json!({"removals": ["all"]}), false, vec!["S10"]),
        (json!({"removals": ["all"]}), true, vec![]),
    ] {
        let sim = Sim::start().await;
        let config = sim.config(Some("bedrail")).await;
        let bedrock = aws_sdk_bedrock::Client::new(&config);
        let arn = sim.guardrail(&bedrock, Some("us")).await;
        let id = enforce(&bedrock, &arn, "1").await.unwrap();
        sim.admin("PUT", "intent", &intent.to_string()).await;
        assert_eq!(sim.admin("GET", "intent", "").await, intent);
        if is_read {
            bedrock.list_enforced_guardrails_configuration().send().await.unwrap();
            let organizations = aws_sdk_organizations::Client::new(&config);
            organizations.list_accounts().send().await.unwrap();
        }
        bedrock.delete_enforced_guardrail_configuration().config_id(id).send().await.unwrap();
        let broken = sim.broken().await;
        let rules: Vec<&str> = broken.iter().map(|(rule, _)| rule.as_str()).collect();
        assert_eq!(rules, expected, "{intent}, read: {is_read}");
    }
}
