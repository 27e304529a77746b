//! What a change of the fleet concerns: an account that came, moved or left is visited at once, and
//! nobody else, so that one new account costs as much among a thousand as among ten.

use std::collections::BTreeSet;

use super::engine::Engine;
use super::key::Key;
use super::state::State;
use crate::aws::ErrorClass;
use crate::model::{AccountId, AccountState, Cell, Desired, Fleet, Unread};

impl Engine {
    /// The keys to look at again after a hint about an account: all that are there.
    pub fn keys_in(&self, account: &AccountId) -> BTreeSet<Key> {
        self.state().due_in(account)
    }
}

impl State {
    /// Takes a fleet as read now. Returns the keys whose plans it can change.
    pub(super) fn follow(&mut self, fleet: &Fleet) -> BTreeSet<Key> {
        let before = self.facts.fleet.replace(fleet.clone());
        self.forget_accounts(fleet);
        let concerns_all = |before: &Fleet| {
            self.desired.generation != self.generation() || is_another_tree(before, fleet)
        };
        let Some(before) = before.filter(|before| !concerns_all(before)) else {
            self.resolve();
            return self.due();
        };
        let keys = self.keys();
        let Some(desired) = self.replace_desired() else { return BTreeSet::new() };
        self.audit();
        self.forget_gone();
        let accounts = changed_accounts(&before, fleet);
        let now = self.keys();
        let is_concerned = |key: &&Key| {
            !keys.contains(*key)
                || key.place().is_some_and(|place| accounts.contains(&place.account))
                || is_desired_anew(key, &desired, &self.desired)
        };
        let concerned: BTreeSet<Key> = now.iter().filter(is_concerned).cloned().collect();
        self.extend_pass(&now, &concerned);
        self.due().intersection(&concerned).cloned().collect()
    }

    /// Nobody can look into an account that is closed or has left. What it was last seen to have in
    /// force stays known: an account that a list has not named may still be there.
    fn forget_accounts(&mut self, fleet: &Fleet) {
        let state = |cell: &Cell| fleet.accounts.get(&cell.account).map(|it| &it.state);
        self.needed.retain(|cell| state(cell) == Some(&AccountState::Active));
    }

    /// Takes note of whether the role of an account can be assumed. Returns the keys to visit: once
    /// it can be, all of the account; and at each visit of the organization one of each account
    /// whose role could not be, to try again.
    pub(super) fn note_role(&mut self, key: &Key, unread: Option<&Unread>) -> BTreeSet<Key> {
        let Some(place) = key.place() else {
            return if *key == Key::Organization { self.roles_to_try() } else { BTreeSet::new() };
        };
        match unread {
            Some(unread) if unread.class == ErrorClass::NotAssumable.reason() => {
                self.roleless.insert(place.account);
                BTreeSet::new()
            }
            None if self.roleless.remove(&place.account) => {
                let mut keys = self.due_in(&place.account);
                keys.remove(key);
                keys
            }
            Some(_) | None => BTreeSet::new(),
        }
    }

    fn roles_to_try(&mut self) -> BTreeSet<Key> {
        let fleet = self.facts.fleet.as_ref();
        self.roleless.retain(|account| fleet.is_some_and(|it| it.accounts.contains_key(account)));
        if self.roleless.is_empty() {
            return BTreeSet::new();
        }
        let mut tried = BTreeSet::new();
        let is_first = |key: &Key| {
            let account = key.place().map(|place| place.account);
            account.is_some_and(|it| self.roleless.contains(&it) && tried.insert(it))
        };
        self.due().into_iter().filter(is_first).collect()
    }

    fn due_in(&self, account: &AccountId) -> BTreeSet<Key> {
        let is_there = |key: &Key| key.place().is_some_and(|place| place.account == *account);
        self.due().into_iter().filter(is_there).collect()
    }
}

/// Whether more is different than accounts: a unit that got another name or place changes what
/// selectors mean.
fn is_another_tree(before: &Fleet, now: &Fleet) -> bool {
    before.units != now.units || before.root != now.root || before.management != now.management
}

fn changed_accounts(before: &Fleet, now: &Fleet) -> BTreeSet<AccountId> {
    let is_new = |id: &&AccountId| before.accounts.get(*id) != now.accounts.get(*id);
    let all = before.accounts.keys().chain(now.accounts.keys());
    all.filter(is_new).cloned().collect()
}

fn is_desired_anew(key: &Key, before: &Desired, now: &Desired) -> bool {
    match key {
        Key::Organization => true,
        Key::Replica(key) => before.replicas.get(key) != now.replicas.get(key),
        Key::ProfilePolicy(key) => before.profiles.get(key) != now.profiles.get(key),
        Key::Rollout(name) => before.rollouts.get(name) != now.rollouts.get(name),
        Key::Cell(cell) => {
            before.cells.get(cell) != now.cells.get(cell)
                || before.kept.contains(cell) != now.kept.contains(cell)
        }
        Key::Logging(cell) => before.logging.get(cell) != now.logging.get(cell),
        Key::Audit(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Account;

    /// Found by a random history: a cell that a deletion had asked about was tried for ever after its
    /// account was closed, and no resync was complete any more.
    #[test]
    fn nobody_asks_any_more_about_an_account_that_is_closed_or_left() {
        let account = |id: &str, state| Account {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            state,
            parent: "r-ab12".parse().unwrap(),
            tags: None,
        };
        let active = account("111122223333", AccountState::Active);
        let closed = account("222233334444", AccountState::Other("CLOSED".to_owned()));
        let accounts = [active, closed].map(|it| (it.id.clone(), it));
        let fleet = Fleet {
            partition: "aws".to_owned(),
            organization: "o-abcdefghij".parse().unwrap(),
            management: "999999999999".parse().unwrap(),
            root: "r-ab12".parse().unwrap(),
            units: BTreeMap::new(),
            accounts: BTreeMap::from(accounts),
        };
        let cells = ["111122223333", "222233334444", "333344445555"]
            .map(|id| Cell { account: id.parse().unwrap(), region: "us-east-1".parse().unwrap() });
        let mut state = State::default();
        for cell in &cells {
            state.needed.insert(cell.clone());
            state.facts.cells.insert(cell.clone(), None);
        }
        state.follow(&fleet);
        assert!(state.needed.iter().eq(&cells[..1]), "{:?}", state.needed);
        assert!(state.facts.cells.keys().eq(&cells), "what they had in force still counts");
    }
}
