//! Merges the management policies on a path into the effective policy (`aws-facts` 3.2).
//!
//! From the root downward, level by level. On one level the policies are taken in attachment
//! order and the first `@@assign` of a key wins. What a level forbids its children
//! (`@@operators_allowed_for_child_policies`) binds the levels below, at that key and everything
//! beneath it; a child can only narrow it further.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The key of child control.
pub(in crate::simulator) const CONTROL: &str = "@@operators_allowed_for_child_policies";

/// The value operators, in the order in which one leaf's are applied.
pub(in crate::simulator) const OPERATORS: [&str; 3] = ["@@assign", "@@append", "@@remove"];

/// Which operators the levels below may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowed {
    assign: bool,
    append: bool,
    remove: bool,
}

impl Allowed {
    const ALL: Self = Self { assign: true, append: true, remove: true };

    fn parse(control: &Value) -> Self {
        let words: Vec<&str> =
            control.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if words.contains(&"@@all") {
            return Self::ALL;
        }
        Self {
            assign: words.contains(&"@@assign"),
            append: words.contains(&"@@append"),
            remove: words.contains(&"@@remove"),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            assign: self.assign && other.assign,
            append: self.append && other.append,
            remove: self.remove && other.remove,
        }
    }
}

/// One key of the policy as merged so far.
#[derive(Clone, Debug)]
struct Node {
    /// What the levels above leave to this one.
    allowed: Allowed,
    /// What this level leaves to the next.
    allowed_next: Allowed,
    value: Option<Value>,
    /// Whether a policy of this level has assigned the value already.
    assigned_here: bool,
    children: BTreeMap<String, Self>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            allowed: Allowed::ALL,
            allowed_next: Allowed::ALL,
            value: None,
            assigned_here: false,
            children: BTreeMap::new(),
        }
    }
}

/// A policy under merge.
#[derive(Clone, Debug, Default)]
pub(in crate::simulator) struct Merge {
    root: Node,
}

impl Merge {
    /// Adds one level: its policies in attachment order.
    pub(in crate::simulator) fn level<'a>(
        &mut self,
        documents: impl IntoIterator<Item = &'a Value>,
    ) {
        for document in documents {
            if let Some(document) = document.as_object() {
                self.root.apply(document, Allowed::ALL);
            }
        }
        self.root.close_level();
    }

    /// The policy with its operators stripped; `None` when nothing was assigned.
    pub(in crate::simulator) fn finish(&self) -> Option<Value> {
        self.root.strip()
    }
}

impl Node {
    fn apply(&mut self, document: &Map<String, Value>, above: Allowed) {
        let allowed = above.and(self.allowed);
        if let Some(control) = document.get(CONTROL) {
            self.allowed_next = self.allowed_next.and(Allowed::parse(control));
        }
        for operator in OPERATORS {
            if let Some(value) = document.get(operator) {
                self.operate(operator, value, allowed);
            }
        }
        for (key, value) in document {
            if key.starts_with("@@") {
                continue;
            }
            if let Some(inner) = value.as_object() {
                self.children.entry(key.clone()).or_default().apply(inner, allowed);
            }
        }
    }

    /// An operator the levels above do not allow has no effect.
    fn operate(&mut self, operator: &str, value: &Value, allowed: Allowed) {
        match operator {
            "@@assign" if allowed.assign && !self.assigned_here => {
                self.value = Some(value.clone());
                self.assigned_here = true;
            }
            "@@append" if allowed.append => {
                let mut list = self.list();
                for item in value.as_array().into_iter().flatten() {
                    if !list.contains(item) {
                        list.push(item.clone());
                    }
                }
                self.value = Some(Value::Array(list));
            }
            "@@remove" if allowed.remove && self.value.is_some() => {
                let gone = value.as_array().cloned().unwrap_or_default();
                let list = self.list().into_iter().filter(|item| !gone.contains(item)).collect();
                self.value = Some(Value::Array(list));
            }
            _ => {}
        }
    }

    fn list(&self) -> Vec<Value> {
        self.value.as_ref().and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn close_level(&mut self) {
        self.allowed = self.allowed.and(self.allowed_next);
        self.assigned_here = false;
        self.children.values_mut().for_each(Self::close_level);
    }

    fn strip(&self) -> Option<Value> {
        if let Some(value) = &self.value {
            return Some(value.clone());
        }
        let children: Map<String, Value> = self
            .children
            .iter()
            .filter_map(|(key, child)| Some((key.clone(), child.strip()?)))
            .collect();
        (!children.is_empty()).then_some(Value::Object(children))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merge(levels: &[&[Value]]) -> Value {
        let mut merge = Merge::default();
        for level in levels {
            merge.level(level.iter());
        }
        merge.finish().unwrap_or(Value::Null)
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    /// Each rule of inheritance, one row. Levels from the root down, policies in attachment order.
    #[test]
    fn inheritance_follows_the_documented_rules() {
        let assign = |value: Value| json!({"a": {"b": {"@@assign": value}}});
        let locked = |words: Value| json!({"a": {CONTROL: words, "b": {"@@assign": ["x"]}}});
        let append = json!({"a": {"b": {"@@append": ["y"]}}});
        let rows: Vec<(&str, Vec<Vec<Value>>, Value)> = vec![
            ("nothing attached", vec![vec![], vec![]], Value::Null),
            ("one value", vec![vec![assign(json!("x"))]], json!({"a": {"b": "x"}})),
            (
                "a child overwrites",
                vec![vec![assign(json!("x"))], vec![assign(json!("y"))]],
                json!({"a": {"b": "y"}}),
            ),
            (
                "the first attached of a level wins",
                vec![vec![assign(json!("x")), assign(json!("y"))]],
                json!({"a": {"b": "x"}}),
            ),
            (
                "append adds what is missing",
                vec![
                    vec![assign(json!(["x", "y"]))],
                    vec![append.clone(), json!({"a": {"b": {"@@append": ["z"]}}})],
                ],
                json!({"a": {"b": ["x", "y", "z"]}}),
            ),
            ("append starts a list", vec![vec![append.clone()]], json!({"a": {"b": ["y"]}})),
            (
                "remove drops inherited values",
                vec![
                    vec![assign(json!(["x", "y"]))],
                    vec![json!({"a": {"b": {"@@remove": ["x", "q"]}}})],
                ],
                json!({"a": {"b": ["y"]}}),
            ),
            (
                "remove of nothing is nothing",
                vec![vec![json!({"a": {"b": {"@@remove": ["x"]}}})]],
                Value::Null,
            ),
            (
                "none locks what is below",
                vec![vec![locked(json!(["@@none"]))], vec![assign(json!(["q"])), append.clone()]],
                json!({"a": {"b": ["x"]}}),
            ),
            (
                "a lock binds new keys too",
                vec![vec![locked(json!(["@@none"]))], vec![json!({"a": {"c": {"@@assign": "q"}}})]],
                json!({"a": {"b": ["x"]}}),
            ),
            (
                "a lock leaves other keys alone",
                vec![vec![locked(json!(["@@none"]))], vec![json!({"d": {"@@assign": "q"}})]],
                json!({"a": {"b": ["x"]}, "d": "q"}),
            ),
            (
                "only append is allowed",
                vec![vec![locked(json!(["@@append"]))], vec![assign(json!(["q"])), append.clone()]],
                json!({"a": {"b": ["x", "y"]}}),
            ),
            (
                "a lock does not bind its own level",
                vec![vec![locked(json!(["@@none"])), json!({"a": {"c": {"@@assign": "q"}}})]],
                json!({"a": {"b": ["x"], "c": "q"}}),
            ),
            (
                "a child cannot loosen",
                vec![
                    vec![locked(json!(["@@append"]))],
                    vec![json!({"a": {CONTROL: ["@@all"]}})],
                    vec![assign(json!(["q"])), append.clone()],
                ],
                json!({"a": {"b": ["x", "y"]}}),
            ),
            (
                "controls of one level intersect",
                vec![
                    vec![
                        locked(json!(["@@append", "@@assign"])),
                        json!({"a": {CONTROL: ["@@append"]}}),
                    ],
                    vec![assign(json!(["q"])), append],
                ],
                json!({"a": {"b": ["x", "y"]}}),
            ),
        ];
        for (name, levels, expected) in rows {
            let levels: Vec<&[Value]> = levels.iter().map(Vec::as_slice).collect();
            assert_eq!(merge(&levels), expected, "{name}");
        }
    }
}
