//! Takes away what a policy replaces, what a text gave up, or all of a manifest.

use std::time::Duration;

use super::find::{Matched, Own};
use super::keep::Visit;
use super::step::{ControlStep, Leaving, attachment, removal};
use crate::model::{OnDeselect, Selection, TargetId, marks_of_target};
use crate::plan::confirm::Sightings;
use crate::plan::context::Context;
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// What the text says of a target that it does not name.
enum Standing {
    /// Something of the manifest is in force there, or above, that says what it says now.
    Covered,
    /// The text gave it up, or releases what leaves its selection.
    GivenUp,
    /// It left the selection although the text is unchanged, or was never in it.
    Deselected,
}

impl<'a> Visit<'a> {
    /// Whether something is attached that the text gave up.
    pub(super) fn has_left_over(&self, own: &[Own<'a>], recorded: &Selection) -> bool {
        let mut attached = own.iter().flat_map(|it| &it.body.targets);
        attached.any(|target| !self.is_covered(target) && self.gave_up(target, Some(recorded)))
    }

    fn gave_up(&self, target: &TargetId, recorded: Option<&Selection>) -> bool {
        let marks = marks_of_target(target, self.fleet);
        recorded.is_some_and(|old| old.gave_up_target(&self.desired.selection, target, &marks))
    }

    fn standing(&self, target: &TargetId, recorded: Option<&Selection>) -> Standing {
        if self.is_covered(target) {
            Standing::Covered
        } else if self.gave_up(target, recorded) || self.desired.on_deselect == OnDeselect::Release
        {
            Standing::GivenUp
        } else {
            Standing::Deselected
        }
    }

    /// Once what the manifest says is in force at every target: takes off what said something else,
    /// and what the text gave up. What left the selection by itself stays as it is.
    pub(super) fn retire(
        &self,
        found: &Matched<'a>,
        own: &[Own<'a>],
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        let recorded = Self::recorded(own);
        let mut confirming = None;
        for own in found.current.values() {
            for target in &self.desired.targets {
                memory.reset(&attachment(&own.live.id, target));
            }
            for target in own.body.targets.difference(&self.desired.targets) {
                let wait = self.leave((own, target), recorded.as_ref(), memory, plan);
                confirming = confirming.max(wait);
            }
        }
        for own in &found.outdated {
            for target in &own.body.targets {
                let wait = self.leave((own, target), recorded.as_ref(), memory, plan);
                confirming = confirming.max(wait);
            }
            confirming = confirming.max(self.delete(own, memory, plan));
        }
        self.confirming(confirming, plan);
    }

    /// Takes a policy off a target that the manifest does not name, if the text says so; how long
    /// until that is confirmed, if it is not.
    fn leave(
        &self,
        (own, target): (&Own<'a>, &TargetId),
        recorded: Option<&Selection>,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) -> Option<Duration> {
        match self.standing(target, recorded) {
            Standing::Covered => self.detach((own, target), Leaving::Replaced, memory, plan),
            Standing::GivenUp => {
                plan.losses.push(self.loss(&self.what(), target));
                self.detach((own, target), Leaving::GivenUp, memory, plan)
            }
            Standing::Deselected => {
                memory.reset(&attachment(&own.live.id, target));
                let message = format!(
                    "{} ({}) is attached to {}, which the manifest does not name (Deselected, no \
                     text gave it up); it is left alone: name it, or detach the policy by hand",
                    self.what(),
                    own.live.id,
                    self.fleet.describe(target)
                );
                plan.orphan(format!("{} at {target}", own.live.id), message);
                None
            }
        }
    }

    /// The hold for a policy that AWS leaves where it is, because nothing else is there.
    pub(super) fn is_last(&self, policy: &str, target: &TargetId) -> Held {
        let message = format!(
            "{policy} is the only one at {}, and AWS lets no target be without; attach FullAWSAccess \
             there",
            self.fleet.describe(target)
        );
        Held::for_person(HoldReason::Quota, message)
    }

    fn detach(
        &self,
        (own, target): (&Own<'a>, &TargetId),
        leaving: impl Fn(crate::plan::confirm::Confirmed) -> Leaving,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) -> Option<Duration> {
        let id = &own.live.id;
        match self.keeps_another(id, target, plan) {
            Ok(true) if !self.was_refused(id, target, memory) => {}
            Ok(_) => {
                plan.hold(self.is_last(&self.what(), target));
                return None;
            }
            Err(held) => {
                plan.hold(held);
                return None;
            }
        }
        let Context { now, timing, .. } = *self.context;
        match memory.confirm_removable(&attachment(id, target), self.seen, now, timing) {
            Ok(confirmed) => {
                plan.steps.push(Step::Control(ControlStep::Detach {
                    manifest: self.name.clone(),
                    id: id.clone(),
                    target: target.clone(),
                    leaving: leaving(confirmed),
                }));
                None
            }
            Err(wait) => Some(wait),
        }
    }

    fn delete(&self, own: &Own<'a>, memory: &mut Sightings, plan: &mut Plan) -> Option<Duration> {
        let object = removal(&own.live.id);
        if !own.body.targets.is_empty() {
            memory.reset(&object);
            return None;
        }
        let Context { now, timing, .. } = *self.context;
        match memory.confirm_removable(&object, self.seen, now, timing) {
            Ok(confirmed) => {
                plan.steps.push(Step::Control(ControlStep::Delete {
                    manifest: self.name.clone(),
                    id: own.live.id.clone(),
                    confirmed,
                }));
                None
            }
            Err(wait) => Some(wait),
        }
    }

    fn confirming(&self, wait: Option<Duration>, plan: &mut Plan) {
        if let Some(wait) = wait {
            let message = format!(
                "a policy of {} will be taken down once a second complete read confirms it",
                self.name
            );
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }

    /// Takes down all policies of a manifest that is `Absent`.
    pub(super) fn remove(&self, own: &[Own<'a>], memory: &mut Sightings, plan: &mut Plan) {
        let mut confirming = None;
        for own in own {
            for target in &own.body.targets {
                plan.losses.push(self.loss(&self.what(), target));
                let wait = self.detach((own, target), Leaving::GivenUp, memory, plan);
                confirming = confirming.max(wait);
            }
            confirming = confirming.max(self.delete(own, memory, plan));
        }
        self.confirming(confirming, plan);
    }
}
