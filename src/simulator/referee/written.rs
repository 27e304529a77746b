//! The references a write puts down, whether AWS takes them or not.

use serde_json::Value;

use super::super::organization::PolicyKind;
use super::Write;
use super::protection::policy_kind;
use super::reference::{Reference, references_in};

/// A reference a write puts down.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The Region it is to be in force in.
    pub(super) region: String,
    pub(super) reference: Reference,
}

/// What `write` puts down: of a document only what it did not say before.
pub(super) fn written(write: &Write<'_>) -> Vec<Written> {
    let call = write.call;
    match call.operation {
        "PutEnforcedGuardrailConfiguration" => enforced(write).into_iter().collect(),
        "CreatePolicy" if call.text("Type") == Some(PolicyKind::BedrockPolicy.name()) => {
            of_document(sent(write).as_ref())
        }
        "UpdatePolicy" | "AttachPolicy"
            if policy_kind(write.before, call) == Some(PolicyKind::BedrockPolicy) =>
        {
            let id = call.text("PolicyId").unwrap_or_default();
            let stored = write.before.organization.policies.get(id).map(|policy| &policy.document);
            if call.operation == "AttachPolicy" {
                return of_document(stored);
            }
            let said = stored.map(references_in).unwrap_or_default();
            let mut all = of_document(sent(write).as_ref());
            all.retain(|it| !said.contains(&(it.region.clone(), it.reference.clone())));
            all
        }
        _ => Vec::new(),
    }
}

fn enforced(write: &Write<'_>) -> Option<Written> {
    let call = write.call;
    let inference = call.body.get("guardrailInferenceConfig")?;
    let text = |member| inference.get(member).and_then(Value::as_str);
    let named = text("guardrailIdentifier")?;
    let (partition, region, account) =
        (&write.before.partition, &call.region, &call.caller.account);
    let arn = if named.starts_with("arn:") {
        named.to_owned()
    } else {
        format!("arn:{partition}:bedrock:{region}:{account}:guardrail/{named}")
    };
    let version = text("guardrailVersion").unwrap_or_default().to_owned();
    let reference = Reference { arn, version };
    Some(Written { region: region.clone(), reference })
}

fn sent(write: &Write<'_>) -> Option<Value> {
    write.call.text("Content").and_then(|content| serde_json::from_str(content).ok())
}

fn of_document(document: Option<&Value>) -> Vec<Written> {
    let references = document.map(references_in).unwrap_or_default();
    references.into_iter().map(|(region, reference)| Written { region, reference }).collect()
}
