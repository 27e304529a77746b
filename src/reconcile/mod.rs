//! One visit: observe, plan, review, act.
//!
//! ```text
//!  key ──► observe ──► learn ──► plan ──► review ──► act ──► outcome ──► next, wake
//!          client      pure      pure     pure       client
//! ```
//!
//! # Invariants
//!
//! - **One road.** `plan`, `apply` and `run` are these visits; `plan` stops before act.
//! - **Level-triggered.** A lost or repeated hint costs time, not correctness.
//! - **Nothing remembered that matters.** After a restart facts are read again before anything
//!   is written.
//!
//! # Cancel safety
//!
//! A visit can be dropped anywhere. See [`Engine::visit`].
//!
//! # What does not belong here
//!
//! Whether to change something is [`plan`](crate::plan)'s. When to come back is the queue's.

mod access;
mod act;
mod announce;
mod audit;
mod audit_logging;
mod callers;
mod carry;
mod contested;
mod deadline;
mod doubt;
mod engine;
mod examine;
mod foreign;
mod gate;
mod hint;
mod key;
mod learn;
mod logging;
mod moved;
mod news;
mod observe;
mod organization;
mod overview;
mod pass;
mod planning;
mod probe;
mod rivals;
mod rollout;
mod snapshot;
mod state;
mod sweep;
mod verify;
mod visit;

pub use audit::Finding;
pub use engine::{Engine, EngineSettings, Intent, Time};
pub use examine::{Candidate, Which};
pub use hint::EventCounts;
pub use key::Key;
pub use pass::Progress;
pub use state::{Accepted, Resolver, WriteRecord};
pub use verify::{Probe, Way};
pub use visit::{Next, Visited};
