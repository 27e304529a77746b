//! Tells whether a guardrail of new content stops all that it stopped before.
//!
//! What a guardrail blocks grows with each of its fields, in the order of the field: with strength,
//! threshold, action, the sides and modalities that are switched on, and with every rule. A change
//! that goes down in no field is therefore not weaker, whatever else the content says. Fields
//! without an order, a topic's definition or a regex's pattern, are *mixed*: nobody can say.
//!
//! What callers are told, descriptions, keys and guardrail profiles stop nothing.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{FieldChange, Strength};

/// Labels the changes between two documents of the CreateGuardrail shape.
///
/// # Guarantees
///
/// When every label is [`Strength::Same`] or [`Strength::Stronger`], what was blocked is blocked.
pub(super) fn label(changes: &mut [FieldChange], old: &Value, new: &Value) {
    for change in changes {
        change.strength = Some(match Place::of(&change.path) {
            Some(place) => rule(&place, old, new),
            None => whole(&change.path, old, new),
        });
    }
}

/// What all changes together do; `None` where none is of content.
pub(super) fn overall(changes: &[FieldChange]) -> Option<Strength> {
    changes.iter().filter_map(|change| change.strength).reduce(Strength::and)
}

/// A field of one rule: `contentPolicyConfig.filtersConfig[HATE].inputStrength`, taken apart.
struct Place<'a> {
    list: &'a str,
    key: &'a str,
    field: &'a str,
}

impl<'a> Place<'a> {
    /// Keys may hold any character, names of fields neither bracket nor dot.
    fn of(path: &'a str) -> Option<Self> {
        let (list, rest) = path.split_once('[')?;
        let (key, field) = rest.rsplit_once("].")?;
        Some(Self { list, key, field })
    }

    /// The rules with this key; more than one where AWS was sent the same twice.
    fn rules<'b>(&self, document: &'b Value) -> Vec<&'b Value> {
        let list = self.list.split('.').try_fold(document, |value, member| value.get(member));
        let rules = list.and_then(Value::as_array).into_iter().flatten();
        // As the paths of changes are made.
        let key = |rule: &Value| {
            let keys = ["name", "type", "text", "Sid"];
            keys.iter().find_map(|key| rule.get(key)?.as_str()) == Some(self.key)
        };
        rules.filter(|rule| key(rule)).collect()
    }
}

fn rule(place: &Place, old: &Value, new: &Value) -> Strength {
    match (place.rules(old).as_slice(), place.rules(new).as_slice()) {
        ([], [rule]) | ([rule], []) if is_inert(rule) => Strength::Same,
        ([], [_]) => Strength::Stronger,
        ([_], []) => Strength::Weaker,
        ([old], [new]) => field(place, old, new),
        _ => Strength::Mixed,
    }
}

/// Whether a rule stops nothing on any side.
fn is_inert(rule: &Value) -> bool {
    let is_off = |side: &str, enabled: &str| {
        is_on(rule, enabled) == Some(false)
            || action(rule, &format!("{side}Action")) == Some(0)
            || strength(rule, &format!("{side}Strength")) == Some(0)
    };
    let is_single = rule.get("threshold").is_some();
    if is_single {
        return is_on(rule, "enabled") == Some(false) || action(rule, "action") == Some(0);
    }
    is_off("input", "inputEnabled") && is_off("output", "outputEnabled")
}

/// One field of a rule that is there before and after.
fn field(place: &Place, old: &Value, new: &Value) -> Strength {
    let by = |read: &dyn Fn(&Value) -> Option<u8>| order(read(old), read(new));
    match place.field {
        it @ ("inputEnabled" | "outputEnabled" | "enabled") => {
            by(&|rule| is_on(rule, it).map(u8::from))
        }
        it @ ("inputStrength" | "outputStrength") => by(&|rule| strength(rule, it)),
        it @ ("inputAction" | "outputAction") => by(&|rule| action(rule, it)),
        // What stands here holds for each side that says nothing of its own.
        "action" => {
            let sides = ["inputAction", "outputAction"];
            let [input, output] = sides.map(|side| by(&|rule| action(rule, side)));
            input.and(output)
        }
        it @ ("inputModalities" | "outputModalities") => {
            subset(&modalities(old, it), &modalities(new, it))
        }
        "threshold" => {
            let threshold = |rule: &Value| rule.get("threshold").and_then(Value::as_f64);
            match threshold(old).zip(threshold(new)).and_then(|(old, new)| old.partial_cmp(&new)) {
                Some(ordering) => direction(ordering),
                None => Strength::Mixed,
            }
        }
        "description" if place.list.ends_with("regexesConfig") => Strength::Same,
        _ => Strength::Mixed,
    }
}

/// A field that belongs to no rule.
fn whole(path: &str, old: &Value, new: &Value) -> Strength {
    let policy = path.split('.').next().unwrap_or_default();
    let has = |document: &Value| document.get(policy).is_some_and(|it| !it.is_null());
    match policy {
        "blockedInputMessaging"
        | "blockedOutputsMessaging"
        | "description"
        | "kmsKeyId"
        | "crossRegionConfig" => Strength::Same,
        "automatedReasoningPolicyConfig" => match (has(old), has(new)) {
            (false, _) => Strength::Stronger,
            (true, false) => Strength::Weaker,
            (true, true) => Strength::Mixed,
        },
        // The tier of a policy that comes or goes: its rules say what that does.
        _ if path.ends_with(".tierConfig.tierName") && !(has(old) && has(new)) => Strength::Same,
        _ => Strength::Mixed,
    }
}

fn is_on(rule: &Value, field: &str) -> Option<bool> {
    match rule.get(field) {
        None => Some(true),
        Some(value) => value.as_bool(),
    }
}

fn strength(rule: &Value, field: &str) -> Option<u8> {
    let words = ["NONE", "LOW", "MEDIUM", "HIGH"];
    rank(&words, rule.get(field)?.as_str()?)
}

/// The action of a side, or of the rule, or AWS's default.
fn action(rule: &Value, field: &str) -> Option<u8> {
    let words = ["NONE", "ANONYMIZE", "BLOCK"];
    match rule.get(field).or_else(|| rule.get("action")) {
        None => rank(&words, "BLOCK"),
        Some(word) => rank(&words, word.as_str()?),
    }
}

fn rank(words: &[&str], word: &str) -> Option<u8> {
    let position = words.iter().position(|it| *it == word)?;
    u8::try_from(position).ok()
}

fn modalities<'a>(rule: &'a Value, field: &str) -> BTreeSet<&'a str> {
    match rule.get(field).and_then(Value::as_array) {
        None => BTreeSet::from(["TEXT"]),
        Some(words) => words.iter().filter_map(Value::as_str).collect(),
    }
}

fn subset(old: &BTreeSet<&str>, new: &BTreeSet<&str>) -> Strength {
    match (old.is_subset(new), new.is_subset(old)) {
        (true, true) => Strength::Same,
        (true, false) => Strength::Stronger,
        (false, true) => Strength::Weaker,
        (false, false) => Strength::Mixed,
    }
}

/// A word this release does not know has no place in the order.
fn order(old: Option<u8>, new: Option<u8>) -> Strength {
    old.zip(new).map_or(Strength::Mixed, |(old, new)| direction(old.cmp(&new)))
}

fn direction(ordering: Ordering) -> Strength {
    match ordering {
        Ordering::Less => Strength::Stronger,
        Ordering::Equal => Strength::Same,
        Ordering::Greater => Strength::Weaker,
    }
}
