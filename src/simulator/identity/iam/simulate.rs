//! `SimulatePrincipalPolicy`: what a role may do, without doing it.
//!
//! Identity policies and service control policies are evaluated, policies on resources are not. Of
//! the condition keys of a real call only those are known that belong to the role and the resource,
//! and those that the caller gives.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Context, members, no_such_role, page, permit};
use crate::simulator::call::{Answer, Call, Caller, Failure, Reply};
use crate::simulator::identity::policy::{Question, Verdict, judge, missing_keys};
use crate::simulator::identity::{Access, Role, sts};
use crate::simulator::world::World;

/// What can be sent and is not simulated.
const NOT_SIMULATED: [&str; 5] = [
    "PolicyInputList.member.1",
    "PermissionsBoundaryPolicyInputList.member.1",
    "ResourcePolicy",
    "CallerArn",
    "ResourceHandlingOption",
];

/// The answer about one action and one resource.
struct Finding {
    resource: String,
    decision: Decision,
    /// What the service control policies say; `None` where none bind.
    is_allowed_by_organization: Option<bool>,
    matched: Vec<String>,
    missing: BTreeSet<String>,
}

/// From lenient to strict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Decision {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

impl Decision {
    fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ImplicitDeny => "implicitDeny",
            Self::ExplicitDeny => "explicitDeny",
        }
    }
}

pub(super) fn simulate(world: &World, call: &Call) -> Answer {
    let source = sts::required(call, "PolicySourceArn", 20, 2_048)?;
    let actions = members(call, "ActionNames");
    if actions.is_empty() {
        sts::required(call, "ActionNames", 1, 128)?;
    }
    if let Some(member) = NOT_SIMULATED.into_iter().find(|member| call.text(member).is_some()) {
        return Err(invalid(&format!("{member} is not simulated")));
    }
    permit(world, call, source, Context::new())?;
    let (account, name) = sts::role_of(world, source).ok_or_else(|| {
        invalid(&format!(
            "Invalid Entity Arn: {source} does not clearly define entity type and name."
        ))
    })?;
    let role = world.identity.role(&account, &name);
    let role = role.filter(|role| super::arn(world, &account, &role.path, &name) == source);
    let role = role.ok_or_else(|| no_such_role(&name))?;
    if let Some(action) = actions.iter().find(|it| !it.contains(':') || it.contains('*')) {
        return Err(invalid(&format!("Invalid Action Name: {action}")));
    }
    let mut resources = members(call, "ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let caller = Caller {
        arn: format!("arn:{}:sts::{account}:assumed-role/{name}/simulated", world.partition),
        account,
        role: Some(name),
    };
    let given = given(call);
    let results = actions
        .iter()
        .map(|action| {
            let findings: Vec<Finding> = resources
                .iter()
                .map(|resource| find(world, role, &caller, (action, resource), &given))
                .collect();
            result(action, &findings)
        })
        .collect();
    Ok(Reply::ok(Value::Object(page(call, "EvaluationResults", results)?)))
}

/// The condition keys that the caller gives.
fn given(call: &Call) -> Context {
    let nth = |number: usize| {
        let entry = format!("ContextEntries.member.{number}");
        let key = call.text(&format!("{entry}.ContextKeyName"))?;
        let values = members(call, &format!("{entry}.ContextKeyValues"));
        Some((key.to_owned(), values.into_iter().map(str::to_owned).collect()))
    };
    (1..).map_while(nth).collect()
}

fn find(
    world: &World,
    role: &Role,
    caller: &Caller,
    (action, resource): (&str, &str),
    given: &Context,
) -> Finding {
    let owner = resource.split(':').nth(4).filter(|owner| !owner.is_empty());
    let access = Access {
        caller,
        action,
        resource,
        resource_owner: owner.unwrap_or(&caller.account),
        resource_policy: None,
        context: given.clone(),
    };
    let mut context = world.context(&access);
    // A simulation is made in no Region.
    if !given.keys().any(|key| key.eq_ignore_ascii_case("aws:RequestedRegion")) {
        context.remove("aws:requestedregion");
    }
    let principals = world.principals(caller);
    let question = Question {
        action,
        resource,
        context: &context,
        account: &caller.account,
        principals: &principals,
    };
    let verdict = |(_, document): &(&String, &Value)| judge(document, &question);
    let identity = role.policies.iter().map(|it| verdict(&it)).max().unwrap_or(Verdict::Silent);
    let organization = world.service_control_verdict(&caller.account, &question);
    let deciding = |it: &(&String, &Value)| identity != Verdict::Silent && verdict(it) == identity;
    Finding {
        resource: resource.to_owned(),
        decision: match (identity, organization) {
            (Verdict::Deny, _) | (_, Some(Verdict::Deny)) => Decision::ExplicitDeny,
            (Verdict::Allow, None | Some(Verdict::Allow)) => Decision::Allowed,
            (Verdict::Silent | Verdict::Delegated | Verdict::Allow, _) => Decision::ImplicitDeny,
        },
        is_allowed_by_organization: organization.map(|it| it == Verdict::Allow),
        matched: role.policies.iter().filter(deciding).map(|(name, _)| name.clone()).collect(),
        missing: role.policies.values().flat_map(|it| missing_keys(it, &question)).collect(),
    }
}

/// One result for an action: the strictest decision, and below it that of each resource.
fn result(action: &str, findings: &[Finding]) -> Value {
    let strictest = findings.iter().map(|it| it.decision).max().unwrap_or(Decision::ImplicitDeny);
    let deciding: BTreeSet<&String> =
        findings.iter().filter(|it| it.decision == strictest).flat_map(|it| &it.matched).collect();
    let missing: BTreeSet<&String> = findings.iter().flat_map(|it| &it.missing).collect();
    let specific: Vec<Value> = findings
        .iter()
        .filter(|it| it.resource != "*")
        .map(|it| {
            json!({
                "EvalResourceName": it.resource,
                "EvalResourceDecision": it.decision.name(),
                "MatchedStatements": statements(&it.matched),
                "MissingContextValues": it.missing,
            })
        })
        .collect();
    let mut result = json!({
        "EvalActionName": action,
        "EvalResourceName": "*",
        "EvalDecision": strictest.name(),
        "MatchedStatements": statements(deciding),
        "MissingContextValues": missing,
        "ResourceSpecificResults": specific,
    });
    let by_organization: Vec<bool> =
        findings.iter().filter_map(|it| it.is_allowed_by_organization).collect();
    if !by_organization.is_empty() {
        let is_allowed = by_organization.into_iter().all(|it| it);
        result["OrganizationsDecisionDetail"] = json!({"AllowedByOrganizations": is_allowed});
    }
    result
}

fn statements<'a>(policies: impl IntoIterator<Item = &'a String>) -> Vec<Value> {
    let shape = |name| json!({"SourcePolicyId": name, "SourcePolicyType": "role"});
    policies.into_iter().map(shape).collect()
}

fn invalid(message: &str) -> Failure {
    Failure::new("InvalidInput", 400, message)
}
