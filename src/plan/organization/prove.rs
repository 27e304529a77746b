//! Proves that accounts can apply what a document references (S4), before it is attached.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{blocks, references};
use super::enforcement::Visit;
use crate::model::{
    AccountId, AccountState, GuardrailArn, ObservedPolicy, Region, TargetId, Version,
};
use crate::plan::reference::{self, replica_of};
use crate::plan::step::{Grant, Held, HoldReason};

impl Visit<'_> {
    /// Proves that every account at or below `target` can apply all the document references.
    pub(super) fn prove_attachment(&self, target: &TargetId, document: &Value) -> Result<(), Held> {
        let place = self.fleet.describe(target);
        let held = |held: Held| {
            let message = format!("{} will be attached to {place}: {}", self.name, held.message);
            Held { message, ..held }
        };
        if !self.fleet.contains(target) {
            let message = format!("{target} was not found in the organization");
            return Err(held(Held::for_fact(HoldReason::Unreadable, message)));
        }
        let blocks = blocks(document);
        if blocks.is_empty() {
            let message = "its document has no Region to enforce anything in yet";
            return Err(held(Held::for_fact(HoldReason::WaitingForVersion, message)));
        }
        let accounts = self.active_accounts(&BTreeSet::from([target.clone()]));
        for (region, block) in &blocks {
            self.prove_block(region, block, &accounts).map_err(held)?;
        }
        Ok(())
    }

    /// Proves that these accounts can apply all that the block of a Region references.
    pub(super) fn prove_block(
        &self,
        region: &str,
        block: &Value,
        accounts: &BTreeSet<AccountId>,
    ) -> Result<(), Held> {
        let (Ok(region), Some(references)) = (region.parse::<Region>(), references(block)) else {
            let message = format!("the block of {region} is not understood; correct the policy");
            return Err(Held::for_person(HoldReason::NotEnforceable, message));
        };
        for (arn, version) in &references {
            self.prove_reference(&region, (arn, *version), accounts)?;
        }
        Ok(())
    }

    fn prove_reference(
        &self,
        region: &Region,
        (arn, version): (&GuardrailArn, Version),
        accounts: &BTreeSet<AccountId>,
    ) -> Result<(), Held> {
        if arn.account != self.fleet.management {
            let message = format!("{arn} is not a guardrail of the management account");
            return Err(Held::for_person(HoldReason::NotInManagementAccount, message));
        }
        let known = replica_of(arn, self.context).filter(|(_, fact)| {
            fact.versions.values().chain(fact.revisions.values()).any(|it| *it == version)
        });
        let Some((key, fact)) = known else {
            let message = format!("{} was not read back yet", arn.with_version(version));
            return Err(Held::for_fact(HoldReason::WaitingForVersion, message));
        };
        if fact.not_enforceable.contains(&version) {
            let message = format!("{} uses automated reasoning", arn.with_version(version));
            return Err(Held::for_person(HoldReason::NotEnforceable, message));
        }
        reference::prove(fact, &key.guardrail, (region, accounts), self.fleet)
    }

    /// What was read of what a policy rests on with this document; nothing
    /// rests on one that is attached nowhere.
    pub(super) fn grants(&self, live: &ObservedPolicy, document: &Value) -> Vec<Grant> {
        if live.targets.is_empty() { Vec::new() } else { self.grants_of(&[document]) }
    }

    /// What was read of the versions that documents name, and of the resource policies they rest on.
    pub(super) fn grants_of(&self, documents: &[&Value]) -> Vec<Grant> {
        let blocks = documents.iter().flat_map(|document| blocks(document).into_values());
        let mut named: BTreeMap<GuardrailArn, BTreeSet<Version>> = BTreeMap::new();
        for (guardrail, version) in blocks.filter_map(|block| references(&block)).flatten() {
            named.entry(guardrail).or_default().insert(version);
        }
        let grant = |(guardrail, versions): (GuardrailArn, BTreeSet<Version>)| {
            let (_, fact) = replica_of(&guardrail, self.context)?;
            Some(Grant { policy: fact.policy.clone(), guardrail, versions })
        };
        named.into_iter().filter_map(grant).collect()
    }

    pub(super) fn active_accounts(&self, targets: &BTreeSet<TargetId>) -> BTreeSet<AccountId> {
        targets
            .iter()
            .flat_map(|target| self.fleet.accounts_under(target))
            .filter(|account| account.state == AccountState::Active)
            .map(|account| account.id.clone())
            .collect()
    }
}
