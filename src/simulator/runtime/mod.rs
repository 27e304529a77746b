//! Bedrock runtime: inference under request, account and organization guardrails.
//!
//! ```text
//! Converse ─────┐                                        ┌─► message, or events
//! ConverseStream┤─► Prompt ─► guards ─► model ─► guards ─┤
//! InvokeModel ──┘   (prompt)  evaluate          evaluate └─► the model's own body, or chunks
//! ApplyGuardrail ───────────► evaluate ─► outputs, assessments
//! ```
//!
//! # Invariants
//!
//! - **Every guardrail runs.** Organization, account and request guardrails are all evaluated; the
//!   union of what they find applies, and the strictest action wins. A guardrail of the request
//!   never replaces an enforced one.
//! - **A guardrail that cannot run fails the call**: nothing is ever answered unguarded because a
//!   reference is wrong or a permission is missing.
//! - **Blocked is not an error.** The answer is 200 with the guardrail's message.

mod apply;
mod assessment;
mod converse;
mod evaluate;
mod guards;
mod inference;
mod invoke;
mod prompt;
mod target;
#[cfg(test)]
mod tests;

use super::bedrock::failure;
use super::call::{Answer, Call};
use super::world::World;

/// Answers one runtime call.
pub fn handle(world: &mut World, call: &Call) -> Answer {
    match call.operation {
        "ApplyGuardrail" => apply::apply(world, call),
        "Converse" => converse::converse(world, call),
        "ConverseStream" => converse::converse_stream(world, call),
        "InvokeModel" => invoke::invoke(world, call),
        "InvokeModelWithResponseStream" => invoke::invoke_stream(world, call),
        _ => Err(failure::not_simulated(&call.name())),
    }
}
