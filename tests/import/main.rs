//! From an organization that others built to manifests, through the real binary.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod controls;
mod live;
mod logging;
mod members;
mod round_trip;
#[path = "../support/mod.rs"]
mod support;
mod told;

pub(crate) const REGIONS: &str = "--regions=us-east-1,eu-west-1";
