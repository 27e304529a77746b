//! What became of each key: one outcome per visit, kept on a board; and the journal of what was
//! written.

mod board;
pub mod journal;
mod outcome;

pub use board::{Board, Summary};
pub use outcome::{Condition, ConditionStatus, Failure, Hold, Outcome, Verdict};
