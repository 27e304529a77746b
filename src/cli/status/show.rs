//! What is shown, and what of it is new.

use jiff::Timestamp;
use serde_json::Value;

use super::super::document::Form;
use super::super::exit::Exit;
use super::cell::CellDetail;
use super::{StatusArguments, StatusCommand};
use crate::status::{KeyStatus, Phase, Snapshot, key_to_text, snapshot_to_text};

/// What was found.
pub(super) struct Found {
    pub(super) snapshot: Snapshot,
    /// Of the one cell that was asked for, where the controller knows more.
    pub(super) cell: Option<CellDetail>,
}

/// What is printed, and how it ends.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) exit: Exit,
}

/// Whether documents stand one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// There is one.
    One,
    /// There may be more: JSON is one line each, YAML begins with `---`.
    Many,
}

/// Shows what was asked for.
pub(super) fn show(
    found: &Found,
    arguments: &StatusArguments,
    stream: Stream,
) -> anyhow::Result<Shown> {
    let Found { snapshot, cell } = found;
    let chosen = |key: &&KeyStatus| is_chosen(key, arguments);
    let is_all = arguments.command.is_none() && arguments.name.is_none();
    let keys: Vec<&KeyStatus> = snapshot.keys.iter().filter(chosen).collect();
    let text = match arguments.output.form() {
        Some(form) if is_all => document(form, &serde_json::to_value(snapshot)?, stream)?,
        Some(form) => document(form, &serde_json::to_value(&keys)?, stream)?,
        None if is_all => snapshot_to_text(snapshot),
        None => match cell {
            Some(cell) => cell.text(snapshot.at),
            None if keys.is_empty() => {
                "nothing here is claimed by a manifest, or it was not looked at yet\n".to_owned()
            }
            None => keys.iter().map(|key| key_to_text(key, snapshot.at)).collect(),
        },
    };
    Ok(Shown { text, exit: exit(snapshot, &keys, is_all) })
}

fn is_chosen(key: &KeyStatus, arguments: &StatusArguments) -> bool {
    match (&arguments.command, &arguments.name) {
        (Some(StatusCommand::Cell { account, region }), _) => {
            key.place.as_ref().is_some_and(|place| {
                place.account == account.to_string() && place.region == region.to_string()
            })
        }
        (None, Some(name)) => {
            let manifest = key.manifest.as_deref().unwrap_or_default();
            manifest == name || manifest.rsplit_once('/').is_some_and(|(_, it)| it == name)
        }
        (None, None) => true,
    }
}

fn exit(snapshot: &Snapshot, keys: &[&KeyStatus], is_all: bool) -> Exit {
    let needs_somebody =
        |key: &&KeyStatus| matches!(key.phase, Phase::Held | Phase::Refused | Phase::Failing);
    let is_unprotected = is_all && !snapshot.unprotected.is_empty();
    let is_good = snapshot.ready && !is_unprotected && !keys.iter().any(needs_somebody);
    if !is_good || keys.is_empty() {
        Exit::Error
    } else if keys.iter().all(|key| key.phase == Phase::InSync) {
        Exit::Done
    } else {
        Exit::Waiting
    }
}

fn document(form: Form, value: &Value, stream: Stream) -> anyhow::Result<String> {
    match (stream, form) {
        (Stream::One, form) => form.text(value),
        (Stream::Many, Form::Json) => Ok(format!("{value}\n")),
        (Stream::Many, Form::Yaml) => Ok(format!("---\n{}", form.text(value)?)),
    }
}

/// What counts as a change: all but the time of day, when things were last read, and how many calls
/// that took.
pub(super) fn essence(snapshot: &Snapshot) -> Snapshot {
    let mut snapshot = snapshot.clone();
    snapshot.at = Timestamp::UNIX_EPOCH;
    snapshot.calls.clear();
    snapshot.throttles.clear();
    for key in &mut snapshot.keys {
        key.observed_at = None;
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot() -> Snapshot {
        serde_json::from_value(json!({
            "apiVersion": "v", "kind": "Status", "version": "1", "at": "2026-01-01T00:01:00Z",
            "generation": 3, "ready": true, "notices": [], "counts": {
                "accounts": 1, "activeAccounts": 1, "regions": 1, "cells": 1,
                "cellsByPhase": {"InSync": 1}, "keysByPhase": {"InSync": 1},
            },
            "keys": [{"key": "cell a b", "kind": "Cell", "phase": "InSync",
                      "observedAt": "2026-01-01T00:00:30Z"}],
            "unprotected": [], "refusals": [], "orphans": [], "accounts": {}, "writes": [],
            "calls": {"bedrock:ListGuardrails": 7}, "throttles": {},
        }))
        .unwrap()
    }

    #[test]
    fn to_look_again_is_no_change() {
        let before = snapshot();
        let mut after = before.clone();
        after.at = Timestamp::UNIX_EPOCH;
        after.calls.insert("bedrock:ListGuardrails".to_owned(), 8);
        after.throttles.insert("bedrock:ListGuardrails".to_owned(), 1);
        after.keys[0].observed_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(essence(&before), essence(&after));
        after.keys[0].phase = Phase::Held;
        assert_ne!(essence(&before), essence(&after));
        let mut bare = snapshot();
        bare.unprotected.push(crate::status::Place { account: "a".into(), region: "b".into() });
        assert_ne!(essence(&before), essence(&bare));
    }

    #[test]
    fn documents_of_a_stream_are_told_apart() {
        let value = json!({"a": [1, 2]});
        let one = document(Form::Json, &value, Stream::One).unwrap();
        assert!(one.lines().count() > 1);
        assert_eq!(document(Form::Json, &value, Stream::Many).unwrap(), "{\"a\":[1,2]}\n");
        assert!(document(Form::Yaml, &value, Stream::Many).unwrap().starts_with("---\n"));
    }
}
