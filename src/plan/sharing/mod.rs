//! Decides what the resource policies of guardrails and guardrail profiles say.
//!
//! Ours are the statements whose Sid begins with `Bedrail`. Foreign ones are kept as they are, and
//! access that somebody may still depend on is not taken away (S5).

mod admits;
mod statements;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub use admits::admits;
pub(super) use admits::{may_admit, profile_admits};

use super::confirm::Sightings;
use super::context::Context;
use super::describe::sighting;
use super::references::{Search, active_accounts};
use super::step::{Held, HoldReason, Plan, Step};
use crate::model::{
    AccountId, Fleet, GuardrailArn, Read, Region, ReplicaKey, Share, TargetId, Version, changes,
};
use admits::{Access, GUARDRAIL_ACTIONS};
use statements::{has_ours, merged, normalised, statements};

/// Characters a resource policy may have (`aws-facts` 1.1).
const SIZE_MAX: usize = 20_480;

/// A guardrail profile in one of its destination Regions, and who must reach it: the union of what
/// the guardrails of the account need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfilePolicy {
    /// The account that owns the guardrails.
    pub account: AccountId,
    /// The destination Region: the Region of the call.
    pub region: Region,
    /// ARN of the profile.
    pub resource: String,
    /// What each guardrail that uses the profile is shared with.
    pub shares: Vec<Share>,
}

/// Decides the resource policy of a guardrail profile.
pub fn plan_profile_policy(
    profile: &ProfilePolicy,
    observed: &Read<Value>,
    sightings: &mut Sightings,
    context: &Context,
) -> Plan {
    let mut plan = Plan::default();
    // Which guardrails use the profile is not known here: all of the account count.
    let regions = context
        .replicas
        .keys()
        .chain(context.facts.replicas.keys())
        .filter(|key| key.account == profile.account)
        .map(|key| key.region.clone())
        .collect();
    let shared = Shared {
        region: &profile.region,
        share: union(&profile.shares),
        access: Access {
            resource: &profile.resource,
            owner: &profile.account,
            actions: &["bedrock:ApplyGuardrail"],
        },
        regions,
        concerns: &|arn, _| arn.account == profile.account,
    };
    shared.plan(observed, sightings, context, &mut plan);
    plan
}

/// Decides the resource policy of one guardrail.
pub(super) fn plan_guardrail_policy(
    (key, arn): (&ReplicaKey, &GuardrailArn),
    (share, observed): (&Share, &Read<Value>),
    sightings: &mut Sightings,
    context: &Context,
    plan: &mut Plan,
) {
    let shared = Shared {
        region: &key.region,
        share: share.clone(),
        access: Access {
            resource: &arn.to_string(),
            owner: &key.account,
            actions: &GUARDRAIL_ACTIONS,
        },
        regions: BTreeSet::from([key.region.clone()]),
        concerns: &|other, _| other == arn,
    };
    shared.plan(observed, sightings, context, plan);
}

/// Whether a share means an account that is not the guardrail's own.
pub(super) fn means(share: &Share, account: &AccountId, fleet: &Fleet) -> bool {
    match share {
        Share::None => false,
        Share::Organization => true,
        Share::Units(units) => fleet
            .lineage(&TargetId::Account(account.clone()))
            .iter()
            .any(|it| matches!(it, TargetId::Unit(unit) if units.contains(unit))),
    }
}

/// Whether a live policy says already what it should to share a guardrail.
pub(super) fn is_stated(policy: &Value, share: &Share, arn: &GuardrailArn, fleet: &Fleet) -> bool {
    let ours = statements(share, &arn.to_string(), &GUARDRAIL_ACTIONS, fleet);
    merged(Some(policy), ours).is_ok_and(|new| new.as_ref() == Some(policy))
}

fn union(shares: &[Share]) -> Share {
    let mut units = BTreeSet::new();
    for share in shares {
        match share {
            Share::None => {}
            Share::Organization => return Share::Organization,
            Share::Units(more) => units.extend(more.iter().cloned()),
        }
    }
    if units.is_empty() { Share::None } else { Share::Units(units) }
}

/// One resource and whom it should admit.
struct Shared<'a> {
    region: &'a Region,
    share: Share,
    access: Access<'a>,
    /// Regions whose cells may depend on it.
    regions: BTreeSet<Region>,
    /// Guardrails whose users depend on it.
    concerns: &'a dyn Fn(&GuardrailArn, Version) -> bool,
}

impl Shared<'_> {
    fn plan(
        &self,
        observed: &Read<Value>,
        sightings: &mut Sightings,
        context: &Context,
        plan: &mut Plan,
    ) {
        let what = format!("the resource policy of {}", self.access.resource);
        if let Some(unread) = observed.unread() {
            sightings.reset(&self.sighting());
            return plan.hold(Held::unread(&what, unread, context));
        }
        let live = observed.known().map(|(live, _)| live);
        if self.share == Share::None && !live.is_some_and(has_ours) {
            return sightings.reset(&self.sighting());
        }
        let Some(fleet) = &context.facts.fleet else {
            let message = format!("{what} waits until the organization was read");
            return plan.hold(Held::for_fact(HoldReason::Unreadable, message));
        };
        let ours = statements(&self.share, self.access.resource, self.access.actions, fleet);
        let Ok(new) = merged(live, ours) else {
            let message = format!("{what} is not a policy document; correct or delete it");
            return plan.hold(Held::for_person(HoldReason::Failed, message));
        };
        if new.as_ref() == live {
            return sightings.reset(&self.sighting());
        }
        let size = new.as_ref().map_or(0, |new| new.to_string().chars().count());
        if size > SIZE_MAX {
            let message = format!("{what} would have {size} characters; AWS takes {SIZE_MAX}");
            return plan.hold(Held::for_person(HoldReason::Quota, message));
        }
        self.write((observed, new), sightings, (context, fleet), plan);
    }

    /// Writes the new document at once where nobody loses access, else when nobody depends on it.
    fn write(
        &self,
        (observed, new): (&Read<Value>, Option<Value>),
        sightings: &mut Sightings,
        (context, fleet): (&Context, &Fleet),
        plan: &mut Plan,
    ) {
        let live = observed.known();
        let previous = live.map(|(live, _)| live.clone());
        let lost: BTreeSet<AccountId> = active_accounts(fleet)
            .into_iter()
            .filter(|account| self.access.admits(previous.as_ref(), account, fleet))
            .filter(|account| !self.access.admits(new.as_ref(), account, fleet))
            .collect();
        let account = self.access.owner.clone();
        let region = self.region.clone();
        let resource = self.access.resource.to_owned();
        if let Some((_, seen)) = live
            && (!lost.is_empty() || new.is_none())
        {
            let search = Search {
                accounts: &lost,
                regions: &self.regions,
                concerns: self.concerns,
                // They are admitted until this is written.
                can_adopt: &|_| true,
            };
            let change = format!("taking access to {resource} away");
            if !lost.is_empty() && !search.finds_none(&change, context, plan) {
                return sightings.reset(&self.sighting());
            }
            let Context { now, timing, .. } = *context;
            match sightings.confirm_removable(&self.sighting(), seen, now, timing) {
                Err(wait) => {
                    let message = format!("{change} waits for a second complete read");
                    return plan.hold(Held::after(HoldReason::Confirming, wait, message));
                }
                Ok(confirmed) => {
                    let since = sightings.removable_since(&self.sighting());
                    if !lost.is_empty() && !search.is_read_since(since, &change, context, plan) {
                        return;
                    }
                    if let (None, Some(previous)) = (&new, &previous) {
                        let previous = previous.clone();
                        return plan.steps.push(Step::DeleteResourcePolicy {
                            account,
                            region,
                            resource,
                            previous,
                            confirmed,
                        });
                    }
                }
            }
        } else {
            sightings.reset(&self.sighting());
        }
        if let Some(document) = new {
            let old = previous.as_ref().map_or(Value::Null, normalised);
            let changes = changes(&old, &normalised(&document));
            plan.steps.push(Step::PutResourcePolicy {
                account,
                region,
                resource,
                document,
                previous,
                changes,
            });
        }
    }

    fn sighting(&self) -> String {
        sighting::resource_policy(self.access.resource)
    }
}
