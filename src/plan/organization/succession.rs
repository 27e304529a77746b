//! Lets a policy go only once the enforcements that are to take over from it do (S2).

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::blocks;
use super::enforcement::Visit;
use crate::model::{
    Cell, DesiredOrganizationEnforcement, Name, ObservedPolicy, Presence, Region, TargetId,
};
use crate::plan::confirm::Sightings;
use crate::plan::context::Context;
use crate::plan::step::{Held, HoldReason};

/// What is given up: targets of a policy, and its Regions there.
pub(super) type GivenUp<'a> = (&'a BTreeSet<TargetId>, &'a BTreeSet<String>);

impl Visit<'_> {
    /// Whether all that other manifests enforce where a policy is given up is in force, and was seen
    /// to be for as long as a write may take to show.
    pub(super) fn succeeded(
        &self,
        live: &ObservedPolicy,
        given_up: GivenUp,
        memory: &mut Sightings,
    ) -> Result<(), Held> {
        let is_other = |name: &Name| name != self.name;
        self.succeeded_by(&is_other, live, given_up, memory)
    }

    /// The same of one target that the policy leaves: it is also taken over by those above and below
    /// it where the policy stays. A Region that its document lost comes back before it leaves.
    pub(super) fn succeeded_at(
        &self,
        live: &ObservedPolicy,
        target: &TargetId,
        memory: &mut Sightings,
    ) -> Result<(), Held> {
        let there = BTreeSet::from([target.clone()]);
        let mut regions = Self::regions_of(live);
        regions.extend(self.desired.regions.iter().map(|it| it.as_str().to_owned()));
        self.succeeded_by(&|_| true, live, (&there, &regions), memory)
    }

    fn succeeded_by(
        &self,
        takes_over: &dyn Fn(&Name) -> bool,
        live: &ObservedPolicy,
        given_up: GivenUp,
        memory: &mut Sightings,
    ) -> Result<(), Held> {
        let Context { now, timing, .. } = *self.context;
        let grace = timing.own_write_grace;
        let claimed = self.claimed_cells(given_up);
        let taken = self.taken_targets(takes_over, given_up);
        let missing = self.bare_cell(&claimed).or_else(|| self.bare_target(&taken, given_up.0));
        if let Some(missing) = missing {
            let message = format!("the policy of {} goes once {missing}", self.name);
            return Err(Held::after(HoldReason::NotEffective, grace, message));
        }
        if claimed.is_empty() && taken.is_empty() {
            return Ok(());
        }
        let (targets, regions) = given_up;
        let places = targets.iter().flat_map(|it| regions.iter().map(move |region| (it, region)));
        let lasts = |(target, region): (&TargetId, &String)| {
            memory.lasts(&format!("what takes over from {} at {target} in {region}", live.id), now)
        };
        // Each is asked: one that is not said to last would start over.
        let least = places.map(lasts).min().unwrap_or_default();
        let wait = grace.saturating_sub(least);
        #[cfg(feature = "planted")]
        let wait = if crate::planted::is(crate::planted::Planted::HandOverHurried) {
            std::time::Duration::ZERO
        } else {
            wait
        };
        if wait.is_zero() {
            return Ok(());
        }
        let message =
            format!("the policy of {} goes once what takes over has had time to", self.name);
        Err(Held::after(HoldReason::NotEffective, wait, message))
    }

    /// Regions in which a policy enforces anything.
    pub(super) fn regions_of(live: &ObservedPolicy) -> BTreeSet<String> {
        blocks(&live.content).into_keys().collect()
    }

    /// Cells there that an account enforcement claims.
    fn claimed_cells(&self, (targets, regions): GivenUp) -> Vec<&Cell> {
        let accounts = self.active_accounts(targets);
        let is_claimed = |cell: &Cell| {
            accounts.contains(&cell.account) && regions.contains(cell.region.as_str())
        };
        let cells = self.context.cells.iter();
        cells
            .filter(|(cell, desired)| desired.state == Presence::Present && is_claimed(cell))
            .map(|(cell, _)| cell)
            .collect()
    }

    fn bare_cell(&self, claimed: &[&Cell]) -> Option<String> {
        let facts = self.context.facts;
        let is_bare = |cell: &&&Cell| {
            let is_enforced = matches!(facts.cells.get(**cell), Some(Some(_)));
            // Nothing can be called there either.
            let is_closed =
                || facts.cells_unreadable.get(**cell).is_some_and(|it| it.is_not_enabled);
            !is_enforced && !is_closed()
        };
        let mut bare = claimed.iter().filter(is_bare);
        let first = bare.next()?;
        let others = bare.count();
        Some(format!(
            "the account enforcements that take over are in force; missing are {first} and {others} \
             more"
        ))
    }

    /// Where organization enforcements that take over are to be attached, on the same paths and in
    /// the same Regions.
    fn taken_targets(
        &self,
        takes_over: &dyn Fn(&Name) -> bool,
        (targets, regions): GivenUp,
    ) -> Vec<(&Name, &TargetId, &Region)> {
        let lines: Vec<Vec<TargetId>> = targets.iter().map(|it| self.fleet.lineage(it)).collect();
        let is_on_path = |target: &TargetId| {
            let line = self.fleet.lineage(target);
            lines.iter().any(|it| it.contains(target)) || targets.iter().any(|it| line.contains(it))
        };
        let is_taking = |(name, desired): &(&Name, &DesiredOrganizationEnforcement)| {
            takes_over(name) && desired.state == Presence::Present
        };
        let mut taken = Vec::new();
        for (name, desired) in self.context.organization.iter().filter(is_taking) {
            for target in desired.targets.iter().filter(|it| is_on_path(it)) {
                let there = desired.regions.iter().filter(|it| regions.contains(it.as_str()));
                taken.extend(there.map(|region| (name, target, region)));
            }
        }
        taken
    }

    /// What is not in force yet of what takes over, or could not be applied there: it may say
    /// something only once nothing below it does any more.
    fn bare_target(
        &self,
        taken: &[(&Name, &TargetId, &Region)],
        targets: &BTreeSet<TargetId>,
    ) -> Option<String> {
        let left = self.active_accounts(targets);
        taken.iter().find_map(|(name, target, region)| {
            let attached = self.policies.values().filter(|policy| {
                policy.enforcement.as_ref() == Some(*name) && policy.targets.contains(*target)
            });
            let said: Vec<Value> = attached
                .filter_map(|policy| blocks(&policy.content).remove(region.as_str()))
                .collect();
            let what = |does: &str| {
                let target = self.fleet.describe(target);
                format!("OrganizationEnforcement/{name} {does} at {target} in {region}")
            };
            if said.is_empty() {
                return Some(what("enforces"));
            }
            let accounts = self.active_accounts(&BTreeSet::from([(*target).clone()]));
            let accounts = accounts.intersection(&left).cloned().collect();
            let unproven = |block| self.prove_block(region.as_str(), block, &accounts).err();
            let why = said.iter().find_map(unproven)?;
            Some(format!("{}: {}", what("can be applied"), why.message))
        })
    }
}
