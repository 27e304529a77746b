//! Waves of targets of an organization enforcement to lanes: targets that move before the rest.

use super::super::manifests::{Enforcement, Rollout};
use super::refusal;
use super::rollouts::{arranged, empty};
use super::select::Tree;
use crate::model::{Attachments, Desired, SelectedWave, TargetRollout};

/// What the waves of a rollout mean. `None` while the enforcement itself cannot be resolved.
pub(super) fn target_rollout(
    enforcement: &Enforcement,
    rollout: &Rollout,
    text: String,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> Option<TargetRollout> {
    let selected = select(enforcement, rollout, tree, desired);
    let targets = &desired.organization.get(&enforcement.name)?.targets;
    let waves = rollout.waves.iter().take(selected.len()).map(empty).collect();
    let attached = Attachments { targets, regions: &enforcement.regions, fleet: tree.fleet };
    Some(TargetRollout::arranged(arranged(rollout, waves, text), &selected, attached))
}

/// The waves up to the first that cannot be told: what would be in it must not be taken for a part
/// of a later one.
fn select(
    enforcement: &Enforcement,
    rollout: &Rollout,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> Vec<SelectedWave> {
    let mut waves = Vec::new();
    let mut is_resolved = true;
    for (index, wave) in rollout.waves.iter().enumerate() {
        let mut selected = SelectedWave { regions: wave.regions.clone(), ..Default::default() };
        for (target, selector) in wave.targets.iter().enumerate() {
            match tree.targets(selector) {
                Ok(found) => selected.targets.extend(found),
                Err(message) => {
                    is_resolved = false;
                    let field = format!("spec.rollout.waves[{index}].targets[{target}]");
                    let kind = "OrganizationEnforcement";
                    desired.refusals.insert(refusal(kind, &enforcement.name, &field, message));
                }
            }
        }
        if is_resolved {
            waves.push(selected);
        }
    }
    waves
}
