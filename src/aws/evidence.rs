//! What answers of the runtime show about guardrails (`aws-facts` 7.2). Of the texts that were
//! judged nothing is kept but the model's answer.

use std::collections::BTreeSet;

use aws_sdk_bedrockruntime::types::{GuardrailAssessment, GuardrailTraceAssessment};
use serde_json::Value;

use crate::model::{Action, Answer, GuardrailArn};

/// What AWS says as `stopReason` where a guardrail intervened.
const INTERVENED: &str = "guardrail_intervened";

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
    /// `SELF` or `CROSS_ACCOUNT`, as AWS spells it.
    pub ownership: Option<String>,
}

/// One rule of a guardrail that found something. The words it matched are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The part of the guardrail, as CreateGuardrail spells it: `contentPolicyConfig`, ….
    pub policy: &'static str,
    /// Which rule: a filter's type, a topic's or a pattern's name; empty for custom words.
    pub rule: String,
    /// What was done: `BLOCKED`, `ANONYMIZED`, `NONE`, as AWS spells it.
    pub action: String,
}

/// Whether a role may apply one guardrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerAnswer {
    /// It may.
    Allowed,
    /// It may not: why, as far as IAM says.
    Denied(String),
    /// It depends on what only a real call has: these condition keys.
    Depends(Vec<String>),
}

/// The answer of `ApplyGuardrail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// What was done.
    pub action: Action,
    /// What ran.
    pub applied: BTreeSet<AppliedGuardrail>,
    /// What was found.
    pub findings: BTreeSet<Finding>,
}

impl From<ProbeAnswer> for Answer {
    fn from(answer: ProbeAnswer) -> Self {
        let rule = |it: &Finding| format!("{} {}", it.policy, it.rule).trim_end().to_owned();
        Self { action: answer.action, rules: answer.findings.iter().map(rule).collect() }
    }
}

/// What an answer of a model shows about enforcement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InferenceEvidence {
    /// What was answered: the blocked message where a guardrail blocked.
    pub text: String,
    /// As the operation spells it: `guardrail_intervened`, `end_turn`, …; empty where a model's own
    /// body has none.
    pub stop_reason: String,
    /// Whether some guardrail blocked or masked.
    pub intervened: bool,
    /// Guardrails that ran, on the way in or out. Those named by the request are listed only with
    /// their trace, which [`Question::under`](super::Question::under) asks for.
    pub applied: BTreeSet<AppliedGuardrail>,
}

impl InferenceEvidence {
    pub(super) fn stop(&mut self, reason: &str) {
        reason.clone_into(&mut self.stop_reason);
        self.intervened |= reason == INTERVENED;
    }

    /// The trace of Converse and ConverseStream.
    pub(super) fn trace(&mut self, trace: Option<&GuardrailTraceAssessment>) {
        let inputs = trace.and_then(|it| it.input_assessment()).into_iter().flatten();
        let outputs = trace.and_then(|it| it.output_assessments()).into_iter().flatten();
        let assessments = inputs.map(|(_, it)| it).chain(outputs.flat_map(|(_, them)| them));
        self.applied.extend(assessments.filter_map(applied));
    }

    /// What guardrails add to a model's own body.
    pub(super) fn reports(&mut self, body: &Value) {
        let action = body.get("amazon-bedrock-guardrailAction").and_then(Value::as_str);
        self.intervened |= action == Some("INTERVENED");
        let Some(trace) = body.pointer("/amazon-bedrock-trace/guardrail") else { return };
        let inputs = trace.get("input").into_iter();
        let outputs = trace.get("outputs").and_then(Value::as_array).into_iter().flatten();
        let by_id = inputs.chain(outputs).filter_map(Value::as_object);
        self.applied.extend(by_id.flat_map(|map| map.values()).filter_map(applied_in_body));
    }
}

/// Which guardrail an assessment is of.
pub(super) fn applied(assessment: &GuardrailAssessment) -> Option<AppliedGuardrail> {
    let details = assessment.applied_guardrail_details()?;
    Some(AppliedGuardrail {
        arn: details.guardrail_arn().and_then(|arn| arn.parse().ok()),
        version: details.guardrail_version().map(str::to_owned),
        origins: details.guardrail_origin().iter().map(|it| it.as_str().to_owned()).collect(),
        ownership: details.guardrail_ownership().map(|it| it.as_str().to_owned()),
    })
}

fn applied_in_body(assessment: &Value) -> Option<AppliedGuardrail> {
    let details = assessment.get("appliedGuardrailDetails")?;
    let text = |member: &str| details.get(member).and_then(Value::as_str);
    let origins = details.get("guardrailOrigin").and_then(Value::as_array).into_iter().flatten();
    Some(AppliedGuardrail {
        arn: text("guardrailArn").and_then(|arn| arn.parse().ok()),
        version: text("guardrailVersion").map(str::to_owned),
        origins: origins.filter_map(|it| it.as_str().map(str::to_owned)).collect(),
        ownership: text("guardrailOwnership").map(str::to_owned),
    })
}

/// What an assessment lists as found. Full output also lists what was not: that is left out.
pub(super) fn findings(assessment: &GuardrailAssessment) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |policy, rule: &str, action: &str, detected: Option<bool>| {
        if detected != Some(false) {
            let (rule, action) = (rule.to_owned(), action.to_owned());
            found.push(Finding { policy, rule, action });
        }
    };
    if let Some(policy) = assessment.topic_policy() {
        for it in policy.topics() {
            add("topicPolicyConfig", it.name(), it.action().as_str(), it.detected());
        }
    }
    if let Some(policy) = assessment.content_policy() {
        for it in policy.filters() {
            let (rule, action) = (it.r#type().as_str(), it.action().as_str());
            add("contentPolicyConfig", rule, action, it.detected());
        }
    }
    if let Some(policy) = assessment.word_policy() {
        for it in policy.custom_words() {
            add("wordPolicyConfig", "", it.action().as_str(), it.detected());
        }
        for it in policy.managed_word_lists() {
            let (rule, action) = (it.r#type().as_str(), it.action().as_str());
            add("wordPolicyConfig", rule, action, it.detected());
        }
    }
    if let Some(policy) = assessment.sensitive_information_policy() {
        let kind = "sensitiveInformationPolicyConfig";
        for it in policy.pii_entities() {
            add(kind, it.r#type().as_str(), it.action().as_str(), it.detected());
        }
        for it in policy.regexes() {
            add(kind, it.name().unwrap_or_default(), it.action().as_str(), it.detected());
        }
    }
    if let Some(policy) = assessment.contextual_grounding_policy() {
        for it in policy.filters() {
            let (rule, action) = (it.r#type().as_str(), it.action().as_str());
            add("contextualGroundingPolicyConfig", rule, action, it.detected());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use aws_sdk_bedrockruntime::types::{
        GuardrailCustomWord, GuardrailWordPolicyAction, GuardrailWordPolicyAssessment,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_never_holds_the_text_it_matched() {
        let word = GuardrailCustomWord::builder()
            .r#match("the secret of somebody")
            .action(GuardrailWordPolicyAction::Blocked)
            .build()
            .unwrap();
        let words = GuardrailWordPolicyAssessment::builder()
            .custom_words(word)
            .set_managed_word_lists(Some(Vec::new()))
            .build()
            .unwrap();
        let assessment = GuardrailAssessment::builder().word_policy(words).build();
        let expected = Finding {
            policy: "wordPolicyConfig",
            rule: String::new(),
            action: "BLOCKED".to_owned(),
        };
        assert_eq!(findings(&assessment), [expected]);
    }

    #[test]
    fn the_trace_in_a_models_own_body_names_what_ran_on_both_sides() {
        let details = |version: &str, origins: Value| {
            json!({"appliedGuardrailDetails": {
                "guardrailArn": "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123",
                "guardrailVersion": version, "guardrailOrigin": origins,
                "guardrailOwnership": "CROSS_ACCOUNT"}})
        };
        let mut evidence = InferenceEvidence::default();
        evidence.reports(&json!({
            "amazon-bedrock-guardrailAction": "INTERVENED",
            "amazon-bedrock-trace": {"guardrail": {
                "input": {"abc123abc123": details("3", json!(["ACCOUNT_ENFORCED"]))},
                "outputs": [{"abc123abc123": details("4", json!(["REQUEST"]))}]}}}));
        assert!(evidence.intervened);
        let versions: Vec<_> =
            evidence.applied.iter().filter_map(|it| it.version.as_deref()).collect();
        assert_eq!(versions, ["3", "4"]);
    }
}
