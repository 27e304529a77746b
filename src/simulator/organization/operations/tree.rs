//! Reads of roots, units and accounts.

use serde_json::{Value, json};

use super::page::page;
use super::{exception, identifiers, invalid, required, required_id, shape};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::organization::NodeKind;
use crate::simulator::world::World;

pub(super) fn describe_organization(world: &World) -> Reply {
    Reply::ok(json!({"Organization": shape::organization(&world.organization)}))
}

pub(super) fn list_roots(world: &World, call: &Call) -> Answer {
    page(call, "Roots", &[()], |()| shape::root(&world.organization))
}

pub(super) fn list_units_for_parent(world: &World, call: &Call) -> Answer {
    let parent = parent(world, call)?;
    let units = world.organization.tree.units_of(parent);
    page(call, "OrganizationalUnits", &units, |id| shape::unit(&world.organization, id))
}

pub(super) fn describe_unit(world: &World, call: &Call) -> Answer {
    let id = existing_unit(world, call)?;
    Ok(Reply::ok(json!({"OrganizationalUnit": shape::unit(&world.organization, id)})))
}

pub(super) fn list_accounts(world: &World, call: &Call) -> Answer {
    let accounts: Vec<&str> = world.organization.accounts().collect();
    page(call, "Accounts", &accounts, |id| shape::account(world, id))
}

pub(super) fn list_accounts_for_parent(world: &World, call: &Call) -> Answer {
    let parent = parent(world, call)?;
    let accounts = world.organization.tree.accounts_of(parent);
    page(call, "Accounts", &accounts, |id| shape::account(world, id))
}

pub(super) fn describe_account(world: &World, call: &Call) -> Answer {
    let id = existing_account(world, call)?;
    Ok(Reply::ok(json!({"Account": shape::account(world, id)})))
}

pub(super) fn list_parents(world: &World, call: &Call) -> Answer {
    let is_child = |id: &str| identifiers::is_unit(id) || identifiers::is_account(id);
    let child = required_id(call, "ChildId", is_child)?;
    let tree = &world.organization.tree;
    let parent = tree.parent(child).ok_or_else(|| {
        exception(
            "ChildNotFoundException",
            "You specified an organizational unit or account that doesn't exist.",
        )
    })?;
    page(
        call,
        "Parents",
        &[parent],
        |id| json!({"Id": id, "Type": tree.kind(id).map(NodeKind::name)}),
    )
}

pub(super) fn list_children(world: &World, call: &Call) -> Answer {
    let parent = parent(world, call)?;
    let tree = &world.organization.tree;
    let (kind, children) = match required(call, "ChildType")? {
        "ACCOUNT" => (NodeKind::Account, tree.accounts_of(parent)),
        "ORGANIZATIONAL_UNIT" => (NodeKind::Unit, tree.units_of(parent)),
        _ => return Err(invalid("INVALID_ENUM", "You specified an invalid value for ChildType.")),
    };
    page(call, "Children", &children, |id| -> Value { json!({"Id": id, "Type": kind.name()}) })
}

/// The unit a call names.
pub(super) fn existing_unit<'a>(world: &World, call: &'a Call) -> Result<&'a str, Failure> {
    let id = required_id(call, "OrganizationalUnitId", identifiers::is_unit)?;
    if world.organization.tree.units.contains_key(id) {
        Ok(id)
    } else {
        Err(exception(
            "OrganizationalUnitNotFoundException",
            "You specified an organizational unit that doesn't exist.",
        ))
    }
}

/// The account a call names.
pub(super) fn existing_account<'a>(world: &World, call: &'a Call) -> Result<&'a str, Failure> {
    let id = required_id(call, "AccountId", identifiers::is_account)?;
    if world.organization.tree.accounts.contains_key(id) {
        Ok(id)
    } else {
        Err(exception("AccountNotFoundException", "You specified an account that doesn't exist."))
    }
}

/// The root or unit a call names as parent.
pub(super) fn parent<'a>(world: &World, call: &'a Call) -> Result<&'a str, Failure> {
    let id = required_id(call, "ParentId", identifiers::is_parent)?;
    if world.organization.tree.kind(id).is_some() {
        Ok(id)
    } else {
        Err(exception("ParentNotFoundException", "You specified parent that doesn't exist."))
    }
}
