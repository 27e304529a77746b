//! One receiver, whatever it is.

use super::webhook::Webhook;
use crate::aws::Aws;
use crate::model::TopicArn;
use crate::runtime::Clock;
use crate::status::alerts::Message;

/// Who gets messages.
#[derive(Clone)]
pub(in crate::cli) struct Receiver {
    /// What may be shown of it.
    pub(super) name: String,
    pub(super) channel: Channel,
}

/// How messages get there.
#[derive(Clone)]
pub(super) enum Channel {
    /// A POST.
    Webhook(Box<Webhook>),
    /// `sns:Publish`.
    Topic(TopicArn),
}

impl Channel {
    /// Sends one message, once; what the receiver answered.
    ///
    /// # Errors
    ///
    /// Why it was not taken, without a secret.
    pub(super) async fn send(
        &self,
        aws: Option<&Aws>,
        clock: &Clock,
        message: &Message,
        origin: &str,
    ) -> Result<String, String> {
        match (self, aws) {
            (Self::Webhook(webhook), _) => {
                webhook.post(clock, message, origin).await.map(|status| format!("HTTP {status}"))
            }
            (Self::Topic(topic), Some(aws)) => publish(aws, topic, message, origin).await,
            (Self::Topic(_), None) => Err("AWS is not connected".to_owned()),
        }
    }
}

#[cfg(feature = "sns")]
async fn publish(
    aws: &Aws,
    topic: &TopicArn,
    message: &Message,
    origin: &str,
) -> Result<String, String> {
    use crate::status::alerts::{title, to_text};

    let subject = format!("Bedrail: {}", title(message));
    let published = aws.publish_alert(topic, &subject, &to_text(message, origin)).await;
    published.map(|()| "published".to_owned()).map_err(|error| error.to_string())
}

#[cfg(not(feature = "sns"))]
#[expect(clippy::unused_async, reason = "with the feature it waits")]
async fn publish(_: &Aws, _: &TopicArn, _: &Message, _: &str) -> Result<String, String> {
    Err("this build cannot publish to SNS".to_owned())
}
