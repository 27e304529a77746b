//! What is wrong at one moment that somebody must know.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::AlertKind;
use crate::status::outcome::Phase;
use crate::status::snapshot::{KeyStatus, Snapshot};

/// Subjects by kind, each with what is wrong.
pub type Firing = BTreeMap<AlertKind, BTreeMap<String, String>>;

/// Reasons of holds that have a kind of their own.
const CONTESTED: &str = "Contested";
const HALTED: &str = "Halted";
const ROLLED_BACK: &str = "RolledBack";
/// A loss that waits for an approval: the plan is the subject, not each of its cells.
const CHANGE_GUARD: &str = "ChangeGuard";
const JOURNAL: &str = "JournalDegraded";

/// What fires. What fails or waits for a person does once it has done so for longer than `after`.
pub fn firing(snapshot: &Snapshot, after: SignedDuration) -> Firing {
    let mut found = Found(Firing::new());
    for place in &snapshot.unprotected {
        let name = snapshot.accounts.get(&place.account).map(|it| format!(" ({})", it.name));
        let subject = format!("{} {}{}", place.account, place.region, name.unwrap_or_default());
        found.add(AlertKind::Unprotected, subject, AlertKind::Unprotected.meaning());
    }
    for notice in &snapshot.notices {
        if let Some(who) = notice.strip_prefix("Contested: ") {
            found.add(AlertKind::Contested, "this installation".to_owned(), who);
        } else if let Some(why) = notice.strip_prefix("ManifestsUnusable: ") {
            found.add(AlertKind::Manifests, "the manifests".to_owned(), why);
        }
    }
    if let Some(journal) = &snapshot.journal
        && let Some(trouble) = &journal.trouble
    {
        found.add(AlertKind::Journal, journal.path.clone(), trouble);
    }
    if let Some(plan) = &snapshot.held_plan {
        found.add(AlertKind::Held, "the change guard".to_owned(), &plan.text);
    }
    for refusal in &snapshot.refusals {
        found.add(AlertKind::Refused, refusal.clone(), "");
    }
    for key in &snapshot.keys {
        found.key(key, snapshot, after);
    }
    found.0
}

struct Found(Firing);

impl Found {
    fn add(&mut self, kind: AlertKind, subject: String, message: &str) {
        self.0.entry(kind).or_default().entry(subject).or_insert_with(|| message.to_owned());
    }

    fn key(&mut self, key: &KeyStatus, snapshot: &Snapshot, after: SignedDuration) {
        let mut is_told = false;
        for (reason, message) in &key.waits {
            match reason.as_str() {
                CONTESTED => self.add(AlertKind::Contested, key.key.clone(), message),
                // Every cell of the rollout waits for the same.
                HALTED | ROLLED_BACK => {
                    let subject = key.manifest.clone().unwrap_or_else(|| key.key.clone());
                    self.add(AlertKind::Rollout, subject, message);
                }
                CHANGE_GUARD | JOURNAL => {}
                _ => continue,
            }
            is_told = true;
        }
        let kind = match key.phase {
            Phase::Failing => AlertKind::Unreachable,
            Phase::Held if !is_told => AlertKind::Held,
            Phase::InSync
            | Phase::Converging
            | Phase::Waiting
            | Phase::Unknown
            | Phase::Held
            | Phase::Refused => return,
        };
        if key.since.is_some_and(|since| snapshot.at.duration_since(since) >= after) {
            let reason = key.reason.as_deref().unwrap_or_default();
            let message = key.message.as_deref().unwrap_or_default();
            self.add(kind, key.key.clone(), &format!("{reason}: {message}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn snapshot(more: &Value) -> Snapshot {
        let mut all = json!({
            "apiVersion": "bedrail.dev/v1alpha1", "kind": "Status", "version": "1",
            "at": "2026-01-01T01:00:00Z", "generation": 3, "ready": true, "notices": [],
            "counts": {"accounts": 0, "activeAccounts": 0, "regions": 0, "cells": 0,
                       "cellsByPhase": {}, "keysByPhase": {}},
            "keys": [], "unprotected": [], "refusals": [], "orphans": [], "accounts": {},
            "writes": [], "calls": {}, "throttles": {},
        });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    fn fires(more: &Value) -> Vec<(AlertKind, String)> {
        let found = firing(&snapshot(more), SignedDuration::from_mins(15));
        let subjects = found
            .into_iter()
            .flat_map(|(kind, subjects)| subjects.into_keys().map(move |subject| (kind, subject)));
        subjects.collect()
    }

    fn key(name: &str, phase: &str, since: &str, waits: &Value) -> Value {
        json!({"key": name, "kind": "Cell", "phase": phase, "since": since, "reason": "Denied",
               "message": "no", "waits": waits, "manifest": "AccountEnforcement/a"})
    }

    #[test]
    fn what_must_be_known_fires_at_once() {
        for (more, expected) in [
            (
                json!({"unprotected": [{"account": "111122223333", "region": "us-east-1"}],
                       "accounts": {"111122223333": {"name": "shop", "state": "ACTIVE"}}}),
                (AlertKind::Unprotected, "111122223333 us-east-1 (shop)"),
            ),
            (
                json!({"notices": ["Contested: another controller writes"]}),
                (AlertKind::Contested, "this installation"),
            ),
            (
                json!({"notices": ["ManifestsUnusable: a.yaml:3:1"]}),
                (AlertKind::Manifests, "the manifests"),
            ),
            (
                json!({"journal": {"path": "/j", "trouble": "disk full"}}),
                (AlertKind::Journal, "/j"),
            ),
            (
                json!({"keys": [key("cell x", "Held", "2026-01-01T00:59:59Z",
                                    &json!([["Halted", "gate failed"]]))]}),
                (AlertKind::Rollout, "AccountEnforcement/a"),
            ),
            (json!({"refusals": ["A/b x: y"]}), (AlertKind::Refused, "A/b x: y")),
        ] {
            assert_eq!(fires(&more), [(expected.0, expected.1.to_owned())], "{more}");
        }
    }

    #[test]
    fn what_fails_or_waits_for_a_person_fires_only_after_a_while() {
        let at =
            |since: &str, phase: &str| json!({"keys": [key("cell x", phase, since, &json!([]))]});
        assert_eq!(fires(&at("2026-01-01T00:50:00Z", "Failing")), []);
        let late = "2026-01-01T00:45:00Z";
        assert_eq!(fires(&at(late, "Failing")), [(AlertKind::Unreachable, "cell x".to_owned())]);
        assert_eq!(fires(&at(late, "Held")), [(AlertKind::Held, "cell x".to_owned())]);
        assert_eq!(fires(&at(late, "Waiting")), []);
        assert_eq!(fires(&json!({})), []);
    }

    #[test]
    fn a_loss_that_is_held_is_one_subject_however_many_cells_it_is_about() {
        let cell = |name: &str| {
            let waits = json!([["ChangeGuard", "p-1"]]);
            key(name, "Held", "2026-01-01T00:00:00Z", &waits)
        };
        let more = json!({"keys": [cell("cell x"), cell("cell y")],
                          "heldPlan": {"text": "p-1: 2 of 3", "approval": ""}});
        assert_eq!(fires(&more), [(AlertKind::Held, "the change guard".to_owned())]);
    }
}
