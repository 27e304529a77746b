//! Holds what a foreign policy would bend, and says what it bends already (DESIGN section 8).
//!
//! | what | held |
//! |---|---|
//! | a Region's block, where the policy is attached | if an account would be bent that is not yet |
//! | an attachment | the same; not where this process saw it in place before: that restores |
//! | nothing to write | reported for as long as it lasts: attached is not enforced |
//!
//! What is bent already holds up no change: a stranger's policy at one unit would otherwise keep
//! all others from the next revision.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::document;
use super::enforcement::Visit;
use super::find::Shards;
use crate::model::{ObservedOrganization, ObservedPolicy, PolicyId, Region, TargetId};
use crate::plan::confirm::{Sightings, Timing};
use crate::plan::context::Context;
use crate::plan::effective::{Bend, Landscape};
use crate::plan::hold::listed;
use crate::plan::step::{Held, HoldReason, Plan};

/// So many times the time that a write may take to show, an effective policy may take to follow.
const FOLLOWS_WITHIN: u32 = 5;

impl Visit<'_> {
    /// Why a Region's block is not changed now, if so: where the enforcement is attached, a
    /// foreign policy would make something else of it.
    pub(super) fn admits_block(
        &self,
        region: &Region,
        new: &Value,
        shards: &Shards,
    ) -> Result<(), Held> {
        let landscape = &self.landscape;
        if !landscape.has_foreign() {
            return Ok(());
        }
        let has =
            |live: &ObservedPolicy| document::blocks(&live.content).contains_key(region.as_str());
        let holder = shards.values().find(|shard| has(shard.live));
        let targets: BTreeSet<TargetId> = match holder {
            Some(shard) => shard.live.targets.clone(),
            None => shards.values().flat_map(|shard| shard.live.targets.clone()).collect(),
        };
        let blocks = holder.map(|shard| document::blocks(&shard.live.content));
        let mut blocks = blocks.unwrap_or_default();
        blocks.insert(region.to_string(), new.clone());
        let content = document::document(&blocks);
        let changed = landscape.with(holder.map(|it| &it.live.id), &content, &targets);
        bent(self.name, &landscape.newly_bent(&changed))
    }

    /// Why a policy is not attached now, if so.
    pub(super) fn admits_attachment(
        &self,
        live: &ObservedPolicy,
        target: &TargetId,
        content: &Value,
    ) -> Result<(), Held> {
        let targets = live.targets.iter().chain([target]).cloned().collect();
        let changed = self.landscape.with(Some(&live.id), content, &targets);
        bent(self.name, &self.landscape.newly_bent(&changed)).map_err(|held| {
            let place = self.fleet.describe(target);
            let message = format!("{} is not attached to {place}: {}", self.name, held.message);
            Held { message, ..held }
        })
    }
}

fn bent(name: &impl std::fmt::Display, bends: &[Bend]) -> Result<(), Held> {
    if bends.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = by_culprit(bends)
        .map(|(by, what)| format!("{by} would change what {name} says of {what}"))
        .collect();
    let message = format!(
        "{}; detach it, lock the Region above it (`allowOverride: false`), or name other targets",
        messages.join("; ")
    );
    Err(Held::for_person(HoldReason::ForeignPolicy, message))
}

/// What each foreign policy, or each set of them, does: Regions, accounts, fields.
fn by_culprit(bends: &[Bend]) -> impl Iterator<Item = (&str, String)> {
    let mut culprits: BTreeMap<&str, Vec<&Bend>> = BTreeMap::new();
    for bend in bends {
        culprits.entry(&bend.by).or_default().push(bend);
    }
    culprits.into_iter().map(|(by, bends)| {
        let accounts: BTreeSet<_> = bends.iter().flat_map(|it| &it.accounts).collect();
        let regions: BTreeSet<String> =
            bends.iter().map(|it| format!("{} ({})", it.region, it.does)).collect();
        (by, format!("{} in {}", listed(regions), listed(accounts)))
    })
}

/// Says where what is attached is not what is enforced: what foreign policies bend, and what
/// accounts show that follows from no policy.
pub(super) fn report(
    landscape: &Landscape,
    observed: &ObservedOrganization,
    memory: &mut Sightings,
    context: &Context,
    plan: &mut Plan,
) {
    let survey = landscape.survey(&observed.effective);
    for (by, what) in by_culprit(&survey.bends) {
        let message = format!(
            "{by} changes what is enforced: {what}; detach it, or lock the Region above it \
             (`allowOverride: false`)"
        );
        plan.hold(Held::for_person(HoldReason::ForeignPolicy, message));
    }
    if let Some(unread) = &survey.unread {
        plan.hold(Held::unread("the effective policy of a witness", unread, context));
    }
    let timing = context.timing;
    for witness in observed.effective.keys() {
        let object = format!("effective/{witness}");
        let Some((accounts, what)) = survey.differing.get(witness) else {
            memory.forget(&object);
            continue;
        };
        let message = format!(
            "what is attached is not in effect in {}, as {witness} shows: {what}",
            listed(accounts)
        );
        plan.hold(if memory.noticed(&object, context.now) < patience(timing) {
            Held::after(HoldReason::InProgress, timing.confirm_after, message)
        } else {
            Held::after(HoldReason::NotEffective, timing.own_write_grace, message)
        });
    }
}

/// How long accounts may take to follow what was written, before they are said not to.
pub(super) fn patience(timing: &Timing) -> Duration {
    timing.own_write_grace.saturating_mul(FOLLOWS_WITHIN)
}

/// The memory that this process saw a policy attached.
pub(super) fn in_place(policy: &PolicyId, target: &TargetId) -> String {
    format!("{}{target}", all_in_place(policy))
}

/// How all these memories of a policy begin.
pub(super) fn all_in_place(policy: &PolicyId) -> String {
    format!("in-place/{policy}/")
}
