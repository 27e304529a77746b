//! Says in the log how far `bedrail run` is with what was put in force, while that takes long.

use std::time::Duration;

use tracing::info;

use super::calls_of;
use super::standing::Standing;
use crate::cli::Controller;
use crate::reconcile::Progress;

/// Distance of two lines; a pass that is shorter is not spoken of.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The same, where nothing has moved for long.
const LINE_EVERY_MAX: Duration = Duration::from_mins(5);

/// How often it is looked whether something was put in force.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// What is said of a pass now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// It goes on, so long after it began.
    GoesOn(Duration),
    /// Nothing of it is left to be done, or what is left waits. Said only of what was spoken of.
    Ended(Duration),
}

/// When something is said of a pass. Pure.
#[derive(Debug, Default)]
struct Telling {
    generation: u64,
    began: Duration,
    /// When it is looked at next; `None` once it ended.
    next: Option<Duration>,
    pause: Duration,
    /// How far it was at the last look.
    last: Progress,
    has_spoken: bool,
}

impl Telling {
    /// Begins anew with each generation. Whether to look at how far it is.
    fn is_due(&mut self, generation: u64, now: Duration) -> bool {
        if generation != self.generation {
            let next = Some(now.saturating_add(LINE_EVERY));
            *self = Self { generation, began: now, next, pause: LINE_EVERY, ..Self::default() };
        }
        self.next.is_some_and(|next| now >= next)
    }

    fn look(&mut self, progress: &Progress, now: Duration) -> Said {
        let Progress { done, total, unread } = *progress;
        let elapsed = now.saturating_sub(self.began);
        let has_moved = done > self.last.done || unread < self.last.unread;
        self.last = *progress;
        let is_over = unread == 0 && (done >= total || !has_moved);
        if is_over {
            self.next = None;
            return if self.has_spoken { Said::Ended(elapsed) } else { Said::Nothing };
        }
        self.pause =
            if has_moved { LINE_EVERY } else { self.pause.saturating_mul(2).min(LINE_EVERY_MAX) };
        self.next = Some(now.saturating_add(self.pause));
        self.has_spoken = true;
        Said::GoesOn(elapsed)
    }
}

impl Controller {
    /// Logs how far it is with what is in force, every ten seconds while that takes longer than so,
    /// and less often while nothing moves. Never ends.
    pub async fn tell_progress(&self) {
        let mut telling = Telling::default();
        loop {
            self.clock.sleep(LOOKED_EVERY).await;
            let (generation, now) = (self.generation(), self.clock.now());
            if !telling.is_due(generation, now) {
                continue;
            }
            let progress = self.engine().progress();
            match telling.look(&progress, now) {
                Said::Nothing => {}
                Said::GoesOn(elapsed) => self.tell(&progress, elapsed, "pass goes on"),
                Said::Ended(elapsed) => self.tell(&progress, elapsed, "pass ended"),
            }
        }
    }

    fn tell(&self, progress: &Progress, elapsed: Duration, message: &str) {
        let Progress { done, total, unread } = *progress;
        let engine = self.engine();
        let summary = engine.summary();
        let calls = calls_of(engine);
        // Reading is one half of the way, and to find everything as it should be the other.
        let halfway = usize::midpoint(total.saturating_sub(unread), done);
        let standing = Standing { done: halfway, total, calls, trouble: None };
        let (per_second, left) = standing.pace(elapsed);
        info!(
            generation = self.generation(),
            done,
            of = total,
            unread,
            per_second,
            left,
            held = summary.held,
            failing = summary.failed,
            calls = calls.made,
            throttled = calls.throttled,
            "{message}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What is said at each second of a pass of 100 keys, of which so many are done and unread.
    fn said(seconds: u64, state: impl Fn(u64) -> (usize, usize)) -> Vec<(u64, Said)> {
        let mut telling = Telling::default();
        let mut said = Vec::new();
        for second in 0..seconds {
            let now = SECOND * u32::try_from(second).unwrap();
            if telling.is_due(1, now) {
                let (done, unread) = state(second);
                let progress = Progress { done, total: 100, unread };
                said.push((second, telling.look(&progress, now)));
            }
        }
        said.retain(|(_, said)| *said != Said::Nothing);
        said
    }

    fn goes_on(second: u64) -> (u64, Said) {
        (second, Said::GoesOn(Duration::from_secs(second)))
    }

    #[test]
    fn a_pass_of_less_than_ten_seconds_is_not_spoken_of() {
        assert_eq!(said(100, |second| if second < 9 { (0, 100) } else { (100, 0) }), []);
    }

    #[test]
    fn a_long_pass_is_told_every_ten_seconds_and_at_its_end() {
        let done = |second| usize::try_from(second * 3).unwrap().min(100);
        let said = said(200, |second| (done(second), 100 - done(second)));
        let expected =
            [goes_on(10), goes_on(20), goes_on(30), (40, Said::Ended(Duration::from_secs(40)))];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_pass_that_hangs_is_told_less_and_less_often() {
        let told = said(3600, |second| (usize::try_from(second).unwrap().min(50), 50));
        let seconds: Vec<u64> = told.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds[..10], [10, 20, 30, 40, 50, 60, 80, 120, 200, 360]);
        let gaps: Vec<u64> = seconds[10..].windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap == 300), "{seconds:?}");
    }

    #[test]
    fn what_waits_for_time_or_a_person_is_the_end() {
        let told = said(3600, |second| (usize::try_from(second).unwrap().min(15), 0));
        assert_eq!(told, [goes_on(10), goes_on(20), (30, Said::Ended(30 * SECOND))]);
    }

    #[test]
    fn a_new_generation_is_told_from_its_beginning() {
        let mut telling = Telling::default();
        let progress = Progress { done: 3, total: 100, unread: 97 };
        assert!(!telling.is_due(1, 11 * SECOND) && telling.is_due(1, 21 * SECOND));
        assert_eq!(telling.look(&progress, 21 * SECOND), Said::GoesOn(10 * SECOND));
        assert!(!telling.is_due(2, 100 * SECOND));
        assert!(telling.is_due(2, 110 * SECOND));
        assert_eq!(telling.look(&progress, 110 * SECOND), Said::GoesOn(10 * SECOND));
    }
}
