//! The Bedrock control plane: guardrails, their versions and policies, enforcement, logging,
//! models.
//!
//! ```text
//! Call ──► shape (what the model allows) ──► permission ──► rules, quotas, state ──► Reply
//!                                                                     │
//!                                                                 Regional
//! ```
//!
//! # Invariants
//!
//! - **No timers.** Whether something is READY follows from the time of the call that asks.
//! - **Versions never change.** They share the draft's content of their time, which is immutable.
//! - **A refused call changes nothing.** Every check precedes the first write.
//!
//! # What does not belong here
//!
//! HTTP is the wire's; who may do what is [`World::authorize`]'s; what a guardrail does to text is
//! [`runtime`](super::runtime)'s.

mod content;
mod destination;
mod enforced;
pub(super) mod failure;
mod guardrail;
mod guardrails;
mod logging;
mod models;
mod page;
mod permission;
mod profiles;
mod reads;
mod recorded;
mod reference;
mod regional;
mod resource_policy;
mod rules;
mod shape;
mod shapes;
mod tags;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
mod timestamp;

use super::call::{Answer, Call};
use super::world::World;

pub(super) use content::Content;
pub use destination::LogBucket;
pub(super) use guardrail::Status;
pub use guardrail::{Guardrail, Version};
pub(super) use models::{Model, model, profiles_in};
pub(super) use permission::{Context, permit_guardrail};
pub(super) use profiles::destinations;
pub use recorded::Recorded;
pub(super) use reference::{Arn, Place, Reference};
pub use regional::{Enforced, Regional, Stamp};
#[cfg(test)]
pub(super) use shapes::PII_TYPES;

/// Answers one control-plane call.
pub fn handle(world: &mut World, call: &Call) -> Answer {
    match call.operation {
        "CreateGuardrail" => guardrails::create(world, call),
        "UpdateGuardrail" => guardrails::update(world, call),
        "CreateGuardrailVersion" => guardrails::create_version(world, call),
        "GetGuardrail" => reads::get(world, call),
        "ListGuardrails" => reads::list(world, call),
        "DeleteGuardrail" => guardrails::delete(world, call),
        "PutEnforcedGuardrailConfiguration" => enforced::put(world, call),
        "ListEnforcedGuardrailsConfiguration" => enforced::list(world, call),
        "DeleteEnforcedGuardrailConfiguration" => enforced::delete(world, call),
        "PutResourcePolicy" => resource_policy::put(world, call),
        "GetResourcePolicy" => resource_policy::get(world, call),
        "DeleteResourcePolicy" => resource_policy::delete(world, call),
        "PutModelInvocationLoggingConfiguration" => logging::put(world, call),
        "GetModelInvocationLoggingConfiguration" => logging::get(world, call),
        "DeleteModelInvocationLoggingConfiguration" => logging::delete(world, call),
        "TagResource" => tags::tag(world, call),
        "UntagResource" => tags::untag(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "ListFoundationModels" => models::list(world, call),
        "GetFoundationModel" => models::get(world, call),
        "ListInferenceProfiles" => models::list_profiles(world, call),
        "GetInferenceProfile" => models::get_profile(world, call),
        _ => Err(failure::not_simulated(&call.name())),
    }
}
