//! Decides which calls go wrong, and how.
//!
//! # Fault model
//!
//! | kind | what the client sees | effect | why a daemon must survive it |
//! |---|---|---|---|
//! | `Throttle` | the service's throttling error | none | every API has a token bucket |
//! | `ErrorBefore` | an internal error | none | a host fails while it parses |
//! | `ErrorAfter` | an internal error | **done** | the reply is lost after the write |
//! | `Timeout` | nothing for `milliseconds` (60,000), then an error | none | a host hangs |
//! | `Latency` | the true answer, `milliseconds` later | done | a Region is slow |
//! | `StaleRead` | the answer of `milliseconds` (1,000) ago; writes are not touched | done | reads are eventually consistent |
//! | `Denied` | access denied | none | someone changes a role or a policy |
//! | `Outage` | 503 at once | none | a Region is down |
//! | `Failed` | the true answer; what it makes READY ends FAILED | done | AWS cannot prepare every content |
//!
//! Absent fields match everything. A probability below 1 is drawn from a generator seeded by the
//! plan, so one plan and one order of calls give one history; a count is used up by matches.
//! Latencies add up and go with the first other kind that matches.
//!
//! # One call exactly
//!
//! `after` lets so many matching calls pass first, so `{"caller": "Controller", "after": 41,
//! "count": 1}` strikes the controller's 42nd call and no other. `GET /_simulator/faults` shows
//! what is left of both: once `count` is 0 the call was struck. With `Latency` it then hangs after
//! its effect, with `Timeout` without one, which is the moment to kill a process that may die
//! anywhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::{Call, Failure, Service};
use super::identity::glob;
use super::throttle::Bucket;

/// How long a hanging call hangs.
const TIMEOUT_DEFAULT_MS: u64 = 60_000;

/// How old a stale answer is.
const STALE_DEFAULT_MS: u64 = 1_000;

/// The body of `PUT /_simulator/faults`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// Seeds the draws.
    pub seed: u64,
    /// Tried in order.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// See the module.
    pub kind: FaultKind,
    /// A glob over `bedrock:ListGuardrails`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// A glob over the account called: the caller's, for `AssumeRole` the role's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The Region of the scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Whose>,
    /// How many matching calls pass unharmed first; what is left to pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// 0 to 1; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How often it strikes; what is left of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// For `Throttle`: so many calls a second of each account pass unharmed.
    #[serde(default, rename = "perSecond", skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// For `Timeout`, `Latency` and `StaleRead`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

/// Whose calls a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// The controller's, known by its User-Agent.
    Controller,
    /// Everybody else's.
    Foreign,
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the table of the module documents them")]
pub enum FaultKind {
    Throttle,
    ErrorBefore,
    ErrorAfter,
    Timeout,
    Latency,
    StaleRead,
    Denied,
    Outage,
    Failed,
}

/// What happens to one call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Strike {
    /// Milliseconds the answer is held back, on real time.
    pub(super) hold_ms: u64,
    /// What else.
    pub(super) effect: Effect,
}

/// What a strike does beside holding back.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Effect {
    /// Nothing.
    #[default]
    None,
    /// The operation does not run.
    Instead(Failure),
    /// The operation runs and its answer is lost.
    After(Failure),
    /// A read answers from the world this long ago.
    Stale(u64),
    /// The operation runs, and what it makes ends FAILED.
    Fails,
}

/// The faults in force.
#[derive(Debug)]
pub(super) struct Faults {
    plan: FaultPlan,
    random: fastrand::Rng,
    /// By fault and account.
    buckets: BTreeMap<(usize, String), Bucket>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(FaultPlan::default())
    }
}

impl Faults {
    /// Puts a plan in force.
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self { random: fastrand::Rng::with_seed(plan.seed), buckets: BTreeMap::new(), plan }
    }

    /// The plan, with what is left of its counts.
    pub(super) fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// Decides about one call, and counts.
    pub(super) fn strike(&mut self, call: &Call) -> Strike {
        let mut strike = Strike::default();
        for (index, fault) in self.plan.faults.iter_mut().enumerate() {
            if !fault.matches(call) {
                continue;
            }
            if let Some(left @ 1..) = &mut fault.after {
                *left -= 1;
                continue;
            }
            if fault.probability.is_some_and(|probability| self.random.f64() >= probability) {
                continue;
            }
            if let Some(rate) = fault.per_second {
                let key = (index, account_of(call).to_owned());
                let bucket = self.buckets.entry(key).or_insert_with(|| Bucket::full(1.0, call.at));
                if bucket.take(rate, rate.max(1.0), call.at) {
                    continue;
                }
            }
            if let Some(count) = &mut fault.count {
                *count -= 1;
            }
            let milliseconds = fault.milliseconds;
            strike.effect = match fault.kind {
                FaultKind::Latency => {
                    strike.hold_ms += milliseconds.unwrap_or(0);
                    continue;
                }
                FaultKind::Throttle => Effect::Instead(throttled(call.service)),
                FaultKind::ErrorBefore => Effect::Instead(internal(call.service)),
                FaultKind::ErrorAfter => Effect::After(internal(call.service)),
                FaultKind::Timeout => {
                    strike.hold_ms += milliseconds.unwrap_or(TIMEOUT_DEFAULT_MS);
                    Effect::Instead(internal(call.service))
                }
                FaultKind::StaleRead => Effect::Stale(milliseconds.unwrap_or(STALE_DEFAULT_MS)),
                FaultKind::Denied => Effect::Instead(denied(call)),
                FaultKind::Outage => Effect::Instead(unavailable()),
                FaultKind::Failed => Effect::Fails,
            };
            break;
        }
        strike
    }
}

impl Fault {
    fn matches(&self, call: &Call) -> bool {
        self.count != Some(0)
            && (self.kind != FaultKind::StaleRead || is_pure_read(call))
            && (self.kind != FaultKind::Failed || PREPARED.contains(&call.operation))
            && self.caller.is_none_or(|whose| (whose == Whose::Controller) == call.is_controller)
            && self.operation.as_ref().is_none_or(|pattern| glob(pattern, &call.name()))
            && self.region.as_ref().is_none_or(|region| *region == call.region)
            && self.account.as_ref().is_none_or(|account| glob(account, account_of(call)))
    }
}

/// What AWS answers before it is done.
const PREPARED: [&str; 3] = ["CreateGuardrail", "UpdateGuardrail", "CreateGuardrailVersion"];

/// The account a fault means: where the call lands.
fn account_of(call: &Call) -> &str {
    call.text("RoleArn").and_then(|arn| arn.split(':').nth(4)).unwrap_or(&call.caller.account)
}

/// Whether an operation only looks. `AssumeRole` does not: it issues a session.
pub(super) fn is_pure_read(call: &Call) -> bool {
    ["Describe", "List", "Get", "Simulate"].iter().any(|prefix| call.operation.starts_with(prefix))
}

/// The throttling error of a service.
pub(super) fn throttled(service: Service) -> Failure {
    match service {
        Service::Bedrock | Service::BedrockRuntime => {
            Failure::new("ThrottlingException", 429, "Too many requests, please wait before trying again.")
        }
        Service::Organizations => Failure::new(
            "TooManyRequestsException",
            400,
            "AWS Organizations can't complete your request because another request is already in progress. Try again later.",
        )
        .with("Type", "ThrottlingException"),
        Service::Sts | Service::Iam | Service::Sns => Failure::new("Throttling", 400, "Rate exceeded"),
    }
}

fn internal(service: Service) -> Failure {
    match service {
        Service::Bedrock | Service::BedrockRuntime => {
            Failure::new("InternalServerException", 500, "An internal error occurred.")
        }
        Service::Organizations => Failure::new(
            "ServiceException",
            500,
            "AWS Organizations can't complete your request because of an internal service error.",
        ),
        Service::Sts | Service::Sns => {
            Failure::new("InternalFailure", 500, "An internal error occurred.")
        }
        Service::Iam => Failure::new("ServiceFailure", 500, "An internal error occurred."),
    }
}

fn unavailable() -> Failure {
    Failure::new("ServiceUnavailableException", 503, "The service is unavailable.")
}

fn denied(call: &Call) -> Failure {
    let message =
        format!("User: {} is not authorized to perform: {}", call.caller.arn, call.name());
    match call.service {
        Service::Bedrock | Service::BedrockRuntime => {
            Failure::new("AccessDeniedException", 403, message)
        }
        Service::Organizations => Failure::new("AccessDeniedException", 400, message),
        Service::Sts | Service::Iam => Failure::new("AccessDenied", 403, message),
        Service::Sns => Failure::new("AuthorizationError", 403, message),
    }
}
