//! What became of each key: one outcome per visit, kept on a board; and the journal of what was
//! written.

pub mod alerts;
mod board;
mod conditions;
mod heartbeat;
pub mod journal;
mod manifests;
mod matrix;
mod outcome;
mod overview;
mod past;
mod render;
mod snapshot;
mod tally;
mod timeline;
mod unanswering;

pub use board::{Board, Summary};
pub use conditions::{ACCEPTED, IN_SYNC, REACHABLE, READY, REASONS};
pub use heartbeat::Heartbeat;
pub use manifests::{ManifestCondition, ManifestStatus, Part, names};
pub use matrix::{CellFacts, CellState, SlotRead};
pub use outcome::{Condition, ConditionStatus, Failure, Hold, Outcome, Phase, Verdict};
pub use overview::{
    AccountRow, Ailing, CellDetail, DesiredDetail, HeldPlanOverview, LiveDetail, Overview, Trouble,
    Urgency, troubles,
};
pub use past::past;
pub use render::{grouped, key_to_text, to_text as snapshot_to_text};
pub use snapshot::{
    AccountStatus, HeldPlanStatus, JournalStatus, KeyStatus, Place, RolloutStatus, Snapshot,
    SnapshotCounts,
};
pub use tally::{BUCKETS, Tally, Timed};
pub use timeline::{Event, EventKind, Timeline};
pub use unanswering::Unanswering;
