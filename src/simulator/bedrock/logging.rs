//! The model invocation logging configuration of an account in a Region (`aws-facts` 1.12).

use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call, Failure, Reply};
use super::super::world::World;
use super::destination::{try_bucket, try_role};
use super::failure::validation;
use super::permission::permit_operation;
use super::shape::accept;
use super::shapes;

/// `PUT /logging/modelinvocations`: full replacement.
pub(super) fn put(world: &mut World, call: &Call) -> Answer {
    let body = accept(&shapes::PUT_LOGGING, &call.body)?;
    permit_operation(world, call, "*")?;
    let config = body.get("loggingConfig").cloned().unwrap_or_default();
    check(call, &config)?;
    try_out(world, call, &config)?;
    world.regional_mut(&call.caller.account, &call.region).logging = Some(config);
    Ok(Reply::ok(json!({})))
}

/// `GET /logging/modelinvocations`: 200 without `loggingConfig` when nothing is set.
pub(super) fn get(world: &World, call: &Call) -> Answer {
    permit_operation(world, call, "*")?;
    let mut body = Map::new();
    let config =
        world.regional(&call.caller.account, &call.region).and_then(|regional| regional.logging());
    if let Some(config) = config {
        body.insert("loggingConfig".to_owned(), config.clone());
    }
    Ok(Reply::ok(body.into()))
}

/// `DELETE /logging/modelinvocations`: idempotent.
pub(super) fn delete(world: &mut World, call: &Call) -> Answer {
    permit_operation(world, call, "*")?;
    let regional = world.regional(&call.caller.account, &call.region);
    if regional.is_some_and(|regional| regional.logging().is_some()) {
        world.regional_mut(&call.caller.account, &call.region).logging = None;
    }
    Ok(Reply::ok(json!({})))
}

/// Destinations must be of the same account and Region. Most buckets and all log groups are not
/// known here, so a name is taken at its word: one that holds another account's id or another
/// Region's name lives there.
fn check(call: &Call, config: &Value) -> Result<(), Failure> {
    let text = |path: &str| config.pointer(path).and_then(Value::as_str);
    let names = [
        "/cloudWatchConfig/logGroupName",
        "/cloudWatchConfig/largeDataDeliveryS3Config/bucketName",
        "/s3Config/bucketName",
    ];
    for name in names.into_iter().filter_map(text) {
        if let Some(account) = accounts(name).find(|account| *account != call.caller.account) {
            return Err(validation(format!("The destination {name} belongs to {account}")));
        }
        if let Some(region) = regions(name).find(|region| *region != call.region) {
            return Err(validation(format!("The destination {name} is in {region}")));
        }
    }
    Ok(())
}

/// Tries out what is known of the destinations.
fn try_out(world: &World, call: &Call, config: &Value) -> Result<(), Failure> {
    let text = |path: String| config.pointer(&path).and_then(Value::as_str);
    for bucket in ["/s3Config", "/cloudWatchConfig/largeDataDeliveryS3Config"] {
        if let Some(name) = text(format!("{bucket}/bucketName")) {
            try_bucket(world, call, name, text(format!("{bucket}/keyPrefix")))?;
        }
    }
    match text("/cloudWatchConfig/roleArn".to_owned()) {
        Some(role) => try_role(world, call, role),
        None => Ok(()),
    }
}

/// The account ids in a name: runs of exactly twelve digits.
fn accounts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|character: char| !character.is_ascii_digit()).filter(|run| run.len() == 12)
}

/// The Regions in a name: three hyphenated words such as `eu-west-1`, the last a digit.
fn regions(name: &str) -> impl Iterator<Item = &str> {
    const AREAS: [&str; 9] = ["us", "eu", "ap", "ca", "sa", "me", "il", "af", "mx"];
    const SIDES: [&str; 9] = [
        "east",
        "west",
        "north",
        "south",
        "central",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
    ];
    name.char_indices().filter_map(move |(start, _)| {
        let tail = name.get(start..)?;
        let is_start = start == 0
            || !name.get(..start)?.ends_with(|before: char| before.is_ascii_alphanumeric());
        let mut words = tail.splitn(3, '-');
        let (area, mut side) = (words.next()?, words.next()?);
        let mut rest = words.next()?;
        let mut length = area.len() + 1 + side.len() + 1 + 1;
        if side == "gov" {
            let (next, after) = rest.split_once('-')?;
            (side, rest) = (next, after);
            length += side.len() + 1;
        }
        let is_region = is_start
            && AREAS.contains(&area)
            && SIDES.contains(&side)
            && rest.starts_with(|digit: char| digit.is_ascii_digit())
            && !rest.chars().nth(1).is_some_and(|after| after.is_ascii_alphanumeric());
        if is_region { tail.get(..length) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_where_it_lives() {
        let rows: [(&str, &[&str], &[&str]); 5] = [
            ("bedrock-logs", &[], &[]),
            ("logs-111122223333-eu-west-1", &["111122223333"], &["eu-west-1"]),
            ("/aws/bedrock/us-gov-west-1", &[], &["us-gov-west-1"]),
            ("ap-southeast-2.logs", &[], &["ap-southeast-2"]),
            ("menu-west-1234567890123", &[], &[]),
        ];
        for (name, expect_accounts, expect_regions) in rows {
            assert_eq!(accounts(name).collect::<Vec<_>>(), expect_accounts, "{name}");
            assert_eq!(regions(name).collect::<Vec<_>>(), expect_regions, "{name}");
        }
    }
}
