//! Merges the Bedrock policies on a path into the effective policy (`aws-facts` 3.2).
//!
//! From the root downward, level by level. What a level leaves to those below,
//! `@@operators_allowed_for_child_policies`, binds from the next level on, at its key and all that
//! is below it; further down it can only become less. On one level the first that assigns a value
//! wins.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::{GuardrailArn, Version};

const CONTROL: &str = "@@operators_allowed_for_child_policies";

/// Keys from the top down to a value.
type Path = Vec<String>;

/// A merged policy, operators resolved: the value at each path. Lists are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leaves(BTreeMap<Path, String>);

impl Leaves {
    /// The leaves of a document without operators, such as AWS gives for an effective policy.
    pub(super) fn of(document: &Value) -> Self {
        fn collect(value: &Value, path: &mut Path, leaves: &mut BTreeMap<Path, String>) {
            let Value::Object(members) = value else {
                leaves.insert(path.clone(), sorted(value).to_string());
                return;
            };
            for (key, member) in members {
                path.push(key.clone());
                collect(member, path, leaves);
                path.pop();
            }
        }
        let mut leaves = BTreeMap::new();
        collect(document, &mut Path::new(), &mut leaves);
        Self(leaves)
    }

    /// The Regions it has something for.
    pub(super) fn regions(&self) -> BTreeSet<&str> {
        self.0.keys().filter_map(|path| region(path)).collect()
    }

    /// What it says of one Region: `config_1.identifier` and its value. An empty list says nothing.
    pub(super) fn in_region(&self, name: &str) -> BTreeMap<String, &str> {
        let is_said =
            |(path, value): &(&Path, &String)| region(path) == Some(name) && *value != "[]";
        let here = self.0.iter().filter(is_said);
        here.map(|(path, value)| (path.get(3..).unwrap_or_default().join("."), value.as_str()))
            .collect()
    }
}

impl Leaves {
    /// What its configuration of a Region references; `None` where it has none, or several.
    pub(super) fn reference(&self, name: &str) -> Option<(GuardrailArn, Version)> {
        let here = self.in_region(name);
        let mut named = here.iter().filter(|(path, _)| path.ends_with(".identifier"));
        let (Some((_, one)), None) = (named.next(), named.next()) else { return None };
        GuardrailArn::parse_versioned(one.trim_matches('"'))
    }
}

fn region(path: &Path) -> Option<&str> {
    match path.as_slice() {
        [bedrock, inference, region, ..]
            if bedrock == "bedrock" && inference == "guardrail_inference" =>
        {
            Some(region)
        }
        _ => None,
    }
}

/// Merges policies, level by level from the root down, those of one level in the order in which
/// they were attached.
pub(super) fn merge(levels: &[Vec<&Value>]) -> Leaves {
    let mut merge = Merge::default();
    for level in levels {
        for document in level {
            if let Value::Object(members) = document {
                merge.apply(members, &mut Path::new());
            }
        }
        merge.close();
    }
    let leaves = merge.values.into_iter();
    Leaves(leaves.map(|(path, value)| (path, sorted(&value).to_string())).collect())
}

#[derive(Default)]
struct Merge {
    values: BTreeMap<Path, Value>,
    /// What the levels above leave to this one.
    left: BTreeMap<Path, BTreeSet<Operator>>,
    /// What this level leaves to the next.
    leaving: BTreeMap<Path, BTreeSet<Operator>>,
    /// What a policy of this level has assigned.
    assigned: BTreeSet<Path>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operator {
    Assign,
    Append,
    Remove,
}

impl Operator {
    const ALL: [Self; 3] = [Self::Assign, Self::Append, Self::Remove];

    fn word(self) -> &'static str {
        match self {
            Self::Assign => "@@assign",
            Self::Append => "@@append",
            Self::Remove => "@@remove",
        }
    }

    /// What a list of allowed operators names.
    fn listed(control: &Value) -> BTreeSet<Self> {
        let words: Vec<&str> =
            control.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let is_named = |it: &Self| words.contains(&"@@all") || words.contains(&it.word());
        Self::ALL.into_iter().filter(is_named).collect()
    }
}

impl Merge {
    fn apply(&mut self, members: &Map<String, Value>, path: &mut Path) {
        if let Some(control) = members.get(CONTROL) {
            narrow(&mut self.leaving, path, &Operator::listed(control));
        }
        for operator in Operator::ALL {
            if let Some(value) = members.get(operator.word())
                && self.is_left(operator, path)
            {
                self.operate(operator, path, value);
            }
        }
        for (key, member) in members {
            if let (false, Value::Object(inner)) = (key.starts_with("@@"), member) {
                path.push(key.clone());
                self.apply(inner, path);
                path.pop();
            }
        }
    }

    /// Whether nothing above forbids it, at the path or over it.
    fn is_left(&self, operator: Operator, path: &Path) -> bool {
        (0..=path.len()).all(|end| {
            let control = path.get(..end).and_then(|over| self.left.get(over));
            control.is_none_or(|operators| operators.contains(&operator))
        })
    }

    fn operate(&mut self, operator: Operator, path: &Path, value: &Value) {
        let old = self.values.get(path).and_then(Value::as_array).cloned().unwrap_or_default();
        let given = || value.as_array().cloned().unwrap_or_default();
        let new = match operator {
            Operator::Assign if !self.assigned.insert(path.clone()) => return,
            Operator::Assign => value.clone(),
            Operator::Append => Value::Array(old.into_iter().chain(given()).collect()),
            Operator::Remove if !self.values.contains_key(path) => return,
            Operator::Remove => {
                let gone = given();
                Value::Array(old.into_iter().filter(|it| !gone.contains(it)).collect())
            }
        };
        self.values.insert(path.clone(), new);
    }

    fn close(&mut self) {
        for (path, operators) in std::mem::take(&mut self.leaving) {
            narrow(&mut self.left, &path, &operators);
        }
        self.assigned.clear();
    }
}

fn narrow(controls: &mut BTreeMap<Path, BTreeSet<Operator>>, path: &Path, to: &BTreeSet<Operator>) {
    let operators = controls.entry(path.clone()).or_insert_with(|| Operator::ALL.into());
    *operators = operators.intersection(to).copied().collect();
}

/// The value, a list as the set it is.
fn sorted(value: &Value) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut items = items.clone();
    items.sort_by_key(ToString::to_string);
    items.dedup();
    Value::Array(items)
}

/// What a policy does at a Region or over it, in words: `assigns, locks`.
pub(super) fn verbs(document: &Value, region: &str) -> BTreeSet<&'static str> {
    fn collect(value: &Value, verbs: &mut BTreeSet<&'static str>) {
        let Value::Object(members) = value else { return };
        for (key, member) in members {
            match key.as_str() {
                "@@assign" => verbs.insert("assigns"),
                "@@append" => verbs.insert("appends"),
                "@@remove" => verbs.insert("removes"),
                CONTROL => verbs.insert("locks"),
                _ => {
                    collect(member, verbs);
                    false
                }
            };
        }
    }
    let mut verbs = BTreeSet::new();
    let over = ["", "/bedrock", "/bedrock/guardrail_inference"];
    let mut over = over.iter().filter_map(|path| document.pointer(path));
    if over.any(|it| it.get(CONTROL).is_some()) {
        verbs.insert("locks");
    }
    if let Some(block) =
        document.pointer("/bedrock/guardrail_inference").and_then(|it| it.get(region))
    {
        collect(block, &mut verbs);
    }
    verbs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn assign(value: &Value) -> Value {
        json!({"a": {"b": {"@@assign": value}}})
    }

    fn locked(words: &Value) -> Value {
        json!({"a": {CONTROL: words, "b": {"@@assign": ["x"]}}})
    }

    fn merged(levels: &[Vec<Value>]) -> Leaves {
        let levels: Vec<Vec<&Value>> = levels.iter().map(|level| level.iter().collect()).collect();
        merge(&levels)
    }

    /// Levels from the root down; documents in attachment order.
    #[test]
    fn values_are_inherited_as_documented() {
        let append = json!({"a": {"b": {"@@append": ["y"]}}});
        let remove = json!({"a": {"b": {"@@remove": ["x", "q"]}}});
        let (x, y) = (assign(&json!("x")), assign(&json!("y")));
        let list = assign(&json!(["y", "x", "y"]));
        let rows: Vec<(&str, Vec<Vec<Value>>, Value)> = vec![
            ("nothing", vec![vec![], vec![]], json!({})),
            ("one value", vec![vec![x.clone()]], json!({"a": {"b": "x"}})),
            (
                "a child overwrites",
                vec![vec![x.clone()], vec![y.clone()]],
                json!({"a": {"b": "y"}}),
            ),
            ("the first of a level wins", vec![vec![x, y]], json!({"a": {"b": "x"}})),
            ("lists are sets", vec![vec![list.clone()]], json!({"a": {"b": ["x", "y"]}})),
            (
                "append adds",
                vec![vec![locked(&json!(["@@all"]))], vec![append.clone()]],
                json!({"a": {"b": ["x", "y"]}}),
            ),
            ("append starts a list", vec![vec![append]], json!({"a": {"b": ["y"]}})),
            (
                "remove takes away",
                vec![vec![list], vec![remove.clone()]],
                json!({"a": {"b": ["y"]}}),
            ),
            ("remove of nothing is nothing", vec![vec![remove]], json!({})),
        ];
        for (what, levels, expected) in rows {
            let expected =
                if expected == json!({}) { Leaves::default() } else { Leaves::of(&expected) };
            assert_eq!(merged(&levels), expected, "{what}");
        }
    }

    #[test]
    fn a_lock_binds_the_levels_below_and_cannot_be_loosened() {
        let none = locked(&json!(["@@none"]));
        let other = assign(&json!(["q"]));
        let append = json!({"a": {"b": {"@@append": ["y"]}}});
        let new_key = json!({"a": {"c": {"@@assign": "q"}}});
        let elsewhere = json!({"d": {"@@assign": "q"}});
        let loosened = json!({"a": {CONTROL: ["@@all"]}});
        let some = locked(&json!(["@@append"]));
        let both = locked(&json!(["@@append", "@@assign"]));
        let narrowed = json!({"a": {CONTROL: ["@@append"]}});
        let rows: Vec<(&str, Vec<Vec<Value>>, Value)> = vec![
            (
                "none",
                vec![vec![none.clone()], vec![other.clone(), append.clone()]],
                json!({"a": {"b": ["x"]}}),
            ),
            (
                "new keys too",
                vec![vec![none.clone()], vec![new_key.clone()]],
                json!({"a": {"b": ["x"]}}),
            ),
            (
                "not its own level",
                vec![vec![none.clone(), new_key]],
                json!({"a": {"b": ["x"], "c": "q"}}),
            ),
            (
                "not other keys",
                vec![vec![none], vec![elsewhere]],
                json!({"a": {"b": ["x"]}, "d": "q"}),
            ),
            (
                "some",
                vec![vec![some.clone()], vec![other.clone(), append.clone()]],
                json!({"a": {"b": ["x", "y"]}}),
            ),
            (
                "no loosening",
                vec![vec![some], vec![loosened], vec![other.clone()]],
                json!({"a": {"b": ["x"]}}),
            ),
            (
                "siblings intersect",
                vec![vec![both, narrowed], vec![other]],
                json!({"a": {"b": ["x"]}}),
            ),
        ];
        for (what, levels, expected) in rows {
            assert_eq!(merged(&levels), Leaves::of(&expected), "{what}");
        }
    }

    #[test]
    fn what_a_policy_does_is_said_in_words() {
        let document = json!({"bedrock": {CONTROL: ["@@none"], "guardrail_inference": {
            "us-east-1": {"config_1": {"identifier": {"@@assign": "x"}}},
            "eu-west-1": {"config_1": {"model_enforcement": {"excluded_models": {"@@append": ["m"]}}}}}}});
        assert_eq!(verbs(&document, "us-east-1"), BTreeSet::from(["assigns", "locks"]));
        assert_eq!(verbs(&document, "eu-west-1"), BTreeSet::from(["appends", "locks"]));
        assert_eq!(verbs(&json!({}), "eu-west-1"), BTreeSet::new());
    }
}
