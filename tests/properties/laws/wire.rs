//! The simulator's protocols: any request has an answer in the format of its service.

use std::time::Duration;

use axum::http::{Request, Response};
use bedrail::simulator::{Clock, Scenario, Simulator};
use bytes::Bytes;
use serde_json::{Value, json};
use xmlparser::{ElementEnd, Token, Tokenizer};

/// 2026-01-05T10:00:00Z, for ever.
const NOW: u64 = 1_767_607_200_000;

/// A way to a service: its name in signatures, a method, a path, and what tells the protocol.
pub(crate) const WAYS: [(&str, &str, &str, &str); 12] = [
    ("bedrock", "POST", "/guardrails", ""),
    ("bedrock", "GET", "/guardrails/", ""),
    ("bedrock", "PUT", "/enforcedGuardrailsConfiguration", ""),
    ("bedrock", "POST", "/resource-policy", ""),
    ("bedrock", "POST", "/tagResource", ""),
    ("bedrock", "PUT", "/logging/modelinvocations", ""),
    ("bedrock", "POST", "/model/", ""),
    ("bedrock", "POST", "/guardrail/abc/version/1/apply", ""),
    ("organizations", "POST", "/", "AWSOrganizationsV20161128.CreatePolicy"),
    ("organizations", "POST", "/", "AWSOrganizationsV20161128."),
    ("sts", "POST", "/", "form"),
    ("iam", "POST", "/", "form"),
];

/// A world with one member account.
pub(crate) fn simulator() -> Simulator {
    let scenario: Scenario = serde_json::from_value(json!({
        "managementAccount": {"id": "111122223333", "name": "management"},
        "accounts": [{"id": "222233334444", "name": "shop"}],
    }))
    .unwrap();
    Simulator::new(&scenario, 1, Duration::ZERO, Clock::new(Box::new(|| NOW))).unwrap()
}

/// A request of the management account's administrator; `None` where it is no HTTP.
pub(crate) fn request(
    (service, method, path, protocol): (&str, &str, &str, &str),
    more: &str,
    body: &[u8],
) -> Option<Request<Bytes>> {
    let scope = format!("Credential=AKIDANY/20260105/us-east-1/{service}/aws4_request");
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{path}{}", if protocol.is_empty() { more } else { "" }))
        .header("host", "aws.test")
        .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host"));
    if protocol == "form" {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    } else if !protocol.is_empty() {
        let operation = if protocol.ends_with('.') { more } else { "" };
        request = request.header("x-amz-target", format!("{protocol}{operation}"));
    }
    request.body(Bytes::copy_from_slice(body)).ok()
}

/// Sends a request and judges the form of its answer, which is returned as status and body.
pub(crate) fn answered(simulator: &Simulator, request: Request<Bytes>) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let asked = format!("{request:?}");
    let response: Response<Bytes> = runtime.block_on(simulator.handle(request));
    let status = response.status().as_u16();
    // A simulator without faults has none of its own.
    assert!((200..500).contains(&status), "{status} to {asked}");
    assert!(response.headers().contains_key("x-amzn-requestid"), "{asked}");
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let Ok(body) = String::from_utf8(response.body().to_vec()) else {
        assert_eq!(kind, "application/vnd.amazon.eventstream", "{asked}");
        return (status, String::new());
    };
    match kind.as_str() {
        "text/xml" => drop(texts(&body)),
        "application/json" | "application/x-amz-json-1.1" => {
            assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body} to {asked}");
        }
        other => assert_eq!(other, "application/vnd.amazon.eventstream", "{asked}"),
    }
    (status, body)
}

/// The texts of an XML document, by the names of their elements.
pub(crate) fn texts(xml: &str) -> Vec<(String, String)> {
    assert!(xml.chars().all(may_stand_in_xml), "{xml:?}");
    let mut open: Vec<String> = Vec::new();
    let mut texts = Vec::new();
    for token in Tokenizer::from(xml) {
        match token.unwrap_or_else(|error| unreachable!("{error}: {xml}")) {
            Token::ElementStart { local, .. } => open.push(local.as_str().to_owned()),
            Token::ElementEnd { end: ElementEnd::Close(_, local), .. } => {
                assert_eq!(open.pop().as_deref(), Some(local.as_str()), "{xml}");
            }
            Token::ElementEnd { end: ElementEnd::Empty, .. } => drop(open.pop()),
            Token::Text { text } => {
                let name = open.last().cloned().unwrap_or_default();
                texts.push((name, unescaped(text.as_str())));
            }
            Token::ElementEnd { .. }
            | Token::Attribute { .. }
            | Token::Declaration { .. }
            | Token::ProcessingInstruction { .. }
            | Token::Comment { .. }
            | Token::Cdata { .. }
            | Token::DtdStart { .. }
            | Token::EmptyDtd { .. }
            | Token::EntityDeclaration { .. }
            | Token::DtdEnd { .. } => {}
        }
    }
    assert_eq!(open, Vec::<String>::new(), "{xml}");
    texts
}

/// What XML 1.0 admits.
pub(crate) fn may_stand_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn unescaped(text: &str) -> String {
    let newlines = text.replace("\r\n", "\n").replace('\r', "\n");
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#13;", "\r"), ("&amp;", "&")];
    entities.iter().fold(newlines, |text, (entity, character)| text.replace(entity, character))
}
