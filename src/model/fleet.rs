//! The organization as it is: units, accounts, and who stands below whom.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ids::{AccountId, OrganizationId, RootId, TargetId, UnitId};

/// `State` of an account, or `Status` where AWS still sends only that (`aws-facts` 4.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum AccountState {
    /// Reachable: the only state in which member work is done.
    Active,
    /// Anything else, as AWS spells it: `SUSPENDED`, `PENDING_CLOSURE`, `CLOSED`, …
    Other(String),
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("ACTIVE"),
            Self::Other(state) => f.write_str(state),
        }
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name, as people know it.
    pub name: String,
    /// Whether it can be worked in.
    pub state: AccountState,
    /// The root or unit it stands in directly.
    pub parent: TargetId,
    /// Its tags; `None` when they were not read (only tag selectors need them).
    pub tags: Option<BTreeMap<String, String>>,
}

/// One organizational unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// Its name; unique among its siblings.
    pub name: String,
    /// The root or unit it stands in directly.
    pub parent: TargetId,
}

/// The whole organization, read completely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fleet {
    /// `aws`, `aws-us-gov`, …
    pub partition: String,
    /// The organization.
    pub organization: OrganizationId,
    /// The account that owns it; service control policies do not bind it.
    pub management: AccountId,
    /// Its one root.
    pub root: RootId,
    /// All units.
    pub units: BTreeMap<UnitId, Unit>,
    /// All accounts, in every state.
    pub accounts: BTreeMap<AccountId, Account>,
}

impl Fleet {
    /// Root, units and account from the top down to `target`, which is last. Empty for a target
    /// that does not exist.
    pub fn lineage(&self, target: &TargetId) -> Vec<TargetId> {
        let mut line = vec![target.clone()];
        // Five levels of units is AWS's limit; a loop in what was read must not hang us.
        for _ in 0..=self.units.len() + 1 {
            let parent = match line.last() {
                Some(TargetId::Account(id)) => self.accounts.get(id).map(|it| &it.parent),
                Some(TargetId::Unit(id)) => self.units.get(id).map(|it| &it.parent),
                Some(TargetId::Root(id)) if *id == self.root => {
                    line.reverse();
                    return line;
                }
                Some(TargetId::Root(_)) | None => None,
            };
            match parent {
                Some(parent) => line.push(parent.clone()),
                None => return Vec::new(),
            }
        }
        Vec::new()
    }

    /// Whether `target` exists.
    pub fn contains(&self, target: &TargetId) -> bool {
        !self.lineage(target).is_empty()
    }

    /// Every account at or below `target`, in every state.
    pub fn accounts_under(&self, target: &TargetId) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(move |account| {
            self.lineage(&TargetId::Account(account.id.clone())).contains(target)
        })
    }

    /// `o-x/r-y/ou-a/ou-b/`: the value of `aws:PrincipalOrgPaths` in this account.
    pub fn organization_path(&self, account: &AccountId) -> Option<String> {
        let line = self.lineage(&TargetId::Account(account.clone()));
        let (_, above) = line.split_last()?;
        let above: String = above.iter().map(|target| format!("{target}/")).collect();
        Some(format!("{}/{above}", self.organization))
    }

    /// The unit that people call `/Workloads/Prod`.
    pub fn unit_at(&self, path: &str) -> Option<&Unit> {
        let mut parent = TargetId::Root(self.root.clone());
        let mut found = None;
        for name in path.strip_prefix('/')?.split('/') {
            let unit = self.units.values().find(|it| it.parent == parent && it.name == name)?;
            parent = TargetId::Unit(unit.id.clone());
            found = Some(unit);
        }
        found
    }

    /// What people call a target: `organization`, `/Workloads/Prod` or `name (id)`.
    pub fn describe(&self, target: &TargetId) -> String {
        match target {
            TargetId::Root(_) => "organization".to_owned(),
            TargetId::Unit(_) => self
                .lineage(target)
                .iter()
                .filter_map(|step| match step {
                    TargetId::Unit(id) => self.units.get(id).map(|unit| format!("/{}", unit.name)),
                    TargetId::Root(_) | TargetId::Account(_) => None,
                })
                .collect(),
            TargetId::Account(id) => self
                .accounts
                .get(id)
                .map_or_else(|| id.to_string(), |account| format!("{} ({id})", account.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet() -> Fleet {
        let root: RootId = "r-ab12".parse().unwrap();
        let unit = |id: &str, name: &str, parent: &str| {
            let id: UnitId = id.parse().unwrap();
            (id.clone(), Unit { id, name: name.to_owned(), parent: parent.parse().unwrap() })
        };
        let id: AccountId = "111122223333".parse().unwrap();
        let account = Account {
            id: id.clone(),
            name: "shop".to_owned(),
            state: AccountState::Active,
            parent: "ou-ab12-22222222".parse().unwrap(),
            tags: None,
        };
        Fleet {
            partition: "aws".to_owned(),
            organization: "o-abcdefghij".parse().unwrap(),
            management: "999999999999".parse().unwrap(),
            root,
            units: BTreeMap::from([
                unit("ou-ab12-11111111", "Workloads", "r-ab12"),
                unit("ou-ab12-22222222", "Prod", "ou-ab12-11111111"),
            ]),
            accounts: BTreeMap::from([(id, account)]),
        }
    }

    #[test]
    fn paths_and_lineage_follow_the_parents() {
        let fleet = fleet();
        let account = "111122223333".parse().unwrap();
        assert_eq!(
            fleet.organization_path(&account).unwrap(),
            "o-abcdefghij/r-ab12/ou-ab12-11111111/ou-ab12-22222222/"
        );
        let unit = fleet.unit_at("/Workloads/Prod").unwrap();
        assert_eq!(fleet.describe(&TargetId::Unit(unit.id.clone())), "/Workloads/Prod");
        assert_eq!(fleet.accounts_under(&TargetId::Unit(unit.id.clone())).count(), 1);
        assert!(fleet.unit_at("/Workloads/Dev").is_none());
        assert!(!fleet.contains(&"ou-ab12-33333333".parse().unwrap()));
    }

    #[test]
    fn a_loop_of_units_ends_in_nothing() {
        let mut fleet = fleet();
        let id: UnitId = "ou-ab12-11111111".parse().unwrap();
        fleet.units.get_mut(&id).unwrap().parent = "ou-ab12-22222222".parse().unwrap();
        assert!(fleet.lineage(&TargetId::Unit(id)).is_empty());
    }
}
