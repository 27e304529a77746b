//! The world as readable JSON.

use serde_json::{Map, Value, json};

use crate::simulator::organization::Organization;
use crate::simulator::world::World;

/// Everything but sessions and secrets.
pub(super) fn world(world: &World) -> Value {
    let places: Map<String, Value> = world
        .bedrock
        .iter()
        .map(|((account, region), regional)| (format!("{account}/{region}"), regional.dump()))
        .collect();
    json!({
        "partition": world.partition,
        "switches": world.switches,
        "organization": organization(&world.organization),
        "units": units(&world.organization),
        "accounts": accounts(world),
        "policies": policies(&world.organization),
        "attachments": *world.organization.attachments,
        "tags": *world.organization.tags,
        "delegationPolicy": world.organization.delegation.as_ref().map(|(_, document)| document),
        "bedrock": places,
        "topics": *world.topics,
    })
}

fn organization(organization: &Organization) -> Value {
    let types: Map<String, Value> = organization
        .types
        .iter()
        .map(|(kind, status)| (kind.name().to_owned(), json!(status.name())))
        .collect();
    json!({
        "id": organization.id,
        "rootId": organization.tree.root,
        "managementAccount": organization.management,
        "policyTypes": types,
    })
}

fn units(organization: &Organization) -> Value {
    let units = organization.tree.units.iter().map(|(id, unit)| {
        let shape = json!({
            "name": unit.name,
            "parent": unit.parent,
            "path": organization.path_to(id),
        });
        (id.clone(), shape)
    });
    Value::Object(units.collect())
}

fn accounts(world: &World) -> Value {
    let organization = &world.organization;
    let accounts = organization.tree.accounts.iter().map(|(id, account)| {
        let effective = organization.effective.get(id);
        let errors: Vec<Value> = effective
            .map(|effective| effective.errors.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|error| json!({"code": error.code, "path": error.path}))
            .collect();
        let shape = json!({
            "name": account.name,
            "email": account.email,
            "state": account.state.name(),
            "parent": account.parent,
            "path": organization.path(id),
            "disabledRegions": account.disabled_regions,
            "roles": world.identity.role_names(id),
            "effectiveBedrockPolicy": effective.and_then(|effective| effective.policy.as_deref()),
            "effectivePolicyErrors": errors,
        });
        (id.clone(), shape)
    });
    Value::Object(accounts.collect())
}

fn policies(organization: &Organization) -> Value {
    let policies = organization.policies.iter().map(|(id, policy)| {
        let shape = json!({
            "name": policy.name,
            "type": policy.kind.name(),
            "description": policy.description,
            "awsManaged": policy.aws_managed,
            "content": policy.document,
        });
        (id.clone(), shape)
    });
    Value::Object(policies.collect())
}
