//! Answer → HTTP response, in the error format of the service.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue as HttpValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::xml;
use crate::simulator::call::{Answer, Failure, Reply, Service};

/// Puts an answer on the wire.
pub(in crate::simulator) fn encode(
    service: Service,
    operation: &str,
    answer: Answer,
    request_id: &str,
) -> Response<Bytes> {
    match answer {
        Ok(Reply::Body { status, body, headers }) => {
            let (content_type, text) = match service {
                Service::Sts | Service::Iam | Service::Sns => {
                    ("text/xml", xml::result(service, operation, &body, request_id))
                }
                Service::Organizations => ("application/x-amz-json-1.1", body.to_string()),
                Service::Bedrock | Service::BedrockRuntime => {
                    ("application/json", body.to_string())
                }
            };
            respond(status, content_type, text.into(), headers, request_id)
        }
        Ok(Reply::Stream(events)) => {
            let frames = frames(events);
            respond(200, "application/vnd.amazon.eventstream", frames, Vec::new(), request_id)
        }
        Err(failure) => encode_failure(service, failure, request_id),
    }
}

fn encode_failure(service: Service, failure: Failure, request_id: &str) -> Response<Bytes> {
    let Failure { code, status, message, extra } = failure;
    match service {
        Service::Sts | Service::Iam | Service::Sns => {
            let text = xml::error(service, (&code, &message), status >= 500, request_id);
            respond(status, "text/xml", text.into(), Vec::new(), request_id)
        }
        Service::Organizations => {
            let mut body = Map::from_iter([
                ("__type".to_owned(), json!(code)),
                ("Message".to_owned(), json!(message)),
            ]);
            body.extend(extra);
            let text = Value::Object(body).to_string();
            respond(status, "application/x-amz-json-1.1", text.into(), Vec::new(), request_id)
        }
        Service::Bedrock | Service::BedrockRuntime => {
            let mut body = Map::from_iter([("message".to_owned(), json!(message))]);
            body.extend(extra);
            let text = Value::Object(body).to_string();
            let headers = vec![("x-amzn-ErrorType".to_owned(), code)];
            respond(status, "application/json", text.into(), headers, request_id)
        }
    }
}

/// One frame per event (`aws-facts` 7.1; the event stream encoding of the SDKs).
fn frames(events: Vec<(String, Value)>) -> Bytes {
    let mut buffer = Vec::new();
    for (kind, payload) in events {
        let text = |value: String| HeaderValue::String(value.into());
        let message = Message::new(Bytes::from(payload.to_string()))
            .add_header(Header::new(":message-type", text("event".to_owned())))
            .add_header(Header::new(":event-type", text(kind)))
            .add_header(Header::new(":content-type", text("application/json".to_owned())));
        if let Err(error) = write_message_to(&message, &mut buffer) {
            // Only headers beyond 32 KiB or payloads beyond 16 MiB: we send neither.
            tracing::error!(%error, "event does not fit a frame");
        }
    }
    buffer.into()
}

fn respond(
    status: u16,
    content_type: &str,
    body: Bytes,
    headers: Vec<(String, String)>,
    request_id: &str,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut set = |name: &str, value: &str| {
        let parsed = (HeaderName::try_from(name), HttpValue::try_from(value));
        if let (Ok(name), Ok(value)) = parsed {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE.as_str(), content_type);
    set("x-amzn-requestid", request_id);
    for (name, value) in headers {
        set(&name, &value);
    }
    response
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::read_message_from;

    use super::*;

    #[test]
    fn stream_is_one_frame_per_event_in_order() {
        let events = vec![
            ("messageStart".to_owned(), json!({"role": "assistant"})),
            ("messageStop".to_owned(), json!({"stopReason": "end_turn"})),
        ];
        let answer = Ok(Reply::Stream(events.clone()));
        let response = encode(Service::BedrockRuntime, "ConverseStream", answer, "id");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/vnd.amazon.eventstream");
        let mut body = response.into_body();
        for (kind, payload) in events {
            let message = read_message_from(&mut body).unwrap();
            let headers: Vec<(&str, &str)> = message
                .headers()
                .iter()
                .map(|header| {
                    let value = header.value().as_string().unwrap().as_str();
                    (header.name().as_str(), value)
                })
                .collect();
            let expected = [
                (":message-type", "event"),
                (":event-type", kind.as_str()),
                (":content-type", "application/json"),
            ];
            assert_eq!(headers, expected);
            assert_eq!(serde_json::from_slice::<Value>(message.payload()).unwrap(), payload);
        }
        assert!(body.is_empty());
    }

    #[test]
    fn errors_have_the_format_of_their_service() {
        let failure = Failure::new("SomeException", 400, "a < b").with("Reason", "WHY");
        let rows = [
            (Service::Bedrock, r#"{"Reason":"WHY","message":"a < b"}"#),
            (
                Service::Organizations,
                r#"{"Message":"a < b","Reason":"WHY","__type":"SomeException"}"#,
            ),
            (
                Service::Sts,
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>SomeException</Code><Message>a &lt; b</Message></Error><RequestId>id</RequestId></ErrorResponse>",
            ),
        ];
        for (service, expected) in rows {
            let response = encode(service, "Op", Err(failure.clone()), "id");
            assert_eq!(response.status(), 400, "{service:?}");
            assert_eq!(response.headers()["x-amzn-requestid"], "id", "{service:?}");
            assert_eq!(response.body(), expected.as_bytes(), "{service:?}");
        }
        let response = encode(Service::Bedrock, "Op", Err(failure), "id");
        assert_eq!(response.headers()["x-amzn-errortype"], "SomeException");
    }
}
