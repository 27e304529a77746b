//! An AWS we own: real HTTP, real wire protocols, one port.
//!
//! ```text
//!   http ──> wire ──> caller ──> faults ──> organization │ identity (STS) │ bedrock │ runtime ──> wire ──> http
//!                                               └──────────── World ────────────┘
//!                                                               │ before, after
//!                                                            referee
//! ```
//!
//! # Invariants
//!
//! - A world is a plain value: no clock, no I/O. Time and the call come in; equal seeds and equal
//!   histories give equal worlds.
//! - Nothing here is shared with the controller, so that a field misread on one side cannot
//!   cancel out on the other.
//! - What is not simulated answers an explicit error and is logged.
//!
//! # What does not belong here
//!
//! Anything the controller intends. What a test allows is told to the referee over
//! `/_simulator/intent`.

mod admin;
pub mod bedrock;
pub mod call;
pub mod clock;
mod dispatch;
mod events;
pub mod faults;
mod history;
pub mod identity;
pub mod organization;
pub mod referee;
pub mod runtime;
pub mod scenario;
mod server;
pub mod switches;
mod throttle;
mod topics;
mod wire;
pub mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use clock::Clock;
pub use scenario::{Scenario, ScenarioError};
pub use server::{Simulator, serve};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; loopback only.
    pub listen: SocketAddr,
    /// A scenario file; without one an organization is generated.
    pub scenario: Option<PathBuf>,
    /// Member accounts to generate, the management account not counted.
    pub accounts: usize,
    /// Organizational units to generate.
    pub units: usize,
    /// By how much every API answer is delayed.
    pub latency: Duration,
    /// Seeds ids and the generated organization.
    pub seed: u64,
    /// `aws` or `aws-us-gov`, unless the scenario names one.
    pub partition: String,
}
