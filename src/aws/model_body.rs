//! The bodies that model families take and give in InvokeModel.

use serde_json::{Value, json};

use super::evidence::InferenceEvidence;
use super::probe::Question;

/// A family of body formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Anthropic's Messages API.
    Anthropic,
    /// Amazon Nova's messages.
    Nova,
    /// Meta Llama's prompt.
    Llama,
}

impl Body {
    /// The family of a model id, an inference profile id (`us.amazon.nova-…`) or an ARN of either.
    /// `None` for families not known here and for ARNs that do not name a model.
    pub(super) fn of(model: &str) -> Option<Self> {
        let id = model.rsplit_once('/').map_or(model, |(_, id)| id);
        let family = |name: &str| id.starts_with(name) || id.contains(&format!(".{name}"));
        if family("anthropic.") {
            Some(Self::Anthropic)
        } else if family("amazon.nova-") {
            Some(Self::Nova)
        } else if family("meta.llama") {
            Some(Self::Llama)
        } else {
            None
        }
    }

    /// The body of a question.
    pub(super) fn request(self, question: &Question<'_>) -> Value {
        let (text, tokens) = (question.text, question.tokens_max);
        match self {
            Self::Anthropic => json!({
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": tokens,
                "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
            }),
            Self::Nova => json!({
                "inferenceConfig": {"maxTokens": tokens},
                "messages": [{"role": "user", "content": [{"text": text}]}],
            }),
            Self::Llama => json!({"max_gen_len": tokens, "prompt": text}),
        }
    }

    /// What a whole answer shows.
    pub(super) fn add_answer(self, evidence: &mut InferenceEvidence, answer: &Value) {
        let (text, stop) = match self {
            Self::Anthropic => ("/content/0/text", "/stop_reason"),
            Self::Nova => ("/output/message/content/0/text", "/stopReason"),
            Self::Llama => ("/generation", "/stop_reason"),
        };
        add(evidence, answer, text, stop);
    }

    /// What one event of a streamed answer shows.
    pub(super) fn add_event(self, evidence: &mut InferenceEvidence, event: &Value) {
        let (text, stop) = match self {
            Self::Anthropic => ("/delta/text", "/delta/stop_reason"),
            Self::Nova => ("/contentBlockDelta/delta/text", "/messageStop/stopReason"),
            Self::Llama => ("/generation", "/stop_reason"),
        };
        add(evidence, event, text, stop);
    }
}

fn add(evidence: &mut InferenceEvidence, value: &Value, text: &str, stop: &str) {
    if let Some(text) = value.pointer(text).and_then(Value::as_str) {
        evidence.text.push_str(text);
    }
    if let Some(stop) = value.pointer(stop).and_then(Value::as_str) {
        evidence.stop(stop);
    }
    evidence.reports(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_found_in_ids_profiles_and_arns() {
        let rows = [
            ("anthropic.claude-3-haiku-20240307-v1:0", Some(Body::Anthropic)),
            ("eu.anthropic.claude-sonnet-4-20250514-v1:0", Some(Body::Anthropic)),
            ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", Some(Body::Nova)),
            ("us.meta.llama3-1-8b-instruct-v1:0", Some(Body::Llama)),
            ("amazon.titan-embed-text-v2:0", None),
            ("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc", None),
        ];
        for (model, expected) in rows {
            assert_eq!(Body::of(model), expected, "{model}");
        }
    }
}
