//! Metrics for Prometheus. Names and labels are controller-runtime's where it has them, so that
//! dashboards for controllers work. Nothing has a label per account or cell: what 17,000 cells are
//! is in the status. The names are in `metrics.txt`; alerts and dashboards are written against them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::encode::{Histogram, Labels, counters, gauges, histograms, number, seconds};
use crate::status::alerts::ReceiverStatus;
use crate::status::{BUCKETS, KeyStatus, Phase, Snapshot, Tally, Unanswering, Verdict};

/// What scrapers expect.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The one pool of workers and its one queue: every kind of key is visited by it.
const POOL: &str = "bedrail";

/// What is in the queue, and went through it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Due, waiting for room.
    pub ready: usize,
    /// Being visited.
    pub running: usize,
    /// Due later.
    pub delayed: usize,
    /// How many can be visited at once.
    pub limit: usize,
    /// How often a key became due.
    pub adds: u64,
    /// How often one came back after a failure.
    pub retries: u64,
    /// From when a key was due until its visit began.
    pub waited: Histogram,
    /// How long visits took.
    pub worked: Histogram,
    /// How long those that run have taken so far, all together.
    pub unfinished: Duration,
    /// How long the longest of them has taken so far.
    pub longest: Duration,
}

/// Everything of one scrape.
#[derive(Clone, Debug)]
struct Scrape {
    snapshot: Snapshot,
    tally: Tally,
    work: Work,
}

/// The metrics in the OpenMetrics text format.
///
/// # Errors
///
/// If a number cannot be written as text.
pub fn metrics_text(snapshot: &Snapshot, tally: &Tally, work: &Work) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let scrape = Scrape { snapshot: snapshot.clone(), tally: tally.clone(), work: work.clone() };
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.visits(&mut encoder)?;
        self.writes(&mut encoder)?;
        self.workers(&mut encoder)?;
        self.queue(&mut encoder)?;
        self.cells(&mut encoder)?;
        self.findings(&mut encoder)?;
        self.rollouts(&mut encoder)?;
        self.edge(&mut encoder)?;
        self.installation(&mut encoder)?;
        self.alerts(&mut encoder)?;
        self.freshness(&mut encoder)
    }
}

impl Scrape {
    fn visits(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut results: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
        for ((kind, verdict), count) in &self.tally.visits {
            *results.entry((kind, result(*verdict))).or_default() += count;
            let is_error = u64::from(*verdict == Verdict::Error);
            *errors.entry(kind).or_default() += is_error * count;
        }
        let of_kind = |kind: &str| vec![("controller", kind.to_owned())];
        let results = results.into_iter().map(|((kind, result), count)| {
            let result = ("result", result.to_owned());
            (of_kind(kind).into_iter().chain([result]).collect(), count)
        });
        counters(encoder, "controller_runtime_reconcile", "Visits, by kind of key", results)?;
        let errors = errors.into_iter().map(|(kind, count)| (of_kind(kind), count));
        let help = "Visits that failed, by kind of key";
        counters(encoder, "controller_runtime_reconcile_errors", help, errors)?;
        let given_up = self.tally.given_up.iter().map(|(kind, count)| (of_kind(kind), *count));
        let help = "Visits that took too long and were given up, by kind of key";
        counters(encoder, "bedrail_visits_given_up", help, given_up)?;
        let times = self.tally.times.iter().map(|(kind, timed)| {
            (of_kind(kind), Histogram::of(&BUCKETS, &timed.buckets, timed.sum))
        });
        let name = "controller_runtime_reconcile_time_seconds";
        histograms(encoder, name, "How long visits took", times)
    }

    fn writes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Tally { writes, drift, drift_found, .. } = &self.tally;
        let help = "Writes, by operation";
        counters(encoder, "bedrail_writes", help, by_operation(writes))?;
        let help = "Writes that drift asked for, refused ones too, by operation";
        counters(encoder, "bedrail_drift_found", help, by_operation(drift_found))?;
        let help = "Writes that put drift right, by operation";
        counters(encoder, "bedrail_drift_corrected", help, by_operation(drift))
    }

    fn workers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let labels = || vec![("controller", POOL.to_owned())];
        let running = [(labels(), number(self.work.running))];
        let help = "Keys being visited";
        gauges(encoder, "controller_runtime_active_workers", help, running)?;
        let limit = [(labels(), number(self.work.limit))];
        let help = "Keys that can be visited at once";
        gauges(encoder, "controller_runtime_max_concurrent_reconciles", help, limit)
    }

    fn queue(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Work { ready, delayed, adds, retries, waited, worked, .. } = &self.work;
        let labels: Labels = vec![("name", POOL.to_owned())];
        let one = |count: usize| [(labels.clone(), number(count))];
        gauges(encoder, "workqueue_depth", "Keys due, waiting for room", one(*ready))?;
        let adds = [(labels.clone(), *adds)];
        counters(encoder, "workqueue_adds", "How often a key became due", adds)?;
        let retries = [(labels.clone(), *retries)];
        let help = "How often a key came back after a failure";
        counters(encoder, "workqueue_retries", help, retries)?;
        let waited = [(labels.clone(), waited.clone())];
        let help = "How long keys were due before their visit";
        histograms(encoder, "workqueue_queue_duration_seconds", help, waited)?;
        let worked = [(labels.clone(), worked.clone())];
        let help = "How long keys were visited";
        histograms(encoder, "workqueue_work_duration_seconds", help, worked)?;
        let help = "How long visits that run have taken so far";
        let unfinished = (&labels, self.work.unfinished.as_secs_f64());
        seconds(encoder, "workqueue_unfinished_work_seconds", help, unfinished)?;
        let help = "How long the longest visit that runs has taken so far";
        let longest = (&labels, self.work.longest.as_secs_f64());
        seconds(encoder, "workqueue_longest_running_processor_seconds", help, longest)?;
        gauges(encoder, "bedrail_keys_due_later", "Keys due later", one(*delayed))
    }

    fn cells(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counts = &self.snapshot.counts;
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
        let help = "Keys that wait, by each reason they wait for";
        gauges(encoder, "bedrail_holds", help, by_reason(&self.snapshot.keys, waits_for))?;
        let help = "Keys that fail, by the class of the error";
        gauges(encoder, "bedrail_failures", help, by_reason(&self.snapshot.keys, fails_by))?;
        let help = "ACTIVE accounts of the organization";
        gauges(encoder, "bedrail_active_accounts", help, plain(number(counts.active_accounts)))?;
        let help = "Accounts whose role cannot be assumed";
        let count = number(self.snapshot.unassumable());
        gauges(encoder, "bedrail_unassumable_accounts", help, plain(count))
    }

    fn findings(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Snapshot { unprotected, unlogged, refusals, orphans, held_plan, contested, .. } =
            &self.snapshot;
        let count = |count: usize| plain(number(count));
        let help = "ACTIVE accounts x Regions without any enforcement, that no manifest names";
        gauges(encoder, "bedrail_unprotected_cells", help, count(unprotected.len()))?;
        let help =
            "ACTIVE accounts x Regions without any logging, where manifests ask for it elsewhere";
        gauges(encoder, "bedrail_unlogged_cells", help, count(unlogged.len()))?;
        gauges(encoder, "bedrail_refusals", "What cannot be desired", count(refusals.len()))?;
        let help = "What is ours and no manifest describes";
        gauges(encoder, "bedrail_orphans", help, count(orphans.len()))?;
        let help = "Whether the change guard holds a plan";
        gauges(encoder, "bedrail_plan_held", help, plain(i64::from(held_plan.is_some())))?;
        let help = "Whether another controller of this owner was seen at work lately";
        gauges(encoder, "bedrail_contested", help, plain(i64::from(*contested)))
    }

    fn rollouts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let rollouts = &self.snapshot.rollouts;
        let each = |value: fn(&crate::status::RolloutStatus) -> usize| {
            let series = rollouts.iter().map(|it| {
                let labels =
                    vec![("kind", it.kind.clone()), ("enforcement", it.enforcement.clone())];
                (labels, number(value(it)))
            });
            series.collect::<Vec<_>>()
        };
        let help = "The wave of an enforcement that is open, from 1 on";
        gauges(encoder, "bedrail_rollout_wave", help, each(|it| it.wave))?;
        let help = "The waves of an enforcement";
        gauges(encoder, "bedrail_rollout_waves", help, each(|it| it.waves))?;
        let mut stages: BTreeMap<&str, usize> = BTreeMap::new();
        for rollout in rollouts {
            *stages.entry(&rollout.stage).or_default() += 1;
        }
        let stages = stages
            .into_iter()
            .map(|(stage, count)| (vec![("stage", stage.to_owned())], number(count)));
        gauges(encoder, "bedrail_rollouts", "Rollouts of enforcements, by stage", stages)
    }

    fn edge(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let calls = by_operation(&self.snapshot.calls);
        counters(encoder, "bedrail_api_calls", "Calls of AWS, failed ones too", calls)?;
        let throttles = by_operation(&self.snapshot.throttles);
        counters(encoder, "bedrail_api_throttles", "Calls that AWS throttled", throttles)?;
        let Unanswering { regions, accounts } = &self.snapshot.unanswering;
        let open = [("Region", regions.len()), ("account", accounts.len())];
        let open = open.map(|(scope, count)| (vec![("scope", scope.to_owned())], number(count)));
        let help = "Regions and accounts that do not answer, and are spared nearly all calls";
        gauges(encoder, "bedrail_circuits_open", help, open)
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

    fn installation(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Snapshot { version, ready, journal, generation, manifests_broken, .. } = &self.snapshot;
        let build = [(vec![("version", version.clone())], 1)];
        gauges(encoder, "bedrail_build_info", "What this is", build)?;
        let generation = i64::try_from(*generation).unwrap_or(i64::MAX);
        gauges(encoder, "bedrail_generation", "Manifests in force", plain(generation))?;
        let help = "Whether the manifests as they are now cannot be used";
        gauges(encoder, "bedrail_manifests_broken", help, plain(i64::from(*manifests_broken)))?;
        let help = "Whether every key was visited under the manifests in force";
        gauges(encoder, "bedrail_ready", help, plain(i64::from(*ready)))?;
        let trouble = journal.as_ref().is_some_and(|journal| journal.trouble.is_some());
        let help = "Whether the journal cannot be written";
        gauges(encoder, "bedrail_journal_degraded", help, plain(i64::from(trouble)))
    }

    fn freshness(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        // Both are absent until all was read once: a missing series is an alarm, a zero none.
        let oldest = self.snapshot.oldest_observation().map(|oldest| {
            let now = self.snapshot.at.as_second();
            plain(now.saturating_sub(oldest.as_second()).max(0))
        });
        let help = "Age of the read that is the oldest of all keys'";
        let name = "bedrail_oldest_observation_seconds";
        gauges(encoder, name, help, oldest.into_iter().flatten())?;
        let last = self.snapshot.last_complete_resync.map(|last| plain(last.as_second()));
        let help = "When everything was last read in one resync: the heartbeat";
        let name = "bedrail_last_complete_resync_timestamp_seconds";
        gauges(encoder, name, help, last.into_iter().flatten())
    }
}

/// The result of a visit, as controller-runtime has it.
fn result(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unchanged => "success",
        // What was written is read again soon.
        Verdict::Applied => "requeue",
        Verdict::Held => "requeue_after",
        Verdict::Error => "error",
    }
}

/// A series without labels.
fn plain(value: i64) -> [(Labels, i64); 1] {
    [(Vec::new(), value)]
}

fn by_operation<T: AsRef<str>>(counts: &BTreeMap<T, u64>) -> Vec<(Labels, u64)> {
    let labels = |operation: &str| {
        let (service, operation) = operation.split_once(':').unwrap_or(("", operation));
        vec![("service", service.to_owned()), ("operation", operation.to_owned())]
    };
    counts.iter().map(|(operation, count)| (labels(operation.as_ref()), *count)).collect()
}

/// Keys by reason, of a closed set.
fn by_reason<'a, I: Iterator<Item = &'a str>>(
    keys: &'a [KeyStatus],
    reasons: fn(&'a KeyStatus) -> I,
) -> Vec<(Labels, i64)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for key in keys {
        for reason in reasons(key).collect::<std::collections::BTreeSet<_>>() {
            *counts.entry(reason).or_default() += 1;
        }
    }
    let series = counts.into_iter();
    series.map(|(reason, count)| (vec![("reason", reason.to_owned())], number(count))).collect()
}

fn waits_for(key: &KeyStatus) -> impl Iterator<Item = &str> {
    key.waits.iter().map(|(reason, _)| reason.as_str())
}

fn fails_by(key: &KeyStatus) -> impl Iterator<Item = &str> {
    key.reason.as_deref().filter(|_| key.phase == Phase::Failing).into_iter()
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
