//! What becomes of our documents in the accounts below them. Attached is not enforced.
//!
//! ```text
//!   policies of ours on the path ────────> what each Region should be in an account
//!   all policies on the path     ─merged─> what it will be: if otherwise, a foreign policy bends it
//!   effective policy, as AWS says ───────> what it is, in one witness of each distinct path
//! ```
//!
//! On one level the policy that was attached first wins, and no API shows which that is. So
//! everything is merged twice, with ours first and with ours last; and as often again as there are
//! policies of ours on one level that say different things, while one takes over from another.

mod merge;
mod path;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{
    AccountId, AccountState, Fleet, ObservedPolicy, OwnerId, PolicyId, Read, TargetId, Unread,
};
use merge::{Leaves, merge, verbs};
pub(super) use path::{Outcomes, outcomes};

/// The accounts to look at: one for each distinct path on which a policy of ours says something.
pub fn witnesses(
    policies: &BTreeMap<PolicyId, ObservedPolicy>,
    us: &OwnerId,
    fleet: &Fleet,
) -> BTreeSet<AccountId> {
    Landscape::of(policies, us, fleet).witnesses()
}

/// Those of the witnesses whose effective policy, as last read, does not follow from the policies
/// as they are: to be read (again).
pub fn unproven(
    policies: &BTreeMap<PolicyId, ObservedPolicy>,
    us: &OwnerId,
    fleet: &Fleet,
    effective: &BTreeMap<AccountId, Read<Value>>,
) -> BTreeSet<AccountId> {
    Landscape::of(policies, us, fleet).unproven(effective)
}

/// One policy where it is attached.
#[derive(Clone, Copy)]
struct Attached<'a> {
    id: Option<&'a PolicyId>,
    name: &'a str,
    is_ours: bool,
    content: &'a Value,
    targets: &'a BTreeSet<TargetId>,
}

/// Every Bedrock policy of the organization, and where it is attached.
#[derive(Clone)]
pub(super) struct Landscape<'a> {
    policies: Vec<Attached<'a>>,
    fleet: &'a Fleet,
}

/// A foreign policy changes what ours say of one Region in some accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bend {
    /// Which policies, where, and how: one line for people.
    pub(super) by: String,
    pub(super) region: String,
    /// `config_1.identifier: "a" → "b"`.
    pub(super) does: String,
    pub(super) accounts: BTreeSet<AccountId>,
}

/// What the accounts show of our documents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) bends: Vec<Bend>,
    /// Accounts that show something that follows from no policy on their path: by witness.
    pub(super) differing: BTreeMap<AccountId, (BTreeSet<AccountId>, String)>,
    /// Why a witness could not be read.
    pub(super) unread: Option<Unread>,
}

/// Accounts with the same policies on their path.
struct Group {
    /// From the root down: where, and which policies.
    levels: Vec<(TargetId, Vec<usize>)>,
    accounts: BTreeSet<AccountId>,
}

/// What policies make of a Region in a group.
struct Outlook {
    expected: Leaves,
    /// With ours attached first, and last.
    possible: [Leaves; 2],
    /// The same with others of ours attached first, where that makes a difference.
    turned: Vec<(Leaves, [Leaves; 2])>,
}

impl Outlook {
    /// Each outcome of ours alone, and what the others make of it.
    fn turns(&self) -> impl Iterator<Item = (&Leaves, &[Leaves; 2])> {
        let turned = self.turned.iter().map(|(expected, possible)| (expected, possible));
        std::iter::once((&self.expected, &self.possible)).chain(turned)
    }

    fn is_bent(&self, region: &str) -> bool {
        self.turns().any(|(expected, possible)| {
            let expected = expected.in_region(region);
            possible.iter().any(|it| it.in_region(region) != expected)
        })
    }

    /// Whether it follows from the policies, in whatever order they were attached.
    fn explains(&self, effective: &Leaves, region: &str) -> bool {
        let effective = effective.in_region(region);
        self.turns()
            .any(|(_, possible)| possible.iter().any(|it| it.in_region(region) == effective))
    }

    /// Whether it is what ours alone come to.
    fn is_as_said(&self, effective: &Leaves, region: &str) -> bool {
        let effective = effective.in_region(region);
        self.turns().any(|(expected, _)| expected.in_region(region) == effective)
    }

    /// Whether what ours alone come to can be, whatever the others say.
    fn may_stand(&self, region: &str) -> bool {
        self.turns().any(|(expected, possible)| {
            let expected = expected.in_region(region);
            possible.iter().any(|it| it.in_region(region) == expected)
        })
    }
}

impl<'a> Landscape<'a> {
    /// The policies as they are.
    pub(super) fn of(
        policies: &'a BTreeMap<PolicyId, ObservedPolicy>,
        us: &OwnerId,
        fleet: &'a Fleet,
    ) -> Self {
        let attached = policies.values().map(|policy| Attached {
            id: Some(&policy.id),
            name: &policy.name,
            is_ours: policy.owner.as_ref() == Some(us),
            content: &policy.content,
            targets: &policy.targets,
        });
        Self { policies: attached.collect(), fleet }
    }

    /// The same with a policy of ours, new or not, that says `content` and is attached to `targets`.
    pub(super) fn with<'b>(
        &self,
        id: Option<&'b PolicyId>,
        content: &'b Value,
        targets: &'b BTreeSet<TargetId>,
    ) -> Landscape<'b>
    where
        'a: 'b,
    {
        let others = self.policies.iter().copied().filter(|it| id.is_none() || it.id != id);
        let new = Attached { id, name: "", is_ours: true, content, targets };
        Landscape { policies: others.chain([new]).collect(), fleet: self.fleet }
    }

    /// Whether any policy is not ours: most organizations have none.
    pub(super) fn has_foreign(&self) -> bool {
        self.policies.iter().any(|it| !it.is_ours && !it.targets.is_empty())
    }

    /// What `changed` bends of ours that is not bent in this landscape.
    pub(super) fn newly_bent(&self, changed: &Landscape) -> Vec<Bend> {
        if !changed.has_foreign() {
            return Vec::new();
        }
        let before = self.bends();
        let is_old = |region: &str, account: &AccountId| {
            before.iter().any(|it| it.region == region && it.accounts.contains(account))
        };
        let mut bends = changed.bends();
        for bend in &mut bends {
            let region = bend.region.clone();
            bend.accounts.retain(|account| !is_old(&region, account));
        }
        bends.retain(|bend| !bend.accounts.is_empty());
        bends
    }

    /// Every bend that is possible, whatever was attached first.
    fn bends(&self) -> Vec<Bend> {
        let mut bends = Vec::new();
        for group in self.groups() {
            let Some(outlook) = self.outlook(&group) else { continue };
            for region in outlook.expected.regions() {
                if outlook.is_bent(region) {
                    bends.push(self.bend(&group, &outlook, region));
                }
            }
        }
        bends
    }

    /// The account to look at for each distinct path on which something of ours is.
    fn witnesses(&self) -> BTreeSet<AccountId> {
        let groups = self.groups();
        let ours = groups.iter().filter(|group| self.outlook(group).is_some());
        ours.filter_map(|group| self.witness(group).cloned()).collect()
    }

    /// The witnesses whose effective policy is not known to follow from the policies as they are.
    pub(super) fn unproven(
        &self,
        effective: &BTreeMap<AccountId, Read<Value>>,
    ) -> BTreeSet<AccountId> {
        let groups = self.groups();
        let open = groups.iter().filter(|group| self.is_proven(group, effective) == Some(false));
        open.filter_map(|group| self.witness(group).cloned()).collect()
    }

    /// All accounts whose witness is one of them.
    pub(super) fn unproven_accounts(
        &self,
        effective: &BTreeMap<AccountId, Read<Value>>,
    ) -> BTreeSet<AccountId> {
        let groups = self.groups().into_iter();
        let open = groups.filter(|group| self.is_proven(group, effective) == Some(false));
        open.flat_map(|group| group.accounts).collect()
    }

    /// Whether a group shows what follows from the policies; `None` where none is ours.
    fn is_proven(
        &self,
        group: &Group,
        effective: &BTreeMap<AccountId, Read<Value>>,
    ) -> Option<bool> {
        let outlook = self.outlook(group)?;
        let shown = effective.get(self.witness(group)?).and_then(shown);
        Some(shown.is_some_and(|shown| {
            outlook.expected.regions().iter().all(|it| outlook.explains(&shown, it))
        }))
    }

    /// What is bent now, and what the witnesses show that no policy explains. A Region that depends
    /// on what was attached first is judged by what its witness shows.
    pub(super) fn survey(&self, effective: &BTreeMap<AccountId, Read<Value>>) -> Survey {
        let mut survey = Survey::default();
        for group in self.groups() {
            let Some(outlook) = self.outlook(&group) else { continue };
            let Some(witness) = self.witness(&group) else { continue };
            let read = effective.get(witness);
            survey.unread = survey.unread.or_else(|| read.and_then(Read::unread).cloned());
            let shown = read.and_then(shown);
            for region in outlook.expected.regions() {
                let is_as_said = shown.as_ref().is_some_and(|it| outlook.is_as_said(it, region));
                if outlook.is_bent(region) && !(outlook.may_stand(region) && is_as_said) {
                    survey.bends.push(self.bend(&group, &outlook, region));
                } else if let Some(shown) = &shown
                    && !is_as_said
                {
                    let what = format!("{region} {}", difference(&outlook.expected, shown, region));
                    let accounts = group.accounts.clone();
                    survey.differing.entry(witness.clone()).or_insert((accounts, what));
                }
            }
        }
        survey
    }

    fn bend(&self, group: &Group, outlook: &Outlook, region: &str) -> Bend {
        let foreign = || {
            group.levels.iter().flat_map(|(target, all)| all.iter().map(move |it| (target, *it)))
        };
        let foreign = || {
            foreign()
                .filter_map(|(target, it)| Some((target, it, self.policies.get(it)?)))
                .filter(|(_, _, policy)| !policy.is_ours)
        };
        let alone = |index: usize| {
            let is_in = |it: usize| it == index || self.is_ours(it);
            merge(&self.documents(group, (false, 0), &is_in)).in_region(region)
                != outlook.expected.in_region(region)
        };
        let mut culprits: Vec<_> = foreign().filter(|(_, it, _)| alone(*it)).collect();
        if culprits.is_empty() {
            culprits = foreign().collect();
        }
        let named = culprits.iter().map(|(target, _, policy)| {
            let verbs: Vec<&str> = verbs(policy.content, region).into_iter().collect();
            let id = policy.id.map(ToString::to_string).unwrap_or_default();
            let place = self.fleet.describe(target);
            format!("`{}` ({id}) at {place} ({})", policy.name, verbs.join(", "))
        });
        let bent = outlook
            .possible
            .iter()
            .rev()
            .find(|it| it.in_region(region) != outlook.expected.in_region(region));
        Bend {
            by: named.collect::<Vec<_>>().join(" and "),
            region: region.to_owned(),
            does: bent.map(|it| difference(&outlook.expected, it, region)).unwrap_or_default(),
            accounts: group.accounts.clone(),
        }
    }

    /// What the policies make of a group; `None` where none of ours says anything.
    fn outlook(&self, group: &Group) -> Option<Outlook> {
        let ours = |turn| merge(&self.documents(group, (true, turn), &|it| self.is_ours(it)));
        let possible = |turn| {
            [true, false].map(|first| merge(&self.documents(group, (first, turn), &|_| true)))
        };
        let expected = ours(0);
        if expected.regions().is_empty() {
            return None;
        }
        let count = |(_, all): &(TargetId, Vec<usize>)| {
            all.iter().filter(|policy| self.is_ours(**policy)).count()
        };
        let turns = group.levels.iter().map(count).max().unwrap_or_default();
        let turned = (1..turns).map(|turn| (ours(turn), possible(turn)));
        let turned = turned.filter(|(other, _)| *other != expected).collect();
        Some(Outlook { possible: possible(0), turned, expected })
    }

    /// The account that shows what the others of its group have: a member, if there is one.
    fn witness<'g>(&self, group: &'g Group) -> Option<&'g AccountId> {
        let member = group.accounts.iter().find(|it| **it != self.fleet.management);
        member.or_else(|| group.accounts.first())
    }

    fn is_ours(&self, index: usize) -> bool {
        self.policies.get(index).is_some_and(|it| it.is_ours)
    }

    fn documents(
        &self,
        group: &Group,
        (ours_first, turn): (bool, usize),
        is_in: &dyn Fn(usize) -> bool,
    ) -> Vec<Vec<&Value>> {
        let level = |(_, all): &(TargetId, Vec<usize>)| {
            let mut chosen: Vec<usize> = all.iter().copied().filter(|it| is_in(*it)).collect();
            chosen.sort_by_key(|it| self.is_ours(*it) != ours_first);
            let (from, to) = match chosen.iter().position(|it| self.is_ours(*it)) {
                Some(from) => (from, from + chosen.iter().filter(|it| self.is_ours(**it)).count()),
                None => (0, 0),
            };
            if let Some(ours) = chosen.get_mut(from..to).filter(|ours| !ours.is_empty()) {
                ours.rotate_left(turn % ours.len());
            }
            chosen.iter().filter_map(|it| Some(self.policies.get(*it)?.content)).collect()
        };
        group.levels.iter().map(level).collect()
    }

    /// The ACTIVE accounts with a policy on their path.
    fn groups(&self) -> Vec<Group> {
        let mut at: BTreeMap<&TargetId, Vec<usize>> = BTreeMap::new();
        for (index, policy) in self.policies.iter().enumerate() {
            for target in policy.targets {
                at.entry(target).or_default().push(index);
            }
        }
        let mut groups: BTreeMap<Vec<(TargetId, Vec<usize>)>, BTreeSet<AccountId>> =
            BTreeMap::new();
        let active = self.fleet.accounts.values().filter(|it| it.state == AccountState::Active);
        for account in active {
            let line = self.fleet.lineage(&TargetId::Account(account.id.clone()));
            let levels: Vec<(TargetId, Vec<usize>)> = line
                .into_iter()
                .filter_map(|target| at.get(&target).cloned().map(|all| (target, all)))
                .collect();
            if !levels.is_empty() {
                groups.entry(levels).or_default().insert(account.id.clone());
            }
        }
        groups.into_iter().map(|(levels, accounts)| Group { levels, accounts }).collect()
    }
}

/// What was read of an effective policy; none is nothing.
fn shown(read: &Read<Value>) -> Option<Leaves> {
    match read {
        Read::Known(document) => Some(Leaves::of(document)),
        Read::KnownAbsent => Some(Leaves::default()),
        Read::Unknown(_) => None,
    }
}

/// The first few values that differ: `config_1.identifier: "a" → "b"`.
fn difference(expected: &Leaves, found: &Leaves, region: &str) -> String {
    const SHOWN: usize = 3;
    let (old, new) = (expected.in_region(region), found.in_region(region));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let side = |side: Option<&&str>| side.map_or("(absent)".to_owned(), ToString::to_string);
    let differing = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    let lines: Vec<String> = differing
        .take(SHOWN)
        .map(|path| format!("{path}: {} → {}", side(old.get(path)), side(new.get(path))))
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests;
