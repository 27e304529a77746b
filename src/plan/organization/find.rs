//! Finds the policies of an enforcement among all.
//!
//! An enforcement has one policy, or several where its document is too long for one: its *shards*,
//! numbered from 1. The number stands in a tag, so that a process that knows nothing finds each
//! again; the first carries none. While a rollout with waves of targets is open, more stand beside
//! them, one or several for each *lane*, of which a tag says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Absent, Name, ObservedPolicy, OwnerId, PolicyId, Read, Seen, digits};

/// Whose a policy is that has the name of one of ours and is none of the enforcement's.
pub(super) enum Whose {
    /// Nobody's: it carries no owner tag.
    Nobodys,
    /// Somebody's, or of something else of ours.
    Others(String),
}

/// One policy of an enforcement.
#[derive(Clone, Copy)]
pub(super) struct Shard<'a> {
    pub(super) number: u32,
    pub(super) live: &'a ObservedPolicy,
    pub(super) seen: Seen,
}

/// All of them, by number.
pub(super) type Shards<'a> = BTreeMap<u32, Shard<'a>>;

/// The policies of lanes, by lane and number.
pub(super) type Lanes<'a> = BTreeMap<String, Shards<'a>>;

impl<'a> Shard<'a> {
    /// One that stands in a complete list of policies.
    pub(super) fn listed(number: u32, live: &'a ObservedPolicy) -> Option<Self> {
        let (live, seen) = Read::Known(live).known().map(|(live, seen)| (*live, seen))?;
        Some(Self { number, live, seen })
    }
}

/// The proof for what does not stand in a complete list.
pub(super) fn unlisted() -> Option<Absent> {
    Read::<()>::KnownAbsent.absent()
}

/// Characters of a policy's name (`aws-facts` 4.3).
const NAME_MAX: usize = 128;

/// Digits that tell the names of two lanes apart that do not fit.
const HASH_DIGITS: usize = 8;

/// The name that an enforcement's policy has in AWS where its manifest writes none: at most 91
/// characters. No enforcement has a dot in its name, so a shard of one never looks like the policy
/// of another.
fn default_name(owner: &OwnerId, enforcement: &Name) -> String {
    format!("bedrail-{owner}-{enforcement}")
}

/// The name of a shard, from that of the first; cut where the number would not fit.
fn shard_name(first: &str, shard: u32) -> String {
    match shard {
        0 | 1 => first.to_owned(),
        _ => {
            let number = format!(".{shard}");
            let room = NAME_MAX.saturating_sub(number.len());
            first.chars().take(room).chain(number.chars()).collect()
        }
    }
}

/// The name of a policy of a lane, from that of the first; what does not fit is told apart by a hash.
fn lane_name(first: &str, lane: &str, shard: u32) -> String {
    let number = if shard > 1 { format!(".{shard}") } else { String::new() };
    let whole = format!("{first}.lane-{lane}{number}");
    if whole.chars().count() <= NAME_MAX {
        return whole;
    }
    let end = format!(".lane-{}", digits(&whole, HASH_DIGITS));
    let room = NAME_MAX.saturating_sub(end.len());
    first.chars().take(room).chain(end.chars()).collect()
}

/// Which shard has a name, if the first has `first`.
fn shard_in(name: &str, first: &str) -> Option<u32> {
    let number = name.rsplit_once('.').and_then(|(_, number)| number.parse().ok());
    let mut shards = [1].into_iter().chain(number);
    shards.find(|shard| shard_name(first, *shard) == name)
}

/// An enforcement, by every name that its policies can carry.
#[derive(Clone, Copy)]
pub(super) struct Identity<'a> {
    pub(super) us: &'a OwnerId,
    pub(super) name: &'a Name,
    /// Names it had before: what they own is handed over.
    pub(super) former: &'a BTreeSet<Name>,
    /// The name of its policy in AWS, where its manifest writes one.
    pub(super) written: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// The name of a shard in AWS.
    pub(super) fn policy_name(self, shard: u32) -> String {
        match self.written {
            Some(written) => shard_name(written, shard),
            None => shard_name(&default_name(self.us, self.name), shard),
        }
    }

    /// The name of a policy of a lane in AWS.
    pub(super) fn lane_name(self, lane: &str, shard: u32) -> String {
        lane_name(&self.policy_name(1), lane, shard)
    }

    /// The policies that stand beside its own while a rollout is open, by lane and number.
    pub(super) fn lanes(self, policies: &BTreeMap<PolicyId, ObservedPolicy>) -> Lanes<'_> {
        let mut lanes = Lanes::new();
        for policy in policies.values().filter(|it| self.is_ours(it)) {
            let Some(lane) = &policy.lane else { continue };
            let number = policy.shard.unwrap_or(1);
            if let Some(shard) = Shard::listed(number, policy) {
                lanes.entry(lane.clone()).or_default().entry(number).or_insert(shard);
            }
        }
        lanes
    }

    /// Its policies, by shard. They are found by tags, so that one renamed by hand stays ours; of
    /// several for one shard, the one that carries the present name wins, then the lowest id.
    pub(super) fn shards(self, policies: &BTreeMap<PolicyId, ObservedPolicy>) -> Shards<'_> {
        let mut shards: BTreeMap<u32, &ObservedPolicy> = BTreeMap::new();
        let its = policies.values().filter(|it| it.lane.is_none() && self.is_ours(it));
        for policy in its {
            let shard = self.shard(policy);
            let rank = |it: &ObservedPolicy| {
                let is_former = it.enforcement.as_ref().is_some_and(|tag| tag != self.name);
                (is_former, it.name != self.policy_name(shard), it.id.clone())
            };
            shards
                .entry(shard)
                .and_modify(|best| {
                    if rank(policy) < rank(best) {
                        *best = policy;
                    }
                })
                .or_insert(policy);
        }
        let listed = |(number, live)| Some((number, Shard::listed(number, live)?));
        shards.into_iter().filter_map(listed).collect()
    }

    /// The policy that has the name of a shard and is not ours, and whose it is.
    pub(super) fn stranger(
        self,
        policies: &BTreeMap<PolicyId, ObservedPolicy>,
        shard: u32,
    ) -> Option<(&ObservedPolicy, Whose)> {
        let name = self.policy_name(shard);
        let policy = policies.values().find(|it| it.name == name && !self.is_ours(it))?;
        let whose = match &policy.owner {
            None => Whose::Nobodys,
            Some(owner) if owner != self.us => Whose::Others(format!("`{owner}`")),
            Some(_) => Whose::Others("another enforcement of ours".to_owned()),
        };
        Some((policy, whose))
    }

    /// Whether a policy has the name that a shard of it had under a former name.
    pub(super) fn is_named_as_before(self, policy: &ObservedPolicy, shard: u32) -> bool {
        let mut names = self.former.iter().map(|former| default_name(self.us, former));
        names.any(|former| policy.name == shard_name(&former, shard))
    }

    fn names(self) -> impl Iterator<Item = &'a Name> {
        std::iter::once(self.name).chain(self.former)
    }

    fn is_ours(self, policy: &ObservedPolicy) -> bool {
        policy.owner.as_ref() == Some(self.us)
            && match &policy.enforcement {
                Some(tag) => self.names().any(|name| name == tag),
                None => self.shard_in_name(policy).is_some(),
            }
    }

    /// Which shard a policy of ours is: by its tag, else by its name in AWS.
    fn shard(self, policy: &ObservedPolicy) -> u32 {
        policy.shard.or_else(|| self.shard_in_name(policy)).unwrap_or(1)
    }

    fn shard_in_name(self, policy: &ObservedPolicy) -> Option<u32> {
        let defaults = self.names().map(|name| default_name(self.us, name));
        let mut names = self.written.map(str::to_owned).into_iter().chain(defaults);
        names.find_map(|first| shard_in(&policy.name, &first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::owner;

    #[test]
    fn each_policy_of_a_lane_has_a_name_of_its_own_and_it_fits() {
        let (us, name, former) = (owner(), "everywhere".parse().unwrap(), BTreeSet::new());
        let named = |written| Identity { us: &us, name: &name, former: &former, written };
        let ours = named(None);
        assert_eq!(ours.lane_name("w0", 1), "bedrail-us-everywhere.lane-w0");
        assert_eq!(ours.lane_name("w0", 2), "bedrail-us-everywhere.lane-w0.2");
        let long = "x".repeat(NAME_MAX - ".lane-w0".len());
        let long = named(Some(&long));
        assert_eq!(long.lane_name("w0", 1).len(), NAME_MAX);
        let cut: BTreeSet<String> = [("w0", 2), ("w0", 3), ("w10", 1)]
            .map(|(lane, shard)| long.lane_name(lane, shard))
            .into();
        assert_eq!(cut.len(), 3, "{cut:?}");
        assert!(cut.iter().all(|it| it.len() == NAME_MAX && it.starts_with("xxx")), "{cut:?}");
    }
}
