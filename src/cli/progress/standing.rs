//! How far it is, in words.

use std::time::Duration;

use crate::status::grouped;

/// API calls so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Calls {
    /// All of them.
    pub(in crate::cli) made: u64,
    /// Those that AWS answered by a throttle.
    pub(in crate::cli) throttled: u64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// What nothing is due of any more.
    pub(super) done: usize,
    /// All there is, as far as it is known.
    pub(super) total: usize,
    /// What it took.
    pub(super) calls: Calls,
    /// What waits, and what fails.
    pub(super) trouble: Option<(usize, usize)>,
}

impl Standing {
    /// `1,240 of 17,000 keys, 620/s, 25s left; 1,310 API calls, 3 throttled; 2 held, 1 failing`.
    pub(super) fn line(&self, what: &str, elapsed: Duration) -> String {
        let Self { done, total, calls, trouble } = self;
        let mut pace = vec![format!("{} of {} {what}", grouped(*done), grouped(*total))];
        let (rate, left) = self.pace(elapsed);
        pace.extend(rate.map(|rate| format!("{rate}/s")));
        pace.extend(left.map(|left| format!("{left} left")));
        let mut spent = vec![format!("{} API calls", grouped(count(calls.made)))];
        if calls.throttled > 0 {
            spent.push(format!("{} throttled", grouped(count(calls.throttled))));
        }
        let (held, failing) = trouble.unwrap_or_default();
        let trouble = [(held, "held"), (failing, "failing")].into_iter();
        let trouble = trouble.filter(|(count, _)| *count > 0);
        let trouble = trouble.map(|(count, word)| format!("{} {word}", grouped(count)));
        let parts = [pace.join(", "), spent.join(", "), trouble.collect::<Vec<_>>().join(", ")];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// How much is done in a second, and how long the rest takes, as far as that can be told.
    pub(super) fn pace(&self, elapsed: Duration) -> (Option<String>, Option<String>) {
        let left = left(self.done, self.total, elapsed);
        (rate(self.done, elapsed), left.map(short))
    }
}

/// Done per second; nothing before anything is.
fn rate(done: usize, elapsed: Duration) -> Option<String> {
    let elapsed = elapsed.as_millis();
    if done == 0 || elapsed == 0 {
        return None;
    }
    let tenths = done as u128 * 10_000 / elapsed;
    Some(if tenths >= 100 {
        grouped(usize::try_from(tenths / 10).unwrap_or(usize::MAX))
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    })
}

/// How long the rest takes, if it goes on so. A few that wait for something would make it a fable,
/// so that nothing is said of the last twentieth.
fn left(done: usize, total: usize, elapsed: Duration) -> Option<Duration> {
    let rest = total.checked_sub(done)?;
    if done == 0 || rest * 20 <= total {
        return None;
    }
    let millis = elapsed.as_millis() * rest as u128 / done as u128;
    Some(Duration::from_millis(u64::try_from(millis).ok()?))
}

/// `45s`, `3m20s`, `2h05m`.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..60 => format!("{}s", seconds.max(1)),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(done: usize, total: usize, trouble: (usize, usize), seconds: u64) -> String {
        let calls = Calls { made: 1310, throttled: trouble.1 as u64 };
        let standing = Standing { done, total, calls, trouble: Some(trouble) };
        standing.line("keys", Duration::from_secs(seconds))
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        assert_eq!(
            line(1240, 17_000, (2, 3), 2),
            "1,240 of 17,000 keys, 620/s, 25s left; 1,310 API calls, 3 throttled; 2 held, 3 failing"
        );
        assert_eq!(
            line(5, 60, (0, 1), 100),
            "5 of 60 keys, 0.0/s, 18m20s left; 1,310 API calls, 1 throttled; 1 failing"
        );
    }

    #[test]
    fn nothing_is_guessed_from_nothing() {
        assert_eq!(line(0, 0, (0, 0), 3), "0 of 0 keys; 1,310 API calls");
        assert_eq!(line(0, 50, (0, 0), 3), "0 of 50 keys; 1,310 API calls");
        assert_eq!(line(10, 20, (1, 0), 0), "10 of 20 keys, 1s left; 1,310 API calls; 1 held");
    }

    #[test]
    fn nothing_is_foretold_of_the_last_that_wait() {
        assert_eq!(line(95, 100, (0, 0), 10), "95 of 100 keys, 9.5/s; 1,310 API calls");
        assert!(line(94, 100, (0, 0), 10).contains(" left"));
        // Keys may be forgotten while others are visited.
        assert!(!line(30, 20, (0, 0), 10).contains(" left"));
    }

    #[test]
    fn hours_are_told_without_seconds() {
        let found = [1, 59, 61, 3599, 7500].map(|it| short(Duration::from_secs(it)));
        assert_eq!(found, ["1s", "59s", "1m01s", "59m59s", "2h05m"]);
    }
}
