//! One inference: guardrails on the prompt, the model, guardrails on the answer.

use serde_json::{Map, Value};

use super::super::call::{Call, Failure};
use super::super::world::World;
use super::assessment::{ById, Coverage, Detail, assessment, reason};
use super::evaluate::{Action, Evaluation, Mask, Material, Passage, Source, apply_masks, evaluate};
use super::guards::{Guard, Requested, collect};
use super::prompt::Prompt;
use super::target::Target;

/// What a caller asked for beside the prompt.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// `bedrock:InvokeModel`, or its streaming twin: Converse has no action of its own.
    pub(super) action: &'static str,
    pub(super) guardrail: Option<Requested>,
    pub(super) trace: Trace,
    pub(super) tokens_max: Option<usize>,
}

/// Whether the caller wants to see assessments. Those of enforced guardrails are always shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    Disabled,
    Enabled,
    Full,
}

impl Trace {
    /// Reads `enabled`, `ENABLED_FULL` and the like; absent is disabled.
    pub(super) fn read(text: Option<&str>) -> Self {
        match text.unwrap_or_default().to_ascii_lowercase().as_str() {
            "enabled" => Self::Enabled,
            "enabled_full" => Self::Full,
            _ => Self::Disabled,
        }
    }

    fn detail(self) -> Detail {
        match self {
            Self::Disabled | Self::Enabled => Detail::Found,
            Self::Full => Detail::Full,
        }
    }
}

/// Why the answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    EndTurn,
    MaxTokens,
    Intervened,
}

impl Stop {
    /// As `stopReason` spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::Intervened => "guardrail_intervened",
        }
    }
}

/// What came of an inference.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) text: String,
    pub(super) stop: Stop,
    pub(super) input_tokens: usize,
    pub(super) output_tokens: usize,
    /// `None` without any guardrail; else whether one blocked or masked something.
    pub(super) intervened: Option<bool>,
    pub(super) input: ById,
    pub(super) output: ById,
    /// What the model said before a guardrail changed it, if the caller traces.
    pub(super) model_output: Option<String>,
    reason: Option<&'static str>,
}

impl Outcome {
    /// The trace of Converse, if there is anything to show.
    pub(super) fn converse_trace(&self) -> Option<Value> {
        let mut guardrail = self.trace("inputAssessment", "outputAssessments", |output| {
            output.map(|assessment| Value::Array(vec![assessment.clone()]))
        })?;
        if let Some(reason) = self.reason {
            guardrail.insert("actionReason".to_owned(), reason.into());
        }
        Some(guardrail.into())
    }

    /// The trace of `InvokeModel`, which names and nests its parts differently.
    pub(super) fn invoke_trace(&self) -> Option<Value> {
        let guardrail =
            self.trace("input", "outputs", |output| Value::Array(vec![output.map(Value::clone)]))?;
        Some(guardrail.into())
    }

    fn trace(
        &self,
        input: &str,
        output: &str,
        render_output: impl Fn(&ById) -> Value,
    ) -> Option<Map<String, Value>> {
        if self.input.is_empty() && self.output.is_empty() {
            return None;
        }
        let mut trace = Map::new();
        if let Some(text) = &self.model_output {
            trace.insert("modelOutput".to_owned(), Value::Array(vec![text.clone().into()]));
        }
        if !self.input.is_empty() {
            trace.insert(input.to_owned(), self.input.map(Value::clone));
        }
        if !self.output.is_empty() {
            trace.insert(output.to_owned(), render_output(&self.output));
        }
        Some(trace)
    }
}

/// Answers `prompt` under every guardrail that applies.
pub(super) fn infer(
    world: &World,
    call: &Call,
    target: &Target,
    mut prompt: Prompt,
    request: &Request,
) -> Result<Outcome, Failure> {
    let guards = guarded(world, call, target, request)?;
    let grounding = prompt.grounding();

    let input = Round::run(&guards, prompt.characters(), |guard| Material {
        source: Source::Input,
        passages: prompt.passages(guard.selective),
        grounding: None,
    });
    let input_assessments = input.assessments(&guards, request.trace, &call.caller.account);
    let mut outcome = Outcome {
        text: String::new(),
        stop: Stop::Intervened,
        input_tokens: 0,
        output_tokens: 0,
        intervened: (!guards.is_empty()).then_some(input.verdict() > Action::None),
        input: input_assessments,
        output: ById::default(),
        model_output: None,
        reason: Some(reason(input.verdict())).filter(|_| !guards.is_empty()),
    };
    if let Some(guard) = input.blocking(&guards) {
        guard.content.blocked_input().clone_into(&mut outcome.text);
        return Ok(outcome);
    }
    prompt.mask(&input.masks());

    let (answer, is_cut) = prompt.answer(request.tokens_max);
    outcome.input_tokens = prompt.tokens();
    outcome.output_tokens = answer.split_whitespace().count();

    let output = Round::run(&guards, answer.chars().count(), |_| Material {
        source: Source::Output,
        passages: vec![Passage { number: 0, text: &answer }],
        grounding: grounding.as_ref(),
    });
    outcome.output = output.assessments(&guards, request.trace, &call.caller.account);
    let verdict = output.verdict();
    if verdict > Action::None {
        outcome.intervened = Some(true);
        outcome.reason = Some(reason(verdict));
        outcome.model_output = (request.trace != Trace::Disabled).then(|| answer.clone());
        outcome.text = match output.blocking(&guards) {
            Some(guard) => guard.content.blocked_output().to_owned(),
            None => apply_masks(&answer, 0, &output.masks()),
        };
        return Ok(outcome);
    }
    outcome.stop = if is_cut { Stop::MaxTokens } else { Stop::EndTurn };
    outcome.text = answer;
    Ok(outcome)
}

/// The guardrails of a call, once the caller may invoke the model with what it names.
pub(super) fn guarded(
    world: &World,
    call: &Call,
    target: &Target,
    request: &Request,
) -> Result<Vec<Guard>, Failure> {
    let mut named: Vec<String> = Vec::new();
    if let Some(requested) = &request.guardrail {
        named.push(super::guards::of_request(world, call, requested)?.condition_value());
    }
    if !world.switches.enforcement_sets_condition_key {
        target.permit(world, call, request.action, named)?;
        return collect(world, call, target.model, request.guardrail.as_ref());
    }
    let guards = collect(world, call, target.model, request.guardrail.as_ref())?;
    let values = guards.iter().map(Guard::condition_value).collect();
    target.permit(world, call, request.action, values)?;
    Ok(guards)
}

/// All guardrails looking at one side.
struct Round {
    total: usize,
    looks: Vec<(Evaluation, usize)>,
}

impl Round {
    fn run<'a>(guards: &[Guard], total: usize, material: impl Fn(&Guard) -> Material<'a>) -> Self {
        let look = |guard: &Guard| {
            let material = material(guard);
            (evaluate(&guard.content, &material), material.characters())
        };
        Self { total, looks: guards.iter().map(look).collect() }
    }

    /// The strictest action of all.
    fn verdict(&self) -> Action {
        self.looks.iter().map(|(found, _)| found.verdict()).max().unwrap_or(Action::None)
    }

    /// The first guardrail that blocks: its message is the answer.
    fn blocking<'a>(&self, guards: &'a [Guard]) -> Option<&'a Guard> {
        let mut looks = guards.iter().zip(&self.looks);
        looks.find(|(_, (found, _))| found.verdict() == Action::Block).map(|(guard, _)| guard)
    }

    /// The masks of all.
    fn masks(&self) -> Vec<Mask> {
        self.looks.iter().flat_map(|(found, _)| found.masks.clone()).collect()
    }

    fn assessments(&self, guards: &[Guard], trace: Trace, account: &str) -> ById {
        let mut by_id = ById::default();
        for (guard, (found, guarded)) in guards.iter().zip(&self.looks) {
            if trace == Trace::Disabled && !guard.is_enforced() {
                continue;
            }
            let coverage = Coverage { guarded: *guarded, total: self.total };
            let assessment = assessment(guard, found, coverage, trace.detail(), account);
            by_id.add(&guard.reference.id, assessment);
        }
        by_id
    }
}
