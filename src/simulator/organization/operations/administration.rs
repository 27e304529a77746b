//! What administrators do to the tree beside the controller: move, create, rename, close, remove.

use std::sync::Arc;

use serde_json::json;

use super::tree::{existing_account, existing_unit, parent};
use super::{constraint, exception, identifiers, invalid, required, required_id, shape, tags_of};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::organization::{Account, AccountState, FULL_ACCESS, PolicyKind, Unit};
use crate::simulator::world::World;

/// Levels of units below the root.
const DEPTH_MAX: usize = 5;

/// Units in an organization.
const UNITS_MAX: usize = 2_000;

/// How long a closure is pending. AWS says minutes.
const CLOSURE_MS: u64 = 60_000;

pub(super) fn move_account(world: &mut World, call: &Call) -> Answer {
    let id = existing_account(world, call)?;
    let source = required_id(call, "SourceParentId", identifiers::is_parent)?;
    let destination = required_id(call, "DestinationParentId", identifiers::is_parent)?;
    let tree = Arc::make_mut(&mut world.organization.tree);
    if tree.kind(destination).is_none() {
        return Err(exception(
            "DestinationParentNotFoundException",
            "We can't find the destination container (a root or OU) with the ParentId that you specified.",
        ));
    }
    if tree.parent(id) != Some(source) {
        return Err(exception(
            "SourceParentNotFoundException",
            "We can't find a source root or OU with the ParentId that you specified.",
        ));
    }
    if source == destination {
        return Err(exception(
            "DuplicateAccountException",
            "That account is already present in the specified destination.",
        ));
    }
    if let Some(account) = tree.accounts.get_mut(id) {
        destination.clone_into(&mut account.parent);
    }
    world.organization.changed(call.at + world.switches.effective_policy_delay_ms);
    Ok(Reply::ok(json!({})))
}

pub(super) fn create_unit(world: &mut World, call: &Call) -> Answer {
    let parent = parent(world, call)?;
    let name = name(call, 128)?;
    let tags = tags_of(call)?;
    check_unit_name(world, parent, name)?;
    let tree = &world.organization.tree;
    // The lineage of a parent at the deepest level is the root and five units.
    if tree.lineage(parent).len() > DEPTH_MAX {
        return Err(constraint(
            "OU_DEPTH_LIMIT_EXCEEDED",
            "You have exceeded the depth of the OU tree.",
        ));
    }
    if tree.units.len() >= UNITS_MAX {
        return Err(constraint("OU_NUMBER_LIMIT_EXCEEDED", "You have reached the limit of OUs."));
    }
    let prefix = format!("ou-{}", tree.root.trim_start_matches("r-"));
    let id = format!("{prefix}-{}", world.identifier(8));
    let organization = &mut world.organization;
    let unit = Unit { name: name.to_owned(), parent: parent.to_owned() };
    Arc::make_mut(&mut organization.tree).units.insert(id.clone(), unit);
    Arc::make_mut(&mut organization.tags).insert(id.clone(), tags);
    attach_full_access(world, &id);
    Ok(Reply::ok(json!({"OrganizationalUnit": shape::unit(&world.organization, &id)})))
}

pub(super) fn update_unit(world: &mut World, call: &Call) -> Answer {
    let id = existing_unit(world, call)?;
    if call.text("Name").is_some() {
        let name = name(call, 128)?;
        let tree = &world.organization.tree;
        if tree.name(id) != Some(name) {
            check_unit_name(world, tree.parent(id).unwrap_or_default(), name)?;
        }
        if let Some(unit) = Arc::make_mut(&mut world.organization.tree).units.get_mut(id) {
            name.clone_into(&mut unit.name);
        }
    }
    Ok(Reply::ok(json!({"OrganizationalUnit": shape::unit(&world.organization, id)})))
}

pub(super) fn delete_unit(world: &mut World, call: &Call) -> Answer {
    let id = existing_unit(world, call)?;
    let organization = &mut world.organization;
    if !organization.tree.units_of(id).is_empty() || !organization.tree.accounts_of(id).is_empty() {
        return Err(exception(
            "OrganizationalUnitNotEmptyException",
            "The specified OU is not empty.",
        ));
    }
    Arc::make_mut(&mut organization.tree).units.remove(id);
    Arc::make_mut(&mut organization.attachments).remove(id);
    Arc::make_mut(&mut organization.tags).remove(id);
    Ok(Reply::ok(json!({})))
}

/// The account exists at once, below the root, with the roles the management account has.
pub(super) fn create_account(world: &mut World, call: &Call) -> Answer {
    let email = required(call, "Email")?;
    let account_name = required(call, "AccountName")?;
    if !email.contains('@') || !(6..=64).contains(&email.len()) {
        return Err(invalid(
            "INVALID_EMAIL_ADDRESS_TARGET",
            "You specified an invalid email address.",
        ));
    }
    if !(1..=50).contains(&account_name.chars().count()) {
        return Err(invalid("MAX_LENGTH_EXCEEDED", "An account name has 1 to 50 characters."));
    }
    let tags = tags_of(call)?;
    let id = loop {
        let id = format!("{:012}", world.random.u64(100_000_000_000..999_999_999_999));
        if !world.organization.tree.accounts.contains_key(&id) {
            break id;
        }
    };
    let request = format!("car-{}", world.identifier(32));
    let organization = &mut world.organization;
    let account = Account {
        name: account_name.to_owned(),
        email: email.to_owned(),
        state: AccountState::Active,
        joined_method: "CREATED".to_owned(),
        joined: call.at,
        parent: organization.tree.root.clone(),
        disabled_regions: std::collections::BTreeSet::new(),
        closes: None,
    };
    Arc::make_mut(&mut organization.tree).accounts.insert(id.clone(), account);
    Arc::make_mut(&mut organization.tags).insert(id.clone(), tags);
    let due = call.at + world.switches.policy_type_delay_ms;
    organization.creations.insert(request.clone(), (id.clone(), due));
    organization.changed(call.at + world.switches.effective_policy_delay_ms);
    if let Some(roles) = world.identity.roles_of(&world.organization.management) {
        world.identity.set_roles(&id, roles);
    }
    attach_full_access(world, &id);
    Ok(Reply::ok(json!({"CreateAccountStatus": shape::creation(world, &request, call.at)})))
}

pub(super) fn describe_creation(world: &World, call: &Call) -> Answer {
    let id = required(call, "CreateAccountRequestId")?;
    if !world.organization.creations.contains_key(id) {
        return Err(exception(
            "CreateAccountStatusNotFoundException",
            "We can't find a create account request with the CreateAccountRequestId that you specified.",
        ));
    }
    Ok(Reply::ok(json!({"CreateAccountStatus": shape::creation(world, id, call.at)})))
}

pub(super) fn close_account(world: &mut World, call: &Call) -> Answer {
    let id = existing_account(world, call)?;
    let organization = &mut world.organization;
    if id == organization.management {
        return Err(constraint(
            "CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
            "You can't close the management account.",
        ));
    }
    if let Some(account) = Arc::make_mut(&mut organization.tree).accounts.get_mut(id) {
        if account.state != AccountState::Active {
            return Err(exception(
                "AccountAlreadyClosedException",
                "You attempted to close an account that is already closed.",
            ));
        }
        account.state = AccountState::PendingClosure;
        account.closes = Some(call.at + CLOSURE_MS);
    }
    Ok(Reply::ok(json!({})))
}

/// What was attached to it directly goes with it; what it has of Bedrock stays its own.
pub(super) fn remove_account(world: &mut World, call: &Call) -> Answer {
    let id = existing_account(world, call)?.to_owned();
    let organization = &mut world.organization;
    if id == organization.management {
        return Err(exception(
            "MasterCannotLeaveOrganizationException",
            "You can't remove a management account from an organization.",
        ));
    }
    Arc::make_mut(&mut organization.tree).accounts.remove(&id);
    Arc::make_mut(&mut organization.attachments).remove(&id);
    Arc::make_mut(&mut organization.tags).remove(&id);
    organization.changed(call.at + world.switches.effective_policy_delay_ms);
    Ok(Reply::ok(json!({})))
}

fn name(call: &Call, length_max: usize) -> Result<&str, Failure> {
    let name = required(call, "Name")?;
    if (1..=length_max).contains(&name.chars().count()) {
        Ok(name)
    } else {
        Err(invalid("MAX_LENGTH_EXCEEDED", format!("A name has 1 to {length_max} characters.")))
    }
}

fn check_unit_name(world: &World, parent: &str, name: &str) -> Result<(), Failure> {
    let tree = &world.organization.tree;
    if tree.units.values().any(|unit| unit.parent == parent && unit.name == name) {
        return Err(exception(
            "DuplicateOrganizationalUnitException",
            "An OU with the same name already exists.",
        ));
    }
    Ok(())
}

fn attach_full_access(world: &mut World, node: &str) {
    let organization = &mut world.organization;
    if organization.types.contains_key(&PolicyKind::ServiceControlPolicy) {
        Arc::make_mut(&mut organization.attachments)
            .insert(node.to_owned(), vec![FULL_ACCESS.to_owned()]);
    }
}
