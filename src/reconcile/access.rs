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
                    let outcome = match access(&aws, &cell).await {
                        Ok(()) => AccessOutcome::Passed,
                        Err(error) => failed(&error, !key.policies.is_empty()),
                    };
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
                let fact = AccessFact::after(state.facts.access.get(&key), outcome, at);
                state.facts.access.insert(key, fact);
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
async fn access(aws: &Aws, cell: &Cell) -> Result<(), AwsError> {
    let slot = aws.slot(cell).await?;
    if let Some((arn, version)) = slot.and_then(|it| it.guardrail.zip(it.version)) {
        let guardrail = GuardrailVersion { arn, version };
        aws.apply_guardrail(cell, &guardrail, Side::Input, TEXT).await?;
    }
    Ok(())
}

/// What a call shows that failed, `under` policies that are tried.
fn failed(error: &AwsError, under: bool) -> AccessOutcome {
    let message = error.to_string();
    // Without a session nothing was asked of policies of the account.
    let is_asked = error.operation.starts_with("bedrock:");
    if is_asked && error.class == ErrorClass::Denied {
        if under && is_of_another(&message) {
            AccessOutcome::Unknown(message)
        } else {
            AccessOutcome::Denied(message)
        }
    } else if is_asked && error.class == ErrorClass::RegionUnavailable {
        // Where nothing can be called, nothing can be shut out.
        AccessOutcome::Passed
    } else {
        AccessOutcome::Unknown(message)
    }
}

/// Whether a denial names a kind of policy, and no service control policy. One that names none may
/// be of either.
///
/// Source: IAM User Guide, "Troubleshoot access denied error messages".
fn is_of_another(message: &str) -> bool {
    const OTHERS: [&str; 6] = [
        "resource-based policy",
        "identity-based policy",
        "permissions boundary",
        "session policy",
        "resource control policy",
        "VPC endpoint policy",
    ];
    !message.contains("service control policy") && OTHERS.iter().any(|it| message.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guardrail whose grant is lost for a moment says nothing about a new policy.
    #[test]
    fn a_denial_that_names_another_kind_of_policy_is_not_held_against_the_one_on_trial() {
        for (reason, expected) in [
            ("with an explicit deny in a service control policy", false),
            ("because no service control policy allows the bedrock:ApplyGuardrail action", false),
            ("because no resource-based policy allows the bedrock:ApplyGuardrail action", true),
            ("with an explicit deny in an identity-based policy", true),
            ("", false),
        ] {
            let message =
                format!("User: a is not authorized to perform: b on resource: c {reason}");
            assert_eq!(is_of_another(&message), expected, "{reason}");
        }
    }
}
