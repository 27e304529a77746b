//! The enforced configuration of a cell: at most one per account and Region (`aws-facts` 2).

use std::collections::BTreeSet;

use aws_sdk_bedrock::types::{
    AccountEnforcedGuardrailInferenceInputConfiguration,
    AccountEnforcedGuardrailOutputConfiguration, ConfigurationOwner, ModelEnforcement as SdkModels,
    SelectiveContentGuarding as SdkGuarding, SelectiveGuardingMode,
};
use aws_smithy_types::error::operation::BuildError;

use super::client::{Aws, Place};
use super::error::{AwsError, ErrorClass};
use super::guardrail_writes::accept;
use super::operation::{DELETE_ENFORCED, LIST_ENFORCED, PUT_ENFORCED};
use super::pages;
use crate::model::{
    Cell, ConfigId, EnforcementSettings, Guarding, GuardrailArn, ModelEnforcement, ObservedCell,
    ObservedEnforcement, Read, SelectiveContentGuarding, Version,
};

impl Aws {
    /// Reads the slot of a cell. An empty list and a not-found both mean absent (`aws-facts` 2.3).
    pub async fn cell(&self, cell: &Cell) -> ObservedCell {
        let enforcement = match self.slot(cell).await {
            Ok(Some(enforcement)) => Read::Known(enforcement),
            Ok(None) => Read::KnownAbsent,
            Err(error) => Read::Unknown(error.into()),
        };
        ObservedCell { enforcement }
    }

    /// The same, with the error of the call: `None` where nothing is enforced.
    pub async fn slot(&self, cell: &Cell) -> Result<Option<ObservedEnforcement>, AwsError> {
        let place = self.enter(cell).await?;
        let listed = match self.list_enforced(&place).await {
            Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
            listed => listed?,
        };
        let mut ours = listed.into_iter().filter(is_of_the_account);
        match (ours.next(), ours.next()) {
            (None, _) => Ok(None),
            (Some(configuration), None) => observed(configuration)
                .map(Some)
                .ok_or_else(|| unexpected(cell, "the configuration has no usable id")),
            (Some(_), Some(_)) => Err(unexpected(cell, "AWS listed more than one configuration")),
        }
    }

    async fn list_enforced(
        &self,
        place: &Place,
    ) -> Result<Vec<AccountEnforcedGuardrailOutputConfiguration>, AwsError> {
        pages::all(LIST_ENFORCED, |next| {
            let request =
                self.bedrock(place).list_enforced_guardrails_configuration().set_next_token(next);
            let sent = self.call(LIST_ENFORCED, place, request.send());
            async { sent.await.map(|page| (Some(page.guardrails_config), page.next_token)) }
        })
        .await
    }

    /// `PutEnforcedGuardrailConfiguration`. `config_id` names the configuration that is replaced;
    /// `None` is for an empty slot. Every setting is sent, defaults too.
    #[expect(clippy::too_many_arguments, reason = "those of the step, one to one")]
    pub async fn put_enforced(
        &self,
        cell: &Cell,
        config_id: Option<&ConfigId>,
        guardrail: &GuardrailArn,
        version: Version,
        settings: &EnforcementSettings,
    ) -> Result<ConfigId, AwsError> {
        let configuration = configuration(guardrail, version, settings).map_err(|error| {
            AwsError::ours(ErrorClass::Invalid, PUT_ENFORCED.name, error.to_string()).at(cell)
        })?;
        let place = self.enter(cell).await?;
        let request = self
            .bedrock(&place)
            .put_enforced_guardrail_configuration()
            .set_config_id(config_id.map(|id| id.as_str().to_owned()))
            .guardrail_inference_config(configuration);
        let output = self.call(PUT_ENFORCED, &place, request.send()).await?;
        // The answer's members are all optional; a replaced configuration keeps its id.
        let answered = output.config_id.and_then(|id| id.parse().ok());
        answered.or_else(|| config_id.cloned()).ok_or_else(|| {
            let message = "AWS took the configuration and did not name it";
            AwsError::ours(ErrorClass::Unknown, PUT_ENFORCED.name, message).at(cell)
        })
    }

    /// `DeleteEnforcedGuardrailConfiguration`. Gone already is done.
    pub async fn delete_enforced(&self, cell: &Cell, config_id: &ConfigId) -> Result<(), AwsError> {
        let place = self.enter(cell).await?;
        let request = self
            .bedrock(&place)
            .delete_enforced_guardrail_configuration()
            .config_id(config_id.as_str());
        let deleted = self.call(DELETE_ENFORCED, &place, request.send()).await.map(drop);
        accept(deleted, &["ResourceNotFoundException"])
    }
}

/// `ACCOUNT` is the only owner the model knows; anything else would not be ours to replace.
fn is_of_the_account(configuration: &AccountEnforcedGuardrailOutputConfiguration) -> bool {
    configuration.owner.as_ref().is_none_or(|owner| *owner == ConfigurationOwner::Account)
}

fn unexpected(cell: &Cell, message: &str) -> AwsError {
    AwsError::ours(ErrorClass::Unknown, LIST_ENFORCED.name, message).at(cell)
}

/// Decodes leniently: every member is optional in the model, and only the id is indispensable.
fn observed(
    configuration: AccountEnforcedGuardrailOutputConfiguration,
) -> Option<ObservedEnforcement> {
    let guarding = configuration.selective_content_guarding;
    Some(ObservedEnforcement {
        config_id: configuration.config_id?.parse().ok()?,
        guardrail: configuration.guardrail_arn.and_then(|arn| arn.parse().ok()),
        version: configuration.guardrail_version.and_then(|version| version.parse().ok()),
        guarding: SelectiveContentGuarding {
            system: observed_guarding(guarding.as_ref().and_then(|it| it.system.as_ref())),
            messages: observed_guarding(guarding.as_ref().and_then(|it| it.messages.as_ref())),
        },
        models: configuration.model_enforcement.map(observed_models).unwrap_or_default(),
        updated_by: configuration.updated_by,
        updated_at: configuration.updated_at.map(|at| at.secs()),
    })
}

/// A mode that is not known checks less than everything, for all we know.
fn observed_guarding(mode: Option<&SelectiveGuardingMode>) -> Guarding {
    match mode {
        None | Some(SelectiveGuardingMode::Comprehensive) => Guarding::Comprehensive,
        Some(_) => Guarding::Selective,
    }
}

fn observed_models(models: SdkModels) -> ModelEnforcement {
    let included: BTreeSet<String> = models.included_models.into_iter().collect();
    let excluded = models.excluded_models.into_iter().collect();
    if included.is_empty() {
        return ModelEnforcement { excluded, ..ModelEnforcement::default() };
    }
    ModelEnforcement { included, excluded }
}

fn configuration(
    guardrail: &GuardrailArn,
    version: Version,
    settings: &EnforcementSettings,
) -> Result<AccountEnforcedGuardrailInferenceInputConfiguration, BuildError> {
    let guarding = SdkGuarding::builder()
        .system(requested_guarding(settings.guarding.system))
        .messages(requested_guarding(settings.guarding.messages))
        .build();
    // Both lists are required together, the second may be empty (`aws-facts` 2.2).
    let models = SdkModels::builder()
        .set_included_models(Some(settings.models.included.iter().cloned().collect()))
        .set_excluded_models(Some(settings.models.excluded.iter().cloned().collect()))
        .build()?;
    AccountEnforcedGuardrailInferenceInputConfiguration::builder()
        .guardrail_identifier(guardrail.to_string())
        .guardrail_version(version.to_string())
        .selective_content_guarding(guarding)
        .model_enforcement(models)
        .build()
}

fn requested_guarding(guarding: Guarding) -> SelectiveGuardingMode {
    match guarding {
        Guarding::Comprehensive => SelectiveGuardingMode::Comprehensive,
        Guarding::Selective => SelectiveGuardingMode::Selective,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_nothing_but_an_id_is_the_default() {
        let bare = AccountEnforcedGuardrailOutputConfiguration::builder().config_id("abc1").build();
        let observed = observed(bare).unwrap();
        assert_eq!(observed.guardrail, None);
        assert_eq!(observed.version, None);
        assert_eq!(observed.guarding, SelectiveContentGuarding::default());
        assert_eq!(observed.models, ModelEnforcement::default());
    }

    #[test]
    fn a_draft_or_a_foreign_arn_is_no_reference() {
        let odd = AccountEnforcedGuardrailOutputConfiguration::builder()
            .config_id("abc1")
            .guardrail_arn("arn:aws:bedrock:us-east-1:111122223333:guardrail/a:3")
            .guardrail_version("DRAFT")
            .build();
        let observed = observed(odd).unwrap();
        assert_eq!((observed.guardrail, observed.version), (None, None));
    }

    #[test]
    fn an_empty_inclusion_means_every_model() {
        let models = SdkModels::builder()
            .set_included_models(Some(Vec::new()))
            .excluded_models("amazon.titan-embed-text-v2:0")
            .build()
            .unwrap();
        let observed = observed_models(models);
        assert!(observed.included.contains("ALL"));
        assert_eq!(observed.excluded.len(), 1);
    }
}
