//! What `run` does while the world and the files change under it.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

mod corrections;
mod files;
mod life;
mod systemd;
