//! Takes messages out of an SQS queue.

use std::time::Duration;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;

use super::client::{Aws, sdk_region};
use super::error::{AwsError, ErrorClass};
use super::operation::{DELETE_MESSAGE, RECEIVE_MESSAGE};
use crate::model::Region;

/// As long as SQS waits for a message: fewer calls, and no later answer.
const WAIT: Duration = Duration::from_secs(20);

/// As many as SQS hands out at once.
const MESSAGES_MAX: i32 = 10;

/// What a call may take beyond the wait.
const MARGIN: Duration = Duration::from_secs(10);

/// A queue to take messages out of.
#[derive(Clone, Debug)]
pub struct EventQueue {
    url: String,
    client: aws_sdk_sqs::Client,
}

/// A message, until it is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    /// What was sent.
    pub body: String,
    /// With what it is deleted.
    pub receipt: String,
}

impl Aws {
    /// The queue at `url`, in the Region that its host names, else in the home Region.
    pub fn event_queue(&self, url: &str) -> EventQueue {
        let region = region_of(url).unwrap_or_else(|| self.home_region().clone());
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(WAIT + MARGIN)
            .operation_timeout(WAIT + MARGIN)
            .build();
        let config = aws_sdk_sqs::config::Builder::from(self.sdk())
            .region(sdk_region(&region))
            .timeout_config(timeouts)
            // A long poll sends nothing for longer than the SDK takes for a dead connection.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        EventQueue { url: url.to_owned(), client: aws_sdk_sqs::Client::from_conf(config) }
    }

    /// Waits for messages; none after a while without any.
    pub async fn receive(&self, queue: &EventQueue) -> Result<Vec<QueueMessage>, AwsError> {
        let request = queue
            .client
            .receive_message()
            .queue_url(&queue.url)
            .max_number_of_messages(MESSAGES_MAX)
            .wait_time_seconds(i32::try_from(WAIT.as_secs()).unwrap_or(i32::MAX));
        let output = self.call(RECEIVE_MESSAGE, &self.home(), request.send()).await?;
        let message = |message: aws_sdk_sqs::types::Message| {
            let receipt = message.receipt_handle?;
            Some(QueueMessage { body: message.body.unwrap_or_default(), receipt })
        };
        Ok(output.messages.into_iter().flatten().filter_map(message).collect())
    }

    /// Deletes messages: what is not deleted comes again.
    pub async fn delete(
        &self,
        queue: &EventQueue,
        messages: &[QueueMessage],
    ) -> Result<(), AwsError> {
        let entry = |(index, message): (usize, &QueueMessage)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&message.receipt)
                .build()
        };
        let entries: Result<Vec<_>, _> = messages.iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| {
            AwsError::ours(ErrorClass::Invalid, DELETE_MESSAGE.name, error.to_string())
        })?;
        let request = queue.client.delete_message_batch().queue_url(&queue.url);
        let request = request.set_entries(Some(entries));
        self.call(DELETE_MESSAGE, &self.home(), request.send()).await?;
        Ok(())
    }
}

/// The Region in `https://sqs.us-east-1.amazonaws.com/111122223333/name`.
fn region_of(url: &str) -> Option<Region> {
    let host = url.split_once("://")?.1;
    host.strip_prefix("sqs.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_one_in_the_url() {
        let region = |url: &str| region_of(url).map(|it| it.as_str().to_owned());
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/bedrail-events";
        assert_eq!(region(url).as_deref(), Some("eu-west-1"));
        assert_eq!(region("http://127.0.0.1:4566/111122223333/bedrail-events"), None);
        assert_eq!(region("bedrail-events"), None);
    }
}
