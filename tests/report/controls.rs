//! Controls of a user's framework are judged by what was seen, and by nothing else.

use std::path::PathBuf;

use serde_json::Value;

use super::support::{ADA, MANAGEMENT, SMALL, Stage, everything};
use super::{converged, converged_in, json, report};

const CONTROLS: &str = "
controls:
  - {id: everywhere, title: Everybody is guarded, covers: [enforcement]}
  - {id: sandboxes, covers: [enforcement], accounts: ['410000000001']}
  - {id: as-declared, covers: [declared, content]}
  - {id: logged, covers: [logging]}
  - {id: past, covers: [journal, drift]}
  - {id: models, covers: [service-control-policies], manifests: [ServiceControlPolicy/models]}
  - {id: by-manifest, manifests: [AccountEnforcement/sandbox, Guardrail/baseline]}
  - {id: not-there, manifests: [AccountEnforcement/nowhere]}
";

const MODELS: &str = "---
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: models}
spec:
  approvedModels: [amazon.nova-*]
  targets: [{organizationalUnit: /Sandbox}]
";

fn write(stage: &Stage, folder: &tempfile::TempDir, text: &str) -> PathBuf {
    assert_ne!(stage.folder.path(), folder.path(), "it is no manifest");
    let path = folder.path().join("controls.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

fn standing<'a>(report: &'a Value, id: &str) -> (&'a str, String) {
    let controls = report["controls"].as_array().unwrap();
    let control = controls.iter().find(|it| it["id"] == id).unwrap();
    (control["standing"].as_str().unwrap(), control["basis"].to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_is_met_only_by_what_was_seen() {
    let mut stage = converged_in(SMALL, &format!("{}{MODELS}", everything())).await;
    let folder = tempfile::tempdir().unwrap();
    let path = write(&stage, &folder, CONTROLS);
    let arguments = ["--controls", path.to_str().unwrap()];
    let found = json(&mut stage, 0, &arguments).await;
    for (id, expected, why) in [
        ("everywhere", "NotMet", MANAGEMENT),
        ("sandboxes", "Met", "all of 2 cells"),
        ("as-declared", "Met", "all of 6 claims"),
        ("logged", "NotObserved", "no InvocationLogging"),
        ("past", "NotObserved", "no journal was given"),
        ("models", "Met", "models is attached"),
        ("by-manifest", "Met", "2 claims are proven"),
        ("not-there", "NotMet", "no such manifest"),
    ] {
        let (standing, basis) = standing(&found, id);
        assert_eq!(standing, expected, "{id}: {basis}");
        assert!(basis.contains(why), "{id}: {basis}");
    }

    stage.delete_enforced((ADA, "us-east-1")).await;
    let client = stage.organizations().await;
    let listed = client
        .list_policies()
        .filter(aws_sdk_organizations::types::PolicyType::ServiceControlPolicy)
        .send()
        .await
        .unwrap();
    let policies = listed.policies.unwrap();
    let ours = policies.iter().find(|it| !it.aws_managed).unwrap().id.clone().unwrap();
    client.detach_policy().policy_id(ours).target_id("ou-test-sandbox0").send().await.unwrap();
    let found = json(&mut stage, 0, &arguments).await;
    for id in ["sandboxes", "as-declared", "by-manifest", "models"] {
        assert_eq!(standing(&found, id).0, "NotMet", "{id}");
    }

    let html = report(&mut stage, 0, &arguments).await.stdout;
    assert!(html.contains("✗ not met") && html.contains("? not observed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_of_controls_is_refused_with_its_line() {
    let mut stage = converged().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write(&stage, &folder, "controls:\n  - {id: a, covers: [enforcment]}\n");
    let done = report(&mut stage, 2, &["--controls", path.to_str().unwrap()]).await;
    done.line(&["controls.yaml:2:", "enforcement"]);
    assert_eq!(done.stdout, "");
}
