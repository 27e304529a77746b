//! Reads and probes for a proof. Writes nothing, and judges nothing.

use serde_json::Value;

use super::engine::Engine;
use crate::aws::{
    AppliedGuardrail, AwsError, Caller, ErrorClass, GuardrailVersion, InferenceEvidence, Question,
};
use crate::model::{
    AccountId, Cell, LoggingConfig, ObservedCell, ObservedOrganization, Read, Side,
};
use crate::plan::verify::{
    self, Claim, Claims, Expected, Finding, LoggedCell, Probed, Ran, Reading,
};

/// What probes say: nothing that any guardrail should stop, and little to pay for.
const HARMLESS: &str = "Hello, how are you today?";

/// How a claim is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// `ApplyGuardrail` of the version that is claimed.
    Apply,
    /// An inference call that names no guardrail: what runs is enforced.
    Inference(Way, String),
}

/// The four operations of inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `InvokeModel`.
    Invoke,
    /// `InvokeModelWithResponseStream`.
    InvokeStream,
    /// `Converse`.
    Converse,
    /// `ConverseStream`.
    ConverseStream,
}

impl Engine {
    /// What the manifests claim, by what was read so far.
    pub fn claims(&self) -> Claims {
        let state = self.state();
        let context = self.context(&state.desired, &state.facts, &state.rollouts);
        verify::claims(&state.desired.unreachable, &context)
    }

    /// Judges a claim by what was read for it; returns it as it was judged.
    pub fn judge(&self, claim: Claim, reading: &Reading) -> (Claim, Finding) {
        let state = self.state();
        let context = self.context(&state.desired, &state.facts, &state.rollouts);
        let claim = verify::meant(claim, reading);
        let finding = verify::judge_reading(&claim, reading, &context);
        (claim, finding)
    }

    /// The cells whose logging the manifests claim.
    pub fn logged_cells(&self) -> Vec<LoggedCell> {
        verify::logged_cells(&self.state().desired.logging)
    }

    /// Reads the invocation logging of a cell.
    pub async fn logging_now(&self, cell: &Cell) -> Read<LoggingConfig> {
        self.aws.logging(cell).await
    }

    /// Reads the Bedrock policies and the list of invalid effective policies.
    pub async fn organization_now(&self) -> Result<ObservedOrganization, AwsError> {
        self.aws.organization().await
    }

    /// Reads what is in effect for an account.
    pub async fn effective_policy(&self, account: &AccountId) -> Result<Option<Value>, AwsError> {
        self.aws.effective_bedrock_policy(account).await
    }

    /// Reads the slot of a cell.
    pub async fn enforced_now(&self, cell: &Cell) -> ObservedCell {
        self.aws.cell(cell).await
    }

    /// One billed call from inside the cell, as the member role or another of the account.
    ///
    /// # Errors
    ///
    /// What says nothing about the guardrail: no session, no answer, a throttle.
    pub async fn probe_claim(
        &self,
        cell: &Cell,
        role: Option<&str>,
        expected: &Expected,
        probe: &Probe,
    ) -> Result<Probed, AwsError> {
        let caller = Caller::member(cell);
        let caller = role.map_or(caller, |role| caller.as_role(role));
        let answered = match probe {
            Probe::Apply => {
                let Expected { arn, version, .. } = expected;
                let guardrail = GuardrailVersion { arn: arn.clone(), version: *version };
                let answer =
                    self.aws.apply_guardrail(caller, &guardrail, Side::Input, HARMLESS).await;
                answer.map(|it| Probed::Applied(it.applied.into_iter().map(ran).collect()))
            }
            Probe::Inference(way, model) => {
                let evidence = self.infer(caller, *way, model).await;
                evidence.map(|it| Probed::Inferred(it.applied.into_iter().map(ran).collect()))
            }
        };
        match answered {
            Err(error) if is_refusal(&error) => Ok(Probed::Refused(error.to_string())),
            answered => answered,
        }
    }

    async fn infer(
        &self,
        caller: Caller<'_>,
        way: Way,
        model: &str,
    ) -> Result<InferenceEvidence, AwsError> {
        let question = Question::new(model, HARMLESS);
        match way {
            Way::Invoke => self.aws.invoke(caller, &question).await,
            Way::InvokeStream => self.aws.invoke_stream(caller, &question).await,
            Way::Converse => self.aws.converse(caller, &question).await,
            Way::ConverseStream => self.aws.converse_stream(caller, &question).await,
        }
    }
}

fn ran(applied: AppliedGuardrail) -> Ran {
    let AppliedGuardrail { arn, version, origins, ownership: _ } = applied;
    Ran { arn, version, origins }
}

/// Whether AWS's own answer to the probe was no. A role that cannot be assumed was never asked.
fn is_refusal(error: &AwsError) -> bool {
    let is_answer = error.code.is_some() && !error.operation.starts_with("sts:");
    is_answer
        && match error.class {
            ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Invalid => true,
            ErrorClass::Throttled
            | ErrorClass::Unavailable
            | ErrorClass::Conflict
            | ErrorClass::Quota
            | ErrorClass::InUse
            | ErrorClass::RegionUnavailable
            | ErrorClass::NotAssumable
            | ErrorClass::Expired
            | ErrorClass::Unknown => false,
        }
}
