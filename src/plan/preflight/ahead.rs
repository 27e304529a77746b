//! How many probes are ahead.

use std::collections::{BTreeMap, BTreeSet};

use super::sample::count;
use crate::model::{
    AccountId, AccountState, Cell, Desired, Facts, GuardrailArn, Name, Preflight, Presence,
    ProbeKey, ProbeOutcome, Probes, ReplicaKey, Revision, RoleName, TargetId, Version,
};

/// How many probes come before everything desired is in force, at most: each is one
/// `ApplyGuardrail` with a few words, billed to the account it is made from.
///
/// What a guardrail's next version is called need not be known: a probe is one per cell and
/// guardrail. What can be restored without one is counted, if it was lost before this process
/// began.
pub fn probes_ahead(desired: &Desired, facts: &Facts) -> usize {
    let mut every: BTreeSet<(Cell, &Name)> = BTreeSet::new();
    let mut sampled = 0;
    for Group { preflight, cells } in groups(desired, facts) {
        match preflight.probes {
            Probes::Every => every.extend(cells),
            Probes::Sample(percent) => sampled += count(cells.len(), percent).min(cells.len()),
            Probes::Offline => {}
        }
    }
    every.len() + sampled
}

/// How many questions about roles that enforcements name come before that, at most: each is one
/// `iam:SimulatePrincipalPolicy`, which costs nothing.
pub fn callers_ahead(desired: &Desired, facts: &Facts) -> usize {
    let mut every: BTreeSet<(AccountId, &RoleName)> = BTreeSet::new();
    let mut sampled = 0;
    for Group { preflight, cells } in groups(desired, facts) {
        let roles = preflight.callers.iter();
        match preflight.probes {
            Probes::Every => {
                let accounts = || cells.iter().map(|(cell, _)| cell.account.clone());
                every.extend(roles.flat_map(|role| accounts().map(move |it| (it, role))));
            }
            Probes::Sample(percent) => {
                sampled += count(cells.len(), percent).min(cells.len()) * roles.count();
            }
            Probes::Offline => {}
        }
    }
    every.len() + sampled
}

/// What shares a sample: cells with the guardrail that they would reference.
struct Group<'a> {
    preflight: &'a Preflight,
    cells: BTreeSet<(Cell, &'a Name)>,
}

impl<'a> Group<'a> {
    fn of(preflight: &'a Preflight) -> Self {
        Self { preflight, cells: BTreeSet::new() }
    }
}

/// Cells that are not proven yet.
fn groups<'a>(desired: &'a Desired, facts: &Facts) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<_, Group<'a>> = BTreeMap::new();
    for (cell, claim) in &desired.cells {
        let version = version(&claim.replica, claim.revision.as_ref(), desired, facts);
        let in_force = version.is_some() && facts.cells.get(cell) == Some(&version);
        if claim.state == Presence::Present
            && !in_force
            && !has_passed(cell, version.as_ref(), facts)
        {
            let group = groups.entry(("cells", &claim.enforcement, cell.region.clone()));
            let group = group.or_insert_with(|| Group::of(&claim.preflight));
            group.cells.insert((cell.clone(), &claim.replica.guardrail));
        }
    }
    let Some(fleet) = &facts.fleet else { return groups.into_values().collect() };
    for (name, wanted) in &desired.organization {
        if wanted.state == Presence::Absent {
            continue;
        }
        for region in &wanted.regions {
            let guardrail = wanted.guardrail.name.clone();
            let account = fleet.management.clone();
            let replica = ReplicaKey { guardrail, account, region: region.clone() };
            let version = version(&replica, wanted.guardrail.revision.as_ref(), desired, facts);
            let targets = wanted.targets.iter();
            let open = targets.filter(|target| !is_in_force(name, target, version.as_ref(), facts));
            let accounts = open.flat_map(|target| fleet.accounts_under(target));
            for account in accounts.filter(|account| account.state == AccountState::Active) {
                let cell = Cell { account: account.id.clone(), region: region.clone() };
                if has_passed(&cell, version.as_ref(), facts) {
                    continue;
                }
                let group = groups.entry(("organization", name, region.clone()));
                let group = group.or_insert_with(|| Group::of(&wanted.preflight));
                group.cells.insert((cell, &wanted.guardrail.name));
            }
        }
    }
    groups.into_values().collect()
}

/// The version to reference, once it is published and read back.
fn version(
    key: &ReplicaKey,
    pinned: Option<&Revision>,
    desired: &Desired,
    facts: &Facts,
) -> Option<(GuardrailArn, Version)> {
    let fact = facts.replicas.get(key)?;
    let version = match pinned {
        Some(revision) => fact.revisions.get(revision),
        None => fact.versions.get(&desired.replicas.get(key)?.replica_revision),
    };
    Some((fact.arn.clone(), *version?))
}

fn has_passed(cell: &Cell, version: Option<&(GuardrailArn, Version)>, facts: &Facts) -> bool {
    let Some((guardrail, version)) = version.cloned() else { return false };
    let key = ProbeKey { cell: cell.clone(), guardrail, version };
    facts.probes.get(&key).is_some_and(|fact| fact.outcome == ProbeOutcome::Passed)
}

fn is_in_force(
    enforcement: &Name,
    target: &TargetId,
    version: Option<&(GuardrailArn, Version)>,
    facts: &Facts,
) -> bool {
    let Some(version) = version else { return false };
    facts.own_policies.iter().flat_map(BTreeMap::values).any(|policy| {
        policy.enforcement.as_ref() == Some(enforcement)
            && policy.targets.contains(target)
            && policy.references.contains(version)
    })
}
