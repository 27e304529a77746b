//! What becomes of references when IAM says yes, no, or nothing.

use serde_json::{Value, json};

use crate::naming;
use crate::support::{
    ADA, GUARDRAIL, REGIONS, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS, edited, with,
};

/// A role of an application that may call models and not apply guardrails.
const APPLICATION: &str = "roles: [{name: Application, allow: [\"bedrock:Invoke*\"]}]";

/// A scenario in which one account is otherwise than the rest: `name: ada`, and more of it.
fn having(scenario: &str, name: &str, more: &str) -> String {
    edited(scenario, &format!("name: {name}"), &format!("name: {name}, {more}"))
}

/// Gives a role another inline policy by hand.
async fn allow(stage: &Stage, account: &str, role: &str, actions: Value) {
    let document = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let put = stage.iam(account).await.put_role_policy().role_name(role).policy_name("added");
    put.policy_document(document.to_string()).send().await.unwrap();
}

async fn assert_nothing_references(stage: &Stage, account: &str) {
    for region in REGIONS {
        assert_eq!(stage.enforced_version((account, region)).await, None, "{account} {region}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_apply_it_holds_its_cells_and_is_named() {
    let mut stage = Stage::start(&having(SMALL, "ada", APPLICATION)).await;
    stage.manifest("all.yaml", &naming("Application"));
    let done = stage.apply(3).await;
    done.line(&[
        "held (PreflightDenied)",
        "the role Application of",
        ADA,
        "bedrock:ApplyGuardrail",
        "no policy of it allows it",
        "bedrail iam require-guardrail",
    ]);
    assert_nothing_references(&stage, ADA).await;
    assert_eq!(stage.effective(SHOP).await.len(), 2, "the others have no such role and go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_such_role_holds_a_whole_attachment() {
    let mut stage = Stage::start(&having(SMALL, "search", APPLICATION)).await;
    stage.manifest("all.yaml", &naming("Application"));
    let done = stage.apply(3).await;
    let line = done.line(&["held (PreflightDenied)", "workloads", "Application", SEARCH]);
    assert!(!line.contains(SHOP), "{line}");
    let (id, _) = stage.policy("bedrail-default-workloads").await;
    assert!(stage.targets(&id).await.is_empty(), "not one account is put under it");
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some(), "others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_and_a_role_that_is_not_there_hold_nothing() {
    let may = "roles: [{name: Application, path: /teams/, allow: [\"bedrock:*\"]}]";
    let mut stage = Stage::start(&having(SMALL, "ada", may)).await;
    stage.manifest("all.yaml", &naming("teams/Application, Nobody"));
    stage.apply(0).await;
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
    assert_eq!(stage.effective(SHOP).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_of_the_organization_is_the_roles_too() {
    let may = "roles: [{name: Application, allow: [\"bedrock:*\"]}]";
    let denied = format!(
        "{}
policyTypes: [SERVICE_CONTROL_POLICY, BEDROCK_POLICY]
policies:
  - name: no-guardrails
    type: SERVICE_CONTROL_POLICY
    content:
      Version: \"2012-10-17\"
      Statement:
        - Effect: Deny
          Action: bedrock:ApplyGuardrail
          Resource: \"*\"
          Condition: {{ArnLike: {{\"aws:PrincipalArn\": \"arn:aws:iam::*:role/Application\"}}}}
    targets: [/Sandbox]
",
        having(SMALL, "ada", may)
    );
    let mut stage = Stage::start(&denied).await;
    let named = with(SANDBOX, "callerRoles: [Application]");
    stage.manifest("all.yaml", &[GUARDRAIL, &named].join("---"));
    let done = stage.apply(3).await;
    done.line(&["held (PreflightDenied)", "Application", "service control policies"]);
    assert_nothing_references(&stage, ADA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permission_given_later_releases_what_was_held() {
    let mut stage = Stage::start(&having(SMALL, "ada", APPLICATION)).await;
    stage.manifest("all.yaml", &naming("Application"));
    stage.run().await;
    stage
        .eventually("the others are protected", || async {
            (stage.effective(SHOP).await.len() == 2).then_some(())
        })
        .await;
    assert_nothing_references(&stage, ADA).await;
    allow(&stage, ADA, "Application", json!("bedrock:ApplyGuardrail")).await;
    for region in REGIONS {
        stage.eventually("the cell is enforced", || stage.enforced_version((ADA, region))).await;
    }
}

/// A member role that does all its work and may not ask IAM.
const SILENT: &str = "roles: [{name: BedrailMember, allow: [\"bedrock:*\"]}]";

#[tokio::test(flavor = "multi_thread")]
async fn what_iam_does_not_say_is_unknown_and_names_the_missing_permission() {
    let mut stage = Stage::start(&having(SMALL, "ada", SILENT)).await;
    let named = with(SANDBOX, "callerRoles: [Application]");
    stage.manifest("all.yaml", &[GUARDRAIL, &named].join("---"));
    let done = stage.apply(3).await;
    done.line(&[
        "held (PreflightUnknown)",
        "iam:SimulatePrincipalPolicy",
        "to the role BedrailMember",
        ADA,
    ]);
    assert_nothing_references(&stage, ADA).await;
    let tolerated = with(&named, "rollout: {maxUnknown: 1}");
    stage.manifest("all.yaml", &[GUARDRAIL, &tolerated].join("---"));
    stage.apply(0).await;
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_hangs_on_a_condition_nobody_knows_is_unknown() {
    let regional = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "bedrock:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}}]});
    let role = format!("roles: [{{name: Application, policies: [{regional}]}}]");
    let mut stage = Stage::start(&having(SMALL, "ada", &role)).await;
    let named = with(SANDBOX, "callerRoles: [Application]");
    stage.manifest("all.yaml", &[GUARDRAIL, &named].join("---"));
    let done = stage.apply(3).await;
    done.line(&["held (PreflightUnknown)", "aws:RequestedRegion", ADA]);
    assert_nothing_references(&stage, ADA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_question_is_asked_again() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &naming("Application"));
    let fault = json!({"kind": "Throttle", "operation": "iam:SimulatePrincipalPolicy", "count": 3});
    stage.faults(json!([fault])).await;
    stage.apply(0).await;
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_force_is_restored_although_a_role_lost_its_permission() {
    let may = "roles: [{name: Application, policies: [{Version: \"2012-10-17\", Statement: \
               [{Effect: Allow, Action: \"bedrock:*\", Resource: \"*\"}]}]}]";
    let mut stage = Stage::start(&having(SMALL, "ada", may)).await;
    stage.manifest("all.yaml", &naming("Application"));
    stage.run().await;
    stage.eventually("the cell is enforced", || stage.enforced_version((ADA, "us-east-1"))).await;
    stage.at_rest().await;
    let iam = stage.iam(ADA).await;
    let delete = iam.delete_role_policy().role_name("Application").policy_name("policy-1");
    delete.send().await.unwrap();
    stage.delete_enforced((ADA, "us-east-1")).await;
    stage.eventually("the cell is restored", || stage.enforced_version((ADA, "us-east-1"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_names_roles_wrongly_says_how_to_write_them() {
    let mut stage = Stage::start(SMALL).await;
    let rows = [
        ("\"arn:aws:iam::310000000001:role/Application\"", "is an ARN"),
        ("\"App*\"", "no patterns"),
        ("\"App-${account}\"", "without variables"),
        ("/teams/Application", "write `teams/Application`"),
        ("\"not a role\"", "the name of a role such as"),
        ("Application, Application", "already listed"),
    ];
    for (roles, expected) in rows {
        stage.manifest("all.yaml", &naming(roles));
        stage.validate(1).await.line(&["all.yaml:", "callerRoles", expected]);
    }
    let offline =
        with(&with(WORKLOADS, "callerRoles: [Application]"), "rollout: {preflight: Offline}");
    stage.manifest("all.yaml", &[GUARDRAIL, &offline].join("---"));
    stage.validate(1).await.line(&["callerRoles", "preflight: Offline"]);
    let misplaced = with(GUARDRAIL, "callerRoles: [Application]");
    stage.manifest("all.yaml", &[&misplaced, WORKLOADS].join("---"));
    stage.validate(1).await.line(&["callerRoles", "AccountEnforcement"]);
}
