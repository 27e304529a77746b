//! S10: something is deleted only after everything that could need it was read completely, since
//! it stopped being wanted.
//!
//! | deletion | must have been read since |
//! |---|---|
//! | `DeleteGuardrail`, version or whole | the slot of every ACTIVE account in the Region; for a guardrail of the management account the list of Bedrock policies and each of them |
//! | `DeleteEnforcedGuardrailConfiguration` | the slot, and the list of accounts |
//! | `DetachPolicy`, `DeletePolicy` | the list of policies of its type, and what the policy is attached to (or what is attached to the target) |
//!
//! An account that cannot be read blocks nothing if it cannot apply the guardrail and was never
//! seen with it. (That it does refer to it all the same is S5's to judge.) *Since* is the later of two points: a removal was told, or the controller
//! itself let the last reference go.

use super::super::intent::Removal;
use super::super::memory::Tick;
use super::super::protection::{active, policy_kind, resource};
use super::super::reference::{Level, Reference};
use super::{Violation, Write};
use crate::simulator::call::Service;
use crate::simulator::organization::PolicyKind;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.intent.is_told() || !write.has_succeeded() {
        return Vec::new();
    }
    let unread = match (write.call.service, write.call.operation) {
        (Service::Bedrock, "DeleteGuardrail") => guardrail(write),
        (Service::Bedrock, "DeleteEnforcedGuardrailConfiguration") => slot(write),
        (Service::Organizations, "DetachPolicy" | "DeletePolicy") => policy(write),
        _ => None,
    };
    let violation = |unread| write.violates("S10", format!("deleted without having read {unread}"));
    unread.map(violation).into_iter().collect()
}

fn guardrail(write: &Write<'_>) -> Option<String> {
    let arn = resource(write.before, write.call);
    let since = write.memory.released_at(&arn, write.call.parameter("guardrailVersion"));
    let region = &write.call.region;
    let unread = active(write.before).find(|account| {
        write.before.organization.is_region_enabled(account, region)
            && !is_slot_known(write, &arn, account, since)
    });
    if let Some(account) = unread {
        return Some(format!("what {account} enforces in {region}"));
    }
    if write.call.caller.account != write.before.organization.management() {
        return None;
    }
    let reads = &write.memory.reads;
    let kind = PolicyKind::BedrockPolicy;
    if !is_since(reads.organization_list("ListPolicies", kind.name()), since) {
        return Some("the list of Bedrock policies".to_owned());
    }
    let mut policies =
        write.before.organization.policies.iter().filter(|(_, policy)| policy.kind == kind);
    let (unread, _) = policies.find(|(id, _)| !is_since(reads.policy(id), since))?;
    Some(format!("the policy {unread}"))
}

fn is_slot_known(write: &Write<'_>, arn: &str, account: &str, since: Tick) -> bool {
    let slot = write.memory.reads.slot(account, &write.call.region);
    if is_since(slot.map(|(read, _)| read), since) {
        return true;
    }
    let found = slot.and_then(|(_, found)| found?.get("guardrailArn")?.as_str());
    let guardrail = Reference { arn: arn.to_owned(), version: version(write) };
    let place = (account, write.call.region.as_str());
    let cannot = guardrail.broken(write.before, Level::Account, place, write.call.at).is_some();
    cannot && found != Some(arn)
}

/// The version to be deleted, else any: who can apply one can apply all.
fn version(write: &Write<'_>) -> String {
    let named = write.call.parameter("guardrailVersion").map(str::to_owned);
    let any = || {
        let arn = resource(write.before, write.call);
        let guardrail = Reference { arn, version: String::new() };
        let mut numbers = guardrail.guardrail(write.before)?.version_numbers().collect::<Vec<_>>();
        numbers.pop().map(|number| number.to_string())
    };
    named.or_else(any).unwrap_or_default()
}

fn slot(write: &Write<'_>) -> Option<String> {
    let (account, region) = (&write.call.caller.account, &write.call.region);
    let organization = &write.before.organization;
    let since = told(write, write.intent.removals_of(organization, account, region));
    let reads = &write.memory.reads;
    if !is_since(reads.slot(account, region).map(|(read, _)| read), since) {
        return Some(format!("what {account} enforces in {region}"));
    }
    let listed = reads.organization_list("ListAccounts", "");
    (!is_since(listed, since)).then(|| "the list of accounts".to_owned())
}

fn policy(write: &Write<'_>) -> Option<String> {
    let since = write.changes.iter().map(|change| {
        let organization = &write.before.organization;
        told(write, write.intent.removals_of(organization, &change.account, &change.region))
    });
    let since = since.max().unwrap_or(0);
    let kind = policy_kind(write.before, write.call)?.name();
    let id = write.call.text("PolicyId").unwrap_or_default();
    let reads = &write.memory.reads;
    if !is_since(reads.organization_list("ListPolicies", kind), since) {
        return Some(format!("the list of policies of {kind}"));
    }
    let of_policy = reads.organization_list("ListTargetsForPolicy", id);
    let of_target = write.call.text("TargetId").and_then(|target| {
        reads.organization_list("ListPoliciesForTarget", &format!("{kind} {target}"))
    });
    (!is_since(of_policy.max(of_target), since)).then(|| format!("what {id} is attached to"))
}

fn told<'a>(write: &Write<'_>, removals: impl Iterator<Item = &'a Removal>) -> Tick {
    removals.map(|removal| write.memory.told_at(removal)).min().unwrap_or(0)
}

fn is_since(read: Option<Tick>, since: Tick) -> bool {
    read.is_some_and(|read| read > since)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};

    #[test]
    fn a_version_goes_only_after_every_slot_and_policy_was_read_since_it_was_let_go() {
        type Read = fn(&mut Arena);
        let rows: [(&str, Read, Vec<&str>); 5] = [
            ("nothing read since", |_| {}, vec!["S10"]),
            ("everything read since", Arena::read_everything, vec![]),
            (
                "only the slots",
                |arena| {
                    let accounts: Vec<String> =
                        arena.world.organization.accounts().map(str::to_owned).collect();
                    for account in accounts {
                        let operation = "ListEnforcedGuardrailsConfiguration";
                        arena.bedrock(Controller, &account, operation, &[], json!({}));
                    }
                },
                vec!["S10"],
            ),
            (
                "only the policies",
                |arena| {
                    let body = json!({"Filter": "BEDROCK_POLICY"});
                    arena.organize(Controller, "ListPolicies", body);
                },
                vec!["S10"],
            ),
            (
                "read by a process that is gone",
                |arena| {
                    arena.read_everything();
                    arena.intend(json!({"restarts": 1}));
                },
                vec!["S10"],
            ),
        ];
        for (name, read, expected) in rows {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            arena.redraft(Controller, &arn, "baseline", "lion");
            arena.publish(Controller, &arn);
            let member = arena.members[0].clone();
            arena.intend(json!({}));
            arena.enforce(Controller, &member, &arn, "1").unwrap();
            arena.read_everything();
            arena.enforce(Controller, &member, &arn, "2").unwrap();
            read(&mut arena);
            arena.delete(Controller, &arn, Some("1")).unwrap();
            assert_eq!(arena.broken(), expected, "{name}");
        }
    }

    #[test]
    fn an_account_that_cannot_use_the_guardrail_and_was_not_seen_with_it_need_not_be_read() {
        for (is_shared, is_read_once, expected) in [
            (false, true, vec![]),
            (false, false, vec![]),
            (true, true, vec!["S10"]),
            (true, false, vec!["S10"]),
        ] {
            let mut arena = Arena::new();
            let arn = if is_shared {
                arena.shared("baseline", "zebra")
            } else {
                let arn = arena.guardrail(Controller, "private", "zebra");
                arena.publish(Controller, &arn);
                arn
            };
            arena.redraft(Controller, &arn, "private", "lion");
            arena.publish(Controller, &arn);
            let management = arena.management.clone();
            arena.intend(json!({}));
            arena.enforce(Controller, &management, &arn, "1").unwrap();
            if is_read_once {
                arena.read_everything();
            }
            arena.enforce(Controller, &management, &arn, "2").unwrap();
            let operation = "ListEnforcedGuardrailsConfiguration";
            arena.bedrock(Controller, &management, operation, &[], json!({}));
            arena.organize(Controller, "ListPolicies", json!({"Filter": "BEDROCK_POLICY"}));
            arena.delete(Controller, &arn, Some("1")).unwrap();
            assert_eq!(arena.broken(), expected, "shared {is_shared}, read {is_read_once}");
        }
    }

    #[test]
    fn a_configuration_is_released_only_after_a_read_since_its_removal_was_told() {
        for (is_read_after, expected) in [(false, vec!["S10"]), (true, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let member = arena.members[0].clone();
            arena.enforce(Controller, &member, &arn, "1").unwrap();
            arena.read_everything();
            arena.intend(json!({"removals": ["all"]}));
            if is_read_after {
                arena.read_everything();
            }
            arena.release(Controller, &member);
            assert_eq!(arena.broken(), expected);
        }
    }

    #[test]
    fn telling_more_does_not_make_what_was_read_for_a_removal_old() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let member = arena.members[0].clone();
        arena.enforce(Controller, &member, &arn, "1").unwrap();
        arena.intend(json!({"removals": ["all"]}));
        arena.read_everything();
        arena.intend(json!({"removals": ["all"], "approvedLosses": 5}));
        arena.release(Controller, &member);
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn a_policy_is_detached_only_after_its_targets_were_read() {
        for (is_read, expected) in [(false, vec!["S10"]), (true, vec![])] {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
            let root = arena.root.clone();
            arena.attach(Controller, &id, &root);
            arena.pass(60_000);
            arena.intend(json!({"removals": ["all"]}));
            if is_read {
                arena.read_everything();
            }
            arena.organize(Stranger, "ListTargetsForPolicy", json!({"PolicyId": id}));
            arena.detach(Controller, &id, &root);
            assert_eq!(arena.broken(), expected);
        }
    }
}
