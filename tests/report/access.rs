//! Who is exempt, who may act, and what is not ours.

use serde_json::json;

use super::support::{ADA, MANAGEMENT, SHOP, SMALL, everything};
use super::{converged_in, json as read, report};

const PROTECTION: &str = "---
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: protection}
spec:
  protectEnforcement: {exemptRoles: [BreakGlass]}
  targets: [{organizationalUnit: /Sandbox}]
";

#[tokio::test(flavor = "multi_thread")]
async fn exemptions_trust_and_strangers_are_told_as_far_as_they_were_read() {
    let mut stage = converged_in(SMALL, &format!("{}{PROTECTION}", everything())).await;
    let theirs = stage.create_guardrail((MANAGEMENT, "us-east-1"), "theirs", &[]).await;
    stage.publish((MANAGEMENT, "us-east-1"), &theirs).await;
    stage.put_enforced((MANAGEMENT, "us-east-1"), &theirs, "1").await;
    let models = json!({"@@assign": ["amazon.nova-lite-v1:0"]});
    let document = json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1": {
        "model_enforcement": {"excluded_models": models}}}}}});
    stage.attach("their-policy", &document, SHOP).await;

    let found = read(&mut stage, 0, &["--access"]).await;
    let access = &found["access"];
    let policies = access["serviceControlPolicies"].as_array().unwrap();
    let whose = |whose: &str| policies.iter().find(|it| it["whose"] == whose).unwrap();
    assert_eq!(whose("AWS")["name"], "FullAWSAccess");
    let ours = whose("ours");
    assert_eq!(ours["manifest"], "ServiceControlPolicy/protection");
    assert_eq!(ours["targets"][0], "/Sandbox");
    let statements = ours["statements"].as_array().unwrap();
    let exempt = |sid: &str| {
        let statement = statements.iter().find(|it| it["statement"] == sid).unwrap();
        statement["exempt"].as_str().unwrap()
    };
    let protect = exempt("BedrailProtectEnforcement");
    assert!(protect.contains("role/BreakGlass") && protect.contains("role/BedrailMember"));
    assert_eq!(exempt("BedrailProtectMembership"), "nobody by who they are");

    let role = &access["memberRole"];
    assert_eq!((&role["name"], &role["isLiveTrustRead"]), (&"BedrailMember".into(), &false.into()));
    assert!(role["note"].as_str().unwrap().contains("NOT read"));
    assert!(role["printedTrust"].to_string().contains("o-exampleorg"));

    let foreign = &access["foreign"];
    assert!(foreign["policies"][0]["object"].as_str().unwrap().starts_with("their-policy"));
    assert_eq!(foreign["enforcements"][0]["object"], format!("{MANAGEMENT} us-east-1"));
    assert_eq!(foreign["enforcements"].as_array().unwrap().len(), 1, "{foreign:#}");
    assert!(foreign["guardrails"][0]["object"].as_str().unwrap().starts_with("theirs"));
    assert_eq!(foreign["guardrails"].as_array().unwrap().len(), 1, "{foreign:#}");

    let csv = report(&mut stage, 0, &["--access", "--format", "csv"]).await.stdout;
    assert!(csv.contains("always exempt") && csv.contains("foreign policy"), "{csv}");
    assert!(!csv.contains(ADA), "rows of cells stand in the other one");
}
