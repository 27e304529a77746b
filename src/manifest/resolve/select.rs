//! The organization's tree, walked once, and what selectors find in it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::manifests::{Selector, UnitSelector};
use crate::model::{Account, AccountId, AccountState, Fleet, TargetId, UnitId};

/// Answers about the tree without walking it again.
pub(super) struct Tree<'a> {
    pub(super) fleet: &'a Fleet,
    /// Units by path. The name of a unit may hold a slash, so a path may mean several.
    units: BTreeMap<String, Vec<UnitId>>,
    /// Everything at or above each account, itself included.
    above: BTreeMap<&'a AccountId, BTreeSet<TargetId>>,
    /// Accounts at or below each target.
    below: BTreeMap<TargetId, Vec<&'a Account>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(fleet: &'a Fleet) -> Self {
        let mut units: BTreeMap<String, Vec<UnitId>> = BTreeMap::new();
        for id in fleet.units.keys() {
            let path = fleet.describe(&TargetId::Unit(id.clone()));
            units.entry(path).or_default().push(id.clone());
        }
        let mut above = BTreeMap::new();
        let mut below: BTreeMap<TargetId, Vec<&Account>> = BTreeMap::new();
        for account in fleet.accounts.values() {
            let line = fleet.lineage(&TargetId::Account(account.id.clone()));
            for target in &line {
                below.entry(target.clone()).or_default().push(account);
            }
            above.insert(&account.id, line.into_iter().collect());
        }
        Self { fleet, units, above, below }
    }

    /// The unit that is meant.
    ///
    /// # Errors
    ///
    /// It does not exist or several do, with what to do about it.
    pub(super) fn unit(&self, selector: &UnitSelector) -> Result<UnitId, String> {
        let found = match selector {
            UnitSelector::Path(path) => self.units.get(path).map_or(&[][..], Vec::as_slice),
            UnitSelector::Id(id) => self
                .fleet
                .units
                .get_key_value(id)
                .map_or(&[][..], |(id, _)| std::slice::from_ref(id)),
        };
        match found {
            [only] => Ok(only.clone()),
            [] => Err(format!(
                "there is no organizational unit `{selector}`; if it was renamed or deleted, write \
                 what is meant now or remove it: until then what it covered is left as it is"
            )),
            several => Err(format!(
                "`{selector}` is the path of {}; write the id of the one that is meant",
                super::some_of(several)
            )),
        }
    }

    /// What a policy is attached to for a selector.
    ///
    /// # Errors
    ///
    /// It resolves to nothing, with what to do about it.
    pub(super) fn targets(&self, selector: &Selector) -> Result<BTreeSet<TargetId>, String> {
        Ok(match selector {
            Selector::Organization => BTreeSet::from([TargetId::Root(self.fleet.root.clone())]),
            Selector::Unit(unit) => BTreeSet::from([TargetId::Unit(self.unit(unit)?)]),
            Selector::Account(_) | Selector::AccountsWithTags(_) => self
                .accounts(selector)?
                .into_iter()
                .map(|account| TargetId::Account(account.id.clone()))
                .collect(),
        })
    }

    /// Every account of a selection, in every state.
    ///
    /// # Errors
    ///
    /// It resolves to nothing, with what to do about it.
    pub(super) fn accounts(&self, selector: &Selector) -> Result<Vec<&'a Account>, String> {
        match selector {
            Selector::Organization => Ok(self.under(&TargetId::Root(self.fleet.root.clone()))),
            Selector::Unit(unit) => Ok(self.under(&TargetId::Unit(self.unit(unit)?))),
            Selector::Account(id) => {
                let found = self.fleet.accounts.get(id).map(|account| vec![account]);
                found.ok_or_else(|| {
                    format!(
                        "there is no account {id} in the organization; correct the id, or remove it \
                         if the account was closed"
                    )
                })
            }
            Selector::AccountsWithTags(wanted) => self.tagged(wanted),
        }
    }

    fn tagged(&self, wanted: &BTreeMap<String, String>) -> Result<Vec<&'a Account>, String> {
        let is_active = |account: &&Account| account.state == AccountState::Active;
        let accounts = || self.fleet.accounts.values().filter(is_active);
        let unread: Vec<_> = accounts().filter(|it| it.tags.is_none()).map(|it| &it.id).collect();
        if !unread.is_empty() {
            return Err(format!(
                "tags not read of {}; the selection is known once they are",
                super::some_of(&unread)
            ));
        }
        let carries = |account: &&Account| {
            let tags = account.tags.iter().next();
            tags.is_some_and(|tags| wanted.iter().all(|(key, value)| tags.get(key) == Some(value)))
        };
        let found: Vec<_> = accounts().filter(carries).collect();
        if found.is_empty() {
            let selector = Selector::AccountsWithTags(wanted.clone());
            return Err(format!(
                "`{selector}` selects no ACTIVE account; tag one, or correct the tags here"
            ));
        }
        Ok(found)
    }

    /// Every account at or below a target, in every state.
    pub(super) fn under(&self, target: &TargetId) -> Vec<&'a Account> {
        self.below.get(target).cloned().unwrap_or_default()
    }

    /// Whether an account stands at or below any of the units.
    pub(super) fn is_below(&self, account: &AccountId, units: &BTreeSet<UnitId>) -> bool {
        self.above.get(account).is_some_and(|above| {
            units.iter().any(|unit| above.contains(&TargetId::Unit(unit.clone())))
        })
    }
}
