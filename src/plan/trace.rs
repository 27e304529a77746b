//! What the journal says of a step beside what it is, and what is not done without a journal.

use std::time::Duration;

use super::describe::Effect;
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{Name, Strength};

/// How soon a step is tried again that waits for the journal.
const TRIED_AGAIN: Duration = Duration::from_secs(10);

impl Step {
    /// Whether something goes away by it, or a foreign slot is taken over.
    pub fn takes_away(&self) -> bool {
        self.is_loss() || self.effect() == Effect::Delete
    }

    /// Whether protection goes, narrows, or becomes weaker by it.
    pub fn weakens(&self) -> bool {
        let is_weaker = |strength| matches!(strength, Some(Strength::Weaker | Strength::Mixed));
        self.takes_away() || self.changes().iter().any(|change| is_weaker(change.strength))
    }

    /// The enforcement that it is for, if it is for one.
    pub fn enforcement(&self) -> Option<&Name> {
        match self {
            Self::CreatePolicy { enforcement, .. }
            | Self::UpdatePolicy { enforcement, .. }
            | Self::TagPolicy { enforcement, .. }
            | Self::RenamePolicy { enforcement, .. }
            | Self::DropRegions { enforcement, .. }
            | Self::DeletePolicy { enforcement, .. }
            | Self::AttachPolicy { enforcement, .. }
            | Self::DetachPolicy { enforcement, .. }
            | Self::PutEnforced { enforcement, .. }
            | Self::DeleteEnforced { enforcement, .. } => Some(enforcement),
            Self::Control(_)
            | Self::CreateGuardrail { .. }
            | Self::UpdateGuardrail { .. }
            | Self::TagGuardrail { .. }
            | Self::UntagGuardrail { .. }
            | Self::PublishVersion { .. }
            | Self::DeleteGuardrail { .. }
            | Self::DeleteVersion { .. }
            | Self::PutResourcePolicy { .. }
            | Self::DeleteResourcePolicy { .. }
            | Self::EnablePolicyType { .. }
            | Self::PutLogging { .. }
            | Self::DeleteLogging { .. } => None,
        }
    }

    /// The call by which somebody else can have made this step necessary, where it corrects drift:
    /// the `EventName` in CloudTrail.
    pub fn undone_by(&self) -> &'static str {
        match self {
            Self::Control(step) => step.undone_by(),
            Self::UpdateGuardrail { .. } => "UpdateGuardrail",
            Self::CreateGuardrail { .. }
            | Self::PublishVersion { .. }
            | Self::DeleteVersion { .. } => "DeleteGuardrail",
            Self::DeleteGuardrail { .. } => "CreateGuardrail",
            Self::TagGuardrail { .. } | Self::TagPolicy { .. } => "UntagResource",
            Self::UntagGuardrail { .. } => "TagResource",
            Self::PutResourcePolicy { previous: None, .. } => "DeleteResourcePolicy",
            Self::PutResourcePolicy { .. } | Self::DeleteResourcePolicy { .. } => {
                "PutResourcePolicy"
            }
            Self::EnablePolicyType { .. } => "DisablePolicyType",
            Self::CreatePolicy { .. } => "DeletePolicy",
            Self::UpdatePolicy { .. } | Self::RenamePolicy { .. } | Self::DropRegions { .. } => {
                "UpdatePolicy"
            }
            Self::DeletePolicy { .. } => "CreatePolicy",
            Self::AttachPolicy { .. } => "DetachPolicy",
            Self::DetachPolicy { .. } => "AttachPolicy",
            Self::PutLogging { is_update: false, .. } => {
                "DeleteModelInvocationLoggingConfiguration"
            }
            Self::PutLogging { .. } | Self::DeleteLogging { .. } => {
                "PutModelInvocationLoggingConfiguration"
            }
            Self::PutEnforced { config_id: None, .. } => "DeleteEnforcedGuardrailConfiguration",
            Self::PutEnforced { .. } | Self::DeleteEnforced { .. } => {
                "PutEnforcedGuardrailConfiguration"
            }
        }
    }

    /// Whether somebody else's call of this name can have made this step necessary, where it corrects
    /// drift.
    pub fn can_be_undone_by(&self, event_name: &str) -> bool {
        let name = self.undone_by();
        let is_of_tags = |name: &str| matches!(name, "TagResource" | "UntagResource");
        // A tag that has another value was set, not removed.
        name == event_name || is_of_tags(name) && is_of_tags(event_name)
    }

    /// The command that asks CloudTrail who made this step necessary. CloudTrail keeps calls of
    /// Organizations in the Region where its endpoint is.
    pub fn cloudtrail_query(&self, partition: &str) -> String {
        let region = self.place().map(|cell| cell.region.to_string());
        let region = region.unwrap_or_else(|| organizations_region(partition).to_owned());
        format!(
            "aws cloudtrail lookup-events --region {region} --lookup-attributes \
             AttributeKey=EventName,AttributeValue={}",
            self.undone_by()
        )
    }
}

fn organizations_region(partition: &str) -> &'static str {
    match partition {
        "aws-us-gov" => "us-gov-west-1",
        "aws-cn" => "cn-northwest-1",
        _ => "us-east-1",
    }
}

/// The plan without the steps of one sort, and with the reason in their place if there were any.
pub(super) fn without_steps(mut plan: Plan, sort: impl Fn(&Step) -> bool, held: Held) -> Plan {
    let all = plan.steps.len();
    plan.steps.retain(|step| !sort(step));
    if plan.steps.len() < all {
        plan.hold(held);
    }
    plan
}

/// The plan without what weakens protection, while the journal cannot be written. What restores
/// protection stays.
#[must_use]
pub fn without_journal(plan: Plan, error: &str) -> Plan {
    without_steps(plan, Step::weakens, held_for_journal(error))
}

/// Why a step waits that the journal cannot take.
pub fn held_for_journal(error: &str) -> Held {
    let message = format!(
        "the journal cannot be written ({error}), so that nothing is taken away and nothing becomes \
         weaker; what protects goes on. Make room, or mend the path that --journal names"
    );
    Held::after(HoldReason::JournalDegraded, TRIED_AGAIN, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldChange;
    use crate::plan::fixture::{confirmed, guardrail_arn};

    fn update(strength: Option<Strength>) -> Step {
        let change = FieldChange { strength, ..FieldChange::new("path", None, None) };
        Step::TagGuardrail {
            arn: guardrail_arn(),
            tags: std::collections::BTreeMap::new(),
            changes: vec![change],
        }
    }

    #[test]
    fn without_a_journal_nothing_weakens_and_what_protects_goes_on() {
        let delete = Step::DeleteGuardrail { arn: guardrail_arn(), confirmed: confirmed() };
        let kept = [update(None), update(Some(Strength::Stronger))];
        let lost = [update(Some(Strength::Weaker)), update(Some(Strength::Mixed)), delete];
        let steps = kept.iter().chain(&lost).cloned().collect();
        let plan = without_journal(Plan { steps, ..Plan::default() }, "No space left on device");
        assert_eq!(plan.steps, kept);
        let held: Vec<&str> = plan.held.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(held, ["JournalDegraded"]);
        assert!(plan.held.iter().all(|it| it.message.contains("No space left")));
        assert_eq!(without_journal(Plan::default(), "any"), Plan::default());
    }

    #[test]
    fn who_undid_it_is_asked_where_cloudtrail_keeps_it() {
        let step = update(None);
        let query = step.cloudtrail_query("aws");
        assert!(query.contains(&format!("--region {} ", guardrail_arn().region)), "{query}");
        assert!(query.ends_with("AttributeValue=UntagResource"), "{query}");
        let can_be = |name| step.can_be_undone_by(name);
        assert!(can_be("UntagResource") && can_be("TagResource") && !can_be("UpdateGuardrail"));
        let step = Step::DeleteGuardrail { arn: guardrail_arn(), confirmed: confirmed() };
        assert!(step.can_be_undone_by("CreateGuardrail") && !step.can_be_undone_by("TagResource"));
    }
}
