//! Says on stderr how far a long command is, and stops it on a signal.

use std::time::Duration;

use super::controller::Controller;
use super::settings::Common;
use crate::runtime::{Counts, Shutdown};

/// Distance of two lines of progress. A quick command prints none.
const LINE_EVERY: Duration = Duration::from_secs(3);

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
    loop {
        tokio::select! {
            left = &mut work => return match (asked, left.is_idle()) {
                (true, _) => Ended::Interrupted,
                (false, true) => Ended::Idle,
                (false, false) => Ended::Late(left.ready + left.running + left.delayed),
            },
            () = graceful.cancelled(), if !asked => {
                asked = true;
                anstream::eprintln!("stopping: writes in flight finish, no new one starts");
                controller.stop.cancel();
            }
            () = at_once.cancelled() => return Ended::Interrupted,
            () = controller.clock.sleep(LINE_EVERY) => print_line(controller),
        }
    }
}

fn print_line(controller: &Controller) {
    let Counts { ready, running, delayed } = controller.queue.counts();
    let summary = controller.engine.summary();
    let calls: u64 = controller.engine.calls().values().sum();
    anstream::eprintln!(
        "{} of {} keys in sync, {} held, {} failing; {} visits, {calls} API calls; {running} running, {} due",
        summary.ready,
        summary.keys,
        summary.held,
        summary.failed,
        controller.visits(),
        ready + delayed,
    );
}
