//! Service control policies to attachments.

use std::collections::BTreeSet;

use super::super::control::ServiceControlPolicy;
use super::super::manifests::{Manifests, Rollout, Selector, Wave};
use super::consent::{SPEC_DIGITS, mark};
use super::refusal;
use super::select::Tree;
use crate::model::{ControlStage, Desired, DesiredControl, Presence, Selection, TargetId, digits};

const KIND: &str = "ServiceControlPolicy";

/// Every selector of service control policies.
pub(super) fn selectors(manifests: &Manifests) -> impl Iterator<Item = &Selector> {
    manifests.service_controls.values().flat_map(|it| {
        let waves = it.rollout.iter().flat_map(|rollout| &rollout.waves);
        it.targets.iter().chain(waves.flat_map(|wave| &wave.targets))
    })
}

/// Adds every service control policy, those that cannot be resolved too: what is theirs must not be
/// taken for something that no manifest describes.
pub(super) fn attach(manifests: &Manifests, tree: &Tree<'_>, desired: &mut Desired) {
    for manifest in manifests.service_controls.values() {
        let control = control(manifest, tree, desired);
        desired.controls.insert(manifest.name.clone(), control);
    }
}

fn control(
    manifest: &ServiceControlPolicy,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> DesiredControl {
    // Destructured, so that a new field cannot be left out of the hash by mistake.
    let ServiceControlPolicy {
        name,
        former_names,
        origin: _,
        form,
        policy_name,
        targets: selectors,
        attachment,
        on_deselect,
        state,
        adopt,
        rollout,
    } = manifest;
    let mut refuse = |field: String, message: String| {
        desired.refusals.insert(refusal(KIND, name, &field, message));
    };
    let mut is_unresolved = false;
    let mut targets = BTreeSet::new();
    for (index, selector) in selectors.iter().enumerate() {
        match tree.targets(selector) {
            Ok(found) => targets.extend(found),
            // To take something away, what is left of the selection is enough to go by.
            Err(_) if *state == Presence::Absent => {}
            Err(message) => {
                is_unresolved = true;
                refuse(format!("spec.targets[{index}]"), message);
            }
        }
    }
    let rollout = rollout.as_ref().filter(|_| *state == Presence::Present);
    let mut stages = Vec::new();
    // The last wave takes the rest: all targets.
    let waves = rollout.and_then(|it| it.waves.split_last()).map_or(&[][..], |(_, waves)| waves);
    for (index, wave) in waves.iter().enumerate() {
        match stage(wave, &targets, tree) {
            Ok(stage) => stages.push(stage),
            Err((target, message)) => {
                is_unresolved = true;
                refuse(format!("spec.rollout.waves[{index}].targets[{target}]"), message);
            }
        }
    }
    // To pause a rollout, or to go on with it, says nothing new of what is wanted.
    let said = rollout.map(|it| Rollout { is_paused: false, ..it.clone() });
    let spec = format!(
        "{form:?} {policy_name:?} {selectors:?} {attachment:?} {on_deselect:?} {state:?} {adopt} \
         {said:?}"
    );
    let marks = selectors.iter().map(mark).collect();
    DesiredControl {
        state: *state,
        form: form.clone(),
        policy_name: policy_name.clone(),
        former_names: former_names.clone(),
        targets,
        selection: Selection::new(*state, &BTreeSet::new(), marks),
        on_deselect: *on_deselect,
        is_unresolved,
        attachment: *attachment,
        adopt: *adopt,
        stages: rollout.map(|_| stages),
        is_paused: rollout.is_some_and(|it| it.is_paused),
        spec_hash: digits(&spec, SPEC_DIGITS),
    }
}

/// Where a wave attaches; the number of the target that is wrong, and why.
fn stage(
    wave: &Wave,
    targets: &BTreeSet<TargetId>,
    tree: &Tree<'_>,
) -> Result<ControlStage, (usize, String)> {
    let mut found = BTreeSet::new();
    for (index, selector) in wave.targets.iter().enumerate() {
        let resolved = tree.targets(selector).map_err(|message| (index, message))?;
        let is_outside = |target: &&TargetId| {
            let line = tree.fleet.lineage(target);
            !line.iter().any(|it| targets.contains(it))
        };
        if let Some(outside) = resolved.iter().find(is_outside) {
            let outside = tree.fleet.describe(outside);
            let message = format!(
                "{outside} is not below the targets of this manifest; a wave is a part of them"
            );
            return Err((index, message));
        }
        found.extend(resolved);
    }
    Ok(ControlStage { name: wave.name.clone(), targets: found, bake: wave.bake })
}
