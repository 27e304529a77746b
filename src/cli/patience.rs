//! Asks again what failed for a moment.

use std::time::Duration;

use crate::aws::{AwsError, ErrorClass};
use crate::model::Unread;
use crate::runtime::Clock;

/// How often a call is tried. With the pauses between them a throttle of some seconds is over; the
/// edge has slowed down meanwhile.
const TRIES_MAX: u32 = 5;

/// The first pause; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(250);

/// Makes a call, again while trying again can help.
pub(super) async fn with_patience<T, F>(
    clock: &Clock,
    mut call: impl FnMut() -> F,
) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut pause = PAUSE;
    for _ in 1..TRIES_MAX {
        match call().await {
            Err(error) if error.class.is_transient() => clock.sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    call().await
}

/// The same for a read whose parts may be unknown.
pub(super) async fn read_with_patience<T, F>(
    clock: &Clock,
    mut read: impl FnMut() -> F,
    unread: impl Fn(&T) -> Option<&Unread>,
) -> T
where
    F: Future<Output = T>,
{
    const PASSING: [ErrorClass; 4] =
        [ErrorClass::Throttled, ErrorClass::Unavailable, ErrorClass::Conflict, ErrorClass::Expired];
    let mut pause = PAUSE;
    for _ in 1..TRIES_MAX {
        let done = read().await;
        if !unread(&done).is_some_and(|it| PASSING.iter().any(|is| is.reason() == it.class)) {
            return done;
        }
        clock.sleep(pause).await;
        pause *= 2;
    }
    read().await
}
