//! What went wrong with a call, in a closed set of classes.
//!
//! Classified by exception code, never by HTTP status: Bedrock's Conflict, InUse and Quota are all
//! 400, and so is every error of Organizations (`aws-facts` 1.0, 4.1).

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use serde_json::Value;

use crate::model::{AccountId, Cell, Region, Unread};

/// Longest text of AWS's that is kept in a message.
const MESSAGE_CHARACTERS_MAX: usize = 500;

/// The kinds of failure a caller may tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    /// AWS asks to slow down; the limiter already has.
    Throttled,
    /// No answer, or AWS's own failure. A write may have taken effect.
    Unavailable,
    /// Somebody else was first, or AWS is still busy with it: read again.
    Conflict,
    /// Not permitted, by whatever policy, or no usable credentials.
    Denied,
    /// It does not exist.
    NotFound,
    /// AWS will not accept this request, however often it is sent.
    Invalid,
    /// A limit of AWS is reached.
    Quota,
    /// Something still references it.
    InUse,
    /// The account has not enabled this opt-in Region.
    RegionUnavailable,
    /// The member role cannot be assumed, and never could since the start: it may not be there yet.
    NotAssumable,
    /// The session ended; the next call opens another.
    Expired,
    /// A code that is not known to this release.
    Unknown,
}

impl ErrorClass {
    /// The name: condition reason, metric label and log field alike.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Unavailable => "Unavailable",
            Self::Conflict => "Conflict",
            Self::Denied => "Denied",
            Self::NotFound => "NotFound",
            Self::Invalid => "Invalid",
            Self::Quota => "Quota",
            Self::InUse => "InUse",
            Self::RegionUnavailable => "RegionUnavailable",
            Self::NotAssumable => "RoleNotAssumable",
            Self::Expired => "Expired",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether the same call may well succeed later, without a person doing anything.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable | Self::Conflict | Self::Expired => true,
            Self::Denied
            | Self::NotFound
            | Self::Invalid
            | Self::Quota
            | Self::InUse
            | Self::RegionUnavailable
            | Self::NotAssumable
            | Self::Unknown => false,
        }
    }

    /// What a person can do about it.
    fn advice(self) -> Option<&'static str> {
        match self {
            Self::Denied => Some(
                "check the identity policy of the role, the service control policies above the \
                 account and the resource policy",
            ),
            Self::RegionUnavailable => Some("enable the Region in this account, or leave it out"),
            Self::Quota => Some("remove what is no longer used, or ask AWS for more"),
            Self::Throttled
            | Self::Unavailable
            | Self::Conflict
            | Self::NotFound
            | Self::Invalid
            | Self::InUse
            | Self::NotAssumable
            | Self::Expired
            | Self::Unknown => None,
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// A call that failed: which, where, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// Service and operation: `bedrock:GetGuardrail`.
    pub operation: &'static str,
    /// The account the call was made in, where one was chosen.
    pub account: Option<AccountId>,
    /// The Region of a regional call.
    pub region: Option<Region>,
    /// The exception code, as AWS spells it.
    pub code: Option<Box<str>>,
    /// What AWS said, or what we say where nothing was answered. Never holds a secret.
    pub message: Box<str>,
    /// What AWS support asks for.
    pub request_id: Option<Box<str>>,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to call {}", self.operation)?;
        match (&self.account, &self.region) {
            (Some(account), Some(region)) => write!(f, " in {account} {region}")?,
            (Some(account), None) => write!(f, " in {account}")?,
            (None, Some(region)) => write!(f, " in {region}")?,
            (None, None) => {}
        }
        match &self.code {
            Some(code) => write!(f, ": {code}: {}", self.message)?,
            None => write!(f, ": {}", self.message)?,
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        match self.class.advice() {
            // A message of ours already says what to check.
            Some(advice) if !self.message.contains("check ") => write!(f, "; {advice}"),
            Some(_) | None => Ok(()),
        }
    }
}

impl StdError for AwsError {}

impl From<AwsError> for Unread {
    fn from(error: AwsError) -> Self {
        Self { class: error.class.reason(), message: error.to_string() }
    }
}

impl AwsError {
    /// A failure we found ourselves: an answer or a request that makes no sense.
    pub(super) fn ours(
        class: ErrorClass,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            operation,
            account: None,
            region: None,
            code: None,
            message: message.into().into(),
            request_id: None,
        }
    }

    /// The same, at a place.
    #[must_use]
    pub(super) fn at(mut self, cell: &Cell) -> Self {
        self.account = Some(cell.account.clone());
        self.region = Some(cell.region.clone());
        self
    }

    /// Translates what the SDK returned.
    pub(super) fn from_sdk<E>(
        operation: &'static str,
        region: &Region,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let (class, message) = match error {
            SdkError::ServiceError(context) => {
                let class = match error.code() {
                    Some(code) => {
                        let reason = constraint_reason(context.raw());
                        classify(code, reason.as_deref(), region)
                    }
                    None => classify_status(context.raw().status().as_u16()),
                };
                let message = error.message().unwrap_or("AWS gave no message");
                (class, presentable(error.code(), message))
            }
            SdkError::TimeoutError(_) => {
                (ErrorClass::Unavailable, "no answer within the time allowed".to_owned())
            }
            SdkError::ConstructionFailure(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => without_answer(error),
            // The SDK may add variants.
            _ => (ErrorClass::Unknown, presentable(None, &chain(error))),
        };
        Self {
            class,
            operation,
            account: None,
            region: Some(region.clone()),
            code: error.code().map(Into::into),
            message: message.into(),
            request_id: error.request_id().map(Into::into),
        }
    }
}

impl AwsError {
    /// Translates what broke off a stream of events that had begun well.
    pub(super) fn from_stream<E, R>(
        operation: &'static str,
        region: &Region,
        error: &SdkError<E, R>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: fmt::Debug + 'static,
    {
        let event = error.as_service_error();
        let code = event.and_then(ProvideErrorMetadata::code);
        let (class, message) = match code {
            Some(code) => {
                let message = event.and_then(ProvideErrorMetadata::message);
                let message = presentable(Some(code), message.unwrap_or("AWS gave no message"));
                (classify(code, None, region), message)
            }
            None => without_answer(error),
        };
        Self { code: code.map(Into::into), ..Self::ours(class, operation, message) }
    }
}

/// Why there is no answer to judge: credentials, connection, or bytes that are no answer.
fn without_answer<E, R>(error: &SdkError<E, R>) -> (ErrorClass, String)
where
    E: StdError + 'static,
    R: fmt::Debug + 'static,
{
    let mut source: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(cause) = source {
        if let Some(credentials) = cause.downcast_ref::<CredentialsError>() {
            return without_credentials(credentials);
        }
        source = cause.source();
    }
    let class = if matches!(error, SdkError::ConstructionFailure(_)) {
        ErrorClass::Invalid
    } else {
        ErrorClass::Unavailable
    };
    (class, presentable(None, &chain(error)))
}

/// Why there are no credentials, and what to set. The text of the source is left out: a
/// credential process may print anything. A machine without any credentials looks the same as one
/// whose role cannot be read, since the chain ends with asking for that.
fn without_credentials(error: &CredentialsError) -> (ErrorClass, String) {
    let (class, message) = if matches!(error, CredentialsError::ProviderTimedOut(_)) {
        (ErrorClass::Unavailable, "the provider of AWS credentials did not answer in time")
    } else {
        (
            ErrorClass::Denied,
            "no usable AWS credentials were found: check that AWS_PROFILE, or AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY, is set, sign in again (`aws sso login`), or run where a \
             role is attached",
        )
    };
    (class, message.to_owned())
}

/// The error and its causes on one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// AWS's text on one line and of bounded length. The text of a signature error holds the whole
/// canonical request, session token included, and is never shown.
fn presentable(code: Option<&str>, message: &str) -> String {
    let shows_request = code
        .is_some_and(|code| code.contains("Signature") || code.contains("AuthenticationToken"))
        || message.to_ascii_lowercase().contains("x-amz-security-token");
    if shows_request {
        return "the request's signature was not accepted: check the credentials and the clock \
                of this machine"
            .to_owned();
    }
    let text: String = message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(MESSAGE_CHARACTERS_MAX)
        .collect();
    if text.is_empty() { "AWS gave no message".to_owned() } else { text }
}

/// `Reason` of a ConstraintViolationException; the SDK keeps it in each operation's own type.
fn constraint_reason(response: &HttpResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(response.body().bytes()?).ok()?;
    body.get("Reason")?.as_str().map(str::to_owned)
}

/// An answer without a code comes from something between AWS and us: a proxy, a load balancer.
fn classify_status(status: u16) -> ErrorClass {
    match status {
        429 => ErrorClass::Throttled,
        500..=599 => ErrorClass::Unavailable,
        _ => ErrorClass::Unknown,
    }
}

/// Classifies an exception code of bedrock, bedrock-runtime, organizations, sts or iam
/// (`aws-facts` 1.0, 4.4, 5).
fn classify(code: &str, reason: Option<&str>, region: &Region) -> ErrorClass {
    match code {
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "SlowDown" => ErrorClass::Throttled,
        "InternalServerException"
        | "InternalFailure"
        | "InternalError"
        | "ServiceException"
        | "ServiceUnavailableException"
        | "ServiceUnavailable"
        | "FinalizingOrganizationException"
        | "ModelErrorException"
        | "ModelNotReadyException"
        | "ModelStreamErrorException"
        | "ModelTimeoutException"
        | "RequestTimeout"
        | "RequestTimeoutException" => ErrorClass::Unavailable,
        "ConflictException"
        | "ConcurrentModificationException"
        | "PolicyChangesInProgressException"
        | "DuplicatePolicyException"
        | "DuplicatePolicyAttachmentException"
        | "PolicyTypeAlreadyEnabledException" => ErrorClass::Conflict,
        "UnrecognizedClientException" | "InvalidClientTokenId" if is_opt_in(region) => {
            ErrorClass::RegionUnavailable
        }
        "AccessDeniedException"
        | "AccessDenied"
        | "AccessDeniedForDependencyException"
        | "UnauthorizedOperation"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => ErrorClass::Denied,
        "RegionDisabledException" | "OptInRequired" => ErrorClass::RegionUnavailable,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            ErrorClass::Expired
        }
        "ResourceInUseException" | "PolicyInUseException" => ErrorClass::InUse,
        "ServiceQuotaExceededException" | "TooManyTagsException" | "LimitExceededException" => {
            ErrorClass::Quota
        }
        "ConstraintViolationException" => classify_constraint(reason),
        "PolicyNotAttachedException" => ErrorClass::NotFound,
        code if code.ends_with("NotFoundException") => ErrorClass::NotFound,
        "ValidationException"
        | "ValidationError"
        | "InvalidInputException"
        | "InvalidAction"
        | "MalformedPolicyDocument"
        | "MalformedPolicyDocumentException"
        | "PackedPolicyTooLarge"
        | "PolicyTypeNotAvailableForOrganizationException"
        | "PolicyTypeNotEnabledException"
        | "AWSOrganizationsNotInUseException"
        | "UnsupportedAPIEndpointException"
        | "UnknownOperationException"
        | "RequestEntityTooLargeException"
        | "SerializationException" => ErrorClass::Invalid,
        code => classify_iam(code),
    }
}

fn classify_iam(code: &str) -> ErrorClass {
    match code {
        "NoSuchEntity" => ErrorClass::NotFound,
        "ServiceFailure" => ErrorClass::Unavailable,
        "InvalidInput" | "PolicyEvaluation" => ErrorClass::Invalid,
        _ => ErrorClass::Unknown,
    }
}

fn classify_constraint(reason: Option<&str>) -> ErrorClass {
    match reason {
        Some("WAIT_PERIOD_ACTIVE") => ErrorClass::Conflict,
        // A minimum is not a quota: more room would not help.
        Some(reason) if reason.starts_with("MIN_") => ErrorClass::Invalid,
        Some(reason) if reason.contains("LIMIT_EXCEEDED") => ErrorClass::Quota,
        Some(_) | None => ErrorClass::Invalid,
    }
}

/// Whether an account must enable `region` before it can be used.
///
/// The Regions that are on by default are those opened before 20 March 2019; the set is closed,
/// so every Region that is not in it is opt-in. GovCloud has no opt-in Regions.
fn is_opt_in(region: &Region) -> bool {
    const ON_BY_DEFAULT: [&str; 17] = [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ];
    !ON_BY_DEFAULT.contains(&region.as_str()) && !region.as_str().starts_with("us-gov-")
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
