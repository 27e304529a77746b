//! S4: no write makes a reference that an account in its scope cannot apply, nor makes one that
//! is there so. Of what a stranger deleted nobody can know while no read shows it, nor of a resource
//! policy that was changed since it was read a moment ago.

use super::super::super::call::Millis;
use super::super::super::world::World;
use super::super::Change;
use super::super::reference::{Level, Reference};
use super::{Violation, Write};

/// How old the read of a resource policy may be that a write rests on, in milliseconds. AWS takes no
/// precondition, so it has changed by then or it has not.
const READ_BEFORE_MAX: Millis = 3_000;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if !write.has_succeeded() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for change in write.changes {
        let account = (change.before.account.as_ref(), change.after.account.as_ref());
        let organization = (change.before.then.as_ref(), change.after.then.as_ref());
        for (level, (before, after)) in
            [(Level::Account, account), (Level::Organization, organization)]
        {
            found.extend(newly_broken(write, change, level, before, after).map(|it| (change, it)));
        }
    }
    write.violates_in("S4", found)
}

fn newly_broken(
    write: &Write<'_>,
    change: &Change,
    level: Level,
    before: Option<&Reference>,
    after: Option<&Reference>,
) -> Option<String> {
    let after = after?;
    if !write.after.organization.is_region_enabled(&change.account, &change.region) {
        return None;
    }
    let broken = |world| after.broken(world, level, change.place(), write.call.at);
    let reason = broken(write.after)?;
    if after.is_gone_unseen(write.after, write.call.at) && !write.memory.deleted(after) {
        return None;
    }
    let was_broken = before == Some(after) && broken(write.before).is_some();
    if was_broken || broken(&as_read(write)).is_none() {
        return None;
    }
    Some(format!("cannot be applied: {}", without_caller(&reason)))
}

/// The world after the write with the resource policies that were read right before it.
fn as_read(write: &Write<'_>) -> World {
    let mut world = write.after.clone();
    let from = write.call.at.saturating_sub(READ_BEFORE_MAX);
    for (resource, text) in write.memory.reads.grants_since(from) {
        let mut parts = resource.split(':').skip(3);
        if let (Some(region), Some(account)) = (parts.next(), parts.next()) {
            world.regional_mut(account, region).set_resource_policy(resource, text);
        }
    }
    world
}

/// The reason without the account, which the place names already: equal for all accounts.
fn without_caller(reason: &str) -> &str {
    reason.split_once(" is not authorized").map_or(reason, |(_, rest)| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};

    #[test]
    fn an_attachment_that_one_account_below_cannot_apply_is_reported() {
        type Break = fn(&mut Arena, &str) -> String;
        let rows: [(&str, Break); 4] = [
            ("not shared", |arena, _| {
                let arn = arena.guardrail(Controller, "private", "lion");
                arena.publish(Controller, &arn);
                arn
            }),
            ("denied by a stranger's statement", |arena, arn| {
                let deny = json!({
                    "Sid": "Theirs", "Effect": "Deny", "Principal": "*",
                    "Action": "bedrock:ApplyGuardrail", "Resource": arn,
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": arena.members[1]}},
                });
                let grant = arena.grant(arn);
                arena.share(Stranger, arn, &json!([grant, deny]));
                arn.to_owned()
            }),
            ("a service control policy denies", |arena, arn| {
                let deny = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Deny", "Action": "bedrock:ApplyGuardrail", "Resource": "*"}]});
                let body = json!({"Name": "deny", "Description": "", "Type": "SERVICE_CONTROL_POLICY",
                    "Content": deny.to_string()});
                let created = arena.organize(Stranger, "CreatePolicy", body);
                let id = created["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned();
                let member = arena.members[2].clone();
                arena.attach(Stranger, &id, &member);
                arn.to_owned()
            }),
            ("no such version", |_, arn| format!("{arn}:7")),
        ];
        for (name, prepare) in rows {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let named = prepare(&mut arena, &arn);
            let (arn, version) =
                named.strip_suffix(":7").map_or((named.as_str(), "1"), |arn| (arn, "7"));
            let id = arena.policy(Controller, "baseline", &document(&[(HERE, arn, version)]));
            assert_eq!(arena.broken(), [""; 0], "{name}: an unattached document has no scope");
            let root = arena.root.clone();
            arena.attach(Controller, &id, &root);
            assert_eq!(arena.broken(), ["S4"], "{name}");
        }
    }

    #[test]
    fn what_a_stranger_deleted_a_moment_ago_may_still_be_referenced() {
        for (who, late, expected) in
            [(Stranger, 0, vec![]), (Stranger, 2_000, vec!["S4"]), (Controller, 0, vec!["S4"])]
        {
            for version in [Some("1"), None] {
                let mut arena = Arena::new();
                arena.world.switches.delete_read_lag_ms = 2_000;
                let arn = arena.shared("baseline", "zebra");
                arena.delete(who, &arn, version).unwrap();
                let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
                arena.pass(late);
                let root = arena.root.clone();
                arena.attach(Controller, &id, &root);
                let mut broken = arena.broken();
                broken.retain(|it| *it == "S4");
                assert_eq!(broken, expected, "{version:?}");
            }
        }
    }

    #[test]
    fn what_a_stranger_withdrew_right_after_it_was_read_may_still_be_referenced() {
        let rows = [
            (Stranger, true, 0, vec![]),
            (Stranger, true, 4_000, vec!["S4"]),
            (Stranger, false, 0, vec!["S4"]),
            // One's own write is known, whatever was read before it.
            (Controller, true, 0, vec!["S4"]),
        ];
        for (who, is_read, late, expected) in rows {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
            let management = arena.management.clone();
            if is_read {
                arena.bedrock(Controller, &management, "GetResourcePolicy", &[&arn], json!({}));
            }
            arena.bedrock(who, &management, "DeleteResourcePolicy", &[&arn], json!({}));
            arena.pass(late);
            let root = arena.root.clone();
            arena.attach(Controller, &id, &root);
            let mut broken = arena.broken();
            broken.retain(|it| *it == "S4");
            assert_eq!(broken, expected, "{is_read} {late}");
        }
    }

    #[test]
    fn an_attachment_everybody_can_apply_passes() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        let root = arena.root.clone();
        arena.attach(Controller, &id, &root);
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn what_a_stranger_broke_is_not_blamed_on_the_next_write() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        let root = arena.root.clone();
        arena.attach(Controller, &id, &root);
        arena.share(
            Stranger,
            &arn,
            &json!([{
                "Sid": "Theirs", "Effect": "Deny", "Principal": "*",
                "Action": "bedrock:ApplyGuardrail", "Resource": arn,
            }]),
        );
        arena.rewrite(Controller, &id, &document(&[(HERE, &arn, "1")]));
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn a_service_control_policy_of_the_controller_must_leave_references_applicable() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let member = arena.members[0].clone();
        arena.enforce(Controller, &member, &arn, "1").unwrap();
        let deny = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "bedrock:*", "Resource": "*"}]});
        let body = json!({"Name": "deny", "Description": "", "Type": "SERVICE_CONTROL_POLICY",
            "Content": deny.to_string(), "Tags": [{"Key": "bedrail:owner", "Value": "us"}]});
        let created = arena.organize(Controller, "CreatePolicy", body);
        let id = created["Policy"]["PolicySummary"]["Id"].as_str().unwrap().to_owned();
        arena.attach(Controller, &id, &member);
        assert_eq!(arena.broken(), ["S4"]);
    }
}
