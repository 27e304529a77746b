//! IAM: the roles of an account, their trust and inline policies, and what they may do (IAM API
//! Reference, version 2010-05-08).
//!
//! What changes here is in force with the next call: `AssumeRole` asks the trust policy as it is
//! then, and so does every call of a session with the policies of its role.

mod document;
mod policies;
mod roles;
mod simulate;

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Access, Role, sts};
use crate::simulator::call::{Answer, Call, Failure};
use crate::simulator::world::World;

/// Characters of a document that are sent as they are (RFC 3986).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Items of a list where the call asks for no number.
const ITEMS_DEFAULT: usize = 100;

/// Answers one IAM call.
pub(in crate::simulator) fn handle(world: &mut World, call: &Call) -> Answer {
    match call.operation {
        "CreateRole" => roles::create(world, call),
        "DeleteRole" => roles::delete(world, call),
        "GetRole" => roles::get(world, call),
        "ListRoles" => roles::list(world, call),
        "UpdateAssumeRolePolicy" => roles::update_trust(world, call),
        "PutRolePolicy" => policies::put(world, call),
        "GetRolePolicy" => policies::get(world, call),
        "DeleteRolePolicy" => policies::delete(world, call),
        "ListRolePolicies" => policies::list(world, call),
        "SimulatePrincipalPolicy" => simulate::simulate(world, call),
        _ => Err(Failure::new("InvalidAction", 400, format!("{} is not simulated", call.name()))),
    }
}

/// Asks whether the caller may do what it calls, on a role of its own account.
fn permit(world: &World, call: &Call, resource: &str, more: Context) -> Result<(), Failure> {
    let owner = resource.split(':').nth(4).unwrap_or(&call.caller.account);
    let mut context = more;
    context.insert("aws:RequestedRegion".to_owned(), vec![call.region.clone()]);
    world
        .authorize(&Access {
            caller: &call.caller,
            action: &call.name(),
            resource,
            resource_owner: owner,
            resource_policy: None,
            context,
        })
        .map_err(|failure| Failure { code: "AccessDenied".to_owned(), ..failure })
}

/// Condition keys of a request.
type Context = BTreeMap<String, Vec<String>>;

/// The role that a call names, once the caller may do that to it.
fn permitted<'a>(world: &'a World, call: &Call) -> Result<(String, &'a Role), Failure> {
    let name = role_name(call)?;
    let account = &call.caller.account;
    let role = world.identity.role(account, name);
    let path = role.map_or("/", |role| &role.path);
    let tags = role.map(|role| &role.tags).into_iter().flatten();
    let context =
        tags.map(|(key, value)| (format!("aws:ResourceTag/{key}"), vec![value.clone()])).collect();
    permit(world, call, &arn(world, account, path, name), context)?;
    Ok((name.to_owned(), role.ok_or_else(|| no_such_role(name))?))
}

fn role_name(call: &Call) -> Result<&str, Failure> {
    let name = sts::required(call, "RoleName", 1, 64)?;
    sts::check_characters("roleName", name, "=,.@-_")?;
    Ok(name)
}

fn arn(world: &World, account: &str, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{account}:role{path}{name}", world.partition)
}

fn no_such_role(name: &str) -> Failure {
    no_such_entity(&format!("The role with name {name} cannot be found."))
}

fn no_such_entity(message: &str) -> Failure {
    Failure::new("NoSuchEntity", 404, message)
}

/// A document as answers carry it.
fn encoded(document: &Value) -> String {
    utf8_percent_encode(&document.to_string(), UNRESERVED).to_string()
}

/// The values of a list in a form: `ActionNames.member.1`, ….
fn members<'a>(call: &'a Call, name: &str) -> Vec<&'a str> {
    let nth = |number: usize| call.text(&format!("{name}.member.{number}"));
    (1..).map_while(nth).collect()
}

/// One page of a list, as a call asks for it, beside `IsTruncated` and `Marker`.
fn page(call: &Call, name: &str, items: Vec<Value>) -> Result<Map<String, Value>, Failure> {
    let number = |member: &str| -> Result<Option<usize>, Failure> {
        let Some(text) = call.text(member) else { return Ok(None) };
        let message = format!("Value '{text}' at '{member}' is not valid");
        let invalid = || Failure::new("ValidationError", 400, message);
        text.parse().map(Some).map_err(|_| invalid())
    };
    let from = number("Marker")?.unwrap_or_default();
    let most = number("MaxItems")?.unwrap_or(ITEMS_DEFAULT).clamp(1, 1_000);
    let to = from.saturating_add(most);
    let mut page = Map::from_iter([("IsTruncated".to_owned(), json!(to < items.len()))]);
    if to < items.len() {
        page.insert("Marker".to_owned(), json!(to.to_string()));
    }
    let items: Vec<Value> = items.into_iter().skip(from).take(most).collect();
    page.insert(name.to_owned(), json!(items));
    Ok(page)
}
