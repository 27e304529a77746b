//! Judges a claim by what IAM says of the roles that its enforcement names.

use std::collections::BTreeMap;

use super::{Claim, Finding, Reason};
use crate::model::{CallerKey, ProbeOutcome};

impl Claim {
    /// What to ask IAM for it: whether each role that the enforcement names may apply what is
    /// claimed.
    pub fn questions(&self) -> impl Iterator<Item = CallerKey> {
        let expected = self.expected.as_ref().ok();
        self.callers.iter().filter_map(move |role| {
            Some(CallerKey {
                account: self.cell.account.clone(),
                role: role.clone(),
                guardrail: expected?.arn.clone(),
                revision: None,
            })
        })
    }
}

/// Judges a claim, which was read back as it should be, by the answers to its questions; `None`
/// where no role stands against it. One that was not answered proves nothing.
pub fn judge_callers(
    claim: &Claim,
    answers: &BTreeMap<CallerKey, ProbeOutcome>,
) -> Option<Finding> {
    let mut unknown = None;
    for key in claim.questions() {
        let CallerKey { role, account, guardrail, .. } = &key;
        match answers.get(&key) {
            Some(ProbeOutcome::Passed) => {}
            Some(ProbeOutcome::Denied(why)) => {
                let message = format!(
                    "the role {role} of {account} may not apply {guardrail} and loses every model \
                     call: {why}"
                );
                return Some(Finding::failed(Reason::CallerDenied, message));
            }
            Some(ProbeOutcome::Unknown { message, .. }) => unknown = Some(message.clone()),
            None => unknown = Some(format!("IAM was not asked about the role {role}")),
        }
    }
    unknown.map(|message| Finding::unknown(Reason::CallerUnknown, message))
}
