//! Tries the gate of a wave: asks, from inside each of its cells, what the new version does.

use jiff::Timestamp;
use tokio::task::JoinSet;
use tracing::debug;

use super::engine::{Engine, Intent};
use crate::aws::{Action, Aws, AwsError, ErrorClass, GuardrailVersion, Question, Side};
use crate::model::{GateProbe, GateVerdict, Name, Sample};
use crate::plan::{self, Trial};

/// What no guardrail should stop: one that does would stop most of what people ask.
const HARMLESS: &str = "What are your opening hours on Monday?";

/// Cells tried at once. The edge limits what is in flight; this limits what waits for it.
const TRIED_AT_ONCE: usize = 32;

/// What was found in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) trial: Trial,
    /// When it was asked.
    pub(super) at: Timestamp,
    pub(super) answer: Answer,
}

/// Whether a cell passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It does.
    Passes,
    /// It does not, and why.
    Fails(String),
    /// Nobody can tell now: AWS asked to slow down, or did not answer.
    Unknown,
}

impl Tried {
    /// What it says of the revision; `None` when nobody can tell.
    pub(super) fn verdict(&self) -> Option<GateVerdict> {
        let failure = match &self.answer {
            Answer::Passes => None,
            Answer::Fails(why) => Some(why.clone()),
            Answer::Unknown => return None,
        };
        Some(GateVerdict { revision: self.trial.revision.clone(), at: self.at, failure })
    }
}

impl Engine {
    /// Tries what is to be tried of a rollout now. Nothing while changes are only shown: probes are
    /// billed.
    pub(super) async fn try_gate(&self, name: &Name) -> Vec<Tried> {
        if self.settings.intent == Intent::Show {
            return Vec::new();
        }
        let at = self.date();
        let trials = {
            let mut state = self.state();
            self.decide_rollouts(&mut state);
            plan::trials(name, &self.context(&state.desired, &state.facts, &state.rollouts))
        };
        self.ask_all(&trials, at).await
    }

    /// Tries what the last plan of the organization asked for, and notes what was found.
    pub(super) async fn try_policies(&self) {
        if self.settings.intent == Intent::Show {
            return;
        }
        let at = self.date();
        let asked = std::mem::take(&mut self.state().trials);
        for (name, trials) in &asked {
            let tried = self.ask_all(trials, at).await;
            self.state().note_region_verdicts(name, &tried);
        }
    }

    async fn ask_all(&self, trials: &[Trial], at: Timestamp) -> Vec<Tried> {
        let mut tried = Vec::new();
        for batch in trials.chunks(TRIED_AT_ONCE) {
            let mut asking = JoinSet::new();
            for trial in batch.iter().cloned() {
                let aws = self.aws.clone();
                asking.spawn(async move {
                    let answer = ask(&aws, &trial).await;
                    Tried { trial, at, answer }
                });
            }
            while let Some(asked) = asking.join_next().await {
                // One that could not end has no answer.
                tried.extend(asked.ok());
            }
        }
        tried
    }
}

async fn ask(aws: &Aws, trial: &Trial) -> Answer {
    let asked = match &trial.probe {
        GateProbe::None => Ok(Answer::Passes),
        GateProbe::ApplyGuardrail => apply(aws, trial).await,
        GateProbe::Converse { model } => converse(aws, trial, model).await,
    };
    let asked = match asked {
        Ok(Answer::Passes) => tests(aws, trial).await,
        other => other,
    };
    asked.unwrap_or_else(|error| {
        debug!(cell = %trial.cell, %error, "a gate was tried and did not answer well");
        of_error(trial, &error)
    })
}

async fn apply(aws: &Aws, trial: &Trial) -> Result<Answer, AwsError> {
    let guardrail = GuardrailVersion { arn: trial.guardrail.clone(), version: trial.version };
    let answer = aws.apply_guardrail(&trial.cell, &guardrail, Side::Input, HARMLESS).await?;
    Ok(match answer.action {
        Action::Intervened => stops_harmless(trial),
        Action::None => Answer::Passes,
    })
}

/// Runs the tests of the guardrail that the trial was given, from inside its cell.
async fn tests(aws: &Aws, trial: &Trial) -> Result<Answer, AwsError> {
    let guardrail = GuardrailVersion { arn: trial.guardrail.clone(), version: trial.version };
    for test in &trial.tests.cases {
        let Sample { side, text } = &test.sample;
        let answer = aws.apply_guardrail(&trial.cell, &guardrail, *side, text).await?;
        if answer.action != test.action {
            let (title, expected) = (test.title(), test.action);
            let got = answer.action;
            return Ok(Answer::Fails(format!(
                "in {} its test `{title}` expects {expected} and gets {got}",
                trial.cell
            )));
        }
    }
    Ok(Answer::Passes)
}

async fn converse(aws: &Aws, trial: &Trial, model: &str) -> Result<Answer, AwsError> {
    let evidence = aws.converse(&trial.cell, &Question::new(model, HARMLESS)).await?;
    let version = trial.version.to_string();
    let is_shown = evidence.applied.iter().any(|applied| {
        applied.arn.as_ref() == Some(&trial.guardrail)
            && applied.version.as_ref() == Some(&version)
            && applied.origins.contains(trial.origin)
    });
    Ok(match is_shown {
        true if evidence.intervened => stops_harmless(trial),
        true => Answer::Passes,
        // What was put a moment ago may not be in force everywhere yet.
        false => Answer::Unknown,
    })
}

fn stops_harmless(trial: &Trial) -> Answer {
    Answer::Fails(format!("in {} it stops a harmless text", trial.cell))
}

/// What AWS says of the guardrail is an answer; what it says of the role, or of itself, is none.
fn of_error(trial: &Trial, error: &AwsError) -> Answer {
    let is_of_the_call = !error.operation.starts_with("sts:");
    match error.class {
        ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Invalid if is_of_the_call => {
            let AwsError { operation, class, message, .. } = error;
            Answer::Fails(format!("in {} {operation} is {class}: {message}", trial.cell))
        }
        ErrorClass::Denied
        | ErrorClass::NotFound
        | ErrorClass::Invalid
        | ErrorClass::Throttled
        | ErrorClass::Unavailable
        | ErrorClass::Conflict
        | ErrorClass::Quota
        | ErrorClass::InUse
        | ErrorClass::RegionUnavailable
        | ErrorClass::NotAssumable
        | ErrorClass::Expired
        | ErrorClass::Unknown => Answer::Unknown,
    }
}
