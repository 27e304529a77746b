//! The situations that a history reached, by name: beside its events, what became of its writes.
//!
//! `situations.txt` lists those that many histories must reach.

use std::collections::BTreeMap;

use crate::checker::parts;
use crate::run::Tally;
use crate::trace::Entry;

/// Histories of which every situation must have been reached.
const MANY: u64 = 5_000;

/// What a write is called in AWS.
pub(crate) fn operation(entry: &Entry) -> String {
    if entry.service == "organizations" {
        return entry.target.clone();
    }
    let (path, query) = parts(&entry.path);
    let first = path.first().map(String::as_str).unwrap_or_default();
    let name = match (entry.method.as_str(), first, path.len()) {
        ("POST", "guardrails", 1) => "CreateGuardrail",
        ("POST", "guardrails", _) => "CreateGuardrailVersion",
        ("PUT", "guardrails", _) => "UpdateGuardrail",
        ("DELETE", "guardrails", _) if query.contains_key("guardrailVersion") => {
            "DeleteGuardrail of a version"
        }
        ("DELETE", "guardrails", _) => "DeleteGuardrail as a whole",
        ("PUT", "enforcedGuardrailsConfiguration", _) => "PutEnforcedGuardrailConfiguration",
        ("DELETE", "enforcedGuardrailsConfiguration", _) => "DeleteEnforcedGuardrailConfiguration",
        ("POST", "resource-policy", _) => "PutResourcePolicy",
        ("DELETE", "resource-policy", _) => "DeleteResourcePolicy",
        ("PUT", "logging", _) => "PutModelInvocationLoggingConfiguration",
        ("DELETE", "logging", _) => "DeleteModelInvocationLoggingConfiguration",
        ("POST", "tagResource", _) => "TagResource",
        ("POST", "untagResource", _) => "UntagResource",
        _ => first,
    };
    name.to_owned()
}

/// The situations of a trace.
pub(crate) fn situations(trace: &[Entry]) -> BTreeMap<String, u64> {
    let mut reached = BTreeMap::new();
    let mut last: BTreeMap<&str, &Entry> = BTreeMap::new();
    let mut reach = |what: String| *reached.entry(what).or_default() += 1;
    for entry in trace.iter().filter(|it| it.is_controllers()) {
        last.insert(&entry.who, entry);
        if !entry.is_write() {
            continue;
        }
        let operation = operation(entry);
        let status = entry.answer.as_ref().map_or(0, |(status, _)| *status);
        match (status, entry.has_effect) {
            (200..300, true) => reach(format!("{operation} done")),
            (200..300, false) => reach(format!("{operation} repeated without effect")),
            (_, true) => reach(format!("{operation} done and its answer lost")),
            (_, false) => reach(format!("{operation} failed")),
        }
    }
    for entry in last.into_values().filter(|it| it.is_write() && it.has_effect) {
        reach(format!("a process ends right after {}", operation(entry)));
    }
    reached
}

/// The situations that must be reached.
fn wanted() -> Vec<&'static str> {
    let lines = include_str!("situations.txt").lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Of the situations that must be reached, those that were not.
pub(crate) fn missed(tally: &Tally) -> Vec<&'static str> {
    let missed = reach(tally).into_iter().filter(|(_, count)| *count == 0);
    missed.map(|(name, _)| name).collect()
}

/// The situations that must be reached, and how often they were.
pub(crate) fn reach(tally: &Tally) -> Vec<(&'static str, u64)> {
    let count = |name: &str| tally.reached.get(name).copied().unwrap_or(0);
    wanted().into_iter().map(|name| (name, count(name))).collect()
}

/// Whether there are enough histories for all of them.
pub(crate) fn are_many(tally: &Tally) -> bool {
    tally.histories >= MANY
}

#[test]
fn the_list_of_situations_is_long_and_names_each_once() {
    let mut wanted = wanted();
    let count = wanted.len();
    wanted.sort_unstable();
    wanted.dedup();
    assert!(count >= 40 && wanted.len() == count, "{count}");
}
