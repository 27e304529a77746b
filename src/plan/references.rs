//! Finds what still references a guardrail before it, or access to it, goes (S5).

use std::collections::BTreeSet;
use std::time::Duration;

use super::context::Context;
use super::hold::listed;
use super::step::{Held, HoldReason, Plan};
use crate::model::{AccountId, AccountState, Cell, Fleet, GuardrailArn, Region};

/// Which references are looked for.
pub(super) struct Search<'a> {
    /// Accounts whose slots could hold one.
    pub(super) accounts: &'a BTreeSet<AccountId>,
    /// Regions of those slots.
    pub(super) regions: &'a BTreeSet<Region>,
    /// Whether a guardrail is the one, or one of those, that must not be referenced.
    pub(super) concerns: &'a dyn Fn(&GuardrailArn) -> bool,
}

impl Search<'_> {
    /// Whether it is proven that nothing references it. Otherwise the plan says what does, or what
    /// must be read first; `change` is what waits for it.
    pub(super) fn finds_none(&self, change: &str, context: &Context, plan: &mut Plan) -> bool {
        let mut by: Vec<String> = Vec::new();
        let mut unread: Vec<Cell> = Vec::new();
        for account in self.accounts {
            for region in self.regions {
                let cell = Cell { account: account.clone(), region: region.clone() };
                match context.facts.cells.get(&cell) {
                    None => unread.push(cell),
                    Some(Some((arn, _))) if (self.concerns)(arn) => by.push(format!("cell {cell}")),
                    Some(Some(_) | None) => {}
                }
            }
        }
        let mut proven = true;
        match &context.facts.policies {
            None => {
                proven = false;
                let message = format!("{change} waits until every Bedrock policy was read");
                plan.hold(Held::for_fact(HoldReason::Unreadable, message));
            }
            Some(named) => by.extend(named.iter().filter(|(arn, _)| (self.concerns)(arn)).map(
                |(arn, version)| {
                    format!("a Bedrock policy that names {}", arn.with_version(*version))
                },
            )),
        }
        if !unread.is_empty() {
            proven = false;
            let message = format!(
                "{change} waits until it is known what these cells reference: {}",
                listed(&unread)
            );
            plan.hold(Held::for_fact(HoldReason::Unreadable, message));
            plan.needs.append(&mut unread);
        }
        if !by.is_empty() {
            proven = false;
            let message = format!("{change} waits: still referenced by {}", listed(by));
            plan.hold(Held::for_fact(HoldReason::Referenced, message));
        }
        proven
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
        let is_new = |read: Option<&Duration>| since.is_some_and(|since| read >= Some(&since));
        let mut stale: Vec<Cell> = Vec::new();
        for account in self.accounts {
            for region in self.regions {
                let cell = Cell { account: account.clone(), region: region.clone() };
                if !is_new(context.facts.cells_read.get(&cell)) {
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
