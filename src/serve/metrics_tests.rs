use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::status::Verdict;

/// Names and types; alerts and dashboards are written against them.
const NAMES: &str = include_str!("metrics.txt");

fn status() -> Value {
    json!({
        "apiVersion": "bedrail.dev/v1alpha1", "kind": "Status", "version": "1",
        "at": "2026-01-01T00:01:00Z", "generation": 3, "ready": true, "notices": [],
        "counts": {
            "accounts": 3, "activeAccounts": 2, "regions": 1, "cells": 2,
            "cellsByPhase": {"InSync": 1, "Held": 1}, "keysByPhase": {"InSync": 4},
        },
        "keys": [{
            "key": "organization", "kind": "Organization", "phase": "InSync",
            "observedAt": "2026-01-01T00:00:20Z",
        }],
        "unprotected": [{"account": "111122223333", "region": "us-east-1"}],
        "refusals": [], "orphans": [], "accounts": {}, "writes": [],
        "rollouts": [
            {"enforcement": "everywhere", "stage": "Baking", "wave": 1, "waves": 3},
            {"kind": "OrganizationEnforcement", "enforcement": "everywhere", "stage": "Done",
             "wave": 2, "waves": 2},
        ],
        "lastCompleteResync": "2026-01-01T00:00:30Z",
        "unanswering": {"regions": [], "accounts": ["111122223333", "222233334444"]},
        "calls": {"bedrock:ListGuardrails": 7}, "throttles": {"bedrock:GetGuardrail": 1},
    })
}

fn snapshot() -> Snapshot {
    serde_json::from_value(status()).unwrap()
}

fn tally() -> Tally {
    let mut tally = Tally::default();
    let took = Duration::from_millis(20);
    for verdict in [Verdict::Unchanged, Verdict::Error, Verdict::Error] {
        tally.visited("Cell", verdict, took, Timestamp::UNIX_EPOCH);
    }
    tally.gave_up("Cell");
    tally.found_drift("bedrock:PutEnforcedGuardrailConfiguration");
    tally.wrote("bedrock:PutEnforcedGuardrailConfiguration", true);
    tally
}

fn work() -> Work {
    let times = Histogram::of(&[0.1, 1.0], &[3, 1, 0], 1.5);
    Work {
        ready: 2,
        running: 1,
        delayed: 5,
        limit: 64,
        adds: 9,
        retries: 4,
        waited: times.clone(),
        worked: times,
        unfinished: Duration::from_millis(2500),
        longest: Duration::from_millis(2500),
    }
}

#[track_caller]
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|it| it == *line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_scrape_says_what_an_alert_asks() {
    let text = metrics_text(&snapshot(), &tally(), &work()).unwrap();
    assert_lines(
        &text,
        &[
            "controller_runtime_reconcile_total{controller=\"Cell\",result=\"success\"} 1",
            "controller_runtime_reconcile_total{controller=\"Cell\",result=\"error\"} 2",
            "controller_runtime_reconcile_errors_total{controller=\"Cell\"} 2",
            "controller_runtime_reconcile_time_seconds_bucket{le=\"0.05\",controller=\"Cell\"} 3",
            "controller_runtime_active_workers{controller=\"bedrail\"} 1",
            "controller_runtime_max_concurrent_reconciles{controller=\"bedrail\"} 64",
            "bedrail_visits_given_up_total{controller=\"Cell\"} 1",
            "bedrail_circuits_open{scope=\"account\"} 2",
            "bedrail_circuits_open{scope=\"Region\"} 0",
            "workqueue_depth{name=\"bedrail\"} 2",
            "workqueue_adds_total{name=\"bedrail\"} 9",
            "workqueue_retries_total{name=\"bedrail\"} 4",
            "workqueue_queue_duration_seconds_count{name=\"bedrail\"} 4",
            "workqueue_work_duration_seconds_sum{name=\"bedrail\"} 1.5",
            "workqueue_unfinished_work_seconds{name=\"bedrail\"} 2.5",
            "bedrail_cells{state=\"Held\"} 1",
            "bedrail_cells{state=\"Failing\"} 0",
            "bedrail_rollout_wave{kind=\"AccountEnforcement\",enforcement=\"everywhere\"} 1",
            "bedrail_rollout_waves{kind=\"AccountEnforcement\",enforcement=\"everywhere\"} 3",
            "bedrail_rollout_wave{kind=\"OrganizationEnforcement\",enforcement=\"everywhere\"} 2",
            "bedrail_rollouts{stage=\"Baking\"} 1",
            "bedrail_api_calls_total{service=\"bedrock\",operation=\"ListGuardrails\"} 7",
            "bedrail_oldest_observation_seconds{} 40",
            "bedrail_last_complete_resync_timestamp_seconds{} 1767225630",
            "bedrail_build_info{version=\"1\"} 1",
            "bedrail_manifests_broken{} 0",
        ],
    );
    for drift in ["bedrail_drift_found_total", "bedrail_drift_corrected_total"] {
        assert!(text.contains(&format!("{drift}{{service=\"bedrock\"")), "{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn each_reason_counts_the_keys_it_holds_up() {
    let mut status = status();
    let contested = json!(["Contested", "somebody undoes it"]);
    let role = "failed to call sts:AssumeRole in 111122223333: AccessDenied: no";
    let place = |region: &str| json!({"account": "111122223333", "region": region});
    let failing = |region: &str| {
        json!({"key": format!("cell {region}"), "kind": "Cell", "phase": "Failing",
            "place": place(region), "reason": "Denied", "message": role})
    };
    status["keys"] = json!([
        {"key": "a", "kind": "Cell", "phase": "Held", "waits": [contested, contested]},
        {"key": "b", "kind": "Cell", "phase": "Held", "waits": [contested, ["Halted", "no"]]},
        failing("us-east-1"),
        failing("eu-west-1"),
    ]);
    let snapshot = serde_json::from_value(status).unwrap();
    let text = metrics_text(&snapshot, &tally(), &work()).unwrap();
    assert_lines(
        &text,
        &[
            "bedrail_holds{reason=\"Contested\"} 2",
            "bedrail_holds{reason=\"Halted\"} 1",
            "bedrail_failures{reason=\"Denied\"} 2",
            "bedrail_unassumable_accounts{} 1",
        ],
    );
    // Something was never read: silence.
    assert!(!text.contains("bedrail_oldest_observation_seconds{}"), "{text}");
}

#[test]
fn no_account_is_a_label() {
    let text = metrics_text(&snapshot(), &Tally::default(), &Work::default()).unwrap();
    assert!(!text.contains("111122223333"), "{text}");
}

/// What is renamed here is missing from somebody's alert.
#[test]
fn names_and_types_are_those_that_alerts_are_written_against() {
    let text = metrics_text(&snapshot(), &tally(), &work()).unwrap();
    let found: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| {
            let suffix = if kind == "counter" { "_total" } else { "" };
            (format!("{name}{suffix}"), kind.to_owned())
        })
        .collect();
    let expected: BTreeMap<String, String> = NAMES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();
    assert_eq!(found, expected);
    // A scrape never says one of them twice.
    let types = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(types, found.len());
}

#[test]
fn seventeen_thousand_cells_are_a_scrape_of_less_than_a_megabyte() {
    let cell = |account: u64, region: u64| {
        let place =
            json!({"account": account.to_string(), "region": format!("xx-region-{region}")});
        json!({
            "key": format!("cell {account} xx-region-{region}"), "kind": "Cell", "phase": "Held",
            "place": place, "manifest": "AccountEnforcement/everywhere", "reason": "WaveClosed",
            "message": "m".repeat(200), "waits": [["WaveClosed", "w".repeat(200)]],
            "observedAt": "2026-01-01T00:00:20Z",
        })
    };
    let cells = |account: u64| (0..17).map(move |region| cell(100_000_000_000 + account, region));
    let mut status = status();
    status["keys"] = (0..1_000).flat_map(cells).collect();
    let place = json!({"account": "111122223333", "region": "us-east-1"});
    status["unprotected"] = json!(vec![place; 17_000]);
    let snapshot: Snapshot = serde_json::from_value(status).unwrap();
    assert_eq!(snapshot.keys.len(), 17_000);
    let text = metrics_text(&snapshot, &tally(), &work()).unwrap();
    assert!(text.len() < 1_000_000, "{}", text.len());
    // Not even a page: it does not grow with the cells.
    let labels: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(labels.len() < 200, "{}", labels.len());
}
