//! The XML of the Query protocol.

use serde_json::Value;

use crate::simulator::call::Service;

/// The namespace of a service's answers; STS's but for SNS, which alone of the others has one.
fn namespace(service: Service) -> &'static str {
    match service {
        Service::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
        Service::Sts | Service::Bedrock | Service::BedrockRuntime | Service::Organizations => {
            "https://sts.amazonaws.com/doc/2011-06-15/"
        }
    }
}

/// A successful answer: the members of `result` inside the result element.
pub(super) fn result(
    service: Service,
    operation: &str,
    result: &Value,
    request_id: &str,
) -> String {
    let namespace = namespace(service);
    let mut xml = format!("<{operation}Response xmlns=\"{namespace}\"><{operation}Result>");
    members(&mut xml, result);
    let tail = format!(
        "</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    );
    xml + &tail
}

/// An error answer.
pub(super) fn error(
    service: Service,
    code: &str,
    message: &str,
    is_ours: bool,
    request_id: &str,
) -> String {
    let namespace = namespace(service);
    let kind = if is_ours { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(code),
        escape(message),
    )
}

fn members(xml: &mut String, value: &Value) {
    if let Some(object) = value.as_object() {
        for (name, value) in object {
            xml.extend(["<", name, ">"]);
            members(xml, value);
            xml.extend(["</", name, ">"]);
        }
    } else if let Some(text) = value.as_str() {
        xml.push_str(&escape(text));
    } else {
        xml.push_str(&value.to_string());
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
