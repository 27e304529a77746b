//! What every configuration of the SDK has: one connection pool, no retries, bounded waits.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, SdkConfig};

use super::settings::Settings;
use super::transport::{Trust, http_client};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What every configuration has, whoever made it.
pub(super) fn as_ours(settings: &Settings, sdk: &SdkConfig) -> SdkConfig {
    let mut builder = sdk.clone().into_builder();
    builder
        .set_app_name(AppName::new(settings.application).ok())
        .set_retry_config(Some(RetryConfig::disabled()))
        .set_timeout_config(Some(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(settings.attempt_timeout)
                .operation_timeout(settings.operation_timeout)
                .build(),
        ));
    if sdk.http_client().is_none() {
        builder.set_http_client(Some(http_client(Trust::Machine)));
    }
    builder.build()
}
