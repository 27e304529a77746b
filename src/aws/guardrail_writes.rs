//! Writes guardrails. Each function is one call; what to write was decided before.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_bedrock::types::Tag;
use aws_smithy_types::error::operation::BuildError;

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::guardrails::cell_of;
use super::normalise;
use super::operation::{
    CREATE_GUARDRAIL, CREATE_VERSION, DELETE_GUARDRAIL, Operation, TAG_GUARDRAIL, UNTAG_GUARDRAIL,
    UPDATE_GUARDRAIL,
};
use crate::model::{Cell, GuardrailArn, Name, ReplicaContent, Version};

/// One published version: what [`Aws::delete_version`] deletes. A whole guardrail is named by its
/// [`GuardrailArn`] alone, so that neither can be passed for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardrailVersion {
    /// Of which guardrail.
    pub arn: GuardrailArn,
    /// Which version.
    pub version: Version,
}

impl Aws {
    /// `CreateGuardrail`. `token` makes a repeat of the same request return the same guardrail.
    pub async fn create_guardrail(
        &self,
        (cell, name): (&Cell, &Name),
        content: &ReplicaContent,
        tags: &BTreeMap<String, String>,
        token: &str,
    ) -> Result<GuardrailArn, AwsError> {
        let invalid = |error| incomplete(CREATE_GUARDRAIL, cell, &error);
        let body = normalise::request(content).map_err(invalid)?;
        let tags = sdk_tags(tags).map_err(invalid)?;
        let place = self.enter(cell).await?;
        let request = self
            .bedrock(&place)
            .create_guardrail()
            .name(name.as_str())
            .set_description(body.description)
            .set_blocked_input_messaging(body.blocked_input_messaging)
            .set_blocked_outputs_messaging(body.blocked_outputs_messaging)
            .set_topic_policy_config(body.topics)
            .set_content_policy_config(body.filters)
            .set_word_policy_config(body.words)
            .set_sensitive_information_policy_config(body.sensitive)
            .set_contextual_grounding_policy_config(body.grounding)
            .set_automated_reasoning_policy_config(body.reasoning)
            .set_cross_region_config(body.cross_region)
            .set_kms_key_id(body.kms_key_id)
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .client_request_token(token);
        let output = self.call(CREATE_GUARDRAIL, &place, request.send()).await?;
        output.guardrail_arn.parse().map_err(|error| answered(CREATE_GUARDRAIL, cell, &error))
    }

    /// `UpdateGuardrail`: replaces DRAFT by the whole content.
    pub async fn update_guardrail(
        &self,
        arn: &GuardrailArn,
        name: &Name,
        content: &ReplicaContent,
    ) -> Result<(), AwsError> {
        let cell = cell_of(arn);
        let body = normalise::request(content)
            .map_err(|error| incomplete(UPDATE_GUARDRAIL, &cell, &error))?;
        let place = self.enter(&cell).await?;
        let request = self
            .bedrock(&place)
            .update_guardrail()
            .guardrail_identifier(arn.to_string())
            .name(name.as_str())
            .set_description(body.description)
            .set_blocked_input_messaging(body.blocked_input_messaging)
            .set_blocked_outputs_messaging(body.blocked_outputs_messaging)
            .set_topic_policy_config(body.topics)
            .set_content_policy_config(body.filters)
            .set_word_policy_config(body.words)
            .set_sensitive_information_policy_config(body.sensitive)
            .set_contextual_grounding_policy_config(body.grounding)
            .set_automated_reasoning_policy_config(body.reasoning)
            .set_cross_region_config(body.cross_region)
            .set_kms_key_id(body.kms_key_id);
        self.call(UPDATE_GUARDRAIL, &place, request.send()).await.map(drop)
    }

    /// `TagResource`: adds tags or overwrites their values.
    pub async fn tag_guardrail(
        &self,
        arn: &GuardrailArn,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), AwsError> {
        let cell = cell_of(arn);
        let tags = sdk_tags(tags).map_err(|error| incomplete(TAG_GUARDRAIL, &cell, &error))?;
        let place = self.enter(&cell).await?;
        let request =
            self.bedrock(&place).tag_resource().resource_arn(arn.to_string()).set_tags(Some(tags));
        self.call(TAG_GUARDRAIL, &place, request.send()).await.map(drop)
    }

    /// `UntagResource`: removes tags by their keys.
    pub async fn untag_guardrail(
        &self,
        arn: &GuardrailArn,
        keys: &BTreeSet<String>,
    ) -> Result<(), AwsError> {
        let cell = cell_of(arn);
        let place = self.enter(&cell).await?;
        let keys = Some(keys.iter().cloned().collect());
        let request =
            self.bedrock(&place).untag_resource().resource_arn(arn.to_string()).set_tag_keys(keys);
        self.call(UNTAG_GUARDRAIL, &place, request.send()).await.map(drop)
    }

    /// `CreateGuardrailVersion`: publishes DRAFT as it is now. A `token` that was used before
    /// returns the version it made then, without an error.
    pub async fn publish_version(
        &self,
        arn: &GuardrailArn,
        description: &str,
        token: &str,
    ) -> Result<Version, AwsError> {
        let cell = cell_of(arn);
        let place = self.enter(&cell).await?;
        let request = self
            .bedrock(&place)
            .create_guardrail_version()
            .guardrail_identifier(arn.to_string())
            .description(description)
            .client_request_token(token);
        let output = self.call(CREATE_VERSION, &place, request.send()).await?;
        output.version.parse().map_err(|error| answered(CREATE_VERSION, &cell, &error))
    }

    /// `DeleteGuardrail` of the whole guardrail and all its versions. Gone already is done.
    pub async fn delete_guardrail(&self, arn: &GuardrailArn) -> Result<(), AwsError> {
        let place = self.enter(&cell_of(arn)).await?;
        let request = self.bedrock(&place).delete_guardrail().guardrail_identifier(arn.to_string());
        let deleted = self.call(DELETE_GUARDRAIL, &place, request.send()).await.map(drop);
        let deleted = accept(deleted, &["ResourceNotFoundException"]);
        if deleted.is_ok() {
            self.versions().forget(arn);
        }
        deleted
    }

    /// `DeleteGuardrail` of one version. Gone already is done.
    pub async fn delete_version(&self, version: &GuardrailVersion) -> Result<(), AwsError> {
        let place = self.enter(&cell_of(&version.arn)).await?;
        let request = self
            .bedrock(&place)
            .delete_guardrail()
            .guardrail_identifier(version.arn.to_string())
            .guardrail_version(version.version.to_string());
        let deleted = self.call(DELETE_GUARDRAIL, &place, request.send()).await.map(drop);
        let deleted = accept(deleted, &["ResourceNotFoundException"]);
        if deleted.is_ok() {
            self.versions().deleted(&version.arn, version.version);
        }
        deleted
    }
}

/// Takes an error that says "already so" for a success.
pub(super) fn accept(result: Result<(), AwsError>, codes: &[&str]) -> Result<(), AwsError> {
    match result {
        Err(error) if error.code.as_deref().is_some_and(|code| codes.contains(&code)) => Ok(()),
        other => other,
    }
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// A request that lacks a field AWS requires.
fn incomplete(operation: Operation, cell: &Cell, error: &BuildError) -> AwsError {
    AwsError::ours(ErrorClass::Invalid, operation.name, error.to_string()).at(cell)
}

/// An answer that cannot be understood. The write has taken effect; the next read shows it.
fn answered(operation: Operation, cell: &Cell, error: &crate::model::IdError) -> AwsError {
    AwsError::ours(ErrorClass::Unknown, operation.name, error.to_string()).at(cell)
}
