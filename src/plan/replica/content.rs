//! Decides what DRAFT should contain.

use serde_json::{Value, json};

use super::publish::{is_published, plan_version};
use super::{ReplicaMemory, Visit};
use crate::model::{
    FieldChange, GuardrailStatus, ObservedGuardrail, OnDraft, ReplicaContent, changes,
};
use crate::plan::hold::listed;
use crate::plan::step::{Held, HoldReason, Plan, Step};
use crate::plan::strength;

/// Updates DRAFT where it differs, and publishes where it does not.
///
/// | DRAFT | as desired | different |
/// |---|---|---|
/// | READY | publish, unless a version has it | update |
/// | pending | held | held |
/// | FAILED | held, with AWS's reasons | update |
/// | a status of later times | held | held |
pub(super) fn plan_content(
    visit: &Visit,
    live: &ObservedGuardrail,
    memory: &mut ReplicaMemory,
    plan: &mut Plan,
) {
    let is_published = live.versions.values().any(|it| is_published(it, &visit.desired.content));
    if is_published && visit.desired.on_draft == OnDraft::Leave {
        memory.converged();
        return plan_version(visit, live, memory, plan);
    }
    // Its name goes with its content: AWS has no other way to change it.
    let is_renamed = live.name != visit.desired.name.as_str();
    let equal = live.draft == visit.desired.content && !is_renamed;
    let wait = visit.context.timing.confirm_after;
    let held = match &live.status {
        GuardrailStatus::Ready if equal => {
            memory.converged();
            return plan_version(visit, live, memory, plan);
        }
        GuardrailStatus::Ready => None,
        GuardrailStatus::Failed(_) if !equal => None,
        GuardrailStatus::Failed(reasons) => Some(Held::for_person(
            HoldReason::Failed,
            format!("AWS failed to prepare this content: {}", listed(reasons)),
        )),
        GuardrailStatus::Pending | GuardrailStatus::Deleting => {
            let message = "AWS is still working on its DRAFT";
            Some(Held::after(HoldReason::InProgress, wait, message))
        }
        GuardrailStatus::Other(status) => {
            let message = format!("its status `{status}` is not known to this release");
            Some(Held::after(HoldReason::Unreadable, visit.context.timing.own_write_grace, message))
        }
    };
    memory.unsettle();
    match held {
        Some(held) => plan.hold(held),
        None => update(visit, live, memory, plan),
    }
}

fn update(visit: &Visit, live: &ObservedGuardrail, memory: &ReplicaMemory, plan: &mut Plan) {
    let (old, new) = (document(&live.draft), document(&visit.desired.content));
    let mut changes = changes(&old, &new);
    strength::label(&mut changes, &old, &new);
    let name = visit.desired.name.as_str();
    if live.name != name {
        changes.push(FieldChange::new("name", Some(live.name.clone()), Some(name.to_owned())));
    }
    if memory.is_fruitless(&changes) {
        let fields = listed(changes.iter().map(|change| &change.path));
        let message = format!(
            "UpdateGuardrail is accepted but leaves as it was: {fields}; make the manifest say what \
             is live, or create the guardrail anew under another name"
        );
        return plan.hold(Held::for_person(HoldReason::Failed, message));
    }
    plan.steps.push(Step::UpdateGuardrail {
        arn: live.arn.clone(),
        name: visit.desired.name.clone(),
        content: visit.desired.content.clone(),
        changes,
    });
}

/// The content as one document of the CreateGuardrail shape, for old → new.
pub(in crate::plan) fn document(content: &ReplicaContent) -> Value {
    let ReplicaContent { shared, description, profile, kms_key_arn } = content;
    // A struct of texts, numbers and lists has no way to fail.
    let mut document = serde_json::to_value(shared).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        let profile = profile.as_ref().map(|id| json!({"guardrailProfileIdentifier": id}));
        members.insert("description".to_owned(), json!(description));
        members.insert("crossRegionConfig".to_owned(), json!(profile));
        members.insert("kmsKeyId".to_owned(), json!(kms_key_arn));
    }
    document
}
