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
    let includes_less = !is_all(&new.included) && !old.included.is_subset(&new.included);
    let excludes_more = new.excluded.difference(&old.excluded).any(|it| !beyond.contains(it));
    is_less_checked || includes_less || excludes_more
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SelectiveContentGuarding;

    /// Included and excluded models, separated by blanks.
    fn settings(included: &str, excluded: &str) -> EnforcementSettings {
        let set = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        EnforcementSettings {
            models: ModelEnforcement { included: set(included), excluded: set(excluded) },
            ..EnforcementSettings::default()
        }
    }

    #[test]
    fn fewer_models_are_narrower_and_more_are_not() {
        let rows = [
            (("ALL", ""), ("ALL", ""), false),
            (("", ""), ("ALL", ""), false),
            (("ALL", ""), ("", ""), false),
            (("ALL", ""), ("a", ""), true),
            (("", ""), ("a", ""), true),
            (("a", ""), ("ALL", ""), false),
            (("a", ""), ("a b", ""), false),
            (("a b", ""), ("a", ""), true),
            (("a", ""), ("b", ""), true),
            (("ALL", ""), ("ALL", "a"), true),
            (("ALL", "a"), ("ALL", ""), false),
            (("ALL", "a"), ("ALL", "a"), false),
            (("ALL", ""), ("ALL", "beyond"), false),
        ];
        let beyond = BTreeSet::from(["beyond".to_owned()]);
        for (old, new, expected) in rows {
            let is = is_narrower(&settings(old.0, old.1), &settings(new.0, new.1), &beyond);
            assert_eq!(is, expected, "{old:?} to {new:?}");
        }
    }

    #[test]
    fn to_check_only_what_is_tagged_is_narrower_for_either_part_of_a_request() {
        use Guarding::{Comprehensive, Selective};
        let guards = |system, messages| EnforcementSettings {
            guarding: SelectiveContentGuarding { system, messages },
            ..EnforcementSettings::default()
        };
        let all = [Comprehensive, Selective];
        for (system, messages) in all.into_iter().flat_map(|one| all.map(|other| (one, other))) {
            let full = guards(Comprehensive, Comprehensive);
            let part = guards(system, messages);
            let is_part = system == Selective || messages == Selective;
            assert_eq!(is_narrower(&full, &part, &BTreeSet::new()), is_part, "to {part:?}");
            assert!(!is_narrower(&part, &full, &BTreeSet::new()), "from {part:?}");
        }
    }
}
