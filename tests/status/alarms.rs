//! What alarms are made of: the heartbeat, and metrics that `run` writes by itself.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bedrail::serve::{Admission, Beat, Feed, Health, Work, bind, serve};
use bedrail::status::{Snapshot, Tally};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::support::{ADA, SMALL, Stage, everything};
use super::{Scene, fetched};

/// A rule of CloudWatch's specification of the embedded metric format, and what breaks it.
fn broken_rule(line: &str) -> Option<String> {
    let Ok(root) = serde_json::from_str::<Value>(line) else { return Some("no JSON".to_owned()) };
    let broken = |rule: &str| Some(format!("{rule}: {line}"));
    let now = Timestamp::now().as_millisecond();
    match root["_aws"]["Timestamp"].as_i64() {
        // Not older than two weeks, not further ahead than two hours.
        Some(at) if at > now - 14 * 86_400_000 && at < now + 7_200_000 => {}
        _ => return broken("_aws.Timestamp is a number of milliseconds, of about now"),
    }
    let Some(directives) = root["_aws"]["CloudWatchMetrics"].as_array() else {
        return broken("_aws.CloudWatchMetrics is a list");
    };
    for directive in directives {
        let is_text = |value: &Value, max: usize| {
            value.as_str().is_some_and(|it| (1..=max).contains(&it.chars().count()))
        };
        let has_only = |value: &Value, names: &[&str]| {
            value.as_object().is_some_and(|it| it.keys().all(|name| names.contains(&name.as_str())))
        };
        if !has_only(directive, &["Namespace", "Dimensions", "Metrics"]) {
            return broken("a directive has three members");
        }
        if !is_text(&directive["Namespace"], 1024) {
            return broken("a namespace has 1 to 1024 characters");
        }
        let sets = directive["Dimensions"].as_array().map_or(&[][..], Vec::as_slice);
        let is_set = |set: &Value| {
            set.as_array().is_some_and(|keys| {
                (1..=30).contains(&keys.len())
                    && keys
                        .iter()
                        .all(|key| is_text(key, 250) && is_text(&root[key.as_str().unwrap()], 1024))
            })
        };
        if sets.is_empty() || !sets.iter().all(is_set) {
            return broken("dimensions are sets of 1 to 30 names of texts at the root");
        }
        let metrics = directive["Metrics"].as_array().map_or(&[][..], Vec::as_slice);
        if !(1..=100).contains(&metrics.len()) {
            return broken("a directive has 1 to 100 metrics");
        }
        for metric in metrics {
            let units = ["Seconds", "Count", "Percent", "Bytes", "None"];
            let is_metric = has_only(metric, &["Name", "Unit", "StorageResolution"])
                && is_text(&metric["Name"], 1024)
                && metric["Unit"].as_str().is_some_and(|unit| units.contains(&unit))
                && root[metric["Name"].as_str().unwrap()].is_number();
            if !is_metric {
                return broken("a metric has a name, a unit, and a number at the root");
            }
        }
    }
    None
}

#[test]
fn a_line_that_breaks_a_rule_is_noticed() {
    let now = Timestamp::now().as_millisecond();
    let good = json!({
        "_aws": {"Timestamp": now, "CloudWatchMetrics": [{
            "Namespace": "Bedrail", "Dimensions": [["Owner"]],
            "Metrics": [{"Name": "Cells", "Unit": "Count"}],
        }]},
        "Owner": "default", "Cells": 1,
    });
    assert_eq!(broken_rule(&good.to_string()), None);
    for (pointer, wrong) in [
        ("/_aws/Timestamp", json!(now / 1000)),
        ("/_aws/CloudWatchMetrics/0/Namespace", json!("")),
        ("/_aws/CloudWatchMetrics/0/Dimensions", json!([["Missing"]])),
        ("/_aws/CloudWatchMetrics/0/Metrics/0/Unit", json!("Cells")),
        ("/_aws/CloudWatchMetrics/0/Metrics/0/Name", json!("Missing")),
        ("/_aws/CloudWatchMetrics/0/Metrics", json!(vec![json!({}); 101])),
        ("/Cells", json!("1")),
        ("/Owner", json!(1)),
    ] {
        let mut line = good.clone();
        *line.pointer_mut(pointer).unwrap() = wrong;
        assert!(broken_rule(&line.to_string()).is_some(), "{pointer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_writes_lines_that_cloudwatch_takes_apart() {
    let stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let mut command = stage.bedrail(&[
        "run",
        "--resync",
        "300ms",
        "--metrics-format",
        "emf",
        "--metrics-interval",
        "50ms",
    ]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let read = tokio::task::spawn_blocking(move || {
        let (mut names, mut writes) = (BTreeSet::new(), 0);
        for line in output.lines() {
            let line = line.unwrap();
            assert_eq!(broken_rule(&line), None);
            let line: Value = serde_json::from_str(&line).unwrap();
            for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap() {
                names.insert(metric["Name"].as_str().unwrap().to_owned());
            }
            writes += line["Writes"].as_u64().unwrap();
            // The heartbeat is missing until everything was read once.
            if line["CellsInSync"] == 2 && !line["HeartbeatAge"].is_null() {
                return (names, writes, line);
            }
        }
        panic!("it ended before everything was in sync");
    });
    let (names, writes, line) = read.await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(line["Owner"], "default");
    assert!(names.contains("Unprotected") && names.contains("DriftCorrected"), "{names:?}");
    let made = stage.writes().await.len();
    assert_eq!(usize::try_from(writes).unwrap(), made, "each write is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_beats_after_each_complete_resync_and_stops_while_something_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heartbeat");
    let beat = || {
        let text = std::fs::read_to_string(&path).ok()?;
        assert!(text.trim_end().parse::<Timestamp>().is_ok(), "{text}");
        let metadata = std::fs::metadata(&path).ok()?;
        Some(metadata.modified().unwrap())
    };
    let scene = Scene::start(|stage| {
        stage.set("BEDRAIL_HEARTBEAT", path.to_str().unwrap());
        stage.manifest("all.yaml", &everything());
    })
    .await;
    let next = async |before| {
        scene
            .stage
            .eventually("the next beat", async || beat().filter(|at| Some(*at) != before))
            .await
    };
    let first = next(None).await;
    next(Some(first)).await;
    let name = "bedrail_last_complete_resync_timestamp_seconds{} ";
    assert!(scene.get("/metrics", &[]).await.1.contains(name));

    let denied = json!([{"kind": "Denied", "operation": "bedrock:ListEnforced*", "account": ADA}]);
    scene.stage.faults(denied).await;
    scene
        .becomes("two cells fail", |status| status["counts"]["cellsByPhase"]["Failing"] == 2)
        .await;
    // The round in which it was read still may be completed.
    some_resyncs(&scene).await;
    let last = beat();
    some_resyncs(&scene).await;
    assert_eq!(beat(), last, "one account cannot be read");
    scene.stage.faults(json!([])).await;
    next(last).await;
}

async fn some_resyncs(scene: &Scene) {
    scene.stage.forget_calls().await;
    scene
        .stage
        .eventually("some resyncs", async || {
            let count = scene.stage.calls().await.get("organizations:ListRoots").copied();
            (count >= Some(6)).then_some(())
        })
        .await;
}

/// The last good generation stays in force, and whoever watches knows that it is the last one.
#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_cannot_be_used_show() {
    let scene = Scene::converged().await;
    let says = async |line: &str| {
        scene
            .stage
            .eventually(line, async || {
                let (_, text) = scene.get("/metrics", &[]).await;
                text.lines().any(|it| it == line).then_some(())
            })
            .await;
    };
    says("bedrail_manifests_broken{} 0").await;
    scene.stage.manifest("more.yaml", "kind: Guardrail\n");
    says("bedrail_manifests_broken{} 1").await;
    says("bedrail_generation{} 1").await;
    scene.stage.remove("more.yaml");
    says("bedrail_manifests_broken{} 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_whose_role_cannot_be_assumed_are_counted_and_there_is_no_heartbeat() {
    let scene = Scene::start(|stage| {
        stage.set("BEDRAIL_MEMBER_ROLE", "Missing");
        stage.manifest("all.yaml", &everything());
    })
    .await;
    let text = scene
        .stage
        .eventually("accounts are counted", async || {
            let (_, text) = scene.get("/metrics", &[]).await;
            let mut lines = text.lines();
            let count =
                lines.find_map(|line| line.strip_prefix("bedrail_unassumable_accounts{} "))?;
            (count != "0").then(|| text.clone())
        })
        .await;
    assert!(text.contains("bedrail_holds{reason=\"RoleNotAssumable\"}"), "{text}");
    some_resyncs(&scene).await;
    let (_, text) = scene.get("/metrics", &[]).await;
    assert!(!text.contains("bedrail_last_complete_resync_timestamp_seconds{}"), "{text}");
}

/// The process answers, and no visit ends: a probe must not take that for life.
#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_hangs_fails_its_probe() {
    let status = json!({
        "apiVersion": "v", "kind": "Status", "version": "1", "at": "2026-01-01T00:00:00Z",
        "generation": 1, "ready": true, "notices": [], "keys": [], "unprotected": [],
        "counts": {"accounts": 0, "activeAccounts": 0, "regions": 0, "cells": 0,
            "cellsByPhase": {}, "keysByPhase": {}},
        "refusals": [], "orphans": [], "accounts": {}, "writes": [], "calls": {}, "throttles": {},
    });
    let snapshot: Snapshot = serde_json::from_value(status).unwrap();
    let now = Timestamp::now();
    for (silent_s, code) in [(299, 200), (301, 503)] {
        let snapshot = snapshot.clone();
        let last = now - Duration::from_secs(silent_s);
        let feed = Feed {
            snapshot: Arc::new(move || snapshot.clone()),
            brief: Arc::new(|| unreachable!("nobody asks for it")),
            overview: Arc::new(|| unreachable!("nobody opens the page")),
            cell: Arc::new(|_, _| None),
            beats: watch::channel(Beat { revision: 1, at: now }).1,
            tally: Arc::new(Tally::default),
            work: Arc::new(Work::default),
            health: Arc::new(move || Health::judge(now, now, Some(last), Duration::from_mins(5))),
        };
        let admission = Admission::new(false, None);
        let listener = bind("127.0.0.1:0".parse().unwrap(), &admission).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, feed, admission, stop.clone()));
        let (found, said) = fetched(&format!("http://{address}/healthz"), &[]).await;
        assert_eq!(found, code, "{said}");
        assert_eq!(said.contains("no visit has ended for 301 s"), code == 503, "{said}");
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
