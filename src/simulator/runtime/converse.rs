//! `Converse` and `ConverseStream`.

use serde_json::{Map, Value, json};

use super::super::bedrock::failure::validation;
use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::apply::qualifiers;
use super::guards::Requested;
use super::inference::{Outcome, Request, Trace, guarded, infer};
use super::prompt::{Part, Prompt, Segment};
use super::target::Target;

/// `POST /model/{modelId}/converse`.
pub(super) fn converse(world: &World, call: &Call) -> Answer {
    let outcome = exchange(world, call, "bedrock:InvokeModel")?;
    let mut body = Map::new();
    body.insert("output".to_owned(), json!({"message": message(&outcome)}));
    body.insert("stopReason".to_owned(), outcome.stop.name().into());
    body.extend(measures(&outcome));
    Ok(Reply::ok(body.into()))
}

/// `POST /model/{modelId}/converse-stream`, in the sync mode: guardrails see the whole answer
/// before its first piece is sent.
pub(super) fn converse_stream(world: &World, call: &Call) -> Answer {
    let outcome = exchange(world, call, "bedrock:InvokeModelWithResponseStream")?;
    let event = |kind: &str, payload: Value| (kind.to_owned(), payload);
    let mut events = vec![event("messageStart", json!({"role": "assistant"}))];
    for piece in pieces(&outcome.text) {
        let payload = json!({"contentBlockIndex": 0, "delta": {"text": piece}});
        events.push(event("contentBlockDelta", payload));
    }
    events.push(event("contentBlockStop", json!({"contentBlockIndex": 0})));
    events.push(event("messageStop", json!({"stopReason": outcome.stop.name()})));
    events.push(event("metadata", measures(&outcome).into()));
    Ok(Reply::Stream(events))
}

/// A text in pieces of a few words, as a model streams it.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    words.chunks(4).map(<[&str]>::concat).collect()
}

fn exchange(world: &World, call: &Call, action: &'static str) -> Result<Outcome, Failure> {
    let config = call.body.get("guardrailConfig");
    let setting = |member: &str| config.and_then(|config| config.get(member)?.as_str());
    let request = Request {
        action,
        guardrail: Requested::read(setting("guardrailIdentifier"), setting("guardrailVersion"))?,
        trace: Trace::read(setting("trace")),
        tokens_max: call
            .body
            .pointer("/inferenceConfig/maxTokens")
            .and_then(Value::as_u64)
            .and_then(|tokens| usize::try_from(tokens).ok()),
    };
    let target = Target::resolve(world, call)?;
    let prompt = read_prompt(call)?;
    if target.model.is_embedding() {
        // What enforcement says about such a model comes first.
        guarded(world, call, &target, &request)?;
        return Err(validation(format!(
            "The model {} does not support the Converse API",
            target.model.id
        )));
    }
    infer(world, call, &target, prompt, &request)
}

fn read_prompt(call: &Call) -> Result<Prompt, Failure> {
    let empty = Vec::new();
    let list = |member: &str| call.body.get(member).and_then(Value::as_array).unwrap_or(&empty);
    let mut segments: Vec<Segment> =
        list("system").iter().filter_map(|block| segment(block, Part::System)).collect();
    let messages = list("messages");
    let role = |message: Option<&Value>| {
        message.and_then(|message| message.get("role")?.as_str()).unwrap_or_default().to_owned()
    };
    if messages.is_empty() || role(messages.first()) != "user" {
        return Err(validation(
            "A conversation must start with a user message. Try again with a conversation that \
             starts with a user message.",
        ));
    }
    for (index, message) in messages.iter().enumerate() {
        let blocks = message
            .get("content")
            .and_then(Value::as_array)
            .filter(|blocks| !blocks.is_empty())
            .ok_or_else(|| {
                validation(format!("The content field of the message at index {index} is empty"))
            })?;
        segments.extend(blocks.iter().filter_map(|block| segment(block, Part::Message(index))));
    }
    Ok(Prompt { segments })
}

/// The text of a content block; other kinds of content are not looked at.
fn segment(block: &Value, part: Part) -> Option<Segment> {
    if let Some(text) = block.get("text").and_then(Value::as_str) {
        return Some(Segment::plain(part, text));
    }
    let guarded = block.get("guardContent")?.get("text")?;
    let mut segment = Segment::plain(part, guarded.get("text")?.as_str()?);
    segment.is_tagged = true;
    segment.qualifiers = qualifiers(guarded);
    Some(segment)
}

fn message(outcome: &Outcome) -> Value {
    json!({"role": "assistant", "content": [{"text": outcome.text}]})
}

/// `usage`, `metrics` and `trace`.
fn measures(outcome: &Outcome) -> Map<String, Value> {
    let mut measures = Map::new();
    measures.insert(
        "usage".to_owned(),
        json!({
            "inputTokens": outcome.input_tokens,
            "outputTokens": outcome.output_tokens,
            "totalTokens": outcome.input_tokens + outcome.output_tokens,
        }),
    );
    measures.insert("metrics".to_owned(), json!({"latencyMs": 200 + outcome.output_tokens}));
    if let Some(guardrail) = outcome.converse_trace() {
        measures.insert("trace".to_owned(), json!({"guardrail": guardrail}));
    }
    measures
}
