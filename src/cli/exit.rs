//! Exit codes (DESIGN section 10).

use std::process::{ExitCode, Termination};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// An error, or something could not be read.
    Error,
    /// Bad usage or manifests; for `plan --detailed-exitcode`: changes or held steps.
    UsageOrChanges,
    /// Waiting for time or consent.
    Waiting,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::UsageOrChanges => 2,
            Self::Waiting => 3,
        })
    }
}
