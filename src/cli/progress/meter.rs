//! Shows how far it is: as a line that moves, or as lines.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen;
use super::standing::Standing;

/// Distance of two plain lines. A quick command prints none.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// Distance of two movements of the line that moves.
const MOVED_EVERY: Duration = Duration::from_millis(200);

/// Shows how far one piece of work is, until it is dropped.
pub(super) struct Meter {
    what: &'static str,
    began: Duration,
    is_moving: bool,
}

impl Meter {
    /// Begins at `now`.
    pub(super) fn begin(what: &'static str, now: Duration) -> Self {
        let is_moving = is_for_eyes();
        if is_moving {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(0), target);
            // A template that cannot be parsed leaves the default, which shows the same in other words.
            if let Ok(style) = ProgressStyle::with_template("{bar:20} {wide_msg}") {
                bar.set_style(style.progress_chars("━━╌"));
            }
            screen::begin(bar);
        }
        Self { what, began: now, is_moving }
    }

    /// How long until it is to be shown again.
    pub(super) fn pace(&self) -> Duration {
        if self.is_moving { MOVED_EVERY } else { LINE_EVERY }
    }

    /// Shows where it stands.
    pub(super) fn show(&self, standing: &Standing, now: Duration) {
        let line = standing.line(self.what, now.saturating_sub(self.began));
        if self.is_moving {
            screen::redraw(standing.done as u64, standing.total as u64, line);
        } else {
            screen::line(&line);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        screen::clear();
    }
}

/// Whether somebody looks at stderr as it is written.
fn is_for_eyes() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !is_dumb
}
