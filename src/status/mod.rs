//! What became of each key: one outcome per visit, kept on a board; and the journal of what was
//! written.

mod board;
mod heartbeat;
pub mod journal;
mod outcome;
mod render;

mod snapshot;
mod tally;

pub use board::{Board, Summary};
pub use heartbeat::Heartbeat;
pub use outcome::{Condition, ConditionStatus, Failure, Hold, Outcome, Phase, Verdict};
pub use render::{key_to_text, to_text as snapshot_to_text};
pub use snapshot::{
    AccountStatus, HeldPlanStatus, JournalStatus, KeyStatus, Place, RolloutStatus, Snapshot,
    SnapshotCounts,
};
pub use tally::{BUCKETS, Tally, Timed};
