//! Decides what the slot of one account in one Region should hold.

mod handover;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::confirm::Sightings;
use super::consent::{self, Standing};
use super::context::Context;
use super::describe::sighting;
use super::hold::listed;
use super::narrowing::{is_narrower, models};
use super::preflight;
use super::reference::{replica_of, resolve, spoken, with_embeddings};
use super::rollout::{Course, Heading, heading};
use super::step::{Held, HoldReason, Loss, Plan, Step};
use crate::model::{
    Cell, DesiredCell, EnforcementKey, EnforcementKind, EnforcementSettings, FieldChange, Guarding,
    GuardrailArn, ModelEnforcement, Name, ObservedCell, ObservedEnforcement, OnForeign, Presence,
    Read, Revision, Seen, SelectiveContentGuarding, changes,
};

/// Decides the next step for one cell. Which revision is desired in it while a rollout is open,
/// is decided elsewhere.
///
/// | slot | no manifest | `Present` | `Absent` |
/// |---|---|---|---|
/// | unknown | nothing | held | held |
/// | empty | nothing | put, at once | nothing |
/// | as desired | delete if a text gave it up, else orphan | nothing | delete, once confirmed |
/// | ours, different | the same | put, at once | delete, once confirmed; another guardrail of ours: left |
/// | foreign | nothing | put or held, by `onForeign` | left alone |
///
/// What is deleted, narrowed or taken from somebody else is among the plan's losses, also while it
/// waits: the change guard must know all of it before any of it goes.
///
/// Ours is a slot that references a guardrail of ours: the configuration itself cannot carry a mark.
pub fn plan_cell(
    cell: &Cell,
    desired: Option<&DesiredCell>,
    observed: &ObservedCell,
    memory: &mut Sightings,
    context: &Context,
) -> Plan {
    memory.begin_visit();
    let mut plan = Plan::default();
    let Some(desired) = desired else {
        if let Some(found) = observed.enforcement.known() {
            unclaimed(cell, found, memory, context, &mut plan);
            return plan;
        }
        memory.reset(sighting::SLOT);
        let unread = observed.enforcement.unread();
        if let Some(unread) = unread.filter(|_| consent::is_given_up(cell, context)) {
            plan.hold(Held::unread("the enforced configuration", unread, context));
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
            let live = slot.known().map(|(live, _)| live);
            let is_loss = live.is_some_and(|live| visit.is_loss(live));
            if is_loss {
                plan.losses.push(visit.loss());
            }
            let Heading { course, held } = heading(cell, desired, context);
            plan.held.extend(held);
            let revision = match &course {
                Course::Free => desired.revision.as_ref(),
                Course::At(revision) => Some(revision),
                Course::Stay => return plan,
            };
            match visit.put(live, revision, is_loss) {
                Ok(Some(step)) => preflight::put(desired, live, step, context, &mut plan),
                Ok(None) => {}
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

/// What becomes of a slot that references a guardrail of ours and that no manifest claims.
fn unclaimed(
    cell: &Cell,
    (live, seen): (&ObservedEnforcement, Seen),
    memory: &mut Sightings,
    context: &Context,
    plan: &mut Plan,
) {
    let Some((key, _)) = live.guardrail.as_ref().and_then(|arn| replica_of(arn, context)) else {
        return memory.reset(sighting::SLOT);
    };
    let why = match consent::of_cell(&key.guardrail, cell, context) {
        Standing::GivenUp(by) => {
            return delete(&by, (cell, live, seen, &key.guardrail), memory, context, plan);
        }
        #[cfg(feature = "planted")]
        Standing::Deselected if crate::planted::is(crate::planted::Planted::OrphanRemoved) => {
            let name = key.guardrail.clone();
            let by = EnforcementKey { kind: EnforcementKind::Account, name };
            return delete(&by, (cell, live, seen, &key.guardrail), memory, context, plan);
        }
        Standing::Unclear(why) => format!("unclear, {why}"),
        Standing::Deselected => match consent::orphans(&key.guardrail, context).as_slice() {
            [] => "Deselected, it left every selection although no text gave it up".to_owned(),
            gone => format!("Orphaned, the manifest of {} is missing", listed(gone)),
        },
    };
    memory.reset(sighting::SLOT);
    let message = format!(
        "enforces {} although no manifest claims this cell ({why}); it is left alone: write an \
         enforcement with `state: Absent` to remove it, or `Present` to keep it",
        key.guardrail
    );
    plan.orphan(format!("enforced configuration {}", live.config_id), message);
}

/// Deletes what `by` consents to, once two reads agree and nothing about its guardrail is amiss.
fn delete(
    by: &EnforcementKey,
    (cell, live, seen, guardrail): (&Cell, &ObservedEnforcement, Seen, &Name),
    memory: &mut Sightings,
    context: &Context,
    plan: &mut Plan,
) {
    if let Some(held) = consent::blocked(guardrail, context) {
        memory.reset(sighting::SLOT);
        return plan.hold(held);
    }
    plan.losses.push(Loss { manifest: by.clone().into(), object: cell.to_string() });
    if let Err(held) = handover::succeeded(cell, memory, context) {
        memory.reset(sighting::SLOT);
        return plan.hold(held);
    }
    let accounts = context.facts.fleet.as_ref().map(|fleet| &fleet.accounts);
    let Some(account) = accounts.and_then(|accounts| accounts.get(&cell.account)) else {
        memory.reset(sighting::SLOT);
        let message = "it will be removed once its account was found in the organization";
        return plan.hold(Held::for_fact(HoldReason::Unreadable, message));
    };
    match memory.confirm_removable(sighting::SLOT, seen, context.now, context.timing) {
        Ok(confirmed) => plan.steps.push(Step::DeleteEnforced {
            cell: cell.clone(),
            enforcement: by.name.clone(),
            config_id: live.config_id.clone(),
            parent: account.parent.clone(),
            changes: vec![FieldChange::new("guardrail", Some(named(live, context)), None)],
            confirmed,
        }),
        Err(wait) => {
            let message = "it will be removed once a second complete read shows it";
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }
}

/// What people call the guardrail of a slot.
fn named(live: &ObservedEnforcement, context: &Context) -> String {
    match (&live.guardrail, live.version) {
        (Some(arn), Some(version)) => spoken(arn, version, context),
        (Some(arn), None) => arn.to_string(),
        (None, _) => "a guardrail that AWS does not name".to_owned(),
    }
}

/// The arguments that stay the same through one plan.
struct Visit<'a> {
    cell: &'a Cell,
    desired: &'a DesiredCell,
    context: &'a Context<'a>,
}

impl Visit<'_> {
    /// The step that makes the slot as desired; none when it is.
    fn put(
        &self,
        live: Option<&ObservedEnforcement>,
        revision: Option<&Revision>,
        is_loss: bool,
    ) -> Result<Option<Step>, Held> {
        let Self { cell, desired, context } = self;
        let name = &desired.replica.guardrail;
        let reference = resolve(&desired.replica, revision, context)?;
        let settings = with_embeddings(&desired.settings, &cell.region, context)?;
        let is_equal = live.is_some_and(|live| {
            live.guardrail.as_ref() == Some(reference.arn)
                && live.version == Some(reference.version)
                && live.guarding == settings.guarding
                && models(&live.models) == models(&settings.models)
        });
        #[cfg(feature = "planted")]
        let is_equal = is_equal
            || crate::planted::is(crate::planted::Planted::SettingsIgnored)
                && live.is_some_and(|it| it.version == Some(reference.version));
        if is_equal {
            return Ok(None);
        }
        #[cfg(feature = "planted")]
        let live = live.filter(|_| !crate::planted::is(crate::planted::Planted::ConfigIdForgotten));
        #[cfg(feature = "planted")]
        let on_foreign = if crate::planted::is(crate::planted::Planted::OnForeignIgnored) {
            OnForeign::Replace
        } else {
            desired.on_foreign
        };
        #[cfg(not(feature = "planted"))]
        let on_foreign = desired.on_foreign;
        if let Some(live) = live
            && on_foreign == OnForeign::Hold
            && !self.is_ours(live, reference.arn)
        {
            let message = format!(
                "the slot holds {}, which is not ours, and `onForeign` is `Hold`; remove it or \
                 write `Replace`",
                named(live, self.context)
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
            is_loss,
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
        let by = self.enforcement();
        let found = (self.cell, live, seen, &replica.guardrail);
        delete(&by, found, memory, self.context, plan);
    }

    fn enforcement(&self) -> EnforcementKey {
        EnforcementKey { kind: EnforcementKind::Account, name: self.desired.enforcement.clone() }
    }

    fn loss(&self) -> Loss {
        Loss { manifest: self.enforcement().into(), object: self.cell.to_string() }
    }

    /// Whether to make the slot as desired takes it from somebody else, or protects less.
    fn is_loss(&self, live: &ObservedEnforcement) -> bool {
        let Self { cell, desired, context } = self;
        let is_ours = live.guardrail.as_ref().is_some_and(|arn| replica_of(arn, context).is_some());
        if !is_ours {
            return desired.on_foreign == OnForeign::Replace;
        }
        // Embedding models cannot be called under enforcement: to exclude them takes nothing away.
        let nobody = BTreeSet::new();
        let embeddings = match context.facts.embeddings.get(&cell.region) {
            Some(models) if desired.settings.exclude_embeddings => models,
            Some(_) | None => &nobody,
        };
        let old = EnforcementSettings {
            models: live.models.clone(),
            exclude_embeddings: false,
            guarding: live.guarding,
        };
        is_narrower(&old, &desired.settings, embeddings)
    }

    fn is_ours(&self, live: &ObservedEnforcement, desired: &GuardrailArn) -> bool {
        live.guardrail
            .as_ref()
            .is_some_and(|arn| arn == desired || replica_of(arn, self.context).is_some())
    }

    fn document(&self, live: &ObservedEnforcement) -> Value {
        let settings = EnforcementSettings {
            models: live.models.clone(),
            exclude_embeddings: false,
            guarding: live.guarding,
        };
        document(&named(live, self.context), &settings)
    }
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
