//! Judges one claim by what was read, and then by what a probe showed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::effective::{Block, block};
use super::{Claim, Expected, Finding, Probed, Ran, Reason};
use crate::model::{
    AccountId, Cell, EnforcementKind, EnforcementSettings, Fleet, GuardrailArn, ObservedCell,
    ObservedOrganization, ObservedPolicy, OwnerId, Read, TargetId, Unread, Version,
};
use crate::plan::context::Context;
use crate::plan::hold::listed;
use crate::plan::narrowing::models;
use crate::plan::organization::policy_regions;
use crate::plan::reference::spoken;

/// What the judgement of one claim rests on. What its level does not need may be anything.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The policies, and the accounts whose effective policy is invalid.
    pub organization: &'a Read<ObservedOrganization>,
    /// The slot of the cell, for a claim of an account enforcement.
    pub slot: &'a ObservedCell,
    /// The effective policy of the account, for a claim of an organization enforcement.
    pub effective: &'a Read<Value>,
}

/// Judges a claim by what was read.
///
/// | read | verdict |
/// |---|---|
/// | the account is on the invalid list | failed, on both levels |
/// | slot or effective policy as claimed | proven |
/// | nothing there, another guardrail, version or settings | failed |
/// | the same, and a policy of somebody else on the path speaks of the Region | failed: bent |
/// | anything it rests on is unread | unknown |
pub fn judge_reading(claim: &Claim, reading: &Reading, context: &Context) -> Finding {
    let expected = match &claim.expected {
        Ok(expected) => expected,
        Err(gap) => return gap.clone(),
    };
    let account = &claim.cell.account;
    let organization = match reading.organization {
        Read::Known(organization) => organization,
        Read::KnownAbsent => return unread("the organization", None),
        Read::Unknown(why) => return unread("the organization", Some(why)),
    };
    match &organization.invalid {
        Read::Known(invalid) if invalid.contains(account) => {
            let message = "the effective Bedrock policy of the account is invalid, so an older one \
                           stays in force; see ListEffectivePolicyValidationErrors";
            return Finding::failed(Reason::InvalidEffectivePolicy, message);
        }
        Read::Known(_) | Read::KnownAbsent => {}
        Read::Unknown(why) => {
            return unread("the list of invalid effective policies", Some(why));
        }
    }
    let live = match live(&claim.cell, claim.enforcement.kind, reading) {
        Ok(live) => live,
        Err(unread) => return unread,
    };
    let finding = compare(expected, &live, context);
    if finding.verdict == super::Verdict::Proven
        || claim.enforcement.kind == EnforcementKind::Account
    {
        return finding;
    }
    let benders = benders(&claim.cell, organization, context);
    if benders.is_empty() {
        return finding;
    }
    let message = format!("{}; bent by {}", finding.message, listed(benders));
    Finding::failed(Reason::Bent, message)
}

/// What is in force in a cell on one level; or that it was not read.
pub(super) fn live(
    cell: &Cell,
    kind: EnforcementKind,
    reading: &Reading,
) -> Result<Block, Finding> {
    match kind {
        EnforcementKind::Account => {
            slot(reading.slot).map_err(|why| unread("the enforced configuration", Some(&why)))
        }
        EnforcementKind::Organization | EnforcementKind::ServiceControl => {
            match reading.effective {
                Read::Known(policy) => Ok(block(policy, &cell.region)),
                Read::KnownAbsent => Ok(Block::Nothing),
                Read::Unknown(why) => Err(unread("the effective policy", Some(why))),
            }
        }
    }
}

fn unread(what: &str, why: Option<&Unread>) -> Finding {
    let why = why.map(|it| format!(" ({}): {}", it.class, it.message)).unwrap_or_default();
    Finding::unknown(Reason::Unreadable, format!("{what} could not be read{why}"))
}

/// What an enforced configuration puts in force.
pub(in crate::plan) fn slot(slot: &ObservedCell) -> Result<Block, Unread> {
    let live = match &slot.enforcement {
        Read::Known(live) => live,
        Read::KnownAbsent => return Ok(Block::Nothing),
        Read::Unknown(why) => return Err(why.clone()),
    };
    let settings = EnforcementSettings {
        models: live.models.clone(),
        exclude_embeddings: false,
        guarding: live.guarding,
    };
    Ok(match (&live.guardrail, live.version) {
        (Some(arn), Some(version)) => Block::One { arn: arn.clone(), version, settings },
        (_, _) => Block::Strange("AWS does not name its guardrail and version".to_owned()),
    })
}

fn compare(expected: &Expected, live: &Block, context: &Context) -> Finding {
    let Expected { arn, version, spoken: name, settings } = expected;
    let (live_arn, live_version, live_settings) = match live {
        Block::Nothing => {
            return Finding::failed(
                Reason::NotEnforced,
                format!("nothing is enforced, not {name}"),
            );
        }
        Block::Strange(what) => {
            let message = format!("what is enforced is not what was claimed: {what}");
            return Finding::failed(Reason::OtherSettings, message);
        }
        Block::One { arn, version, settings } => (arn, *version, settings),
    };
    let instead = |arn: &GuardrailArn, version: Version| {
        format!("{} is enforced, not {name}", spoken(arn, version, context))
    };
    if live_arn != arn {
        Finding::failed(Reason::OtherGuardrail, instead(live_arn, live_version))
    } else if live_version != *version {
        Finding::failed(Reason::OtherVersion, instead(live_arn, live_version))
    } else if live_settings.guarding != settings.guarding {
        let message = format!("{name} is enforced, but checks other parts of a request");
        Finding::failed(Reason::OtherSettings, message)
    } else if models(&live_settings.models) != models(&settings.models) {
        let message = format!("{name} is enforced, but for other models");
        Finding::failed(Reason::OtherSettings, message)
    } else {
        Finding::proven(Reason::ReadBack, name.clone())
    }
}

/// Policies on the account's path that speak of the Region and are none of ours.
fn benders(cell: &Cell, organization: &ObservedOrganization, context: &Context) -> Vec<String> {
    let Some(fleet) = &context.facts.fleet else { return Vec::new() };
    let Some((policies, _)) = organization.policies.known() else { return Vec::new() };
    let path = path(&cell.account, fleet);
    let bends = |policy: &&ObservedPolicy| {
        is_foreign(policy, context.owner)
            && !policy.targets.is_disjoint(&path)
            && policy_regions(&policy.content).contains(cell.region.as_str())
    };
    policies.values().filter(bends).map(|it| format!("{} ({})", it.name, it.id)).collect()
}

fn path(account: &AccountId, fleet: &Fleet) -> BTreeSet<TargetId> {
    fleet.lineage(&TargetId::Account(account.clone())).into_iter().collect()
}

fn is_foreign(policy: &ObservedPolicy, us: &OwnerId) -> bool {
    policy.owner.as_ref() != Some(us)
}

/// Whether a probe with this model can show the enforcement at all.
pub fn is_under(model: &str, expected: &Expected) -> bool {
    let models = models(&expected.settings.models);
    let is_included = models.included.contains("ALL") || models.included.contains(model);
    is_included && !models.excluded.contains(model)
}

/// Judges a claim, which was read back as it should be, by a probe. `model` is that of an inference
/// probe.
pub fn judge_probe(claim: &Claim, probed: &Probed, model: Option<&str>) -> Finding {
    let expected = match &claim.expected {
        Ok(expected) => expected,
        Err(gap) => return gap.clone(),
    };
    let name = &expected.spoken;
    if let Some(model) = model.filter(|model| !is_under(model, expected)) {
        let message = format!(
            "{name} is not enforced for {model}, so a probe with it says nothing; name another \
             --model"
        );
        return Finding::unknown(Reason::ModelExempt, message);
    }
    match probed {
        Probed::Refused(why) => Finding::failed(Reason::ProbeRefused, why.clone()),
        Probed::Unanswered(why) => Finding::unknown(Reason::ProbeUnanswered, why.clone()),
        Probed::Applied(ran) if ran.is_empty() || ran.iter().any(|it| it.is(expected)) => {
            Finding::proven(Reason::Applied, format!("{name}, which the account can apply"))
        }
        Probed::Applied(ran) => {
            Finding::failed(Reason::NotShown, format!("{name} was asked for, {} ran", shown(ran)))
        }
        Probed::Inferred(ran) => {
            let origin = match claim.enforcement.kind {
                EnforcementKind::Account => "ACCOUNT_ENFORCED",
                EnforcementKind::Organization | EnforcementKind::ServiceControl => {
                    "ORGANIZATION_ENFORCED"
                }
            };
            let is_shown = |it: &Ran| it.is(expected) && it.origins.contains(origin);
            if ran.iter().any(is_shown) {
                Finding::proven(Reason::Shown, format!("{name}, shown by inference as {origin}"))
            } else {
                let message =
                    format!("inference did not show {name} as {origin}, but {}", shown(ran));
                Finding::failed(Reason::NotShown, message)
            }
        }
    }
}

impl Ran {
    fn is(&self, expected: &Expected) -> bool {
        self.arn.as_ref() == Some(&expected.arn)
            && self.version.as_deref() == Some(expected.version.to_string().as_str())
    }
}

fn shown(ran: &BTreeSet<Ran>) -> String {
    if ran.is_empty() {
        return "no guardrail".to_owned();
    }
    listed(ran.iter().map(|it| {
        let arn = it.arn.as_ref().map_or_else(|| "an unnamed one".to_owned(), ToString::to_string);
        let version = it.version.as_deref().unwrap_or("?");
        let origins: Vec<&str> = it.origins.iter().map(String::as_str).collect();
        format!("{arn}:{version} as {}", origins.join("+"))
    }))
}
