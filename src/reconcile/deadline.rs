//! Gives up visits that take too long: every call has an end of its own, and what waits between
//! calls must have one too.
//!
//! | what the visit was at | what becomes of it |
//! |---|---|
//! | reads | dropped, since nothing is lost with them; what the key is about counts as unread |
//! | a write | dropped, and counts as one whose answer was lost: it may have taken effect |
//! | writes after it | not begun |
//! | questions and probes | dropped; the next plan asks again |
//!
//! A write that has begun is given as long as its plan may be acted upon, also where the visit has
//! less time left, so that a slow read does not cut off what came of it.
//!
//! Each time in a row a key has twice as long: what only takes its time comes to an end, and what
//! hangs is tried less and less often.

use std::time::Duration;

use super::engine::Engine;
use super::key::Key;
use super::observe::Observed;
use super::state::State;
use crate::aws::ErrorClass;
use crate::model::{ObservedCell, ObservedReplica, Read, Unread};

/// How often the time doubles at most.
const DOUBLINGS_MAX: u32 = 6;

/// When a visit is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    /// On the monotonic clock.
    at: Duration,
    /// How long the visit may take altogether.
    allowed: Duration,
}

impl Deadline {
    /// Of a visit that began then, after so many of its key in a row that were given up.
    fn of(began: Duration, allowed: Duration, given_up: u32) -> Self {
        let allowed = allowed.saturating_mul(1 << given_up.min(DOUBLINGS_MAX));
        Self { at: began.saturating_add(allowed), allowed }
    }

    /// Whether a visit that ended now was given up.
    pub(super) fn is_over(self, now: Duration) -> bool {
        now >= self.at
    }

    /// How long the visit may take altogether.
    pub(super) fn allowed(self) -> Duration {
        self.allowed
    }

    /// What is left of it.
    pub(super) fn left(self, now: Duration) -> Duration {
        self.at.saturating_sub(now)
    }

    /// Why what the visit was to read is unread.
    pub(super) fn unread(self) -> Unread {
        let message = format!(
            "the visit was given up: what it reads was not answered within {:?}; it is tried again",
            self.allowed
        );
        Unread { class: ErrorClass::Unavailable.reason(), message }
    }
}

impl Engine {
    /// When a visit of `key` that began then is given up.
    pub(super) fn deadline(&self, key: &Key, began: Duration) -> Deadline {
        let given_up = self.state().given_up.get(key).copied().unwrap_or_default();
        Deadline::of(began, self.settings.visit_deadline, given_up)
    }

    /// How long a write may take that begins now.
    pub(super) fn for_a_write(&self, deadline: Deadline) -> Duration {
        deadline.left(self.time.now()).max(self.settings.act_within)
    }
}

impl State {
    /// Counts visits of a key in a row that were given up.
    pub(super) fn note_given_up(&mut self, key: &Key, is_given_up: bool) {
        if is_given_up {
            *self.given_up.entry(key.clone()).or_default() += 1;
            self.tally.gave_up(key.kind());
        } else {
            self.given_up.remove(key);
        }
    }
}

/// What was read of a key whose reads were given up: that it is unread. `None` where that is no
/// ground to plan from.
pub(super) fn unread(key: &Key, unread: Unread) -> Option<Observed> {
    match key {
        Key::Organization | Key::Rollout(_) => None,
        Key::Replica(_) => {
            let guardrail = Read::Unknown(unread);
            Some(Observed::Replica(Box::new(ObservedReplica { guardrail }), None))
        }
        Key::ProfilePolicy(_) => Some(Observed::ProfilePolicy(Read::Unknown(unread))),
        Key::Cell(_) | Key::Audit(_) => {
            Some(Observed::Cell(ObservedCell { enforcement: Read::Unknown(unread) }))
        }
        Key::Logging(_) => Some(Observed::Logging(Read::Unknown(unread))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn who_was_given_up_has_twice_as_long_each_time_up_to_an_hour_of_a_minute() {
        let allowed = |given_up| Deadline::of(MINUTE, MINUTE, given_up).left(MINUTE);
        let times: Vec<u64> = [0, 1, 2, 6, 7, 1000].map(|it| allowed(it).as_secs() / 60).into();
        assert_eq!(times, [1, 2, 4, 64, 64, 64]);
        let never = Deadline::of(MINUTE, Duration::MAX, 3);
        assert!(!never.is_over(MINUTE * 1_000_000));
    }

    #[test]
    fn a_visit_is_over_at_its_deadline_and_not_before() {
        let deadline = Deadline::of(MINUTE, MINUTE, 0);
        let before = Duration::from_nanos(119_999_999_999);
        assert_eq!((deadline.is_over(before), deadline.is_over(2 * MINUTE)), (false, true));
        assert_eq!(deadline.left(3 * MINUTE), Duration::ZERO);
    }
}
