//! Decides which old versions go.
//!
//! A version takes one of AWS's twenty places, which cannot be raised, so that a guardrail that is
//! edited now and then cannot be published any more after a while. What somebody may still need
//! stays: see [`Reason`].
//!
//! What is not seen: applications that name a version in their own requests, agents and the like.
//! AWS refuses to delete a version it knows to be in use, and that is taken for an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::index::indexed;
use super::publish::{VERSIONS_MAX, is_published};
use super::twins::rank;
use super::{ReplicaMemory, Visit};
use crate::model::{
    AccountId, Cell, DesiredReplica, Fleet, GuardrailArn, GuardrailStatus, History,
    ObservedGuardrail, ObservedVersion, Read, Revision, Seen, Share, Version,
};
use crate::plan::confirm::Confirmed;
use crate::plan::context::Context;
use crate::plan::describe::sighting;
use crate::plan::hold::listed;
use crate::plan::references::{Search, active_accounts, holders};
use crate::plan::sharing::{may_admit, means};
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// Why a version stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// It is what the manifest says now.
    Current,
    /// These reference it: enforced configurations and Bedrock policies, ours or anybody's.
    Referenced(Vec<String>),
    /// `keepVersions` names it.
    Asked,
    /// An enforcement pins its revision, or a rollout may go back to it.
    Pinned,
    /// The newest beside the current one: what was in force before.
    Previous,
    /// One of the `revisionHistoryLimit` next ones.
    Recent,
    /// Its description is no index of ours: somebody else published it.
    Foreign,
    /// Its content could not be read, so it may be any of these.
    Unread,
    /// AWS is still making it, or already deleting it.
    Unfinished,
    /// AWS refused to delete it, since something uses it.
    InUse,
}

impl Reason {
    fn as_text(&self) -> String {
        match self {
            Self::Current => "is what the manifest says".to_owned(),
            Self::Referenced(by) => format!("is referenced by {}", listed(by)),
            Self::Asked => "is named by `keepVersions`".to_owned(),
            Self::Pinned => "is pinned".to_owned(),
            Self::Previous => "was in force before".to_owned(),
            Self::Recent => "is kept by `revisionHistoryLimit`".to_owned(),
            Self::Foreign => "was published by somebody else".to_owned(),
            Self::Unread => "could not be read".to_owned(),
            Self::Unfinished => "is being made or deleted by AWS".to_owned(),
            Self::InUse => "is in use, AWS says".to_owned(),
        }
    }
}

/// What decides over a version.
pub(super) struct Rules<'a> {
    pub(super) desired: &'a DesiredReplica,
    /// See [`Visit::revisions_kept`].
    pub(super) kept: &'a BTreeSet<Revision>,
    /// What references each version.
    pub(super) references: &'a BTreeMap<Version, Vec<String>>,
    /// Versions that AWS refused to delete.
    pub(super) in_use: &'a BTreeSet<Version>,
}

/// Splits versions into those that stay, with the reason, and those nobody needs.
///
/// # Guarantees
///
/// Whatever is referenced, named, pinned, current, foreign, unread or the newest beside the current
/// one stays. Once all others are gone, nothing more goes: it is a fixed point.
pub(super) fn sort_out(
    versions: &BTreeMap<Version, ObservedVersion>,
    rules: &Rules,
) -> (BTreeMap<Version, Reason>, BTreeSet<Version>) {
    let mut newest_first: Vec<&ObservedVersion> = versions.values().collect();
    newest_first.sort_by_key(|it| std::cmp::Reverse((it.created_at, it.version)));
    let History { limit, versions: asked, revisions: _ } = &rules.desired.history;
    let is_current = |it: &&&ObservedVersion| is_published(it, &rules.desired.content);
    let current = newest_first.iter().filter(is_current).min_by_key(|it| rank(it));
    let current = current.map(|it| it.version);
    let (mut has_previous, mut spare) = (false, *limit);
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::PreviousCollected) {
        (has_previous, spare) = (true, 0);
    }
    let (mut stay, mut go) = (BTreeMap::new(), BTreeSet::new());
    for version in newest_first {
        let number = version.version;
        let is_ours = indexed(version.description.as_deref()).is_some();
        let revision = match (&version.status, &version.content) {
            (GuardrailStatus::Ready, Read::Known(content)) => Some(content.revision()),
            (GuardrailStatus::Ready, Read::KnownAbsent | Read::Unknown(_))
            | (
                GuardrailStatus::Pending
                | GuardrailStatus::Failed(_)
                | GuardrailStatus::Deleting
                | GuardrailStatus::Other(_),
                _,
            ) => None,
        };
        let is_previous = is_ours && revision.is_some() && current != Some(number) && !has_previous;
        has_previous |= is_previous;
        let is_pinned = revision.as_ref().is_some_and(|it| rules.kept.contains(it));
        let reason = match &version.status {
            GuardrailStatus::Pending | GuardrailStatus::Deleting | GuardrailStatus::Other(_) => {
                Some(Reason::Unfinished)
            }
            GuardrailStatus::Ready | GuardrailStatus::Failed(_) => {
                if current == Some(number) {
                    Some(Reason::Current)
                } else if let Some(by) = referenced(rules, number) {
                    Some(Reason::Referenced(by.clone()))
                } else if asked.contains(&number) {
                    Some(Reason::Asked)
                } else if is_pinned {
                    Some(Reason::Pinned)
                } else if !is_ours {
                    Some(Reason::Foreign)
                } else if rules.in_use.contains(&number) {
                    Some(Reason::InUse)
                } else if is_previous {
                    Some(Reason::Previous)
                } else if version.status == GuardrailStatus::Ready && revision.is_none() {
                    Some(Reason::Unread)
                } else if revision.is_some() && spare > 0 {
                    spare -= 1;
                    Some(Reason::Recent)
                } else {
                    None
                }
            }
        };
        match reason {
            Some(reason) => drop(stay.insert(number, reason)),
            None => drop(go.insert(number)),
        }
    }
    (stay, go)
}

/// Who references a version, if anybody does.
fn referenced<'a>(rules: &'a Rules, number: Version) -> Option<&'a Vec<String>> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::ReferencesForgotten) {
        return None;
    }
    rules.references.get(&number)
}

/// What stays and what may go of one live guardrail. Where all places are taken and the desired
/// content is not among them, history gives way: a guardrail that can go back far but not forward
/// would not be what its manifest says.
fn sorted_out(
    visit: &Visit,
    live: &ObservedGuardrail,
    memory: &ReplicaMemory,
) -> (BTreeMap<Version, Reason>, BTreeSet<Version>) {
    let in_use = memory.in_use(visit.context.now);
    let kept = visit.revisions_kept();
    let rules = Rules {
        desired: visit.desired,
        kept: &kept,
        references: &holders(&live.arn, visit.context),
        in_use: &in_use,
    };
    let (mut stay, mut go) = sort_out(&live.versions, &rules);
    let is_published = live.versions.values().any(|it| is_published(it, &visit.desired.content));
    if live.versions.len() >= VERSIONS_MAX && !is_published && go.is_empty() {
        let age = |number: &Version| live.versions.get(number).map(|it| (it.created_at, *number));
        let recent = stay.iter().filter(|(_, reason)| **reason == Reason::Recent);
        if let Some(oldest) = recent.map(|(number, _)| *number).min_by_key(age) {
            stay.remove(&oldest);
            go.insert(oldest);
        }
    }
    (stay, go)
}

/// Deletes the versions nobody needs, once everything that could reference them was read twice.
pub(super) fn plan_collection(
    visit: &Visit,
    (live, seen): (&ObservedGuardrail, Seen),
    memory: &mut ReplicaMemory,
    plan: &mut Plan,
) {
    let context = visit.context;
    let leaving = live.versions.values().filter(|it| it.status == GuardrailStatus::Deleting);
    let leaving: Vec<Version> = leaving.map(|it| it.version).collect();
    if !leaving.is_empty() {
        // While reads still show it, another process could take it for one to reference.
        let message = format!("AWS is still deleting version {}", listed(leaving));
        plan.hold(Held::after(HoldReason::InProgress, context.timing.confirm_after, message));
    }
    memory.saw_referenced(holders(&live.arn, context).into_keys(), context.now);
    let (stay, mut go) = sorted_out(visit, live, memory);
    let lingering: BTreeMap<Version, Duration> = go
        .iter()
        .map(|number| (*number, memory.lingers_for(*number, context.now, context.timing)))
        .filter(|(_, wait)| !wait.is_zero())
        .collect();
    if let Some(wait) = lingering.values().min() {
        go.retain(|number| !lingering.contains_key(number));
        let versions = listed(lingering.keys());
        let message =
            format!("version {versions} was referenced a moment ago, and may be for some");
        plan.hold(Held::after(HoldReason::Confirming, *wait, message));
    }
    for number in stay.keys().chain(lingering.keys()) {
        memory.sightings.reset(&sighting::version(*number));
    }
    if go.is_empty() {
        return look_again(&stay, live, context, plan);
    }
    let Some(fleet) = &context.facts.fleet else {
        let message = "deleting old versions waits until the organization was read";
        return plan.hold(Held::for_fact(HoldReason::Unreadable, message));
    };
    let search = Search {
        accounts: &active_accounts(fleet),
        regions: &BTreeSet::from([visit.key.region.clone()]),
        concerns: &|arn, version| *arn == live.arn && go.contains(&version),
        can_adopt: &|account| can_adopt(live, &visit.desired.share, account, fleet),
    };
    let what = match go.len() {
        1 => format!("deleting version {}", listed(&go)),
        _ => format!("deleting versions {}", listed(&go)),
    };
    let mut search_plan = Plan::default();
    if search.finds_none(&what, context, &mut search_plan) {
        let due = confirm(&go, (&what, seen), memory, context, plan);
        let since = due.iter().filter_map(|(number, _)| {
            memory.sightings.removable_since(&sighting::version(*number))
        });
        if let Some(since) = since.max()
            && search.is_read_since(Some(since), &what, context, &mut search_plan)
        {
            plan.steps.extend(due.into_iter().map(|(version, confirmed)| Step::DeleteVersion {
                arn: live.arn.clone(),
                version,
                confirmed,
            }));
        }
    } else {
        for number in &go {
            memory.sightings.reset(&sighting::version(*number));
        }
    }
    plan.held.append(&mut search_plan.held);
    // Read for this once: at rest nobody looks at cells that no manifest claims.
    plan.asks.append(&mut search_plan.needs);
    plan.needs_policies |= search_plan.needs_policies;
}

/// Those that two reads agree on.
fn confirm(
    go: &BTreeSet<Version>,
    (what, seen): (&str, Seen),
    memory: &mut ReplicaMemory,
    context: &Context,
    plan: &mut Plan,
) -> Vec<(Version, Confirmed)> {
    let mut due = Vec::new();
    let mut soonest = None;
    for number in go {
        let object = sighting::version(*number);
        let sightings = &mut memory.sightings;
        match sightings.confirm_removable(&object, seen, context.now, context.timing) {
            Ok(confirmed) => due.push((*number, confirmed)),
            Err(wait) => soonest = soonest.into_iter().chain([wait]).min(),
        }
    }
    if let Some(wait) = soonest {
        let message = format!("{what} waits for a second pass that finds nothing that needs it");
        plan.hold(Held::after(HoldReason::Confirming, wait, message));
    }
    due
}

/// Whether `account` could have come to use the guardrail while it could not be read. One that
/// neither the live policy nor the manifest admits cannot: our own policy is never narrowed before
/// the accounts that lose access were read, and what an account cannot apply fails every call of
/// its anyway, whether the version is there or not.
pub(super) fn can_adopt(
    live: &ObservedGuardrail,
    share: &Share,
    account: &AccountId,
    fleet: &Fleet,
) -> bool {
    means(share, account, fleet)
        || match &live.policy {
            Read::Unknown(_) => true,
            Read::Known(policy) => may_admit(Some(policy), &live.arn, account, fleet),
            Read::KnownAbsent => may_admit(None, &live.arn, account, fleet),
        }
}

/// Where all places are taken by what is referenced, looks at the references again now and then:
/// whoever let one go makes room.
fn look_again(
    stay: &BTreeMap<Version, Reason>,
    live: &ObservedGuardrail,
    context: &Context,
    plan: &mut Plan,
) {
    let is_full = plan.held.iter().any(|held| held.reason == HoldReason::Quota);
    let is_referenced = stay.values().any(|it| matches!(it, Reason::Referenced(_)));
    if !is_full || !is_referenced {
        return;
    }
    let is_of_ours = |slot: &Option<(GuardrailArn, Version)>| {
        slot.as_ref().is_some_and(|(arn, _)| *arn == live.arn)
    };
    let is_old = |cell: &Cell| {
        let read = context.facts.cells_read.get(cell);
        read.is_none_or(|read| context.now >= *read + context.timing.own_write_grace)
    };
    let cells = context.facts.cells.iter().filter(|(cell, slot)| is_of_ours(slot) && is_old(cell));
    plan.asks.extend(cells.map(|(cell, _)| cell.clone()));
}

/// Why nothing can be published while all places are taken.
pub(super) fn no_room(visit: &Visit, live: &ObservedGuardrail, memory: &ReplicaMemory) -> Held {
    let (stay, go) = sorted_out(visit, live, memory);
    let revision = visit.desired.revision.short();
    let full = format!(
        "revision {revision} waits for a place: a guardrail has at most {VERSIONS_MAX} versions, \
         and it has {}",
        live.versions.len()
    );
    if !go.is_empty() {
        let message = format!("{full}; nobody seems to need {}", listed(&go));
        return Held::for_fact(HoldReason::Quota, message);
    }
    if live.versions.values().any(|it| it.status == GuardrailStatus::Deleting) {
        let message = format!("{full}, one of which AWS is deleting");
        return Held::after(HoldReason::Quota, visit.context.timing.confirm_after, message);
    }
    let mut reasons: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for (number, reason) in &stay {
        reasons.entry(reason.as_text()).or_default().push(*number);
    }
    let reasons: Vec<String> =
        reasons.iter().map(|(reason, numbers)| format!("{} {reason}", listed(numbers))).collect();
    let message = format!(
        "{full}, all of them needed ({}); release one of them, or delete one by hand",
        reasons.join("; ")
    );
    Held::for_person(HoldReason::Quota, message)
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
