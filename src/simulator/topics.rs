//! SNS, as far as somebody publishes to a topic: `Publish` of the Query protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::call::{Answer, Call, Failure, Reply};
use super::identity::Access;
use super::world::World;

/// The longest message, in bytes.
const MESSAGE_MAX: usize = 256 * 1024;

/// The longest subject.
const SUBJECT_MAX: usize = 100;

/// Answers one SNS call.
pub(super) fn handle(world: &mut World, call: &Call) -> Answer {
    let topic = call.text("TopicArn").unwrap_or_default();
    let message = call.text("Message").unwrap_or_default();
    let parts: Vec<&str> = topic.split(':').collect();
    let ["arn", partition, "sns", region, account, _] = parts.as_slice() else {
        return Err(invalid("TopicArn"));
    };
    if *partition != world.partition || *region != call.region {
        return Err(invalid("TopicArn"));
    }
    world
        .authorize(&Access {
            caller: &call.caller,
            action: "sns:Publish",
            resource: topic,
            resource_owner: account,
            resource_policy: None,
            context: BTreeMap::from([(
                "aws:RequestedRegion".to_owned(),
                vec![call.region.clone()],
            )]),
        })
        .map_err(|denied| Failure::new("AuthorizationError", 403, denied.message))?;
    if !world.topics.contains_key(topic) {
        return Err(Failure::new("NotFound", 404, "Topic does not exist"));
    }
    if message.is_empty() || message.len() > MESSAGE_MAX {
        return Err(invalid("Message"));
    }
    let subject = call.text("Subject").unwrap_or_default();
    let is_printable = subject.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if subject.len() > SUBJECT_MAX || !is_printable {
        return Err(invalid("Subject"));
    }
    let published = json!({"subject": subject, "message": message, "by": call.caller.arn});
    let topics = Arc::make_mut(&mut world.topics);
    topics.entry(topic.to_owned()).or_default().push(published);
    let id = world.identifier(32);
    Ok(Reply::ok(json!({"MessageId": id})))
}

fn invalid(member: &str) -> Failure {
    Failure::new("InvalidParameter", 400, format!("Invalid parameter: {member}"))
}
