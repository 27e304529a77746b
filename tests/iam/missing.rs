//! What happens when one action is missing: something ends with an error that names it.
//!
//! The flow shows that every action that is printed is called. Here each is taken away in turn.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::support::{Finished, GUARDRAIL, MANAGEMENT, SANDBOX, Stage, WORKLOADS, edited, with};
use super::{actions, documents, logging, scenario, stage};

/// Stages at once: each is a simulator and a process.
const AT_ONCE: usize = 3;

/// The policies, and every action of theirs that a first `apply` calls.
const FIRST: &[(&str, &[&str])] = &[
    (
        "controllerPolicy",
        &[
            "bedrock:ApplyGuardrail",
            "bedrock:CreateGuardrail",
            "bedrock:CreateGuardrailVersion",
            "bedrock:GetGuardrail",
            "bedrock:GetModelInvocationLoggingConfiguration",
            "bedrock:GetResourcePolicy",
            "bedrock:ListEnforcedGuardrailsConfiguration",
            "bedrock:ListFoundationModels",
            "bedrock:ListGuardrails",
            "bedrock:ListTagsForResource",
            "bedrock:PutEnforcedGuardrailConfiguration",
            "bedrock:PutModelInvocationLoggingConfiguration",
            "bedrock:PutResourcePolicy",
            "bedrock:TagResource",
            "organizations:AttachPolicy",
            "organizations:CreatePolicy",
            "organizations:DescribeEffectivePolicy",
            "organizations:DescribeOrganization",
            "organizations:DescribePolicy",
            "organizations:EnablePolicyType",
            "organizations:ListAccounts",
            "organizations:ListAccountsForParent",
            "organizations:ListAccountsWithInvalidEffectivePolicy",
            "organizations:ListOrganizationalUnitsForParent",
            "organizations:ListPolicies",
            "organizations:ListRoots",
            "organizations:ListTagsForResource",
            "organizations:ListTargetsForPolicy",
            "sts:AssumeRole",
        ],
    ),
    (
        "memberPolicy",
        &[
            "bedrock:ApplyGuardrail",
            "bedrock:GetModelInvocationLoggingConfiguration",
            "bedrock:ListEnforcedGuardrailsConfiguration",
            "bedrock:PutEnforcedGuardrailConfiguration",
            "bedrock:PutModelInvocationLoggingConfiguration",
        ],
    ),
];

/// Those that changes and the teardown call.
const LATER: &[(&str, &[&str])] = &[
    (
        "controllerPolicy",
        &[
            "bedrock:DeleteEnforcedGuardrailConfiguration",
            "bedrock:DeleteGuardrail",
            "bedrock:DeleteModelInvocationLoggingConfiguration",
            "bedrock:DeleteResourcePolicy",
            "bedrock:UntagResource",
            "bedrock:UpdateGuardrail",
            "organizations:DeletePolicy",
            "organizations:DetachPolicy",
            "organizations:ListParents",
            "organizations:TagResource",
            "organizations:UpdatePolicy",
        ],
    ),
    (
        "memberPolicy",
        &[
            "bedrock:DeleteEnforcedGuardrailConfiguration",
            "bedrock:DeleteModelInvocationLoggingConfiguration",
        ],
    ),
];

fn pairs(of: &'static [(&str, &[&str])]) -> Vec<(&'static str, &'static str)> {
    of.iter().flat_map(|(policy, actions)| actions.iter().map(|it| (*policy, *it))).collect()
}

/// Takes an action out of a policy; whether it was there.
pub(crate) fn remove(policy: &mut Value, action: &str) -> bool {
    let mut was_there = false;
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let mut actions = actions(&statement["Action"]);
        let before = actions.len();
        actions.retain(|it| it != action);
        was_there |= actions.len() < before;
        // A statement of nothing: an action of another service.
        statement["Action"] =
            if actions.is_empty() { json!("sts:Nothing") } else { json!(actions) };
    }
    was_there
}

/// The printed documents without one action.
fn lacking(policy: &str, action: &str) -> Value {
    let mut documents = documents(&[]);
    assert!(remove(&mut documents[policy], action), "{policy} has {action}");
    documents
}

fn accounts() -> String {
    let targets = format!(
        "targets: [{{organizationalUnit: /Sandbox}}, {{accountsWithTags: {{environment: \
         production}}}}, {{account: \"{MANAGEMENT}\"}}]"
    );
    edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", &targets)
}

/// Whether it ended badly, with the action named.
fn names(done: &Finished, action: &str) -> bool {
    done.code != 0 && done.to_string().contains(action)
}

/// Converges a guardrail and both kinds of enforcement without one action; what was said if it was
/// not named.
async fn converging((policy, action): (&'static str, &'static str)) -> Option<String> {
    let mut stage = stage(&lacking(policy, action)).await;
    stage.switch(&json!({"account_paths": action != "organizations:ListAccountsForParent"})).await;
    let manifests = if (policy, action) == ("controllerPolicy", "bedrock:ApplyGuardrail") {
        // Within an account the guardrail's own policy is enough, if it admits everybody.
        let private = edited(GUARDRAIL, "shareWith: Organization", "shareWith: None");
        let here = format!("targets: [{{account: \"{MANAGEMENT}\"}}]");
        [private, edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", &here)].join("---")
    } else {
        [GUARDRAIL, WORKLOADS, &accounts(), &format!("\n{}", logging())].join("---")
    };
    stage.manifest("all.yaml", &manifests);
    let done = stage.finish(&["apply", "--wait", "30s"]).await;
    (!names(&done, action)).then(|| format!("{policy} without {action}\n{done}"))
}

/// Changes and takes away what stands, without one action; what was said if it was not named.
async fn changing((policy, action): (&'static str, &'static str)) -> Option<String> {
    let whole = documents(&[]);
    let lacking = lacking(policy, action);
    let mut scenario: Value = serde_json::from_str(&scenario(&whole)).unwrap();
    // Another role of the same account, and another member role, which trusts both.
    let mut controller = scenario["managementAccount"]["roles"][0].clone();
    controller["name"] = json!("Lacking");
    controller["policies"] = json!([lacking["controllerPolicy"]]);
    for statement in controller["policies"][0]["Statement"].as_array_mut().unwrap() {
        if statement["Sid"] == "Assume" {
            statement["Resource"] = json!("arn:aws:iam::*:role/LackingMember");
        }
    }
    scenario["managementAccount"]["roles"].as_array_mut().unwrap().push(controller);
    let mut member = scenario["memberRoles"][0].clone();
    member["name"] = json!("LackingMember");
    member["policies"] = json!([lacking["memberPolicy"]]);
    member["trust"]["Statement"][0]["Condition"]["ArnEquals"]["aws:PrincipalArn"] =
        json!(format!("arn:aws:iam::{MANAGEMENT}:role/Lacking"));
    scenario["memberRoles"].as_array_mut().unwrap().push(member);
    let mut stage = Stage::start(&scenario.to_string()).await;
    stage.set("BEDRAIL_EXTERNAL_ID", super::EXTERNAL_ID);
    stage.act_as(MANAGEMENT, "BedrailController").await;
    let guardrail = with(GUARDRAIL, "tags: {cost-center: ai}");
    let enforcements = [WORKLOADS.to_owned(), accounts(), format!("\n{}", logging())].join("---");
    stage.manifest("guardrail.yaml", &guardrail);
    stage.manifest("enforcements.yaml", &enforcements);
    stage.apply(0).await;
    stage.act_as(MANAGEMENT, "Lacking").await;
    stage.set("BEDRAIL_MEMBER_ROLE", "LackingMember");
    stage.intend_removal().await;

    let absent = |text: &str| text.replace("\nspec:\n", "\nspec:\n  state: Absent\n");
    let changed = edited(&guardrail, "heliotrope", "hyacinth");
    let changed = edited(&changed, "tags: {cost-center: ai}", "tags: {}");
    let renamed = "metadata: {name: units, formerNames: [workloads]}";
    let renamed = edited(&enforcements, "metadata: {name: workloads}", renamed);
    let private = edited(&changed, "shareWith: Organization", "shareWith: None");
    let mut said = String::new();
    for (guardrail, enforcements) in [
        (changed.clone(), renamed.clone()),
        (changed.clone(), absent(&renamed)),
        (private.clone(), absent(&renamed)),
        (absent(&private), absent(&renamed)),
    ] {
        stage.manifest("guardrail.yaml", &guardrail);
        stage.manifest("enforcements.yaml", &enforcements);
        let mut done = stage.finish(&["apply", "--wait", "30s"]).await;
        if done.stdout.contains("kind: Approval") || done.stderr.contains("held (ChangeGuard)") {
            stage.manifest("approval.yaml", &done.approval());
            done = stage.finish(&["apply", "--wait", "30s"]).await;
            stage.remove("approval.yaml");
        }
        if names(&done, action) {
            return None;
        }
        said = format!("{said}\n{done}");
    }
    Some(format!("{policy} without {action}\n{said}"))
}

/// Tries each, some at once, and returns what was said of those that were not named.
pub(crate) async fn each<T, F>(of: Vec<T>, tried: impl Fn(T) -> F) -> Vec<String>
where
    F: Future<Output = Option<String>> + Send + 'static,
{
    let mut left = of.into_iter();
    let mut running = JoinSet::new();
    let mut wrong = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(one) = left.next()
        {
            running.spawn(tried(one));
        }
        let Some(ended) = running.join_next().await else { break };
        wrong.extend(ended.unwrap());
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_a_first_apply_lacks_is_named() {
    let wrong = each(pairs(FIRST), converging).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_a_change_or_the_teardown_lacks_is_named() {
    let wrong = each(pairs(LATER), changing).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A new action that is printed must be tried here, too.
#[test]
fn every_printed_action_is_taken_away_once() {
    let documents = documents(&[]);
    let tried = [pairs(FIRST), pairs(LATER)].concat();
    for policy in ["controllerPolicy", "memberPolicy"] {
        let statements = documents[policy]["Statement"].as_array().unwrap().iter();
        // A role is passed only where logs go to CloudWatch, which this organization does not do.
        let all = statements.flat_map(|it| actions(&it["Action"]));
        for action in all.filter(|action| action != "iam:PassRole") {
            assert!(tried.contains(&(policy, action.as_str())), "{policy} {action}");
        }
    }
}

/// Who is let in is checked before what he may do.
#[tokio::test(flavor = "multi_thread")]
async fn the_member_role_lets_in_nobody_else() {
    let documents = documents(&[]);
    for (without, with) in [
        ("BEDRAIL_EXTERNAL_ID", None),
        ("BEDRAIL_EXTERNAL_ID", Some("another-id")),
        // The administrator of the management account is not the controller.
        ("AWS_SESSION_TOKEN", None),
    ] {
        let mut stage = stage(&documents).await;
        stage.unset(without);
        if let Some(value) = with {
            stage.set(without, value);
        }
        if without == "AWS_SESSION_TOKEN" {
            stage.set("AWS_ACCESS_KEY_ID", "AKIAADMINISTRATOR");
        }
        stage.manifest("all.yaml", &[GUARDRAIL, SANDBOX].join("---"));
        let done = stage.finish(&["apply", "--wait", "30s"]).await;
        assert_eq!(done.code, 1, "{done}");
        done.line(&["sts:AssumeRole", "BedrailMember"]);
    }
}
