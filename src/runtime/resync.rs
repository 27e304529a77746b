//! Spreads the slow periodic visits over time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Gives every key its turn in a round of `interval`: the same distance between any two turns.
///
/// Which turn a key has follows from its hash, so that neighbours (the Regions of one account) are
/// far apart, and a key keeps its turn when the process restarts. A key that comes or goes moves
/// the turns of the others by less than one distance. Hashes alone would give a rate that wavers
/// by the root of the count; turns that are counted out give the same rate in every minute.
pub fn turns<K: Hash + Ord>(
    keys: impl IntoIterator<Item = K>,
    interval: Duration,
) -> Vec<(K, Duration)> {
    let mut keys: Vec<(u64, K)> = keys.into_iter().map(|key| (spread(&key), key)).collect();
    keys.sort_unstable();
    let count = u128::try_from(keys.len()).unwrap_or(u128::MAX).max(1);
    let turn = |index: usize| {
        let share = interval.as_nanos() * u128::try_from(index).unwrap_or(u128::MAX) / count;
        Duration::from_nanos_u128(share)
    };
    keys.into_iter().enumerate().map(|(index, (_, key))| (key, turn(index))).collect()
}

/// Returns a hash of `key`, equal in every run of one build. A release may change it, which moves
/// turns and nothing else, so it is never stored.
fn spread(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn many_keys_have_their_turns_at_a_steady_rate() {
        let mut per_minute = [0; 60];
        for (_, turn) in turns((0..17_000).map(|key| ("cell", key)), HOUR) {
            per_minute[usize::try_from(turn.as_secs() / 60).unwrap()] += 1;
        }
        assert!(per_minute.iter().all(|count| (283..=284).contains(count)), "{per_minute:?}");
    }

    #[test]
    fn neighbours_are_apart_and_all_keep_their_turns_but_for_a_moment_when_one_goes() {
        let all: BTreeMap<_, _> = turns(0..1000, HOUR).into_iter().collect();
        let distance = HOUR / 1000;
        let close = (1..1000).filter(|key| all[key].abs_diff(all[&(key - 1)]) < distance * 10);
        assert!(close.count() < 50);
        for (key, turn) in turns((0..1000).filter(|key| *key != 17), HOUR) {
            assert!(all[&key].abs_diff(turn) <= distance, "{key}");
        }
        assert_eq!(turns(std::iter::empty::<u8>(), HOUR), []);
        assert_eq!(turns([1, 2], Duration::MAX).len(), 2);
    }
}
