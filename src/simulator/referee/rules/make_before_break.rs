//! S2: what replaces is in force before what it replaces goes.
//!
//! | write | broken when |
//! |---|---|
//! | `UpdatePolicy` | a Region the document enforced is enforced by nothing any more, and the intent does not remove it |
//! | `UpdatePolicy`, `DetachPolicy` | what enforces the Region instead was attached, or got the Region, so recently that it has yet to take effect |
//! | `DeleteEnforcedGuardrailConfiguration` | the organization policy that is to take over has yet to take effect |
//!
//! Taking protection away with nothing in its place is a removal: S1's to judge.

use super::super::Change;
use super::super::protection::{accounts_below, policy_kind, targets};
use super::super::reference::references_in;
use super::{Violation, Write};
use crate::simulator::organization::PolicyKind;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.has_succeeded() {
        return Vec::new();
    }
    match write.call.operation {
        "DeleteEnforcedGuardrailConfiguration" => {
            let is_early =
                |change: &&Change| change.after.now.is_none() && change.after.then.is_some();
            let complaint = "removed before the organization policy takes effect";
            let early = write.changes.iter().filter(is_early);
            write.violates_in("S2", early.map(|change| (change, complaint.to_owned())).collect())
        }
        "UpdatePolicy" => {
            let mut found = dropped(write);
            found.extend(handed_over_early(write));
            found
        }
        "DetachPolicy" => handed_over_early(write),
        _ => Vec::new(),
    }
}

/// Regions an update leaves without any organization policy.
fn dropped(write: &Write<'_>) -> Vec<Violation> {
    let organization = &write.after.organization;
    let is_dropped = |change: &&Change| {
        change.before.then.is_some()
            && change.after.then.is_none()
            && !write.intent.removes(organization, &change.account, &change.region)
    };
    let dropped = write.changes.iter().filter(is_dropped);
    let complaint = |change: &Change| format!("the document no longer enforces {}", change.region);
    write.violates_in("S2", dropped.map(|change| (change, complaint(change))).collect())
}

/// Regions that only policies enforce which have yet to take effect.
fn handed_over_early(write: &Write<'_>) -> Vec<Violation> {
    let policy = write.call.text("PolicyId").unwrap_or_default();
    if policy_kind(write.before, write.call) != Some(PolicyKind::BedrockPolicy) {
        return Vec::new();
    }
    let kept = match write.call.operation {
        "UpdatePolicy" => regions(write, policy, true),
        _ => Vec::new(),
    };
    let left: Vec<String> =
        regions(write, policy, false).into_iter().filter(|region| !kept.contains(region)).collect();
    let mut found = Vec::new();
    for account in accounts_below(write.after, &targets(write.before, write.call)) {
        for region in &left {
            if let Some(pending) = pending_successor(write, account, region) {
                let detail = format!("{policy} goes before {pending} has taken effect");
                found.push(write.violates_at("S2", (account, region), detail));
            }
        }
        if !found.is_empty() {
            break; // One account shows it; the others below the target are the same.
        }
    }
    found
}

fn regions(write: &Write<'_>, policy: &str, is_after: bool) -> Vec<String> {
    let world = if is_after { write.after } else { write.before };
    let policy = world.organization.policies.get(policy);
    let references = policy.map(|policy| references_in(&policy.document)).unwrap_or_default();
    references.into_iter().map(|(region, _)| region).collect()
}

/// The policy that alone enforces `region` on the path of `account`, if it has yet to take effect.
fn pending_successor<'a>(write: &Write<'a>, account: &str, region: &str) -> Option<&'a str> {
    let organization = &write.after.organization;
    if write.after.regional(account, region).is_some_and(|regional| regional.enforced().is_some()) {
        return None;
    }
    let delay_ms = write.after.switches.effective_policy_delay_ms;
    let mut pending = None;
    for node in organization.tree.lineage(account) {
        for id in organization.attachments.get(node).into_iter().flatten() {
            let Some(policy) = organization.policies.get(id) else { continue };
            if !references_in(&policy.document).iter().any(|(named, _)| named == region) {
                continue;
            }
            if !write.memory.is_pending(id, node, write.call.at, delay_ms) {
                return None;
            }
            pending = Some(id.as_str());
        }
    }
    pending
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, document};

    fn attached(arena: &mut Arena, arn: &str, name: &str) -> String {
        let id = arena.policy(Controller, name, &document(&[(HERE, arn, "1")]));
        let root = arena.root.clone();
        arena.attach(Controller, &id, &root);
        id
    }

    #[test]
    fn an_update_that_drops_a_region_is_reported_unless_it_is_intended() {
        for (intent, expected) in [
            (json!(null), vec!["S2"]),
            (json!({"removals": [{"region": "eu-west-1"}]}), vec!["S1", "S2"]),
            (json!({"removals": [{"region": HERE}]}), vec![]),
        ] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let id = attached(&mut arena, &arn, "baseline");
            arena.pass(60_000);
            arena.intend(intent.clone());
            arena.rewrite(Controller, &id, &json!({"bedrock": {"guardrail_inference": {}}}));
            assert_eq!(arena.broken(), expected, "{intent}");
        }
    }

    #[test]
    fn the_old_policy_is_detached_only_after_the_new_one_takes_effect() {
        for (wait_ms, expected) in [(0, vec!["S2"]), (60_000, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let old = attached(&mut arena, &arn, "old");
            arena.pass(60_000);
            attached(&mut arena, &arn, "new");
            arena.pass(wait_ms);
            let root = arena.root.clone();
            arena.detach(Controller, &old, &root);
            assert_eq!(arena.broken(), expected, "after {wait_ms} ms");
        }
    }

    /// Until the new document is in effect, the old one is.
    #[test]
    fn an_update_of_what_stays_in_force_delays_nothing() {
        for (stays, expected) in [(HERE, vec![]), ("eu-west-1", vec!["S2"])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let old = attached(&mut arena, &arn, "old");
            let stay = arena.policy(Controller, "stays", &document(&[(stays, &arn, "1")]));
            let root = arena.root.clone();
            arena.attach(Controller, &stay, &root);
            arena.pass(60_000);
            let text = document(&[(stays, &arn, "1"), (HERE, &arn, "1")]);
            arena.rewrite(Controller, &stay, &text);
            arena.detach(Controller, &old, &root);
            let broken = arena.broken();
            assert_eq!(broken.contains(&"S2"), !expected.is_empty(), "{stays}: {broken:?}");
        }
    }

    #[test]
    fn a_configuration_is_released_only_after_the_organization_policy_takes_effect() {
        for (wait_ms, expected) in [(0, vec!["S2"]), (60_000, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let member = arena.members[0].clone();
            arena.enforce(Controller, &member, &arn, "1").unwrap();
            attached(&mut arena, &arn, "baseline");
            arena.pass(wait_ms);
            arena.release(Controller, &member);
            assert_eq!(arena.broken(), expected, "after {wait_ms} ms");
        }
    }
}
