//! What became of each key: one outcome per visit, kept on a board.

mod board;
mod outcome;

pub use board::{Board, Summary};
pub use outcome::{Condition, ConditionStatus, Failure, Hold, Outcome, Verdict};
