//! Calls to guardrails and models from inside an account, for probes and proofs.
//!
//! ```text
//! Caller (cell, role) ─► session of the role ─► ApplyGuardrail ─────► ProbeAnswer
//!                                          └──► inference, four ways ► InferenceEvidence
//! ```
//!
//! `ApplyGuardrail` proves that a caller may apply a version (resource policy, service control
//! policies, identity policy) and costs no model tokens; that a guardrail is *enforced* only
//! inference shows (`aws-facts` 7.2). All of it is billed to the calling account.
//!
//! # Cancel safety
//!
//! Nothing here changes anything. A dropped call is billed all the same.

use aws_sdk_bedrockruntime::operation::apply_guardrail::ApplyGuardrailOutput;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput as Conversed;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseStreamOutput as ConverseEvent, GuardrailAction,
    GuardrailConfiguration, GuardrailContentBlock, GuardrailContentSource,
    GuardrailStreamConfiguration, GuardrailTextBlock, GuardrailTrace, InferenceConfiguration,
    Message, ResponseStream, Trace,
};
use serde_json::Value;

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::evidence::{InferenceEvidence, ProbeAnswer, applied, findings};
use super::guardrail_writes::GuardrailVersion;
use super::guardrails::DRAFT;
use super::model_body::Body;
use super::operation::{
    APPLY_GUARDRAIL, CONVERSE, CONVERSE_STREAM, INVOKE_MODEL, INVOKE_STREAM, Operation,
};
use crate::model::{Action, Cell, GuardrailArn, Side};

/// Who makes a call, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The account and Region called from; the guardrail need not be owned there.
    pub(super) cell: &'a Cell,
    /// `None` for the member role, and for our own credentials in the caller's own account.
    pub(super) role: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// The member role of the cell's account; in the caller's own account, its own credentials.
    pub fn member(cell: &'a Cell) -> Self {
        Self { cell, role: None }
    }

    /// Another role of the cell's account: its name, with its path if it has one. Its trust policy
    /// must admit our own credentials; no external id is sent.
    #[must_use]
    pub fn as_role(self, role: &'a str) -> Self {
        Self { role: Some(role), ..self }
    }
}

impl<'a> From<&'a Cell> for Caller<'a> {
    fn from(cell: &'a Cell) -> Self {
        Self::member(cell)
    }
}

/// What a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// A model id, an inference profile id, or the ARN of either.
    pub model: &'a str,
    /// What the user says.
    pub text: &'a str,
    /// Longest answer, in tokens, which are billed.
    pub tokens_max: u16,
    /// The guardrail the request names. `None`: whatever ran was enforced.
    pub guardrail: Option<&'a GuardrailVersion>,
}

impl<'a> Question<'a> {
    /// A question naming no guardrail, answered with one token.
    pub fn new(model: &'a str, text: &'a str) -> Self {
        Self { model, text, tokens_max: 1, guardrail: None }
    }

    /// The same, answered with at most `tokens_max` tokens.
    #[must_use]
    pub fn at_most(self, tokens_max: u16) -> Self {
        Self { tokens_max, ..self }
    }

    /// The same, with a guardrail in the request, and its trace.
    #[must_use]
    pub fn under(self, guardrail: &'a GuardrailVersion) -> Self {
        Self { guardrail: Some(guardrail), ..self }
    }
}

impl Aws {
    /// `ApplyGuardrail`: what a guardrail version does with a text. An answer of any kind proves
    /// that the caller may apply it.
    ///
    /// # Errors
    ///
    /// [`ErrorClass::Denied`] when some policy does not admit the caller; [`ErrorClass::NotFound`]
    /// when the guardrail or its version does not exist; [`ErrorClass::Invalid`] when the version
    /// cannot be applied (not READY, or not in this Region).
    pub async fn apply_guardrail<'a>(
        &self,
        caller: impl Into<Caller<'a>>,
        guardrail: &GuardrailVersion,
        side: Side,
        text: &str,
    ) -> Result<ProbeAnswer, AwsError> {
        let version = guardrail.version.to_string();
        self.apply(caller.into(), (&guardrail.arn, &version), side, text).await
    }

    /// `ApplyGuardrail` of DRAFT, as it is at this moment. Errors as [`Aws::apply_guardrail`].
    pub async fn apply_draft<'a>(
        &self,
        caller: impl Into<Caller<'a>>,
        arn: &GuardrailArn,
        side: Side,
        text: &str,
    ) -> Result<ProbeAnswer, AwsError> {
        self.apply(caller.into(), (arn, DRAFT), side, text).await
    }

    async fn apply(
        &self,
        caller: Caller<'_>,
        (arn, version): (&GuardrailArn, &str),
        side: Side,
        text: &str,
    ) -> Result<ProbeAnswer, AwsError> {
        let block = GuardrailTextBlock::builder()
            .text(text)
            .build()
            .map_err(|error| invalid(APPLY_GUARDRAIL, caller.cell, error.to_string()))?;
        let place = self.enter_as(caller.cell, caller.role).await?;
        let request = self
            .runtime(&place)
            .apply_guardrail()
            .guardrail_identifier(arn.to_string())
            .guardrail_version(version)
            .source(match side {
                Side::Input => GuardrailContentSource::Input,
                Side::Output => GuardrailContentSource::Output,
            })
            .content(GuardrailContentBlock::Text(block));
        let output = self.call(APPLY_GUARDRAIL, &place, request.send()).await?;
        Ok(answer(&output))
    }

    /// `Converse`.
    ///
    /// # Errors
    ///
    /// A guardrail that blocks is no error; one that cannot run is ([`ErrorClass::Denied`],
    /// [`ErrorClass::Invalid`]).
    pub async fn converse<'a>(
        &self,
        caller: impl Into<Caller<'a>>,
        question: &Question<'_>,
    ) -> Result<InferenceEvidence, AwsError> {
        let caller = caller.into();
        let message = message(CONVERSE, caller.cell, question)?;
        let place = self.enter_as(caller.cell, caller.role).await?;
        let guardrail = question.guardrail.map(|guardrail| {
            GuardrailConfiguration::builder()
                .guardrail_identifier(guardrail.arn.to_string())
                .guardrail_version(guardrail.version.to_string())
                .trace(GuardrailTrace::Enabled)
                .build()
        });
        let request = self
            .runtime(&place)
            .converse()
            .model_id(question.model)
            .messages(message)
            .inference_config(bounded(question))
            .set_guardrail_config(guardrail);
        let output = self.call(CONVERSE, &place, request.send()).await?;
        Ok(conversed(&output))
    }

    /// `ConverseStream`, read to its end. Errors as [`Aws::converse`]; a stream that breaks off is
    /// [`ErrorClass::Unavailable`].
    pub async fn converse_stream<'a>(
        &self,
        caller: impl Into<Caller<'a>>,
        question: &Question<'_>,
    ) -> Result<InferenceEvidence, AwsError> {
        let caller = caller.into();
        let message = message(CONVERSE_STREAM, caller.cell, question)?;
        let place = self.enter_as(caller.cell, caller.role).await?;
        let guardrail = question.guardrail.map(|guardrail| {
            GuardrailStreamConfiguration::builder()
                .guardrail_identifier(guardrail.arn.to_string())
                .guardrail_version(guardrail.version.to_string())
                .trace(GuardrailTrace::Enabled)
                .build()
        });
        let request = self
            .runtime(&place)
            .converse_stream()
            .model_id(question.model)
            .messages(message)
            .inference_config(bounded(question))
            .set_guardrail_config(guardrail);
        let mut output = self.call(CONVERSE_STREAM, &place, request.send()).await?;
        let mut evidence = InferenceEvidence::default();
        let reading = async {
            while let Some(event) = output.stream.recv().await? {
                add_event(&mut evidence, &event);
            }
            Ok(())
        };
        self.streamed(CONVERSE_STREAM, caller.cell, reading).await?;
        Ok(evidence)
    }

    /// `InvokeModel`, for the model families whose bodies this release knows (Anthropic, Amazon
    /// Nova, Meta Llama); [`ErrorClass::Invalid`] for others. Other errors as [`Aws::converse`].
    pub async fn invoke<'a>(
        &self,
        caller: impl Into<Caller<'a>>,
        question: &Question<'_>,
    ) -> Result<InferenceEvidence, AwsError> {
        let caller = caller.into();
        let body = body(INVOKE_MODEL, caller.cell, question)?;
        let place = self.enter_as(caller.cell, caller.role).await?;
        let request = self
            .runtime(&place)
            .invoke_model()
            .model_id(question.model)
            .content_type("application/json")
            .accept("application/json")
            .body(Blob::new(body.request(question).to_string()))
            .set_guardrail_identifier(question.guardrail.map(|it| it.arn.to_string()))
            .set_guardrail_version(question.guardrail.map(|it| it.version.to_string()))
            .set_trace(question.guardrail.map(|_| Trace::Enabled));
        let output = self.call(INVOKE_MODEL, &place, request.send()).await?;
        let answer = parse(INVOKE_MODEL, caller.cell, output.body.as_ref())?;
        let mut evidence = InferenceEvidence::default();
        body.add_answer(&mut evidence, &answer);
        Ok(evidence)
    }

    /// `InvokeModelWithResponseStream`, read to its end. Errors as [`Aws::invoke`]; a stream that
    /// breaks off is [`ErrorClass::Unavailable`].
    pub async fn invoke_stream<'a>(
        &self,
        caller: impl Into<Caller<'a>>,
        question: &Question<'_>,
    ) -> Result<InferenceEvidence, AwsError> {
        let caller = caller.into();
        let body = body(INVOKE_STREAM, caller.cell, question)?;
        let place = self.enter_as(caller.cell, caller.role).await?;
        let request = self
            .runtime(&place)
            .invoke_model_with_response_stream()
            .model_id(question.model)
            .content_type("application/json")
            .accept("application/json")
            .body(Blob::new(body.request(question).to_string()))
            .set_guardrail_identifier(question.guardrail.map(|it| it.arn.to_string()))
            .set_guardrail_version(question.guardrail.map(|it| it.version.to_string()))
            .set_trace(question.guardrail.map(|_| Trace::Enabled));
        let mut output = self.call(INVOKE_STREAM, &place, request.send()).await?;
        let mut chunks = Vec::new();
        let reading = async {
            while let Some(event) = output.body.recv().await? {
                if let ResponseStream::Chunk(part) = event {
                    chunks.extend(part.bytes);
                }
            }
            Ok(())
        };
        self.streamed(INVOKE_STREAM, caller.cell, reading).await?;
        let mut evidence = InferenceEvidence::default();
        for chunk in &chunks {
            let event = parse(INVOKE_STREAM, caller.cell, chunk.as_ref())?;
            body.add_event(&mut evidence, &event);
        }
        Ok(evidence)
    }
}

fn invalid(operation: Operation, cell: &Cell, message: impl Into<String>) -> AwsError {
    AwsError::ours(ErrorClass::Invalid, operation.name, message).at(cell)
}

fn message(
    operation: Operation,
    cell: &Cell,
    question: &Question<'_>,
) -> Result<Message, AwsError> {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(question.text.to_owned()))
        .build()
        .map_err(|error| invalid(operation, cell, error.to_string()))
}

fn bounded(question: &Question<'_>) -> InferenceConfiguration {
    InferenceConfiguration::builder().max_tokens(question.tokens_max.into()).build()
}

fn body(operation: Operation, cell: &Cell, question: &Question<'_>) -> Result<Body, AwsError> {
    Body::of(question.model).ok_or_else(|| {
        let model = question.model;
        let message = format!("the body that `{model}` takes is not known: use Converse");
        invalid(operation, cell, message)
    })
}

fn parse(operation: Operation, cell: &Cell, bytes: &[u8]) -> Result<Value, AwsError> {
    serde_json::from_slice(bytes).map_err(|_| {
        let message = "the model's answer is not JSON";
        AwsError::ours(ErrorClass::Unknown, operation.name, message).at(cell)
    })
}

fn answer(output: &ApplyGuardrailOutput) -> ProbeAnswer {
    ProbeAnswer {
        action: if output.action == GuardrailAction::None {
            Action::None
        } else {
            Action::Intervened
        },
        applied: output.assessments.iter().filter_map(applied).collect(),
        findings: output.assessments.iter().flat_map(findings).collect(),
    }
}

fn conversed(output: &Conversed) -> InferenceEvidence {
    let message = output.output().and_then(|output| output.as_message().ok());
    let blocks = message.map(Message::content).unwrap_or_default();
    let mut evidence = InferenceEvidence {
        text: blocks.iter().filter_map(|block| block.as_text().ok()).cloned().collect(),
        ..InferenceEvidence::default()
    };
    evidence.stop(output.stop_reason().as_str());
    evidence.trace(output.trace().and_then(|trace| trace.guardrail()));
    evidence
}

fn add_event(evidence: &mut InferenceEvidence, event: &ConverseEvent) {
    if let Ok(delta) = event.as_content_block_delta()
        && let Some(Ok(text)) = delta.delta().map(|delta| delta.as_text())
    {
        evidence.text.push_str(text);
    } else if let Ok(stop) = event.as_message_stop() {
        evidence.stop(stop.stop_reason().as_str());
    } else if let Ok(metadata) = event.as_metadata() {
        evidence.trace(metadata.trace().and_then(|trace| trace.guardrail()));
    }
}
