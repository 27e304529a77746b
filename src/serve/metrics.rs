//! Metrics for Prometheus. Names and labels are controller-runtime's where it has them, so that
//! dashboards for controllers work. Nothing has a label per account or cell: what 17,000 cells are
//! is in the status.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use crate::status::alerts::ReceiverStatus;
use crate::status::{BUCKETS, Phase, Snapshot, Tally, Timed};

/// What scrapers expect.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Due, waiting for room.
    pub ready: usize,
    /// Being visited.
    pub running: usize,
    /// Due later.
    pub delayed: usize,
}

/// Everything of one scrape.
#[derive(Clone, Debug)]
struct Scrape {
    snapshot: Snapshot,
    tally: Tally,
    depth: Depth,
}

/// The metrics in the OpenMetrics text format.
///
/// # Errors
///
/// If a number cannot be written as text.
pub fn metrics_text(
    snapshot: &Snapshot,
    tally: &Tally,
    depth: Depth,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let scrape = Scrape { snapshot: snapshot.clone(), tally: tally.clone(), depth };
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// A series: its labels and its value.
type Series<T> = (Vec<(&'static str, String)>, T);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.visits(&mut encoder)?;
        self.queue(&mut encoder)?;
        self.cells(&mut encoder)?;
        self.edge(&mut encoder)?;
        self.alerts(&mut encoder)?;
        self.freshness(&mut encoder)
    }
}

impl Scrape {
    fn visits(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Tally { visits, times, drift, writes, .. } = &self.tally;
        let visited = visits.iter().map(|((kind, verdict), count)| {
            let result = format!("{verdict:?}").to_lowercase();
            (vec![("controller", (*kind).to_owned()), ("result", result)], *count)
        });
        counters(encoder, "controller_runtime_reconcile", "Visits, by kind of key", visited)?;
        let mut metric = encoder.encode_descriptor(
            "controller_runtime_reconcile_time_seconds",
            "How long visits took",
            None,
            MetricType::Histogram,
        )?;
        for (kind, timed) in times {
            histogram(&mut metric, kind, timed)?;
        }
        let by_operation = |counts: &BTreeMap<&'static str, u64>| {
            let series =
                counts.iter().map(|(operation, count)| (operation_labels(operation), *count));
            series.collect::<Vec<_>>()
        };
        let help = "Writes that put drift right, by operation";
        counters(encoder, "bedrail_drift_corrected", help, by_operation(drift))?;
        counters(encoder, "bedrail_writes", "Writes, by operation", by_operation(writes))
    }

    fn queue(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Depth { ready, running, delayed } = self.depth;
        let name = || vec![("name", "bedrail".to_owned())];
        gauges(
            encoder,
            "workqueue_depth",
            "Keys due, waiting for room",
            [(name(), number(ready))],
        )?;
        let help = "Keys being visited";
        gauges(encoder, "controller_runtime_active_workers", help, [(name(), number(running))])?;
        gauges(encoder, "bedrail_keys_due_later", "Keys due later", [(name(), number(delayed))])
    }

    fn cells(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Snapshot { counts, unprotected, refusals, orphans, held_plan, .. } = &self.snapshot;
        let by_phase = |of: &BTreeMap<Phase, usize>| {
            // Every phase, also at zero: an alert on a series that is not there never fires.
            let series = Phase::ALL.into_iter().map(|phase| {
                let count = of.get(&phase).copied().unwrap_or_default();
                (vec![("state", phase.as_str().to_owned())], number(count))
            });
            series.collect::<Vec<_>>()
        };
        let cells = by_phase(&counts.cells_by_phase);
        gauges(encoder, "bedrail_cells", "Cells that manifests claim, by state", cells)?;
        let keys = by_phase(&counts.keys_by_phase);
        gauges(encoder, "bedrail_keys", "Everything that is visited, by state", keys)?;
        let plain = |count: usize| [(Vec::new(), number(count))];
        let help = "ACTIVE accounts x Regions without any enforcement, that no manifest names";
        gauges(encoder, "bedrail_unprotected_cells", help, plain(unprotected.len()))?;
        gauges(encoder, "bedrail_refusals", "What cannot be desired", plain(refusals.len()))?;
        let help = "What is ours and no manifest describes";
        gauges(encoder, "bedrail_orphans", help, plain(orphans.len()))?;
        let is_held = usize::from(held_plan.is_some());
        let help = "Whether the change guard holds a plan";
        gauges(encoder, "bedrail_plan_held", help, plain(is_held))?;
        let help = "ACTIVE accounts of the organization";
        gauges(encoder, "bedrail_active_accounts", help, plain(counts.active_accounts))
    }

    fn edge(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let by_operation = |counts: &BTreeMap<String, u64>| {
            let series =
                counts.iter().map(|(operation, count)| (operation_labels(operation), *count));
            series.collect::<Vec<_>>()
        };
        let calls = by_operation(&self.snapshot.calls);
        counters(encoder, "bedrail_api_calls", "Calls of AWS, failed ones too", calls)?;
        let throttles = by_operation(&self.snapshot.throttles);
        counters(encoder, "bedrail_api_throttles", "Calls that AWS throttled", throttles)
    }

    fn alerts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let receivers = &self.snapshot.alerts;
        let label = |it: &ReceiverStatus| vec![("receiver", it.name.clone())];
        let counts = |of: fn(&ReceiverStatus) -> u64| {
            receivers.iter().map(|it| (label(it), of(it))).collect::<Vec<_>>()
        };
        counters(encoder, "bedrail_alerts_sent", "Alerts a receiver took", counts(|it| it.sent))?;
        let help = "Tries to reach a receiver that failed";
        counters(encoder, "bedrail_alerts_failed", help, counts(|it| it.failures))?;
        let help = "Alerts that were given up";
        counters(encoder, "bedrail_alerts_dropped", help, counts(|it| it.dropped))?;
        let failing = receivers.iter();
        let failing = failing.map(|it| (label(it), i64::from(it.failing_since.is_some())));
        let help = "Whether a receiver takes no alerts";
        gauges(encoder, "bedrail_alert_receiver_failing", help, failing.collect::<Vec<_>>())
    }

    fn freshness(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Snapshot { at, ready, journal, generation, .. } = &self.snapshot;
        let plain = |value| [(Vec::new(), value)];
        let generation = i64::try_from(*generation).unwrap_or(i64::MAX);
        gauges(encoder, "bedrail_generation", "Manifests in force", plain(generation))?;
        let help = "Whether every key was visited under the manifests in force";
        gauges(encoder, "bedrail_ready", help, plain(i64::from(*ready)))?;
        let trouble = journal.as_ref().is_some_and(|journal| journal.trouble.is_some());
        let help = "Whether the journal cannot be written";
        gauges(encoder, "bedrail_journal_degraded", help, plain(i64::from(trouble)))?;
        // Absent until all was read once, so that its absence is an alarm.
        let Some(oldest) = self.snapshot.oldest_observation() else { return Ok(()) };
        let help = "Age of the read that is the oldest of all keys'";
        let age = at.as_second().saturating_sub(oldest.as_second()).max(0);
        gauges(encoder, "bedrail_oldest_observation_seconds", help, plain(age))?;
        let help = "Since when every key was read: the heartbeat";
        let name = "bedrail_last_complete_pass_timestamp_seconds";
        gauges(encoder, name, help, plain(oldest.as_second()))
    }
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = Series<u64>>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, ConstCounter::<u64>::TYPE)?;
    for (labels, value) in series {
        each(&mut metric, &labels, |encoder| ConstCounter::new(value).encode(encoder))?;
    }
    Ok(())
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = Series<i64>>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, ConstGauge::<i64>::TYPE)?;
    for (labels, value) in series {
        each(&mut metric, &labels, |encoder| ConstGauge::new(value).encode(encoder))?;
    }
    Ok(())
}

fn histogram(metric: &mut MetricEncoder<'_>, kind: &str, timed: &Timed) -> fmt::Result {
    let count = timed.buckets.iter().sum();
    let bounds = BUCKETS.into_iter().chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(timed.buckets).collect();
    let labels = [("controller", kind.to_owned())];
    each(metric, &labels, |mut encoder| {
        encoder.encode_histogram::<NoLabelSet>(timed.sum, count, &buckets, None)
    })
}

fn each(
    metric: &mut MetricEncoder<'_>,
    labels: &[(&'static str, String)],
    write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    let labels: Vec<(String, String)> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    write(metric.encode_family(&labels)?)
}

fn operation_labels(operation: &str) -> Vec<(&'static str, String)> {
    let (service, operation) = operation.split_once(':').unwrap_or(("", operation));
    vec![("service", service.to_owned()), ("operation", operation.to_owned())]
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::status::Verdict;

    fn snapshot() -> Snapshot {
        let text = serde_json::json!({
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
            "calls": {"bedrock:ListGuardrails": 7}, "throttles": {},
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn a_scrape_says_what_an_alert_asks() {
        let mut tally = Tally::default();
        let took = Duration::from_millis(20);
        tally.visited("Cell", Verdict::Unchanged, took, Timestamp::UNIX_EPOCH);
        tally.wrote("bedrock:PutEnforcedGuardrailConfiguration", true);
        let depth = Depth { ready: 2, running: 1, delayed: 5 };
        let text = metrics_text(&snapshot(), &tally, depth).unwrap();
        for line in [
            "controller_runtime_reconcile_total{controller=\"Cell\",result=\"unchanged\"} 1",
            "controller_runtime_reconcile_time_seconds_bucket{le=\"0.05\",controller=\"Cell\"} 1",
            "workqueue_depth{name=\"bedrail\"} 2",
            "bedrail_cells{state=\"Held\"} 1",
            "bedrail_cells{state=\"Failing\"} 0",
            "bedrail_api_calls_total{service=\"bedrock\",operation=\"ListGuardrails\"} 7",
            "bedrail_oldest_observation_seconds{} 40",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("bedrail_drift_corrected_total{service=\"bedrock\""), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn no_account_is_a_label() {
        let text = metrics_text(&snapshot(), &Tally::default(), Depth::default()).unwrap();
        assert!(!text.contains("111122223333"), "{text}");
    }
}
