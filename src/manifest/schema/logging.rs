//! `kind: InvocationLogging`, below `spec`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::TargetSpec;
use super::choices::{ON_DESELECT, ON_FOREIGN, STATES, words};
use super::texts::{Regions, Targets};
use crate::model::content::api_page;

shape!(
    /// Where the calls of models are logged in every selected account × Region.
    InvocationLoggingSpec {
        /// The body of PutModelInvocationLoggingConfiguration, field for field. Names may hold
        /// `${account}`, `${region}` and `${partition}`.
        #[schemars(required)]
        logging_config: LoggingConfigSpec,
        /// Regions whose calls are logged.
        #[schemars(required, with = "Option<Regions>")]
        regions: Vec<String>,
        /// Accounts whose calls are logged.
        #[schemars(required, with = "Option<Targets>")]
        targets: Vec<TargetSpec>,
        /// What happens to a configuration of somebody else.
        #[schemars(extend("enum" = words(&ON_FOREIGN), "default" = "Replace"))]
        on_foreign: String,
        /// Keep, and nothing else: AWS keeps no mark of who put a configuration.
        #[schemars(extend("enum" = [ON_DESELECT[0].0], "default" = "Keep"))]
        on_deselect: String,
        /// Absent removes a configuration that is equal to this one.
        #[schemars(extend("enum" = words(&STATES), "default" = "Present"))]
        state: String,
    }
);
shape!(
    /// Where to, and what; at least one place.
    #[schemars(extend("x-source" = api_page!("LoggingConfig")))]
    LoggingConfigSpec {
        /// A log group of the same account and Region.
        cloud_watch_config: LogGroupSpec,
        /// A bucket of the same account and Region.
        s3_config: BucketSpec,
        /// Whether texts are logged.
        #[schemars(extend("default" = true))]
        text_data_delivery_enabled: bool,
        /// Whether images are logged.
        #[schemars(extend("default" = true))]
        image_data_delivery_enabled: bool,
        /// Whether embeddings are logged.
        #[schemars(extend("default" = true))]
        embedding_data_delivery_enabled: bool,
        /// Whether videos are logged.
        #[schemars(extend("default" = true))]
        video_data_delivery_enabled: bool,
        /// Whether sounds are logged.
        #[schemars(extend("default" = true))]
        audio_data_delivery_enabled: bool,
    }
);
shape!(
    /// A log group.
    #[schemars(extend("x-source" = api_page!("CloudWatchConfig")))]
    LogGroupSpec {
        /// Its name: 1 to 512 characters with its placeholders filled in.
        #[schemars(required)]
        log_group_name: String,
        /// The role that Bedrock writes with.
        #[schemars(required)]
        role_arn: String,
        /// A bucket for what is too long for a log event.
        large_data_delivery_s3_config: BucketSpec,
    }
);
shape!(
    /// A bucket.
    #[schemars(extend("x-source" = api_page!("S3Config")))]
    BucketSpec {
        /// Its name: 3 to 63 characters with its placeholders filled in.
        #[schemars(required)]
        bucket_name: String,
        /// What keys begin with; up to 1,024 characters with its placeholders filled in.
        key_prefix: String,
    }
);
