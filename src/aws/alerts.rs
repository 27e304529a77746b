//! Publishes alerts.

use super::client::Aws;
use super::error::AwsError;
use super::operation::PUBLISH;
use crate::model::{Cell, TopicArn};

/// The longest subject that SNS takes.
const SUBJECT_MAX: usize = 100;

impl Aws {
    /// `Publish`, with our own credentials, in the Region of the topic.
    ///
    /// SNS takes subjects of printable ASCII; anything else becomes a question mark, and what is too
    /// long is cut.
    pub async fn publish_alert(
        &self,
        topic: &TopicArn,
        subject: &str,
        message: &str,
    ) -> Result<(), AwsError> {
        let account = self.caller().account.clone();
        let place = self.enter(&Cell { account, region: topic.region().clone() }).await?;
        let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        let subject: String = subject.chars().map(printable).take(SUBJECT_MAX).collect();
        let request = self.sns(topic.region());
        let request = request.publish().topic_arn(topic.as_str()).subject(subject).message(message);
        self.call(PUBLISH, &place, request.send()).await?;
        Ok(())
    }
}
