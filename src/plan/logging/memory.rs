//! What one process knows of the logging of a cell.

use std::time::Duration;

use crate::model::{DesiredLogging, LoggingConfig, Presence};
use crate::plan::confirm::Sightings;
use crate::plan::step::Step;

/// How long a configuration that AWS refused is not sent again: somebody may have corrected a bucket
/// policy or a role meanwhile, and nothing tells us.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(5);

/// Memory of one cell in one process. Nothing in it is needed: without it, more counts as somebody
/// else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggingMemory {
    /// Of what is to be removed.
    pub sightings: Sightings,
    /// What stood there as a manifest asked, last.
    ours: Option<LoggingConfig>,
    /// Whether the last complete read showed it.
    is_in_force: bool,
    /// What AWS refused last, what it said, and when.
    refused: Option<(LoggingConfig, String, Duration)>,
}

impl LoggingMemory {
    /// Whether the last complete read showed what a manifest asks for.
    pub fn is_in_force(&self) -> bool {
        self.is_in_force
    }

    /// Takes note of a step that AWS accepted.
    pub fn wrote(&mut self, step: &Step) {
        if let Step::PutLogging { config, .. } = step {
            self.ours = Some(config.clone());
            self.refused = None;
        } else if let Step::DeleteLogging { .. } = step {
            self.ours = None;
        }
    }

    /// Takes note that AWS will not take a configuration, at `now`, and why.
    pub fn was_refused(&mut self, config: &LoggingConfig, said: String, now: Duration) {
        self.refused = Some((config.clone(), said, now));
    }

    /// Takes note of a complete read.
    pub(super) fn saw(&mut self, live: Option<&LoggingConfig>, desired: &DesiredLogging) {
        self.is_in_force = desired.state == Presence::Present && live == Some(&desired.config);
        if self.is_in_force {
            self.ours = live.cloned();
            self.refused = None;
        }
    }

    /// Whether `live` is what this process knows to be ours.
    pub(super) fn is_ours(&self, live: &LoggingConfig) -> bool {
        self.ours.as_ref() == Some(live)
    }

    /// Whether something is lost if `config` takes the place of `live`.
    pub(super) fn is_loss(&self, live: &LoggingConfig, config: &LoggingConfig) -> bool {
        match &self.ours {
            Some(ours) if ours == live => !config.logs_as_much_as(live),
            // Drift: what is lost is what somebody wrote over ours.
            Some(_) => false,
            None => !config.covers(live),
        }
    }

    /// What AWS said of `config`, and for how long still it is not sent again.
    pub(super) fn refused(
        &self,
        config: &LoggingConfig,
        now: Duration,
    ) -> Option<(&str, Duration)> {
        let (refused, said, at) = self.refused.as_ref()?;
        let left = (*at + TRY_AGAIN_AFTER).saturating_sub(now);
        (refused == config && !left.is_zero()).then_some((said.as_str(), left))
    }
}
