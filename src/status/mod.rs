//! What became of each key: one outcome per visit, kept on a board; and the journal of what was
//! written.

mod board;
mod conditions;
pub mod journal;
mod outcome;
mod render;

mod snapshot;
mod tally;

pub use board::{Board, Summary};
pub use conditions::{ACCEPTED, IN_SYNC, REACHABLE, READY, REASONS};
pub use outcome::{Condition, ConditionStatus, Failure, Hold, Outcome, Phase, Verdict};
pub use render::{key_to_text, to_text as snapshot_to_text};
pub use snapshot::{
    AccountStatus, HeldPlanStatus, JournalStatus, KeyStatus, Place, Snapshot, SnapshotCounts,
};
pub use tally::{BUCKETS, Tally, Timed};
