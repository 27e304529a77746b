//! What happens when one action is missing: something ends with an error that names it.
//!
//! The flow shows that every action that is printed is called. Here each of those that a first
//! `apply` calls is taken away in turn; the rest (changes and teardown) follow the same path through
//! the code, which names what AWS denied.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::support::{GUARDRAIL, SANDBOX, WORKLOADS, edited};
use super::{documents, stage};

/// Stages at once: each is a simulator and a process.
const AT_ONCE: usize = 3;

/// Takes an action out of a policy; whether it was there.
fn remove(policy: &mut Value, action: &str) -> bool {
    let mut was_there = false;
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let mut actions = match statement["Action"].take() {
            Value::String(only) => vec![only],
            many => serde_json::from_value::<Vec<String>>(many).unwrap(),
        };
        let before = actions.len();
        actions.retain(|it| it != action);
        was_there |= actions.len() < before;
        // A statement of nothing: an action of another service.
        statement["Action"] =
            if actions.is_empty() { json!("sts:Nothing") } else { json!(actions) };
    }
    was_there
}

/// Converges a guardrail and both kinds of enforcement without one action, and returns what was
/// said.
async fn without(policy: &'static str, action: &'static str) -> (i32, String) {
    let mut documents = documents(&[]);
    assert!(remove(&mut documents[policy], action), "{policy} has {action}");
    let mut stage = stage(&documents).await;
    stage.switch(&json!({"account_paths": action != "organizations:ListAccountsForParent"})).await;
    let tagged = "targets: [{organizationalUnit: /Sandbox}, {accountsWithTags: {environment: \
                  production}}]";
    let accounts = edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", tagged);
    stage.manifest("all.yaml", &[GUARDRAIL, WORKLOADS, &accounts].join("---"));
    let done = stage.finish(&["apply", "--wait", "5s"]).await;
    (done.code, done.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_is_missing_is_named() {
    let controller = [
        "bedrock:CreateGuardrail",
        "bedrock:CreateGuardrailVersion",
        "bedrock:GetGuardrail",
        "bedrock:GetResourcePolicy",
        "bedrock:ListFoundationModels",
        "bedrock:ListGuardrails",
        "bedrock:ListTagsForResource",
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
    ]
    .map(|action| ("controllerPolicy", action));
    let member = [
        "bedrock:ApplyGuardrail",
        "bedrock:ListEnforcedGuardrailsConfiguration",
        "bedrock:PutEnforcedGuardrailConfiguration",
    ]
    .map(|action| ("memberPolicy", action));
    let mut wrong = Vec::new();
    let mut running = JoinSet::new();
    let mut left = controller.into_iter().chain(member);
    loop {
        while running.len() < AT_ONCE
            && let Some((policy, action)) = left.next()
        {
            running.spawn(async move { (policy, action, without(policy, action).await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (policy, action, (code, text)) = ended.unwrap();
        if code == 0 || !text.contains(action) {
            wrong.push(format!("{policy} without {action}: code {code}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
        let done = stage.finish(&["apply", "--wait", "5s"]).await;
        assert_eq!(done.code, 1, "{done}");
        done.line(&["sts:AssumeRole", "BedrailMember"]);
    }
}
