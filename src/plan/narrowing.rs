//! Tells whether settings protect less than others.

use std::collections::BTreeSet;

use crate::model::{EnforcementSettings, Guarding, ModelEnforcement};

/// An empty inclusion is every model (`aws-facts` 2.4).
pub(super) fn models(models: &ModelEnforcement) -> ModelEnforcement {
    let mut models = models.clone();
    if models.included.is_empty() {
        models.included = ModelEnforcement::default().included;
    }
    models
}

/// Whether fewer models are under enforcement than before, those `beyond` it aside, or less of a
/// request is checked.
pub(super) fn is_narrower(
    old: &EnforcementSettings,
    new: &EnforcementSettings,
    beyond: &BTreeSet<String>,
) -> bool {
    let is_all = |models: &BTreeSet<String>| models.contains("ALL");
    let less =
        |old: Guarding, new: Guarding| old == Guarding::Comprehensive && new == Guarding::Selective;
    let is_less_checked = less(old.guarding.system, new.guarding.system)
        || less(old.guarding.messages, new.guarding.messages);
    let (old, new) = (models(&old.models), models(&new.models));
    let includes_less =
        !is_all(&new.included) && (is_all(&old.included) || !old.included.is_subset(&new.included));
    let excludes_more = new.excluded.difference(&old.excluded).any(|it| !beyond.contains(it));
    is_less_checked || includes_less || excludes_more
}
