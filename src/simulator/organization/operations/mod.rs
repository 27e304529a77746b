//! The operations of AWS Organizations (`aws-facts` 3.3, 4): who may call them, and one function
//! each.

mod administration;
mod attachments;
mod delegation;
mod effective;
mod page;
mod policies;
mod shape;
mod tags;
mod tree;
mod types;

use std::collections::BTreeMap;

use serde_json::Value;

use super::identifiers;
use super::policy::PolicyKind;
use crate::simulator::call::{Answer, Call, Failure};
use crate::simulator::identity::Access;
use crate::simulator::world::World;

/// Answers one Organizations call.
pub(in crate::simulator) fn handle(world: &mut World, call: &Call) -> Answer {
    authorize(world, call)?;
    match call.operation {
        "DescribeOrganization" => Ok(tree::describe_organization(world)),
        "ListRoots" => tree::list_roots(world, call),
        "ListOrganizationalUnitsForParent" => tree::list_units_for_parent(world, call),
        "DescribeOrganizationalUnit" => tree::describe_unit(world, call),
        "ListAccounts" => tree::list_accounts(world, call),
        "ListAccountsForParent" => tree::list_accounts_for_parent(world, call),
        "DescribeAccount" => tree::describe_account(world, call),
        "ListParents" => tree::list_parents(world, call),
        "ListChildren" => tree::list_children(world, call),
        "ListPolicies" => policies::list(world, call),
        "DescribePolicy" => policies::describe(world, call),
        "CreatePolicy" => policies::create(world, call),
        "UpdatePolicy" => policies::update(world, call),
        "DeletePolicy" => policies::delete(world, call),
        "AttachPolicy" => attachments::attach(world, call),
        "DetachPolicy" => attachments::detach(world, call),
        "ListTargetsForPolicy" => attachments::list_targets(world, call),
        "ListPoliciesForTarget" => attachments::list_policies(world, call),
        "EnablePolicyType" => types::enable(world, call),
        "DisablePolicyType" => types::disable(world, call),
        "TagResource" => tags::tag(world, call),
        "UntagResource" => tags::untag(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "DescribeEffectivePolicy" => effective::describe(world, call),
        "ListAccountsWithInvalidEffectivePolicy" => effective::list_invalid_accounts(world, call),
        "ListEffectivePolicyValidationErrors" => effective::list_errors(world, call),
        "DescribeResourcePolicy" => delegation::describe(world),
        "PutResourcePolicy" => delegation::put(world, call),
        "DeleteResourcePolicy" => delegation::delete(world),
        "MoveAccount" => administration::move_account(world, call),
        "CreateOrganizationalUnit" => administration::create_unit(world, call),
        "UpdateOrganizationalUnit" => administration::update_unit(world, call),
        "DeleteOrganizationalUnit" => administration::delete_unit(world, call),
        "CreateAccount" => administration::create_account(world, call),
        "DescribeCreateAccountStatus" => administration::describe_creation(world, call),
        "CloseAccount" => administration::close_account(world, call),
        "RemoveAccountFromOrganization" => administration::remove_account(world, call),
        _ => {
            let message = format!("{} is not simulated", call.name());
            Err(exception("UnknownOperationException", message))
        }
    }
}

/// The management account by its identity policies; a member for what concerns only itself;
/// any other call of a member needs the delegation policy too.
fn authorize(world: &World, call: &Call) -> Result<(), Failure> {
    let organization = &world.organization;
    let caller = &call.caller.account;
    if !organization.tree.accounts.contains_key(caller) {
        return Err(exception(
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        ));
    }
    let is_own_effective_policy = call.operation == "DescribeEffectivePolicy"
        && call.text("TargetId").is_none_or(|target| target == caller);
    let is_open = call.operation == "DescribeOrganization" || is_own_effective_policy;
    // Delegating is the management account's alone (`aws-facts` 3.6).
    let is_undelegable = matches!(call.operation, "PutResourcePolicy" | "DeleteResourcePolicy");
    if is_undelegable && caller != organization.management() {
        return Err(exception(
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        ));
    }
    let owner = if is_open { caller } else { organization.management() };
    // It speaks about members: the management account can neither gain nor lose by it.
    let delegation = organization
        .delegation
        .as_ref()
        .filter(|_| caller != organization.management())
        .map(|(_, document)| document);
    let action = format!("organizations:{}", call.operation);
    let context = condition_keys(world, call);
    for resource in resources(world, call) {
        world
            .authorize(&Access {
                caller: &call.caller,
                action: &action,
                resource: &resource,
                resource_owner: owner,
                resource_policy: delegation,
                context: context.clone(),
            })
            .map_err(|failure| exception("AccessDeniedException", failure.message))?;
    }
    Ok(())
}

/// The ARNs an operation acts on; `*` where IAM knows no resource or the id names none.
fn resources(world: &World, call: &Call) -> Vec<String> {
    const MEMBERS: [&str; 9] = [
        "PolicyId",
        "TargetId",
        "ResourceId",
        "RootId",
        "ParentId",
        "ChildId",
        "AccountId",
        "OrganizationalUnitId",
        "DestinationParentId",
    ];
    let mut arns: Vec<String> = MEMBERS
        .iter()
        .filter_map(|member| call.text(member))
        .filter_map(|id| shape::arn(&world.organization, id))
        .collect();
    if call.operation == "CreatePolicy" {
        // A policy to be created has no id yet; its type is known.
        let kind = call.text("Type").and_then(PolicyKind::parse).flatten();
        arns.extend(kind.map(|kind| shape::policy_arn(&world.organization, kind, "*")));
    }
    if arns.is_empty() {
        arns.push("*".to_owned());
    }
    arns
}

fn condition_keys(world: &World, call: &Call) -> BTreeMap<String, Vec<String>> {
    let of_policy = call
        .text("PolicyId")
        .and_then(|id| world.organization.policies.get(id))
        .map(|policy| policy.kind.name());
    let named = ["PolicyType", "Type", "Filter"].into_iter().find_map(|member| call.text(member));
    let mut context = BTreeMap::new();
    if let Some(kind) = of_policy.or(named) {
        context.insert("organizations:PolicyType".to_owned(), vec![kind.to_owned()]);
    }
    context.insert("aws:RequestedRegion".to_owned(), vec![call.region.clone()]);
    context
}

/// An exception of the service: 400, but `ServiceException`.
fn exception(code: &str, message: impl Into<String>) -> Failure {
    Failure::new(code, 400, message)
}

/// `InvalidInputException` with its reason.
fn invalid(reason: &str, message: impl Into<String>) -> Failure {
    exception("InvalidInputException", message).with("Reason", reason)
}

/// `ConstraintViolationException` with its reason.
fn constraint(reason: &str, message: impl Into<String>) -> Failure {
    exception("ConstraintViolationException", message).with("Reason", reason)
}

/// A required string member.
fn required<'a>(call: &'a Call, member: &str) -> Result<&'a str, Failure> {
    call.text(member).ok_or_else(|| {
        invalid("INPUT_REQUIRED", format!("The required parameter {member} is missing."))
    })
}

/// A required id that must look like one.
fn required_id<'a>(
    call: &'a Call,
    member: &str,
    is_valid: fn(&str) -> bool,
) -> Result<&'a str, Failure> {
    let id = required(call, member)?;
    if is_valid(id) {
        return Ok(id);
    }
    let reason = match member {
        "PolicyId" => "INVALID_SYNTAX_POLICY_ID",
        "TargetId" => "INVALID_PATTERN_TARGET_ID",
        _ => "INVALID_PATTERN",
    };
    Err(invalid(
        reason,
        format!("You provided a value that does not match the required pattern for {member}."),
    ))
}

/// A required policy type the simulator has; `absent` says what another type of AWS's means here.
fn required_kind(
    call: &Call,
    member: &str,
    absent: impl FnOnce() -> Failure,
) -> Result<PolicyKind, Failure> {
    let name = required(call, member)?;
    match PolicyKind::parse(name) {
        Some(Some(kind)) => Ok(kind),
        Some(None) => Err(absent()),
        None => Err(invalid("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type.")),
    }
}

/// The root an operation names, which must be the one there is.
fn required_root(world: &World, call: &Call) -> Result<(), Failure> {
    let root = required_id(call, "RootId", identifiers::is_root)?;
    if root == world.organization.tree.root {
        Ok(())
    } else {
        Err(exception("RootNotFoundException", "You specified a root that doesn't exist."))
    }
}

/// `{Key, Value}` pairs of the member `Tags`, checked.
fn tags_of(call: &Call) -> Result<BTreeMap<String, String>, Failure> {
    let mut tags = BTreeMap::new();
    for tag in call.body.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        let part = |name| tag.get(name).and_then(Value::as_str);
        let (Some(key), Some(value)) = (part("Key"), part("Value")) else {
            return Err(invalid("INPUT_REQUIRED", "A tag needs a Key and a Value."));
        };
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(invalid(
                "MAX_LENGTH_EXCEEDED",
                "A tag key has 1 to 128 characters, a value at most 256.",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(
                "INVALID_SYSTEM_TAGS_PARAMETER",
                "Tag keys beginning with aws: are reserved.",
            ));
        }
        let is_allowed =
            |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        if !key.chars().chain(value.chars()).all(is_allowed) {
            return Err(invalid("INVALID_PATTERN", "A tag holds a character that is not allowed."));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid("DUPLICATE_TAG_KEY", "A tag key appears twice."));
        }
    }
    Ok(tags)
}
