//! What the text of each enforcement says, whatever it resolves to: what consent is measured by.

use super::super::manifests::{Enforcement, Manifests, Rollout, Selector};
use crate::model::{
    Desired, DesiredEnforcement, EnforcementKey, EnforcementKind, Selection, TargetMark, digits,
};

/// Hexadecimal digits of the hash of a manifest's spec.
pub(super) const SPEC_DIGITS: usize = 32;

/// Adds every enforcement and every approval. Comes last: what was refused must be known.
pub(super) fn state(manifests: &Manifests, desired: &mut Desired) {
    for it in manifests.organization_enforcements.values() {
        let mut more = format!("{} {}", it.allow_override, it.adopt);
        more.extend(it.policy_name.iter().map(|name| format!(" {name}")));
        add(EnforcementKind::Organization, &it.enforcement, &more, desired);
    }
    for it in manifests.account_enforcements.values() {
        let more = format!("{:?}", it.on_foreign);
        add(EnforcementKind::Account, &it.enforcement, &more, desired);
    }
    desired.approvals = manifests.approvals.values().cloned().collect();
}

fn add(kind: EnforcementKind, manifest: &Enforcement, more: &str, desired: &mut Desired) {
    // Destructured, so that a new field cannot be left out of the hash by mistake.
    let Enforcement {
        name,
        former_names,
        origin: _,
        guardrail,
        regions,
        settings,
        targets,
        on_deselect,
        state,
        // How it is proven says nothing new of what is wanted.
        preflight: _,
        rollout,
    } = manifest;
    let key = EnforcementKey { kind, name: name.clone() };
    let manifest = key.to_string();
    let is_unresolved = desired
        .refusals
        .iter()
        .any(|it| it.manifest == manifest && it.field.starts_with("spec.targets"));
    // To pause a rollout, or to go on with it, says nothing new of what is wanted.
    let rollout = rollout.as_ref().map(|it| Rollout { is_paused: false, ..it.clone() });
    let rollout = rollout.map(|it| format!(" {it:?}")).unwrap_or_default();
    let spec = format!(
        "{guardrail:?} {regions:?} {settings:?} {targets:?} {on_deselect:?} {state:?} {more}{rollout}"
    );
    let text = DesiredEnforcement {
        state: *state,
        guardrail: guardrail.name.clone(),
        selection: Selection::new(*state, regions, targets.iter().map(mark).collect()),
        former_names: former_names.clone(),
        on_deselect: *on_deselect,
        is_unresolved,
        spec_hash: digits(&spec, SPEC_DIGITS),
    };
    desired.enforcements.insert(key, text);
}

pub(super) fn mark(selector: &Selector) -> TargetMark {
    match selector {
        Selector::Organization => TargetMark::organization(),
        Selector::Unit(unit) => TargetMark::unit(&unit.to_string()),
        Selector::Account(id) => TargetMark::account(id),
        Selector::AccountsWithTags(tags) => TargetMark::tags(tags),
    }
}
