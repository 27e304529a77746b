//! Conditions with a deadline, in the time of real processes.

use std::time::{Duration, Instant};

/// How long a condition may take to become true. Far more than it needs, since machines are shared.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The distance of two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Polls until `condition` gives a value; `None` when it does not within `patience`.
#[expect(clippy::disallowed_methods, reason = "a deadline on real processes")]
pub(crate) async fn within<T, F>(patience: Duration, mut condition: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = condition().await {
            return Some(value);
        }
        if Instant::now() > deadline {
            return None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
