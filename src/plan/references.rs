//! Finds what still references a guardrail before it, or access to it, goes (S5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::Context;
use super::hold::listed;
use super::step::{Held, HoldReason, Plan};
use crate::model::{AccountId, AccountState, Cell, Fleet, GuardrailArn, Region, Version};

/// What references each version of a guardrail, as far as was read: cells of any Region, those that
/// cannot be read any more included, and Bedrock policies.
pub(super) fn holders(arn: &GuardrailArn, context: &Context) -> BTreeMap<Version, Vec<String>> {
    let facts = context.facts;
    let mut holders: BTreeMap<Version, Vec<String>> = BTreeMap::new();
    let slots = facts.cells.iter().filter_map(|(cell, slot)| Some((cell, slot.as_ref()?)));
    for (cell, (_, version)) in slots.filter(|(_, (other, _))| other == arn) {
        holders.entry(*version).or_default().push(format!("cell {cell}"));
    }
    for (cell, unreadable) in &facts.cells_unreadable {
        let seen = unreadable.last_seen.as_ref().filter(|(other, _)| other == arn);
        if let Some((_, version)) = seen {
            let by = format!("cell {cell}, when it was last read");
            holders.entry(*version).or_default().push(by);
        }
    }
    let named = facts.policies.iter().flatten().filter(|(other, _)| other == arn);
    for (_, version) in named {
        holders.entry(*version).or_default().push("a Bedrock policy".to_owned());
    }
    holders
}

/// Which references are looked for.
pub(super) struct Search<'a> {
    /// Accounts whose slots could hold one.
    pub(super) accounts: &'a BTreeSet<AccountId>,
    /// Regions of those slots.
    pub(super) regions: &'a BTreeSet<Region>,
    /// Whether a version is the one, or one of those, that must not be referenced.
    pub(super) concerns: &'a dyn Fn(&GuardrailArn, Version) -> bool,
    /// Whether an account that cannot be read could have come to reference it since it was last
    /// seen without.
    pub(super) can_adopt: &'a dyn Fn(&AccountId) -> bool,
}

/// What is known of the slots of a search.
#[derive(Default)]
struct Slots {
    /// What references it.
    by: Vec<String>,
    /// Cells that may reference it, as far as is known.
    unknown: Vec<Cell>,
    /// Those of them to be read now.
    to_read: Vec<Cell>,
}

impl Search<'_> {
    /// Whether it is proven that nothing references it. Otherwise the plan says what does, or what
    /// must be read first; `change` is what waits for it.
    ///
    /// An account that was asked and could not be read blocks only what it was last seen on or
    /// could have adopted since (S10).
    pub(super) fn finds_none(&self, change: &str, context: &Context, plan: &mut Plan) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::ReferencesForgotten) {
            return true;
        }
        let Slots { mut by, unknown, mut to_read } = self.slots(context);
        let mut proven = true;
        match &context.facts.policies {
            None => {
                proven = false;
                let message = format!("{change} waits until every Bedrock policy was read");
                plan.hold(Held::for_fact(HoldReason::Unreadable, message));
            }
            Some(named) => {
                let named = named.iter().filter(|(arn, version)| (self.concerns)(arn, *version));
                by.extend(named.map(|(arn, version)| {
                    format!("a Bedrock policy that names {}", arn.with_version(*version))
                }));
            }
        }
        if !unknown.is_empty() {
            proven = false;
            let message = format!(
                "{change} waits until it is known what these cells reference: {}",
                listed(&unknown)
            );
            plan.hold(Held::for_fact(HoldReason::Unreadable, message));
            plan.needs.append(&mut to_read);
        }
        if !by.is_empty() {
            proven = false;
            let message = format!("{change} waits: still referenced by {}", listed(by));
            plan.hold(Held::for_fact(HoldReason::Referenced, message));
        }
        proven
    }

    fn slots(&self, context: &Context) -> Slots {
        let facts = context.facts;
        let concerns = |(arn, version): &(GuardrailArn, Version)| (self.concerns)(arn, *version);
        let mut slots = Slots::default();
        for account in self.accounts {
            for region in self.regions {
                let cell = Cell { account: account.clone(), region: region.clone() };
                match (facts.cells.get(&cell), facts.cells_unreadable.get(&cell)) {
                    (Some(slot), _) if slot.as_ref().is_some_and(concerns) => {
                        slots.by.push(format!("cell {cell}"));
                    }
                    (None, None) => {
                        slots.unknown.push(cell.clone());
                        slots.to_read.push(cell);
                    }
                    (None, Some(failed)) if failed.last_seen.as_ref().is_some_and(concerns) => {
                        slots.by.push(format!("cell {cell}, when it was last read"));
                    }
                    (None, Some(failed)) if !failed.is_not_enabled && (self.can_adopt)(account) => {
                        if context.now >= failed.tried + context.timing.own_write_grace {
                            slots.to_read.push(cell.clone());
                        }
                        slots.unknown.push(cell);
                    }
                    (Some(_), _) | (None, Some(_)) => {}
                }
            }
        }
        slots
    }

    /// Whether everything that [`finds_none`](Self::finds_none) reasons over was read again since
    /// the removal began to be confirmed (S10). What was read before may have come to reference the
    /// guardrail meanwhile: that nothing did then is no proof. Otherwise the plan asks for it.
    pub(super) fn is_read_since(
        &self,
        since: Option<Duration>,
        change: &str,
        context: &Context,
        plan: &mut Plan,
    ) -> bool {
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::ReferencesForgotten) {
            return true;
        }
        let is_new = |read: Option<&Duration>| since.is_some_and(|since| read >= Some(&since));
        let mut stale: Vec<Cell> = Vec::new();
        for account in self.accounts {
            for region in self.regions {
                let cell = Cell { account: account.clone(), region: region.clone() };
                let is_unreadable = context.facts.cells_unreadable.contains_key(&cell);
                if !is_unreadable && !is_new(context.facts.cells_read.get(&cell)) {
                    stale.push(cell);
                }
            }
        }
        let needs_policies = !is_new(context.facts.policies_read.as_ref());
        if stale.is_empty() && !needs_policies {
            return true;
        }
        let message = format!("{change} waits until all that could reference it was read again");
        plan.hold(Held::for_fact(HoldReason::Confirming, message));
        plan.needs.append(&mut stale);
        plan.needs_policies |= needs_policies;
        false
    }
}

/// Every account that can be worked in.
pub(super) fn active_accounts(fleet: &Fleet) -> BTreeSet<AccountId> {
    fleet
        .accounts
        .values()
        .filter(|account| account.state == AccountState::Active)
        .map(|account| account.id.clone())
        .collect()
}
