//! Metrics for CloudWatch: one JSON line in the embedded metric format, which CloudWatch Logs takes
//! apart by itself wherever the standard output of a container goes to a log group. The names are in
//! `emf.txt`; alarms are written against them.

use serde_json::{Map, Value, json};

use crate::status::{Phase, Snapshot, Tally};

/// The namespace; alarms are written against it.
const NAMESPACE: &str = "Bedrail";

/// The one dimension: whose installation this is. One per account or cell would be billed so.
const DIMENSION: &str = "Owner";

/// Counts since the start, of which CloudWatch is told the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    visits: u64,
    writes: u64,
    drift_found: u64,
    drift_corrected: u64,
    calls: u64,
    throttles: u64,
}

impl Totals {
    /// What was counted so far.
    pub fn of(snapshot: &Snapshot, tally: &Tally) -> Self {
        Self {
            visits: tally.visits.values().sum(),
            writes: tally.writes.values().sum(),
            drift_found: tally.drift_found.values().sum(),
            drift_corrected: tally.drift.values().sum(),
            calls: snapshot.calls.values().sum(),
            throttles: snapshot.throttles.values().sum(),
        }
    }
}

/// A metric: its name, its unit, and its value.
type Metric = (&'static str, &'static str, u64);

/// One line, with what was counted since `before`.
pub fn emf_line(owner: &str, snapshot: &Snapshot, tally: &Tally, before: &Totals) -> String {
    let metrics = metrics(snapshot, &Totals::of(snapshot, tally), before);
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": snapshot.at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [[DIMENSION]],
                "Metrics": definitions,
            }],
        }),
    );
    root.insert(DIMENSION.to_owned(), json!(owner));
    root.insert("Version".to_owned(), json!(snapshot.version));
    for (name, _, value) in metrics {
        root.insert(name.to_owned(), json!(value));
    }
    Value::Object(root).to_string()
}

fn metrics(snapshot: &Snapshot, now: &Totals, before: &Totals) -> Vec<Metric> {
    let Snapshot { counts, unprotected, orphans, rollouts, journal, .. } = snapshot;
    let count = |name, count: usize| (name, "Count", u64::try_from(count).unwrap_or(u64::MAX));
    let flag = |name, is_so: bool| (name, "Count", u64::from(is_so));
    let since = |name, now: u64, before: u64| (name, "Count", now.saturating_sub(before));
    let cells = |phase: Phase| counts.cells_by_phase.get(&phase).copied().unwrap_or_default();
    let keys = |phase: Phase| counts.keys_by_phase.get(&phase).copied().unwrap_or_default();
    let holds = |reason: &str| {
        let is_held = |waits: &[(String, String)]| waits.iter().any(|(it, _)| it == reason);
        snapshot.keys.iter().filter(|key| is_held(&key.waits)).count()
    };
    let is_stopped = |stage: &str| matches!(stage, "Halted" | "RolledBack");
    let stopped = rollouts.iter().filter(|it| is_stopped(&it.stage)).count();
    let mut metrics = vec![
        count("Cells", counts.cells),
        count("CellsInSync", cells(Phase::InSync)),
        count("Unprotected", unprotected.len()),
        count("Held", keys(Phase::Held)),
        count("Refused", keys(Phase::Refused)),
        count("Failing", keys(Phase::Failing)),
        count("Orphans", orphans.len()),
        count("Contested", holds("Contested") + usize::from(snapshot.contested)),
        count("RolloutsHalted", stopped.max(holds("Halted").min(1))),
        count("UnassumableAccounts", snapshot.unassumable()),
        flag("PlanHeld", snapshot.held_plan.is_some()),
        flag("ManifestsBroken", snapshot.manifests_broken || snapshot.generation == 0),
        flag("JournalDegraded", journal.as_ref().is_some_and(|it| it.trouble.is_some())),
        flag("Ready", snapshot.ready),
        since("Visits", now.visits, before.visits),
        since("Writes", now.writes, before.writes),
        since("DriftFound", now.drift_found, before.drift_found),
        since("DriftCorrected", now.drift_corrected, before.drift_corrected),
        since("ApiCalls", now.calls, before.calls),
        since("ApiThrottles", now.throttles, before.throttles),
    ];
    // Both are missing until all was read once, which alarms take for a breach.
    let age = |then: jiff::Timestamp| {
        u64::try_from(snapshot.at.as_second().saturating_sub(then.as_second())).unwrap_or_default()
    };
    let heartbeat = snapshot.last_complete_resync.map(age);
    metrics.extend(heartbeat.map(|age| ("HeartbeatAge", "Seconds", age)));
    let oldest = snapshot.oldest_observation().map(age);
    metrics.extend(oldest.map(|age| ("OldestObservationAge", "Seconds", age)));
    metrics
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::status::Verdict;

    fn snapshot() -> Snapshot {
        let phases = json!({"InSync": 1, "Failing": 1});
        serde_json::from_value(json!({
            "apiVersion": "v", "kind": "Status", "version": "1", "at": "2026-01-01T00:01:00Z",
            "generation": 3, "ready": true, "notices": [],
            "counts": {"accounts": 3, "activeAccounts": 2, "regions": 1, "cells": 2,
                "cellsByPhase": phases, "keysByPhase": phases},
            "keys": [{"key": "a", "kind": "Cell", "phase": "Failing",
                "waits": [["Contested", ""]], "observedAt": "2026-01-01T00:00:20Z"}],
            "unprotected": [{"account": "111122223333", "region": "us-east-1"}],
            "refusals": [], "orphans": [], "accounts": {}, "writes": [],
            "rollouts": [{"enforcement": "e", "stage": "Halted", "wave": 1, "waves": 2}],
            "lastCompleteResync": "2026-01-01T00:00:30Z",
            "calls": {"bedrock:ListGuardrails": 7}, "throttles": {},
        }))
        .unwrap()
    }

    /// Names and units; alarms are written against them.
    const NAMES: &str = include_str!("emf.txt");

    fn line(before: &Totals) -> Value {
        let mut tally = Tally::default();
        tally.visited("Cell", Verdict::Applied, Duration::ZERO, Timestamp::UNIX_EPOCH);
        tally.wrote("bedrock:PutResourcePolicy", true);
        let line = emf_line("default", &snapshot(), &tally, before);
        assert!(!line.contains('\n') && !line.contains("111122223333"), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn every_metric_that_is_declared_has_its_number_at_the_root() {
        let line = line(&Totals::default());
        assert_eq!(line["_aws"]["Timestamp"], 1_767_225_660_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!(metrics.len() <= 100);
        let names: BTreeSet<&str> = metrics.iter().map(|it| it["Name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), metrics.len(), "a name stands once");
        let told: BTreeSet<String> = metrics
            .iter()
            .map(|it| format!("{} {}", it["Name"].as_str().unwrap(), it["Unit"].as_str().unwrap()))
            .collect();
        let listed = NAMES.lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
        assert_eq!(told, listed.collect());
        assert!(names.iter().all(|name| line[name].is_u64()), "{line:#}");
        assert_eq!(line[DIMENSION], "default");
        for (name, value) in [
            ("Unprotected", 1),
            ("Failing", 1),
            ("Contested", 1),
            ("RolloutsHalted", 1),
            ("DriftCorrected", 1),
            ("ApiCalls", 7),
            ("HeartbeatAge", 30),
            ("OldestObservationAge", 40),
        ] {
            assert_eq!(line[name], value, "{name}: {line:#}");
        }
    }

    #[test]
    fn what_was_told_before_is_not_told_again() {
        let before = Totals { calls: 5, writes: 1, ..Totals::default() };
        let line = line(&before);
        assert_eq!((&line["ApiCalls"], &line["Writes"]), (&json!(2), &json!(0)));
    }
}
