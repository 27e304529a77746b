//! How long `bedrail status` takes for 17,000 cells, and whether it fits a terminal.
//!
//! `cargo bench --bench status` (`cargo test --bench status` without optimisation). A listener on
//! loopback answers as a controller does, but for finding out where each key stands: what is measured is what it
//! sends, and the command: start, read, parse, group, print.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a command for developers")]

use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use bedrail::runtime::Clock;
use bedrail::status::Snapshot;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ACCOUNTS: usize = 1000;
const REGIONS: usize = 17;
const RUNS: usize = 11;

fn conditions(is_held: bool, message: &str) -> Value {
    let kinds = ["Ready", "InSync", "Accepted", "Reachable"];
    let condition = |kind: &&str| {
        let holds = !is_held || ["Accepted", "Reachable"].contains(kind);
        let mut it = json!({
            "type": kind,
            "status": if holds { "True" } else { "False" },
            "reason": if holds { "InSync" } else { "ChangeGuard" },
            "lastTransitionTime": "2026-01-01T00:00:00.123456789Z",
            "observedGeneration": 3,
        });
        if !holds {
            it["message"] = json!(message);
        }
        it
    };
    kinds.iter().map(condition).collect()
}

/// A thousand accounts, seventeen Regions; one cell in fifty waits for a person.
fn snapshot() -> Value {
    let message = "the change guard holds 340 of 17,000 cells: they would lose their guardrail; add the \
                   Approval that `bedrail plan` prints";
    let mut keys = Vec::new();
    for cell in 0..ACCOUNTS * REGIONS {
        let (account, region) = (
            format!("{:012}", 100_000_000_000 + cell / REGIONS),
            format!("eu-west-{}", cell % REGIONS),
        );
        let is_held = cell % 50 == 7;
        let mut key = json!({
            "key": format!("cell {account} {region}"),
            "kind": "Cell",
            "place": {"account": account, "region": region},
            "manifest": format!("AccountEnforcement/enforcement-{}", cell % 20),
            "phase": if is_held { "Held" } else { "InSync" },
            "since": "2026-01-01T00:00:00.123456789Z",
            "observedAt": "2026-01-01T00:00:30.123456789Z",
            "conditions": conditions(is_held, message),
        });
        if is_held {
            key["reason"] = json!("ChangeGuard");
            key["message"] = json!(message);
            key["waits"] = json!([["ChangeGuard", message]]);
        }
        keys.push(key);
    }
    let (held, all) = (keys.iter().filter(|it| it["phase"] == "Held").count(), keys.len());
    let by_phase = json!({"InSync": all - held, "Held": held});
    let account = |number: usize| {
        let id = format!("{:012}", 100_000_000_000 + number);
        (id, json!({"name": format!("account-{number}"), "state": "ACTIVE"}))
    };
    json!({
        "apiVersion": "bedrail.dev/v1alpha1", "kind": "Status", "version": "0.1.0",
        "at": "2026-01-01T00:01:00Z", "generation": 3, "ready": true, "notices": [],
        "counts": {
            "accounts": ACCOUNTS + 1, "activeAccounts": ACCOUNTS, "regions": REGIONS, "cells": all,
            "cellsByPhase": by_phase, "keysByPhase": by_phase,
        },
        "keys": keys, "refusals": [], "orphans": [], "writes": [], "calls": {}, "throttles": {},
        "unprotected": [{"account": "100000000999", "region": "ap-south-2"}],
        "accounts": (0..ACCOUNTS).map(account).collect::<serde_json::Map<_, _>>(),
    })
}

#[tokio::main]
async fn main() {
    let snapshot: Snapshot = serde_json::from_value(snapshot()).unwrap();
    let whole = serde_json::to_vec(&snapshot).unwrap().len();
    let brief = serde_json::to_vec(&snapshot.clone().brief()).unwrap().len();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |RawQuery(query): RawQuery| {
        assert_eq!(query.as_deref(), Some("brief"), "what is asked for");
        std::future::ready(serde_json::to_vec(&snapshot.clone().brief()).unwrap())
    };
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/api/v1/status", get(answer))).await.unwrap();
    });
    let mut times = Vec::new();
    let mut shown = String::new();
    for _ in 0..RUNS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
        command.args(["status", "--server", &server]).env_clear();
        let (output, took) = tokio::task::spawn_blocking(move || {
            let clock = Clock::system();
            let began = clock.now();
            let output = command.output().unwrap();
            (output, clock.now().saturating_sub(began))
        })
        .await
        .unwrap();
        times.push(took);
        shown = String::from_utf8(output.stdout).unwrap();
    }
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let columns = shown.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    println!("{shown}");
    println!(
        "{} cells, {} kB of {} kB: median {:.0} ms of {RUNS} (best {:.0}, worst {:.0}); {} lines of at most {columns} columns",
        ACCOUNTS * REGIONS,
        brief / 1000,
        whole / 1000,
        milliseconds(times[RUNS / 2]),
        milliseconds(times[0]),
        milliseconds(times[RUNS - 1]),
        shown.lines().count(),
    );
}
