//! Decides where the calls of models in one account and Region are logged.
//!
//! AWS keeps one configuration per cell and no mark of who put it. So the slot belongs to the
//! manifest that claims the cell, and whose a configuration is, follows from what it says and from
//! what this process has seen ([`LoggingMemory`]). After a restart that is forgotten, and everything
//! errs on the careful side: nothing is removed, and what differs counts as somebody else's.

mod destination;
mod memory;
#[cfg(test)]
mod tests;
mod unclaimed;

use serde_json::Value;

use super::context::Context;
use super::describe::sighting;
use super::step::{Held, HoldReason, Loss, Plan, Step};
use crate::model::{
    Cell, DesiredLogging, LoggingConfig, ManifestKey, OnForeign, Presence, Read, Seen, changes,
};

pub(in crate::plan) use destination::spoken;
pub use memory::LoggingMemory;
pub use unclaimed::{
    LoggingTemplates, UnclaimedLogging, judge_unclaimed_logging, logging_templates,
};

/// Decides the next step for the logging of a cell that a manifest claims.
///
/// | live | `Present` | `Absent` |
/// |---|---|---|
/// | unknown | held | held |
/// | nothing | put, at once | nothing |
/// | as the text asks | nothing | delete, once confirmed |
/// | known to be ours: the text has changed | put, at once | left alone |
/// | anything else | put or held, by `onForeign` | left alone |
///
/// A loss is what is deleted, what our own text narrows, and what another's configuration logs and
/// the new one does not. Drift, where this process saw the text in force before, is none.
pub fn plan_logging(
    cell: &Cell,
    desired: &DesiredLogging,
    observed: &Read<LoggingConfig>,
    memory: &mut LoggingMemory,
    context: &Context,
) -> Plan {
    let mut plan = Plan::default();
    if let Read::Unknown(unread) = observed {
        memory.sightings.reset(sighting::SLOT);
        plan.hold(Held::unread("the invocation logging", unread, context));
        return plan;
    }
    let live = observed.known();
    memory.saw(live.map(|(live, _)| live), desired);
    match desired.state {
        Presence::Present => {
            memory.sightings.reset(sighting::SLOT);
            put(cell, desired, live.map(|(live, _)| live), memory, context, &mut plan);
        }
        Presence::Absent => match live {
            Some(found) if *found.0 == desired.config => {
                delete(cell, desired, found, memory, context, &mut plan);
            }
            Some(_) => {
                memory.sightings.reset(sighting::SLOT);
                let message = format!(
                    "is not what InvocationLogging/{} says, so it is left alone: write there what \
                     is live, or remove it by hand",
                    desired.manifest
                );
                plan.orphan(format!("invocation logging in {cell}"), message);
            }
            None => memory.sightings.reset(sighting::SLOT),
        },
    }
    plan
}

/// Reports what is left of a manifest that claims the cell no more. It is left alone.
pub fn plan_left_logging(
    cell: &Cell,
    left: &DesiredLogging,
    observed: &Read<LoggingConfig>,
) -> Plan {
    let mut plan = Plan::default();
    if observed.known().is_some_and(|(live, _)| *live == left.config) {
        let message = format!(
            "is as InvocationLogging/{} asked, although no manifest claims this cell any more; it is \
             left alone: write one with `state: Absent` to remove it, or `Present` to keep it",
            left.manifest
        );
        plan.orphan(format!("invocation logging in {cell}"), message);
    }
    plan
}

#[expect(clippy::too_many_arguments, reason = "one of two ways on from the same arguments")]
fn put(
    cell: &Cell,
    desired: &DesiredLogging,
    live: Option<&LoggingConfig>,
    memory: &LoggingMemory,
    context: &Context,
    plan: &mut Plan,
) {
    let config = &desired.config;
    if live == Some(config) {
        return;
    }
    let is_loss = live.is_some_and(|live| memory.is_loss(live, config));
    if let Some(live) = live
        && desired.on_foreign == OnForeign::Hold
        && !memory.is_ours(live)
    {
        let message = format!(
            "calls are logged to {}, which this process did not put there, and `onForeign` is \
             `Hold`; remove it or write `Replace`",
            spoken(live)
        );
        return plan.hold(Held::for_person(HoldReason::ForeignConfiguration, message));
    }
    if is_loss {
        plan.losses.push(loss(cell, desired));
    }
    if let Some((said, left)) = memory.refused(config, context.now) {
        let message = destination::explain(config, cell, said, context);
        return plan.hold(Held::after(HoldReason::DestinationRefused, left, message));
    }
    plan.steps.push(Step::PutLogging {
        cell: cell.clone(),
        manifest: desired.manifest.clone(),
        config: config.clone(),
        is_update: live.is_some(),
        is_loss,
        changes: changes(&live.map_or(Value::Null, LoggingConfig::document), &config.document()),
    });
}

#[expect(clippy::too_many_arguments, reason = "one of two ways on from the same arguments")]
fn delete(
    cell: &Cell,
    desired: &DesiredLogging,
    (live, seen): (&LoggingConfig, Seen),
    memory: &mut LoggingMemory,
    context: &Context,
    plan: &mut Plan,
) {
    plan.losses.push(loss(cell, desired));
    let confirmed =
        memory.sightings.confirm_removable(sighting::SLOT, seen, context.now, context.timing);
    match confirmed {
        Ok(confirmed) => plan.steps.push(Step::DeleteLogging {
            cell: cell.clone(),
            manifest: desired.manifest.clone(),
            config: live.clone(),
            changes: changes(&live.document(), &Value::Null),
            confirmed,
        }),
        Err(wait) => {
            let message = "it will be removed once a second complete read shows it";
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }
}

fn loss(cell: &Cell, desired: &DesiredLogging) -> Loss {
    Loss {
        manifest: ManifestKey::InvocationLogging(desired.manifest.clone()),
        object: format!("invocation logging in {cell}"),
    }
}
