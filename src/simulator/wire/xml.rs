//! The XML of the Query protocol.

use serde_json::Value;

use crate::simulator::call::Service;

/// The namespace of a service's answers.
fn namespace(service: Service) -> &'static str {
    match service {
        Service::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        Service::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
        // The others do not speak this protocol.
        Service::Sts | Service::Bedrock | Service::BedrockRuntime | Service::Organizations => {
            "https://sts.amazonaws.com/doc/2011-06-15/"
        }
    }
}

/// A successful answer: the members of `result` inside the result element, which an operation
/// without output does not have.
pub(super) fn result(
    service: Service,
    operation: &str,
    result: &Value,
    request_id: &str,
) -> String {
    let mut xml = format!("<{operation}Response xmlns=\"{}\">", namespace(service));
    if result.as_object().is_none_or(|members| !members.is_empty()) {
        xml.extend(["<", operation, "Result>"]);
        members(&mut xml, result);
        xml.extend(["</", operation, "Result>"]);
    }
    let tail = format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    );
    xml + &tail
}

/// An error answer: its code and its message.
pub(super) fn error(
    service: Service,
    (code, message): (&str, &str),
    is_ours: bool,
    request_id: &str,
) -> String {
    let kind = if is_ours { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        namespace(service),
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
    } else if let Some(items) = value.as_array() {
        for item in items {
            xml.push_str("<member>");
            members(xml, item);
            xml.push_str("</member>");
        }
    } else if let Some(text) = value.as_str() {
        xml.push_str(&escape(text));
    } else {
        xml.push_str(&value.to_string());
    }
}

/// Text that any XML parser reads back as it is, but for characters that XML cannot have at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A parser makes a newline of it.
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(c),
        }
    }
    escaped
}
