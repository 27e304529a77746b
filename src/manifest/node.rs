//! Where every value of a document stands in its file.

use super::field_path::{FieldPath, Step};

/// A place in a file: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// One value and where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) shape: Shape,
}

/// What a value is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text as it was written; `is_plain` when it stood without quotes.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Item>),
    Map(Vec<Entry>),
}

/// One item of a list; `index` is its place as written, whatever was removed before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) node: Node,
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// A field found, or the nearest thing above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    /// Where to point: at a scalar or an item itself, at the key of anything larger.
    pub(super) place: Place,
    /// Where its key stands.
    pub(super) key_place: Place,
    /// The path with list positions as written.
    pub(super) written: FieldPath,
}

impl Node {
    /// Whether nothing is written here, or one of YAML's words for nothing.
    pub(super) fn is_null(&self) -> bool {
        match &self.shape {
            Shape::Scalar { text, is_plain } => {
                *is_plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Shape::List(_) | Shape::Map(_) => false,
        }
    }

    /// Finds a field. What is missing is found at the key of what should hold it.
    pub(super) fn locate(&self, path: &FieldPath) -> Located {
        let (mut node, mut key_place) = (self, self.place);
        let mut written = FieldPath::default();
        let mut is_missing = false;
        for step in path.steps() {
            let found = if is_missing { None } else { node.child(step) };
            if let Some((child, child_key_place, child_step)) = found {
                (node, key_place) = (child, child_key_place);
                written = written.with(child_step);
            } else {
                is_missing = true;
                written = written.with(step.clone());
            }
        }
        let is_scalar = matches!(node.shape, Shape::Scalar { .. });
        let place = if is_scalar && !is_missing { node.place } else { key_place };
        Located { place, key_place, written }
    }

    fn child(&self, step: &Step) -> Option<(&Self, Place, Step)> {
        match (&self.shape, step) {
            (Shape::Map(entries), Step::Field(name)) => {
                let entry = entries.iter().find(|entry| entry.key == *name)?;
                Some((&entry.node, entry.key_place, step.clone()))
            }
            (Shape::List(items), Step::Index(index)) => {
                let item = items.get(*index)?;
                Some((&item.node, item.node.place, Step::Index(item.index)))
            }
            (Shape::Map(_) | Shape::List(_) | Shape::Scalar { .. }, _) => None,
        }
    }

    /// Removes what stands at `path`, so that the lists here stay parallel to those of the value.
    pub(super) fn remove(&mut self, path: &FieldPath) {
        let Some((last, before)) = path.split_last() else { return };
        let Some(parent) = before.steps().iter().try_fold(self, Self::child_mut) else { return };
        match (&mut parent.shape, last) {
            (Shape::Map(entries), Step::Field(name)) => entries.retain(|entry| entry.key != *name),
            (Shape::List(items), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
            }
            (Shape::Map(_) | Shape::List(_) | Shape::Scalar { .. }, _) => {}
        }
    }

    fn child_mut<'a>(node: &'a mut Self, step: &Step) -> Option<&'a mut Self> {
        match (&mut node.shape, step) {
            (Shape::Map(entries), Step::Field(name)) => {
                entries.iter_mut().find(|entry| entry.key == *name).map(|entry| &mut entry.node)
            }
            (Shape::List(items), Step::Index(index)) => {
                items.get_mut(*index).map(|item| &mut item.node)
            }
            (Shape::Map(_) | Shape::List(_) | Shape::Scalar { .. }, _) => None,
        }
    }

    /// The text of the scalar at `path`, as written.
    pub(super) fn text(&self, path: &FieldPath) -> Option<&str> {
        let node = path
            .steps()
            .iter()
            .try_fold(self, |node, step| node.child(step).map(|(child, _, _)| child))?;
        match &node.shape {
            Shape::Scalar { text, .. } => Some(text),
            Shape::List(_) | Shape::Map(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[test]
    fn what_is_not_there_is_not_removed() {
        let mut node = yaml::parse("a: [1, 2]\n").documents.remove(0).node;
        let (before, list) = (node.clone(), FieldPath::of("a"));
        node.remove(&list.index(2));
        node.remove(&list.index(3));
        node.remove(&list.field("b"));
        assert_eq!(node, before);
        node.remove(&list.index(1));
        assert_eq!([0, 1].map(|index| node.text(&list.index(index))), [Some("1"), None]);
    }
}
