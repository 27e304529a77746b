//! What CloudTrail records of a write, in the envelope of EventBridge (`aws-facts` 9).

use serde_json::{Map, Value, json};

use crate::simulator::call::{Answer, Call, Service};
use crate::simulator::clock::iso8601_seconds;

/// The message of a write; `None` for a service whose calls are no management events here.
pub(in crate::simulator) fn record(call: &Call, answer: &Answer, request_id: u64) -> Option<Value> {
    let (source, event_source) = if call.service == Service::Bedrock {
        ("aws.bedrock", "bedrock.amazonaws.com")
    } else if call.service == Service::Organizations {
        ("aws.organizations", "organizations.amazonaws.com")
    } else {
        return None;
    };
    // Organizations records in its home Region alone.
    let region = if call.service == Service::Organizations { "us-east-1" } else { &call.region };
    let id = format!("11111111-0000-4000-8000-{request_id:012x}");
    let time = iso8601_seconds(call.at);
    let account = &call.caller.account;
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(call),
        "eventTime": time,
        "eventSource": event_source,
        "eventName": call.operation,
        "awsRegion": region,
        "sourceIPAddress": "198.51.100.7",
        "userAgent": call.headers.get("user-agent"),
        "requestParameters": parameters(call),
        "responseElements": null,
        "eventID": id,
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    if let Err(failure) = answer {
        detail["errorCode"] = json!(failure.code);
        detail["errorMessage"] = json!(failure.message);
    }
    Some(json!({
        "version": "0",
        "id": id,
        "detail-type": "AWS API Call via CloudTrail",
        "source": source,
        "account": account,
        "time": time,
        "region": region,
        "resources": [],
        "detail": detail,
    }))
}

fn identity(call: &Call) -> Value {
    let caller = &call.caller;
    let Some(role) = &caller.role else {
        return json!({"type": "IAMUser", "arn": caller.arn, "accountId": caller.account});
    };
    let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
    let issuer = format!("arn:{partition}:iam::{}:role/{role}", caller.account);
    json!({
        "type": "AssumedRole",
        "arn": caller.arn,
        "accountId": caller.account,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": issuer}},
    })
}

/// The input in camel case; labels under the name they mostly have. Texts of guardrails are hidden.
fn parameters(call: &Call) -> Value {
    let mut parameters = Map::new();
    for (name, value) in call.body.as_object().into_iter().flatten() {
        let mut letters = name.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        let name: String = first.into_iter().chain(letters).collect();
        let is_hidden = name.ends_with("PolicyConfig") || name.ends_with("Messaging");
        let value = if is_hidden { json!("HIDDEN_DUE_TO_SECURITY_REASONS") } else { value.clone() };
        parameters.insert(name, value);
    }
    if let Some(label) = call.labels.first() {
        let name = match call.operation {
            "DeleteEnforcedGuardrailConfiguration" => "configId",
            "DeleteResourcePolicy" => "resourceArn",
            _ => "guardrailIdentifier",
        };
        parameters.insert(name.to_owned(), json!(label));
    }
    Value::Object(parameters)
}
