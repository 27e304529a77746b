//! Carries out one approved step. Nothing here makes a choice.

use serde_json::Value;

use tokio::task::JoinSet;

use crate::aws::{Aws, AwsError, ErrorClass, GuardrailVersion};
use crate::model::{
    AccountId, Cell, GuardrailArn, GuardrailStatus, LoggingConfig, PolicyId, Read, Region,
    ReplicaContent, TargetId, Unread, Version,
};
use crate::plan::{ControlStep, Grant, Step};

/// What a step left behind that the key must remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing beyond the change itself.
    Changed,
    /// The guardrail that CreateGuardrail named.
    Created(GuardrailArn),
    /// The number that CreateGuardrailVersion named; believed only once it is read back.
    Published(Version),
}

/// Why a step was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ActError {
    /// AWS refused it, or the reply was lost; the effect may have happened.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// AWS knows of a use that we cannot see.
    #[error("AWS says that {version} is in use, so it stays: {error}")]
    InUse {
        /// ARN and number.
        version: String,
        /// What AWS answered.
        error: AwsError,
    },
    /// AWS will not take what the text asks for, however often it is sent; the text, or what it names,
    /// has to change.
    #[error(transparent)]
    Refused(AwsError),
    /// AWS takes no more policies at a target, or does not let its last one go.
    #[error("AWS does not do {step}: {error}")]
    Limit {
        /// What was to be done.
        step: String,
        /// What AWS answered.
        error: AwsError,
    },
    /// It, or what was to come after it, took too long; the effect may have happened.
    #[error("{what} was given up, since the visit takes too long: {consequence}")]
    GivenUp {
        /// What was given up.
        what: String,
        /// What that means.
        consequence: &'static str,
    },
    /// What the step rests on could not be read again right before the write. Nothing was written.
    #[error("{object} could not be read again: {}", unread.message)]
    Unread {
        /// What could not be read.
        object: String,
        /// Why.
        unread: Unread,
    },
    /// What the step rests on changed between the read of this visit and the write. Nothing was
    /// written.
    #[error("{object} changed since it was read; reading again")]
    Moved {
        /// What changed.
        object: String,
    },
}

/// Carries out `step`, unless it is not wanted any more once what it rests on was read again.
pub(super) async fn act(
    aws: &Aws,
    step: &Step,
    is_wanted: impl Fn() -> bool,
) -> Result<Effect, ActError> {
    if !stands(aws, step).await? {
        return Ok(Effect::Changed);
    }
    if !is_wanted() {
        return Err(ActError::Moved { object: "what the manifests say".to_owned() });
    }
    write(aws, step).await
}

/// Reads again what `step` rests on where AWS takes no precondition. Whether anything is left to be
/// done.
async fn stands(aws: &Aws, step: &Step) -> Result<bool, ActError> {
    match step {
        Step::PublishVersion { arn, content, .. } => still_draft(aws, arn, content).await?,
        Step::PutResourcePolicy { account, region, resource, previous, .. } => {
            still(aws, (account, region, resource), previous.as_ref()).await?;
        }
        Step::DeleteResourcePolicy { account, region, resource, previous, .. } => {
            still(aws, (account, region, resource), Some(previous)).await?;
        }
        Step::UpdatePolicy { id, previous, grants, .. } => {
            still_granted(aws, grants).await?;
            still_says(aws, id, previous).await?;
        }
        Step::DropRegions { id, previous, .. }
        | Step::Control(ControlStep::Update { id, previous, .. }) => {
            still_says(aws, id, previous).await?;
        }
        Step::AttachPolicy { grants, .. } => still_granted(aws, grants).await?,
        Step::DeleteEnforced { cell, parent, .. } => {
            still_below(aws, &cell.account, parent).await?;
        }
        Step::DeleteLogging { cell, config, .. } => return still_logs(aws, cell, config).await,
        Step::CreateGuardrail { .. }
        | Step::UpdateGuardrail { .. }
        | Step::TagGuardrail { .. }
        | Step::UntagGuardrail { .. }
        | Step::DeleteGuardrail { .. }
        | Step::DeleteVersion { .. }
        | Step::EnablePolicyType { .. }
        | Step::CreatePolicy { .. }
        | Step::RenamePolicy { .. }
        | Step::TagPolicy { .. }
        | Step::DeletePolicy { .. }
        | Step::DetachPolicy { .. }
        | Step::PutEnforced { .. }
        | Step::PutLogging { .. }
        | Step::Control(
            ControlStep::EnableType { .. }
            | ControlStep::Create { .. }
            | ControlStep::Tag { .. }
            | ControlStep::Attach { .. }
            | ControlStep::Detach { .. }
            | ControlStep::Delete { .. },
        ) => {}
    }
    Ok(true)
}

async fn write(aws: &Aws, step: &Step) -> Result<Effect, ActError> {
    match step {
        Step::CreateGuardrail { key, name, content, tags, token, confirmed: _ } => {
            let arn = aws.create_guardrail((&key.cell(), name), content, tags, token).await?;
            return Ok(Effect::Created(arn));
        }
        Step::UpdateGuardrail { arn, name, content, changes: _ } => {
            aws.update_guardrail(arn, name, content).await?;
        }
        Step::TagGuardrail { arn, tags, changes: _ } => aws.tag_guardrail(arn, tags).await?,
        Step::UntagGuardrail { arn, keys, changes: _ } => aws.untag_guardrail(arn, keys).await?,
        Step::PublishVersion { arn, description, token, .. } => {
            return Ok(Effect::Published(aws.publish_version(arn, description, token).await?));
        }
        Step::DeleteGuardrail { arn, confirmed: _ } => aws.delete_guardrail(arn).await?,
        Step::DeleteVersion { arn, version, confirmed: _ } => {
            delete_version(aws, arn, *version).await?;
        }
        Step::PutResourcePolicy { account, region, resource, document, .. } => {
            aws.put_resource_policy(account, region, resource, document).await?;
        }
        Step::DeleteResourcePolicy { account, region, resource, .. } => {
            aws.delete_resource_policy(account, region, resource).await?;
        }
        Step::EnablePolicyType { root } => aws.enable_policy_type(root).await?,
        Step::CreatePolicy { name, content, tags, .. } => {
            aws.create_policy(name, content, tags).await?;
        }
        Step::UpdatePolicy { id, content, .. } | Step::DropRegions { id, content, .. } => {
            aws.update_policy(id, content).await?;
        }
        Step::RenamePolicy { id, name, .. } => aws.rename_policy(id, name).await?,
        Step::TagPolicy { id, tags, .. } => aws.tag_policy(id, tags).await?,
        Step::DeletePolicy { id, .. } => aws.delete_policy(id).await?,
        Step::AttachPolicy { id, target, .. } => aws.attach_policy(id, target).await?,
        Step::DetachPolicy { id, target, .. } => aws.detach_policy(id, target).await?,
        #[cfg(feature = "planted")]
        Step::PutEnforced {
            cell,
            config_id: Some(config_id),
            guardrail,
            version,
            settings,
            ..
        } if crate::planted::is(crate::planted::Planted::DeletedBeforePut) => {
            aws.delete_enforced(cell, config_id).await?;
            aws.put_enforced(cell, None, guardrail, *version, settings).await?;
        }
        Step::PutEnforced { cell, config_id, guardrail, version, settings, .. } => {
            aws.put_enforced(cell, config_id.as_ref(), guardrail, *version, settings).await?;
        }
        Step::DeleteEnforced { cell, config_id, .. } => {
            aws.delete_enforced(cell, config_id).await?;
        }
        Step::PutLogging { cell, config, .. } => put_logging(aws, cell, config).await?,
        Step::DeleteLogging { cell, .. } => aws.delete_logging(cell).await?,
        Step::Control(step) => control(aws, step).await?,
    }
    Ok(Effect::Changed)
}

/// Carries out a step of service control policies.
async fn control(aws: &Aws, step: &ControlStep) -> Result<(), ActError> {
    let done = match step {
        ControlStep::EnableType { root } => aws.enable_service_controls(root).await,
        ControlStep::Create { name, content, tags, .. } => {
            aws.create_service_control(name, content, tags).await.map(drop)
        }
        ControlStep::Update { id, content, .. } => aws.update_policy(id, content).await,
        ControlStep::Tag { id, tags, .. } => aws.tag_policy(id, tags).await,
        ControlStep::Attach { id, target, .. } => aws.attach_policy(id, target).await,
        ControlStep::Detach { id, target, .. } => aws.detach_policy(id, target).await,
        ControlStep::Delete { id, .. } => aws.delete_policy(id).await,
    };
    done.map_err(|error| match (error.class, step.refused()) {
        (ErrorClass::Quota, Some(_)) => {
            ActError::Limit { step: Step::Control(step.clone()).describe(), error }
        }
        (_, _) => error.into(),
    })
}

/// Whether DRAFT still holds `content`: CreateGuardrailVersion snapshots whatever is there at that
/// moment, and somebody may have edited it since our visit read it.
async fn still_draft(
    aws: &Aws,
    arn: &GuardrailArn,
    content: &ReplicaContent,
) -> Result<(), ActError> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::DraftNotReadBack) {
        return Ok(());
    }
    let (status, draft) = aws.draft(arn).await?;
    if status != GuardrailStatus::Ready || !draft.is_version_of(content) {
        return Err(ActError::Moved { object: format!("DRAFT of {arn}") });
    }
    Ok(())
}

/// Deletes one version; a guardrail without its versions cannot be named here.
async fn delete_version(aws: &Aws, arn: &GuardrailArn, version: Version) -> Result<(), ActError> {
    let version = GuardrailVersion { arn: arn.clone(), version };
    aws.delete_version(&version).await.map_err(|error| {
        if error.class == ErrorClass::InUse {
            ActError::InUse { version: version.arn.with_version(version.version), error }
        } else {
            error.into()
        }
    })
}

/// Puts the invocation logging; what is wrong with its destinations is for the plan to explain.
async fn put_logging(aws: &Aws, cell: &Cell, config: &LoggingConfig) -> Result<(), ActError> {
    aws.put_logging(cell, config).await.map_err(|error| {
        if error.class == ErrorClass::Invalid { ActError::Refused(error) } else { error.into() }
    })
}

/// Whether the invocation logging is there and still what was read: nobody marks whose it is.
async fn still_logs(aws: &Aws, cell: &Cell, config: &LoggingConfig) -> Result<bool, ActError> {
    match aws.logging(cell).await {
        Read::Known(live) if live == *config => Ok(true),
        Read::KnownAbsent => Ok(false),
        Read::Known(_) | Read::Unknown(_) => {
            Err(ActError::Moved { object: format!("the invocation logging in {cell}") })
        }
    }
}

/// Reads a resource policy again right before it is overwritten: there is no expected-version
/// guard, and a statement somebody added in between would be lost.
async fn still(
    aws: &Aws,
    (account, region, resource): (&AccountId, &Region, &str),
    previous: Option<&Value>,
) -> Result<(), ActError> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::LostUpdate) {
        return Ok(());
    }
    is_as_read(aws, (account, region, resource), previous).await
}

/// Reads the document of a policy of the organization again right before it is replaced: AWS takes no
/// precondition, and what somebody wrote since would be undone unseen.
async fn still_says(aws: &Aws, id: &PolicyId, previous: &Value) -> Result<(), ActError> {
    let object = format!("the document of policy {id}");
    match aws.policy_content(id).await {
        Ok(live) if live == *previous => Ok(()),
        Ok(_) => Err(ActError::Moved { object }),
        Err(error) => Err(ActError::Unread { object, unread: error.into() }),
    }
}

/// Asks right before protection goes whether its account still stands where it was read: a text gives
/// up what is below its targets, and of an account that somebody moved away it says nothing.
async fn still_below(aws: &Aws, account: &AccountId, parent: &TargetId) -> Result<(), ActError> {
    let object = format!("the place of account {account} in the organization");
    match aws.parent_of(account).await {
        Ok(live) if live == *parent => Ok(()),
        Ok(_) => Err(ActError::Moved { object }),
        Err(error) => Err(ActError::Unread { object, unread: error.into() }),
    }
}

/// Reads again what an organization policy names and what lets accounts apply it, right before it is
/// put in force: AWS takes such a policy without asking, and then every call of theirs fails.
async fn still_granted(aws: &Aws, grants: &[Grant]) -> Result<(), ActError> {
    let mut reading = JoinSet::new();
    for Grant { guardrail, versions, policy } in grants.iter().cloned() {
        for version in versions {
            let (aws, version) =
                (aws.clone(), GuardrailVersion { arn: guardrail.clone(), version });
            reading.spawn(async move { is_ready(&aws, &version).await });
        }
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::GrantNotReadBack) {
            continue;
        }
        let aws = aws.clone();
        reading.spawn(async move {
            let GuardrailArn { account, region, .. } = &guardrail;
            let place = (account, region, &*guardrail.to_string());
            is_as_read(&aws, place, policy.as_ref()).await
        });
    }
    reading.join_all().await.into_iter().collect()
}

/// Whether a version is still there, and READY.
async fn is_ready(aws: &Aws, version: &GuardrailVersion) -> Result<(), ActError> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::VersionNotReadBack) {
        return Ok(());
    }
    let object = version.arn.with_version(version.version);
    match aws.version_status(version).await {
        Ok(Some(GuardrailStatus::Ready)) => Ok(()),
        Ok(_) => Err(ActError::Moved { object }),
        Err(error) => Err(ActError::Unread { object, unread: error.into() }),
    }
}

/// Whether the resource policy of a guardrail is what was read before.
async fn is_as_read(
    aws: &Aws,
    (account, region, resource): (&AccountId, &Region, &str),
    previous: Option<&Value>,
) -> Result<(), ActError> {
    let object = format!("the resource policy of {resource}");
    match (aws.resource_policy(account, region, resource).await, previous) {
        (Read::Known(live), Some(previous)) if live == *previous => Ok(()),
        (Read::KnownAbsent, None) => Ok(()),
        (Read::Unknown(unread), _) => Err(ActError::Unread { object, unread }),
        (Read::Known(_) | Read::KnownAbsent, _) => Err(ActError::Moved { object }),
    }
}
