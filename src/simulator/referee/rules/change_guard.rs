//! S11: since the intent last changed, at most max(1, 5 %) of what the controller has in force is
//! lost, unless more was approved.
//!
//! A loss is a place whose configuration goes or narrows, a foreign configuration that is taken
//! over, or a target an organization policy of the controller's leaves or no longer enforces in
//! some Region. Another content is not a loss. So it is with invocation logging: a configuration
//! that goes, or is replaced by one that logs less, and a stranger's of which a destination goes
//! where the controller never put one. An account that the controller sees elsewhere than before,
//! a place that answers it again, or one that a stranger has put something in, begins another set.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::intent::Intent;
use super::super::memory::{Memory, owns_policy, owns_reference};
use super::super::protection::{policy_kind, targets, targets_of};
use super::super::reference::{Reference, references_in};
use super::{Violation, Write};
use crate::simulator::bedrock::Enforced;
use crate::simulator::call::Service;
use crate::simulator::organization::PolicyKind;
use crate::simulator::world::World;

/// One in so many may be lost without approval: 5 %.
const SHARE: usize = 20;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    let losses = losses(write);
    if !write.intent.is_told() || losses.is_subset(&write.memory.losses) {
        return Vec::new();
    }
    let owned = write.memory.owned;
    let owned = owned.unwrap_or_else(|| owned_now(write));
    let allowed = write.intent.approved_losses.max(owned / SHARE).max(1);
    let count = write.memory.losses.union(&losses).count();
    if count <= allowed {
        return Vec::new();
    }
    vec![write.violates("S11", format!("{count} losses of {owned}, {allowed} allowed"))]
}

fn owned_now(write: &Write<'_>) -> usize {
    owned(write.before, write.memory, write.intent)
}

/// Places and targets the controller has something in force at.
pub(in super::super) fn owned(world: &World, memory: &Memory, intent: &Intent) -> usize {
    let is_ours = |place: &(String, String), enforced: &Enforced| {
        memory.put(place, enforced)
            || owns_reference(memory, intent, world, &Reference::of_enforced(enforced))
    };
    let slots = world.bedrock.iter().filter(|(place, regional)| {
        regional.enforced().is_some_and(|enforced| is_ours(place, enforced))
    });
    let policies = world.organization.policies.keys();
    let targets = policies
        .filter(|id| owns_policy(memory, intent, world, id))
        .map(|id| targets_of(world, id).len());
    let logged = world.bedrock.iter().filter(|(place, regional)| {
        regional.logging().is_some_and(|logging| memory.put_logging(place, logging))
    });
    slots.count() + logged.count() + targets.sum::<usize>()
}

/// What a write takes away, each named once.
pub(in super::super) fn losses(write: &Write<'_>) -> BTreeSet<String> {
    if !write.has_succeeded() {
        return BTreeSet::new();
    }
    match (write.call.service, write.call.operation) {
        (
            Service::Bedrock,
            "PutEnforcedGuardrailConfiguration" | "DeleteEnforcedGuardrailConfiguration",
        ) => slot(write).into_iter().collect(),
        (
            Service::Bedrock,
            "PutModelInvocationLoggingConfiguration" | "DeleteModelInvocationLoggingConfiguration",
        ) => logging(write).into_iter().collect(),
        (Service::Organizations, "DetachPolicy" | "UpdatePolicy") => policy(write),
        _ => BTreeSet::new(),
    }
}

fn slot(write: &Write<'_>) -> Option<String> {
    let place = (write.call.caller.account.clone(), write.call.region.clone());
    let enforced = |world: &World| {
        let regional = world.regional(&place.0, &place.1);
        regional.and_then(|regional| regional.enforced()).cloned()
    };
    let before = enforced(write.before)?;
    let is_ours = |world: &World, enforced: &Enforced| {
        owns_reference(write.memory, write.intent, world, &Reference::of_enforced(enforced))
    };
    let is_lost = match enforced(write.after) {
        None => true,
        Some(after) => {
            let was_ours = write.memory.put(&place, &before) || is_ours(write.before, &before);
            let is_taken_over = !was_ours && before.guardrail != after.guardrail;
            is_taken_over || (was_ours && is_narrower(&before, &after))
        }
    };
    is_lost.then(|| format!("{} {}", place.0, place.1))
}

fn logging(write: &Write<'_>) -> Option<String> {
    let place = (write.call.caller.account.clone(), write.call.region.clone());
    let logging = |world: &World| {
        let regional = world.regional(&place.0, &place.1);
        regional.and_then(|regional| regional.logging()).cloned()
    };
    let before = logging(write.before)?;
    let is_lost = match logging(write.after) {
        None => true,
        Some(after) if write.memory.put_logging(&place, &before) => logs_less(&before, &after),
        // What a stranger wrote over the controller's own is put right, whatever it is.
        Some(_) if write.memory.has_put_logging(&place) => false,
        Some(after) => logs_less(&before, &after) || moves(&before, &after),
    };
    is_lost.then(|| format!("logging {} {}", place.0, place.1))
}

/// Members of a logging configuration that are destinations.
const DESTINATIONS: [&str; 3] =
    ["/s3Config", "/cloudWatchConfig/logGroupName", "/cloudWatchConfig/largeDataDeliveryS3Config"];

/// Whether a destination has none in its place, or a kind of data is not delivered any more.
fn logs_less(before: &Value, after: &Value) -> bool {
    let is_on = |config: &Value, flag: &str| config.get(flag) != Some(&Value::Bool(false));
    let goes = DESTINATIONS
        .iter()
        .any(|path| before.pointer(path).is_some() && after.pointer(path).is_none());
    let kinds = ["text", "image", "embedding", "video", "audio"];
    let flags = kinds.map(|kind| format!("{kind}DataDeliveryEnabled"));
    goes || flags.iter().any(|flag| is_on(before, flag) && !is_on(after, flag))
}

/// Whether a destination is another.
fn moves(before: &Value, after: &Value) -> bool {
    DESTINATIONS
        .iter()
        .any(|path| before.pointer(path).is_some() && before.pointer(path) != after.pointer(path))
}

/// Whether less is guarded, or fewer models.
fn is_narrower(before: &Enforced, after: &Enforced) -> bool {
    let is_selective = |enforced: &Enforced, side: &str| {
        let selective = enforced.selective.as_ref().and_then(|sent| sent.get(side));
        selective.and_then(Value::as_str) == Some("SELECTIVE")
    };
    let guards_less = ["system", "messages"]
        .into_iter()
        .any(|side| !is_selective(before, side) && is_selective(after, side));
    let list = |enforced: &Enforced, member: &str| -> BTreeSet<String> {
        let models = enforced.models.as_ref().and_then(|models| models.get(member));
        let models = models.and_then(Value::as_array).into_iter().flatten();
        models.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let included = |enforced: &Enforced| {
        let included = list(enforced, "includedModels");
        if included.is_empty() || included.contains("ALL") { None } else { Some(included) }
    };
    let includes_less = match (included(before), included(after)) {
        (None, Some(_)) => true,
        (Some(before), Some(after)) => !before.is_subset(&after),
        (None | Some(_), None) => false,
    };
    let excludes_more = !list(after, "excludedModels").is_subset(&list(before, "excludedModels"));
    guards_less || includes_less || excludes_more
}

fn policy(write: &Write<'_>) -> BTreeSet<String> {
    let id = write.call.text("PolicyId").unwrap_or_default();
    let is_ours = owns_policy(write.memory, write.intent, write.before, id);
    if !is_ours || policy_kind(write.before, write.call) != Some(PolicyKind::BedrockPolicy) {
        return BTreeSet::new();
    }
    let regions = |world: &World| -> BTreeSet<String> {
        let policy = world.organization.policies.get(id);
        let references = policy.map(|policy| references_in(&policy.document)).unwrap_or_default();
        references.into_iter().map(|(region, _)| region).collect()
    };
    let is_detached = write.call.operation == "DetachPolicy";
    // A hand-over leaves every place with what replaces it: nothing is lost then.
    let loses = write
        .changes
        .iter()
        .any(|change| change.before.then.is_some() && change.after.then.is_none());
    if !loses || (!is_detached && regions(write.before).is_subset(&regions(write.after))) {
        return BTreeSet::new();
    }
    targets(write.before, write.call).into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};

    /// Three places of the controller's, then `intent`, then everything read.
    fn enforced(intent: Value) -> (Arena, String) {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        for member in arena.members.clone() {
            arena.enforce(Controller, &member, &arn, "1").unwrap();
        }
        arena.intend(intent);
        arena.read_everything();
        (arena, arn)
    }

    #[test]
    fn one_loss_passes_and_a_second_waits_for_approval() {
        for (approved, count, expected) in [(0, 1, vec![]), (0, 2, vec!["S11"]), (3, 3, vec![])] {
            let intent = json!({"removals": ["all"], "approvedLosses": approved});
            let (mut arena, _) = enforced(intent);
            for member in arena.members.clone().iter().take(count) {
                arena.release(Controller, member);
            }
            assert_eq!(arena.broken(), expected, "{count} losses, {approved} approved");
        }
    }

    #[test]
    fn a_new_intent_counts_from_zero() {
        let (mut arena, _) = enforced(json!({"removals": ["all"]}));
        for member in arena.members.clone() {
            arena.release(Controller, &member);
            arena.intend(json!({"removals": ["all"], "rollback": [member]}));
        }
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn accounts_that_the_controller_saw_move_begin_another_set() {
        for (is_seen, expected) in [(true, vec![]), (false, vec!["S11"])] {
            let (mut arena, _) = enforced(json!({"removals": ["all"]}));
            let members = arena.members.clone();
            let of_it = json!({"ChildId": members[1]});
            let parents = arena.organize(Stranger, "ListParents", of_it);
            let parent = parents["Parents"][0]["Id"].as_str().unwrap().to_owned();
            let listed = json!({"ParentId": parent});
            arena.organize(Controller, "ListAccountsForParent", listed);
            let unit = json!({"ParentId": arena.root, "Name": "elsewhere"});
            let unit = arena.organize(Stranger, "CreateOrganizationalUnit", unit);
            let unit = unit["OrganizationalUnit"]["Id"].as_str().unwrap().to_owned();
            arena.release(Controller, &members[0]);
            let moved = json!({"AccountId": members[1], "SourceParentId": parent,
                "DestinationParentId": unit});
            arena.organize(Stranger, "MoveAccount", moved);
            if is_seen {
                let listed = json!({"ParentId": unit});
                arena.organize(Controller, "ListAccountsForParent", listed);
            }
            arena.release(Controller, &members[1]);
            assert_eq!(arena.broken(), expected, "{is_seen}");
        }
    }

    #[test]
    fn a_stranger_who_takes_a_place_later_begins_another_set() {
        let selective = json!({"selectiveContentGuarding": {"messages": "SELECTIVE"}});
        let rows = [
            (Stranger, "theirs", true, vec![]),
            (Stranger, "theirs", false, vec!["S11"]),
            // It is who put it that counts, not whose guardrail it is.
            (Stranger, "baseline", true, vec![]),
            (Stranger, "baseline", false, vec!["S11"]),
            (Controller, "baseline", true, vec!["S11"]),
        ];
        for (who, name, is_seen, expected) in rows {
            let (mut arena, arn) = enforced(json!({"removals": ["all"], "adopt": ["theirs"]}));
            let members = arena.members.clone();
            arena.release(Controller, &members[0]);
            let put = if name == "theirs" {
                let theirs = arena.guardrail(Stranger, "theirs", "lion");
                arena.publish(Stranger, &theirs);
                let grant = arena.grant(&theirs);
                arena.share(Stranger, &theirs, &json!([grant]));
                theirs
            } else {
                arn.clone()
            };
            arena.pass(1);
            arena.enforce(who, &members[1], &put, "1").unwrap();
            if is_seen {
                arena.read_everything();
            }
            arena.enforce_as(Controller, &members[1], &arn, "1", &selective).unwrap();
            assert_eq!(arena.broken(), expected, "{name} {is_seen}");
        }
    }

    #[test]
    fn a_place_that_answers_again_begins_another_set() {
        for (answers_again, expected) in [(true, vec![]), (false, vec!["S11"])] {
            let (mut arena, _) = enforced(json!({"removals": ["all"]}));
            let members = arena.members.clone();
            let asked = (&["???"][..], None);
            let failed =
                arena.try_bedrock(Controller, &members[1], "GetGuardrail", asked, json!({}));
            assert_eq!(failed.unwrap_err().status, 400);
            arena.release(Controller, &members[0]);
            if answers_again {
                let arn = arena.shared("another", "zebra");
                arena.bedrock(Controller, &members[1], "GetGuardrail", &[&arn], json!({}));
            }
            arena.release(Controller, &members[1]);
            assert_eq!(arena.broken(), expected, "{answers_again}");
        }
    }

    #[test]
    fn narrowing_is_a_loss_and_another_version_is_not() {
        let narrower = [
            json!({"selectiveContentGuarding": {"messages": "SELECTIVE"}}),
            json!({"modelEnforcement": {"includedModels": ["ALL"], "excludedModels": ["a.b"]}}),
            json!({"modelEnforcement": {"includedModels": ["a.b"], "excludedModels": []}}),
        ];
        for more in narrower {
            let (mut arena, arn) = enforced(json!({}));
            for member in arena.members.clone() {
                arena.enforce_as(Controller, &member, &arn, "1", &more).unwrap();
            }
            assert_eq!(arena.broken(), ["S11"], "{more}");
        }
        let (mut arena, arn) = enforced(json!({}));
        arena.redraft(Controller, &arn, "baseline", "lion");
        arena.publish(Controller, &arn);
        for member in arena.members.clone() {
            arena.enforce(Controller, &member, &arn, "2").unwrap();
        }
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn taking_over_many_foreign_slots_is_a_loss() {
        for (count, expected) in [(1, vec![]), (2, vec!["S11"])] {
            let mut arena = Arena::new();
            let ours = arena.shared("baseline", "zebra");
            let theirs = arena.guardrail(Stranger, "theirs", "lion");
            arena.publish(Stranger, &theirs);
            let grant = arena.grant(&theirs);
            arena.share(Stranger, &theirs, &json!([grant]));
            arena.intend(json!({}));
            for member in arena.members.clone().iter().take(count) {
                arena.enforce(Stranger, member, &theirs, "1").unwrap();
                arena.enforce(Controller, member, &ours, "1").unwrap();
            }
            assert_eq!(arena.broken(), expected, "{count}");
        }
    }

    #[test]
    fn logging_that_goes_narrows_or_was_a_strangers_is_a_loss() {
        let to = |bucket: &str| json!({"s3Config": {"bucketName": bucket}});
        let mut less = to("logs");
        less["textDataDeliveryEnabled"] = json!(false);
        let rows = [
            (Stranger, to("theirs"), Some(to("ours")), vec!["S11"]),
            (Stranger, to("logs"), Some(to("logs")), vec![]),
            (Controller, to("old"), Some(to("new")), vec![]),
            (Controller, to("logs"), Some(less), vec!["S11"]),
            (Controller, to("logs"), None, vec!["S11"]),
        ];
        for (who, before, after, expected) in rows {
            let mut arena = Arena::new();
            arena.intend(json!({}));
            for member in arena.members.clone().iter().take(2) {
                let put = "PutModelInvocationLoggingConfiguration";
                arena.bedrock(who, member, put, &[], json!({"loggingConfig": before}));
                let (operation, body) = match &after {
                    Some(after) => (put, json!({"loggingConfig": after})),
                    None => ("DeleteModelInvocationLoggingConfiguration", json!({})),
                };
                arena.bedrock(Controller, member, operation, &[], body);
            }
            assert_eq!(arena.broken(), expected, "{before} {after:?}");
        }
    }

    #[test]
    fn what_a_stranger_wrote_over_the_controllers_logging_may_be_put_right() {
        let mut arena = Arena::new();
        arena.intend(json!({}));
        for member in arena.members.clone() {
            for (who, bucket) in [(Controller, "ours"), (Stranger, "theirs"), (Controller, "ours")]
            {
                let body = json!({"loggingConfig": {"s3Config": {"bucketName": bucket}}});
                let put = "PutModelInvocationLoggingConfiguration";
                arena.bedrock(who, &member, put, &[], body);
            }
        }
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn every_target_a_policy_leaves_is_a_loss() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        for member in arena.members.clone() {
            arena.attach(Controller, &id, &member);
        }
        arena.pass(60_000);
        arena.intend(json!({"removals": ["all"]}));
        arena.read_everything();
        let members = arena.members.clone();
        arena.detach(Controller, &id, &members[0]);
        assert_eq!(arena.broken(), [""; 0]);
        arena.detach(Controller, &id, &members[1]);
        assert_eq!(arena.broken(), ["S11"]);
    }
}
