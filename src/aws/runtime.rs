//! Calls to models and guardrails, for probes and proofs.

use std::collections::BTreeSet;

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput as Conversed;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, GuardrailAction, GuardrailAssessment, GuardrailContentBlock,
    GuardrailContentSource, GuardrailTextBlock, InferenceConfiguration, Message,
};

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::guardrail_writes::GuardrailVersion;
use super::operation::{APPLY_GUARDRAIL, CONVERSE, Operation};
use crate::model::{Cell, GuardrailArn};

/// Why a guardrail ran: `REQUEST`, `ACCOUNT_ENFORCED`, `ORGANIZATION_ENFORCED`, as AWS spells it.
pub type Origin = String;

/// A guardrail that AWS says has run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppliedGuardrail {
    /// Which; `None` where AWS sent no ARN that can be understood.
    pub arn: Option<GuardrailArn>,
    /// Which version, as AWS spells it.
    pub version: Option<String>,
    /// Why; one guardrail can have several reasons.
    pub origins: BTreeSet<Origin>,
}

/// What a conversation shows about enforcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverseEvidence {
    /// What was answered: the blocked message where a guardrail intervened.
    pub text: String,
    /// `guardrail_intervened`, `end_turn`, …
    pub stop_reason: String,
    /// Guardrails that ran, on the way in or out.
    pub applied: BTreeSet<AppliedGuardrail>,
}

/// On which side of a model a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What a user sends.
    Input,
    /// What a model answers.
    Output,
}

/// What a guardrail did with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it intervened: blocked or masked.
    pub intervened: bool,
    /// The texts it returned, if it intervened.
    pub outputs: Vec<String>,
    /// What ran.
    pub applied: BTreeSet<AppliedGuardrail>,
}

impl Aws {
    /// `Converse` without a guardrail in the request: whatever ran was enforced. The model answers
    /// with at most `tokens` tokens, which are billed; one is enough for a probe.
    pub async fn converse(
        &self,
        cell: &Cell,
        model: &str,
        text: &str,
        tokens: i32,
    ) -> Result<ConverseEvidence, AwsError> {
        let message = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text(text.to_owned()))
            .build()
            .map_err(|error| invalid(CONVERSE, cell, error.to_string()))?;
        let place = self.enter(cell).await?;
        let request = self
            .runtime(&place)
            .converse()
            .model_id(model)
            .messages(message)
            .inference_config(InferenceConfiguration::builder().max_tokens(tokens).build());
        let output = self.call(CONVERSE, &place, request.send()).await?;
        Ok(evidence(&output))
    }

    /// `ApplyGuardrail` from inside `cell`, which need not own the guardrail: proves that its
    /// resource policy and the policies of the account admit the call.
    pub async fn apply_guardrail(
        &self,
        cell: &Cell,
        guardrail: &GuardrailVersion,
        side: Side,
        text: &str,
    ) -> Result<Judgement, AwsError> {
        let block = GuardrailTextBlock::builder()
            .text(text)
            .build()
            .map_err(|error| invalid(APPLY_GUARDRAIL, cell, error.to_string()))?;
        let place = self.enter(cell).await?;
        let request = self
            .runtime(&place)
            .apply_guardrail()
            .guardrail_identifier(guardrail.arn.to_string())
            .guardrail_version(guardrail.version.to_string())
            .source(match side {
                Side::Input => GuardrailContentSource::Input,
                Side::Output => GuardrailContentSource::Output,
            })
            .content(GuardrailContentBlock::Text(block));
        let output = self.call(APPLY_GUARDRAIL, &place, request.send()).await?;
        Ok(Judgement {
            intervened: output.action == GuardrailAction::GuardrailIntervened,
            applied: output.assessments.iter().filter_map(applied).collect(),
            outputs: output.outputs.into_iter().filter_map(|output| output.text).collect(),
        })
    }
}

fn invalid(operation: Operation, cell: &Cell, message: String) -> AwsError {
    AwsError::ours(ErrorClass::Invalid, operation.name, message).at(cell)
}

fn evidence(output: &Conversed) -> ConverseEvidence {
    let message = output.output().and_then(|output| output.as_message().ok());
    let blocks = message.map(Message::content).unwrap_or_default();
    let text = blocks.iter().filter_map(|block| block.as_text().ok()).cloned().collect();
    let guardrail = output.trace().and_then(|trace| trace.guardrail());
    let inputs = guardrail.and_then(|it| it.input_assessment()).into_iter().flatten();
    let outputs = guardrail.and_then(|it| it.output_assessments()).into_iter().flatten();
    let assessments = inputs.map(|(_, it)| it).chain(outputs.flat_map(|(_, them)| them));
    ConverseEvidence {
        text,
        stop_reason: output.stop_reason().as_str().to_owned(),
        applied: assessments.filter_map(applied).collect(),
    }
}

fn applied(assessment: &GuardrailAssessment) -> Option<AppliedGuardrail> {
    let details = assessment.applied_guardrail_details()?;
    Some(AppliedGuardrail {
        arn: details.guardrail_arn().and_then(|arn| arn.parse().ok()),
        version: details.guardrail_version().map(str::to_owned),
        origins: details.guardrail_origin().iter().map(|it| it.as_str().to_owned()).collect(),
    })
}
