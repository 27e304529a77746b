//! Roles of applications that an enforcement names: whether they may apply its guardrail.
//!
//! A probe proves it for our own role only. An application's role without the permission would lose
//! every model call once the guardrail is enforced, so IAM is asked about those that a manifest
//! names. It answers for the guardrails of all Regions in one call.

use std::collections::BTreeSet;

use super::judge::{APPLY, Finding, believed};
use crate::model::{AccountId, CallerKey, Cell, DesiredCell, GuardrailArn, RoleName, Version};
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
    version: (&GuardrailArn, Version),
    context: &Context,
) -> Callers {
    let roles = &desired.preflight.callers;
    let mut callers = of_account(&cell.account, roles, version, context);
    if callers.due.is_empty() {
        return callers;
    }
    let asked: BTreeSet<RoleName> = callers.due.iter().map(|key| key.role.clone()).collect();
    let owned = context.facts.replicas.iter().filter(|(key, _)| {
        (&key.guardrail, &key.account) == (&desired.replica.guardrail, &desired.replica.account)
    });
    for (replica, fact) in owned {
        let sibling = Cell { account: cell.account.clone(), region: replica.region.clone() };
        let Some(sibling) = context.cells.get(&sibling) else { continue };
        if sibling.enforcement != desired.enforcement {
            continue;
        }
        let wanted = context.replicas.get(replica).map(|it| &it.revision);
        let revision = sibling.revision.as_ref().or(wanted).cloned();
        let keys = asked.iter().map(|role| CallerKey {
            account: cell.account.clone(),
            role: role.clone(),
            guardrail: fact.arn.clone(),
            revision: revision.clone(),
        });
        callers.due.extend(keys.filter(|key| !context.facts.callers.contains_key(key)));
    }
    callers
}

/// What is known of these roles of an account and one guardrail.
pub(super) fn of_account(
    account: &AccountId,
    roles: &BTreeSet<RoleName>,
    (arn, version): (&GuardrailArn, Version),
    context: &Context,
) -> Callers {
    let mut callers = Callers::default();
    if roles.is_empty() {
        return callers;
    }
    let revision = revision_of((arn, version), context.replicas, context.facts);
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
