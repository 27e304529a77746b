//! A sign of life that is given only after everything was looked at, so that silence is an alarm.

use jiff::Timestamp;

/// Knows when everything was last read, from one moment on.
///
/// A round is complete once every key was read after it began; then the next one begins. One key
/// that cannot be read, or was never visited, keeps a round open for as long as that lasts.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    round: Timestamp,
    last: Option<Timestamp>,
}

impl Heartbeat {
    /// The first round begins now.
    pub fn beginning(now: Timestamp) -> Self {
        Self { round: now, last: None }
    }

    /// Notes when the key was read that was read longest ago (`None`: some was never, or there is
    /// nothing in force), and says whether that completes a round.
    pub fn note(&mut self, oldest: Option<Timestamp>, now: Timestamp) -> bool {
        let is_complete = oldest.is_some_and(|oldest| oldest >= self.round);
        if is_complete {
            *self = Self { round: now, last: Some(now) };
        }
        is_complete
    }

    /// When the last round was complete.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_once_everything_was_read_since_the_last_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut heartbeat = Heartbeat::beginning(at(10));
        for (oldest, now, beats) in [
            (None, 20, false),
            (Some(9), 20, false),
            (Some(10), 21, true),
            // Read in the round before.
            (Some(20), 30, false),
            (Some(21), 31, true),
        ] {
            assert_eq!(heartbeat.note(oldest.map(at), at(now)), beats, "{oldest:?} at {now}");
        }
        assert_eq!(heartbeat.last(), Some(at(31)));
        // One that cannot be read any more: silence, and the last time stays.
        assert!(!heartbeat.note(Some(at(25)), at(1000)));
        assert_eq!(heartbeat.last(), Some(at(31)));
    }
}
