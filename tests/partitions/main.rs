//! AWS GovCloud (US): another partition, with ARNs, Regions and an Organizations endpoint of its own.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod rendering;
#[path = "../support/mod.rs"]
mod support;

use std::process::Command;

use serde_json::{Value, json};

use support::recorder::{Recorded, regions_of};
use support::{ADA, Finished, MANAGEMENT, SHOP, SMALL, Stage};

const GOV: &str = "aws-us-gov";
const WEST: &str = "us-gov-west-1";
const EAST: &str = "us-gov-east-1";

/// What `bedrail iam` prints with these arguments.
pub(crate) fn iam(arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrail"));
    let done = Finished::of(&command.arg("iam").args(arguments).env_clear().output().unwrap());
    assert_eq!(done.code, 0, "{done}");
    done
}

/// The organization and its management account, as `bedrail iam` is told.
pub(crate) const NAMES: [&str; 4] =
    ["--management-account", MANAGEMENT, "--organization", "o-exampleorg"];

/// An organization of GovCloud with the printed roles and no others that the controller could use.
fn scenario() -> String {
    let more = [
        "--partition",
        GOV,
        "--logging-role",
        "BedrockLogging",
        "--external-id",
        "an-external-id",
        "--service-control-policies",
        "--probe-model",
        "amazon.nova-lite-v1:0",
        "--kms-key",
        KEY,
    ];
    let documents: Value =
        serde_json::from_str(&iam(&[&NAMES[..], &more].concat()).stdout).unwrap();
    let mut scenario: Value = serde_yaml::from_str(SMALL).unwrap();
    scenario["partition"] = json!(GOV);
    scenario["policyTypes"] = json!(["SERVICE_CONTROL_POLICY", "BEDROCK_POLICY"]);
    let runner = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": format!("arn:{GOV}:iam::{MANAGEMENT}:root")},
        "Action": "sts:AssumeRole"}]});
    let logging = json!({"name": "BedrockLogging", "trust": {"Statement": [{"Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]}});
    scenario["managementAccount"]["roles"] = json!([
        {"name": "BedrailController", "policies": [documents["controllerPolicy"]], "trust": runner},
    ]);
    scenario["memberRoles"] = json!([
        {
            "name": "BedrailMember",
            "policies": [documents["memberPolicy"]],
            "trust": documents["memberTrustPolicy"],
        },
        logging,
    ]);
    scenario.to_string()
}

const KEY: &str =
    "arn:aws-us-gov:kms:us-gov-west-1:100000000001:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// One of each kind, and a service control policy of each form.
fn manifests() -> String {
    let mut documents = vec![
        format!(
            "kind: Guardrail
metadata: {{name: baseline}}
spec:
  regions: [{WEST}, {EAST}]
  shareWith: Organization
  crossRegion: Auto
  regionOverrides: {{{WEST}: {{kmsKeyId: \"{KEY}\"}}}}
  content:
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    wordPolicyConfig: {{wordsConfig: [{{text: heliotrope}}]}}
  tests: [{{text: What is our refund policy?, action: NONE}}]
"
        ),
        "kind: OrganizationEnforcement
metadata: {name: workloads}
spec:
  guardrail: baseline
  modelEnforcement: {includedModels: [ALL], excludedModels: [EMBEDDINGS]}
  targets: [{organizationalUnit: /Workloads}]
"
        .to_owned(),
        format!(
            "kind: AccountEnforcement
metadata: {{name: accounts}}
spec:
  guardrail: baseline
  targets: [{{organizationalUnit: /Sandbox}}, {{account: \"{MANAGEMENT}\"}}]
"
        ),
        format!(
            "kind: InvocationLogging
metadata: {{name: invocations}}
spec:
  loggingConfig:
    cloudWatchConfig:
      logGroupName: /bedrock/invocations
      roleArn: \"arn:${{partition}}:iam::${{account}}:role/BedrockLogging\"
    s3Config: {{bucketName: \"logs-${{account}}-${{region}}\"}}
  regions: [{WEST}, {EAST}]
  targets: [{{account: \"{SHOP}\"}}, {{account: \"{ADA}\"}}]
"
        ),
    ];
    let foreign = format!(
        "document: {{Version: \"2012-10-17\", Statement: [{{Effect: Deny, Action: \
         \"bedrock:DeleteGuardrail\", Resource: \"arn:{GOV}:bedrock:*:*:guardrail/*\", Condition: \
         {{ArnNotLike: {{\"aws:PrincipalArn\": \"arn:{GOV}:iam::*:role/BedrailMember\"}}}}}}]}}"
    );
    let forms = [
        ("models", "approvedModels: [amazon.nova-*]", "organization: true"),
        ("protect", "protectEnforcement: {exemptRoles: [BreakGlass]}", "organization: true"),
        ("require", "requireGuardrail: {guardrails: [baseline]}", "organizationalUnit: /Workloads"),
        (
            "network",
            "requireNetwork: {vpcEndpoints: [vpce-0123456789abcdef0]}",
            "organizationalUnit: /Sandbox",
        ),
        ("written", &foreign, "organizationalUnit: /Workloads"),
    ];
    documents.extend(forms.map(|(name, form, target)| {
        format!(
            "kind: ServiceControlPolicy\nmetadata: {{name: {name}}}\nspec:\n  {form}\n  targets: \
             [{{{target}}}]\n"
        )
    }));
    documents.iter().map(|it| format!("---\napiVersion: bedrail.dev/v1alpha1\n{it}")).collect()
}

/// Fails unless every ARN is of the partition, and every signature for the Region of its service.
fn assert_of_the_partition(requests: &[Recorded], home: &str) {
    assert!(requests.iter().any(|it| it.text.contains("arn:aws-us-gov:")), "ARNs are recorded");
    for request in requests {
        assert!(!request.text.contains("arn:aws:"), "{}", request.text);
    }
    let regions = |service| regions_of(requests, service).into_iter().collect::<Vec<_>>();
    assert_eq!(regions("organizations"), [WEST]);
    assert_eq!(regions("sts"), [home]);
    assert_eq!(regions("bedrock"), [EAST, WEST]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_converges_in_govcloud_and_no_call_names_another_partition() {
    let (mut stage, recorder) = Stage::recorded(&scenario()).await;
    stage.set("AWS_REGION", WEST);
    stage.set("BEDRAIL_EXTERNAL_ID", "an-external-id");
    stage.act_as(MANAGEMENT, "BedrailController").await;
    stage.manifest("all.yaml", &manifests());
    recorder.take();

    let doctor = stage.command(&["doctor", "--regions", "us-gov-west-1,us-gov-east-1"]).await;
    assert_eq!(doctor.code, 0, "{doctor}");
    stage.validate(0).await;
    stage.apply(0).await;
    assert_of_the_partition(&recorder.take(), WEST);
    stage.plan(0).await;
    for probe in [&["verify"][..], &["verify", "--probe", "converse", "--model", MODEL]] {
        let done = stage.finish(probe).await;
        assert_eq!(done.code, 0, "{done}");
    }
    let done = stage.finish(&["test"]).await;
    assert_eq!(done.code, 0, "{done}");
    stage.assert_at_rest().await;

    let world = stage.world().await.to_string();
    assert!(world.contains("arn:aws-us-gov:bedrock"), "{world}");
    assert!(!world.contains("arn:aws:"), "{world}");
    assert!(world.contains("us-gov.guardrail.v1:0"), "the profile of the geography: {world}");

    // From the other Region, too.
    assert_of_the_partition(&recorder.take(), WEST);
    stage.set("AWS_REGION", EAST);
    stage.plan(0).await;
    assert_of_the_partition(&recorder.take(), EAST);
}

const MODEL: &str = "amazon.nova-lite-v1:0";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_imported_from_govcloud_names_no_other_partition_and_is_at_rest() {
    let (mut stage, recorder) = Stage::recorded(&scenario()).await;
    stage.set("AWS_REGION", WEST);
    stage.manifest("all.yaml", &manifests());
    stage.set("BEDRAIL_EXTERNAL_ID", "an-external-id");
    stage.act_as(MANAGEMENT, "BedrailController").await;
    stage.apply(0).await;
    stage.remove("all.yaml");
    recorder.take();

    // Without --regions: those of the partition that have Guardrails.
    stage.import(&[], 0).await;
    assert_of_the_partition(&recorder.take(), WEST);
    let imported: String = std::fs::read_dir(stage.folder.path())
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(imported.contains("us-gov-east-1"), "{imported}");
    assert!(!imported.contains("arn:aws:"), "{imported}");
    stage.validate(0).await;
}
