//! Reads and waits for time.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that every wait and every date of the program comes from.
///
/// Monotonic time follows tokio's, so a paused runtime makes it a simulated one. Clones
/// share their start and agree with each other.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    wall: Wall,
}

/// Where the date comes from.
#[derive(Clone, Debug)]
enum Wall {
    /// The system clock, which people and NTP may set.
    System,
    /// This date at the start of the clock, moving with monotonic time.
    From(Timestamp),
}

impl Clock {
    /// Starts a clock whose date is the system's.
    pub fn system() -> Self {
        Self { start: Instant::now(), wall: Wall::System }
    }

    /// Starts a clock whose date is `wall` now and moves with monotonic time only, so that
    /// a simulated history has the same dates every time it runs.
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { start: Instant::now(), wall: Wall::From(wall) }
    }

    /// Returns the monotonic time since the start of the clock.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the date. It may jump, so durations are never computed from it.
    pub fn wall(&self) -> Timestamp {
        match self.wall {
            // A date beyond the year 9999 is a broken machine, not a reason to panic.
            Wall::System => Timestamp::try_from(system_time()).unwrap_or(Timestamp::MAX),
            Wall::From(start) => start.saturating_add(self.now()).unwrap_or(Timestamp::MAX),
        }
    }

    /// Waits for `duration`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect but to stop waiting.
    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits until the monotonic time `due`; at once when it has passed.
    pub async fn sleep_until(&self, due: Duration) {
        self.sleep(due.saturating_sub(self.now())).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_date_moves_with_monotonic_time_only() {
        let start: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(start);
        assert_eq!(clock.wall(), start);

        clock.sleep(Duration::from_mins(90)).await;

        assert_eq!(clock.now(), Duration::from_mins(90));
        assert_eq!(clock.wall(), "2026-01-05T11:30:00Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_has_passed_is_not_waited_for() {
        let clock = Clock::system();
        clock.sleep(Duration::from_secs(5)).await;
        clock.sleep_until(Duration::from_secs(3)).await;
        assert_eq!(clock.now(), Duration::from_secs(5));
        clock.sleep_until(Duration::from_secs(8)).await;
        assert_eq!(clock.now(), Duration::from_secs(8));
    }

    #[tokio::test(start_paused = true)]
    async fn the_system_date_is_the_machines() {
        let before = Timestamp::try_from(system_time()).unwrap();
        let wall = Clock::system().wall();
        assert!(before <= wall && wall <= Timestamp::try_from(system_time()).unwrap());
    }
}
