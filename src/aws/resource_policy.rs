//! Resource policies of guardrails and guardrail profiles.

use serde_json::Value;

use super::client::{Aws, Place};
use super::error::{AwsError, ErrorClass};
use super::guardrail_writes::accept;
use super::operation::{DELETE_RESOURCE_POLICY, GET_RESOURCE_POLICY, PUT_RESOURCE_POLICY};
use crate::model::{AccountId, Cell, Read, Region};

impl Aws {
    /// Reads the policy of a guardrail or a guardrail profile, in the account and Region that
    /// owns it. A policy that is not JSON is Unknown.
    pub async fn resource_policy(
        &self,
        account: &AccountId,
        region: &Region,
        arn: &str,
    ) -> Read<Value> {
        match self.enter(&cell(account, region)).await {
            Ok(place) => self.policy_of(&place, arn).await,
            Err(error) => Read::Unknown(error.into()),
        }
    }

    pub(super) async fn policy_of(&self, place: &Place, arn: &str) -> Read<Value> {
        let request = self.bedrock(place).get_resource_policy().resource_arn(arn);
        let text = match self.call(GET_RESOURCE_POLICY, place, request.send()).await {
            Ok(output) => output.resource_policy,
            Err(error) if error.class == ErrorClass::NotFound => return Read::KnownAbsent,
            #[cfg(feature = "planted")]
            Err(error) if is_planted(error.class) => return Read::KnownAbsent,
            Err(error) => return Read::Unknown(error.into()),
        };
        text.and_then(|text| serde_json::from_str(&text).ok()).map_or_else(
            || {
                let message = format!("the resource policy of `{arn}` is not JSON");
                let name = GET_RESOURCE_POLICY.name;
                let error = AwsError::ours(ErrorClass::Unknown, name, message).at(&place.cell);
                Read::Unknown(error.into())
            },
            Read::Known,
        )
    }

    /// `PutResourcePolicy`: replaces the whole document, sent minified.
    pub async fn put_resource_policy(
        &self,
        account: &AccountId,
        region: &Region,
        arn: &str,
        document: &Value,
    ) -> Result<(), AwsError> {
        let place = self.enter(&cell(account, region)).await?;
        let request = self
            .bedrock(&place)
            .put_resource_policy()
            .resource_arn(arn)
            .resource_policy(document.to_string());
        self.call(PUT_RESOURCE_POLICY, &place, request.send()).await.map(drop)
    }

    /// `DeleteResourcePolicy`. Gone already is done.
    pub async fn delete_resource_policy(
        &self,
        account: &AccountId,
        region: &Region,
        arn: &str,
    ) -> Result<(), AwsError> {
        let place = self.enter(&cell(account, region)).await?;
        let request = self.bedrock(&place).delete_resource_policy().resource_arn(arn);
        let deleted = self.call(DELETE_RESOURCE_POLICY, &place, request.send()).await.map(drop);
        accept(deleted, &["ResourceNotFoundException"])
    }
}

fn cell(account: &AccountId, region: &Region) -> Cell {
    Cell { account: account.clone(), region: region.clone() }
}

#[cfg(feature = "planted")]
fn is_planted(class: ErrorClass) -> bool {
    use crate::planted::{Planted, is};
    is(Planted::FailureTakenAsAbsent)
        || (is(Planted::DeniedTakenAsAbsent) && class == ErrorClass::Denied)
}
