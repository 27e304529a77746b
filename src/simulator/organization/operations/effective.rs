//! Effective policies and why one is invalid (`aws-facts` 3.3).

use serde_json::{Map, Value, json};

use super::page::page_with;
use super::tree::existing_account;
use super::{exception, identifiers, invalid, required_id, required_kind, shape};
use crate::simulator::call::{Answer, Call, Failure, Reply};
use crate::simulator::clock::epoch_seconds;
use crate::simulator::organization::{EffectiveError, Organization, PolicyKind};
use crate::simulator::world::World;

pub(super) fn describe(world: &World, call: &Call) -> Answer {
    let organization = &world.organization;
    check_kind(call)?;
    let account = match call.text("TargetId") {
        None => call.caller.account.as_str(),
        Some(target) if identifiers::is_parent(target) => {
            return Err(invalid(
                "TARGET_NOT_SUPPORTED",
                "You can view effective policies of accounts only.",
            ));
        }
        Some(_) => required_id(call, "TargetId", identifiers::is_account)?,
    };
    if !organization.tree.accounts.contains_key(account) {
        return Err(exception(
            "TargetNotFoundException",
            "You specified a target that doesn't exist.",
        ));
    }
    let effective = organization.effective.get(account);
    let found = effective.and_then(|effective| Some((effective, effective.policy.as_ref()?)));
    let Some((effective, policy)) = found.filter(|_| is_in_force(organization)) else {
        return Err(not_found());
    };
    Ok(Reply::ok(json!({"EffectivePolicy": {
        "PolicyContent": policy.to_string(),
        "LastUpdatedTimestamp": epoch_seconds(effective.updated),
        "TargetId": account,
        "PolicyType": PolicyKind::BedrockPolicy.name(),
    }})))
}

pub(super) fn list_invalid_accounts(world: &World, call: &Call) -> Answer {
    check_kind(call)?;
    let organization = &world.organization;
    let accounts: Vec<&String> = organization
        .effective
        .iter()
        .filter(|(_, effective)| !effective.errors.is_empty())
        .map(|(account, _)| account)
        .collect();
    let more = members([("PolicyType", json!(PolicyKind::BedrockPolicy.name()))]);
    page_with(call, "Accounts", &accounts, |id| shape::account(world, id), more)
}

pub(super) fn list_errors(world: &World, call: &Call) -> Answer {
    let account = existing_account(world, call)?;
    check_kind(call)?;
    let organization = &world.organization;
    let effective = organization.effective.get(account).cloned().unwrap_or_default();
    if effective.policy.is_none() && effective.errors.is_empty() {
        return Err(not_found());
    }
    let more = members([
        ("AccountId", json!(account)),
        ("PolicyType", json!(PolicyKind::BedrockPolicy.name())),
        ("Path", json!(organization.path_to(account))),
        ("EvaluationTimestamp", epoch_seconds(effective.evaluated)),
    ]);
    let render = |error: &EffectiveError| {
        json!({
            "ErrorCode": error.code,
            "ErrorMessage": error.message,
            "PathToError": error.path,
            "ContributingPolicies": contributing(organization, account, &error.region),
        })
    };
    page_with(call, "EffectivePolicyValidationErrors", &effective.errors, render, more)
}

/// The policies on the account's path that speak about `region`.
fn contributing(organization: &Organization, account: &str, region: &str) -> Vec<String> {
    let lineage = organization.tree.lineage(account);
    let ids = lineage.iter().filter_map(|node| organization.attachments.get(*node)).flatten();
    let mut contributing: Vec<String> = Vec::new();
    for id in ids {
        let is_about = organization.policies.get(id).is_some_and(|policy| {
            let regions = policy.document.pointer("/bedrock/guardrail_inference");
            regions.is_some_and(|regions| regions.get(region).is_some())
        });
        if is_about && !contributing.contains(id) {
            contributing.push(id.clone());
        }
    }
    contributing
}

fn is_in_force(organization: &Organization) -> bool {
    organization.types.contains_key(&PolicyKind::BedrockPolicy)
}

/// Only management policies have an effective policy; of those, only `BEDROCK_POLICY` exists here.
fn check_kind(call: &Call) -> Result<(), Failure> {
    match required_kind(call, "PolicyType", not_found)? {
        PolicyKind::BedrockPolicy => Ok(()),
        PolicyKind::ServiceControlPolicy => {
            Err(invalid("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type."))
        }
    }
}

fn not_found() -> Failure {
    exception(
        "EffectivePolicyNotFoundException",
        "The effective policy of the specified type doesn't exist for the account.",
    )
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
