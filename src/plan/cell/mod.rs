//! Decides what the slot of one account in one Region should hold.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::confirm::Sightings;
use super::context::Context;
use super::describe::sighting;
use super::reference::{replica_of, resolve, spoken, with_embeddings};
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{
    Cell, DesiredCell, EnforcementSettings, FieldChange, Guarding, GuardrailArn, ModelEnforcement,
    ObservedCell, ObservedEnforcement, OnForeign, Presence, Read, Seen, SelectiveContentGuarding,
    changes,
};

/// Decides the next step for one cell.
///
/// | slot | no manifest | `Present` | `Absent` |
/// |---|---|---|---|
/// | unknown | nothing | held | held |
/// | empty | nothing | put, at once | nothing |
/// | as desired | orphan | nothing | delete, once confirmed |
/// | ours, different | orphan | put, at once | delete, once confirmed; another guardrail of ours: left |
/// | foreign | nothing | put or held, by `onForeign` | left alone |
///
/// Ours is a slot that references a guardrail of ours: the configuration itself cannot carry a mark.
pub fn plan_cell(
    cell: &Cell,
    desired: Option<&DesiredCell>,
    observed: &ObservedCell,
    memory: &mut Sightings,
    context: &Context,
) -> Plan {
    let mut plan = Plan::default();
    let Some(desired) = desired else {
        memory.reset(sighting::SLOT);
        if let Read::Known(live) = &observed.enforcement {
            orphan(live, context, &mut plan);
        }
        return plan;
    };
    let visit = Visit { cell, desired, context };
    match (&observed.enforcement, desired.state) {
        (Read::Unknown(unread), _) => {
            memory.reset(sighting::SLOT);
            plan.hold(Held::unread("the enforced configuration", unread, context));
        }
        (slot, Presence::Present) => {
            memory.reset(sighting::SLOT);
            match visit.put(slot.known().map(|(live, _)| live)) {
                Ok(step) => plan.steps.extend(step),
                Err(held) => plan.hold(held),
            }
        }
        (Read::KnownAbsent, Presence::Absent) => memory.reset(sighting::SLOT),
        (slot @ Read::Known(_), Presence::Absent) => {
            if let Some((live, seen)) = slot.known() {
                visit.delete((live, seen), memory, &mut plan);
            }
        }
    }
    plan
}

fn orphan(live: &ObservedEnforcement, context: &Context, plan: &mut Plan) {
    let Some((key, _)) = live.guardrail.as_ref().and_then(|arn| replica_of(arn, context)) else {
        return;
    };
    let message = format!(
        "enforces {} although no manifest claims this cell; write one with `state: Absent` to \
         remove it, or `Present` to keep it",
        key.guardrail
    );
    plan.orphan(format!("enforced configuration {}", live.config_id), message);
}

/// The arguments that stay the same through one plan.
struct Visit<'a> {
    cell: &'a Cell,
    desired: &'a DesiredCell,
    context: &'a Context<'a>,
}

impl Visit<'_> {
    /// The step that makes the slot as desired; none when it is.
    fn put(&self, live: Option<&ObservedEnforcement>) -> Result<Option<Step>, Held> {
        let Self { cell, desired, context } = self;
        let name = &desired.replica.guardrail;
        let reference = resolve(&desired.replica, desired.revision.as_ref(), context)?;
        let settings = with_embeddings(&desired.settings, &cell.region, context)?;
        let is_equal = live.is_some_and(|live| {
            live.guardrail.as_ref() == Some(reference.arn)
                && live.version == Some(reference.version)
                && live.guarding == settings.guarding
                && models(&live.models) == models(&settings.models)
        });
        if is_equal {
            return Ok(None);
        }
        if let Some(live) = live
            && desired.on_foreign == OnForeign::Hold
            && !self.is_ours(live, reference.arn)
        {
            let message = format!(
                "the slot holds {}, which is not ours, and `onForeign` is `Hold`; remove it or \
                 write `Replace`",
                self.guardrail(live)
            );
            return Err(Held::for_person(HoldReason::ForeignConfiguration, message));
        }
        let Some(fleet) = &context.facts.fleet else {
            let message = format!("{name} will be enforced once the organization was read");
            return Err(Held::for_fact(HoldReason::Unreadable, message));
        };
        let accounts = BTreeSet::from([cell.account.clone()]);
        reference.prove(name, &cell.region, &accounts, fleet)?;
        let new = document(&spoken(reference.arn, reference.version, context), &settings);
        Ok(Some(Step::PutEnforced {
            cell: (*cell).clone(),
            enforcement: desired.enforcement.clone(),
            config_id: live.map(|live| live.config_id.clone()),
            guardrail: reference.arn.clone(),
            version: reference.version,
            settings,
            changes: changes(&live.map_or(Value::Null, |live| self.document(live)), &new),
        }))
    }

    /// Deletes what the manifest's guardrail is enforced by, and nothing else.
    fn delete(
        &self,
        (live, seen): (&ObservedEnforcement, Seen),
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let Context { now, timing, .. } = *self.context;
        let replica = &self.desired.replica;
        let Some(arn) = &live.guardrail else { return memory.reset(sighting::SLOT) };
        let known = replica_of(arn, self.context);
        if known.is_none_or(|(key, _)| key.guardrail != replica.guardrail) {
            memory.reset(sighting::SLOT);
            // What stands where the replica does may be the replica, as long as that is unread.
            let may_be = known.is_none()
                && arn.account == replica.account
                && arn.region == replica.region
                && !self.context.facts.replicas.contains_key(replica);
            if may_be {
                let message =
                    format!("it will be removed if it turns out to be {}", replica.guardrail);
                plan.hold(Held::for_fact(HoldReason::Unreadable, message));
            }
            return;
        }
        match memory.confirm_removable(sighting::SLOT, seen, now, timing) {
            Ok(confirmed) => plan.steps.push(Step::DeleteEnforced {
                cell: self.cell.clone(),
                enforcement: self.desired.enforcement.clone(),
                config_id: live.config_id.clone(),
                changes: vec![FieldChange::new("guardrail", Some(self.guardrail(live)), None)],
                confirmed,
            }),
            Err(wait) => {
                let message = "it will be removed once a second complete read shows it";
                plan.hold(Held::after(HoldReason::Confirming, wait, message));
            }
        }
    }

    fn is_ours(&self, live: &ObservedEnforcement, desired: &GuardrailArn) -> bool {
        live.guardrail
            .as_ref()
            .is_some_and(|arn| arn == desired || replica_of(arn, self.context).is_some())
    }

    fn guardrail(&self, live: &ObservedEnforcement) -> String {
        match (&live.guardrail, live.version) {
            (Some(arn), Some(version)) => spoken(arn, version, self.context),
            (Some(arn), None) => arn.to_string(),
            (None, _) => "a guardrail that AWS does not name".to_owned(),
        }
    }

    fn document(&self, live: &ObservedEnforcement) -> Value {
        let settings = EnforcementSettings {
            models: live.models.clone(),
            exclude_embeddings: false,
            guarding: live.guarding,
        };
        document(&self.guardrail(live), &settings)
    }
}

/// An empty inclusion is every model (`aws-facts` 2.4).
fn models(models: &ModelEnforcement) -> ModelEnforcement {
    let mut models = models.clone();
    if models.included.is_empty() {
        models.included = ModelEnforcement::default().included;
    }
    models
}

/// A slot as one document, for old → new; what is as AWS does it by itself is left out.
fn document(guardrail: &str, settings: &EnforcementSettings) -> Value {
    let ModelEnforcement { included, excluded } = models(&settings.models);
    let SelectiveContentGuarding { system, messages } = settings.guarding;
    let mut members = Map::new();
    members.insert("guardrail".to_owned(), json!(guardrail));
    if included != ModelEnforcement::default().included {
        members.insert("includedModels".to_owned(), json!(included));
    }
    if !excluded.is_empty() {
        members.insert("excludedModels".to_owned(), json!(excluded));
    }
    for (name, guarding) in [("system", system), ("messages", messages)] {
        match guarding {
            Guarding::Comprehensive => {}
            Guarding::Selective => {
                members.insert(name.to_owned(), json!("SELECTIVE"));
            }
        }
    }
    Value::Object(members)
}
