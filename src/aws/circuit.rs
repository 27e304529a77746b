//! Spares a Region that does not answer the calls of everybody who would ask it.
//!
//! ```text
//!            8 calls in a row unanswered, over 2 s          the time is up
//!   closed ─────────────────────────────────────► open ───────────────────► one call goes through
//!     ▲                                             ▲                             │ unanswered:
//!     └───────────── any answer, a refusal too      └── twice as long, 30 s at most ┘
//! ```
//!
//! One account whose calls hang does not open it: in between, others are answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Region;

/// Calls in a row without an answer, and how long they must have gone on: all that were in flight
/// when a connection broke fail at once, and mean nothing yet.
const UNANSWERED_MAX: u32 = 8;
const UNANSWERED_FOR: Duration = Duration::from_secs(2);

/// The first wait, and the longest: a Region that is back is noticed within it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What is known of one Region.
#[derive(Clone, Copy, Debug, Default)]
struct Circuit {
    /// Calls without an answer since the last one with.
    unanswered: u32,
    /// When the first of them failed.
    since: Option<Instant>,
    /// While it is open: the last wait, and its end.
    open: Option<(Duration, Instant)>,
}

impl Circuit {
    /// Whether a call may go through now; if not, how long it is until one may.
    fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let Some((wait, end)) = self.open else { return Ok(()) };
        if now < end {
            return Err(end - now);
        }
        // This call is the trial; whoever comes before its end waits for the next.
        let wait = (wait * 2).min(WAIT_MAX);
        self.open = Some((wait, now + wait));
        Ok(())
    }

    fn unanswered(&mut self, now: Instant) {
        self.unanswered = self.unanswered.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        let is_dead = self.unanswered >= UNANSWERED_MAX && now - since >= UNANSWERED_FOR;
        if is_dead && self.open.is_none() {
            self.open = Some((FIRST_WAIT, now + FIRST_WAIT));
        }
    }
}

/// One circuit for each Region of Bedrock.
#[derive(Debug, Default)]
pub(super) struct Circuits(Mutex<BTreeMap<Region, Circuit>>);

impl Circuits {
    /// Whether a call to `region` may go through now; if not, how long it is until one may.
    pub(super) fn admit(&self, region: &Region, now: Instant) -> Result<(), Duration> {
        self.of(region, |circuit| circuit.admit(now))
    }

    /// Notes that `region` did not answer.
    pub(super) fn unanswered(&self, region: &Region, now: Instant) {
        self.of(region, |circuit| circuit.unanswered(now));
    }

    /// Notes that `region` answered, be it with a refusal.
    pub(super) fn answered(&self, region: &Region) {
        self.of(region, |circuit| *circuit = Circuit::default());
    }

    fn of<T>(&self, region: &Region, with: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(circuit) = circuits.get_mut(region) {
            return with(circuit);
        }
        with(circuits.entry(region.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A circuit that opened just now.
    fn open(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..UNANSWERED_MAX {
            circuit.unanswered(now - UNANSWERED_FOR);
        }
        assert_eq!(circuit.admit(now), Ok(()), "all at once means nothing yet");
        circuit.unanswered(now);
        circuit
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_in_a_while_tries_whether_a_dead_region_is_back() {
        tokio::time::advance(UNANSWERED_FOR).await;
        let now = Instant::now();
        let mut circuit = open(now);
        assert_eq!(circuit.admit(now), Err(SECOND));
        assert_eq!(circuit.admit(now + SECOND), Ok(()), "the trial");
        assert_eq!(circuit.admit(now + SECOND), Err(2 * SECOND), "and no other");
        circuit.unanswered(now + 2 * SECOND);
        assert_eq!(circuit.admit(now + 3 * SECOND), Ok(()));
        let mut later = now;
        for _ in 0..10 {
            later += WAIT_MAX;
            assert_eq!(circuit.admit(later), Ok(()), "at least every half minute");
            circuit.unanswered(later);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn any_answer_closes_it_and_keeps_it_closed() {
        tokio::time::advance(UNANSWERED_FOR).await;
        let (now, region): (_, Region) = (Instant::now(), "eu-west-1".parse().unwrap());
        let circuits = Circuits::default();
        circuits.of(&region, |circuit| *circuit = open(now));
        let other = "us-east-1".parse().unwrap();
        assert_eq!(circuits.admit(&other, now), Ok(()), "each Region for itself");
        assert!(circuits.admit(&region, now).is_err());
        circuits.answered(&region);
        assert_eq!(circuits.admit(&region, now), Ok(()));
        for second in 0..60 {
            circuits.unanswered(&region, now + second * SECOND);
            if second % 7 == 0 {
                circuits.answered(&region);
            }
            assert_eq!(circuits.admit(&region, now + second * SECOND), Ok(()));
        }
    }
}
