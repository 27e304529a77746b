//! `kind: InvocationLogging`.

mod destinations;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::super::field_path::FieldPath;
use super::super::manifests::{InvocationLogging, Selector};
use super::super::report::Report;
use super::super::schema::choices::{ON_DESELECT, ON_FOREIGN};
use super::super::schema::{InvocationLoggingSpec, LoggingConfigSpec};
use super::checks::{choice, regions, state};
use super::guardrail::Identity;
use super::targets;
use crate::model::{DataKind, Logging, OnDeselect, OnForeign, Presence, Region, Template};

/// The kind as it is written.
pub(in crate::manifest) const KIND: &str = "InvocationLogging";

/// Invocation logging that was checked; what is `None` was wrong and was reported.
pub(in crate::manifest) struct LoggingDraft {
    pub(in crate::manifest) identity: Identity,
    pub(in crate::manifest) config: Option<Logging<Template>>,
    pub(in crate::manifest) regions: Option<BTreeSet<Region>>,
    pub(in crate::manifest) targets: Option<Vec<Selector>>,
    pub(in crate::manifest) on_foreign: OnForeign,
    pub(in crate::manifest) state: Presence,
}

impl LoggingDraft {
    /// The manifest; `None` for what was reported.
    pub(in crate::manifest) fn finish(self) -> Option<InvocationLogging> {
        Some(InvocationLogging {
            name: self.identity.name,
            origin: self.identity.origin,
            config: self.config?,
            regions: self.regions?,
            targets: self.targets?,
            on_foreign: self.on_foreign,
            state: self.state,
        })
    }
}

/// Checks invocation logging on its own.
pub(in crate::manifest) fn logging(
    report: &mut Report,
    identity: Identity,
    spec: &InvocationLoggingSpec,
) -> LoggingDraft {
    let path = FieldPath::of("spec");
    if !identity.former_names.is_empty() {
        let message = "invocation logging owns nothing by its name, so that there is nothing to hand \
                       over; remove it";
        report.error(&FieldPath::of("metadata.formerNames"), message);
    }
    keeps_what_it_leaves(report, &path.field("onDeselect"), spec.on_deselect.as_ref());
    if spec.regions.is_none() {
        report.missing(&path.field("regions"), "regions: [us-east-1, eu-west-1]");
    }
    let regions = regions(report, &path.field("regions"), spec.regions.as_ref());
    let targets = targets::targets(report, &path.field("targets"), spec.targets.as_ref());
    let field = path.field("onForeign");
    let on_foreign =
        choice(report, &field, spec.on_foreign.as_ref(), &ON_FOREIGN, OnForeign::default());
    let reach = destinations::Reach::new(regions.as_ref(), targets.as_deref());
    let field = path.field("loggingConfig");
    let config = config(report, &field, spec.logging_config.as_ref(), &reach);
    let state = state(report, &path.field("state"), spec.state.as_ref());
    LoggingDraft { identity, config, regions, targets, on_foreign, state }
}

/// AWS keeps no mark of who put a configuration. What left a selection could be told for as long as
/// one process lives, and consent must not depend on that.
fn keeps_what_it_leaves(report: &mut Report, path: &FieldPath, value: Option<&String>) {
    choice(report, path, value, &ON_DESELECT, OnDeselect::Keep);
    if value.is_some_and(|value| value == "Release") {
        let message = "invocation logging cannot be released: AWS keeps no mark of who put it, so \
                       that after a restart nobody could tell; to remove it, write another manifest \
                       with these targets, the same `loggingConfig` and `state: Absent`";
        report.error(path, message);
    }
}

fn config(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&LoggingConfigSpec>,
    reach: &destinations::Reach,
) -> Option<Logging<Template>> {
    let Some(spec) = spec else {
        let example = "loggingConfig: {s3Config: {bucketName: \"logs-${account}-${region}\"}}";
        report.missing(path, example);
        return None;
    };
    if spec.cloud_watch_config.is_none() && spec.s3_config.is_none() && !report.lost(path) {
        let message = "logs nowhere; write `cloudWatchConfig`, `s3Config` or both, or `state: \
                       Absent` to remove what is there";
        report.error(path, message);
    }
    let errors = report.errors();
    let log_group = spec
        .cloud_watch_config
        .as_ref()
        .map(|spec| destinations::log_group(report, &path.field("cloudWatchConfig"), spec, reach));
    let bucket = spec
        .s3_config
        .as_ref()
        .map(|spec| destinations::bucket(report, &path.field("s3Config"), spec, reach));
    if report.errors() > errors || report.lost(path) {
        return None;
    }
    let flags = [
        (DataKind::Text, spec.text_data_delivery_enabled),
        (DataKind::Image, spec.image_data_delivery_enabled),
        (DataKind::Embedding, spec.embedding_data_delivery_enabled),
        (DataKind::Video, spec.video_data_delivery_enabled),
        (DataKind::Audio, spec.audio_data_delivery_enabled),
    ];
    let delivered = flags.into_iter().filter(|(_, is_on)| is_on.unwrap_or(true));
    Some(Logging {
        log_group: log_group.flatten(),
        bucket: bucket.flatten(),
        delivered: delivered.map(|(kind, _)| kind).collect(),
    })
}
