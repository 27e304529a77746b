//! `rollout.preflight` and `rollout.maxUnknown` of both kinds of enforcement.

use super::super::field_path::FieldPath;
use super::super::report::Report;
use super::super::schema::choices::PREFLIGHTS;
use super::super::schema::limits;
use super::super::schema::{PreflightSpec, RolloutSpec, WordOrMap};
use super::checks::choice;
use crate::model::{Preflight, Probes};

/// Checks what an enforcement wants proven before a reference is written.
pub(super) fn preflight(
    report: &mut Report,
    path: &FieldPath,
    spec: Option<&RolloutSpec>,
) -> Preflight {
    let Some(spec) = spec else { return Preflight::default() };
    let field = path.field("preflight");
    let probes = match &spec.preflight {
        None => Probes::default(),
        Some(WordOrMap::Word(word)) if word == "Sample" => {
            report.error(&field, "a sample needs its size: `preflight: {Sample: {percent: 10}}`");
            Probes::default()
        }
        Some(WordOrMap::Word(word)) => {
            choice(report, &field, Some(word), &PREFLIGHTS, Probes::default())
        }
        Some(WordOrMap::Map(spec)) => sample(report, &field, spec),
    };
    Preflight { probes, max_unknown: spec.max_unknown.unwrap_or_default() }
}

fn sample(report: &mut Report, path: &FieldPath, spec: &PreflightSpec) -> Probes {
    let field = path.field("Sample");
    let Some(sample) = &spec.sample else {
        report.missing(&field, "Sample: {percent: 10}");
        return Probes::default();
    };
    let field = field.field("percent");
    let Some(percent) = sample.percent else {
        report.missing(&field, "percent: 10");
        return Probes::default();
    };
    let (min, max) = limits::PERCENT;
    if let Ok(percent) = u8::try_from(percent)
        && (min..=max).contains(&percent)
    {
        return Probes::Sample(percent);
    }
    let message = format!(
        "{percent} is not a share of the accounts: {min} to {max}; for none write `preflight: Offline`"
    );
    report.error(&field, message);
    Probes::default()
}
