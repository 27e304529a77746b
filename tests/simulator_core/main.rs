//! The simulator's core over real HTTP, mostly through the AWS SDK.

#![expect(clippy::unwrap_used, reason = "shared setup fails a test by panicking, as tests do")]

mod access;
mod admin;
mod faults;
mod organizations;
mod policies;
mod support;
