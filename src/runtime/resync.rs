//! Spreads the slow periodic visits over time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fastrand::Rng;

/// The times of a periodic visit, each up to a tenth early or late.
///
/// The jitter keeps installations and keys that started together from calling together.
/// A tenth is enough to drift apart within a few rounds and small enough that the interval
/// in a setting stays true. Pure: the caller says what time it is.
#[derive(Debug)]
pub struct Resync {
    interval: Duration,
    rng: Rng,
}

/// The part of the interval by which a visit may be early or late.
const JITTER: f64 = 0.1;

impl Resync {
    /// A resync every `interval`, more or less, the same for the same seed.
    pub fn new(interval: Duration, seed: u64) -> Self {
        Self { interval, rng: Rng::with_seed(seed) }
    }

    /// Returns when the first visit is due: at any time within one interval from `now`.
    pub fn first(&mut self, now: Duration) -> Duration {
        now.saturating_add(self.interval.mul_f64(self.rng.f64()))
    }

    /// Returns when the visit after one at `now` is due.
    pub fn next(&mut self, now: Duration) -> Duration {
        now.saturating_add(self.delay())
    }

    /// Returns the time between two visits.
    pub fn delay(&mut self) -> Duration {
        self.interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * self.rng.f64())
    }
}

/// Returns the share of `interval` after which a key with this hash has its turn.
///
/// Evenly spread hashes give evenly spread turns, so that a fleet is visited at a steady
/// rate instead of at once; and a key keeps its turn after a restart.
pub fn offset(interval: Duration, hash: u64) -> Duration {
    // The product needs 64 bits more than either factor: a Duration has fewer than 2^94 ns.
    let high = u128::from(interval.as_secs()) * u128::from(hash);
    let nanos = u128::from(interval.subsec_nanos()) * u128::from(hash);
    let whole = high >> 64;
    // What the shift cut off the seconds is a part of a second.
    let rest = ((high & u128::from(u64::MAX)) * 1_000_000_000 + nanos) >> 64;
    Duration::from_secs(u64::try_from(whole).unwrap_or(u64::MAX))
        + Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

/// Returns a hash of `key` for [`offset`].
///
/// Equal in every run of one build. A release may change it, which moves turns and nothing
/// else, so it is never stored.
pub fn spread(key: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "a panic is the failure of the test")]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn visits_are_at_most_a_tenth_early_or_late_and_so_on_average_in_time() {
        let mut resync = Resync::new(HOUR, 3);
        let start = Duration::from_secs(17);
        let mut now = start;
        for _ in 0..1000 {
            let next = resync.next(now);
            assert!((HOUR * 9 / 10..=HOUR * 11 / 10).contains(&(next - now)));
            now = next;
        }
        let mean = (now - start) / 1000;
        assert!((HOUR * 99 / 100..=HOUR * 101 / 100).contains(&mean), "{mean:?}");
    }

    #[test]
    fn start_ups_are_spread_over_the_whole_interval() {
        let firsts: Vec<Duration> =
            (0..100).map(|seed| Resync::new(HOUR, seed).first(HOUR) - HOUR).collect();
        assert!(firsts.iter().all(|first| *first <= HOUR));
        assert!(firsts.iter().any(|first| *first < HOUR / 10));
        assert!(firsts.iter().any(|first| *first > HOUR * 9 / 10));
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let times = |seed| {
            let mut resync = Resync::new(HOUR, seed);
            [resync.first(HOUR), resync.next(HOUR), resync.next(HOUR)]
        };
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
    }

    #[test]
    fn an_offset_is_the_hash_as_a_share_of_the_interval() {
        let half = 1 << 63;
        for (name, interval, hash, expect) in [
            ("nothing", HOUR, 0, Duration::ZERO),
            ("half of an hour", HOUR, half, HOUR / 2),
            ("half of an odd second", Duration::from_secs(1), half, Duration::from_millis(500)),
            ("half of nanoseconds", Duration::from_nanos(10), half, Duration::from_nanos(5)),
            ("half of both", Duration::new(3, 500), half, Duration::new(1, 500_000_250)),
            ("never the whole", HOUR, u64::MAX, HOUR - Duration::from_nanos(1)),
            ("the longest", Duration::MAX, half, Duration::MAX / 2),
        ] {
            assert_eq!(offset(interval, hash), expect, "{name}");
        }
    }

    #[test]
    fn many_keys_have_their_turns_at_a_steady_rate() {
        let mut per_minute = [0; 60];
        for key in 0..17_000 {
            let turn = offset(HOUR, spread(&("cell", key)));
            per_minute[usize::try_from(turn.as_secs() / 60).unwrap()] += 1;
        }
        // 283 on average; a hundred more or less would be six standard deviations.
        assert!(per_minute.iter().all(|count| (183..383).contains(count)), "{per_minute:?}");
    }
}
