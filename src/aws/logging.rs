//! Model invocation logging of a cell: one configuration per account and Region, or none
//! (`aws-facts` 1.12).

use aws_sdk_bedrock::types::{CloudWatchConfig, LoggingConfig as SdkConfig, S3Config};
use aws_smithy_types::error::operation::BuildError;

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::operation::{DELETE_LOGGING, GET_LOGGING, PUT_LOGGING};
use crate::model::{Bucket, Cell, DataKind, LogGroup, Logging, LoggingConfig, Read};

impl Aws {
    /// Reads the configuration of a cell. An answer without one, or with one that logs nowhere, means
    /// absent.
    pub async fn logging(&self, cell: &Cell) -> Read<LoggingConfig> {
        match self.logging_of(cell).await {
            Ok(Some(config)) => observed(config).map_or(Read::KnownAbsent, Read::Known),
            Ok(None) => Read::KnownAbsent,
            Err(error) => Read::Unknown(error.into()),
        }
    }

    async fn logging_of(&self, cell: &Cell) -> Result<Option<SdkConfig>, AwsError> {
        let place = self.enter(cell).await?;
        let request = self.bedrock(&place).get_model_invocation_logging_configuration();
        let output = self.call(GET_LOGGING, &place, request.send()).await?;
        Ok(output.logging_config)
    }

    /// `PutModelInvocationLoggingConfiguration`: replaces the whole. Every flag is sent.
    pub async fn put_logging(&self, cell: &Cell, config: &LoggingConfig) -> Result<(), AwsError> {
        let config = requested(config).map_err(|error| {
            AwsError::ours(ErrorClass::Invalid, PUT_LOGGING.name, error.to_string()).at(cell)
        })?;
        let place = self.enter(cell).await?;
        let request = self
            .bedrock(&place)
            .put_model_invocation_logging_configuration()
            .logging_config(config);
        self.call(PUT_LOGGING, &place, request.send()).await.map(drop)
    }

    /// `DeleteModelInvocationLoggingConfiguration`. Gone already is done.
    pub async fn delete_logging(&self, cell: &Cell) -> Result<(), AwsError> {
        let place = self.enter(cell).await?;
        let request = self.bedrock(&place).delete_model_invocation_logging_configuration();
        self.call(DELETE_LOGGING, &place, request.send()).await.map(drop)
    }
}

fn observed(config: SdkConfig) -> Option<LoggingConfig> {
    // A flag that is missing is not known to be off.
    let flags = [
        (DataKind::Text, config.text_data_delivery_enabled),
        (DataKind::Image, config.image_data_delivery_enabled),
        (DataKind::Embedding, config.embedding_data_delivery_enabled),
        (DataKind::Video, config.video_data_delivery_enabled),
        (DataKind::Audio, config.audio_data_delivery_enabled),
    ];
    let delivered = flags.into_iter().filter(|(_, is_on)| is_on.unwrap_or(true));
    let log_group = config.cloud_watch_config.map(|group| LogGroup {
        name: group.log_group_name,
        role: group.role_arn,
        large_data: group.large_data_delivery_s3_config.and_then(observed_bucket),
    });
    let bucket = config.s3_config.and_then(observed_bucket);
    // A group without a name is how a member that was never set can look.
    let log_group = log_group.filter(|group| !group.name.is_empty());
    (log_group.is_some() || bucket.is_some()).then(|| Logging {
        log_group,
        bucket,
        delivered: delivered.map(|(kind, _)| kind).collect(),
    })
}

fn observed_bucket(bucket: S3Config) -> Option<Bucket<String>> {
    let prefix = bucket.key_prefix.filter(|prefix| !prefix.is_empty());
    (!bucket.bucket_name.is_empty()).then_some(Bucket { name: bucket.bucket_name, prefix })
}

fn requested(config: &LoggingConfig) -> Result<SdkConfig, BuildError> {
    let Logging { log_group, bucket, delivered } = config;
    let delivers = |kind: DataKind| delivered.contains(&kind);
    Ok(SdkConfig::builder()
        .set_cloud_watch_config(log_group.as_ref().map(requested_group).transpose()?)
        .set_s3_config(bucket.as_ref().map(requested_bucket).transpose()?)
        .text_data_delivery_enabled(delivers(DataKind::Text))
        .image_data_delivery_enabled(delivers(DataKind::Image))
        .embedding_data_delivery_enabled(delivers(DataKind::Embedding))
        .video_data_delivery_enabled(delivers(DataKind::Video))
        .audio_data_delivery_enabled(delivers(DataKind::Audio))
        .build())
}

fn requested_group(group: &LogGroup<String>) -> Result<CloudWatchConfig, BuildError> {
    CloudWatchConfig::builder()
        .log_group_name(&group.name)
        .role_arn(&group.role)
        .set_large_data_delivery_s3_config(
            group.large_data.as_ref().map(requested_bucket).transpose()?,
        )
        .build()
}

fn requested_bucket(bucket: &Bucket<String>) -> Result<S3Config, BuildError> {
    S3Config::builder().bucket_name(&bucket.name).set_key_prefix(bucket.prefix.clone()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> LoggingConfig {
        let bucket = |name: &str, prefix: Option<&str>| Bucket {
            name: name.to_owned(),
            prefix: prefix.map(str::to_owned),
        };
        Logging {
            log_group: Some(LogGroup {
                name: "/bedrock".to_owned(),
                role: "arn:aws:iam::111122223333:role/logs".to_owned(),
                large_data: Some(bucket("large", None)),
            }),
            bucket: Some(bucket("logs", Some("bedrock"))),
            delivered: [DataKind::Text, DataKind::Audio].into(),
        }
    }

    #[test]
    fn what_is_sent_reads_back_as_it_was() {
        for config in [full(), Logging { log_group: None, ..full() }] {
            assert_eq!(observed(requested(&config).unwrap()), Some(config));
        }
    }

    #[test]
    fn what_aws_leaves_out_counts_as_delivered_and_an_empty_prefix_as_none() {
        let bucket = S3Config::builder().bucket_name("logs").key_prefix("").build().unwrap();
        let found = observed(SdkConfig::builder().s3_config(bucket).build()).unwrap();
        assert_eq!(found.delivered, DataKind::ALL.into());
        assert_eq!(found.bucket.unwrap().prefix, None);
        assert_eq!(observed(SdkConfig::builder().build()), None);
    }
}
