//! The audit of `bedrail run`: a slow pass over what no manifest names.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::controller::Controller;
use super::settings::duration;
use crate::model::Region;
use crate::reconcile::Key;
use crate::runtime::turns;

/// How the audit goes.
#[derive(Clone, Debug, Args)]
pub(super) struct AuditPace {
    /// How often each account × Region that no manifest names is looked at, for what is ours,
    /// unprotected or unlogged there; each at its own moment in the interval. 0s: never.
    #[arg(long, env = "BEDRAIL_AUDIT_INTERVAL", value_parser = duration, default_value = "1h")]
    audit_interval: Duration,
    /// Regions under audit, separated by commas; default: those that manifests name.
    #[arg(long, env = "BEDRAIL_AUDIT_REGIONS", value_delimiter = ',', value_name = "REGION")]
    audit_regions: Vec<Region>,
}

impl AuditPace {
    /// All Regions that manifests name, once per interval.
    pub(super) fn every(audit_interval: Duration) -> Self {
        Self { audit_interval, audit_regions: Vec::new() }
    }
}

/// Brings every unclaimed cell in once per interval. Never returns.
pub(super) async fn audit(controller: &Controller, pace: &AuditPace) {
    let AuditPace { audit_interval: interval, audit_regions } = pace;
    if interval.is_zero() {
        std::future::pending::<()>().await;
    }
    let regions: BTreeSet<Region> = audit_regions.iter().cloned().collect();
    // A pass before the fleet is known would be an empty one.
    controller.queue.until(|_| controller.engine.desired().generation > 0).await;
    loop {
        for (cell, wait) in turns(controller.engine.unclaimed(&regions), *interval) {
            controller.queue.add_after(Key::Audit(cell), wait);
        }
        controller.clock.sleep(*interval).await;
    }
}

/// Looks once at every cell that no manifest claims, as soon as it is known which those are. Never
/// ends: the visits are over when the queue is idle.
pub(super) async fn audit_once(controller: &Controller) {
    controller.queue.until(|_| controller.engine.desired().generation > 0).await;
    for cell in controller.engine.unclaimed(&BTreeSet::new()) {
        controller.queue.add(Key::Audit(cell));
    }
    std::future::pending::<()>().await;
}
