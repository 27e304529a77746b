//! A process that dies, or an AWS that errs, at any single call leaves the same world.
//!
//! Each of the [changes] runs once undisturbed, in one thread and on a paused clock: the real
//! controller through the real SDK against the simulator. That gives the world to reach and the calls
//! that lead there. Then, for every call in turn and everything that can [strike](strike::Kind) it,
//! it runs again from the same scene:
//!
//! | strike | at the call | then |
//! |---|---|---|
//! | crash before, crash after | the process is dropped, before or after the effect | another one, that remembers nothing, converges |
//! | throttle, error before, timeout before, denied | nothing happens | the same process converges |
//! | error after, timeout after, malformed | the effect happens, its answer is lost | the same process converges |
//!
//! Every run must end in the world of the undisturbed one, up to generated ids and dates, without a
//! violation; three resyncs later without another write; and a new process must find nothing to do.
//! A time and a seed give a run: the same strike strikes the same call.
//!
//! | variable | means |
//! |---|---|
//! | `BEDRAIL_SWEEP=crashes` | a process dies at every call, and no fault is played |
//! | `BEDRAIL_SWEEP=full` | every call is struck by everything, and every pair of a crash and a fault is played |
//! | `BEDRAIL_STRIKES=CrashAfter@12,Throttle@3` | this run alone, with its calls |
//!
//! What only a real process can show is in `tests/crashes`.

#![expect(
    clippy::needless_pass_by_value,
    reason = "documents are written down where they are handed over"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]
#![expect(clippy::print_stdout, reason = "how much was swept is the result of a sweep")]

mod change;
mod changes;
#[path = "../support/same.rs"]
mod same;
mod stage;
mod strike;
mod sweep;
mod text;

/// Half of what a sweep costs is memory, with the system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
