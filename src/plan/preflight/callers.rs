//! Roles of applications that an enforcement names: whether they may apply its guardrail.
//!
//! A probe proves it for our own role only. An application's role without the permission would lose
//! every model call once the guardrail is enforced, so IAM is asked about those that a manifest
//! names. It answers for the guardrails of all Regions in one call.

use std::collections::BTreeSet;

use super::judge::{APPLY, Finding, believed};
use crate::model::{
    AccountId, CallerKey, Cell, DesiredCell, GuardrailArn, Name, Region, ReplicaKey, Revision,
    RoleName, Version,
};
use crate::plan::context::Context;
use crate::plan::reference::revision_of;

/// What is known of the named roles of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callers {
    /// What stands against going on.
    pub(super) finding: Finding,
    /// What IAM is to be asked.
    pub(super) due: BTreeSet<CallerKey>,
}

impl Default for Callers {
    fn default() -> Self {
        Self { finding: Finding::Clear, due: BTreeSet::new() }
    }
}

/// What is known of the roles that the enforcement of a cell names. When one is to be asked about,
/// it is asked about the guardrails of the account's other Regions as well.
pub(super) fn of_cell(
    cell: &Cell,
    desired: &DesiredCell,
    (arn, version): (&GuardrailArn, Version),
    context: &Context,
) -> Callers {
    let roles = &desired.preflight.callers;
    if roles.is_empty() {
        return Callers::default();
    }
    let revision = revision_of((arn, version), context.replicas, context.facts);
    let callers = of_account(&cell.account, roles, (arn, revision), context);
    let enforced = |region: &Region| {
        let sibling = Cell { account: cell.account.clone(), region: region.clone() };
        let sibling = context.cells.get(&sibling);
        let same = sibling.filter(|it| it.enforcement == desired.enforcement);
        same.map(|it| it.revision.as_ref())
    };
    let ReplicaKey { guardrail, account, .. } = &desired.replica;
    let due = with_siblings(callers.due, (guardrail, account), enforced, context);
    Callers { due, ..callers }
}

/// The same questions, and those about the guardrails that the same roles come under in other
/// Regions: IAM answers all of them in one call. `enforced` says where, and which revision is
/// pinned there.
pub(super) fn with_siblings<'a>(
    mut due: BTreeSet<CallerKey>,
    (guardrail, owner): (&Name, &AccountId),
    enforced: impl Fn(&Region) -> Option<Option<&'a Revision>>,
    context: &Context,
) -> BTreeSet<CallerKey> {
    if due.is_empty() {
        return due;
    }
    let asked: BTreeSet<(AccountId, RoleName)> =
        due.iter().map(|key| (key.account.clone(), key.role.clone())).collect();
    let replicas = context.facts.replicas.iter();
    for (replica, fact) in
        replicas.filter(|(key, _)| (&key.guardrail, &key.account) == (guardrail, owner))
    {
        let Some(pinned) = enforced(&replica.region) else { continue };
        let wanted = context.replicas.get(replica).map(|it| &it.revision);
        let revision = pinned.or(wanted).cloned();
        let keys = asked.iter().map(|(account, role)| CallerKey {
            account: account.clone(),
            role: role.clone(),
            guardrail: fact.arn.clone(),
            revision: revision.clone(),
        });
        due.extend(keys.filter(|key| !context.facts.callers.contains_key(key)));
    }
    due
}

/// What is known of these roles of an account and one guardrail at a revision.
pub(super) fn of_account(
    account: &AccountId,
    roles: &BTreeSet<RoleName>,
    (arn, revision): (&GuardrailArn, Option<&Revision>),
    context: &Context,
) -> Callers {
    let mut callers = Callers::default();
    for role in roles {
        let key = CallerKey {
            account: account.clone(),
            role: role.clone(),
            guardrail: arn.clone(),
            revision: revision.cloned(),
        };
        let known = context.facts.callers.get(&key);
        if known.is_none() && context.preflight.is_assumed {
            continue;
        }
        let found = believed(known, context, |why| {
            format!(
                "the role {role} of {account} may not {APPLY} on {arn} and would lose every model \
                 call: {why}; give it the permission (`bedrail iam require-guardrail` prints the \
                 statement), or take it out of `callerRoles`"
            )
        });
        if found == Finding::Due {
            callers.due.insert(key);
        }
        callers.finding = callers.finding.or_worse(found);
    }
    callers
}
