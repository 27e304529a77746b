//! Talks to AWS: the only room that knows its SDK. It talks, normalises and classifies; what to
//! do is decided elsewhere.
//!
//! ```text
//! Aws ─► enter(cell) ─► session of the account ─► call ─► limiter ─► SDK client of the Region
//!                                                   └──► error, classified by its code
//! ```
//!
//! # Invariants
//!
//! - One function of a write makes one call, once: the SDK's retries are off, so that every
//!   attempt is counted, limited and seen by whoever decides on the next.
//! - A read is complete or says that it is not; a part that failed is Unknown, never empty.
//!
//! # Errors
//!
//! [`AwsError`] with an [`ErrorClass`] from a closed set. Its texts hold no secret.
//!
//! # Cancel safety
//!
//! A dropped read has no effect. A dropped write may have taken effect: read before you repeat it.

#[cfg(feature = "sns")]
mod alerts;
mod answer;
#[cfg(feature = "iam")]
mod callers;
#[cfg(not(feature = "iam"))]
#[path = "no_callers.rs"]
mod callers;
mod circuit;
mod client;
mod clients;
mod configuration;
mod enforced;
mod error;
mod evidence;
mod fleet;
mod guardrail_writes;
mod guardrails;
mod limiter;
mod logging;
mod looks;
mod model_body;
mod models;
mod normalise;
mod operation;
mod organization;
mod pages;
mod partition;
mod policy_writes;
mod prerequisites;
mod probe;
#[cfg(feature = "sqs")]
mod queue;
mod resource_policy;
mod service_controls;
mod session;
mod settings;
mod their_clock;
mod transport;
mod versions;

pub use crate::model::{Action, Side};
pub use circuit::Unanswering;
pub use client::{Aws, CallerIdentity};
pub use error::{AwsError, ErrorClass};
pub use evidence::{
    AppliedGuardrail, CallerAnswer, Finding, InferenceEvidence, Origin, ProbeAnswer,
};
pub use guardrail_writes::GuardrailVersion;
pub use limiter::PATIENCE;
pub use looks::Cadence;
pub use operation::{ActsOn, Permission, permissions};
pub use probe::{Caller, Question};
#[cfg(feature = "sqs")]
pub use queue::{EventQueue, QueueMessage};
pub use service_controls::ControlsOf;
pub use settings::{APPLICATION, Rates, Settings};
