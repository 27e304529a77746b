//! Stands in for asking IAM in a build without the feature `iam`, whose manifests cannot ask.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::evidence::CallerAnswer;
use crate::model::{AccountId, GuardrailArn, RoleName};

impl Aws {
    /// Refuses: this build has no IAM client.
    ///
    /// # Errors
    ///
    /// Always [`ErrorClass::Invalid`].
    #[expect(clippy::unused_async, reason = "with the feature it calls IAM")]
    pub async fn may_apply(
        &self,
        account: &AccountId,
        role: &RoleName,
        _guardrails: &BTreeSet<&GuardrailArn>,
    ) -> Result<BTreeMap<GuardrailArn, CallerAnswer>, AwsError> {
        let message = format!(
            "this build cannot ask IAM about {}: build one with `--features iam`",
            self.role_arn(account, role.as_str())
        );
        let error = AwsError::ours(ErrorClass::Invalid, "iam:SimulatePrincipalPolicy", message);
        Err(AwsError { account: Some(account.clone()), ..error })
    }
}
