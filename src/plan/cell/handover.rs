//! Lets a slot go only once the organization policy that is to enforce there instead does (S2).

use crate::model::{Cell, Name, PolicyId, Presence, TargetId};
use crate::plan::confirm::Sightings;
use crate::plan::context::Context;
use crate::plan::step::{Held, HoldReason};

/// What lasts while the slot is given up and an organization policy that enforces there is attached.
const SUCCESSOR: &str = "the organization policy that enforces here";

/// Whether nothing is to take over from the slot of a cell, or something has: it was seen to be
/// attached for as long as it may take to reach the accounts (`aws-facts` 3.3).
pub(super) fn succeeded(
    cell: &Cell,
    memory: &mut Sightings,
    context: &Context,
) -> Result<(), Held> {
    let Some(fleet) = &context.facts.fleet else {
        let message = "it will be removed once the organization was read";
        return Err(Held::for_fact(HoldReason::Unreadable, message));
    };
    let line = fleet.lineage(&TargetId::Account(cell.account.clone()));
    let successors: Vec<&Name> = context
        .organization
        .iter()
        .filter(|(_, desired)| {
            desired.state == Presence::Present
                && desired.regions.contains(&cell.region)
                && line.iter().any(|target| desired.targets.contains(target))
        })
        .map(|(name, _)| name)
        .collect();
    let Some(first) = successors.first() else { return Ok(()) };
    let since = |id: &PolicyId, place: &str| {
        let since = context.facts.policies_since.get(&(id.clone(), place.to_owned()));
        since.copied().unwrap_or(context.now)
    };
    let attached = context.facts.own_policies.iter().flatten().filter_map(|(id, policy)| {
        let is_successor = policy.enforcement.as_ref().is_some_and(|it| successors.contains(&it))
            && policy.regions.contains(cell.region.as_str());
        let targets = line.iter().filter(|target| is_successor && policy.targets.contains(target));
        let first = targets.map(|target| since(id, &target.to_string())).min()?;
        Some(first.max(since(id, cell.region.as_str())))
    });
    let Some(since) = attached.min() else {
        let message = format!(
            "it will be removed once OrganizationEnforcement/{first} enforces here instead, which \
             is not attached yet"
        );
        return Err(Held::for_fact(HoldReason::NotEffective, message));
    };
    let grace = context.timing.own_write_grace;
    let lasted = context.now.saturating_sub(since).min(memory.lasts(SUCCESSOR, context.now));
    let wait = grace.saturating_sub(lasted);
    if wait.is_zero() {
        return Ok(());
    }
    let message = format!(
        "it will be removed once OrganizationEnforcement/{first}, which is attached, has had time \
         to reach the account"
    );
    Err(Held::after(HoldReason::NotEffective, wait, message))
}
