//! S5: no version, guardrail or grant goes while an enforced configuration or a Bedrock policy
//! refers to it, the controller's or anybody's.
//!
//! A whole guardrail goes only if the intent says it is absent; before any intent is told, if
//! nothing refers to it (that it is the controller's is S7's to judge). A deletion AWS refuses is
//! judged only against what the controller itself enforces: a stranger may have been faster than
//! any read.

use super::super::Change;
use super::super::memory::owns_policy;
use super::super::protection::{resource, summary};
use super::super::reference::{Reference, name_of, references_in};
use super::{Violation, Write};
use crate::simulator::call::Service;
use crate::simulator::organization::PolicyKind;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    match (write.call.service, write.call.operation) {
        (Service::Bedrock, "DeleteGuardrail") => deletion(write),
        (Service::Bedrock, "PutResourcePolicy" | "DeleteResourcePolicy")
            if write.has_succeeded() =>
        {
            revocation(write)
        }
        _ => Vec::new(),
    }
}

fn deletion(write: &Write<'_>) -> Vec<Violation> {
    let arn = resource(write.before, write.call);
    let version = write.call.parameter("guardrailVersion");
    let mut found = Vec::new();
    let guardrail = Reference { arn: arn.clone(), version: String::new() };
    if let (None, Some(guardrail)) = (version, guardrail.guardrail(write.before)) {
        let names = [name_of(guardrail), guardrail.name(), guardrail.id(), arn.as_str()];
        if write.intent.is_told() && !write.intent.is_absent(&names) {
            found.push(write.violates("S5", format!("{arn} is deleted as a whole, not absent")));
        }
    }
    let is_meant = |reference: &Reference| {
        reference.arn == arn && version.is_none_or(|version| reference.version == version)
    };
    let holders = holders(write, is_meant);
    if !holders.is_empty() {
        let what = version.map_or_else(|| arn.clone(), |version| format!("{arn}:{version}"));
        found.push(write.violates("S5", format!("{what} is referred to by {holders}")));
    }
    found
}

/// Who refers to it, for a person; empty when nobody does.
fn holders(write: &Write<'_>, is_meant: impl Fn(&Reference) -> bool) -> String {
    let places = write.changes.iter().filter(|change| {
        change.before.references().any(|(_, reference)| is_meant(reference))
            && (write.has_succeeded() || is_controllers(write, change))
    });
    let places: Vec<(String, String)> =
        places.map(|change| (change.account.clone(), change.region.clone())).collect();
    let policies = write.before.organization.policies.iter().filter(|(id, policy)| {
        policy.kind == PolicyKind::BedrockPolicy
            && references_in(&policy.document).iter().any(|(_, reference)| is_meant(reference))
            && (write.has_succeeded() || owns_policy(write.memory, write.intent, write.before, id))
    });
    let policies: Vec<&str> = policies.map(|(id, _)| id.as_str()).collect();
    let mut parts = vec![summary(&places), policies.join(", ")];
    parts.retain(|part| !part.is_empty());
    parts.join(" and ")
}

fn is_controllers(write: &Write<'_>, change: &Change) -> bool {
    let enforced = write.before.regional(&change.account, &change.region);
    let enforced = enforced.and_then(|regional| regional.enforced());
    let place = (change.account.clone(), change.region.clone());
    enforced.is_some_and(|enforced| write.memory.put(&place, enforced))
}

/// Grants withdrawn from accounts that have the guardrail enforced.
fn revocation(write: &Write<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for change in write.changes {
        let revoked = change.before.references().find(|(level, reference)| {
            let broken = |world| reference.broken(world, *level, change.place(), write.call.at);
            broken(write.before).is_none() && broken(write.after).is_some()
        });
        if let Some((_, reference)) = revoked {
            found.push((change, format!("the grant on {} is still needed", reference.arn)));
        }
    }
    write.violates_in("S5", found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};
    use crate::simulator::switches::VersionDeleteInUse;

    #[test]
    fn a_version_a_stranger_names_anywhere_is_not_deleted() {
        for (name, is_attached) in [("unattached", false), ("attached", true)] {
            let mut arena = Arena::new();
            arena.world.switches.version_delete_in_use = VersionDeleteInUse::Allow;
            let arn = arena.shared("baseline", "zebra");
            let id = arena.policy(Stranger, "theirs", &document(&[(HERE, &arn, "1")]));
            let root = arena.root.clone();
            if is_attached {
                arena.attach(Stranger, &id, &root);
                arena.pass(60_000);
            }
            arena.delete(Controller, &arn, Some("1")).unwrap();
            // Where the document is in force, what it names is broken as well.
            let expected = if is_attached { vec!["S4", "S5"] } else { vec!["S5"] };
            assert_eq!(arena.broken(), expected, "{name}");
        }
    }

    #[test]
    fn a_version_in_a_strangers_slot_is_not_deleted_and_another_may_be() {
        for (version, expected) in [("1", vec!["S4", "S5"]), ("2", vec![])] {
            let mut arena = Arena::new();
            arena.world.switches.version_delete_in_use = VersionDeleteInUse::Allow;
            let arn = arena.shared("baseline", "zebra");
            arena.redraft(Controller, &arn, "baseline", "lion");
            arena.publish(Controller, &arn);
            let member = arena.members[0].clone();
            arena.enforce(Stranger, &member, &arn, "1").unwrap();
            arena.delete(Controller, &arn, Some(version)).unwrap();
            assert_eq!(arena.broken(), expected, "version {version}");
        }
    }

    #[test]
    fn a_refused_deletion_is_blamed_only_for_what_the_controller_enforces() {
        for (who, expected) in [(Stranger, vec![]), (Controller, vec!["S5"])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let member = arena.members[0].clone();
            arena.enforce(who, &member, &arn, "1").unwrap();
            arena.delete(Controller, &arn, Some("1")).unwrap_err();
            assert_eq!(arena.broken(), expected);
        }
    }

    #[test]
    fn a_version_nobody_names_may_go_and_a_whole_guardrail_only_if_absent() {
        for (intent, version, expected) in [
            (json!(null), Some("1"), vec![]),
            (json!(null), None, vec![]),
            (json!({}), None, vec!["S5"]),
            (json!({"absent": ["baseline"]}), None, vec![]),
        ] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            arena.intend(intent.clone());
            arena.read_everything();
            arena.delete(Controller, &arn, version).unwrap();
            assert_eq!(arena.broken(), expected, "{intent}");
        }
    }

    #[test]
    fn a_grant_is_not_withdrawn_while_an_account_needs_it() {
        for (is_enforced, expected) in [(true, vec!["S4", "S5"]), (false, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let (management, member) = (arena.management.clone(), arena.members[0].clone());
            if is_enforced {
                arena.enforce(Stranger, &member, &arn, "1").unwrap();
            }
            arena.bedrock(Controller, &management, "DeleteResourcePolicy", &[&arn], json!({}));
            assert_eq!(arena.broken(), expected);
        }
    }
}
