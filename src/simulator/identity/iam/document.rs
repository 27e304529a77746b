//! The grammar of policy documents, as far as IAM checks it when they are put.

use serde_json::{Map, Value};

use crate::simulator::call::Failure;
use crate::simulator::identity::policy::{list, statements};
use crate::simulator::identity::{is_known_operator, sts};
use crate::simulator::world::World;

/// Characters of a trust policy: the quota before it is raised.
const TRUST_LENGTH_MAX: usize = 2_048;

/// A policy of what a role may do.
pub(super) fn identity(text: &str) -> Result<Value, Failure> {
    let document = parse(text)?;
    for statement in statements(&document) {
        if has(statement, &["Principal", "NotPrincipal"]) {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if !has(statement, &["Resource", "NotResource"]) {
            return Err(malformed("Policy statement must contain resources."));
        }
    }
    Ok(document)
}

/// A policy of who may assume a role.
pub(super) fn trust(world: &World, text: &str) -> Result<Value, Failure> {
    let document = parse(text)?;
    if document.to_string().len() > TRUST_LENGTH_MAX {
        let message = format!("Cannot exceed quota for ACLSizePerRole: {TRUST_LENGTH_MAX}");
        return Err(Failure::new("LimitExceeded", 409, message));
    }
    for statement in statements(&document) {
        if has(statement, &["Resource", "NotResource"]) {
            return Err(malformed("Has prohibited field Resource"));
        }
        let Some(principal) = statement.get("Principal").or(statement.get("NotPrincipal")) else {
            return Err(malformed("Missing required field Principal"));
        };
        let named = principal.get("AWS").map(list).unwrap_or_default();
        if let Some(unknown) = named.iter().find(|name| !is_principal(world, name)) {
            return Err(malformed(&format!("Invalid principal in policy: \"AWS\":\"{unknown}\"")));
        }
    }
    Ok(document)
}

/// Whether IAM finds who is named. A role must exist; accounts are taken at their word.
fn is_principal(world: &World, name: &str) -> bool {
    if name.contains(":role/") {
        let role = sts::role_of(world, name);
        return role.is_some_and(|(account, name)| world.identity.role(&account, &name).is_some());
    }
    let is_account = |text: &str| text.len() == 12 && text.chars().all(|c| c.is_ascii_digit());
    name == "*"
        || is_account(name)
        || name.split(':').nth(4).is_some_and(is_account) && !name.contains('*')
}

fn parse(text: &str) -> Result<Value, Failure> {
    let syntax = || malformed("Syntax errors in policy.");
    let document: Value = serde_json::from_str(text).map_err(|_| syntax())?;
    let object = document.as_object().ok_or_else(syntax)?;
    let is_known = |key: &String| ["Version", "Id", "Statement"].contains(&key.as_str());
    let versions = [None, Some("2012-10-17"), Some("2008-10-17")];
    if !object.keys().all(is_known)
        || !versions.contains(&object.get("Version").and_then(Value::as_str))
        || statements(&document).next().is_none()
        || !statements(&document).all(is_statement)
    {
        return Err(syntax());
    }
    Ok(document)
}

fn is_statement(statement: &Map<String, Value>) -> bool {
    const KNOWN: [&str; 9] = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    let effect = statement.get("Effect").and_then(Value::as_str);
    let is_texts = |key: &str| {
        statement.get(key).is_none_or(|value| {
            value.is_string()
                || value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
        })
    };
    let is_condition = statement.get("Condition").is_none_or(|condition| {
        condition.as_object().is_some_and(|operators| {
            operators.iter().all(|(operator, keys)| is_known_operator(operator) && keys.is_object())
        })
    });
    statement.keys().all(|key| KNOWN.contains(&key.as_str()))
        && matches!(effect, Some("Allow" | "Deny"))
        && statement.contains_key("Action") != statement.contains_key("NotAction")
        && ["Action", "NotAction", "Resource", "NotResource"].into_iter().all(is_texts)
        && is_condition
}

fn has(statement: &Map<String, Value>, keys: &[&str]) -> bool {
    keys.iter().any(|key| statement.contains_key(*key))
}

fn malformed(message: &str) -> Failure {
    Failure::new("MalformedPolicyDocument", 400, message)
}
