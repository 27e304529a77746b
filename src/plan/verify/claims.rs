//! Lists what the manifests claim.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::meanwhile::{Kept, OrganizationCell, decided, of_cell, of_organization_cell, untold};
use super::{Claim, Expected, Finding, Meanwhile, Reason};
use crate::model::{
    AccountId, AccountState, Cell, DesiredOrganizationEnforcement, EnforcementKey, EnforcementKind,
    EnforcementSettings, Name, Presence, Region, ReplicaKey, Revision, RoleName, TargetId,
};
use crate::plan::context::Context;
use crate::plan::reference::{resolve, spoken, with_embeddings};
use crate::plan::step::{Held, HoldReason};

/// Everything that is claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Cells, in order.
    pub claims: Vec<Claim>,
    /// Accounts that are selected and not ACTIVE, with their state: neither proven nor failed.
    pub skipped: BTreeMap<AccountId, String>,
}

/// Lists the cells that account enforcements and organization enforcements claim.
///
/// Where organization enforcements are nested, a cell is claimed by the one whose word counts there:
/// the one nearest the leaf, unless one above it forbids to be overridden.
pub fn claims(unreachable: &BTreeMap<AccountId, String>, context: &Context) -> Claims {
    let mut found = Claims { claims: Vec::new(), skipped: unreachable.clone() };
    for (cell, desired) in context.cells {
        if desired.state == Presence::Present {
            let wanted = Wanted {
                replica: &desired.replica,
                pinned: desired.revision.as_ref(),
                settings: &desired.settings,
                callers: &desired.preflight.callers,
            };
            let enforcement = key(EnforcementKind::Account, &desired.enforcement);
            let kept = of_cell(cell, desired, context);
            found.claims.push(wanted.claim(cell.clone(), enforcement, kept, context));
        }
    }
    if let Some(fleet) = &context.facts.fleet {
        let decided = decided(context);
        for account in fleet.accounts.values() {
            let lineage = fleet.lineage(&TargetId::Account(account.id.clone()));
            let winners = winners(&lineage, context.organization);
            if winners.is_empty() {
                continue;
            }
            if account.state != AccountState::Active {
                found.skipped.insert(account.id.clone(), account.state.to_string());
                continue;
            }
            for (region, (name, desired)) in winners {
                let replica = ReplicaKey {
                    guardrail: desired.guardrail.name.clone(),
                    account: fleet.management.clone(),
                    region: region.clone(),
                };
                let pinned = desired.guardrail.revision.as_ref();
                let wanted = Wanted {
                    replica: &replica,
                    pinned,
                    settings: &desired.settings,
                    callers: &desired.preflight.callers,
                };
                let cell = Cell { account: account.id.clone(), region: region.clone() };
                let enforcement = key(EnforcementKind::Organization, name);
                let at =
                    OrganizationCell { enforcement: name, lineage: &lineage, replica: &replica };
                let kept = of_organization_cell(&at, &decided, context);
                found.claims.push(wanted.claim(cell, enforcement, kept, context));
            }
        }
    }
    found
}

fn key(kind: EnforcementKind, name: &Name) -> EnforcementKey {
    EnforcementKey { kind, name: name.clone() }
}

/// An enforcement and what it says.
type Speaker<'a> = (&'a Name, &'a DesiredOrganizationEnforcement);

/// Whose word counts for an account of this lineage, by Region.
fn winners<'a>(
    lineage: &[TargetId],
    enforcements: &'a BTreeMap<Name, DesiredOrganizationEnforcement>,
) -> BTreeMap<&'a Region, Speaker<'a>> {
    let mut winners = BTreeMap::new();
    let mut locked: BTreeSet<&Region> = BTreeSet::new();
    for target in lineage {
        for (name, desired) in enforcements {
            if desired.state == Presence::Absent || !desired.targets.contains(target) {
                continue;
            }
            for region in &desired.regions {
                if locked.contains(region) {
                    continue;
                }
                winners.insert(region, (name, desired));
                if !desired.allow_override {
                    locked.insert(region);
                }
            }
        }
    }
    winners
}

/// What an enforcement wants in one Region.
struct Wanted<'a> {
    replica: &'a ReplicaKey,
    pinned: Option<&'a Revision>,
    settings: &'a EnforcementSettings,
    callers: &'a Arc<BTreeSet<RoleName>>,
}

impl Wanted<'_> {
    fn claim(
        &self,
        cell: Cell,
        enforcement: EnforcementKey,
        kept: Option<Kept>,
        context: &Context,
    ) -> Claim {
        let callers = Arc::clone(self.callers);
        let Some(Kept { revision, is_back, why }) = kept else {
            let expected = self.expected(&cell.region, context);
            return Claim { cell, enforcement, expected, meanwhile: None, remark: None, callers };
        };
        let kept = match &revision {
            Some(revision) => {
                Wanted { pinned: Some(revision), ..*self }.expected(&cell.region, context)
            }
            None => Err(untold(&why)),
        };
        if is_back {
            let remark = Some(why);
            return Claim { cell, enforcement, expected: kept, meanwhile: None, remark, callers };
        }
        let expected = self.expected(&cell.region, context);
        let meanwhile = Some(Meanwhile { expected: kept, remark: why });
        Claim { cell, enforcement, expected, meanwhile, remark: None, callers }
    }

    fn expected(&self, region: &Region, context: &Context) -> Result<Expected, Finding> {
        let is_known = context.facts.replicas.contains_key(self.replica);
        let gap = |held: Held| {
            let lacks_fact = held.reason == HoldReason::WaitingForVersion && !is_known;
            if lacks_fact {
                let message = format!("{} was not found or not read there", self.replica.guardrail);
                Finding::unknown(Reason::Unreadable, message)
            } else if held.reason == HoldReason::Unreadable {
                Finding::unknown(Reason::Unreadable, held.message)
            } else {
                Finding::failed(Reason::NotPublished, held.message)
            }
        };
        let reference = resolve(self.replica, self.pinned, context).map_err(gap)?;
        let settings = with_embeddings(self.settings, region, context).map_err(gap)?;
        Ok(Expected {
            arn: reference.arn.clone(),
            version: reference.version,
            spoken: spoken(reference.arn, reference.version, context),
            settings,
        })
    }
}
