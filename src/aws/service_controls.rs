//! Reads service control policies: what they deny, no grant gives back.

use aws_sdk_organizations::types::{PolicySummary, PolicyType};
use tokio::task::JoinSet;

use super::client::Aws;
use super::error::AwsError;
use super::fleet::not_understood;
use super::operation::LIST_POLICIES;
use super::pages;
use crate::model::{PolicyId, PolicyTypeStatus, Read, ServiceControl, ServiceControls};

impl Aws {
    /// Reads every service control policy with document and direct targets, AWS's own included:
    /// where it is not attached, something else must allow. Known to be absent where the type is
    /// not enabled, since then none takes effect; one that cannot be read makes all Unknown.
    pub async fn service_controls(&self) -> Read<ServiceControls> {
        match self.read_service_controls().await {
            Ok(Some(controls)) => Read::Known(controls),
            Ok(None) => Read::KnownAbsent,
            Err(error) => Read::Unknown(error.into()),
        }
    }

    async fn read_service_controls(&self) -> Result<Option<ServiceControls>, AwsError> {
        let (_, status) = self.root_with(&PolicyType::ServiceControlPolicy).await?;
        match status {
            PolicyTypeStatus::Disabled => return Ok(None),
            // What is about to take effect counts.
            PolicyTypeStatus::Enabled | PolicyTypeStatus::Pending => {}
        }
        let home = self.home();
        let listed = pages::all(LIST_POLICIES, |next| {
            let request = self
                .organizations()
                .list_policies()
                .filter(PolicyType::ServiceControlPolicy)
                .set_next_token(next);
            let sent = self.call(LIST_POLICIES, &home, request.send());
            async { sent.await.map(|page| (page.policies, page.next_token)) }
        })
        .await?;
        let mut reading = JoinSet::new();
        for summary in listed {
            let aws = self.clone();
            reading.spawn(async move { aws.service_control(summary).await });
        }
        let read = reading.join_all().await.into_iter();
        let controls: Result<ServiceControls, AwsError> =
            read.map(|control| control.map(|control| (control.id.clone(), control))).collect();
        controls.map(Some)
    }

    async fn service_control(&self, summary: PolicySummary) -> Result<ServiceControl, AwsError> {
        let id: Option<PolicyId> = summary.id().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| not_understood(LIST_POLICIES, "a policy has no usable id"))?;
        let (content, targets) = tokio::join!(self.policy_content(&id), self.policy_targets(&id));
        let name = summary.name.unwrap_or_default();
        Ok(ServiceControl { name, content: content?, targets: targets?, id })
    }
}
