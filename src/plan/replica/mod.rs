//! Decides what one guardrail in one account and Region needs: to exist, to be ours, to be shared,
//! to have the right DRAFT, and a published version of it.

mod collect;
mod content;
mod fact;
mod index;
mod memory;
mod publish;
mod trial;
mod twins;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

pub(super) use content::document;
pub use fact::replica_fact;
pub use memory::ReplicaMemory;
pub use trial::{Exam, Subject, TestState, live_versions, scheduled_exam, test_state};

use super::confirm::Confirmed;
use super::confirm::Timing;
use super::consent::{self, EnforcementTags};
use super::context::Context;
use super::describe::Effect;
use super::ownership::{GUARDRAIL_TAG, OWNER_TAG, Ownership, ownership, tags};
use super::references::{Search, active_accounts};
use super::rollout;
use super::sharing::plan_guardrail_policy;
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{
    Absent, DesiredReplica, FieldChange, GuardrailStatus, ObservedGuardrail, ObservedReplica,
    Presence, Read, ReplicaKey, Revision, Seen, changes,
};

/// Decides the next steps for one replica.
///
/// | guardrail | owner tag | `Present` | `Absent` |
/// |---|---|---|---|
/// | unknown | | held | held |
/// | absent | | create, once confirmed | nothing |
/// | live | ours | tags, policy, content, version, old versions | delete, once nothing references it |
/// | live | none | adopt if asked, else refused | refused |
/// | live | another | refused | refused |
///
/// # Guarantees
///
/// A plan never both updates and publishes: what is published was read back before.
pub fn plan_replica(
    key: &ReplicaKey,
    desired: &DesiredReplica,
    observed: &ObservedReplica,
    memory: &mut ReplicaMemory,
    context: &Context,
) -> Plan {
    let mut plan = Plan::default();
    let visit = Visit { key, desired, context };
    match &observed.guardrail {
        Read::Unknown(unread) => {
            memory.sightings.reset(GUARDRAIL);
            memory.unsettle();
            plan.hold(Held::unread("the guardrail", unread, context));
        }
        Read::KnownAbsent => {
            memory.unsettle();
            match (desired.state, observed.guardrail.absent()) {
                (Presence::Present, Some(absent)) => visit.create(absent, memory, &mut plan),
                (Presence::Present, None) | (Presence::Absent, _) => {
                    memory.sightings.reset(GUARDRAIL);
                }
            }
        }
        Read::Known(_) => {
            memory.seen();
            if let Some(found) = observed.guardrail.known() {
                visit.live(found, memory, &mut plan);
            }
        }
    }
    // Protect first.
    plan.steps.sort_by_key(|step| step.effect() == Effect::Delete);
    plan
}

/// Under which name a replica's own memory keeps its guardrail.
pub(super) const GUARDRAIL: &str = "guardrail";

/// The arguments that stay the same through one plan.
struct Visit<'a> {
    key: &'a ReplicaKey,
    desired: &'a DesiredReplica,
    context: &'a Context<'a>,
}

impl Visit<'_> {
    fn create(&self, absent: Absent, memory: &mut ReplicaMemory, plan: &mut Plan) {
        let Context { now, timing, .. } = *self.context;
        let confirmed = match memory.sightings.confirm_absent(GUARDRAIL, absent, now, timing) {
            Ok(confirmed) => confirmed,
            Err(wait) => {
                let message = "it will be created once a second complete read finds none";
                return plan.hold(Held::after(HoldReason::Confirming, wait, message));
            }
        };
        let Some(salt) = memory.guardrail_salt() else {
            let message = "CreateGuardrail was accepted three times and none came to be; look for \
                           what deletes it, or ask AWS";
            return plan.hold(Held::for_person(HoldReason::Failed, message));
        };
        plan.steps.push(self.create_step(&salt, confirmed));
    }

    fn create_step(&self, salt: &str, confirmed: Confirmed) -> Step {
        let tags = self.tags();
        Step::CreateGuardrail {
            key: self.key.clone(),
            name: self.desired.name.clone(),
            content: self.desired.content.clone(),
            token: index::guardrail_token(self.key, self.desired, &tags, salt),
            tags,
            confirmed,
        }
    }

    /// Revisions that stay: those that enforcements pin, and those a rollout may go back to.
    fn revisions_kept(&self) -> BTreeSet<Revision> {
        let mut kept = rollout::revisions_in_use(&self.key.guardrail, self.context);
        kept.extend(self.desired.history.revisions.iter().cloned());
        kept
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let mark = (GUARDRAIL_TAG, self.key.guardrail.as_str());
        let mut tags = tags(self.context.owner, mark, &self.desired.tags);
        tags.extend(consent::tags(&self.key.guardrail, self.context).wanted);
        tags.extend(rollout::tags(&self.key.guardrail, self.context).wanted);
        tags
    }

    fn live(
        &self,
        (live, seen): (&ObservedGuardrail, Seen),
        memory: &mut ReplicaMemory,
        plan: &mut Plan,
    ) {
        let owner = ownership(live.tags.get(OWNER_TAG).map(String::as_str), self.context.owner);
        let refused = match (owner, self.desired.state) {
            (Ownership::Ours, Presence::Absent) => {
                return self.remove((live, seen), memory, plan);
            }
            (Ownership::Ours, Presence::Present) => None,
            (Ownership::Nobodys, Presence::Present) if self.desired.adopt => None,
            (Ownership::Nobodys, Presence::Present) => Some(format!(
                "{} exists and carries no owner; write `adopt: true` to take it over, or rename \
                 one of the two",
                live.arn
            )),
            (Ownership::Nobodys, Presence::Absent) => {
                Some(format!("{} carries no owner and is left alone", live.arn))
            }
            (Ownership::Others(other), _) => Some(format!(
                "{} belongs to `{other}`; rename the guardrail, or have it released there",
                live.arn
            )),
        };
        memory.sightings.reset(GUARDRAIL);
        if let Some(message) = refused {
            memory.unsettle();
            return plan.refuse(format!("Guardrail/{}", self.key.guardrail), message);
        }
        if live.status == GuardrailStatus::Deleting {
            memory.unsettle();
            let message = "AWS is deleting it; it will be created again afterwards";
            let wait = self.context.timing.confirm_after;
            return plan.hold(Held::after(HoldReason::InProgress, wait, message));
        }
        self.tag(live, plan);
        // Access before anything can reference what is published below.
        plan_guardrail_policy(
            (self.key, &live.arn),
            (&self.desired.share, &live.policy),
            &mut memory.sightings,
            self.context,
            plan,
        );
        content::plan_content(self, live, memory, plan);
        twins::plan_choice(self, live, plan);
        collect::plan_collection(self, (live, seen), memory, plan);
    }

    /// Sets what is missing or different of our tags and the user's; foreign tags are left alone.
    fn tag(&self, live: &ObservedGuardrail, plan: &mut Plan) {
        // What its tags record is a fact only together with its resource policy; to write them from
        // nothing would forget what a text gave up, and how far a rollout is.
        if live.policy.unread().is_some() && !self.context.facts.replicas.contains_key(self.key) {
            return;
        }
        let EnforcementTags { mut unwanted, is_unsettled, .. } =
            consent::tags(&self.key.guardrail, self.context);
        unwanted.extend(rollout::tags(&self.key.guardrail, self.context).unwanted);
        plan.is_unsettled |= is_unsettled;
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::TagsOverwritten) {
            let is_foreign = |tag: &&String| !tag.starts_with("bedrail:");
            unwanted.extend(live.tags.keys().filter(is_foreign).cloned());
        }
        let gone: BTreeMap<&String, &String> =
            live.tags.iter().filter(|(key, _)| unwanted.contains(*key)).collect();
        if !gone.is_empty() {
            plan.steps.push(Step::UntagGuardrail {
                arn: live.arn.clone(),
                keys: gone.keys().map(|key| (*key).clone()).collect(),
                changes: gone
                    .iter()
                    .map(|(key, value)| {
                        FieldChange::new(&format!("tags.{key}"), Some((*value).clone()), None)
                    })
                    .collect(),
            });
        }
        let tags = self.tags();
        let ours: serde_json::Map<_, _> = live
            .tags
            .iter()
            .filter(|(key, _)| tags.contains_key(*key))
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let changes = changes(&json!({"tags": ours}), &json!({"tags": tags}));
        if ours.len() != tags.len() || !changes.is_empty() {
            plan.steps.push(Step::TagGuardrail { arn: live.arn.clone(), tags, changes });
        }
    }

    /// Deletes it once nothing in the whole fleet references it (S5, S10).
    fn remove(
        &self,
        (live, seen): (&ObservedGuardrail, Seen),
        memory: &mut ReplicaMemory,
        plan: &mut Plan,
    ) {
        memory.unsettle();
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::TearDownForgotten) {
            return;
        }
        let Context { now, timing, facts, .. } = *self.context;
        if live.status == GuardrailStatus::Deleting {
            let message = "AWS is deleting it";
            return plan.hold(Held::after(HoldReason::InProgress, timing.confirm_after, message));
        }
        let Some(fleet) = &facts.fleet else {
            memory.sightings.reset(GUARDRAIL);
            let message = "deleting it waits until the organization was read";
            return plan.hold(Held::for_fact(HoldReason::Unreadable, message));
        };
        let search = Search {
            accounts: &active_accounts(fleet),
            regions: &BTreeSet::from([self.key.region.clone()]),
            concerns: &|arn, _| *arn == live.arn,
            can_adopt: &|account| collect::can_adopt(live, &self.desired.share, account, fleet),
        };
        if !search.finds_none("deleting it", self.context, plan) {
            return memory.sightings.reset(GUARDRAIL);
        }
        // An organization policy that is gone is in effect for a while (`aws-facts` 3.3), and calls
        // that fall under it fail once its guardrail is gone.
        let patience = timing.confirm_after.max(timing.own_write_grace);
        let patient = Timing { confirm_after: patience, ..*timing };
        match memory.sightings.confirm_removable(GUARDRAIL, seen, now, &patient) {
            Ok(confirmed) => {
                let since = memory.sightings.removable_since(GUARDRAIL);
                if search.is_read_since(since, "deleting it", self.context, plan) {
                    plan.steps.push(Step::DeleteGuardrail { arn: live.arn.clone(), confirmed });
                }
            }
            Err(wait) => {
                let message = "it will be deleted once a second pass finds it unreferenced";
                plan.hold(Held::after(HoldReason::Confirming, wait, message));
            }
        }
    }
}
