//! The changes that an installation sees in its life.

mod controls;
mod guardrails;
mod life;
mod people;
mod rollouts;

use std::sync::OnceLock;

use crate::change::Change;
use crate::stage::Scene;
use crate::text::{HELIOTROPE, ORGANIZATION, three, wanted};

/// From nothing to the three manifests that most changes begin with.
fn first_convergence() -> Change {
    Change::run(
        "first convergence",
        &Scene::empty(ORGANIZATION),
        wanted(three(HELIOTROPE), &[HELIOTROPE]),
    )
}

/// The scene that leads to.
fn converged() -> Scene {
    static CONVERGED: OnceLock<Scene> = OnceLock::new();
    CONVERGED.get_or_init(|| first_convergence().after().clone()).clone()
}
