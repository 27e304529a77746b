//! Reads and writes service control policies: what they deny, no grant gives back.
//!
//! # Calls
//!
//! A look at ours costs one ListRoots, one ListPolicies per 20 policies, one ListTagsForResource for
//! each that is not AWS's own, and one DescribePolicy and ListTargetsForPolicy for each of ours. All
//! of everybody's are described only before something is attached or taken off, ten minutes at most
//! before it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_organizations::types::{PolicySummary, PolicyType};
use serde_json::Value;
use tokio::task::JoinSet;

use super::client::Aws;
use super::error::AwsError;
use super::fleet::not_understood;
use super::operation::LIST_POLICIES;
use super::pages;
use crate::model::{
    ControlBody, ControlMarks, ObservedControl, ObservedControls, OwnerId, PolicyId,
    PolicyTypeStatus, Read, RootId, ServiceControl, ServiceControls,
};

/// What people read in the console. Required by AWS; says whose it is.
const DESCRIPTION: &str = "Service control policy, written by bedrail";

/// Which policies are read with document and targets.
#[derive(Clone, Debug)]
pub enum ControlsOf {
    /// All but AWS's own.
    Everybody,
    /// Those that this owner's tag is on, and those of these names.
    OwnedOrNamed {
        /// Whose tag.
        owner: OwnerId,
        /// Names in AWS.
        names: BTreeSet<String>,
    },
}

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
        let mut reading = JoinSet::new();
        for summary in self.listed_controls().await? {
            let aws = self.clone();
            reading.spawn(async move { aws.service_control(summary).await });
        }
        let read = reading.join_all().await.into_iter();
        let controls: Result<ServiceControls, AwsError> =
            read.map(|control| control.map(|control| (control.id.clone(), control))).collect();
        controls.map(Some)
    }

    async fn listed_controls(&self) -> Result<Vec<PolicySummary>, AwsError> {
        let home = self.home();
        pages::all(LIST_POLICIES, |next| {
            let request = self
                .organizations()
                .list_policies()
                .filter(PolicyType::ServiceControlPolicy)
                .set_next_token(next);
            let sent = self.call(LIST_POLICIES, &home, request.send());
            async { sent.await.map(|page| (page.policies, page.next_token)) }
        })
        .await
    }

    /// Reads which service control policies there are, whose they are, and what some of them say.
    /// One that cannot be read makes all Unknown.
    pub async fn listed_service_controls(&self, of: &ControlsOf) -> Read<ObservedControls> {
        match self.read_listed_controls(of).await {
            Ok(controls) => Read::Known(controls),
            Err(error) => Read::Unknown(error.into()),
        }
    }

    async fn read_listed_controls(&self, of: &ControlsOf) -> Result<ObservedControls, AwsError> {
        let (_, status) = self.root_with(&PolicyType::ServiceControlPolicy).await?;
        let mut reading = JoinSet::new();
        for summary in self.listed_controls().await? {
            let (aws, of) = (self.clone(), of.clone());
            reading.spawn(async move { aws.listed_control(summary, &of).await });
        }
        let read = reading.join_all().await.into_iter();
        let policies: Result<BTreeMap<PolicyId, ObservedControl>, AwsError> =
            read.map(|control| control.map(|control| (control.id.clone(), control))).collect();
        Ok(ObservedControls { status, policies: policies? })
    }

    async fn listed_control(
        &self,
        summary: PolicySummary,
        of: &ControlsOf,
    ) -> Result<ObservedControl, AwsError> {
        let id: Option<PolicyId> = summary.id().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| not_understood(LIST_POLICIES, "a policy has no usable id"))?;
        let is_aws_managed = summary.aws_managed;
        let name = summary.name.unwrap_or_default();
        let marks = if is_aws_managed {
            ControlMarks::default()
        } else {
            ControlMarks::of_tags(&self.organization_tags(id.as_str()).await?)
        };
        let is_asked_for = match of {
            ControlsOf::Everybody => !is_aws_managed,
            ControlsOf::OwnedOrNamed { owner, names } => {
                marks.is_owned_by(owner) || names.contains(&name)
            }
        };
        let body = if is_asked_for {
            let (content, targets) =
                tokio::join!(self.policy_content(&id), self.policy_targets(&id));
            Some(ControlBody { content: content?, targets: targets? })
        } else {
            None
        };
        Ok(ObservedControl { id, name, is_aws_managed, marks, body })
    }

    /// `EnablePolicyType` for `SERVICE_CONTROL_POLICY`. Enabled already is done.
    pub async fn enable_service_controls(&self, root: &RootId) -> Result<(), AwsError> {
        self.enable(PolicyType::ServiceControlPolicy, root).await
    }

    /// `CreatePolicy` of type `SERVICE_CONTROL_POLICY`, attached to nothing. Errors as
    /// [`Aws::create_policy`].
    pub async fn create_service_control(
        &self,
        name: &str,
        content: &Value,
        tags: &BTreeMap<String, String>,
    ) -> Result<PolicyId, AwsError> {
        self.create(PolicyType::ServiceControlPolicy, (name, DESCRIPTION), content, tags).await
    }

    async fn service_control(&self, summary: PolicySummary) -> Result<ServiceControl, AwsError> {
        let id: Option<PolicyId> = summary.id().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| not_understood(LIST_POLICIES, "a policy has no usable id"))?;
        let (content, targets) = tokio::join!(self.policy_content(&id), self.policy_targets(&id));
        let name = summary.name.unwrap_or_default();
        Ok(ServiceControl { name, content: content?, targets: targets?, id })
    }
}
