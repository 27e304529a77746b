//! Tells systemd where things stand, if it is who started us (`Type=notify`); else nothing happens.

use sd_notify::NotifyState;
use tracing::debug;

/// Signals are handled and AWS has let us in: from here on there is a controller.
pub(super) fn ready() {
    tell(NotifyState::Ready);
}

/// Work went on since this was said last: the sign of life that `WatchdogSec` waits for.
pub(super) fn alive() {
    tell(NotifyState::Watchdog);
}

/// What is in flight ends, and then we do.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "systemd was not told");
    }
}
