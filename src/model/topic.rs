//! Topics that alerts are published to.

use std::fmt;
use std::str::FromStr;

use super::ids::{AccountId, Region};

/// `arn:aws:sns:REGION:ACCOUNT:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicArn {
    text: String,
    region: Region,
}

/// What is no such ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ARN of an SNS topic such as arn:aws:sns:us-east-1:111122223333:alerts")]
pub struct NotATopic(String);

impl TopicArn {
    /// The Region it is in.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The whole.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for TopicArn {
    type Err = NotATopic;

    fn from_str(text: &str) -> Result<Self, NotATopic> {
        let parse = || {
            let parts: Vec<&str> = text.split(':').collect();
            let ["arn", partition, "sns", region, account, name] = parts.as_slice() else {
                return None;
            };
            account.parse::<AccountId>().ok()?;
            let is_name = (1..=256).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            // A topic that keeps the order wants a group with each message.
            let is_topic =
                partition.starts_with("aws") && is_name && name.strip_suffix(".fifo").is_none();
            is_topic.then_some(Self { text: text.to_owned(), region: region.parse().ok()? })
        };
        parse().ok_or_else(|| NotATopic(text.to_owned()))
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_told_by_its_arn() {
        let topic: TopicArn =
            "arn:aws-us-gov:sns:us-gov-west-1:111122223333:alerts".parse().unwrap();
        assert_eq!(topic.region().as_str(), "us-gov-west-1");
        for wrong in [
            "alerts",
            "arn:aws:sqs:us-east-1:111122223333:a",
            "arn:aws:sns:us-east-1:1:a",
            "arn:aws:sns:us-east-1:111122223333:a.fifo",
            "",
        ] {
            assert!(wrong.parse::<TopicArn>().is_err(), "{wrong}");
        }
    }
}
