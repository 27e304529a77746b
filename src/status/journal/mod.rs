//! What was written to AWS, by whom and why: JSON lines, each chained to the one before.
//!
//! ```text
//!   record ─┐
//!   record ─┼─> one write, one sync (group commit) ─> the call of AWS ─> how it ended
//!   record ─┘
//! ```
//!
//! A record is on disk before the call that it speaks of is made. Where it cannot be, the caller
//! decides: what takes protection away waits, what restores it goes on and its record goes to the
//! fallback, so that it is in the log of the container at least.
//!
//! | file | what |
//! |---|---|
//! | `PATH` | the segment that is written |
//! | `PATH.<number of its first record>` | a sealed segment, read-only |
//! | `PATH.<number>.archived` | put there by whoever has copied that segment: it may be deleted |
//! | `PATH.torn-<number>` | what a crash left behind that is not a whole record |
//! | `PATH.lock` | held by the process that writes |
//!
//! Nobody who can rewrite the whole file is stopped by hashes in it. The hash of the newest record
//! is what to keep elsewhere: `journal verify --contains HASH` then shows that nothing up to it was
//! changed.

mod chain;
mod commit;
mod record;
mod segment;

pub use chain::{Break, Chain, Line, read_chain};
pub use commit::{Journal, JournalSettings, JournalTime};
pub use record::{Actor, Because, Ending, Intended, Record};
pub use segment::{JournalError, segments};
