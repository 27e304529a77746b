//! The way from the top of a document to one of its fields.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into a map, by key.
    Field(String),
    /// Into a list, from 0.
    Index(usize),
}

/// `spec.targets[1].account`; the empty path is the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FieldPath(Vec<Step>);

impl FieldPath {
    /// A path from dotted field names, without lists: `spec.content`.
    pub(super) fn of(dotted: &str) -> Self {
        Self(dotted.split('.').map(|name| Step::Field(name.to_owned())).collect())
    }

    /// The field `name` of the map here.
    pub(super) fn field(&self, name: &str) -> Self {
        self.with(Step::Field(name.to_owned()))
    }

    /// Item `index` of the list here.
    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// What a JSON pointer leads to from here. Digits are positions in lists: AWS's policies have no
    /// key of digits alone.
    pub(super) fn pointer(&self, pointer: &str) -> Self {
        let steps = pointer.split('/').skip(1).map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Field(step.replace("~1", "/").replace("~0", "~")),
        });
        steps.fold(self.clone(), |path, step| path.with(step))
    }

    /// One more step.
    pub(super) fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// All steps, from the top.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The last step and the path before it; `None` for the whole document.
    pub(super) fn split_last(&self) -> Option<(&Step, Self)> {
        let (last, before) = self.0.split_last()?;
        Some((last, Self(before.to_vec())))
    }

    /// Whether `other` is this path or lies below it.
    pub(super) fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The name of the last field on the way.
    pub(super) fn last_field(&self) -> &str {
        self.0
            .iter()
            .rev()
            .find_map(|step| match step {
                Step::Field(name) => Some(name.as_str()),
                Step::Index(_) => None,
            })
            .unwrap_or_default()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Field(name) if !is_plain(name) => write!(f, "[{name:?}]")?,
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_read_as_two_steps_are_quoted() {
        let path = FieldPath::of("spec.tags").field("a.b");
        assert_eq!(path.to_string(), "spec.tags[\"a.b\"]");
        assert_eq!(
            FieldPath::of("spec.targets").index(1).field("x").to_string(),
            "spec.targets[1].x"
        );
    }
}
