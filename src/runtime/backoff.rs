//! Computes how long to wait after failures.
//!
//! The only module that touches the `backoff` crate, which upstream no longer maintains
//! (RUSTSEC-2025-0012; its `instant` dependency is RUSTSEC-2024-0384). We use its ladder of
//! intervals and nothing else: its jitter cannot be seeded, and its retry loops sleep inside
//! the work. To swap it, replace `ladder` by the three lines
//! `let step = self.interval; self.interval = min(step × multiplier, cap); step`.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use fastrand::Rng;

/// How delays grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackoffSettings {
    /// The first delay, before jitter.
    pub base: Duration,
    /// The longest delay; jitter only shortens it.
    pub cap: Duration,
    /// What a delay is multiplied by to give the next. Below 1 counts as 1.
    pub multiplier: f64,
    /// The part of a delay that chance may take off: 0 none, 1 all of it.
    pub jitter: f64,
}

impl Default for BackoffSettings {
    /// One second is longer than most reads are stale. Five minutes is the default resync:
    /// waiting longer would make failing worse than doing nothing. Doubling reaches it in
    /// nine failures. Half of a delay as jitter spreads keys that failed together, and still
    /// keeps the delays growing.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_mins(5),
            multiplier: 2.0,
            jitter: 0.5,
        }
    }
}

/// The delays after consecutive failures of one key.
///
/// # Guarantees
///
/// - Deterministic: equal settings and generators give equal delays.
/// - Delay `n` lies in `(1 - jitter) × step ..= step`, where
///   `step = min(base × multiplierⁿ, cap)`.
/// - It never ends: giving up is for the visit to decide.
#[derive(Debug)]
pub struct Backoff {
    ladder: ExponentialBackoff,
    jitter: f64,
    rng: Rng,
}

impl Backoff {
    /// Starts at the first delay.
    pub fn new(settings: BackoffSettings, rng: Rng) -> Self {
        let BackoffSettings { base, cap, multiplier, jitter } = settings;
        let ladder = ExponentialBackoffBuilder::new()
            .with_initial_interval(base.min(cap))
            .with_max_interval(cap)
            .with_multiplier(multiplier.max(1.0))
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build();
        Self { ladder, jitter: jitter.clamp(0.0, 1.0), rng }
    }

    /// Returns the delay after one more failure.
    pub fn next_delay(&mut self) -> Duration {
        let step = self.ladder.current_interval;
        // Only moves the ladder: what it returns went through jitter that is not ours.
        let _moved = self.ladder.next_backoff();
        step.mul_f64(1.0 - self.jitter * self.rng.f64())
    }

    /// Starts again at the first delay, after a success.
    pub fn reset(&mut self) {
        self.ladder.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEADY: BackoffSettings = BackoffSettings {
        base: Duration::from_secs(1),
        cap: Duration::from_secs(10),
        multiplier: 2.0,
        jitter: 0.0,
    };

    fn seconds(settings: BackoffSettings, count: usize) -> Vec<f64> {
        let mut backoff = Backoff::new(settings, Rng::with_seed(7));
        (0..count).map(|_| backoff.next_delay().as_secs_f64()).collect()
    }

    #[test]
    fn delays_double_from_the_base_and_stay_at_the_cap() {
        assert_eq!(seconds(STEADY, 6), [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
    }

    #[test]
    fn after_a_success_delays_start_over() {
        let mut backoff = Backoff::new(STEADY, Rng::with_seed(7));
        let before = [backoff.next_delay(), backoff.next_delay()];
        backoff.reset();
        assert_eq!([backoff.next_delay(), backoff.next_delay()], before);
    }

    #[test]
    fn jitter_shortens_by_at_most_its_part_and_differs() {
        let jittered = seconds(BackoffSettings { jitter: 0.5, ..STEADY }, 200);
        for (delay, step) in jittered.iter().zip(seconds(STEADY, 200)) {
            assert!(step * 0.5 <= *delay && *delay <= step, "{delay} of {step}");
        }
        let at_cap = &jittered[4..];
        assert!(at_cap.iter().any(|delay| *delay < 6.0) && at_cap.iter().any(|delay| *delay > 9.0));
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let settings = BackoffSettings::default();
        assert_eq!(seconds(settings, 50), seconds(settings, 50));
    }

    #[test]
    fn a_base_above_the_cap_is_the_cap() {
        let settings = BackoffSettings { base: Duration::from_mins(1), ..STEADY };
        assert_eq!(seconds(settings, 2), [10.0, 10.0]);
    }
}
