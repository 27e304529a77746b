//! Counts since the start of the process, for metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::outcome::Verdict;

/// Upper bounds of the buckets of visit times, in seconds; what took longer is in a last one.
pub const BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];

/// How long visits of one kind took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timed {
    /// How many fell into each of [`BUCKETS`], not cumulated, and beyond the last.
    pub buckets: [u64; BUCKETS.len() + 1],
    /// Seconds, all together.
    pub sum: f64,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Visits by kind of key and verdict.
    pub visits: BTreeMap<(&'static str, Verdict), u64>,
    /// Visits that took too long and were given up, by kind of key.
    pub given_up: BTreeMap<&'static str, u64>,
    /// Times of visits by kind of key.
    pub times: BTreeMap<&'static str, Timed>,
    /// Writes that drift asked for, refused ones too, by operation.
    pub drift_found: BTreeMap<&'static str, u64>,
    /// Writes that corrected drift, by operation.
    pub drift: BTreeMap<&'static str, u64>,
    /// Writes, by operation.
    pub writes: BTreeMap<&'static str, u64>,
    /// When the last visit ended.
    pub last_visit: Option<Timestamp>,
}

impl Tally {
    /// Counts a visit that took so long and ended at `at`.
    pub fn visited(&mut self, kind: &'static str, verdict: Verdict, took: Duration, at: Timestamp) {
        *self.visits.entry((kind, verdict)).or_default() += 1;
        let seconds = took.as_secs_f64();
        let timed = self.times.entry(kind).or_default();
        timed.sum += seconds;
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        if let Some(count) = timed.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.last_visit = Some(at);
    }

    /// Counts a visit that took too long.
    pub fn gave_up(&mut self, kind: &'static str) {
        *self.given_up.entry(kind).or_default() += 1;
    }

    /// Counts a write that is about to be sent because of drift.
    pub fn found_drift(&mut self, operation: &'static str) {
        *self.drift_found.entry(operation).or_default() += 1;
    }

    /// Counts a write that AWS accepted.
    pub fn wrote(&mut self, operation: &'static str, is_drift: bool) {
        *self.writes.entry(operation).or_default() += 1;
        if is_drift {
            *self.drift.entry(operation).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_falls_into_the_bucket_of_its_time() {
        let mut tally = Tally::default();
        for milliseconds in [10, 11, 70_000] {
            let took = Duration::from_millis(milliseconds);
            tally.visited("Cell", Verdict::Unchanged, took, Timestamp::UNIX_EPOCH);
        }
        let timed = &tally.times["Cell"];
        assert_eq!(timed.buckets, [1, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert!((timed.sum - 70.021).abs() < 1e-9);
        assert_eq!(tally.visits[&("Cell", Verdict::Unchanged)], 3);
    }
}
