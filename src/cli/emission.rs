//! Metrics of `bedrail run` that it writes by itself.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::controller::Controller;
use super::settings::duration;
use super::standing::Standing;
use crate::serve::{Totals, emf_line};

/// Whether and how metrics are written.
#[derive(Clone, Debug, Args)]
pub(super) struct Emission {
    /// emf: beside serving /metrics, write a line in CloudWatch's embedded metric format to standard
    /// output every --metrics-interval, for where that goes to a log group.
    #[arg(long, env = "BEDRAIL_METRICS_FORMAT", value_enum, default_value_t)]
    metrics_format: MetricsFormat,
    /// How often metrics are written, where they are.
    #[arg(
        long,
        env = "BEDRAIL_METRICS_INTERVAL",
        value_parser = duration,
        default_value = "1m"
    )]
    metrics_interval: Duration,
}

/// How metrics are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum MetricsFormat {
    /// To those who ask at /metrics.
    #[default]
    Prometheus,
    /// In CloudWatch's embedded metric format on standard output, too.
    Emf,
}

impl Emission {
    /// Writes for ever, if it is to.
    pub(super) async fn write(&self, controller: &Controller, standing: &Standing, owner: &str) {
        match self.metrics_format {
            MetricsFormat::Prometheus => std::future::pending().await,
            MetricsFormat::Emf => {}
        }
        let mut before = Totals::default();
        loop {
            controller.clock.sleep(self.metrics_interval).await;
            let (snapshot, tally) = (standing.snapshot(), controller.engine.tally());
            anstream::println!("{}", emf_line(owner, &snapshot, &tally, &before));
            before = Totals::of(&snapshot, &tally);
        }
    }
}
