//! The wire of SQS: JSON 1.0, the operation in `X-Amz-Target` (`aws-facts` 9).

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::queue::{Message, Queue};
use crate::simulator::call::Millis;

/// The last part of the queue's URL.
const NAME: &str = "bedrail-events";

const TARGET_PREFIX: &str = "AmazonSQS.";

/// How long a message is hidden after it was received, unless the call says so itself.
const HIDDEN_MS: u64 = 30_000;

/// Whether a request is for SQS.
pub(in crate::simulator) fn is_addressed(request: &Request<Bytes>) -> bool {
    operation(request).is_some()
}

/// How many milliseconds a request waits for a message.
pub(in crate::simulator) fn long_poll(request: &Request<Bytes>) -> Millis {
    if operation(request) != Some("ReceiveMessage") {
        return 0;
    }
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    body["WaitTimeSeconds"].as_u64().unwrap_or_default().min(20) * 1_000
}

/// Answers a request; also says how its operation is counted.
pub(in crate::simulator) fn answer(
    queue: &mut Queue,
    request: &Request<Bytes>,
    request_id: &str,
    at: Millis,
) -> (String, Response<Bytes>) {
    let operation = operation(request).unwrap_or_default();
    let body = serde_json::from_slice(request.body()).unwrap_or_default();
    let name = format!("sqs:{operation}");
    match carry_out(queue, operation, &body, at) {
        Ok(body) => (name, respond(StatusCode::OK, &body, request_id)),
        Err((code, message)) => {
            let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message});
            (name, respond(StatusCode::BAD_REQUEST, &body, request_id))
        }
    }
}

fn operation(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get("x-amz-target")?.to_str().ok()?.strip_prefix(TARGET_PREFIX)
}

type Failed = (&'static str, String);

fn carry_out(
    queue: &mut Queue,
    operation: &str,
    body: &Value,
    at: Millis,
) -> Result<Value, Failed> {
    let url = body["QueueUrl"].as_str().unwrap_or_default();
    if url.rsplit('/').next() != Some(NAME) {
        let message = "The specified queue does not exist.".to_owned();
        return Err(("QueueDoesNotExist", message));
    }
    match operation {
        "ReceiveMessage" => receive(queue, body, at),
        "DeleteMessage" => {
            queue.delete(text(body, "ReceiptHandle")?);
            Ok(json!({}))
        }
        "DeleteMessageBatch" => delete_all(queue, body),
        "SendMessage" => {
            let id = queue.send(text(body, "MessageBody")?.to_owned(), at);
            Ok(json!({"MessageId": id}))
        }
        _ => Err(("UnsupportedOperation", format!("{operation} is not simulated"))),
    }
}

fn receive(queue: &mut Queue, body: &Value, at: Millis) -> Result<Value, Failed> {
    let count = body["MaxNumberOfMessages"].as_u64().unwrap_or(1);
    if !(1..=10).contains(&count) {
        let message = format!("Value {count} for parameter MaxNumberOfMessages is invalid.");
        return Err(("InvalidParameterValue", message));
    }
    let hidden = body["VisibilityTimeout"].as_u64().map_or(HIDDEN_MS, |seconds| seconds * 1_000);
    let shown = |message: &Message| {
        json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt(),
            "Body": message.body,
            "Attributes": {"ApproximateReceiveCount": message.received.to_string()},
        })
    };
    let count = usize::try_from(count).unwrap_or(1);
    let messages: Vec<Value> = queue.receive(count, hidden, at).into_iter().map(shown).collect();
    // Without a message the member is absent.
    Ok(if messages.is_empty() { json!({}) } else { json!({"Messages": messages}) })
}

fn delete_all(queue: &mut Queue, body: &Value) -> Result<Value, Failed> {
    let entries = body["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=10).contains(&entries.len()) {
        let message = format!("A batch has 1 to 10 entries, not {}.", entries.len());
        return Err(("TooManyEntriesInBatchRequest", message));
    }
    let mut deleted = Vec::new();
    for entry in entries {
        queue.delete(text(entry, "ReceiptHandle")?);
        deleted.push(json!({"Id": text(entry, "Id")?}));
    }
    Ok(json!({"Successful": deleted, "Failed": []}))
}

fn text<'a>(body: &'a Value, member: &str) -> Result<&'a str, Failed> {
    body[member].as_str().ok_or_else(|| {
        ("MissingParameter", format!("The request must contain the parameter {member}."))
    })
}

fn respond(status: StatusCode, body: &Value, request_id: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
