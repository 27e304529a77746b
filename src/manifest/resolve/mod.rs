//! Selectors × fleet: from manifests to what is desired in this organization, now.
//!
//! Pure, and linear in the number of cells: the tree is walked once, in [`Tree`].

mod aws_names;
mod cells;
mod consent;
mod controls;
mod grounds;
mod logging;
mod organization;
mod replicas;
mod rollouts;
mod select;
#[cfg(test)]
mod tests;

use super::manifests::{Enforcement, Manifests, Placement, Selector};
use crate::model::{Desired, Fleet, Name, Refusal};
use select::Tree;

/// Resolves manifests against a fleet.
///
/// # Guarantees
///
/// - Deterministic: equal arguments give equal results.
/// - What cannot be resolved is a [`Refusal`] and never an empty set. Nothing is desired in its
///   place, so that what it governed is left as it is: a guardrail whose sharing cannot be resolved
///   has no replicas here, an organization enforcement with a target that cannot be resolved is left
///   out as a whole (an attachment must not be taken for one that the text gave up), and of an
///   account enforcement only the cells that are concerned are left out.
/// - Where two present enforcements claim a cell, neither has it; nor has either of two guardrails a
///   replica where both have one name in AWS.
///
/// # Assumptions
///
/// `fleet` was read completely, tags included if [`needs_tags`] says so.
pub fn resolve(manifests: &Manifests, fleet: &Fleet, generation: u64) -> Desired {
    let tree = Tree::new(fleet);
    let mut desired = Desired { generation, ..Desired::default() };
    for guardrail in manifests.guardrails.values() {
        // Pins count whatever their targets resolve to.
        let pins = enforcements(manifests).map(|it| &it.guardrail);
        let pins = pins.filter(|it| it.name == guardrail.name);
        let pinned = pins.filter_map(|it| it.revision.clone()).collect();
        replicas::place(guardrail, pinned, &tree, &mut desired);
    }
    aws_names::refuse_shared(&mut desired);
    for enforcement in manifests.organization_enforcements.values() {
        organization::attach(enforcement, manifests, &tree, &mut desired);
    }
    cells::claim(manifests, &tree, &mut desired);
    logging::claim(manifests, &tree, &mut desired);
    controls::attach(manifests, &tree, &mut desired);
    consent::state(manifests, &mut desired);
    rollouts::arrange(manifests, &tree, &mut desired);
    desired
}

/// Whether any selector needs the tags of accounts.
pub fn needs_tags(manifests: &Manifests) -> bool {
    let is_tags = |selector: &Selector| matches!(selector, Selector::AccountsWithTags(_));
    let placed = manifests.guardrails.values().any(|guardrail| match &guardrail.placement {
        Placement::Management => false,
        Placement::Selected(selectors) => selectors.iter().any(is_tags),
    });
    let in_waves = |it: &Enforcement| {
        let waves = it.rollout.iter().flat_map(|rollout| &rollout.waves);
        waves.flat_map(|wave| &wave.targets).any(is_tags)
    };
    let logged = manifests.invocation_logging.values().any(|it| it.targets.iter().any(is_tags));
    placed
        || logged
        || enforcements(manifests).any(|it| it.targets.iter().any(is_tags) || in_waves(it))
        || controls::selectors(manifests).any(is_tags)
}

/// Whether any enforcement excludes the embedding models of its Regions.
pub fn needs_embeddings(manifests: &Manifests) -> bool {
    enforcements(manifests).any(|it| it.settings.exclude_embeddings)
}

fn enforcements(manifests: &Manifests) -> impl Iterator<Item = &Enforcement> {
    let organization = manifests.organization_enforcements.values().map(|it| &it.enforcement);
    organization.chain(manifests.account_enforcements.values().map(|it| &it.enforcement))
}

/// A refusal of one manifest.
fn refusal(kind: &str, name: &Name, field: &str, message: impl Into<String>) -> Refusal {
    Refusal { manifest: format!("{kind}/{name}"), field: field.to_owned(), message: message.into() }
}

/// `a, b, c and 12 more`.
fn some_of<T: ToString>(items: &[T]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = items.len().saturating_sub(SHOWN);
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
