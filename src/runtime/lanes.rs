//! Decides which waiting key is next, under limits per lane.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

/// Keys of one lane share a limit on how many of them are visited at once.
///
/// Two lanes are the same when name and limits are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    name: Cow<'static, str>,
    limit: NonZeroUsize,
    /// The limit at first, and after a visit that took too long.
    first: NonZeroUsize,
}

impl Lane {
    /// The lane of keys that share no limit.
    pub(super) const UNLIMITED: Self = Self {
        name: Cow::Borrowed("unlimited"),
        limit: NonZeroUsize::MAX,
        first: NonZeroUsize::MAX,
    };

    /// A lane in which at most `limit` keys are visited at once.
    pub fn new(name: impl Into<Cow<'static, str>>, limit: NonZeroUsize) -> Self {
        Self { name: name.into(), limit, first: limit }
    }

    /// A lane in which keys are visited one after the other.
    pub fn serial(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, NonZeroUsize::MIN)
    }

    /// A lane that tries one key first, and one more at once with each visit that ends in time,
    /// up to `limit`: where nothing answers, one visit finds out for all.
    pub fn careful(name: impl Into<Cow<'static, str>>, limit: NonZeroUsize) -> Self {
        Self { name: name.into(), limit, first: NonZeroUsize::MIN }
    }
}

/// A key's place: its round, and within the round the order of arrival.
pub(super) type Ticket = (u64, u64);

/// Waiting keys by lane: each lane with room has its turn once in every round.
///
/// ```text
///   lane A   a1 a2 a3 a4 …      a key's round is the one after the key's before it in its lane,
///   lane B   b1                 and after the one that is being served
///   lane C   c1 c2              order: a1 b1 c1 · a2 c2 · a3 · a4
/// ```
///
/// So a lane with thousands of keys, or one whose keys come back at once, is passed by every other
/// lane in each round, and within a lane the first to come is the first to go.
///
/// Pure. Taking a key costs a logarithm whatever waits behind full lanes: the front of each
/// lane that has room stands in `open`, and nothing else is looked at.
#[derive(Debug)]
pub(super) struct Lanes<K> {
    by_lane: BTreeMap<Lane, Waiting<K>>,
    open: BTreeSet<(Ticket, Lane)>,
    /// The round of the key that was taken last.
    round: u64,
    arrivals: u64,
    len: usize,
}

#[derive(Debug)]
struct Waiting<K> {
    keys: BTreeMap<Ticket, K>,
    running: usize,
    /// How many may run at once now.
    room: usize,
    /// The round of the key that came last.
    last: u64,
    /// The ticket under which the lane stands in `open`.
    offered: Option<Ticket>,
}

impl<K> Lanes<K> {
    pub(super) const fn new() -> Self {
        Self { by_lane: BTreeMap::new(), open: BTreeSet::new(), round: 0, arrivals: 0, len: 0 }
    }

    /// Counts the waiting keys.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Puts a key behind all that wait in its lane, and behind one of every other lane.
    pub(super) fn push(&mut self, lane: &Lane, key: K) -> Ticket {
        let (round, arrival) = (self.round, self.arrivals);
        self.arrivals += 1;
        self.len += 1;
        self.change(lane, |waiting| {
            waiting.last = waiting.last.max(round) + 1;
            let ticket = (waiting.last, arrival);
            waiting.keys.insert(ticket, key);
            ticket
        })
    }

    /// Takes a waiting key out without running it.
    pub(super) fn remove(&mut self, lane: &Lane, ticket: Ticket) {
        let removed = self.change(lane, |waiting| waiting.keys.remove(&ticket).is_some());
        self.len -= usize::from(removed);
    }

    /// Takes the key whose turn it is among the lanes with room, and counts it as running.
    pub(super) fn take(&mut self) -> Option<K> {
        let (ticket, lane) = self.open.first().cloned()?;
        let key = self.change(&lane, |waiting| {
            waiting.running += 1;
            waiting.keys.remove(&ticket)
        })?;
        self.round = ticket.0;
        self.len -= 1;
        Some(key)
    }

    /// Counts one key of the lane as no longer running; says whether its visit ended in time.
    pub(super) fn release(&mut self, lane: &Lane, in_time: bool) {
        self.change(lane, |waiting| {
            waiting.running = waiting.running.saturating_sub(1);
            if in_time {
                waiting.room = waiting.room.saturating_add(1).min(lane.limit.get());
            } else {
                waiting.room = lane.first.get();
            }
        });
    }

    /// Notes that a visit of the lane takes too long.
    pub(super) fn stalled(&mut self, lane: &Lane) {
        self.change(lane, |waiting| waiting.room = lane.first.get());
    }

    /// Changes one lane, then moves it to where it now belongs in `open`.
    fn change<T>(&mut self, lane: &Lane, apply: impl FnOnce(&mut Waiting<K>) -> T) -> T {
        let waiting = self.by_lane.entry(lane.clone()).or_insert_with(|| Waiting {
            keys: BTreeMap::new(),
            running: 0,
            room: lane.first.get(),
            last: 0,
            offered: None,
        });
        let answer = apply(waiting);

        let has_room = waiting.running < waiting.room;
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
        // A lane may be named after something that comes and goes, such as an account. Who comes
        // back to a forgotten lane starts in the next round like everybody else.
        if is_unused {
            self.by_lane.remove(lane);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Lane =
        Lane { name: Cow::Borrowed("slow"), limit: NonZeroUsize::MIN, first: NonZeroUsize::MIN };
    const FREE: Lane = Lane::UNLIMITED;
    const WIDE: NonZeroUsize = NonZeroUsize::MAX;

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
        lanes.release(&SLOW, true);
        assert_eq!(lanes.take(), Some('b'));
        lanes.release(&SLOW, true);
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
            lanes.release(&lane, true);
        }
        assert!(lanes.by_lane.is_empty() && lanes.open.is_empty());
    }

    #[test]
    fn every_lane_has_its_turn_in_every_round_however_many_wait_in_one() {
        let mut lanes = Lanes::new();
        let (noisy, quiet) = (Lane::new("noisy", WIDE), Lane::new("quiet", WIDE));
        for key in 0..1000 {
            lanes.push(&noisy, key);
        }
        for key in 2000..2003 {
            lanes.push(&quiet, key);
        }
        let order: Vec<i32> = std::iter::from_fn(|| lanes.take()).take(6).collect();
        assert_eq!(order, [0, 2000, 1, 2001, 2, 2002]);
    }

    #[test]
    fn a_key_that_comes_back_at_once_is_passed_by_one_of_every_lane() {
        let mut lanes = Lanes::new();
        let (noisy, quiet) = (Lane::new("noisy", WIDE), Lane::new("quiet", WIDE));
        for key in 1..=10 {
            lanes.push(&quiet, key);
        }
        lanes.push(&noisy, 0);
        let mut order = Vec::new();
        while order.len() < 20 {
            let key = lanes.take().unwrap();
            order.push(key);
            if key == 0 {
                lanes.release(&noisy, true);
                lanes.push(&noisy, 0);
            }
        }
        let quiet: Vec<usize> = (0..20).filter(|place| order[*place] != 0).collect();
        let gaps = quiet.windows(2).map(|pair| pair[1] - pair[0]);
        assert_eq!((quiet.len(), gaps.max()), (10, Some(2)), "{order:?}");
    }

    #[test]
    fn a_careful_lane_tries_one_then_more_and_one_again_after_a_stall() {
        let mut lanes = Lanes::new();
        let lane = Lane::careful("account", NonZeroUsize::new(3).unwrap());
        for key in 0..100 {
            lanes.push(&lane, key);
        }
        let at_once =
            |lanes: &mut Lanes<i32>| std::iter::from_fn(|| lanes.take()).collect::<Vec<_>>().len();
        assert_eq!(at_once(&mut lanes), 1);
        lanes.release(&lane, true);
        assert_eq!(at_once(&mut lanes), 2);
        lanes.release(&lane, true);
        lanes.release(&lane, true);
        assert_eq!(at_once(&mut lanes), 3, "and never more than its limit");
        lanes.stalled(&lane);
        for _ in 0..2 {
            lanes.release(&lane, false);
        }
        assert_eq!(at_once(&mut lanes), 0, "one still runs");
        lanes.release(&lane, false);
        assert_eq!(at_once(&mut lanes), 1);
    }
}
