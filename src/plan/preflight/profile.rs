//! Guardrail profiles: calls that are evaluated in other Regions need the profile's policy there
//! (`aws-facts` 2.5).

use crate::model::{AccountId, GuardrailArn, ProfileKey, Read, Version};
use crate::plan::context::Context;
use crate::plan::hold::listed;
use crate::plan::reference::replica_of;
use crate::plan::sharing::profile_admits;
use crate::plan::step::{Held, HoldReason};

/// The profile of a version in every Region it reaches; nothing for a version without one.
pub(super) fn of(
    arn: &GuardrailArn,
    version: Version,
    context: &Context,
) -> impl Iterator<Item = ProfileKey> {
    let profile = replica_of(arn, context).and_then(|(_, fact)| fact.profiles.get(&version));
    let keys = context.preflight.profiles.keys();
    keys.filter(move |key| Some(&key.profile) == profile && key.account == arn.account).cloned()
}

/// Proves that each of `accounts` may reach the profile of a version wherever it evaluates.
pub(super) fn prove(
    (arn, version): (&GuardrailArn, Version),
    accounts: &[&AccountId],
    context: &Context,
) -> Result<(), Held> {
    let Some((key, fact)) = replica_of(arn, context) else { return Ok(()) };
    let Some(profile) = fact.profiles.get(&version) else { return Ok(()) };
    // An identity policy is enough for the owner.
    let outside: Vec<&AccountId> =
        accounts.iter().copied().filter(|account| **account != arn.account).collect();
    let (Some(fleet), false) = (&context.facts.fleet, outside.is_empty()) else { return Ok(()) };
    let keys: Vec<ProfileKey> = of(arn, version, context).collect();
    if keys.is_empty() {
        let message = format!(
            "{} uses the guardrail profile {profile}, whose resource policies no manifest \
             describes; `shareWith` on the guardrail does",
            key.guardrail
        );
        return Err(Held::for_person(HoldReason::NotShared, message));
    }
    for key in keys {
        let policy = match context.facts.profiles.get(&key) {
            None => {
                let message = format!("the resource policy of the profile {key} was not read yet");
                return Err(Held::for_fact(HoldReason::Unreadable, message));
            }
            // Nobody can put a policy there, and AWS may send calls there all the same.
            Some(Read::Unknown(_)) => continue,
            Some(Read::KnownAbsent) => None,
            Some(Read::Known(policy)) => Some(policy),
        };
        let denied: Vec<&&AccountId> = outside
            .iter()
            .filter(|account| !profile_admits(policy, &key, account, fleet))
            .collect();
        if !denied.is_empty() {
            let message = format!(
                "the resource policy of the guardrail profile {key} does not let these accounts \
                 use it, so every call evaluated there would fail: {}",
                listed(denied)
            );
            return Err(Held::for_fact(HoldReason::NotShared, message));
        }
    }
    Ok(())
}
