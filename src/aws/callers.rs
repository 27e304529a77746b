//! Asks IAM what roles of an account may do, without doing it.
//!
//! `SimulatePrincipalPolicy` evaluates the identity policies and the permissions boundary of a role,
//! and the service control policies above its account, those with conditions as far as the context
//! is known. It costs nothing, and answers for many resources at once.
//!
//! # Cancel safety
//!
//! Nothing here changes anything.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{
    EvaluationResult, PolicyEvaluationDecisionType as Decision, ResourceSpecificResult,
};

use super::client::Aws;
use super::error::{AwsError, ErrorClass};
use super::evidence::CallerAnswer;
use super::operation::SIMULATE_PRINCIPAL;
use super::pages;
use crate::model::{AccountId, Cell, GuardrailArn, Region, RoleName};

/// What is asked about.
const APPLY: &str = "bedrock:ApplyGuardrail";

impl Aws {
    /// Whether a role of an account may apply guardrails, which others may own: their resource
    /// policies are not looked at. A guardrail that IAM said nothing about is left out.
    ///
    /// # Errors
    ///
    /// [`ErrorClass::NotFound`] when there is no such role; [`ErrorClass::Denied`] when our own role
    /// in the account may not ask.
    pub async fn may_apply(
        &self,
        account: &AccountId,
        role: &RoleName,
        guardrails: &BTreeSet<&GuardrailArn>,
    ) -> Result<BTreeMap<GuardrailArn, CallerAnswer>, AwsError> {
        let cell = Cell { account: account.clone(), region: self.iam_region()? };
        let place = self.enter(&cell).await?;
        let (place, client) = (&place, self.iam(&place));
        let arn = self.role_arn(account, role.as_str());
        let resources: Vec<String> = guardrails.iter().map(ToString::to_string).collect();
        let results = pages::all(SIMULATE_PRINCIPAL, |marker| {
            let request = client
                .simulate_principal_policy()
                .policy_source_arn(&arn)
                .action_names(APPLY)
                .set_resource_arns(Some(resources.clone()))
                .set_marker(marker);
            async move {
                let output = self.call(SIMULATE_PRINCIPAL, place, request.send()).await;
                let output = output.map_err(of_account)?;
                let next = output.marker.filter(|_| output.is_truncated);
                Ok((output.evaluation_results, next))
            }
        })
        .await?;
        Ok(guardrails
            .iter()
            .filter_map(|arn| Some(((*arn).clone(), answer(&results, &arn.to_string())?)))
            .collect())
    }

    /// The Region that requests to IAM are signed for: one in each partition.
    fn iam_region(&self) -> Result<Region, AwsError> {
        let name = match self.caller().partition.as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        };
        name.parse().map_err(|error| {
            AwsError::ours(ErrorClass::Invalid, SIMULATE_PRINCIPAL.name, format!("{error}"))
        })
    }
}

/// It fails for the account, and in none of its Regions.
fn of_account(error: AwsError) -> AwsError {
    AwsError { region: None, ..error }
}

/// What the results say of one resource.
///
/// There is one result for an action, whose decision is the strictest of all resources, and one
/// below it for each of them; there used to be a result for each.
fn answer(results: &[EvaluationResult], arn: &str) -> Option<CallerAnswer> {
    let of_action = || results.iter().filter(|it| it.eval_action_name() == APPLY);
    let below = of_action().find_map(|of_all| {
        let below = of_all.resource_specific_results();
        Some((of_all, below.iter().find(|it| it.eval_resource_name() == arn)?))
    });
    if let Some((of_all, specific)) = below {
        return Some(of_resource(of_all, specific));
    }
    let alone = of_action().find(|it| it.eval_resource_name() == Some(arn))?;
    let missing = alone.missing_context_values();
    let details = alone.eval_decision_details().into_iter().flatten();
    Some(judge(alone.eval_decision(), details, missing, || why(alone)))
}

fn of_resource(of_all: &EvaluationResult, it: &ResourceSpecificResult) -> CallerAnswer {
    let boundary = it.permissions_boundary_decision_detail();
    let is_bounded = boundary.is_some_and(|it| !it.allowed_by_permissions_boundary());
    let why = || if is_bounded { BOUNDARY.to_owned() } else { why(of_all) };
    let missing = it.missing_context_values();
    let details = it.eval_decision_details().into_iter().flatten();
    judge(it.eval_resource_decision(), details, missing, why)
}

const BOUNDARY: &str = "its permissions boundary does not allow it";

/// What denies it, where that is said.
fn why(result: &EvaluationResult) -> String {
    let organization = result.organizations_decision_detail();
    let boundary = result.permissions_boundary_decision_detail();
    if organization.is_some_and(|it| !it.allowed_by_organizations()) {
        "service control policies do not allow it".to_owned()
    } else if boundary.is_some_and(|it| !it.allowed_by_permissions_boundary()) {
        BOUNDARY.to_owned()
    } else {
        String::new()
    }
}

/// The answer of a decision.
///
/// A guardrail that another account owns makes the simulation a cross-account one, which misses the
/// resource policy that roles cannot be simulated with; what the other policies say is in the
/// details, and that one is proven elsewhere.
fn judge<'a>(
    decision: &Decision,
    details: impl Iterator<Item = (&'a String, &'a Decision)>,
    missing: &[String],
    why: impl FnOnce() -> String,
) -> CallerAnswer {
    let mut ours = details
        .filter(|(policy, _)| !policy.to_ascii_lowercase().contains("resource"))
        .map(|(_, decision)| decision)
        .peekable();
    if *decision == Decision::Allowed
        || ours.peek().is_some() && ours.all(|it| *it == Decision::Allowed)
    {
        return CallerAnswer::Allowed;
    }
    if !missing.is_empty() {
        return CallerAnswer::Depends(missing.to_vec());
    }
    let said = match (why(), decision) {
        (why, _) if !why.is_empty() => why,
        (_, Decision::ExplicitDeny) => "a policy denies it".to_owned(),
        _ => "no policy of it allows it".to_owned(),
    };
    CallerAnswer::Denied(said)
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::{OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail};

    use super::*;

    const ARN: &str = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";
    const OTHER: &str = "arn:aws:bedrock:eu-west-1:111122223333:guardrail/def456def456";

    fn specific(arn: &str, decision: Decision) -> ResourceSpecificResult {
        let builder = ResourceSpecificResult::builder();
        builder.eval_resource_name(arn).eval_resource_decision(decision).build().unwrap()
    }

    fn result(
        name: &str,
        decision: Decision,
        below: &[ResourceSpecificResult],
    ) -> EvaluationResult {
        EvaluationResult::builder()
            .eval_action_name(APPLY)
            .eval_resource_name(name)
            .eval_decision(decision)
            .set_resource_specific_results(Some(below.to_vec()))
            .build()
            .unwrap()
    }

    fn denied(why: &str) -> CallerAnswer {
        CallerAnswer::Denied(why.to_owned())
    }

    #[test]
    fn each_guardrail_has_its_own_decision_and_not_the_strictest_of_all() {
        let below = [specific(ARN, Decision::Allowed), specific(OTHER, Decision::ImplicitDeny)];
        let template = "arn:${Partition}:bedrock:${Region}:${Account}:guardrail/${GuardrailId}";
        let results = [result(template, Decision::ImplicitDeny, &below)];
        assert_eq!(answer(&results, ARN), Some(CallerAnswer::Allowed));
        assert_eq!(answer(&results, OTHER), Some(denied("no policy of it allows it")));
        assert_eq!(answer(&results, "arn:of-another"), None);
    }

    #[test]
    fn a_result_for_each_resource_is_understood_too() {
        let results =
            [result(ARN, Decision::Allowed, &[]), result(OTHER, Decision::ExplicitDeny, &[])];
        assert_eq!(answer(&results, ARN), Some(CallerAnswer::Allowed));
        assert_eq!(answer(&results, OTHER), Some(denied("a policy denies it")));
    }

    #[test]
    fn what_denies_is_named_where_iam_says_it() {
        let below = [specific(ARN, Decision::ExplicitDeny)];
        let mut by_organization = result("*", Decision::ExplicitDeny, &below);
        by_organization.organizations_decision_detail =
            Some(OrganizationsDecisionDetail::builder().allowed_by_organizations(false).build());
        assert_eq!(
            answer(&[by_organization], ARN),
            Some(denied("service control policies do not allow it"))
        );
        let mut bounded = specific(ARN, Decision::ImplicitDeny);
        bounded.permissions_boundary_decision_detail = Some(
            PermissionsBoundaryDecisionDetail::builder()
                .allowed_by_permissions_boundary(false)
                .build(),
        );
        let results = [result("*", Decision::ImplicitDeny, &[bounded])];
        assert_eq!(answer(&results, ARN), Some(denied(BOUNDARY)));
    }

    #[test]
    fn a_denial_that_hangs_on_an_unknown_condition_is_none() {
        let mut conditional = specific(ARN, Decision::ImplicitDeny);
        conditional.missing_context_values = Some(vec!["aws:RequestedRegion".to_owned()]);
        let results = [result("*", Decision::ImplicitDeny, &[conditional])];
        let depends = CallerAnswer::Depends(vec!["aws:RequestedRegion".to_owned()]);
        assert_eq!(answer(&results, ARN), Some(depends));
    }

    #[test]
    fn a_missing_resource_policy_of_another_account_is_not_the_roles_fault() {
        let with = |identity: Decision| {
            let details = [("IAM Policy", identity), ("Resource Policy", Decision::ImplicitDeny)];
            let mut across = specific(ARN, Decision::ImplicitDeny);
            across.eval_decision_details =
                Some(details.map(|(policy, it)| (policy.to_owned(), it)).into());
            answer(&[result("*", Decision::ImplicitDeny, &[across])], ARN)
        };
        assert_eq!(with(Decision::Allowed), Some(CallerAnswer::Allowed));
        assert_eq!(with(Decision::ImplicitDeny), Some(denied("no policy of it allows it")));
    }
}
