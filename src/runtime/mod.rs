//! Decides when a key is visited.
//!
//! ```text
//!   watch ────┐                                  ┌── Requeue::After(delay)
//!   resync ───┼──> Queue ──> worker ──> visit ───┼── Requeue::Backoff
//!   facts ────┘      ▲                           └── Requeue::Done
//!                    └──────── a key comes back by a returned value
//! ```
//!
//! Nothing here knows what a key means: the queue, the worker and the backoff are generic
//! over it, and no module imports another room. That is why all of it can be proved on a
//! paused clock.
//!
//! # Invariants
//!
//! - **Once.** A key stands in the queue once and is visited once at a time.
//! - **Never lost.** A key added during its own visit is visited again afterwards.
//! - **Hints only.** A notification says "look again", never what to do; losing one costs
//!   time (until the next poll or resync) and not correctness.
//! - **One clock.** Time is read and slept on through [`Clock`] alone.
//! - **Stop means stop.** After the stop token fires no new visit starts.
//!
//! # What does not belong here
//!
//! What a visit does, and whether an error is worth retrying: the visit says so in the
//! [`Requeue`] it returns.

mod backoff;
mod clock;
mod lanes;
mod meter;
mod queue;
mod resync;
mod settle;
mod shutdown;
mod watch;
mod worker;

pub use backoff::{Backoff, BackoffSettings};
pub use clock::Clock;
pub use lanes::Lane;
pub use meter::{BOUNDS_S, Meter, Times};
pub use queue::{Counts, Queue};
pub use resync::turns;
pub use shutdown::{Shutdown, ShutdownError};
pub use watch::{Hint, Hints, WatchSettings, watch};
pub use worker::{Requeue, WorkerSettings, run};
