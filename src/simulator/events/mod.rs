//! What CloudTrail tells of writes, and the queue that EventBridge puts it into (`aws-facts` 9).
//!
//! ```text
//!   a write, by anybody ──► record ──► queue ──► ReceiveMessage (long polling) ──► DeleteMessage
//! ```
//!
//! One standard queue, `bedrail-events`, as if a rule in every account and Region led to it. Records
//! come at once, in order and once; what AWS does beside (late, twice, in any order, other people's
//! messages) a test does by sending messages itself.

mod protocol;
mod queue;
mod record;

pub(super) use protocol::{answer, is_addressed, long_poll};
pub(super) use queue::Queue;
pub(super) use record::record;
