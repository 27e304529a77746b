//! S7 in Organizations: only policies of the controller's are written, attached and detached;
//! `FullAWSAccess`, the tree and the delegation never.

use serde_json::Value;

use super::super::memory::owns_policy;
use super::{Violation, Write};
use crate::simulator::call::Service;

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    if write.call.service != Service::Organizations {
        return Vec::new();
    }
    let complaint = match write.call.operation {
        "CreatePolicy" | "EnablePolicyType" => None,
        "UpdatePolicy" | "DeletePolicy" | "AttachPolicy" | "DetachPolicy" => {
            foreign_policy(write, write.call.text("PolicyId").unwrap_or_default())
        }
        "TagResource" | "UntagResource" => {
            let resource = write.call.text("ResourceId").unwrap_or_default();
            if write.before.organization.tree.kind(resource).is_some() {
                Some(format!("{resource} is not the controller's to tag"))
            } else {
                foreign_policy(write, resource)
            }
        }
        other => Some(format!("{other} is never the controller's to call")),
    };
    complaint.map(|complaint| write.violates("S7", complaint)).into_iter().collect()
}

fn foreign_policy(write: &Write<'_>, id: &str) -> Option<String> {
    let policy = write.before.organization.policies.get(id)?;
    if policy.aws_managed {
        return Some(format!("{} belongs to AWS", policy.name));
    }
    if owns_policy(write.memory, write.intent, write.before, id) {
        return removed_tag(write, id);
    }
    let is_adopted = write.call.operation == "TagResource" && is_adoption(write, id, &policy.name);
    let is_replaced =
        write.call.operation == "DetachPolicy" && write.intent.detaches(&[id, &policy.name]);
    (!is_adopted && !is_replaced).then(|| format!("{id} ({}) is not the controller's", policy.name))
}

fn is_adoption(write: &Write<'_>, id: &str, name: &str) -> bool {
    let tags = write.call.body.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let owner = tags.filter(|tag| tag.get("Key") == Some(&"bedrail:owner".into()));
    let owner = owner.filter_map(|tag| tag.get("Value")).find_map(Value::as_str);
    let live = write.before.organization.tags.get(id);
    let is_allowed = !write.intent.is_told() || write.intent.adopts(&[id, name]);
    let is_right = write.intent.owner.as_deref().is_none_or(|wanted| Some(wanted) == owner);
    !live.is_some_and(|tags| tags.contains_key("bedrail:owner"))
        && owner.is_some()
        && is_allowed
        && is_right
}

/// A tag that is neither in the controller's name space nor was written by it.
fn removed_tag(write: &Write<'_>, id: &str) -> Option<String> {
    if write.call.operation != "UntagResource" {
        return None;
    }
    let keys = write.call.body.get("TagKeys").and_then(Value::as_array);
    let mut keys = keys.into_iter().flatten().filter_map(Value::as_str);
    let foreign = keys.find(|key| !key.starts_with("bedrail:") && !write.memory.tagged(id, key))?;
    Some(format!("the tag {foreign} of {id} is not the controller's"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{Arena, Controller, HERE, Stranger, document};
    use crate::simulator::organization::FULL_ACCESS;

    #[test]
    fn strangers_policies_and_aws_own_are_left_alone() {
        type Ask = fn(&Arena, &str) -> (&'static str, Value);
        let rows: [(&str, Ask); 7] = [
            ("update", |_, id| ("UpdatePolicy", json!({"PolicyId": id, "Description": "x"}))),
            ("attach", |arena, id| {
                ("AttachPolicy", json!({"PolicyId": id, "TargetId": arena.root}))
            }),
            ("delete", |_, id| ("DeletePolicy", json!({"PolicyId": id}))),
            ("tag", |_, id| {
                ("TagResource", json!({"ResourceId": id, "Tags": [{"Key": "x", "Value": "y"}]}))
            }),
            ("detach", |arena, id| {
                ("DetachPolicy", json!({"PolicyId": id, "TargetId": arena.root}))
            }),
            ("detach AWS's", |arena, _| {
                ("DetachPolicy", json!({"PolicyId": FULL_ACCESS, "TargetId": arena.root}))
            }),
            ("the tree", |arena, _| {
                ("CreateOrganizationalUnit", json!({"ParentId": arena.root, "Name": "new"}))
            }),
        ];
        for (name, ask) in rows {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let id = arena.policy(Stranger, "theirs", &document(&[(HERE, &arn, "1")]));
            let (operation, body) = ask(&arena, &id);
            // Whether AWS takes it makes no difference.
            arena.try_organize(Controller, operation, body).ok();
            assert_eq!(arena.broken(), ["S7"], "{name}");
        }
    }

    #[test]
    fn ones_own_policies_may_be_written_attached_and_deleted() {
        let mut arena = Arena::new();
        let arn = arena.shared("baseline", "zebra");
        let id = arena.policy(Controller, "baseline", &document(&[(HERE, &arn, "1")]));
        let root = arena.root.clone();
        arena.attach(Controller, &id, &root);
        arena.detach(Controller, &id, &root);
        arena.organize(Controller, "DeletePolicy", json!({"PolicyId": id}));
        assert_eq!(arena.broken(), [""; 0]);
    }

    #[test]
    fn an_unowned_policy_is_adopted_only_where_it_is_intended() {
        for (intent, expected) in
            [(json!(null), vec![]), (json!({}), vec!["S7"]), (json!({"adopt": ["theirs"]}), vec![])]
        {
            let mut arena = Arena::new();
            let arn = arena.shared("baseline", "zebra");
            let id = arena.policy(Stranger, "theirs", &document(&[(HERE, &arn, "1")]));
            arena.intend(intent.clone());
            let tags = json!([{"Key": "bedrail:owner", "Value": "us"}]);
            let body = json!({"ResourceId": id, "Tags": tags});
            arena.organize(Controller, "TagResource", body);
            assert_eq!(arena.broken(), expected, "{intent}");
        }
    }
}
