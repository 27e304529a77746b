//! A simulator on a free port, with a clock that only tests move.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_organizations::error::{ProvideErrorMetadata, SdkError};
use bedrail::simulator::{Clock, Scenario, Simulator, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// 2026-01-05T10:00:00Z.
const START: u64 = 1_767_607_200_000;

pub(crate) const SHOP: &str = "222233334444";
pub(crate) const PAYMENTS: &str = "333344445555";
pub(crate) const PLAYGROUND: &str = "444455556666";
pub(crate) const CLOSING: &str = "555566667777";

/// A running simulator; it stops when dropped.
pub(crate) struct Sim {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) address: String,
    _stop: DropGuard,
}

impl Sim {
    /// `tests/scenarios/small.yaml`.
    pub(crate) async fn small() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/small.yaml");
        Self::start(&Scenario::read(&path).unwrap()).await
    }

    pub(crate) async fn start(scenario: &Scenario) -> Self {
        let clock = Clock::new(Box::new(|| START));
        let simulator = Arc::new(Simulator::new(scenario, 7, Duration::ZERO, clock).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        tokio::spawn(serve(Arc::clone(&simulator), listener, stop.clone()));
        Self { simulator, address, _stop: stop.drop_guard() }
    }

    pub(crate) fn advance(&self, milliseconds: u64) {
        self.simulator.clock().advance(milliseconds);
    }

    /// The administrator of the management account.
    pub(crate) async fn administrator(&self) -> SdkConfig {
        self.config(Credentials::new("AKIDANY", "secret", None, None, "test"), "us-east-1").await
    }

    pub(crate) async fn config(&self, credentials: Credentials, region: &'static str) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", self.address))
            .region(Region::new(region))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .load()
            .await
    }

    pub(crate) async fn organizations(&self) -> aws_sdk_organizations::Client {
        aws_sdk_organizations::Client::new(&self.administrator().await)
    }

    pub(crate) async fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.administrator().await)
    }

    /// A session of `role` in `account`, as the administrator gets it.
    pub(crate) async fn assume(&self, account: &str, role: &str) -> SdkConfig {
        let output = self
            .sts()
            .await
            .assume_role()
            .role_arn(format!("arn:aws:iam::{account}:role/{role}"))
            .role_session_name("test")
            .send()
            .await
            .unwrap();
        self.config(credentials(&output), "us-east-1").await
    }

    /// One raw request; status, head and body.
    pub(crate) async fn raw(&self, request: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    /// A raw request with these headers, one per line.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String, String) {
        let headers: String =
            headers.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect();
        let length = body.len();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}",
            self.address
        ))
        .await
    }

    /// `/_simulator/…`, which must answer 200.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, _, text) = self.send(method, &format!("/_simulator/{path}"), &[], body).await;
        assert_eq!(status, 200, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

pub(crate) fn credentials(
    output: &aws_sdk_sts::operation::assume_role::AssumeRoleOutput,
) -> Credentials {
    let issued = output.credentials().unwrap();
    Credentials::new(
        issued.access_key_id(),
        issued.secret_access_key(),
        Some(issued.session_token().to_owned()),
        None,
        "test",
    )
}

/// The exception code of a failed call.
pub(crate) fn code<T, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> String {
    match result {
        Ok(_) => "success".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

/// The `Authorization` header of a service, unsigned as the simulator does not verify.
pub(crate) fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDANY/20260105/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}
