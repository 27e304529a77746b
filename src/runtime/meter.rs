//! What goes through a queue, counted since its start.

use std::time::Duration;

/// Upper bounds of the buckets of times, in seconds; what took longer is in a last one.
pub const BOUNDS_S: [f64; 10] = [0.001, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0];

/// How long something took, each time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// How many fell into each bucket of [`BOUNDS_S`], not cumulated, and beyond the last.
    pub counts: [u64; BOUNDS_S.len() + 1],
    /// Seconds, all together.
    pub sum_s: f64,
}

impl Times {
    fn add(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.sum_s += seconds;
        let bucket = BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS_S.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
    }
}

/// Counts of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meter {
    /// Keys that became due. One that was due already does not become so again.
    pub adds: u64,
    /// Keys that came back after a visit that failed.
    pub retries: u64,
    /// From when a key was due until its visit began.
    pub waited: Times,
    /// How long visits took.
    pub worked: Times,
    /// How long those that run have taken so far, all together.
    pub unfinished: Duration,
    /// How long the longest of them has taken so far.
    pub longest: Duration,
}

impl Meter {
    pub(super) fn added(&mut self) {
        self.adds += 1;
    }

    pub(super) fn began(&mut self, waited: Duration) {
        self.waited.add(waited);
    }

    pub(super) fn ended(&mut self, worked: Duration) {
        self.worked.add(worked);
    }

    pub(super) fn runs_for(&mut self, so_far: Duration) {
        self.unfinished += so_far;
        self.longest = self.longest.max(so_far);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_that_holds_it() {
        let mut times = Times::default();
        for milliseconds in [1, 2, 400_000] {
            times.add(Duration::from_millis(milliseconds));
        }
        assert_eq!(times.counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert!((times.sum_s - 400.003).abs() < 1e-9);
    }
}
