//! STS: `AssumeRole` and `GetCallerIdentity` (`aws-facts` section 5).

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Access, Role, Session};
use crate::simulator::call::{Answer, Call, Caller, Failure, Reply};
use crate::simulator::clock;
use crate::simulator::world::World;

/// Chained sessions live an hour at most, whatever the role allows.
const CHAINED_SECONDS_MAX: u64 = 3_600;

/// Answers one STS call.
pub(in crate::simulator) fn handle(world: &mut World, call: &Call) -> Answer {
    match call.operation {
        "AssumeRole" => assume_role(world, call),
        "GetCallerIdentity" => Ok(get_caller_identity(call)),
        _ => Err(Failure::new("InvalidAction", 400, format!("{} is not simulated", call.name()))),
    }
}

fn get_caller_identity(call: &Call) -> Reply {
    Reply::ok(json!({
        "UserId": user_id(&call.caller),
        "Account": call.caller.account,
        "Arn": call.caller.arn,
    }))
}

fn assume_role(world: &mut World, call: &Call) -> Answer {
    let arn = required(call, "RoleArn", 20, 2_048)?;
    let session_name = required(call, "RoleSessionName", 2, 64)?;
    check_characters("roleSessionName", session_name, "=,.@-_")?;
    if let Some(external_id) = call.text("ExternalId") {
        check_length("externalId", external_id, 2, 1_224)?;
        check_characters("externalId", external_id, "=,.@:/-_")?;
    }
    let seconds = duration(call)?;
    if call.text("Policy").is_some() || call.text("PolicyArns.member.1.arn").is_some() {
        return Err(invalid("session policies are not simulated"));
    }
    let (account, name) = role_of(world, arn).ok_or_else(|| denied(call, arn))?;
    // Read: the role, whom it trusts, and what the caller may do.
    let role = world.identity.role(&account, &name).ok_or_else(|| denied(call, arn))?;
    let is_right_arn =
        arn == format!("arn:{}:iam::{account}:role{}{name}", world.partition, role.path);
    if !is_right_arn || !world.organization.is_active(&account) {
        return Err(denied(call, arn));
    }
    authorize(world, call, arn, &account, role)?;
    check_duration(call, role, seconds)?;

    // Write: the session.
    let access_key = format!("ASIA{}", world.identifier(16).to_uppercase());
    let secret = world.identifier(40);
    let token = world.identifier(120);
    let caller = Caller {
        arn: format!("arn:{}:sts::{account}:assumed-role/{name}/{session_name}", world.partition),
        account,
        role: Some(name),
    };
    let expires = call.at + seconds * 1_000;
    let reply = Reply::ok(json!({
        "Credentials": {
            "AccessKeyId": access_key,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": clock::iso8601_seconds(expires),
        },
        "AssumedRoleUser": {"AssumedRoleId": user_id(&caller), "Arn": caller.arn},
        "PackedPolicySize": "6",
    }));
    world.identity.issue(access_key, Session { caller, expires });
    Ok(reply)
}

/// The trust policy is the role's resource policy; session tags need their own permission.
fn authorize(
    world: &World,
    call: &Call,
    arn: &str,
    account: &str,
    role: &Role,
) -> Result<(), Failure> {
    let mut context = BTreeMap::new();
    let mut set = |key: &str, member: &str| {
        if let Some(value) = call.text(member) {
            context.insert(key.to_owned(), vec![value.to_owned()]);
        }
    };
    set("sts:ExternalId", "ExternalId");
    set("sts:RoleSessionName", "RoleSessionName");
    set("sts:SourceIdentity", "SourceIdentity");
    context.insert("aws:RequestedRegion".to_owned(), vec![call.region.clone()]);
    let mut actions = vec!["sts:AssumeRole"];
    if call.text("Tags.member.1.Key").is_some() {
        actions.push("sts:TagSession");
    }
    if call.text("SourceIdentity").is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    for action in actions {
        world
            .authorize(&Access {
                caller: &call.caller,
                action,
                resource: arn,
                resource_owner: account,
                resource_policy: Some(&role.trust),
                context: context.clone(),
            })
            // STS says neither which policy decided nor whether the role exists.
            .map_err(|_| denied_action(call, action, arn))?;
    }
    Ok(())
}

fn duration(call: &Call) -> Result<u64, Failure> {
    let Some(text) = call.text("DurationSeconds") else { return Ok(CHAINED_SECONDS_MAX) };
    let seconds: u64 = text
        .parse()
        .map_err(|_| invalid(&format!("Value '{text}' at 'durationSeconds' is not a number")))?;
    if (900..=43_200).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(invalid(&format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: \
             Member must have value between 900 and 43200"
        )))
    }
}

fn check_duration(call: &Call, role: &Role, seconds: u64) -> Result<(), Failure> {
    if call.caller.role.is_some() && seconds > CHAINED_SECONDS_MAX {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if seconds > role.max_session_duration_s {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(())
}

/// Account and name of a role ARN of this partition; the path is checked by the caller.
pub(super) fn role_of(world: &World, arn: &str) -> Option<(String, String)> {
    let rest = arn.strip_prefix(&format!("arn:{}:iam::", world.partition))?;
    let (account, resource) = rest.split_once(':')?;
    let path_and_name = resource.strip_prefix("role/")?;
    let name = path_and_name.rsplit('/').next()?;
    Some((account.to_owned(), name.to_owned()))
}

pub(super) fn required<'a>(
    call: &'a Call,
    member: &str,
    length_min: usize,
    length_max: usize,
) -> Result<&'a str, Failure> {
    let Some(text) = call.text(member) else {
        return Err(invalid(&format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        )));
    };
    check_length(member, text, length_min, length_max)?;
    Ok(text)
}

fn check_length(
    member: &str,
    text: &str,
    length_min: usize,
    length_max: usize,
) -> Result<(), Failure> {
    if (length_min..=length_max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(invalid(&format!(
            "1 validation error detected: Value '{text}' at '{member}' failed to satisfy constraint: \
             Member must have length between {length_min} and {length_max}"
        )))
    }
}

pub(super) fn check_characters(member: &str, text: &str, marks: &str) -> Result<(), Failure> {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || marks.contains(c)) {
        Ok(())
    } else {
        Err(invalid(&format!(
            "1 validation error detected: Value '{text}' at '{member}' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+{marks}]*"
        )))
    }
}

fn invalid(message: &str) -> Failure {
    Failure::new("ValidationError", 400, message)
}

fn denied(call: &Call, arn: &str) -> Failure {
    denied_action(call, "sts:AssumeRole", arn)
}

fn denied_action(call: &Call, action: &str, arn: &str) -> Failure {
    Failure::new(
        "AccessDenied",
        403,
        format!(
            "User: {} is not authorized to perform: {action} on resource: {arn}",
            call.caller.arn
        ),
    )
}

/// `AROA…:session` for a session, `AIDA…` for the administrator; stable for a role.
fn user_id(caller: &Caller) -> String {
    match &caller.role {
        Some(role) => {
            let session = caller.arn.rsplit('/').next().unwrap_or_default();
            format!("{}:{session}", role_id(&caller.account, role))
        }
        None => unique("AIDA", &caller.account, "administrator"),
    }
}

/// The unique id of a role.
pub(super) fn role_id(account: &str, name: &str) -> String {
    unique("AROA", account, name)
}

fn unique(prefix: &str, account: &str, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(format!("{account}/{name}"));
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).map_or('A', |c| char::from(*c));
    format!("{prefix}{}", digest.iter().take(17).map(letter).collect::<String>())
}
