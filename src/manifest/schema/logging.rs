//! `kind: InvocationLogging`, below `spec`.

use serde::Deserialize;

use super::TargetSpec;

shape!(
    /// Invocation logging.
    InvocationLoggingSpec {
        logging_config: LoggingConfigSpec,
        regions: Vec<String>,
        targets: Vec<TargetSpec>,
        on_foreign: String,
        on_deselect: String,
        state: String,
    }
);
shape!(
    /// `loggingConfig` of PutModelInvocationLoggingConfiguration.
    LoggingConfigSpec {
        cloud_watch_config: LogGroupSpec,
        s3_config: BucketSpec,
        text_data_delivery_enabled: bool,
        image_data_delivery_enabled: bool,
        embedding_data_delivery_enabled: bool,
        video_data_delivery_enabled: bool,
        audio_data_delivery_enabled: bool,
    }
);
shape!(
    /// `cloudWatchConfig` of the same.
    LogGroupSpec {
        log_group_name: String,
        role_arn: String,
        large_data_delivery_s3_config: BucketSpec,
    }
);
shape!(
    /// A bucket of the same.
    BucketSpec {
        bucket_name: String,
        key_prefix: String,
    }
);
