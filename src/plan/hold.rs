//! Builds what a plan says instead of acting.

use std::fmt::Display;
use std::time::Duration;

use super::context::Context;
use super::describe::Effect;
use super::step::{Held, HoldReason, Orphan, Plan, Until};
use crate::model::{Refusal, Unread};

/// Accounts named in a message before it only counts them.
const NAMED_MAX: usize = 5;

impl Held {
    /// Held until time has passed.
    pub(super) fn after(reason: HoldReason, wait: Duration, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), until: Until::After(wait) }
    }

    /// Held until another key's visit learns something.
    pub(super) fn for_fact(reason: HoldReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), until: Until::Fact }
    }

    /// Held until a person does something.
    pub(super) fn for_person(reason: HoldReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), until: Until::Person }
    }

    /// The same, with what it is about in front.
    pub(super) fn prefixed(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Held because a read of this visit failed. A refused read is not asked again by time alone:
    /// the resync will notice when somebody grants it.
    pub(super) fn unread(what: &str, unread: &Unread, context: &Context) -> Self {
        let message = format!("{what} could not be read ({}): {}", unread.class, unread.message);
        match unread.class {
            "RegionUnavailable" => Self::for_person(HoldReason::RegionUnavailable, message),
            "RoleNotAssumable" => Self::for_person(HoldReason::RoleNotAssumable, message),
            "Denied" | "Invalid" => Self::for_person(HoldReason::Unreadable, message),
            _ => Self::after(HoldReason::Unreadable, context.timing.own_write_grace, message),
        }
    }
}

impl Plan {
    /// Two plans of one key as one, with what protects first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        // Destructured, so that a new field cannot be left out by mistake.
        let Self {
            steps,
            held,
            refusals,
            orphans,
            needs,
            asks,
            needs_policies,
            needs_probes,
            needs_callers,
            needs_access,
            needs_controls,
            warnings,
            trials,
            progress,
            losses,
            is_unsettled,
            exam,
        } = other;
        self.steps.extend(steps);
        self.steps.sort_by_key(|step| step.effect() == Effect::Delete);
        self.held.extend(held);
        self.refusals.extend(refusals);
        self.orphans.extend(orphans);
        self.needs.extend(needs);
        self.asks.extend(asks);
        self.needs_policies |= needs_policies;
        self.needs_probes.extend(needs_probes);
        self.needs_callers.extend(needs_callers);
        self.needs_access.extend(needs_access);
        self.needs_controls |= needs_controls;
        self.warnings.extend(warnings);
        self.trials.extend(trials);
        self.progress.extend(progress);
        self.losses.extend(losses);
        self.is_unsettled |= is_unsettled;
        self.exam = self.exam.or(exam);
        self
    }

    /// Notes something that is not done now.
    pub(super) fn hold(&mut self, held: Held) {
        self.held.push(held);
    }

    /// Notes something that will not be done until a manifest changes.
    pub(super) fn refuse(&mut self, manifest: String, message: String) {
        self.refusals.push(Refusal { manifest, field: "metadata.name".to_owned(), message });
    }

    /// Notes something live that nothing describes any more.
    pub(super) fn orphan(&mut self, object: impl Display, message: String) {
        self.orphans.push(Orphan { object: object.to_string(), message });
    }
}

/// Lists the first few and counts the rest: `a, b and 7 more`.
pub(super) fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let named: Vec<&str> = all.iter().take(NAMED_MAX).map(String::as_str).collect();
    match all.len().saturating_sub(NAMED_MAX) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::{MEMBER, OTHER, ROOT, World, cell, confirmed};
    use crate::plan::step::Step;

    #[test]
    fn what_could_not_be_read_waits_for_whoever_can_change_that() {
        let world = World::new();
        let context = world.context();
        let rows = [
            ("RegionUnavailable", HoldReason::RegionUnavailable, Until::Person),
            ("RoleNotAssumable", HoldReason::RoleNotAssumable, Until::Person),
            ("Denied", HoldReason::Unreadable, Until::Person),
            ("Invalid", HoldReason::Unreadable, Until::Person),
            ("Throttled", HoldReason::Unreadable, Until::After(context.timing.own_write_grace)),
        ];
        for (class, reason, until) in rows {
            let unread = Unread { class, message: "so it said".to_owned() };
            let held = Held::unread("the slot", &unread, &context).prefixed("here");
            let message = format!("here: the slot could not be read ({class}): so it said");
            assert_eq!(held, Held { reason, message, until });
        }
    }

    #[test]
    fn of_two_plans_nothing_is_lost_and_what_protects_comes_first() {
        let delete = |account: &str| Step::DeleteEnforced {
            cell: cell(account),
            enforcement: "everywhere".parse().unwrap(),
            config_id: "config".parse().unwrap(),
            parent: ROOT.parse().unwrap(),
            changes: Vec::new(),
            confirmed: confirmed(),
        };
        let release = delete(MEMBER);
        let attach = Step::EnablePolicyType { root: ROOT.parse().unwrap() };
        let mut one = Plan { steps: vec![release.clone()], ..Plan::default() };
        one.hold(Held::for_fact(HoldReason::Unreadable, "one"));
        let mut other = Plan { steps: vec![attach.clone()], ..Plan::default() };
        other.hold(Held::for_person(HoldReason::Unreadable, "other"));
        other.orphan("object", "left".to_owned());
        other.needs.push(cell(OTHER));
        let both = one.clone().and(other.clone());
        assert_eq!(both.steps, [attach, release]);
        assert_eq!(both.held, [one.held.clone(), other.held.clone()].concat());
        assert_eq!((&both.orphans, &both.needs), (&other.orphans, &other.needs));
        assert_eq!(one.clone().and(Plan::default()), one);
        assert_eq!(Plan::default().and(one.clone()), one);
    }

    #[test]
    fn what_either_of_two_plans_asks_for_both_ask_for() {
        let asks = |policies, controls, unsettled| Plan {
            needs_policies: policies,
            needs_controls: controls,
            is_unsettled: unsettled,
            ..Plan::default()
        };
        let kinds = [asks(true, false, false), asks(false, true, false), asks(false, false, true)];
        for plan in kinds {
            assert_eq!(plan.clone().and(Plan::default()), plan);
            assert_eq!(Plan::default().and(plan.clone()), plan);
            assert_eq!(plan.clone().and(plan.clone()), plan);
        }
    }
}
