//! Whether the loop is alive.

use std::time::Duration;

use jiff::Timestamp;

/// Whether visits still end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// They do.
    Alive,
    /// None has for too long; the reason for people.
    Stuck(String),
}

impl Health {
    /// Judges at `now`: some visit must end within `patience` of the start, and of the one before.
    pub fn judge(
        now: Timestamp,
        started: Timestamp,
        last_visit: Option<Timestamp>,
        patience: Duration,
    ) -> Self {
        let since = last_visit.unwrap_or(started);
        let silent = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        if silent <= patience {
            return Self::Alive;
        }
        let seconds = silent.as_secs();
        Self::Stuck(match last_visit {
            Some(_) => format!("no visit has ended for {seconds} s"),
            None => format!("no visit has ended since the start {seconds} s ago"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_in_which_no_visit_ends_is_not_alive() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let judge = |now, last: Option<i64>| {
            Health::judge(at(now), at(0), last.map(at), Duration::from_mins(1))
        };
        assert_eq!(judge(60, None), Health::Alive);
        assert!(matches!(judge(61, None), Health::Stuck(why) if why.contains("since the start")));
        assert_eq!(judge(161, Some(101)), Health::Alive);
        assert!(matches!(judge(162, Some(101)), Health::Stuck(why) if why.contains("61 s")));
        // The clock of the machine was set back.
        assert_eq!(judge(50, Some(101)), Health::Alive);
    }
}
