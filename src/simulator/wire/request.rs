//! HTTP request → service, operation, access key, input.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::routes;
use crate::simulator::call::{Failure, Service};

/// The prefix of `X-Amz-Target`.
const TARGET_PREFIX: &str = "AWSOrganizationsV20161128.";

/// A request understood, whose caller is not yet known.
pub(in crate::simulator) struct Decoded {
    pub(in crate::simulator) service: Service,
    pub(in crate::simulator) operation: &'static str,
    pub(in crate::simulator) region: String,
    pub(in crate::simulator) access_key: String,
    pub(in crate::simulator) labels: Vec<String>,
    pub(in crate::simulator) query: BTreeMap<String, Vec<String>>,
    pub(in crate::simulator) headers: BTreeMap<String, String>,
    pub(in crate::simulator) body: Value,
    pub(in crate::simulator) is_controller: bool,
}

/// A request answered before any operation saw it.
pub(in crate::simulator) struct Refused {
    /// Whose error format is used.
    pub(in crate::simulator) service: Service,
    pub(in crate::simulator) failure: Failure,
}

/// The scope of a `SigV4` signature.
struct Scope {
    access_key: String,
    region: String,
    service: String,
}

/// Understands a request.
pub(in crate::simulator) fn decode(request: &Request<Bytes>) -> Result<Decoded, Refused> {
    let headers = request.headers();
    let guess = guess_service(request);
    let refuse = |failure| Refused { service: guess, failure };
    let scope = scope(headers).map_err(refuse)?;
    let service = match scope.service.as_str() {
        "bedrock" => routes::bedrock_service(request.uri().path()),
        "organizations" => Service::Organizations,
        "sts" => Service::Sts,
        "iam" => Service::Iam,
        "sns" => Service::Sns,
        other => {
            let message = format!("the service {other} is not simulated");
            tracing::warn!(service = other, "service is not simulated");
            return Err(refuse(Failure::new("UnknownOperationException", 404, message)));
        }
    };
    let input = match service {
        Service::Bedrock | Service::BedrockRuntime => rest(request),
        Service::Organizations => organizations(request),
        Service::Sts => form(request, routes::sts),
        Service::Iam => form(request, routes::iam),
        Service::Sns => form(request, routes::sns),
    };
    let input = input.map_err(|failure| Refused { service, failure })?;
    let is_controller = ["user-agent", "x-amz-user-agent"]
        .into_iter()
        .any(|name| header(headers, name).is_some_and(|agent| agent.contains("app/bedrail")));
    Ok(Decoded {
        service,
        operation: input.operation,
        region: scope.region,
        access_key: scope.access_key,
        labels: input.labels,
        query: query(request.uri().query().unwrap_or_default()),
        headers: lower_case(headers),
        body: input.body,
        is_controller,
    })
}

/// What a protocol gives of an operation.
struct Input {
    operation: &'static str,
    labels: Vec<String>,
    body: Value,
}

fn rest(request: &Request<Bytes>) -> Result<Input, Failure> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let route =
        routes::rest(method, path).ok_or_else(|| unknown(&format!("{method} {path}"), 404))?;
    let body = match route.operation {
        // To the service this body is only bytes; it is the model that cannot read them.
        "InvokeModel" | "InvokeModelWithResponseStream" => {
            json_body(request.body()).map_err(|_| {
                let message = "Malformed input request, please reformat your input and try again.";
                Failure::new("ValidationException", 400, message)
            })
        }
        _ => json_body(request.body()),
    }?;
    Ok(Input { operation: route.operation, labels: route.labels, body })
}

fn organizations(request: &Request<Bytes>) -> Result<Input, Failure> {
    let target = header(request.headers(), "x-amz-target").unwrap_or_default();
    let name = target.strip_prefix(TARGET_PREFIX).unwrap_or(target);
    let operation = routes::organizations(name).ok_or_else(|| unknown(name, 400))?;
    let body = json_body(request.body())?;
    if !body.is_object() {
        return Err(serialization("the body must be an object"));
    }
    Ok(Input { operation, labels: Vec::new(), body })
}

/// The Query protocol.
fn form(
    request: &Request<Bytes>,
    operation: impl Fn(&str) -> Option<&'static str>,
) -> Result<Input, Failure> {
    let form: Map<String, Value> = form_urlencoded::parse(request.body())
        .chain(form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()))
        .map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())))
        .collect();
    let name = form.get("Action").and_then(Value::as_str).unwrap_or_default();
    let operation = operation(name).ok_or_else(|| {
        let failure = unknown(name, 400);
        Failure { code: "InvalidAction".to_owned(), ..failure }
    })?;
    Ok(Input { operation, labels: Vec::new(), body: Value::Object(form) })
}

fn unknown(what: &str, status: u16) -> Failure {
    tracing::warn!(operation = what, "operation is not simulated");
    Failure::new("UnknownOperationException", status, format!("{what} is not simulated"))
}

fn json_body(bytes: &Bytes) -> Result<Value, Failure> {
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(bytes).map_err(|error| serialization(&error.to_string()))
}

fn serialization(why: &str) -> Failure {
    Failure::new("SerializationException", 400, format!("the body is not valid: {why}"))
}

/// The service by what the client sent beside its signature, for the format of early errors.
fn guess_service(request: &Request<Bytes>) -> Service {
    let content_type = header(request.headers(), "content-type").unwrap_or_default();
    if request.headers().contains_key("x-amz-target") {
        Service::Organizations
    } else if content_type.starts_with("application/x-www-form-urlencoded") {
        Service::Sts
    } else {
        routes::bedrock_service(request.uri().path())
    }
}

/// `AWS4-HMAC-SHA256 Credential=AKID/date/region/service/aws4_request, SignedHeaders=…`.
fn scope(headers: &HeaderMap) -> Result<Scope, Failure> {
    let Some(authorization) = header(headers, "authorization") else {
        return Err(Failure::new(
            "MissingAuthenticationTokenException",
            403,
            "Missing Authentication Token",
        ));
    };
    let incomplete = || {
        Failure::new(
            "IncompleteSignature",
            400,
            "Authorization header requires 'Credential' parameter with a complete scope.",
        )
    };
    let (_, rest) = authorization.split_once("Credential=").ok_or_else(incomplete)?;
    let credential = rest.split(',').next().unwrap_or_default().trim();
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key, _date, region, service, "aws4_request"] = parts.as_slice() else {
        return Err(incomplete());
    };
    Ok(Scope {
        access_key: (*access_key).to_owned(),
        region: (*region).to_owned(),
        service: (*service).to_owned(),
    })
}

fn query(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        query.entry(key.into_owned()).or_default().push(value.into_owned());
    }
    query
}

/// Header names are lower case already; values that are not text are left out.
fn lower_case(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
