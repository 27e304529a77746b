//! Says what a step is: for logs, for people, and for the order of steps.

use std::fmt;

use super::replica::GUARDRAIL;
use super::service_control::{ControlStep, Leaving};

use super::step::{Grant, HoldReason, Step};
use crate::model::{Cell, FieldChange, Name, PolicyId, TargetId, Version};

/// What a step does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Something comes to be.
    Create,
    /// Something changes.
    Update,
    /// Something goes away.
    Delete,
}

impl Effect {
    /// `+`, `~` or `-`.
    pub fn symbol(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Delete => '-',
        }
    }

    /// `create`, `update` or `delete`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Step {
    /// What it does to its object.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Control(step) => step.effect(),
            Self::CreateGuardrail { .. }
            | Self::PublishVersion { .. }
            | Self::CreatePolicy { .. }
            | Self::AttachPolicy { .. }
            | Self::PutResourcePolicy { previous: None, .. }
            | Self::PutEnforced { config_id: None, .. }
            | Self::PutLogging { is_update: false, .. } => Effect::Create,
            Self::UpdateGuardrail { .. }
            | Self::TagGuardrail { .. }
            | Self::UntagGuardrail { .. }
            | Self::PutResourcePolicy { .. }
            | Self::EnablePolicyType { .. }
            | Self::UpdatePolicy { .. }
            | Self::TagPolicy { .. }
            | Self::RenamePolicy { .. }
            | Self::PutEnforced { .. }
            | Self::PutLogging { .. } => Effect::Update,
            Self::DeleteGuardrail { .. }
            | Self::DeleteVersion { .. }
            | Self::DeleteResourcePolicy { .. }
            | Self::DeletePolicy { .. }
            | Self::DetachPolicy { .. }
            | Self::DropRegions { .. }
            | Self::DeleteEnforced { .. }
            | Self::DeleteLogging { .. } => Effect::Delete,
        }
    }

    /// What it rests on beyond its object.
    pub fn grants(&self) -> &[Grant] {
        if let Self::AttachPolicy { grants, .. } | Self::UpdatePolicy { grants, .. } = self {
            grants
        } else {
            &[]
        }
    }

    /// The call of AWS it is: `bedrock:CreateGuardrail`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Control(step) => step.operation(),
            Self::CreateGuardrail { .. } => "bedrock:CreateGuardrail",
            Self::UpdateGuardrail { .. } => "bedrock:UpdateGuardrail",
            Self::TagGuardrail { .. } => "bedrock:TagResource",
            Self::UntagGuardrail { .. } => "bedrock:UntagResource",
            Self::PublishVersion { .. } => "bedrock:CreateGuardrailVersion",
            Self::DeleteGuardrail { .. } | Self::DeleteVersion { .. } => "bedrock:DeleteGuardrail",
            Self::PutResourcePolicy { .. } => "bedrock:PutResourcePolicy",
            Self::DeleteResourcePolicy { .. } => "bedrock:DeleteResourcePolicy",
            Self::EnablePolicyType { .. } => "organizations:EnablePolicyType",
            Self::CreatePolicy { .. } => "organizations:CreatePolicy",
            Self::UpdatePolicy { .. } | Self::RenamePolicy { .. } | Self::DropRegions { .. } => {
                "organizations:UpdatePolicy"
            }
            Self::TagPolicy { .. } => "organizations:TagResource",
            Self::DeletePolicy { .. } => "organizations:DeletePolicy",
            Self::AttachPolicy { .. } => "organizations:AttachPolicy",
            Self::DetachPolicy { .. } => "organizations:DetachPolicy",
            Self::PutEnforced { .. } => "bedrock:PutEnforcedGuardrailConfiguration",
            Self::DeleteEnforced { .. } => "bedrock:DeleteEnforcedGuardrailConfiguration",
            Self::PutLogging { .. } => "bedrock:PutModelInvocationLoggingConfiguration",
            Self::DeleteLogging { .. } => "bedrock:DeleteModelInvocationLoggingConfiguration",
        }
    }

    /// What it changes, by ARN, id or name.
    pub fn object(&self) -> String {
        match self {
            Self::Control(step) => step.object(),
            Self::CreateGuardrail { name, .. } => name.to_string(),
            Self::UpdateGuardrail { arn, .. }
            | Self::TagGuardrail { arn, .. }
            | Self::UntagGuardrail { arn, .. }
            | Self::DeleteGuardrail { arn, .. } => arn.to_string(),
            Self::DeleteVersion { arn, version, .. } => arn.with_version(*version),
            Self::PublishVersion { arn, revision, .. } => format!("{arn} revision {revision}"),
            Self::PutResourcePolicy { resource, .. }
            | Self::DeleteResourcePolicy { resource, .. } => {
                format!("resource policy of {resource}")
            }
            Self::EnablePolicyType { root } => format!("BEDROCK_POLICY on {root}"),
            Self::CreatePolicy { name, .. } => name.clone(),
            Self::UpdatePolicy { id, .. }
            | Self::TagPolicy { id, .. }
            | Self::RenamePolicy { id, .. }
            | Self::DropRegions { id, .. }
            | Self::DeletePolicy { id, .. } => id.to_string(),
            Self::AttachPolicy { id, target, .. } | Self::DetachPolicy { id, target, .. } => {
                format!("{id} at {target}")
            }
            Self::PutEnforced { guardrail, version, .. } => {
                format!("enforced configuration {}", guardrail.with_version(*version))
            }
            Self::DeleteEnforced { config_id, .. } => format!("enforced configuration {config_id}"),
            Self::PutLogging { manifest, .. } | Self::DeleteLogging { manifest, .. } => {
                format!("invocation logging of {manifest}")
            }
        }
    }

    /// Where it is carried out; `None` for the organization.
    pub fn place(&self) -> Option<Cell> {
        match self {
            Self::CreateGuardrail { key, .. } => Some(key.cell()),
            Self::UpdateGuardrail { arn, .. }
            | Self::TagGuardrail { arn, .. }
            | Self::UntagGuardrail { arn, .. }
            | Self::PublishVersion { arn, .. }
            | Self::DeleteVersion { arn, .. }
            | Self::DeleteGuardrail { arn, .. } => {
                Some(Cell { account: arn.account.clone(), region: arn.region.clone() })
            }
            Self::PutResourcePolicy { account, region, .. }
            | Self::DeleteResourcePolicy { account, region, .. } => {
                Some(Cell { account: account.clone(), region: region.clone() })
            }
            Self::PutEnforced { cell, .. }
            | Self::DeleteEnforced { cell, .. }
            | Self::PutLogging { cell, .. }
            | Self::DeleteLogging { cell, .. } => Some(cell.clone()),
            Self::Control(_)
            | Self::EnablePolicyType { .. }
            | Self::CreatePolicy { .. }
            | Self::UpdatePolicy { .. }
            | Self::TagPolicy { .. }
            | Self::RenamePolicy { .. }
            | Self::DeletePolicy { .. }
            | Self::AttachPolicy { .. }
            | Self::DropRegions { .. }
            | Self::DetachPolicy { .. } => None,
        }
    }

    /// Old and new of each field, where the step changes fields.
    pub fn changes(&self) -> &[FieldChange] {
        match self {
            Self::Control(step) => step.changes(),
            Self::UpdateGuardrail { changes, .. }
            | Self::TagGuardrail { changes, .. }
            | Self::UntagGuardrail { changes, .. }
            | Self::DropRegions { changes, .. }
            | Self::PutResourcePolicy { changes, .. }
            | Self::UpdatePolicy { changes, .. }
            | Self::RenamePolicy { changes, .. }
            | Self::PutEnforced { changes, .. }
            | Self::DeleteEnforced { changes, .. }
            | Self::PutLogging { changes, .. }
            | Self::DeleteLogging { changes, .. } => changes,
            Self::CreateGuardrail { .. }
            | Self::PublishVersion { .. }
            | Self::DeleteGuardrail { .. }
            | Self::DeleteVersion { .. }
            | Self::DeleteResourcePolicy { .. }
            | Self::EnablePolicyType { .. }
            | Self::CreatePolicy { .. }
            | Self::TagPolicy { .. }
            | Self::DeletePolicy { .. }
            | Self::AttachPolicy { .. }
            | Self::DetachPolicy { .. } => &[],
        }
    }

    /// Under which name the key's [`Sightings`](super::Sightings) keep the object. After the step
    /// was carried out, the executor tells them with [`wrote`](super::Sightings::wrote).
    pub fn sighting(&self) -> Option<String> {
        match self {
            Self::Control(step) => step.sighting(),
            Self::CreateGuardrail { .. } | Self::DeleteGuardrail { .. } => {
                Some(GUARDRAIL.to_owned())
            }
            Self::DeleteVersion { version, .. } => Some(sighting::version(*version)),
            Self::PutResourcePolicy { resource, .. }
            | Self::DeleteResourcePolicy { resource, .. } => {
                Some(sighting::resource_policy(resource))
            }
            Self::CreatePolicy { enforcement, shard, lane, .. }
            | Self::DeletePolicy { enforcement, shard, lane, .. } => Some(match lane {
                None => sighting::policy(enforcement, *shard),
                Some(lane) => sighting::lane(enforcement, lane, *shard),
            }),
            Self::AttachPolicy { id, target, .. } | Self::DetachPolicy { id, target, .. } => {
                Some(sighting::attachment(id, target))
            }
            Self::DeleteEnforced { .. } | Self::DeleteLogging { .. } => {
                Some(sighting::SLOT.to_owned())
            }
            Self::DropRegions { id, .. } => Some(sighting::blocks(id)),
            Self::UpdateGuardrail { .. }
            | Self::TagGuardrail { .. }
            | Self::UntagGuardrail { .. }
            | Self::PublishVersion { .. }
            | Self::EnablePolicyType { .. }
            | Self::UpdatePolicy { .. }
            | Self::TagPolicy { .. }
            | Self::RenamePolicy { .. }
            | Self::PutEnforced { .. }
            | Self::PutLogging { .. } => None,
        }
    }

    /// Whether it takes owned protection away, narrows it, or takes a foreign slot over: what the
    /// change guard may hold.
    pub fn is_loss(&self) -> bool {
        match self {
            Self::Control(step) => step.is_loss(),
            Self::PutEnforced { is_loss, .. }
            | Self::UpdatePolicy { is_loss, .. }
            | Self::DetachPolicy { is_loss, .. }
            | Self::PutLogging { is_loss, .. } => *is_loss,
            Self::DropRegions { .. } | Self::DeleteEnforced { .. } | Self::DeleteLogging { .. } => {
                true
            }
            // What these delete protects nobody: they come after the last reference is gone.
            Self::DeleteGuardrail { .. }
            | Self::DeleteVersion { .. }
            | Self::DeleteResourcePolicy { .. }
            | Self::DeletePolicy { .. }
            | Self::CreateGuardrail { .. }
            | Self::UpdateGuardrail { .. }
            | Self::TagGuardrail { .. }
            | Self::UntagGuardrail { .. }
            | Self::PublishVersion { .. }
            | Self::PutResourcePolicy { .. }
            | Self::EnablePolicyType { .. }
            | Self::CreatePolicy { .. }
            | Self::TagPolicy { .. }
            | Self::RenamePolicy { .. }
            | Self::AttachPolicy { .. } => false,
        }
    }

    /// Whether it takes a service control policy of somebody else off a target.
    pub fn takes_off_foreign(&self) -> bool {
        matches!(self, Self::Control(ControlStep::Detach { leaving: Leaving::Foreign(_), .. }))
    }

    /// Whether it writes what an organization policy of ours says or where it attaches, other than to
    /// take something away.
    pub fn changes_a_policy(&self) -> bool {
        matches!(
            self,
            Self::CreatePolicy { .. } | Self::UpdatePolicy { .. } | Self::AttachPolicy { .. }
        )
    }

    /// One line for logs: operation, object, place, old → new; a guardrail's words by their hash.
    pub fn describe(&self) -> String {
        let place = self.place().map(|cell| format!(" in {cell}")).unwrap_or_default();
        let changes: Vec<String> = if let Self::AttachPolicy { target, .. } = self {
            vec![format!("target: (absent) → {target}")]
        } else if let Self::DetachPolicy { target, .. } = self {
            vec![format!("target: {target} → (absent)")]
        } else {
            self.changes().iter().map(|it| it.without_words().to_string()).collect()
        };
        let changes =
            if changes.is_empty() { String::new() } else { format!(" ({})", changes.join("; ")) };
        format!("{} {}{place}{changes}", self.operation(), self.object())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl HoldReason {
    /// CamelCase: condition reason, metric label and log field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Confirming => "Confirming",
            Self::WaitingForVersion => "WaitingForVersion",
            Self::Unreadable => "Unreadable",
            Self::NotShared => "NotShared",
            Self::NotOurs => "NotOurs",
            Self::ForeignConfiguration => "ForeignConfiguration",
            Self::ForeignPolicy => "ForeignPolicy",
            Self::NotEffective => "NotEffective",
            Self::Referenced => "Referenced",
            Self::Quota => "Quota",
            Self::Failed => "Failed",
            Self::NotEnforceable => "NotEnforceable",
            Self::RevisionNotFound => "RevisionNotFound",
            Self::Orphaned => "Orphaned",
            Self::Unclear => "Unclear",
            Self::ChangeGuard => "ChangeGuard",
            Self::DestinationRefused => "DestinationRefused",
            Self::NotInManagementAccount => "NotInManagementAccount",
            Self::RegionUnavailable => "RegionUnavailable",
            Self::RoleNotAssumable => "RoleNotAssumable",
            Self::Contested => "Contested",
            Self::JournalDegraded => "JournalDegraded",
            Self::Testing => "Testing",
            Self::TestsFailing => "TestsFailing",
            Self::Preflight => "Preflight",
            Self::PreflightDenied => "PreflightDenied",
            Self::PreflightUnknown => "PreflightUnknown",
            Self::DeniedByPolicy => "DeniedByPolicy",
            Self::RollingOut => "RollingOut",
            Self::WaveClosed => "WaveClosed",
            Self::Baking => "Baking",
            Self::Gating => "Gating",
            Self::Halted => "Halted",
            Self::Paused => "Paused",
            Self::RolledBack => "RolledBack",
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names under which [`Sightings`](super::Sightings) keep objects.
pub(super) mod sighting {
    use super::{Name, PolicyId, TargetId, Version};

    /// The slot of a cell.
    pub(in crate::plan) const SLOT: &str = "slot";

    /// A version, in the memory of its guardrail.
    pub(in crate::plan) fn version(number: Version) -> String {
        format!("version/{number}")
    }

    /// A resource policy.
    pub(in crate::plan) fn resource_policy(resource: &str) -> String {
        format!("resource-policy/{resource}")
    }

    /// A policy of an enforcement, by its number.
    pub(in crate::plan) fn policy(enforcement: &Name, shard: u32) -> String {
        format!("policy/{enforcement}/{shard}")
    }

    /// A policy of a lane of an enforcement, by its number.
    pub(in crate::plan) fn lane(enforcement: &Name, lane: &str, shard: u32) -> String {
        format!("policy/{enforcement}/{lane}/{shard}")
    }

    /// A target that a policy leaves to another of ours.
    pub(in crate::plan) fn handed_over(policy: &PolicyId, target: &TargetId) -> String {
        format!("handed-over/{policy}/{target}")
    }

    /// One attachment of a policy.
    pub(in crate::plan) fn attachment(policy: &PolicyId, target: &TargetId) -> String {
        format!("attachment/{policy}/{target}")
    }

    /// The Regions of its document that a text gave up.
    pub(in crate::plan) fn blocks(policy: &PolicyId) -> String {
        format!("blocks/{policy}")
    }

    /// The Regions of its document that move to another.
    pub(in crate::plan) fn moved(policy: &PolicyId) -> String {
        format!("moved/{policy}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What is seen of one object must confirm nothing of another.
    #[test]
    fn no_two_objects_share_a_memory() {
        let [one, two]: [PolicyId; 2] = ["p-11111111", "p-22222222"].map(|it| it.parse().unwrap());
        let target: TargetId = "r-ab12".parse().unwrap();
        let name: Name = "everywhere".parse().unwrap();
        let mut objects = vec![
            sighting::SLOT.to_owned(),
            sighting::policy(&name, 1),
            sighting::policy(&name, 2),
            sighting::lane(&name, "canary", 1),
            sighting::resource_policy("arn:1"),
            sighting::resource_policy("arn:2"),
        ];
        for id in [&one, &two] {
            objects.extend([sighting::blocks(id), sighting::moved(id)]);
            objects.push(sighting::attachment(id, &target));
            objects.push(sighting::handed_over(id, &target));
        }
        let different: BTreeSet<&String> = objects.iter().collect();
        assert_eq!(different.len(), objects.len(), "{objects:?}");
    }
}
