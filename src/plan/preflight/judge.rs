//! What is known of one guardrail version in one cell.

use std::time::Duration;

use crate::model::{Facts, ProbeFact, ProbeKey, ProbeOutcome, Read, Region};
use crate::plan::access::{Cause, Permission, Principal, Request, controlled};
use crate::plan::confirm::Timing;
use crate::plan::context::Context;
use crate::plan::preflight::profile;
use crate::plan::reference::replica_of;
use crate::plan::step::HoldReason;

/// The one thing that applying a guardrail needs.
pub(super) const APPLY: &str = "bedrock:ApplyGuardrail";

/// Service control policies are read again when they are needed and older than so many times the
/// time our own writes take to show: ten minutes by default. They change seldom, and reading them
/// costs a call for each.
const CONTROLS_AGE_GRACES: u32 = 10;

/// … but not before all that waits for them could be visited.
const CONTROLS_AGE_MIN: Duration = Duration::from_mins(1);

/// How long a probe that did not pass is believed at most.
const AGAIN_MAX: Duration = Duration::from_mins(30);

/// After so many probes without an answer a person is needed: the next resyncs ask again, and a
/// command that ends may end.
const ASKED_MAX: u32 = 5;

/// What is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing stands against it.
    Clear,
    /// It cannot be applied there.
    Denied(HoldReason, String),
    /// It cannot be told, and asking again helps after this long, if ever.
    Unknown(String, Option<Duration>),
    /// A probe is due.
    Due,
    /// Service control policies must be read first.
    ControlsDue,
}

impl Finding {
    /// This or `other`, whichever more stands against going on.
    pub(super) fn or_worse(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }

    fn severity(&self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Unknown(..) => 1,
            Self::Due => 2,
            Self::ControlsDue => 3,
            Self::Denied(..) => 4,
        }
    }
}

/// A finding, and what a person should look at although it does not hold anything up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) finding: Finding,
    pub(super) warning: Option<String>,
}

impl From<Finding> for Judgement {
    fn from(finding: Finding) -> Self {
        Self { finding, warning: None }
    }
}

/// Judges one version in one cell; `is_probed` is whether the manifest wants it tried from there.
pub(super) fn judge(key: &ProbeKey, is_probed: bool, context: &Context) -> Judgement {
    let known = context.facts.probes.get(key);
    if known.is_some_and(|it| it.outcome == ProbeOutcome::Passed) {
        return Finding::Clear.into();
    }
    let (permission, unread) = match offline(key, Principal::AnyRole, context) {
        Offline::Judged(permission) => (permission, None),
        Offline::Due => return Finding::ControlsDue.into(),
        Offline::Unread(why, wait) => (Permission::Open, Some((why, wait))),
    };
    let (cell, cause) = (&key.cell, |cause: &Cause| format!("{APPLY} by {cause}"));
    let warning = match &permission {
        Permission::Denied(by) => {
            let why = format!(
                "every role in {} is denied {}; exempt {APPLY} on {} there",
                cell.account,
                cause(by),
                key.guardrail
            );
            return Finding::Denied(HoldReason::DeniedByPolicy, why).into();
        }
        // Without the cell: what one policy does to a thousand of them is one warning.
        Permission::Unclear(by) => {
            let name = replica_of(&key.guardrail, context).map(|(key, _)| key.guardrail.as_str());
            Some(format!(
                "some roles may be denied {}, and would lose every model call under {}",
                cause(by),
                name.unwrap_or("the guardrail")
            ))
        }
        Permission::Open => None,
    };
    let finding = match (is_probed, ours_denied(key, &permission, context)) {
        (false, _) => unread.map_or(Finding::Clear, |(why, wait)| Finding::Unknown(why, wait)),
        (true, Some(by)) => {
            let why = format!(
                "the role {} is denied {}, so nothing can be tried from {}; exempt the role too",
                context.preflight.member_role,
                cause(&by),
                cell.account
            );
            return Finding::Denied(HoldReason::DeniedByPolicy, why).into();
        }
        (true, None) if context.preflight.is_assumed => Finding::Clear,
        (true, None) => believed(known, context, |why| {
            let role = context.preflight.member_role;
            format!("{why}; allow {APPLY} on {} to the role {role}", key.guardrail)
        }),
    };
    Judgement { finding, warning }
}

/// What denies our own role where others may be exempt: a probe would show nothing else.
fn ours_denied(key: &ProbeKey, any: &Permission, context: &Context) -> Option<Cause> {
    let (Permission::Unclear(_), Some(fleet)) = (any, &context.facts.fleet) else { return None };
    let role = context.preflight.member_role;
    let arn = format!("arn:{}:iam::{}:role/{role}", fleet.partition, key.cell.account);
    match offline(key, Principal::Role(&arn), context) {
        Offline::Judged(Permission::Denied(by)) => Some(by),
        Offline::Judged(Permission::Open | Permission::Unclear(_))
        | Offline::Unread(..)
        | Offline::Due => None,
    }
}

/// Whether service control policies were read lately enough to go by.
pub fn controls_are_fresh(facts: &Facts, now: Duration, timing: &Timing) -> bool {
    let read = facts.controls.as_ref().and(facts.controls_read);
    read.is_some_and(|read| now.saturating_sub(read) <= age_max(timing))
}

fn age_max(timing: &Timing) -> Duration {
    (timing.own_write_grace * CONTROLS_AGE_GRACES).max(CONTROLS_AGE_MIN)
}

/// What the text of service control policies says.
enum Offline {
    Judged(Permission),
    Unread(String, Option<Duration>),
    Due,
}

fn offline(key: &ProbeKey, principal: Principal<'_>, context: &Context) -> Offline {
    let Some(fleet) = &context.facts.fleet else { return Offline::Due };
    if key.cell.account == fleet.management {
        return Offline::Judged(Permission::Open);
    }
    let fresh = controls_are_fresh(context.facts, context.now, context.timing);
    let (Some(controls), true) = (&context.facts.controls, fresh) else { return Offline::Due };
    let controls = match controls {
        Read::Known(controls) => controls,
        Read::KnownAbsent => return Offline::Judged(Permission::Open),
        Read::Unknown(unread) => {
            let why = format!("the service control policies could not be read: {}", unread.message);
            let wait = age_max(context.timing);
            return Offline::Unread(why, (unread.class != "Denied").then_some(wait));
        }
    };
    let asked = |resource: &str, region: &Region| {
        let (what, who) = ((APPLY, resource), (&key.cell.account, region));
        controlled(&Request::new(what, who, principal, fleet), controls, fleet)
    };
    let mut permission = asked(&key.guardrail.to_string(), &key.cell.region);
    for profile in profile::of(&key.guardrail, key.version, context) {
        let arn = profile.arn(&fleet.partition);
        let of_profile = match asked(&arn, &profile.region) {
            // Which Region such a request counts as made in is not documented: a Deny is sure where
            // it holds for both.
            Permission::Denied(cause) => match asked(&arn, &key.cell.region) {
                denied @ Permission::Denied(_) => denied,
                Permission::Open | Permission::Unclear(_) => Permission::Unclear(cause),
            },
            other @ (Permission::Open | Permission::Unclear(_)) => other,
        };
        permission = stricter(permission, of_profile);
    }
    Offline::Judged(permission)
}

fn stricter(first: Permission, second: Permission) -> Permission {
    match (first, second) {
        (denied @ Permission::Denied(_), _) | (_, denied @ Permission::Denied(_)) => denied,
        (unclear @ Permission::Unclear(_), _) | (_, unclear @ Permission::Unclear(_)) => unclear,
        (Permission::Open, Permission::Open) => Permission::Open,
    }
}

/// What the last answer means now; `advise` makes of what denied it what a person should do.
pub(super) fn believed(
    known: Option<&ProbeFact>,
    context: &Context,
    advise: impl FnOnce(&str) -> String,
) -> Finding {
    let Some(ProbeFact { outcome, at, failures }) = known else { return Finding::Due };
    let is_transient = match outcome {
        ProbeOutcome::Passed => return Finding::Clear,
        ProbeOutcome::Denied(_) => false,
        ProbeOutcome::Unknown { is_transient, .. } => *is_transient,
    };
    let again = *at + again_after(*failures, is_transient, context.timing);
    let Some(wait) = again.checked_sub(context.now).filter(|wait| !wait.is_zero()) else {
        return Finding::Due;
    };
    match outcome {
        ProbeOutcome::Passed => Finding::Clear,
        ProbeOutcome::Denied(why) => Finding::Denied(HoldReason::PreflightDenied, advise(why)),
        ProbeOutcome::Unknown { message, .. } => {
            let wait = (is_transient && *failures < ASKED_MAX).then_some(wait);
            Finding::Unknown(message.clone(), wait)
        }
    }
}

/// How long a probe that did not pass is believed: longer each time.
fn again_after(failures: u32, is_transient: bool, timing: &Timing) -> Duration {
    let first = if is_transient { timing.confirm_after } else { timing.own_write_grace };
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(AGAIN_MAX)
}
