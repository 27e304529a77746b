//! `rollout.preflight`, `rollout.maxUnknown` and `callerRoles` of both kinds of enforcement.

use std::collections::BTreeSet;

use super::super::field_path::FieldPath;
use super::super::report::Report;
use super::super::schema::choices::PREFLIGHTS;
use super::super::schema::limits;
use super::super::schema::{PreflightSpec, RolloutSpec, WordOrMap};
use super::checks::{choice, id, unique};
use crate::model::{Preflight, Probes, RoleName};

/// Checks what an enforcement wants proven before a reference is written.
pub(super) fn preflight(
    report: &mut Report,
    path: &FieldPath,
    rollout: Option<&RolloutSpec>,
    caller_roles: Option<&Vec<String>>,
) -> Preflight {
    let probes = match rollout {
        Some(spec) => probes(report, &path.field("rollout").field("preflight"), spec),
        None => Probes::default(),
    };
    let field = path.field("callerRoles");
    let callers = match caller_roles {
        Some(roles) if cfg!(feature = "iam") => self::caller_roles(report, &field, roles),
        Some(_) => {
            let message = "this build cannot ask IAM about roles: build one with `cargo build \
                           --features iam`, or remove it";
            report.error(&field, message);
            BTreeSet::new()
        }
        None => BTreeSet::new(),
    };
    if !callers.is_empty() && probes == Probes::Offline {
        let message = "roles are asked about from inside their accounts, and `preflight: Offline` \
                       calls none: remove one of the two";
        report.error(&field, message);
    }
    let max_unknown = rollout.and_then(|it| it.max_unknown).unwrap_or_default();
    Preflight { probes, max_unknown, callers: callers.into() }
}

/// The roles to check.
fn caller_roles(report: &mut Report, path: &FieldPath, values: &[String]) -> BTreeSet<RoleName> {
    unique(report, path, "", values.iter().map(Some));
    let mut roles = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let path = path.index(index);
        let message = if value.starts_with("arn:") {
            "is an ARN, which names one account; write the name of the role, with its path if it \
             has one: `Application`"
                .to_owned()
        } else if value.contains(['*', '?']) {
            "IAM is asked about roles by name, and knows no patterns there; list the names"
                .to_owned()
        } else if value.contains("${") {
            "the role is looked for in each account by this very name; write it without variables"
                .to_owned()
        } else if value.len() > 1 && value.starts_with('/') {
            format!("begins with a slash; write `{}`", value.trim_start_matches('/'))
        } else {
            roles.extend(id::<RoleName>(report, &path, value));
            continue;
        };
        report.error(&path, message);
    }
    roles
}

fn probes(report: &mut Report, field: &FieldPath, spec: &RolloutSpec) -> Probes {
    match &spec.preflight {
        None => Probes::default(),
        Some(WordOrMap::Word(word)) if word == "Sample" => {
            report.error(field, "a sample needs its size: `preflight: {Sample: {percent: 10}}`");
            Probes::default()
        }
        Some(WordOrMap::Word(word)) => {
            choice(report, field, Some(word), &PREFLIGHTS, Probes::default())
        }
        Some(WordOrMap::Map(spec)) => sample(report, field, spec),
    }
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
