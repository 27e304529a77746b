//! Whether documents would shut us out of an account, or everybody out of a guardrail that is
//! enforced there. Pure: all policies on the path are read as their text says.
//!
//! What depends on what cannot be known here (a tag of the caller, the network it comes from) is no
//! refusal: the first account the policy goes to will show it.

use std::collections::BTreeSet;

use super::keep::Visit;
use crate::model::{
    AccountId, AccountState, Cell, EnforcementKind, GuardrailArn, Presence, Region, ReplicaKey,
    ServiceControls, TargetId,
};
use crate::plan::access::{Cause, Permission, Principal, Request, controlled};

/// What our role does in every account (`aws-facts` 10.2). None of it names a resource.
const EVERYWHERE: [&str; 6] = [
    "bedrock:DeleteEnforcedGuardrailConfiguration",
    "bedrock:DeleteModelInvocationLoggingConfiguration",
    "bedrock:GetModelInvocationLoggingConfiguration",
    "bedrock:ListEnforcedGuardrailsConfiguration",
    "bedrock:PutEnforcedGuardrailConfiguration",
    "bedrock:PutModelInvocationLoggingConfiguration",
];

/// What it does to guardrails that are placed in the account.
const PLACED: [&str; 11] = [
    "bedrock:CreateGuardrail",
    "bedrock:CreateGuardrailVersion",
    "bedrock:DeleteGuardrail",
    "bedrock:DeleteResourcePolicy",
    "bedrock:GetGuardrail",
    "bedrock:GetResourcePolicy",
    "bedrock:ListGuardrails",
    "bedrock:ListTagsForResource",
    "bedrock:PutResourcePolicy",
    "bedrock:TagResource",
    "bedrock:UpdateGuardrail",
];

/// What everybody does who calls a model where a guardrail is enforced.
const APPLY: &str = "bedrock:ApplyGuardrail";

/// Something that must stay possible.
struct Need {
    action: &'static str,
    resource: String,
    region: Region,
    is_everybodys: bool,
}

/// Why the policies that are intended must not be: what they deny that those before do not, where,
/// and by which statement.
pub(super) fn shuts_out(
    live: &ServiceControls,
    intended: &ServiceControls,
    visit: &Visit<'_>,
) -> Option<String> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::LockoutUnchecked) {
        return None;
    }
    let targets = visit.desired.targets.iter();
    let below: BTreeSet<&AccountId> = targets
        .flat_map(|target| visit.fleet.accounts_under(target))
        .filter(|it| it.state == AccountState::Active && it.id != visit.fleet.management)
        .map(|it| &it.id)
        .collect();
    below.into_iter().find_map(|account| {
        needs(account, visit).iter().find_map(|need| broken(need, account, (live, intended), visit))
    })
}

fn broken(
    need: &Need,
    account: &AccountId,
    (live, intended): (&ServiceControls, &ServiceControls),
    visit: &Visit<'_>,
) -> Option<String> {
    let role = visit.context.preflight.member_role;
    let arn = format!("arn:{}:iam::{account}:role/{role}", visit.fleet.partition);
    let ask = |controls: &ServiceControls, principal: Principal<'_>| {
        let what = (need.action, need.resource.as_str());
        let request = Request::new(what, (account, &need.region), principal, visit.fleet);
        match controlled(&request, controls, visit.fleet) {
            Permission::Denied(cause) => Some(cause),
            Permission::Open | Permission::Unclear(_) => None,
        }
    };
    let everybody = need.is_everybodys.then_some((Principal::AnyRole, "every role".to_owned()));
    let ours = (Principal::Role(&arn), format!("our own role {role}"));
    everybody.into_iter().chain([ours]).find_map(|(principal, who)| {
        let cause = ask(intended, principal)?;
        // What others deny already is not of this manifest's making.
        if !is_of(&cause, visit) && ask(live, principal).is_some() {
            return None;
        }
        let at = visit.fleet.describe(&TargetId::Account(account.clone()));
        Some(format!(
            "would deny {who} {} on {} in {at}, by {}; exempt it there",
            need.action,
            need.resource,
            said(&cause, visit)
        ))
    })
}

/// Whether a document of this manifest is the cause.
fn is_of(cause: &Cause, _visit: &Visit<'_>) -> bool {
    cause.policy.as_ref().is_some_and(|id| id.as_str().starts_with("p-intended_"))
}

fn said(cause: &Cause, visit: &Visit<'_>) -> String {
    let statement = match (&cause.sid, cause.statement) {
        (Some(sid), _) => format!("its statement `{sid}`"),
        (None, Some(index)) => format!("its statement [{index}]"),
        (None, None) => "it".to_owned(),
    };
    if is_of(cause, visit) { format!("{statement} at {}", cause.place) } else { cause.to_string() }
}

/// What must stay possible in an account, in every Region of the manifests.
fn needs(account: &AccountId, visit: &Visit<'_>) -> Vec<Need> {
    let context = visit.context;
    let cells = context.cells.keys().filter(|it| it.account == *account).map(|it| &it.region);
    let regions: BTreeSet<&Region> =
        context.replicas.keys().map(|key| &key.region).chain(cells).collect();
    let mut needs = Vec::new();
    for region in regions {
        needs.extend(EVERYWHERE.map(|action| Need {
            action,
            resource: "*".to_owned(),
            region: region.clone(),
            is_everybodys: false,
        }));
    }
    let present = context.replicas.iter().filter(|(_, it)| it.state == Presence::Present);
    for (key, _) in present {
        let Some(fact) = context.facts.replicas.get(key) else { continue };
        let need = |action, is_everybodys| Need {
            action,
            resource: fact.arn.to_string(),
            region: key.region.clone(),
            is_everybodys,
        };
        if is_enforced(key, &fact.arn, account, visit) {
            needs.push(need(APPLY, true));
        }
        if key.account == *account {
            needs.extend(PLACED.map(|action| need(action, false)));
        }
    }
    needs
}

/// Whether a replica is in force in an account, or is to be.
fn is_enforced(
    key: &ReplicaKey,
    arn: &GuardrailArn,
    account: &AccountId,
    visit: &Visit<'_>,
) -> bool {
    let context = visit.context;
    let cell = Cell { account: account.clone(), region: key.region.clone() };
    let claimed = context
        .cells
        .get(&cell)
        .is_some_and(|it| it.replica == *key && it.state == Presence::Present);
    let in_slot = context.facts.cells.get(&cell).and_then(Option::as_ref);
    let line = visit.fleet.lineage(&TargetId::Account(account.clone()));
    let by_policy = context.organization.iter().any(|(name, it)| {
        let kind = EnforcementKind::Organization;
        let text = crate::model::EnforcementKey { kind, name: name.clone() };
        context.enforcements.contains_key(&text)
            && it.guardrail.name == key.guardrail
            && it.regions.contains(&key.region)
            && it.state == Presence::Present
            && line.iter().any(|target| it.targets.contains(target))
    });
    claimed || by_policy || in_slot.is_some_and(|(live, _)| live == arn)
}
