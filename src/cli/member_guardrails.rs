//! Reads the guardrails of member accounts that their own enforced configurations reference.

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::JoinSet;

use crate::aws::{Aws, AwsError};
use crate::model::{AccountId, Cell, GuardrailArn, ObservedEnforcement, ObservedGuardrail};

/// What one account and Region answered: guardrails with their names.
type Answer = Result<Vec<(String, ObservedGuardrail)>, AwsError>;

/// Reads them through the member role. Others of these accounts may be anybody's, so that they are
/// not asked for.
pub(super) async fn read(
    aws: &Aws,
    management: &AccountId,
    slots: &BTreeMap<Cell, ObservedEnforcement>,
) -> Vec<(Cell, Answer)> {
    let mut own: BTreeMap<Cell, BTreeSet<GuardrailArn>> = BTreeMap::new();
    for (cell, slot) in slots {
        if let Some(arn) = &slot.guardrail
            && arn.account == cell.account
            && arn.account != *management
        {
            own.entry(cell.clone()).or_default().insert(arn.clone());
        }
    }
    let mut reading = JoinSet::new();
    for (cell, arns) in own {
        let aws = aws.clone();
        reading.spawn(async move {
            let read = aws.guardrails_among(&cell, &arns).await;
            (cell, read)
        });
    }
    reading.join_all().await
}
