//! Stands between a plan and its execution.

use super::describe::Effect;
use super::step::{Plan, Step};
use crate::model::GuardrailArn;

/// What we may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Carry out what passes review.
    Act,
    /// Only show it.
    ObserveOnly,
}

/// A plan that passed review. Only [`review`] makes one, and only such a plan is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovedPlan(Plan);

impl ApprovedPlan {
    /// The steps, in the order in which they are carried out.
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The plan, for the outcome of the visit.
    pub fn into_plan(self) -> Plan {
        self.0
    }
}

/// Why a plan is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithheldReason {
    /// We only observe.
    ObserveOnly,
    /// A step takes something away before another that builds: a mistake of the planner, so
    /// nothing of the plan is done.
    OutOfOrder,
    /// A guardrail is changed and published in one plan: what is published would not have been
    /// read back. A mistake of the planner too.
    PublishesUnread,
}

impl WithheldReason {
    /// CamelCase: condition reason, metric label and log field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ObserveOnly => "ObserveOnly",
            Self::OutOfOrder => "OutOfOrder",
            Self::PublishesUnread => "PublishesUnread",
        }
    }
}

/// What review says of a plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Carry it out.
    Approved(ApprovedPlan),
    /// Show it, and do nothing of it.
    Withheld {
        /// As it was given.
        plan: Plan,
        /// Why.
        reason: WithheldReason,
    },
}

/// Reviews one plan. A plan without steps always passes: there is nothing to withhold.
pub fn review(plan: Plan, mode: Mode) -> Verdict {
    let reason = match mode {
        _ if plan.steps.is_empty() => None,
        Mode::ObserveOnly => Some(WithheldReason::ObserveOnly),
        Mode::Act if !protects_first(&plan.steps) => Some(WithheldReason::OutOfOrder),
        Mode::Act if publishes_unread(&plan.steps) => Some(WithheldReason::PublishesUnread),
        Mode::Act => None,
    };
    match reason {
        Some(reason) => Verdict::Withheld { plan, reason },
        None => Verdict::Approved(ApprovedPlan(plan)),
    }
}

fn protects_first(steps: &[Step]) -> bool {
    steps.is_sorted_by_key(|step| step.effect() == Effect::Delete)
}

fn publishes_unread(steps: &[Step]) -> bool {
    let updates = |published: &GuardrailArn| {
        let same =
            |step: &Step| matches!(step, Step::UpdateGuardrail { arn, .. } if arn == published);
        steps.iter().any(same)
    };
    steps.iter().any(|step| matches!(step, Step::PublishVersion { arn, .. } if updates(arn)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::{arn, confirmed, content, guardrail_arn};

    fn plan(steps: Vec<Step>) -> Plan {
        Plan { steps, ..Plan::default() }
    }

    fn attach() -> Step {
        Step::AttachPolicy {
            enforcement: "e".parse().unwrap(),
            id: "p-abcdefgh".parse().unwrap(),
            target: "r-ab12".parse().unwrap(),
            grants: Vec::new(),
        }
    }

    fn delete() -> Step {
        Step::DeleteGuardrail { arn: guardrail_arn(), confirmed: confirmed() }
    }

    fn reason(plan: Plan, mode: Mode) -> Option<WithheldReason> {
        match review(plan, mode) {
            Verdict::Approved(_) => None,
            Verdict::Withheld { reason, .. } => Some(reason),
        }
    }

    #[test]
    fn what_takes_away_before_it_protects_is_withheld() {
        assert_eq!(reason(plan(vec![attach(), delete()]), Mode::Act), None);
        let reversed = plan(vec![delete(), attach()]);
        assert_eq!(reason(reversed, Mode::Act), Some(WithheldReason::OutOfOrder));
    }

    #[test]
    fn what_is_published_was_read_back_after_it_was_changed() {
        let update = |id: &str| Step::UpdateGuardrail {
            arn: arn(id),
            name: "baseline".parse().unwrap(),
            content: content("new"),
            changes: Vec::new(),
        };
        let publish = |id: &str| Step::PublishVersion {
            arn: arn(id),
            content: content("new"),
            revision: content("new").revision(),
            replica_revision: content("new").replica_revision(),
            description: String::new(),
            token: String::new(),
        };
        let unread = Some(WithheldReason::PublishesUnread);
        for steps in [[update("a"), publish("a")], [publish("a"), update("a")]] {
            assert_eq!(reason(plan(steps.into()), Mode::Act), unread);
        }
        assert_eq!(reason(plan(vec![update("b"), publish("a")]), Mode::Act), None);
        assert_eq!(reason(plan(vec![publish("a"), publish("b")]), Mode::Act), None);
        assert_eq!(reason(plan(vec![update("a"), attach()]), Mode::Act), None);
    }

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words = [
            WithheldReason::ObserveOnly,
            WithheldReason::OutOfOrder,
            WithheldReason::PublishesUnread,
        ]
        .map(WithheldReason::as_str);
        assert_eq!(words, ["ObserveOnly", "OutOfOrder", "PublishesUnread"]);
    }

    #[test]
    fn observing_approves_no_step() {
        assert_eq!(
            reason(plan(vec![attach()]), Mode::ObserveOnly),
            Some(WithheldReason::ObserveOnly)
        );
        assert_eq!(reason(Plan::default(), Mode::ObserveOnly), None);
    }

    #[test]
    fn an_approved_plan_is_the_plan_that_was_given() {
        let given = plan(vec![attach(), delete()]);
        let Verdict::Approved(approved) = review(given.clone(), Mode::Act) else { panic!() };
        assert_eq!(approved.steps(), given.steps);
        assert_eq!(approved.into_plan(), given);
    }
}
