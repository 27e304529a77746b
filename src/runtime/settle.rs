//! Decides when a burst of notifications has settled.

use std::time::Duration;

/// A burst of notifications that began at one time and may still go on.
///
/// Pure. It is over when nothing came for `quiet`, so that a half-written file is not read;
/// and after `at_most` in any case, so that a file written for ever does not hide the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    first: Duration,
    last: Duration,
    quiet: Duration,
    at_most: Duration,
}

impl Burst {
    pub(super) const fn new(now: Duration, quiet: Duration, at_most: Duration) -> Self {
        Self { first: now, last: now, quiet, at_most }
    }

    /// Takes note of one more notification.
    pub(super) const fn extend(&mut self, now: Duration) {
        self.last = now;
    }

    /// Returns when the burst is over if nothing more comes.
    pub(super) fn over(&self) -> Duration {
        let settled = self.last.saturating_add(self.quiet);
        settled.min(self.first.saturating_add(self.at_most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_over_when_quiet_and_at_the_latest_after_its_maximum() {
        let ms = Duration::from_millis;
        for (name, notifications, expect) in [
            ("one", &[1000][..], 1300),
            ("each starts the quiet again", &[1000, 1200, 1400], 1700),
            ("but not for ever", &[1000, 1900, 2950], 3000),
        ] {
            let mut burst = Burst::new(ms(notifications[0]), ms(300), ms(2000));
            for now in notifications {
                burst.extend(ms(*now));
            }
            assert_eq!(burst.over(), ms(expect), "{name}");
        }
    }
}
