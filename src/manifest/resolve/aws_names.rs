//! Two replicas of one name in AWS cannot stand in one account and Region.

use std::collections::BTreeMap;

use super::refusal;
use crate::model::{AccountId, Desired, Name, Region, ReplicaKey};

/// Refuses, in each account and Region, all replicas that have one name there: whichever is live
/// may belong to any of them, so that it is left as it is.
pub(super) fn refuse_shared(desired: &mut Desired) {
    let mut by_name: BTreeMap<(AccountId, Region, Name), Vec<ReplicaKey>> = BTreeMap::new();
    for (key, replica) in &desired.replicas {
        let place = (key.account.clone(), key.region.clone(), replica.name.clone());
        by_name.entry(place).or_default().push(key.clone());
    }
    for ((account, region, name), keys) in by_name {
        if keys.len() < 2 {
            continue;
        }
        for key in &keys {
            let others = keys.iter().filter(|it| *it != key);
            let others: Vec<String> = others.map(|it| format!("`{}`", it.guardrail)).collect();
            let message = format!(
                "Guardrail {} is called `{name}` in {account} {region} too; give one of them another \
                 `guardrailName`, or place it elsewhere",
                others.join(", ")
            );
            let refused = refusal("Guardrail", &key.guardrail, "spec.guardrailName", message);
            desired.refusals.insert(refused);
            desired.replicas.remove(key);
        }
    }
}
