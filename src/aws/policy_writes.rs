//! Writes Bedrock policies of the organization. Each function is one call, made with the
//! caller's own credentials.

use std::collections::BTreeMap;

use aws_sdk_organizations::types::{PolicyType, Tag};
use aws_smithy_types::error::operation::BuildError;
use serde_json::Value;

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::fleet::not_understood;
use super::guardrail_writes::accept;
use super::operation::{
    ATTACH_POLICY, CREATE_POLICY, DELETE_POLICY, DETACH_POLICY, ENABLE_POLICY_TYPE, Operation,
    TAG_POLICY, UPDATE_POLICY,
};
use crate::model::{PolicyId, RootId, TargetId};

/// What people read in the console. Required by AWS; says whose it is.
const DESCRIPTION: &str = "Guardrail enforcement, written by bedrail";

impl Aws {
    /// `EnablePolicyType` for `BEDROCK_POLICY`. Enabled already is done.
    pub async fn enable_policy_type(&self, root: &RootId) -> Result<(), AwsError> {
        self.enable(PolicyType::BedrockPolicy, root).await
    }

    pub(super) async fn enable(&self, kind: PolicyType, root: &RootId) -> Result<(), AwsError> {
        let request =
            self.organizations().enable_policy_type().root_id(root.as_str()).policy_type(kind);
        let enabled = self.call(ENABLE_POLICY_TYPE, &self.home(), request.send()).await.map(drop);
        accept(enabled, &["PolicyTypeAlreadyEnabledException"])
    }

    /// `CreatePolicy` of type `BEDROCK_POLICY`, attached to nothing. A policy of that name is a
    /// Conflict: there is no token, so a lost answer is found again by name and owner.
    pub async fn create_policy(
        &self,
        name: &str,
        content: &Value,
        tags: &BTreeMap<String, String>,
    ) -> Result<PolicyId, AwsError> {
        self.create(PolicyType::BedrockPolicy, (name, DESCRIPTION), content, tags).await
    }

    pub(super) async fn create(
        &self,
        kind: PolicyType,
        (name, description): (&str, &str),
        content: &Value,
        tags: &BTreeMap<String, String>,
    ) -> Result<PolicyId, AwsError> {
        let request = self
            .organizations()
            .create_policy()
            .r#type(kind)
            .name(name)
            .description(description)
            .content(content.to_string())
            .set_tags(Some(sdk_tags(CREATE_POLICY, tags)?).filter(|tags| !tags.is_empty()));
        let output = self.call(CREATE_POLICY, &self.home(), request.send()).await?;
        let summary = output.policy.and_then(|policy| policy.policy_summary);
        let id = summary.and_then(|summary| summary.id).and_then(|id| id.parse().ok());
        id.ok_or_else(|| not_understood(CREATE_POLICY, "the new policy came without its id"))
    }

    /// `UpdatePolicy` of the document; name and description stay.
    pub async fn update_policy(&self, id: &PolicyId, content: &Value) -> Result<(), AwsError> {
        let request = self
            .organizations()
            .update_policy()
            .policy_id(id.as_str())
            .content(content.to_string());
        self.call(UPDATE_POLICY, &self.home(), request.send()).await.map(drop)
    }

    /// `UpdatePolicy` of the name; document and description stay.
    pub async fn rename_policy(&self, id: &PolicyId, name: &str) -> Result<(), AwsError> {
        let request = self.organizations().update_policy().policy_id(id.as_str()).name(name);
        self.call(UPDATE_POLICY, &self.home(), request.send()).await.map(drop)
    }

    /// `TagResource` on a policy: adds tags or overwrites their values.
    pub async fn tag_policy(
        &self,
        id: &PolicyId,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        let request = self
            .organizations()
            .tag_resource()
            .resource_id(id.as_str())
            .set_tags(Some(sdk_tags(TAG_POLICY, tags)?));
        self.call(TAG_POLICY, &self.home(), request.send()).await.map(drop)
    }

    /// `DeletePolicy`. Gone already is done.
    pub async fn delete_policy(&self, id: &PolicyId) -> Result<(), AwsError> {
        let request = self.organizations().delete_policy().policy_id(id.as_str());
        let deleted = self.call(DELETE_POLICY, &self.home(), request.send()).await.map(drop);
        accept(deleted, &["PolicyNotFoundException"])
    }

    /// `AttachPolicy`. Attached already is done.
    pub async fn attach_policy(&self, id: &PolicyId, target: &TargetId) -> Result<(), AwsError> {
        let request =
            self.organizations().attach_policy().policy_id(id.as_str()).target_id(target.as_str());
        let attached = self.call(ATTACH_POLICY, &self.home(), request.send()).await.map(drop);
        accept(attached, &["DuplicatePolicyAttachmentException"])
    }

    /// `DetachPolicy`. Not attached is done.
    pub async fn detach_policy(&self, id: &PolicyId, target: &TargetId) -> Result<(), AwsError> {
        let request =
            self.organizations().detach_policy().policy_id(id.as_str()).target_id(target.as_str());
        let detached = self.call(DETACH_POLICY, &self.home(), request.send()).await.map(drop);
        accept(detached, &["PolicyNotAttachedException"])
    }
}

fn sdk_tags(operation: Operation, tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, AwsError> {
    let built: Result<_, BuildError> =
        tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    built.map_err(|error| AwsError::ours(ErrorClass::Invalid, operation.name, error.to_string()))
}
