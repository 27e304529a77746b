//! Takes policies of others off the targets of a manifest that is `Exclusive`.

use super::keep::Visit;
use super::step::{ControlStep, Leaving, attachment};
use crate::model::Attachment;
use crate::plan::confirm::Sightings;
use crate::plan::context::Context;
use crate::plan::step::{Held, HoldReason, Plan, Step};

impl Visit<'_> {
    /// Once its own are in force there. AWS's own stay, and so do those of other installations.
    pub(super) fn detach_foreign(&self, memory: &mut Sightings, plan: &mut Plan) {
        let is_additive = self.desired.attachment == Attachment::Additive;
        #[cfg(feature = "planted")]
        let is_additive =
            is_additive && !crate::planted::is(crate::planted::Planted::AdditiveTakenAsExclusive);
        if is_additive {
            return;
        }
        let controls = match self.controls(plan) {
            Ok(controls) => controls,
            Err(held) => return plan.hold(held),
        };
        let Context { now, timing, .. } = *self.context;
        let mut confirming = None;
        for control in controls.values().filter(|it| self.is_foreign(&it.id)) {
            for target in control.targets.intersection(&self.desired.targets) {
                let is_planned = plan.steps.iter().any(|step| {
                    matches!(step, Step::Control(ControlStep::Detach { id, target: from, .. })
                        if *id == control.id && from == target)
                });
                if is_planned {
                    continue;
                }
                if self.was_refused(&control.id, target, memory) {
                    let policy = format!("the service control policy {} of others", control.id);
                    plan.hold(self.is_last(&policy, target));
                    continue;
                }
                plan.losses.push(self.loss(control.id.as_str(), target));
                let object = attachment(&control.id, target);
                match memory.confirm_removable(&object, self.seen, now, timing) {
                    Ok(confirmed) => plan.steps.push(Step::Control(ControlStep::Detach {
                        manifest: self.name.clone(),
                        id: control.id.clone(),
                        target: target.clone(),
                        leaving: Leaving::Foreign(confirmed),
                    })),
                    Err(wait) => confirming = confirming.max(Some(wait)),
                }
            }
        }
        if let Some(wait) = confirming {
            // The second look is another read.
            plan.needs_controls = true;
            let message = format!(
                "policies of others leave the targets of {} once a second complete read confirms it",
                self.name
            );
            plan.hold(Held::after(HoldReason::Confirming, wait, message));
        }
    }
}
