//! Where invocation logging may go: buckets and roles of the caller's account (`aws-facts` 1.12).
//!
//! AWS tries a destination out before it takes the configuration. Buckets are known here only if the
//! scenario names them; any other name is taken at its word, and so are log groups. Roles are those
//! of the account.

use serde::Deserialize;
use serde_json::Value;

use super::super::call::{Call, Failure};
use super::super::identity::{Access, admits_service};
use super::super::world::World;
use super::failure::validation;
use super::permission::Context;

/// Who writes the logs.
const SERVICE: &str = "bedrock.amazonaws.com";

/// A bucket that the scenario knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LogBucket {
    /// Whose it is.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// Its policy; absent: nobody else may write to it.
    #[serde(default)]
    pub policy: Option<Value>,
}

/// Tries out a role: it must exist, let itself be assumed by Bedrock, and be one that the caller may
/// hand over.
pub(super) fn try_role(world: &World, call: &Call, arn: &str) -> Result<(), Failure> {
    let account = &call.caller.account;
    let mut parts = arn.splitn(6, ':').skip(4);
    let (owner, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if owner != account {
        return Err(validation(format!("The role {arn} is not of this account")));
    }
    let name = resource.rsplit('/').next().unwrap_or_default();
    world.authorize(&Access {
        caller: &call.caller,
        action: "iam:PassRole",
        resource: arn,
        resource_owner: account,
        resource_policy: None,
        context: Context::from([("iam:PassedToService".to_owned(), vec![SERVICE.to_owned()])]),
    })?;
    let context = source(world, call);
    let is_trusted = world.identity.role(account, name).is_some_and(|role| {
        admits_service(&role.trust, SERVICE, ("sts:AssumeRole", arn), &context)
    });
    if is_trusted {
        Ok(())
    } else {
        Err(validation(format!(
            "Failed to validate permissions for log group: Bedrock cannot assume {arn}"
        )))
    }
}

/// Tries out a bucket that the scenario knows.
pub(super) fn try_bucket(
    world: &World,
    call: &Call,
    name: &str,
    prefix: Option<&str>,
) -> Result<(), Failure> {
    let Some(bucket) = world.buckets.get(name) else { return Ok(()) };
    let (account, partition) = (&call.caller.account, &world.partition);
    if bucket.account != *account || bucket.region != call.region {
        let message = format!("The bucket {name} is not of this account and Region");
        return Err(validation(message));
    }
    let prefix =
        prefix.filter(|it| !it.is_empty()).map(|it| format!("{}/", it.trim_end_matches('/')));
    let object = format!(
        "arn:{partition}:s3:::{name}/{}AWSLogs/{account}/BedrockModelInvocationLogs/permission-check",
        prefix.unwrap_or_default()
    );
    let context = source(world, call);
    let is_admitted = bucket
        .policy
        .as_ref()
        .is_some_and(|policy| admits_service(policy, SERVICE, ("s3:PutObject", &object), &context));
    if is_admitted {
        Ok(())
    } else {
        let message = format!("Failed to validate permissions for S3 bucket: {name}");
        Err(validation(message))
    }
}

/// What Bedrock says of the call it acts for.
fn source(world: &World, call: &Call) -> Context {
    let (account, region) = (&call.caller.account, &call.region);
    let arn = format!("arn:{}:bedrock:{region}:{account}:logging", world.partition);
    Context::from([
        ("aws:sourceaccount".to_owned(), vec![account.clone()]),
        ("aws:sourcearn".to_owned(), vec![arn]),
    ])
}
