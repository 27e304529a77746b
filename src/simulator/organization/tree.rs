//! Root, organizational units and accounts, and the way from one to another.

use std::collections::{BTreeMap, BTreeSet};

use crate::simulator::call::Millis;

/// The tree. Every unit and account names its parent; nothing names its children.
#[derive(Clone, Debug, Default)]
pub(in crate::simulator) struct Tree {
    /// `r-…`.
    pub(in crate::simulator) root: String,
    /// By `ou-…`.
    pub(in crate::simulator) units: BTreeMap<String, Unit>,
    /// By twelve digits.
    pub(in crate::simulator) accounts: BTreeMap<String, Account>,
}

/// An organizational unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Unit {
    /// Unique among its siblings.
    pub(in crate::simulator) name: String,
    /// The root or a unit.
    pub(in crate::simulator) parent: String,
}

/// A member account, or the management account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Account {
    /// 1–50 characters.
    pub(in crate::simulator) name: String,
    /// Unique in all of AWS; here, by convention of the generator.
    pub(in crate::simulator) email: String,
    /// See [`AccountState`].
    pub(in crate::simulator) state: AccountState,
    /// `CREATED` or `INVITED`.
    pub(in crate::simulator) joined_method: String,
    /// When it joined.
    pub(in crate::simulator) joined: Millis,
    /// The root or a unit.
    pub(in crate::simulator) parent: String,
    /// Regions whose calls fail as in an opt-in Region nobody enabled.
    pub(in crate::simulator) disabled_regions: BTreeSet<String>,
    /// When a pending closure completes.
    pub(in crate::simulator) closes: Option<Millis>,
}

/// The `State` of an account (`aws-facts` 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// Signed up, not verified.
    PendingActivation,
    /// In use.
    #[default]
    Active,
    /// Restricted by AWS.
    Suspended,
    /// `CloseAccount` is under way.
    PendingClosure,
    /// Closed; it stays listed for 90 days.
    Closed,
}

impl AccountState {
    /// The value of the member `State`.
    pub(in crate::simulator) fn name(self) -> &'static str {
        match self {
            Self::PendingActivation => "PENDING_ACTIVATION",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
        }
    }

    /// The value of the older member `Status`, which knows fewer words.
    pub(in crate::simulator) fn status(self) -> &'static str {
        match self {
            Self::PendingActivation | Self::Active => "ACTIVE",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Suspended | Self::Closed => "SUSPENDED",
        }
    }
}

/// What an id of the tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum NodeKind {
    /// The root.
    Root,
    /// An organizational unit.
    Unit,
    /// An account.
    Account,
}

impl NodeKind {
    /// The value of `Type` in `Parents`, `Children` and `Targets`.
    pub(in crate::simulator) fn name(self) -> &'static str {
        match self {
            Self::Root => "ROOT",
            Self::Unit => "ORGANIZATIONAL_UNIT",
            Self::Account => "ACCOUNT",
        }
    }
}

impl Tree {
    /// What `id` is; `None` when the tree does not hold it.
    pub(in crate::simulator) fn kind(&self, id: &str) -> Option<NodeKind> {
        if id == self.root {
            Some(NodeKind::Root)
        } else if self.units.contains_key(id) {
            Some(NodeKind::Unit)
        } else if self.accounts.contains_key(id) {
            Some(NodeKind::Account)
        } else {
            None
        }
    }

    /// The parent of a unit or account.
    pub(in crate::simulator) fn parent(&self, id: &str) -> Option<&str> {
        let unit = self.units.get(id).map(|unit| unit.parent.as_str());
        unit.or_else(|| self.accounts.get(id).map(|account| account.parent.as_str()))
    }

    /// From the root to `id`, both included; empty when the tree does not hold it.
    pub(in crate::simulator) fn lineage<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        if self.kind(id).is_none() {
            return Vec::new();
        }
        let mut nodes = vec![id];
        let mut at = id;
        while let Some(parent) = self.parent(at) {
            nodes.push(parent);
            at = parent;
        }
        nodes.reverse();
        nodes
    }

    /// The units directly below `parent`, by id.
    pub(in crate::simulator) fn units_of(&self, parent: &str) -> Vec<&str> {
        let units = self.units.iter().filter(|(_, unit)| unit.parent == parent);
        units.map(|(id, _)| id.as_str()).collect()
    }

    /// The accounts directly below `parent`, by id.
    pub(in crate::simulator) fn accounts_of(&self, parent: &str) -> Vec<&str> {
        let accounts = self.accounts.iter().filter(|(_, account)| account.parent == parent);
        accounts.map(|(id, _)| id.as_str()).collect()
    }

    /// The name of a root, unit or account.
    pub(in crate::simulator) fn name(&self, id: &str) -> Option<&str> {
        if id == self.root {
            return Some("Root");
        }
        let unit = self.units.get(id).map(|unit| unit.name.as_str());
        unit.or_else(|| self.accounts.get(id).map(|account| account.name.as_str()))
    }

    /// The root, the units and the accounts.
    pub(in crate::simulator) fn nodes(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.root).chain(self.units.keys()).chain(self.accounts.keys())
    }
}
