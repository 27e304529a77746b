//! What is attached where, and whether there is room for more.

use std::time::Duration;

use serde_json::Value;

use super::find::Own;
use super::keep::Visit;
use super::step::{ControlStep, refused};
use crate::model::{
    Attachment, ControlBody, ObservedControl, PolicyId, Read, ServiceControl, ServiceControls,
    TargetId,
};
use crate::plan::confirm::Sightings;
use crate::plan::preflight::controls_are_fresh;
use crate::plan::step::{Held, HoldReason, Plan, Step};

/// How long AWS is believed that it takes no more policies at a target.
const REFUSED_FOR: Duration = Duration::from_mins(30);

impl<'a> Visit<'a> {
    /// Every service control policy with its document: those of others as read lately, ours as read
    /// now. Asks for a read where the last is too old.
    pub(super) fn controls(&self, plan: &mut Plan) -> Result<ServiceControls, Held> {
        let context = self.context;
        let is_fresh = controls_are_fresh(context.facts, context.now, context.timing);
        let (Some(read), true) = (&context.facts.controls, is_fresh) else {
            plan.needs_controls = true;
            let message = format!("{}: what others say there is read first", self.what());
            return Err(Held::for_fact(HoldReason::Preflight, message));
        };
        let mut controls = match read {
            Read::Known(controls) => controls.clone(),
            Read::KnownAbsent => ServiceControls::new(),
            Read::Unknown(unread) => {
                let held = Held::unread("the service control policies", unread, context);
                return Err(held.prefixed(&self.what()));
            }
        };
        controls.retain(|id, _| self.observed.policies.contains_key(id));
        let ours = self.observed.policies.values();
        for ObservedControl { id, name, body, .. } in ours {
            let Some(ControlBody { content, targets }) = body else { continue };
            let control = ServiceControl {
                id: id.clone(),
                name: name.clone(),
                content: content.clone(),
                targets: targets.clone(),
            };
            controls.insert(id.clone(), control);
        }
        Ok(controls)
    }

    /// The same once all of the manifest is done.
    pub(super) fn intended(
        &self,
        live: &ServiceControls,
        documents: &[Value],
        own: &[Own<'a>],
    ) -> ServiceControls {
        let mut intended = live.clone();
        intended.retain(|id, _| own.iter().all(|it| it.live.id != *id));
        if self.desired.attachment == Attachment::Exclusive {
            for control in intended.values_mut().filter(|it| self.is_foreign(&it.id)) {
                control.targets.retain(|target| !self.desired.targets.contains(target));
            }
        }
        for (number, document) in documents.iter().enumerate() {
            let Ok(id) = format!("p-intended_{number:04}").parse::<PolicyId>() else { continue };
            let control = ServiceControl {
                id: id.clone(),
                name: self.name.to_string(),
                content: document.clone(),
                targets: self.desired.targets.clone(),
            };
            intended.insert(id, control);
        }
        intended
    }

    /// Whether a policy is somebody else's who has no installation of Bedrail: not AWS's own.
    pub(super) fn is_foreign(&self, id: &PolicyId) -> bool {
        let policy = self.observed.policies.get(id);
        policy.is_some_and(|it| !it.is_aws_managed && it.marks.owner.is_none())
    }

    /// Attaches its policies where they are missing and there is room.
    pub(super) fn attach(
        &self,
        own: &Own<'a>,
        target: &TargetId,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) {
        if own.body.targets.contains(target) {
            return;
        }
        match self.has_room(own, target, memory, plan) {
            Ok(()) => plan.steps.push(Step::Control(ControlStep::Attach {
                manifest: self.name.clone(),
                id: own.live.id.clone(),
                target: target.clone(),
            })),
            Err(held) => plan.hold(held),
        }
    }

    fn has_room(
        &self,
        own: &Own<'a>,
        target: &TargetId,
        memory: &mut Sightings,
        plan: &mut Plan,
    ) -> Result<(), Held> {
        let there = self.fleet.describe(target);
        if self.was_refused(&own.live.id, target, memory) {
            let message = format!(
                "{} will be attached to {there}: AWS takes no more policies there; detach one",
                self.what()
            );
            return Err(Held::for_person(HoldReason::Quota, message));
        }
        let controls = self.controls(plan)?;
        let is_coming = |step: &&Step| matches!(step, Step::Control(ControlStep::Attach { target: other, .. }) if other == target);
        let attached: Vec<&str> = controls
            .values()
            .filter(|it| it.targets.contains(target))
            .map(|it| it.name.as_str())
            .collect();
        let coming = plan.steps.iter().filter(is_coming).count();
        if attached.len() + coming < self.limits.attachments_max {
            return Ok(());
        }
        let message = format!(
            "{} will be attached to {there}, where {} are already ({}): a target takes {} \
             (`--scp-attachments-max`); detach one of them",
            self.what(),
            attached.len() + coming,
            attached.join(", "),
            self.limits.attachments_max
        );
        Err(Held::for_person(HoldReason::Quota, message))
    }

    /// Whether AWS refused to change an attachment for one of its limits, not long ago.
    pub(super) fn was_refused(
        &self,
        id: &PolicyId,
        target: &TargetId,
        memory: &mut Sightings,
    ) -> bool {
        let note = refused(id, target);
        if !memory.is_noticed(&note) {
            return false;
        }
        if memory.noticed(&note, self.context.now) < REFUSED_FOR {
            return true;
        }
        memory.forget(&note);
        false
    }

    /// Whether a target has another policy than this one once what is planned is done: AWS lets no
    /// level be without.
    pub(super) fn keeps_another(
        &self,
        id: &PolicyId,
        target: &TargetId,
        plan: &mut Plan,
    ) -> Result<bool, Held> {
        let controls = self.controls(plan)?;
        let leaves = |other: &PolicyId| {
            plan.steps.iter().any(|step| {
                matches!(step, Step::Control(ControlStep::Detach { id, target: from, .. })
                    if id == other && from == target)
            })
        };
        let mut there = controls.values().filter(|it| it.targets.contains(target));
        Ok(there.any(|it| it.id != *id && !leaves(&it.id)))
    }
}
