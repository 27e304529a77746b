//! Resource policies of guardrails and guardrail profiles (`aws-facts` 1.11, 2.5).

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::failure::{not_found, validation};
use super::permission::{Context, permit, permit_guardrail};
use super::profiles;
use super::reference::{Arn, Reference};
use super::regional::ResourcePolicy;
use super::shape::{accept, accept_text};
use super::shapes;

/// `POST /resource-policy`: full replacement; the last writer wins.
pub(super) fn put(world: &mut World, call: &Call) -> Answer {
    let body = accept(&shapes::PUT_POLICY, &call.body)?;
    let text = |member| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (arn, policy): (String, String) = (text("resourceArn"), text("resourcePolicy"));
    let resource = Resource::locate(world, call, &arn)?;
    resource.permit(world, call)?;
    // Put has no ResourceNotFoundException in the model.
    if !resource.exists(world) {
        return Err(validation(format!("The resource {arn} does not exist")));
    }
    let document: Value = serde_json::from_str(&policy)
        .map_err(|_| validation("The resource policy is not valid JSON"))?;
    let grammar = Grammar {
        arn: &arn,
        account: &call.caller.account,
        partition: &world.partition,
        organization: world.organization.id(),
        actions: resource.actions(),
    };
    grammar.check(&document).map_err(|reason| {
        validation(format!("The resource policy of {arn} is not supported: {reason}"))
    })?;
    world
        .regional_mut(&call.caller.account, &call.region)
        .policies
        .insert(arn.clone(), ResourcePolicy { text: policy, document });
    Ok(Reply::status(201, json!({"resourceArn": arn})))
}

/// `GET /resource-policy/{resourceArn}`: the text as it was stored.
pub(super) fn get(world: &World, call: &Call) -> Answer {
    let arn = addressed(world, call)?;
    world
        .regional(&call.caller.account, &call.region)
        .and_then(|regional| regional.policies.get(&arn))
        .map(|policy| Reply::ok(json!({"resourcePolicy": policy.text})))
        .ok_or_else(|| no_policy(&arn))
}

/// `DELETE /resource-policy/{resourceArn}`.
pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    let arn = addressed(world, call)?;
    let is_there = world
        .regional(&call.caller.account, &call.region)
        .is_some_and(|regional| regional.policies.contains_key(&arn));
    if !is_there {
        return Err(no_policy(&arn));
    }
    world.regional_mut(&call.caller.account, &call.region).policies.remove(&arn);
    Ok(Reply::ok(json!({})))
}

fn addressed(world: &World, call: &Call) -> Result<String, Failure> {
    let arn = call.labels.first().map_or("", String::as_str);
    accept_text(&shapes::RESOURCE, "resourceArn", arn)?;
    Resource::locate(world, call, arn)?.permit(world, call)?;
    Ok(arn.to_owned())
}

fn no_policy(arn: &str) -> Failure {
    not_found(format!("The resource {arn} has no resource policy"))
}

/// What a resource policy may stand on: something of the caller's account in this Region.
enum Resource {
    Guardrail(Reference),
    Profile { arn: String, is_served: bool },
}

impl Resource {
    fn locate(world: &World, call: &Call, arn: &str) -> Result<Self, Failure> {
        let unsupported =
            || validation(format!("The resource {arn} does not take a resource policy here"));
        let parsed = Arn::parse(arn).ok_or_else(unsupported)?;
        if let Some(profile) = parsed.resource.strip_prefix("guardrail-profile/") {
            let place = parsed.place;
            if place.region != call.region || place.partition != world.partition {
                return Err(unsupported());
            }
            if place.account != call.caller.account {
                return Err(super::failure::denied(format!(
                    "User: {} is not authorized to perform: bedrock:{} on resource: {arn}",
                    call.caller.arn, call.operation
                )));
            }
            let is_served = profiles::is_destination(profile, place.region);
            return Ok(Self::Profile { arn: arn.to_owned(), is_served });
        }
        if Reference::parse(arn).is_none() {
            return Err(unsupported());
        }
        let reference = Reference::resolve(call, &world.partition, arn)?;
        reference.require_own(call)?;
        Ok(Self::Guardrail(reference))
    }

    fn permit(&self, world: &World, call: &Call) -> Result<(), Failure> {
        match self {
            Self::Guardrail(reference) => {
                permit_guardrail(world, &call.caller, call.operation, reference, Context::new())
            }
            Self::Profile { arn, .. } => permit(world, call, call.operation, arn, Context::new()),
        }
    }

    fn exists(&self, world: &World) -> bool {
        match self {
            Self::Guardrail(reference) => world
                .regional(&reference.owner, &reference.region)
                .is_some_and(|regional| regional.guardrail(&reference.id).is_some()),
            Self::Profile { is_served, .. } => *is_served,
        }
    }

    fn actions(&self) -> &'static [&'static str] {
        match self {
            Self::Guardrail(_) => &["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
            Self::Profile { .. } => &["bedrock:ApplyGuardrail"],
        }
    }
}

/// The policies the service supports. An Allow has one of three shapes: own account, whole
/// organization, units of the organization. A Deny is not described anywhere, so that one of an
/// administrator is taken with any principal and condition.
struct Grammar<'a> {
    arn: &'a str,
    account: &'a str,
    partition: &'a str,
    /// Empty when the world has no organization.
    organization: &'a str,
    actions: &'a [&'a str],
}

impl Grammar<'_> {
    fn check(&self, document: &Value) -> Result<(), String> {
        let document = document.as_object().ok_or("it is not a JSON object")?;
        only_members(document, &["Version", "Id", "Statement"])?;
        if document.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
            return Err("its Version is not 2012-10-17".to_owned());
        }
        let statements = document.get("Statement").map(one_or_more).unwrap_or_default();
        if statements.is_empty() {
            return Err("it has no statement".to_owned());
        }
        statements.into_iter().try_for_each(|statement| self.check_statement(statement))
    }

    fn check_statement(&self, statement: &Value) -> Result<(), String> {
        let statement = statement.as_object().ok_or("a statement is not a JSON object")?;
        let members = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
        only_members(statement, &members)?;
        let actions = texts(statement.get("Action"))?;
        if actions.is_empty() || actions.iter().any(|action| !self.actions.contains(action)) {
            return Err(format!("Action must be among {}", self.actions.join(", ")));
        }
        if texts(statement.get("Resource"))? != [self.arn] {
            return Err(format!("Resource must be {}", self.arn));
        }
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => self.check_grant(statement),
            Some("Deny") if statement.contains_key("Principal") => Ok(()),
            Some("Deny") => Err("a Deny has no Principal".to_owned()),
            Some(_) | None => Err("Effect must be Allow".to_owned()),
        }
    }

    fn check_grant(&self, statement: &Map<String, Value>) -> Result<(), String> {
        let principals = match statement.get("Principal") {
            Some(Value::Object(kinds)) => {
                only_members(kinds, &["AWS"])?;
                texts(kinds.get("AWS"))?
            }
            other => texts(other)?,
        };
        let root = format!("arn:{}:iam::{}:root", self.partition, self.account);
        let condition = statement.get("Condition").and_then(Value::as_object);
        let is_own = |principal: &&str| *principal == root || *principal == self.account;
        match (principals.as_slice(), condition) {
            (["*"], Some(condition)) => self.check_condition(condition),
            (["*"], None) => Err("Principal * needs a condition on aws:PrincipalOrgID".to_owned()),
            ([], _) => Err("a statement has no Principal".to_owned()),
            (own, None) if own.iter().all(is_own) => Ok(()),
            (_, None) => Err(format!("Principal must be * or {root}")),
            (_, Some(_)) => Err("only Principal * takes a condition".to_owned()),
        }
    }

    fn check_condition(&self, condition: &Map<String, Value>) -> Result<(), String> {
        only_members(condition, &["StringEquals", "ForAnyValue:StringLike"])?;
        let organization = values(condition, "StringEquals", "aws:PrincipalOrgID")?;
        let is_ours = |id: &&str| {
            id.starts_with("o-") && (self.organization.is_empty() || *id == self.organization)
        };
        if organization.is_empty() || !organization.iter().all(is_ours) {
            return Err("aws:PrincipalOrgID must equal this organization's id".to_owned());
        }
        if !condition.contains_key("ForAnyValue:StringLike") {
            return Ok(());
        }
        let paths = values(condition, "ForAnyValue:StringLike", "aws:PrincipalOrgPaths")?;
        if paths.is_empty() || paths.iter().any(|path| !path.starts_with("o-")) {
            return Err("aws:PrincipalOrgPaths must be paths of organizational units".to_owned());
        }
        Ok(())
    }
}

/// The values of the only key an operator may have.
fn values<'a>(
    condition: &'a Map<String, Value>,
    operator: &str,
    key: &str,
) -> Result<Vec<&'a str>, String> {
    let keys = condition.get(operator).and_then(Value::as_object);
    let keys = keys.ok_or_else(|| format!("the condition {operator} on {key} is missing"))?;
    only_members(keys, &[key])?;
    texts(keys.get(key))
}

fn only_members(object: &Map<String, Value>, members: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !members.contains(&key.as_str())) {
        Some(key) => Err(format!("{key} is not supported")),
        None => Ok(()),
    }
}

fn one_or_more(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![value]
        }
    }
}

fn texts(value: Option<&Value>) -> Result<Vec<&str>, String> {
    value
        .map(one_or_more)
        .unwrap_or_default()
        .into_iter()
        .map(|item| item.as_str().ok_or_else(|| format!("{item} is not a string")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";

    #[expect(clippy::needless_pass_by_value, reason = "the rows read better without borrows")]
    fn statement(principal: Value, condition: Value) -> Value {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
            "Resource": ARN,
        });
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        statement
    }

    fn with(mut statement: Value, member: &str, value: Value) -> Value {
        statement[member] = value;
        statement
    }

    #[test]
    fn only_the_three_documented_grants_are_supported() {
        let organization = json!({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}});
        let units = json!({
            "StringEquals": {"aws:PrincipalOrgID": ["o-abcdefghij"]},
            "ForAnyValue:StringLike": {
                "aws:PrincipalOrgPaths": ["o-abcdefghij/*/ou-abcd-12345678/*"]},
        });
        let whole = statement(json!("*"), organization.clone());
        let own = json!({"AWS": "arn:aws:iam::111122223333:root"});
        let rows = [
            ("own account", statement(own.clone(), Value::Null), true),
            ("own account by id", statement(json!({"AWS": "111122223333"}), Value::Null), true),
            ("organization", whole.clone(), true),
            (
                "organization, principal as an object",
                statement(json!({"AWS": "*"}), organization.clone()),
                true,
            ),
            ("units", statement(json!("*"), units), true),
            (
                "one action as a string",
                with(whole.clone(), "Action", json!("bedrock:ApplyGuardrail")),
                true,
            ),
            (
                "a foreign Deny",
                json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "bedrock:ApplyGuardrail", "Resource": ARN}),
                true,
            ),
            ("everybody", statement(json!("*"), Value::Null), false),
            (
                "another account",
                statement(json!({"AWS": "arn:aws:iam::222233334444:root"}), Value::Null),
                false,
            ),
            (
                "a wildcard account",
                statement(json!({"AWS": "arn:aws:iam::*:root"}), Value::Null),
                false,
            ),
            (
                "another organization",
                statement(
                    json!("*"),
                    json!({"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}}),
                ),
                false,
            ),
            (
                "another key",
                statement(
                    json!("*"),
                    json!({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij", "aws:SourceVpc": "v"}}),
                ),
                false,
            ),
            (
                "another operator",
                statement(json!("*"), json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}})),
                false,
            ),
            (
                "a version in the resource",
                with(whole.clone(), "Resource", json!(format!("{ARN}:1"))),
                false,
            ),
            ("a wildcard resource", with(whole.clone(), "Resource", json!("*")), false),
            ("another action", with(whole.clone(), "Action", json!("bedrock:*")), false),
            ("NotAction", with(whole, "NotAction", json!("bedrock:GetGuardrail")), false),
            ("own account under a condition", statement(own, organization), false),
        ];
        let grammar = Grammar {
            arn: ARN,
            account: "111122223333",
            partition: "aws",
            organization: "o-abcdefghij",
            actions: &["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"],
        };
        for (name, statement, is_supported) in rows {
            let document = json!({"Version": "2012-10-17", "Statement": [statement]});
            assert_eq!(grammar.check(&document).is_ok(), is_supported, "{name}");
        }
    }
}
