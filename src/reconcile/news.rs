//! Logs what is new in the outcome of a visit.

use tracing::{debug, info, warn};

use super::key::Key;
use super::state::State;
use crate::plan::Plan;
use crate::status::Outcome;

/// Logs what differs from the last outcome: a hold that lasts for days is one line, not thousands.
pub(super) fn say_news(key: &Key, outcome: &Outcome, before: Option<&Outcome>) {
    let is_new = |text: &String, old: fn(&Outcome) -> Vec<String>| {
        before.is_none_or(|before| !old(before).contains(text))
    };
    for held in &outcome.held {
        let known = before.is_some_and(|it| it.held.iter().any(|old| old.reason == held.reason));
        if known {
            debug!(%key, reason = held.reason, "{}", held.message);
        } else {
            info!(%key, reason = held.reason, "held: {}", held.message);
        }
    }
    for refused in &outcome.refused {
        if is_new(refused, |it| it.refused.clone()) {
            warn!(%key, "refused: {refused}");
        }
    }
    for orphan in &outcome.orphans {
        if is_new(orphan, |it| it.orphans.clone()) {
            warn!(%key, "orphan: {orphan}");
        }
    }
    if let Some(failure) = &outcome.failure {
        let known = before.and_then(|it| it.failure.as_ref()).is_some_and(|old| old == failure);
        if known {
            debug!(%key, reason = failure.reason, error = failure.message, "failed again");
        } else {
            warn!(%key, reason = failure.reason, error = failure.message, "failed");
        }
    }
}

impl State {
    /// Logs each warning once, whichever key has it first.
    pub(super) fn say_warnings(&mut self, key: &Key, plan: &Plan) {
        for warning in &plan.warnings {
            if self.warned.insert(warning.clone()) {
                warn!(%key, "{warning}");
            }
        }
    }
}
