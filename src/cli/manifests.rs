//! Loads manifests for a command, and prints what is wrong with them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::manifest::{self, Manifests, Problem, Source};

/// What reading a folder gave.
pub(super) struct Loaded {
    /// The set, when it has no errors.
    pub(super) manifests: Option<Arc<Manifests>>,
    /// What was read; `None` when not everything could be.
    pub(super) source: Option<Source>,
    /// Errors and warnings, in reading order.
    pub(super) problems: Vec<Problem>,
}

/// Reads and checks everything below `paths`.
pub(super) fn load(paths: &[PathBuf]) -> Loaded {
    match manifest::read(paths) {
        Err(problems) => Loaded { manifests: None, source: None, problems },
        Ok(source) => check(source),
    }
}

/// Checks texts that were read before.
pub(super) fn check(source: Source) -> Loaded {
    let parsed = manifest::parse(&source);
    Loaded {
        manifests: parsed.manifests.map(Arc::new),
        source: Some(source),
        problems: parsed.problems,
    }
}

impl Loaded {
    /// Prints every problem on stderr and gives the manifests, if they can be used.
    pub(super) fn accept(self) -> Option<Arc<Manifests>> {
        for problem in &self.problems {
            anstream::eprintln!("{problem}");
        }
        self.manifests
    }
}
