//! Decides which waiting key is next, under limits per lane.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

/// Keys of one lane share a limit on how many of them are visited at once.
///
/// Two lanes are the same when both name and limit are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    name: Cow<'static, str>,
    limit: NonZeroUsize,
}

impl Lane {
    /// The lane of keys that share no limit.
    pub(super) const UNLIMITED: Self =
        Self { name: Cow::Borrowed("unlimited"), limit: NonZeroUsize::MAX };

    /// A lane in which at most `limit` keys are visited at once.
    pub fn new(name: impl Into<Cow<'static, str>>, limit: NonZeroUsize) -> Self {
        Self { name: name.into(), limit }
    }

    /// A lane in which keys are visited one after the other.
    pub fn serial(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, NonZeroUsize::MIN)
    }
}

/// A key's place in the order of arrival.
pub(super) type Ticket = u64;

/// Waiting keys by lane, first come first served among the lanes with room.
///
/// Pure. Taking a key costs a logarithm whatever waits behind full lanes: the front of each
/// lane that has room stands in `open`, and nothing else is looked at.
#[derive(Debug)]
pub(super) struct Lanes<K> {
    by_lane: BTreeMap<Lane, Waiting<K>>,
    open: BTreeSet<(Ticket, Lane)>,
    tickets: Ticket,
    len: usize,
}

#[derive(Debug)]
struct Waiting<K> {
    keys: BTreeMap<Ticket, K>,
    running: usize,
    /// The ticket under which the lane stands in `open`.
    offered: Option<Ticket>,
}

impl<K> Lanes<K> {
    pub(super) const fn new() -> Self {
        Self { by_lane: BTreeMap::new(), open: BTreeSet::new(), tickets: 0, len: 0 }
    }

    /// Counts the waiting keys.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Puts a key behind all that wait.
    pub(super) fn push(&mut self, lane: &Lane, key: K) -> Ticket {
        let ticket = self.tickets;
        self.tickets += 1;
        self.len += 1;
        self.change(lane, |waiting| {
            waiting.keys.insert(ticket, key);
        });
        ticket
    }

    /// Takes a waiting key out without running it.
    pub(super) fn remove(&mut self, lane: &Lane, ticket: Ticket) {
        let removed = self.change(lane, |waiting| waiting.keys.remove(&ticket).is_some());
        self.len -= usize::from(removed);
    }

    /// Takes the key that came first among the lanes with room and counts it as running.
    pub(super) fn take(&mut self) -> Option<K> {
        let (ticket, lane) = self.open.first().cloned()?;
        let key = self.change(&lane, |waiting| {
            waiting.running += 1;
            waiting.keys.remove(&ticket)
        })?;
        self.len -= 1;
        Some(key)
    }

    /// Counts one key of the lane as no longer running.
    pub(super) fn release(&mut self, lane: &Lane) {
        self.change(lane, |waiting| waiting.running = waiting.running.saturating_sub(1));
    }

    /// Changes one lane, then moves it to where it now belongs in `open`.
    fn change<T>(&mut self, lane: &Lane, apply: impl FnOnce(&mut Waiting<K>) -> T) -> T {
        let waiting = self.by_lane.entry(lane.clone()).or_insert_with(|| Waiting {
            keys: BTreeMap::new(),
            running: 0,
            offered: None,
        });
        let answer = apply(waiting);

        let has_room = waiting.running < lane.limit.get();
        let front = waiting.keys.first_key_value().map(|(ticket, _)| *ticket);
        let offer = front.filter(|_| has_room);
        let offered = std::mem::replace(&mut waiting.offered, offer);
        let is_unused = waiting.keys.is_empty() && waiting.running == 0;

        if offered != offer {
            if let Some(ticket) = offered {
                self.open.remove(&(ticket, lane.clone()));
            }
            if let Some(ticket) = offer {
                self.open.insert((ticket, lane.clone()));
            }
        }
        // A lane may be named after something that comes and goes, such as an account.
        if is_unused {
            self.by_lane.remove(lane);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Lane = Lane { name: Cow::Borrowed("slow"), limit: NonZeroUsize::MIN };
    const FREE: Lane = Lane::UNLIMITED;

    #[test]
    fn the_first_to_come_is_the_first_to_go_across_lanes() {
        let mut lanes = Lanes::new();
        lanes.push(&FREE, 'a');
        lanes.push(&SLOW, 'b');
        lanes.push(&FREE, 'c');
        let order: Vec<char> = std::iter::from_fn(|| lanes.take()).collect();
        assert_eq!(order, ['a', 'b', 'c']);
    }

    #[test]
    fn a_full_lane_lets_others_pass_and_keeps_its_order() {
        let mut lanes = Lanes::new();
        for (lane, key) in [(SLOW, 'a'), (SLOW, 'b'), (SLOW, 'c'), (FREE, 'd')] {
            lanes.push(&lane, key);
        }
        assert_eq!(lanes.take(), Some('a'));
        assert_eq!(lanes.take(), Some('d'));
        assert_eq!(lanes.take(), None);
        assert_eq!(lanes.len(), 2);
        lanes.release(&SLOW);
        assert_eq!(lanes.take(), Some('b'));
        lanes.release(&SLOW);
        assert_eq!(lanes.take(), Some('c'));
    }

    #[test]
    fn a_removed_key_gives_its_place_to_the_next() {
        let mut lanes = Lanes::new();
        let ticket = lanes.push(&SLOW, 'a');
        lanes.push(&SLOW, 'b');
        lanes.remove(&SLOW, ticket);
        assert_eq!((lanes.len(), lanes.take(), lanes.take()), (1, Some('b'), None));
    }

    #[test]
    fn a_lane_nobody_uses_costs_no_memory() {
        let mut lanes = Lanes::new();
        for account in 0..1000 {
            let lane = Lane::serial(format!("{account}"));
            lanes.push(&lane, account);
            assert_eq!(lanes.take(), Some(account));
            lanes.release(&lane);
        }
        assert!(lanes.by_lane.is_empty() && lanes.open.is_empty());
    }
}
