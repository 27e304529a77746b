//! Tries our own role in accounts, with and without service control policies that are new there.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::debug;

use super::engine::Engine;
use crate::aws::{Aws, AwsError, ErrorClass, GuardrailVersion, Side};
use crate::model::{AccessFact, AccessKey, AccessOutcome, Cell, Region};

/// What is sent to a guardrail: short, since it is billed, and harmless.
const TEXT: &str = "Hello.";

/// Calls of one visit that run at once.
const AT_ONCE: usize = 32;

impl Engine {
    /// Makes the calls that a plan asks for. Where there were any, the plan can be made anew at once.
    ///
    /// # Cancel safety
    ///
    /// What was not answered is asked again by the next plan that needs it.
    pub(super) async fn try_access(&self, needed: &BTreeSet<AccessKey>) -> Option<Duration> {
        let mut waiting = needed.iter();
        let mut running = JoinSet::new();
        let mut is_new = false;
        loop {
            while running.len() < AT_ONCE && !self.stop.is_cancelled() {
                let Some(key) = waiting.next().cloned() else { break };
                let (aws, cell) = (self.aws.clone(), self.cell_of(&key));
                running.spawn(async move {
                    let outcome = access(&aws, &cell).await;
                    (key, outcome)
                });
            }
            let ended = tokio::select! {
                () = self.stop.cancelled() => break,
                ended = running.join_next() => ended,
            };
            let Some(ended) = ended else { break };
            // One that panicked was not answered.
            if let Ok((key, outcome)) = ended {
                debug!(account = %key.account, ?outcome, "our own role was tried");
                is_new = true;
                let at = self.time.now();
                let mut state = self.state();
                let before = state.facts.access.get(&key).map_or(0, |fact| fact.failures);
                let failures = if outcome == AccessOutcome::Passed { 0 } else { before + 1 };
                state.facts.access.insert(key, AccessFact { outcome, at, failures });
            }
        }
        is_new.then_some(Duration::ZERO)
    }

    /// A Region in which something is enforced in the account, else one with a guardrail of ours,
    /// else our own.
    fn cell_of(&self, key: &AccessKey) -> Cell {
        let state = self.state();
        let account = key.account.clone();
        let claimed = state.desired.cells.keys().find(|cell| cell.account == account);
        let region: Option<&Region> = claimed
            .map(|cell| &cell.region)
            .or_else(|| state.desired.replicas.keys().map(|it| &it.region).next());
        let region = region.unwrap_or_else(|| self.aws.home_region()).clone();
        Cell { account, region }
    }
}

/// Reads the enforced configuration, which our role always may, and applies what is enforced.
async fn access(aws: &Aws, cell: &Cell) -> AccessOutcome {
    let slot = match aws.slot(cell).await {
        Ok(slot) => slot,
        Err(error) => return failed(&error),
    };
    let Some((arn, version)) = slot.and_then(|it| it.guardrail.zip(it.version)) else {
        return AccessOutcome::Passed;
    };
    let guardrail = GuardrailVersion { arn, version };
    match aws.apply_guardrail(cell, &guardrail, Side::Input, TEXT).await {
        Ok(_) => AccessOutcome::Passed,
        Err(error) => failed(&error),
    }
}

fn failed(error: &AwsError) -> AccessOutcome {
    let message = error.to_string();
    // Without a session nothing was asked of policies of the account.
    let is_asked = error.operation.starts_with("bedrock:");
    if is_asked && error.class == ErrorClass::Denied {
        AccessOutcome::Denied(message)
    } else if is_asked && error.class == ErrorClass::RegionUnavailable {
        // Where nothing can be called, nothing can be shut out.
        AccessOutcome::Passed
    } else {
        AccessOutcome::Unknown(message)
    }
}
