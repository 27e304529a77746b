//! `ApplyGuardrail`: a guardrail by itself, without a model.

use serde_json::{Value, json};

use super::super::bedrock::failure::{not_found, validation};
use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::assessment::{Coverage, Detail, assessment, reason, usage};
use super::evaluate::{Action, Evaluation, Material, Source, apply_masks, evaluate};
use super::guards::{Guard, Requested, Selective, of_request, permit_apply};
use super::prompt::{Part, Prompt, Segment};

/// `POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply`.
pub(super) fn apply(world: &World, call: &Call) -> Answer {
    let (source, detail) = (source(call)?, detail(call)?);
    let prompt = content(call)?;
    let label = |index: usize| call.labels.get(index).map(String::as_str);
    let requested = Requested::read(label(0), label(1))?
        .ok_or_else(|| validation("The guardrail identifier is missing"))?;
    let guard = of_request(world, call, &requested).map_err(missing_is_not_found)?;
    permit_apply(world, call, &guard)?;

    let grounding = prompt.grounding();
    let material = Material {
        source,
        passages: prompt.passages(Selective::default()),
        grounding: grounding.as_ref(),
    };
    let evaluation = evaluate(&guard.content, &material);
    let coverage = Coverage { guarded: material.characters(), total: prompt.characters() };
    let verdict = evaluation.verdict();
    let action = if verdict == Action::None { "NONE" } else { "GUARDRAIL_INTERVENED" };
    Ok(Reply::ok(json!({
        "usage": usage(&guard.content, coverage.guarded),
        "action": action,
        "actionReason": reason(verdict),
        "outputs": outputs(&guard, &evaluation, &material, detail),
        "assessments": [assessment(&guard, &evaluation, coverage, detail, &call.caller.account)],
        "guardrailCoverage": coverage.render(),
    })))
}

/// What may pass on: the guardrail's message, the masked text, or nothing when nothing was done
/// (with `outputScope` FULL, the text as it came).
fn outputs(
    guard: &Guard,
    evaluation: &Evaluation,
    material: &Material<'_>,
    detail: Detail,
) -> Value {
    let texts: Vec<String> = match (evaluation.verdict(), detail, material.source) {
        (Action::Block, _, Source::Input) => vec![guard.content.blocked_input().to_owned()],
        (Action::Block, _, Source::Output) => vec![guard.content.blocked_output().to_owned()],
        (Action::None, Detail::Found, _) => Vec::new(),
        (Action::Anonymize, _, _) | (Action::None, Detail::Full, _) => material
            .passages
            .iter()
            .map(|passage| apply_masks(passage.text, passage.number, &evaluation.masks))
            .collect(),
    };
    texts.into_iter().map(|text| json!({"text": text})).collect()
}

fn source(call: &Call) -> Result<Source, Failure> {
    match call.text("source") {
        Some("INPUT") => Ok(Source::Input),
        Some("OUTPUT") => Ok(Source::Output),
        Some(other) => Err(violation(&format!("'{other}'"), "source", "[INPUT, OUTPUT]")),
        None => Err(violation("null", "source", "[INPUT, OUTPUT]")),
    }
}

fn detail(call: &Call) -> Result<Detail, Failure> {
    match call.text("outputScope") {
        None | Some("INTERVENTIONS") => Ok(Detail::Found),
        Some("FULL") => Ok(Detail::Full),
        Some(other) => {
            Err(violation(&format!("'{other}'"), "outputScope", "[INTERVENTIONS, FULL]"))
        }
    }
}

fn violation(value: &str, member: &str, words: &str) -> Failure {
    validation(format!(
        "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: \
         Member must satisfy enum value set: {words}"
    ))
}

/// The blocks as segments. Images pass: nothing here looks at them.
fn content(call: &Call) -> Result<Prompt, Failure> {
    let blocks = call
        .body
        .get("content")
        .and_then(Value::as_array)
        .filter(|blocks| !blocks.is_empty())
        .ok_or_else(|| validation("The content of the request is empty"))?;
    let mut segments = Vec::new();
    for block in blocks {
        if let Some(block) = block.get("text") {
            let text = block
                .get("text")
                .and_then(Value::as_str)
                .ok_or_else(|| validation("A text block of the content has no text"))?;
            let mut segment = Segment::plain(Part::Message(0), text);
            segment.qualifiers = qualifiers(block);
            segments.push(segment);
        }
    }
    Ok(Prompt { segments })
}

/// The qualifiers of a text block.
pub(super) fn qualifiers(block: &Value) -> Vec<String> {
    let words = block.get("qualifiers").and_then(Value::as_array).into_iter().flatten();
    words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// This operation answers 404 where inference says that the request is invalid.
fn missing_is_not_found(failure: Failure) -> Failure {
    if failure.message.contains("does not exist") { not_found(failure.message) } else { failure }
}
