//! Rollouts to places: every cell of an account enforcement, and every Region of an organization
//! enforcement (at each target, where waves name targets), belongs to the first wave that selects it.

use std::collections::BTreeSet;

use super::super::manifests::{
    AccountEnforcement, Enforcement, Manifests, OrganizationEnforcement, Rollout, Wave,
};
use super::select::Tree;
use super::{grounds, refusal};
use crate::model::{
    AccountId, Cell, Desired, DesiredRollout, DesiredWave, EnforcementKey, EnforcementKind, Name,
    Presence, Region,
};

/// Digits of the hash of a text: as many as tell two texts apart that one person wrote.
const TEXT_DIGITS: usize = 12;

/// Adds the rollout of every enforcement that has one. Comes last: its cells and the hash
/// of its text must be known.
pub(super) fn arrange(manifests: &Manifests, tree: &Tree<'_>, desired: &mut Desired) {
    for AccountEnforcement { enforcement, .. } in manifests.account_enforcements.values() {
        let Some(rollout) = of(enforcement) else { continue };
        let selected = select(&enforcement.name, rollout, tree, desired);
        let mut waves: Vec<DesiredWave<Cell>> =
            selected.iter().map(|it| it.wave).map(empty).collect();
        for (cell, claim) in &desired.cells {
            let is_ours = claim.enforcement == enforcement.name;
            let wave = selected.iter().position(|wave| is_ours && wave.has(cell));
            if let Some(wave) = wave.and_then(|wave| waves.get_mut(wave)) {
                wave.places.insert(cell.clone());
            }
        }
        let text = text(EnforcementKind::Account, enforcement, desired);
        desired.rollouts.insert(enforcement.name.clone(), arranged(rollout, waves, text));
    }
    for OrganizationEnforcement { enforcement, .. } in manifests.organization_enforcements.values()
    {
        let Some(rollout) = of(enforcement) else { continue };
        let text = text(EnforcementKind::Organization, enforcement, desired);
        if rollout.waves.iter().any(|wave| !wave.targets.is_empty()) {
            let found = grounds::target_rollout(enforcement, rollout, text, tree, desired);
            desired.target_rollouts.extend(found.map(|it| (enforcement.name.clone(), it)));
            continue;
        }
        let mut waves: Vec<DesiredWave<Region>> = rollout.waves.iter().map(empty).collect();
        for region in &enforcement.regions {
            let has = |wave: &Wave| wave.regions.is_empty() || wave.regions.contains(region);
            let wave = rollout.waves.iter().position(has);
            if let Some(wave) = wave.and_then(|wave| waves.get_mut(wave)) {
                wave.places.insert(region.clone());
            }
        }
        let arranged = arranged(rollout, waves, text);
        desired.organization_rollouts.insert(enforcement.name.clone(), arranged);
    }
}

/// The rollout of an enforcement; what is Absent has none.
fn of(enforcement: &Enforcement) -> Option<&Rollout> {
    enforcement.rollout.as_ref().filter(|_| enforcement.state == Presence::Present)
}

fn text(kind: EnforcementKind, enforcement: &Enforcement, desired: &Desired) -> String {
    let key = EnforcementKey { kind, name: enforcement.name.clone() };
    let hash = desired.enforcements.get(&key).map(|it| it.spec_hash.as_str());
    hash.and_then(|hash| hash.get(..TEXT_DIGITS)).unwrap_or_default().to_owned()
}

pub(super) fn arranged<P: Ord>(
    rollout: &Rollout,
    waves: Vec<DesiredWave<P>>,
    text: String,
) -> DesiredRollout<P> {
    DesiredRollout {
        is_unresolved: waves.len() < rollout.waves.len(),
        waves,
        gate: rollout.gate.clone(),
        on_failure: rollout.on_failure,
        is_paused: rollout.is_paused,
        text,
    }
}

/// A wave and the accounts it means.
struct Selected<'a> {
    wave: &'a Wave,
    /// `None` for all.
    accounts: Option<BTreeSet<AccountId>>,
}

impl Selected<'_> {
    fn has(&self, cell: &Cell) -> bool {
        self.accounts.as_ref().is_none_or(|accounts| accounts.contains(&cell.account))
            && (self.wave.regions.is_empty() || self.wave.regions.contains(&cell.region))
    }
}

/// What the waves mean, up to the first that cannot be told: what would be in it must not be taken
/// for a part of a later one.
fn select<'a>(
    name: &Name,
    rollout: &'a Rollout,
    tree: &Tree<'_>,
    desired: &mut Desired,
) -> Vec<Selected<'a>> {
    let mut waves = Vec::new();
    let mut is_resolved = true;
    for (index, wave) in rollout.waves.iter().enumerate() {
        let mut accounts = BTreeSet::new();
        for (target, selector) in wave.targets.iter().enumerate() {
            match tree.accounts(selector) {
                Ok(found) => accounts.extend(found.into_iter().map(|it| it.id.clone())),
                Err(message) => {
                    is_resolved = false;
                    let field = format!("spec.rollout.waves[{index}].targets[{target}]");
                    desired.refusals.insert(refusal("AccountEnforcement", name, &field, message));
                }
            }
        }
        if is_resolved {
            let accounts = (!wave.targets.is_empty()).then_some(accounts);
            waves.push(Selected { wave, accounts });
        }
    }
    waves
}

pub(super) fn empty<P: Ord>(wave: &Wave) -> DesiredWave<P> {
    DesiredWave { name: wave.name.clone(), places: BTreeSet::new(), bake: wave.bake }
}
