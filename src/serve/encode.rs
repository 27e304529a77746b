//! Series as OpenMetrics text.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// How long something took, each time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Upper bound in seconds and how many fell into the bucket, not cumulated; the last bound is
    /// [`f64::MAX`].
    pub buckets: Vec<(f64, u64)>,
    /// Seconds, all together.
    pub sum: f64,
}

impl Histogram {
    /// From bounds and one count more than there are bounds.
    pub fn of(bounds: &[f64], counts: &[u64], sum: f64) -> Self {
        let bounds = bounds.iter().copied().chain([f64::MAX]);
        Self { buckets: bounds.zip(counts.iter().copied()).collect(), sum }
    }
}

pub(super) fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, ConstCounter::<u64>::TYPE)?;
    for (labels, value) in series {
        each(&mut metric, &labels, |encoder| ConstCounter::new(value).encode(encoder))?;
    }
    Ok(())
}

pub(super) fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels, i64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, ConstGauge::<i64>::TYPE)?;
    for (labels, value) in series {
        each(&mut metric, &labels, |encoder| ConstGauge::new(value).encode(encoder))?;
    }
    Ok(())
}

/// A gauge of fractions of seconds.
pub(super) fn seconds(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    (labels, value): (&Labels, f64),
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, ConstGauge::<f64>::TYPE)?;
    each(&mut metric, labels, |encoder| ConstGauge::new(value).encode(encoder))
}

pub(super) fn histograms(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels, Histogram)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (labels, Histogram { buckets, sum }) in series {
        let count = buckets.iter().map(|(_, count)| count).sum();
        each(&mut metric, &labels, |mut encoder| {
            encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        })?;
    }
    Ok(())
}

fn each(
    metric: &mut MetricEncoder<'_>,
    labels: &Labels,
    write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    let labels: Vec<(String, String)> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    write(metric.encode_family(&labels)?)
}

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
