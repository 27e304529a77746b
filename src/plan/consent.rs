//! Tells what the text of the manifests gave up from what merely left a selection.
//!
//! The replicas of a guardrail carry, as tags, the names of the enforcements that use it and what
//! their text selected. A text that selects less than its tag gave the difference up: that is
//! consent. What left a selection by itself, and all of a guardrail one of whose enforcements has
//! no manifest any more, stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::hold::listed;
use super::reference::replica_of;
use super::references::active_accounts;
use super::step::{Held, HoldReason};
use crate::model::{
    Cell, DesiredEnforcement, EnforcementKey, EnforcementKind, Fleet, Name, OnDeselect, PolicyFact,
    Presence, Selection, TargetId, marks_of_account, marks_of_target,
};

/// What the text says of something of ours that it does not select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The text of this enforcement gave it up, or releases what leaves its selection.
    GivenUp(EnforcementKey),
    /// It may still be meant: why.
    Unclear(String),
    /// It left the selection although the text is unchanged.
    Deselected,
}

/// What a tag records, by enforcement; all replicas of a guardrail together.
type Recorded = BTreeMap<EnforcementKey, Option<Selection>>;

/// What the tags on the replicas of `guardrail` record.
fn recorded(guardrail: &Name, context: &Context) -> Recorded {
    let mut all = Recorded::new();
    let replicas = context.facts.replicas.iter().filter(|(key, _)| key.guardrail == *guardrail);
    for (key, selection) in replicas.flat_map(|(_, fact)| &fact.enforcements) {
        let known = all.entry(key.clone()).or_default();
        // All replicas say the same, but for the moment in which it changes.
        if known == selection {
            continue;
        }
        *known = match (known.take(), selection) {
            (Some(before), Some(selection)) => Some(before.union(selection)),
            (before, selection) => before.or_else(|| selection.clone()),
        };
    }
    all
}

/// The manifest of an enforcement that a tag names, also by a former name.
fn manifest<'a>(
    key: &EnforcementKey,
    context: &Context<'a>,
) -> Option<(&'a EnforcementKey, &'a DesiredEnforcement)> {
    let all = context.enforcements;
    all.get_key_value(key).or_else(|| {
        all.iter().find(|(it, text)| it.kind == key.kind && text.former_names.contains(&key.name))
    })
}

/// Enforcements that the tags of `guardrail` name and no manifest describes: their files are gone.
pub(super) fn orphans(guardrail: &Name, context: &Context) -> Vec<EnforcementKey> {
    let names = recorded(guardrail, context).into_keys();
    names.filter(|key| manifest(key, context).is_none()).collect()
}

/// Why nothing of the enforcement of `guardrail` is taken away now, if so.
pub(super) fn blocked(guardrail: &Name, context: &Context) -> Option<Held> {
    let gone = orphans(guardrail, context);
    (!gone.is_empty()).then(|| {
        let message = format!(
            "nothing of the enforcement of {guardrail} is taken away while the manifest of {} is \
             missing: put its file back, or write it with `state: Absent`",
            listed(gone)
        );
        Held::for_person(HoldReason::Orphaned, message)
    })
}

/// What the text says of a cell that references `guardrail` and that no manifest claims.
pub(super) fn of_cell(guardrail: &Name, cell: &Cell, context: &Context) -> Standing {
    let Some(fleet) = &context.facts.fleet else {
        return Standing::Unclear("the organization was not read yet".to_owned());
    };
    if context.kept.contains(cell) {
        return Standing::Unclear("a manifest selects it and cannot have it".to_owned());
    }
    let marks = marks_of_account(&cell.account, fleet);
    let gave_up = |old: &Selection, now: &Selection| old.gave_up_cell(now, cell, &marks);
    standing(EnforcementKind::Account, &recorded(guardrail, context), &gave_up, context)
}

/// Whether some text gave a cell up, whatever stands in it.
pub(super) fn is_given_up(cell: &Cell, context: &Context) -> bool {
    let Some(fleet) = &context.facts.fleet else { return false };
    let marks = marks_of_account(&cell.account, fleet);
    let tags = context.facts.replicas.values().flat_map(|fact| &fact.enforcements);
    tags.filter(|(key, _)| key.kind == EnforcementKind::Account).any(|(key, old)| {
        manifest(key, context).is_some_and(|(_, text)| {
            old.as_ref().is_some_and(|old| old.gave_up_cell(&text.selection, cell, &marks))
        })
    })
}

/// What the text says of a target of the policy of `enforcement`.
pub(super) fn of_target(
    enforcement: &EnforcementKey,
    target: &TargetId,
    fleet: &Fleet,
    context: &Context,
) -> Standing {
    let marks = marks_of_target(target, fleet);
    let gave_up = |old: &Selection, now: &Selection| old.gave_up_target(now, target, &marks);
    let recorded = recorded_of(enforcement, context);
    standing(EnforcementKind::Organization, &recorded, &gave_up, context)
}

/// What the text says of a Region's block in the policy of `enforcement`.
pub(super) fn of_region(enforcement: &EnforcementKey, region: &str, context: &Context) -> Standing {
    let gave_up = |old: &Selection, now: &Selection| old.gave_up_region(now, region);
    let recorded = recorded_of(enforcement, context);
    standing(EnforcementKind::Organization, &recorded, &gave_up, context)
}

/// What any tag records of one enforcement: its text may have named another guardrail before.
fn recorded_of(enforcement: &EnforcementKey, context: &Context) -> Recorded {
    let guardrails: BTreeSet<&Name> =
        context.facts.replicas.keys().map(|key| &key.guardrail).collect();
    let is_its = |key: &EnforcementKey| {
        manifest(key, context).is_some_and(|(current, _)| current == enforcement)
    };
    let mut all = Recorded::new();
    for guardrail in guardrails {
        all.extend(recorded(guardrail, context).into_iter().filter(|(key, _)| is_its(key)));
    }
    all
}

fn standing(
    kind: EnforcementKind,
    recorded: &Recorded,
    gave_up: &dyn Fn(&Selection, &Selection) -> bool,
    context: &Context,
) -> Standing {
    // A selection that resolves to nothing may mean anything, also what another gave up.
    let unresolved = |(key, text): &(&EnforcementKey, &DesiredEnforcement)| {
        key.kind == kind && text.is_unresolved
    };
    if let Some((key, _)) = context.enforcements.iter().find(unresolved) {
        return Standing::Unclear(format!("a target of {key} is refused and may mean it"));
    }
    let mut releases: Vec<&EnforcementKey> = Vec::new();
    let mut keeps = false;
    for (key, old) in recorded.iter().filter(|(key, _)| key.kind == kind) {
        let Some((current, text)) = manifest(key, context) else { continue };
        if old.as_ref().is_some_and(|old| gave_up(old, &text.selection)) {
            return Standing::GivenUp(current.clone());
        }
        match text.on_deselect {
            OnDeselect::Release => releases.push(current),
            OnDeselect::Keep => keeps = true,
        }
    }
    // Which of several it left cannot be told, so all must agree.
    match releases.first() {
        Some(release) if !keeps => Standing::GivenUp((*release).clone()),
        Some(_) | None => Standing::Deselected,
    }
}

/// What the tags of a replica should say of the enforcements of its guardrail.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EnforcementTags {
    /// To be there, with these values.
    pub(super) wanted: BTreeMap<String, String>,
    /// To be gone, if they are there.
    pub(super) unwanted: BTreeSet<String>,
    /// Whether some wait until what was given up is gone.
    pub(super) is_unsettled: bool,
}

/// Decides the tags of every replica of `guardrail`. What a text selects in addition is recorded at
/// once; what it gave up stays recorded until it is gone, so that a crash halfway loses no consent.
/// A name without a manifest is not touched.
pub(super) fn tags(guardrail: &Name, context: &Context) -> EnforcementTags {
    let recorded = recorded(guardrail, context);
    let mut tags = EnforcementTags::default();
    for (key, text) in context.enforcements {
        let names: Vec<&EnforcementKey> = recorded
            .keys()
            .filter(|it| manifest(it, context).is_some_and(|(current, _)| current == key))
            .collect();
        let old = names
            .iter()
            .filter_map(|name| recorded.get(name)?.clone())
            .reduce(|one, other| one.union(&other));
        let is_used = text.guardrail == *guardrail && text.state == Presence::Present;
        if !is_used && names.is_empty() {
            continue;
        }
        let is_settled = match &old {
            Some(old) if is_used && !old.is_narrowed_by(&text.selection) => true,
            Some(_) => is_settled(guardrail, key, context),
            None => is_used || is_settled(guardrail, key, context),
        };
        tags.is_unsettled |= !is_settled;
        if is_settled {
            let former = names.into_iter().filter(|name| *name != key || !is_used);
            tags.unwanted.extend(former.map(EnforcementKey::tag));
        }
        let value = match old {
            Some(old) if !is_settled => Some(old.union(&text.selection)),
            Some(_) | None => is_used.then(|| text.selection.clone()),
        };
        tags.wanted.extend(value.map(|value| (key.tag(), value.to_string())));
    }
    tags
}

/// Whether it is known that nothing is left of what the text of an enforcement gave up of
/// `guardrail`.
fn is_settled(guardrail: &Name, key: &EnforcementKey, context: &Context) -> bool {
    let Some(fleet) = &context.facts.fleet else { return false };
    let Some(text) = context.enforcements.get(key) else { return false };
    if text.is_unresolved || context.facts.is_in_doubt {
        return false;
    }
    match key.kind {
        EnforcementKind::Account => no_cell_left(guardrail, key, fleet, context),
        EnforcementKind::Organization => no_target_left(key, text, fleet, context),
        // Its own policies carry what its text selects, not the replicas of a guardrail.
        EnforcementKind::ServiceControl => true,
    }
}

fn no_cell_left(guardrail: &Name, key: &EnforcementKey, fleet: &Fleet, context: &Context) -> bool {
    let replicas = context.replicas.keys().filter(|it| it.guardrail == *guardrail);
    let regions: BTreeSet<_> = replicas.map(|it| &it.region).collect();
    active_accounts(fleet).into_iter().all(|account| {
        regions.iter().all(|region| {
            let cell = Cell { account: account.clone(), region: (*region).clone() };
            let Some(slot) = context.facts.cells.get(&cell) else { return false };
            // What was read before our own write does not show what it put there.
            if context.facts.slots_written.contains_key(&cell) {
                return false;
            }
            let found = slot.as_ref().and_then(|(arn, _)| replica_of(arn, context));
            if found.is_none_or(|(replica, _)| replica.guardrail != *guardrail) {
                return true;
            }
            match context.cells.get(&cell) {
                Some(claim) if claim.enforcement == key.name => {
                    claim.state == Presence::Present && claim.replica.guardrail == *guardrail
                }
                Some(_) => true,
                None => match of_cell(guardrail, &cell, context) {
                    Standing::GivenUp(by) => by != *key,
                    Standing::Unclear(_) => false,
                    Standing::Deselected => true,
                },
            }
        })
    })
}

fn no_target_left(
    key: &EnforcementKey,
    text: &DesiredEnforcement,
    fleet: &Fleet,
    context: &Context,
) -> bool {
    let Some(policies) = &context.facts.own_policies else { return false };
    if context.facts.policies_written.is_some() {
        return false;
    }
    let Some(desired) = context.organization.get(&key.name) else { return false };
    let is_gone = |standing: Standing| standing == Standing::Deselected;
    let targets = |policy: &PolicyFact| {
        let extra = policy.targets.difference(&desired.targets);
        extra.into_iter().all(|it| is_gone(of_target(key, it, fleet, context)))
    };
    let regions = |policy: &PolicyFact| {
        let is_named = |region: &&String| desired.regions.iter().any(|it| it.as_str() == *region);
        let mut extra = policy.regions.iter().filter(|region| !is_named(region));
        extra.all(|it| is_gone(of_region(key, it, context)))
    };
    let is_its = |name: &Name| *name == key.name || text.former_names.contains(name);
    policies
        .values()
        .filter(|it| it.enforcement.as_ref().is_some_and(is_its))
        .all(|it| text.state == Presence::Present && targets(it) && regions(it))
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
