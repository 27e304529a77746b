//! Says on stderr how far a long command is, and stops it on a signal.
//!
//! On a terminal that is one line which moves and is gone at the end; elsewhere a line of its own
//! every few seconds. Results are on stdout and know nothing of it. `run`, which never ends, tells
//! its log instead.

mod meter;
mod pass;
pub(super) mod screen;
mod standing;

use std::time::Duration;

use tokio::task::JoinSet;

use super::controller::Controller;
use super::settings::Common;
use crate::reconcile::Engine;
use crate::runtime::{Clock, Counts, Shutdown};
use meter::Meter;
pub(super) use standing::Calls;
use standing::Standing;

/// How a long command came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing is due any more.
    Idle,
    /// The deadline has passed; so many keys were left.
    Late(usize),
    /// A signal came.
    Interrupted,
}

/// Runs visits until none is due, `deadline` has passed or a signal came. After a second signal
/// what is in flight is abandoned.
pub(super) async fn drive(_: &Common, controller: &Controller, deadline: Duration) -> Ended {
    let work = controller.work_until_idle(deadline);
    tokio::pin!(work);
    let shutdown = Shutdown::on_signals().ok();
    // Without handlers a signal ends the process by itself.
    let Shutdown { graceful, at_once } = shutdown.unwrap_or_default();
    let mut asked = false;
    let meter = Meter::begin("keys", controller.clock.now());
    loop {
        tokio::select! {
            left = &mut work => return match (asked, left.is_idle()) {
                (true, _) => Ended::Interrupted,
                (false, true) => Ended::Idle,
                (false, false) => Ended::Late(left.ready + left.running + left.delayed),
            },
            () = graceful.cancelled(), if !asked => {
                asked = true;
                screen::line("stopping: writes in flight finish, no new one starts");
                controller.stop.cancel();
            }
            () = at_once.cancelled() => return Ended::Interrupted,
            () = controller.clock.sleep(meter.pace()) => {
                meter.show(&standing(controller), controller.clock.now());
            }
        }
    }
}

/// Ends the tasks of a set, and says meanwhile how many have. A task that panicked is left out.
pub(super) async fn join_all<T: 'static>(
    what: &'static str,
    mut working: JoinSet<T>,
    clock: &Clock,
    calls: impl Fn() -> Calls,
) -> Vec<T> {
    let total = working.len();
    let mut done = Vec::with_capacity(total);
    let meter = Meter::begin(what, clock.now());
    loop {
        tokio::select! {
            joined = working.join_next() => match joined {
                Some(joined) => done.extend(joined),
                None => return done,
            },
            () = clock.sleep(meter.pace()) => {
                let standing = Standing { done: done.len(), total, calls: calls(), trouble: None };
                meter.show(&standing, clock.now());
            }
        }
    }
}

/// The calls that an engine has made.
pub(super) fn calls_of(engine: &Engine) -> Calls {
    Calls { made: engine.calls().values().sum(), throttled: engine.throttles().values().sum() }
}

fn standing(controller: &Controller) -> Standing {
    let engine = &controller.engine;
    let Counts { ready, running, delayed } = controller.queue.counts();
    let total = engine.keys().len();
    let summary = engine.summary();
    Standing {
        done: total.saturating_sub(ready + running + delayed),
        total,
        calls: calls_of(engine),
        trouble: Some((summary.held, summary.failed)),
    }
}
