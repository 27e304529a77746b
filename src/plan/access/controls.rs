//! Service control policies on the path of an account (`aws-facts` 6).
//!
//! Every level from the root down to the account must allow a request, and a Deny on any level
//! decides. The management account is bound by none of them.

use std::fmt;

use super::request::Request;
use super::statement::{Effect, effect, matches, statements};
use super::truth::Truth;
use crate::model::{Fleet, PolicyId, ServiceControl, ServiceControls, TargetId};

/// Why a request is denied, or may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plan) struct Cause {
    /// The policy; `None` where no policy of a level allows the request.
    pub(in crate::plan) policy: Option<PolicyId>,
    /// The `Sid` of its statement, if it has one.
    pub(in crate::plan) sid: Option<String>,
    /// The number of its statement, from 0.
    pub(in crate::plan) statement: Option<usize>,
    /// Where it is attached, as people call it.
    pub(in crate::plan) place: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.policy, &self.sid) {
            (Some(policy), Some(sid)) => write!(f, "`{sid}` of the policy {policy}")?,
            (Some(policy), None) => match self.statement {
                Some(index) => write!(f, "statement [{index}] of the policy {policy}")?,
                None => write!(f, "the policy {policy}")?,
            },
            (None, _) => f.write_str("the lack of a service control policy that allows it")?,
        }
        write!(f, " at {}", self.place)
    }
}

/// What service control policies let a request do. They grant nothing: what they leave open, an
/// identity policy must still allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Permission {
    /// They leave it open.
    Open,
    /// They surely deny it.
    Denied(Cause),
    /// It depends on what cannot be known here.
    Unclear(Cause),
}

/// What `controls` say of a request. They must be all there are, and in effect.
pub(in crate::plan) fn controlled(
    request: &Request<'_>,
    controls: &ServiceControls,
    fleet: &Fleet,
) -> Permission {
    if *request.account == fleet.management {
        return Permission::Open;
    }
    let path = fleet.lineage(&TargetId::Account(request.account.clone()));
    let mut unclear = None;
    if path.is_empty() {
        let place = format!("{}, which was not found in the organization", request.account);
        return Permission::Unclear(Cause { policy: None, sid: None, statement: None, place });
    }
    for level in &path {
        let place = fleet.describe(level);
        match at_level(request, controls.values().filter(|it| it.targets.contains(level)), place) {
            denied @ Permission::Denied(_) => return denied,
            Permission::Unclear(cause) => unclear = unclear.or(Some(cause)),
            Permission::Open => {}
        }
    }
    unclear.map_or(Permission::Open, Permission::Unclear)
}

fn at_level<'a>(
    request: &Request<'_>,
    policies: impl Iterator<Item = &'a ServiceControl>,
    place: String,
) -> Permission {
    let mut allowed = Truth::False;
    let mut unclear = None;
    let mut is_empty = true;
    for policy in policies {
        is_empty = false;
        let cause = |sid: Option<&str>, statement| Cause {
            policy: Some(policy.id.clone()),
            sid: sid.map(str::to_owned),
            statement,
            place: place.clone(),
        };
        let Some(statements) = statements(&policy.content) else {
            allowed = Truth::any([allowed, Truth::Unknown]);
            unclear = unclear.or(Some(cause(None, None)));
            continue;
        };
        for (index, statement) in statements.into_iter().enumerate() {
            let sid = statement.get("Sid").and_then(serde_json::Value::as_str);
            match (effect(statement), matches(statement, request)) {
                (Effect::Deny, Truth::True) => {
                    return Permission::Denied(cause(sid, Some(index)));
                }
                (Effect::Deny, Truth::Unknown) => {
                    unclear = unclear.or(Some(cause(sid, Some(index))));
                }
                (Effect::Deny, Truth::False) => {}
                (Effect::Allow, claim) => allowed = Truth::any([allowed, claim]),
            }
        }
    }
    let nothing = Cause { policy: None, sid: None, statement: None, place };
    match (allowed, unclear) {
        // AWS lets no level be without a policy: what was read is not all there is.
        (Truth::False, _) if is_empty => Permission::Unclear(nothing),
        (Truth::False, _) => Permission::Denied(nothing),
        (Truth::Unknown, cause) => Permission::Unclear(cause.unwrap_or(nothing)),
        (Truth::True, Some(cause)) => Permission::Unclear(cause),
        (Truth::True, None) => Permission::Open,
    }
}

#[cfg(test)]
#[path = "controls_tests.rs"]
mod tests;
