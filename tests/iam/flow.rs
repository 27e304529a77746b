//! Everything the controller does, with the printed roles and nothing more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::{self, GUARDRAIL, MANAGEMENT, SANDBOX, Stage, WORKLOADS, edited, with};
use super::{MODEL, actions, documents, iam, logging, stage};

/// A guardrail across Regions with tests and a tag, on a unit by policy; in accounts by waves, the
/// management account among them.
fn manifests() -> [String; 2] {
    let guardrail = with(
        &with(GUARDRAIL, "tests: [{text: What is our refund policy?, action: NONE}]"),
        "tags: {cost-center: ai}\n  crossRegion: Auto",
    );
    let targets = format!(
        "targets: [{{organizationalUnit: /Sandbox}}, {{accountsWithTags: {{environment: \
         production}}}}, {{account: \"{MANAGEMENT}\"}}]\n  rollout:\n    waves: [{{name: first, \
         targets: [{{account: \"{}\"}}]}}, {{name: rest}}]\n    gate: {{probe: ApplyGuardrail}}",
        support::ADA
    );
    let accounts = edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", &targets);
    [guardrail, [WORKLOADS.to_owned(), accounts, format!("\n{}", logging())].join("---")]
}

/// The actions of a policy that are called. That a role may be passed is no call of its own.
fn granted(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let all = statements.flat_map(|statement| actions(&statement["Action"]));
    all.filter(|action| action != "iam:PassRole").collect()
}

/// What the controller called since calls were forgotten, as IAM names it: in its own account, and
/// in the others.
async fn called(stage: &Stage) -> [BTreeSet<String>; 2] {
    let mut called = [BTreeSet::new(), BTreeSet::new()];
    for call in stage.get("calls/log").await["calls"].as_array().unwrap() {
        assert_eq!(call.get("code").filter(|it| is_denial(it)), None, "{call}");
        let operation = call["operation"].as_str().unwrap();
        let action = operation.replace("bedrock-runtime:", "bedrock:");
        let action = match action.as_str() {
            "bedrock:Converse" => "bedrock:InvokeModel".to_owned(),
            "bedrock:ConverseStream" => "bedrock:InvokeModelWithResponseStream".to_owned(),
            _ => action,
        };
        if call["isController"] == json!(true) && action != "sts:GetCallerIdentity" {
            called[usize::from(call["account"] != MANAGEMENT)].insert(action);
        }
    }
    called
}

fn is_denial(code: &Value) -> bool {
    code.as_str().is_some_and(|it| it.starts_with("AccessDenied"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_roles_allow_all_that_is_called_and_all_that_they_allow_is_called() {
    let documents = documents(&["--probe-model", MODEL]);
    let mut stage = stage(&documents).await;
    let [guardrail, enforcements] = manifests();
    let mut called_so_far = [BTreeSet::new(), BTreeSet::new()];
    let mut note = async |stage: &Stage| {
        for (all, more) in called_so_far.iter_mut().zip(called(stage).await) {
            all.extend(more);
        }
        stage.forget_calls().await;
    };

    // Both kinds of enforcement, in waves with a gate that applies the guardrail.
    stage.manifest("guardrail.yaml", &guardrail);
    stage.manifest("enforcements.yaml", &enforcements);
    stage.apply(0).await;
    note(&stage).await;
    let probed = ["invoke", "invoke-stream", "converse", "converse-stream"];
    for probe in ["apply"].iter().chain(&probed) {
        let mut arguments = vec!["verify", "--probe", probe];
        if *probe != "apply" {
            arguments.extend(["--model", MODEL]);
        }
        let done = stage.finish(&arguments).await;
        assert_eq!(done.code, 0, "{done}");
    }
    note(&stage).await;

    // A revision, a tag less, and another name; by an AWS that says less about accounts.
    stage.switch(&json!({"account_paths": false})).await;
    let next = edited(&guardrail, "heliotrope", "hyacinth");
    let next = edited(&next, "tags: {cost-center: ai}", "tags: {}");
    stage.manifest("guardrail.yaml", &next);
    let renamed = "metadata: {name: units, formerNames: [workloads]}";
    let enforcements = edited(&enforcements, "metadata: {name: workloads}", renamed);
    stage.manifest("enforcements.yaml", &enforcements);
    stage.apply(0).await;
    note(&stage).await;
    stage.assert_at_rest().await;

    // What is there as manifests, and as it is believed to be.
    let imported = tempfile::tempdir().unwrap();
    let folder = imported.path().to_str().unwrap();
    let import = ["import", "--output-dir", folder, "--regions", "us-east-1,eu-west-1"];
    let done = stage.command(&import).await;
    assert_eq!(done.code, 0, "{done}");
    let done = stage.finish(&["test"]).await;
    assert_eq!(done.code, 0, "{done}");
    note(&stage).await;

    // And away again.
    stage.intend_removal().await;
    let absent = |text: &str| text.replace("\nspec:\n", "\nspec:\n  state: Absent\n");
    stage.manifest("enforcements.yaml", &absent(&enforcements));
    stage.apply_with_approval().await;
    let private = edited(&next, "shareWith: Organization", "shareWith: None");
    stage.manifest("guardrail.yaml", &private);
    stage.apply(0).await;
    stage.manifest("guardrail.yaml", &absent(&private));
    stage.apply(0).await;
    note(&stage).await;
    let world = stage.world().await;
    assert!(!world.to_string().contains("hyacinth"), "the guardrail is gone");

    let [own, members] = called_so_far;
    assert_eq!(own, granted(&documents["controllerPolicy"]), "the controller's role");
    assert_eq!(members, granted(&documents["memberPolicy"]), "the member role");
}

/// Without `--probe-model` nothing is printed that calls a model.
#[test]
fn a_model_may_be_called_only_if_one_is_named() {
    let policies = documents(&[]).to_string();
    assert!(!policies.contains("InvokeModel"), "{policies}");
    let done = iam(&["--organization", "o-exampleorg"]);
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("--management-account"), "{done}");
}
