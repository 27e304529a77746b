//! What must be so before anything else can work.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::operation::{DESCRIBE_ORGANIZATION, GET_CALLER_IDENTITY};

impl Aws {
    /// By how many seconds our clock is ahead of AWS's (negative: behind), as the `Date` of an
    /// answer of STS has it.
    pub async fn clock_ahead_s(&self) -> Result<i64, AwsError> {
        let date = DateOfAnswer::default();
        let request = self.sts().get_caller_identity().customize().interceptor(date.clone());
        self.call(GET_CALLER_IDENTITY, &self.home(), request.send()).await?;
        let now = self.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let ours = i64::try_from(now).unwrap_or(i64::MAX);
        let theirs = date.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        theirs.map(|theirs| ours.saturating_sub(theirs)).ok_or_else(|| {
            let message = "the answer has no date";
            AwsError::ours(ErrorClass::Unknown, GET_CALLER_IDENTITY.name, message)
        })
    }

    /// `ALL`, or `CONSOLIDATED_BILLING`, with which there are no policies.
    pub async fn feature_set(&self) -> Result<String, AwsError> {
        let request = self.organizations().describe_organization();
        let output = self.call(DESCRIBE_ORGANIZATION, &self.home(), request.send()).await?;
        let features = output.organization.and_then(|it| it.feature_set);
        features.map(|it| it.as_str().to_owned()).ok_or_else(|| {
            let message = "the organization has no feature set";
            AwsError::ours(ErrorClass::Unknown, DESCRIBE_ORGANIZATION.name, message)
        })
    }
}

/// Takes the date of an answer, in seconds.
#[derive(Clone, Debug, Default)]
struct DateOfAnswer(Arc<Mutex<Option<i64>>>);

impl Intercept for DateOfAnswer {
    fn name(&self) -> &'static str {
        "DateOfAnswer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|it| it.secs());
        Ok(())
    }
}
