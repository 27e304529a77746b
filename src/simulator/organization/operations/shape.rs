//! The JSON shapes of the service and its ARNs.

use serde_json::{Map, Value, json};

use crate::simulator::call::Millis;
use crate::simulator::clock::epoch_seconds;
use crate::simulator::organization::{NodeKind, Organization, Policy, PolicyKind};
use crate::simulator::world::World;

/// The ARN of a root, unit, account or policy that exists.
pub(super) fn arn(organization: &Organization, id: &str) -> Option<String> {
    if let Some(policy) = organization.policies.get(id) {
        return Some(if policy.aws_managed {
            format!(
                "arn:{}:organizations::aws:policy/{}/{id}",
                organization.partition,
                policy.kind.name().to_lowercase()
            )
        } else {
            policy_arn(organization, policy.kind, id)
        });
    }
    let word = match organization.tree.kind(id)? {
        NodeKind::Root => "root",
        NodeKind::Unit => "ou",
        NodeKind::Account => "account",
    };
    Some(format!("{}:{word}/{}/{id}", prefix(organization), organization.id))
}

/// The ARN of a customer's policy.
pub(super) fn policy_arn(organization: &Organization, kind: PolicyKind, id: &str) -> String {
    let kind = kind.name().to_lowercase();
    format!("{}:policy/{}/{kind}/{id}", prefix(organization), organization.id)
}

fn prefix(organization: &Organization) -> String {
    format!("arn:{}:organizations::{}", organization.partition, organization.management)
}

/// `Organization`.
pub(super) fn organization(organization: &Organization) -> Value {
    let management = &organization.management;
    let email = organization.tree.accounts.get(management).map_or("", |account| &account.email);
    json!({
        "Id": organization.id,
        "Arn": format!("{}:organization/{}", prefix(organization), organization.id),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": format!("{}:account/{}/{management}", prefix(organization), organization.id),
        "MasterAccountId": management,
        "MasterAccountEmail": email,
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    })
}

/// `Root`.
pub(super) fn root(organization: &Organization) -> Value {
    let root = &organization.tree.root;
    let types: Vec<Value> = organization
        .types
        .iter()
        .map(|(kind, status)| json!({"Type": kind.name(), "Status": status.name()}))
        .collect();
    json!({
        "Id": root,
        "Arn": arn(organization, root),
        "Name": "Root",
        "PolicyTypes": types,
    })
}

/// `OrganizationalUnit`.
pub(super) fn unit(organization: &Organization, id: &str) -> Value {
    json!({
        "Id": id,
        "Arn": arn(organization, id),
        "Name": organization.tree.name(id),
        "Path": organization.path_to(id),
    })
}

/// `Account`, with the members the switches ask for.
pub(super) fn account(world: &World, id: &str) -> Value {
    let organization = &world.organization;
    let Some(account) = organization.tree.accounts.get(id) else { return Value::Null };
    let mut shape = Map::new();
    let mut set = |member: &str, value: Value| shape.insert(member.to_owned(), value);
    set("Id", json!(id));
    set("Arn", json!(arn(organization, id)));
    set("Email", json!(account.email));
    set("Name", json!(account.name));
    set("State", json!(account.state.name()));
    set("JoinedMethod", json!(account.joined_method));
    set("JoinedTimestamp", epoch_seconds(account.joined));
    if world.switches.account_status {
        set("Status", json!(account.state.status()));
    }
    if world.switches.account_paths {
        let end = if world.switches.account_paths_end_with_account { id } else { &account.parent };
        set("Paths", json!([organization.path_to(end)]));
    }
    Value::Object(shape)
}

/// `PolicySummary`.
pub(super) fn policy_summary(organization: &Organization, id: &str, policy: &Policy) -> Value {
    json!({
        "Id": id,
        "Arn": arn(organization, id),
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.kind.name(),
        "AwsManaged": policy.aws_managed,
    })
}

/// `PolicyTargetSummary`.
pub(super) fn target(organization: &Organization, id: &str) -> Value {
    json!({
        "TargetId": id,
        "Arn": arn(organization, id),
        "Name": organization.tree.name(id),
        "Type": organization.tree.kind(id).map(NodeKind::name),
    })
}

/// `CreateAccountStatus`.
pub(super) fn creation(world: &World, id: &str, now: Millis) -> Value {
    let Some((account, due)) = world.organization.creations.get(id) else { return Value::Null };
    let member = world.organization.tree.accounts.get(account);
    let mut shape = json!({
        "Id": id,
        "AccountName": member.map(|member| &member.name),
        "State": if *due <= now { "SUCCEEDED" } else { "IN_PROGRESS" },
        "RequestedTimestamp": epoch_seconds(member.map_or(0, |member| member.joined)),
    });
    if *due <= now
        && let Some(shape) = shape.as_object_mut()
    {
        shape.insert("AccountId".to_owned(), json!(account));
        shape.insert("CompletedTimestamp".to_owned(), epoch_seconds(*due));
    }
    shape
}
