//! One API call after the wire and before the world: what every service speaks to the dispatcher.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Milliseconds since the Unix epoch, on the simulator's clock.
pub type Millis = u64;

/// The services the simulator answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Bedrock control plane, REST-JSON.
    Bedrock,
    /// Bedrock runtime, REST-JSON and event streams.
    BedrockRuntime,
    /// AWS Organizations, JSON 1.1.
    Organizations,
    /// STS, AWS Query.
    Sts,
    /// IAM, AWS Query.
    Iam,
    /// SNS, AWS Query.
    Sns,
}

impl Service {
    /// The prefix of the operation in faults and call counts: `bedrock:ListGuardrails`.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::BedrockRuntime => "bedrock-runtime",
            Self::Organizations => "organizations",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::Sns => "sns",
        }
    }
}

/// Who calls: resolved from the access key of the `SigV4` scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Twelve digits.
    pub account: String,
    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, or `arn:aws:iam::ACCOUNT:user/administrator`.
    pub arn: String,
    /// The IAM role name behind an assumed-role session; `None` for the administrator of the
    /// management account that every unknown access key stands for.
    pub role: Option<String>,
}

/// One decoded call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which service.
    pub service: Service,
    /// The operation, spelled as in the API: `PutEnforcedGuardrailConfiguration`.
    pub operation: &'static str,
    /// Who.
    pub caller: Caller,
    /// The Region of the `SigV4` scope.
    pub region: String,
    /// Path labels, percent-decoded, in the order of the URI template.
    pub labels: Vec<String>,
    /// Query string, decoded.
    pub query: BTreeMap<String, Vec<String>>,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON; `{}` when empty. For STS, IAM and SNS: an object of the form's strings. For
    /// `InvokeModel`: the model's own body.
    pub body: Value,
    /// When, on the simulator's clock.
    pub at: Millis,
    /// Whether the User-Agent carries `app/bedrail`; everything else is a foreign administrator.
    pub is_controller: bool,
    /// Whether what this call makes is to end FAILED.
    pub ends_failed: bool,
}

impl Call {
    /// `bedrock:ListGuardrails`, as faults, counts and violations name it.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service.prefix(), self.operation)
    }

    /// A string member of the body.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(|values| values.first()).map(String::as_str)
    }
}

/// A successful answer, before it is put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A JSON body (or, for STS, IAM and SNS, the members of the result element).
    Body {
        /// HTTP status of success.
        status: u16,
        /// The body.
        body: Value,
        /// Additional response headers.
        headers: Vec<(String, String)>,
    },
    /// An event stream: (event type, JSON payload), in order.
    Stream(Vec<(String, Value)>),
}

impl Reply {
    /// 200 with `body`.
    pub fn ok(body: Value) -> Self {
        Self::status(200, body)
    }

    /// `status` with `body`.
    pub fn status(status: u16, body: Value) -> Self {
        Self::Body { status, body, headers: Vec::new() }
    }
}

/// A modelled exception, before it is put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exception code: `ValidationException`.
    pub code: String,
    /// HTTP status (Organizations: 400 for all but `ServiceException`).
    pub status: u16,
    /// What a person reads.
    pub message: String,
    /// Further members of the error body (`Reason`, `Type`, `resourceName`).
    pub extra: Map<String, Value>,
}

impl Failure {
    /// An exception without further members.
    pub fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), status, message: message.into(), extra: Map::new() }
    }

    /// The same with one more member in the error body.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }
}

/// What an operation returns.
pub type Answer = Result<Reply, Failure>;
