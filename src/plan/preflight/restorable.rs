//! What organization policies had in force: putting it back needs no proof (S15).

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{PolicyFact, PolicyId, Restorable};

/// What was in force before and is not now.
pub fn restorable(
    before: &BTreeMap<PolicyId, PolicyFact>,
    now: &BTreeMap<PolicyId, PolicyFact>,
) -> BTreeSet<Restorable> {
    let mut lost = in_force(before);
    for kept in in_force(now) {
        lost.remove(&kept);
    }
    lost
}

fn in_force(policies: &BTreeMap<PolicyId, PolicyFact>) -> BTreeSet<Restorable> {
    let mut found = BTreeSet::new();
    for policy in policies.values() {
        let Some(enforcement) = &policy.enforcement else { continue };
        for target in &policy.targets {
            found.extend(policy.references.iter().map(|(guardrail, version)| Restorable {
                enforcement: enforcement.clone(),
                target: target.clone(),
                guardrail: guardrail.clone(),
                version: *version,
            }));
        }
    }
    found
}
