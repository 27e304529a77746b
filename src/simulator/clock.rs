//! The simulator's clock: real time, times a speed, plus what a test advanced it by.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use super::call::Millis;

/// Where real time comes from: milliseconds since the Unix epoch.
pub type Source = Box<dyn Fn() -> Millis + Send + Sync>;

/// The clock every operation gets its time from. It never runs backwards by itself.
pub struct Clock {
    source: Source,
    state: Mutex<State>,
}

/// Simulator time as a line through the last point at which its speed or offset changed.
#[derive(Clone, Copy)]
struct State {
    source_then: Millis,
    simulator_then: Millis,
    speed: f64,
}

impl State {
    fn at(self, source: Millis) -> Millis {
        let elapsed = source.saturating_sub(self.source_then);
        if (self.speed - 1.0).abs() < f64::EPSILON {
            return self.simulator_then + elapsed;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "both factors are non-negative; milliseconds of centuries fit 53 bits"
        )]
        let scaled = (elapsed as f64 * self.speed) as Millis;
        self.simulator_then + scaled
    }
}

impl Clock {
    /// A clock over `source`, at first showing the same time.
    pub fn new(source: Source) -> Self {
        let now = source();
        let state = State { source_then: now, simulator_then: now, speed: 1.0 };
        Self { source, state: Mutex::new(state) }
    }

    /// A clock over the machine's own.
    pub fn system() -> Self {
        Self::new(Box::new(system_millis))
    }

    /// Milliseconds since the Unix epoch, in the simulated world.
    pub fn now(&self) -> Millis {
        self.lock().at((self.source)())
    }

    /// Moves simulated time forward at once.
    pub fn advance(&self, milliseconds: u64) {
        self.rebase(|state| {
            state.simulator_then = state.simulator_then.saturating_add(milliseconds);
        });
    }

    /// Lets simulated time run `speed` times as fast as real time from now on; 0 stops it.
    pub fn set_speed(&self, speed: f64) {
        self.rebase(|state| state.speed = speed.max(0.0));
    }

    fn rebase(&self, change: impl FnOnce(&mut State)) {
        let source = (self.source)();
        let mut state = self.lock();
        state.simulator_then = state.at(source);
        state.source_then = source;
        change(&mut state);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where real time enters the simulator")]
fn system_millis() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(Millis::MAX))
}

/// `2026-01-05T11:00:00Z`, seconds rounded down, as STS writes expirations.
pub fn iso8601_seconds(at: Millis) -> String {
    let seconds = i64::try_from(at / 1_000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// Epoch seconds with a fraction, as JSON 1.1 writes timestamps.
pub fn epoch_seconds(at: Millis) -> serde_json::Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this era fit 53 bits")]
    let seconds = at as f64 / 1_000.0;
    serde_json::json!(seconds)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn clock_keeps_what_it_showed_when_its_speed_changes() {
        let real = Arc::new(AtomicU64::new(1_000));
        let source = Arc::clone(&real);
        let clock = Clock::new(Box::new(move || source.load(Ordering::SeqCst)));
        real.store(1_500, Ordering::SeqCst);
        assert_eq!(clock.now(), 1_500);
        clock.advance(10_000);
        assert_eq!(clock.now(), 11_500);
        clock.set_speed(10.0);
        real.store(1_600, Ordering::SeqCst);
        assert_eq!(clock.now(), 12_500);
        clock.set_speed(0.0);
        real.store(9_000, Ordering::SeqCst);
        assert_eq!(clock.now(), 12_500);
    }

    #[test]
    fn expirations_are_written_without_a_fraction() {
        assert_eq!(iso8601_seconds(1_767_610_800_999), "2026-01-05T11:00:00Z");
    }
}
