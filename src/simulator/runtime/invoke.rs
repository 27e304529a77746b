//! `InvokeModel` and `InvokeModelWithResponseStream`: the bodies are the models' own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::bedrock::failure::validation;
use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::converse::pieces;
use super::guards::Requested;
use super::inference::{Outcome, Request, Stop, Trace, guarded, infer};
use super::prompt::{Part, Prompt, Segment};
use super::target::Target;

/// `POST /model/{modelId}/invoke`.
pub(super) fn invoke(world: &World, call: &Call) -> Answer {
    let target = Target::resolve(world, call)?;
    let request = request(call, &target, "bedrock:InvokeModel")?;
    let family = Family::of(target.model.id);
    if target.model.is_embedding() {
        guarded(world, call, &target, &request)?;
        return Ok(Reply::ok(embed(family, &call.body)?));
    }
    let outcome = infer(world, call, &target, family.prompt(&call.body)?, &request)?;
    let mut body = family.body(&outcome, target.model.id);
    extend(&mut body, reports(&outcome));
    let headers = vec![
        ("x-amzn-bedrock-input-token-count".to_owned(), outcome.input_tokens.to_string()),
        ("x-amzn-bedrock-output-token-count".to_owned(), outcome.output_tokens.to_string()),
        ("x-amzn-bedrock-invocation-latency".to_owned(), latency(&outcome).to_string()),
    ];
    Ok(Reply::Body { status: 200, body, headers })
}

/// `POST /model/{modelId}/invoke-with-response-stream`: the model's events, each in a `chunk`.
pub(super) fn invoke_stream(world: &World, call: &Call) -> Answer {
    let target = Target::resolve(world, call)?;
    let action = "bedrock:InvokeModelWithResponseStream";
    let request = request(call, &target, action)?;
    let family = Family::of(target.model.id);
    if target.model.is_embedding() {
        guarded(world, call, &target, &request)?;
        return Err(validation(format!(
            "The model {} is not supported for streaming.",
            target.model.id
        )));
    }
    let outcome = infer(world, call, &target, family.prompt(&call.body)?, &request)?;
    let mut events = family.events(&outcome, target.model.id);
    if let Some(last) = events.last_mut() {
        extend(last, reports(&outcome));
        extend(last, vec![("amazon-bedrock-invocationMetrics", metrics(&outcome))]);
    }
    let chunk =
        |event: Value| ("chunk".to_owned(), json!({"bytes": STANDARD.encode(event.to_string())}));
    Ok(Reply::Stream(events.into_iter().map(chunk).collect()))
}

fn request(call: &Call, target: &Target, action: &'static str) -> Result<Request, Failure> {
    let header = |name: &str| call.headers.get(name).map(String::as_str);
    Ok(Request {
        action,
        guardrail: Requested::read(
            header("x-amzn-bedrock-guardrailidentifier"),
            header("x-amzn-bedrock-guardrailversion"),
        )?,
        trace: Trace::read(header("x-amzn-bedrock-trace")),
        tokens_max: Family::of(target.model.id).tokens_max(&call.body),
    })
}

/// The families of body formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Anthropic,
    Nova,
    Titan,
    Cohere,
    Llama,
}

impl Family {
    fn of(model: &str) -> Self {
        match model.split_once('.') {
            Some(("anthropic", _)) => Self::Anthropic,
            Some(("amazon", name)) if name.starts_with("titan") => Self::Titan,
            Some(("cohere", _)) => Self::Cohere,
            Some(("meta", _)) => Self::Llama,
            Some(_) | None => Self::Nova,
        }
    }

    fn tokens_max(self, body: &Value) -> Option<usize> {
        let path = match self {
            Self::Anthropic => "/max_tokens",
            Self::Nova => "/inferenceConfig/maxTokens",
            Self::Llama => "/max_gen_len",
            Self::Titan | Self::Cohere => return None,
        };
        usize::try_from(body.pointer(path)?.as_u64()?).ok()
    }

    /// The prompt in a body. Tags of guard content count when the body names their suffix.
    fn prompt(self, body: &Value) -> Result<Prompt, Failure> {
        let suffix = body
            .pointer("/amazon-bedrock-guardrailConfig/tagSuffix")
            .and_then(Value::as_str)
            .filter(|suffix| !suffix.is_empty());
        let mut segments = Vec::new();
        let mut add = |part: Part, text: &str| segments.extend(tagged(part, text, suffix));
        match self {
            Self::Anthropic | Self::Nova => {
                for text in body.get("system").map(texts).unwrap_or_default() {
                    add(Part::System, text);
                }
                let messages = body.get("messages").and_then(Value::as_array);
                for (index, message) in messages.into_iter().flatten().enumerate() {
                    for text in message.get("content").map(texts).unwrap_or_default() {
                        add(Part::Message(index), text);
                    }
                }
            }
            Self::Llama => {
                if let Some(text) = body.get("prompt").and_then(Value::as_str) {
                    add(Part::Message(0), text);
                }
            }
            Self::Titan | Self::Cohere => {}
        }
        if !segments.iter().any(|segment| segment.part != Part::System) {
            return Err(validation("Malformed input request: no message or prompt was found"));
        }
        if self == Self::Anthropic && body.get("anthropic_version").is_none() {
            return Err(validation(
                "Malformed input request: #: required key [anthropic_version] not found",
            ));
        }
        Ok(Prompt { segments })
    }

    fn body(self, outcome: &Outcome, model: &str) -> Value {
        let (text, input, output) = (&outcome.text, outcome.input_tokens, outcome.output_tokens);
        match self {
            Self::Anthropic => json!({
                "id": "msg_bdrk_01simulated",
                "type": "message",
                "role": "assistant",
                "model": model,
                "content": [{"type": "text", "text": text}],
                "stop_reason": outcome.stop.name(),
                "stop_sequence": null,
                "usage": {"input_tokens": input, "output_tokens": output},
            }),
            Self::Llama => json!({
                "generation": text,
                "prompt_token_count": input,
                "generation_token_count": output,
                "stop_reason": llama_stop(outcome.stop),
            }),
            Self::Nova | Self::Titan | Self::Cohere => json!({
                "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
                "stopReason": outcome.stop.name(),
                "usage": {
                    "inputTokens": input,
                    "outputTokens": output,
                    "totalTokens": input + output,
                },
            }),
        }
    }

    fn events(self, outcome: &Outcome, model: &str) -> Vec<Value> {
        match self {
            Self::Anthropic => anthropic_events(outcome, model),
            Self::Llama => {
                let mut events: Vec<Value> = pieces(&outcome.text)
                    .iter()
                    .map(|piece| json!({"generation": piece}))
                    .collect();
                let stop_reason = llama_stop(outcome.stop);
                events.push(json!({"generation": "", "stop_reason": stop_reason}));
                events
            }
            Self::Nova | Self::Titan | Self::Cohere => nova_events(outcome),
        }
    }
}

fn llama_stop(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn => "stop",
        Stop::MaxTokens => "length",
        Stop::Intervened => stop.name(),
    }
}

fn anthropic_events(outcome: &Outcome, model: &str) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "message_start", "message": {
            "id": "msg_bdrk_01simulated", "type": "message", "role": "assistant", "model": model,
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": outcome.input_tokens, "output_tokens": 0}}}),
        json!({"type": "content_block_start", "index": 0,
               "content_block": {"type": "text", "text": ""}}),
    ];
    events.extend(pieces(&outcome.text).iter().map(|piece| {
        json!({"type": "content_block_delta", "index": 0,
               "delta": {"type": "text_delta", "text": piece}})
    }));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta",
               "delta": {"stop_reason": outcome.stop.name(), "stop_sequence": null},
               "usage": {"output_tokens": outcome.output_tokens}}),
        json!({"type": "message_stop"}),
    ]);
    events
}

fn nova_events(outcome: &Outcome) -> Vec<Value> {
    let mut events = vec![json!({"messageStart": {"role": "assistant"}})];
    events.extend(pieces(&outcome.text).iter().map(
        |piece| json!({"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": 0}}),
    ));
    events.extend([
        json!({"contentBlockStop": {"contentBlockIndex": 0}}),
        json!({"messageStop": {"stopReason": outcome.stop.name()}}),
        json!({"metadata": {"usage": {
            "inputTokens": outcome.input_tokens, "outputTokens": outcome.output_tokens}}}),
    ]);
    events
}

/// A vector for each text: deterministic, short, and without meaning.
fn embed(family: Family, body: &Value) -> Result<Value, Failure> {
    let texts: Vec<&str> = match family {
        Family::Cohere => body.get("texts").map(texts).unwrap_or_default(),
        Family::Anthropic | Family::Nova | Family::Titan | Family::Llama => {
            body.get("inputText").map(texts).unwrap_or_default()
        }
    };
    if texts.is_empty() {
        return Err(validation("Malformed input request: no text to embed was found"));
    }
    let vectors: Vec<Vec<f64>> = texts.iter().map(|text| vector(text)).collect();
    Ok(match family {
        Family::Cohere => json!({
            "id": "simulated", "response_type": "embeddings_floats",
            "embeddings": vectors, "texts": texts,
        }),
        Family::Anthropic | Family::Nova | Family::Titan | Family::Llama => json!({
            "embedding": vectors.first(),
            "inputTextTokenCount":
                texts.iter().map(|text| text.split_whitespace().count()).sum::<usize>(),
        }),
    })
}

fn vector(text: &str) -> Vec<f64> {
    let mut vector = vec![0.0; 8];
    for (index, byte) in text.bytes().enumerate() {
        if let Some(cell) = vector.get_mut(index % 8) {
            *cell += f64::from(byte) / 255.0;
        }
    }
    vector
}

/// The text of a message's content in any of its forms: a string, or blocks with `text`.
fn texts(content: &Value) -> Vec<&str> {
    match content {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block.as_str().or_else(|| block.get("text")?.as_str()))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// A text cut at its guard content tags, which the model never sees.
fn tagged(part: Part, text: &str, suffix: Option<&str>) -> Vec<Segment> {
    let Some(suffix) = suffix else { return vec![Segment::plain(part, text)] };
    let open = format!("<amazon-bedrock-guardrails-guardContent_{suffix}>");
    let close = format!("</amazon-bedrock-guardrails-guardContent_{suffix}>");
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&open) {
        let (inside, after) = after.split_once(&close).unwrap_or((after, ""));
        segments.push(Segment::plain(part, before));
        segments.push(Segment { is_tagged: true, ..Segment::plain(part, inside) });
        rest = after;
    }
    segments.push(Segment::plain(part, rest));
    segments.retain(|segment| !segment.text.trim().is_empty());
    segments
}

/// What guardrails add to a body. The trace stands beside the action whenever there is one.
fn reports(outcome: &Outcome) -> Vec<(&'static str, Value)> {
    let Some(intervened) = outcome.intervened else { return Vec::new() };
    let action = if intervened { "INTERVENED" } else { "NONE" };
    let mut reports = vec![("amazon-bedrock-guardrailAction", action.into())];
    if let Some(guardrail) = outcome.invoke_trace() {
        reports.push(("amazon-bedrock-trace", json!({"guardrail": guardrail})));
    }
    reports
}

fn metrics(outcome: &Outcome) -> Value {
    json!({
        "inputTokenCount": outcome.input_tokens,
        "outputTokenCount": outcome.output_tokens,
        "invocationLatency": latency(outcome),
        "firstByteLatency": 100,
    })
}

fn latency(outcome: &Outcome) -> usize {
    200 + outcome.output_tokens
}

fn extend(body: &mut Value, members: Vec<(&'static str, Value)>) {
    if let Value::Object(body) = body {
        body.extend(members.into_iter().map(|(member, value)| (member.to_owned(), value)));
    }
}
