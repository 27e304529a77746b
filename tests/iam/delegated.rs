//! A controller in another account than the management account's.

use serde_json::{Value, json};

use super::missing::{each, remove};
use super::{EXTERNAL_ID, MODEL, actions, documents, logging};
use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS, edited,
};

/// What the organization's resource policy lets a role of a member account do, and nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn the_printed_delegation_lets_the_controllers_role_in_and_no_other() {
    let documents = documents(&["--delegated-administrator", SHOP]);
    let mut scenario: Value = serde_yaml::from_str(SMALL).unwrap();
    scenario["delegationPolicy"] = documents["delegationPolicy"].clone();
    let mut controller = documents["controllerPolicy"].clone();
    let runner = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{MANAGEMENT}:root")}, "Action": "sts:AssumeRole"}]});
    controller["Statement"].as_array_mut().unwrap().retain(|it| it["Sid"] != "Assume");
    scenario["memberRoles"] = json!(["BedrailController", "SomebodyElse"].map(|name| json!(
        {"name": name, "policies": [controller], "trust": runner}
    )));
    let stage = Stage::start(&scenario.to_string()).await;

    for (account, role, is_let_in) in [
        (SHOP, "BedrailController", true),
        (SHOP, "SomebodyElse", false),
        (SEARCH, "BedrailController", false),
    ] {
        let client = stage.organizations_of(account, role).await;
        let read = client.list_roots().send().await;
        assert_eq!(read.is_ok(), is_let_in, "{account} {role}: {read:?}");
        let enabled = client
            .enable_policy_type()
            .root_id("r-test")
            .policy_type(aws_sdk_organizations::types::PolicyType::BedrockPolicy)
            .send()
            .await;
        assert_eq!(enabled.is_ok(), is_let_in, "{account} {role}: {enabled:?}");
        // What is not delegated.
        let moved = client.create_organizational_unit().parent_id("r-test").name("x").send().await;
        assert!(moved.is_err(), "{account} {role}");
    }
}

/// The account of the controller: nothing runs in it but what watches the others.
const SECURITY: &str = "210000000001";

/// What the organization delegates, what the controller's role may do, and the member roles of the
/// management account and of the others.
struct Delegated {
    delegation: Value,
    controller: Value,
    trust: Value,
    management: Value,
    member: Value,
}

impl Delegated {
    /// As printed with more arguments.
    fn printed(more: &[&str]) -> Self {
        let members = documents(&[&["--delegated-administrator", SECURITY][..], more].concat());
        let owner = documents(
            &[&["--delegated-administrator", SECURITY, "--manage-guardrails"][..], more].concat(),
        );
        Self {
            delegation: members["delegationPolicy"].clone(),
            controller: members["controllerPolicy"].clone(),
            trust: members["memberTrustPolicy"].clone(),
            management: owner["memberPolicy"].clone(),
            member: members["memberPolicy"].clone(),
        }
    }

    /// A stage whose binary is the controller's role in the security account, with these roles and
    /// no others that it could use.
    async fn stage(&self) -> Stage {
        let mut scenario: Value = serde_yaml::from_str(SMALL).unwrap();
        let runner = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{MANAGEMENT}:root")},
            "Action": "sts:AssumeRole"}]});
        let member = |policy: &Value| json!({"name": "BedrailMember", "policies": [policy], "trust": self.trust});
        let controller =
            json!({"name": "BedrailController", "policies": [self.controller], "trust": runner});
        scenario["delegationPolicy"] = self.delegation.clone();
        scenario["policyTypes"] = json!(["SERVICE_CONTROL_POLICY"]);
        scenario["managementAccount"]["roles"] = json!([member(&self.management)]);
        scenario["memberRoles"] = json!([member(&self.member)]);
        scenario["accounts"] = json!([{"id": SECURITY, "name": "security", "roles": [controller]}]);
        let mut stage = Stage::start(&scenario.to_string()).await;
        stage.act_as(SECURITY, "BedrailController").await;
        stage.set("BEDRAIL_EXTERNAL_ID", EXTERNAL_ID);
        stage
    }
}

const CONTROLS: &str = "
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: protection}
spec:
  protectEnforcement: {exemptRoles: [BreakGlass]}
  targets: [{organization: true}]
";

/// Every kind but Approval; the cells of both special accounts among them.
fn enforcements() -> String {
    let targets = format!(
        "targets: [{{organizationalUnit: /Sandbox}}, {{account: \"{MANAGEMENT}\"}}, {{account: \
         \"{SECURITY}\"}}]"
    );
    let accounts = edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", &targets);
    [WORKLOADS, &accounts, &format!("\n{}", logging()), CONTROLS].join("---")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegated_administrator_converges_everything_with_what_is_printed_for_it() {
    let printed = ["--service-control-policies", "--probe-model", MODEL];
    let mut stage = Delegated::printed(&printed).stage().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("enforcements.yaml", &enforcements());
    stage.apply(0).await;
    stage.assert_at_rest().await;
    for probe in [&["verify"][..], &["verify", "--probe", "converse", "--model", MODEL]] {
        let done = stage.finish(probe).await;
        assert_eq!(done.code, 0, "{done}");
    }
    let doctor = stage.command(&["doctor", "--regions", "us-east-1,eu-west-1"]).await;
    assert_eq!(doctor.code, 0, "{doctor}");
    doctor.line(&["fine", "delegation", SECURITY, "is a delegated administrator"]);
    doctor.line(&["fine", "delegation", MANAGEMENT, "cannot be delegated", "BedrailMember"]);
    doctor.line(&["fine", "role", SECURITY, "BedrailMember"]);

    // Guardrails stay where organization policies can name them; every call of the management
    // account is through its member role.
    let arn = stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await;
    assert_eq!(stage.effective(SHOP).await["us-east-1"], format!("{arn}:1"));
    for account in [MANAGEMENT, SECURITY, ADA] {
        let enforced = stage.enforced_version((account, "eu-west-1")).await.unwrap();
        assert!(enforced.contains(MANAGEMENT), "{account}: {enforced}");
    }
    for call in stage.get("calls/log").await["calls"].as_array().unwrap() {
        let service = call["operation"].as_str().unwrap().split_once(':').unwrap().0.to_owned();
        if call["isController"] == json!(true) && service == "organizations" {
            assert_eq!(call["account"], SECURITY, "{call}");
        }
    }

    // A revision, and away again.
    stage.manifest("guardrail.yaml", &edited(GUARDRAIL, "heliotrope", "hyacinth"));
    stage.apply(0).await;
    assert_eq!(stage.effective(SHOP).await["us-east-1"], format!("{arn}:2"));
    // Its own account, too, which the service control policy binds.
    assert_eq!(stage.enforced_version((SECURITY, "us-east-1")).await, Some(format!("{arn}:2")));
    stage.intend_removal().await;
    let absent = |text: &str| text.replace("\nspec:\n", "\nspec:\n  state: Absent\n");
    stage.manifest("enforcements.yaml", &absent(&enforcements()));
    stage.apply_with_approval().await;
    stage.manifest("guardrail.yaml", &absent(GUARDRAIL));
    stage.apply(0).await;
    assert!(stage.guardrails((MANAGEMENT, "us-east-1"), "baseline").await.is_empty());
    assert_eq!(stage.enforced((SECURITY, "us-east-1")).await, None);
}

/// Converges, changes and takes away under a delegation that lacks one action; what was said if it
/// was not named.
async fn without(action: String) -> Option<String> {
    let mut delegated = Delegated::printed(&["--service-control-policies"]);
    assert!(remove(&mut delegated.delegation, &action), "{action} is delegated");
    let mut stage = delegated.stage().await;
    stage.switch(&json!({"account_paths": action != "organizations:ListAccountsForParent"})).await;
    stage.intend_removal().await;
    let enforcements = enforcements();
    let absent = |text: &str| text.replace("\nspec:\n", "\nspec:\n  state: Absent\n");
    let renamed = "metadata: {name: units, formerNames: [workloads]}";
    let renamed = edited(&enforcements, "metadata: {name: workloads}", renamed);
    let mut said = String::new();
    for (guardrail, enforcements) in [
        (GUARDRAIL.to_owned(), enforcements.clone()),
        (edited(GUARDRAIL, "heliotrope", "hyacinth"), renamed.clone()),
        (GUARDRAIL.to_owned(), absent(&renamed)),
    ] {
        stage.manifest("guardrail.yaml", &guardrail);
        stage.manifest("enforcements.yaml", &enforcements);
        let mut done = stage.finish(&["apply", "--wait", "30s"]).await;
        if done.stdout.contains("kind: Approval") {
            stage.manifest("approval.yaml", &done.approval());
            done = stage.finish(&["apply", "--wait", "30s"]).await;
            stage.remove("approval.yaml");
        }
        if done.code != 0 && done.to_string().contains(&action) {
            return None;
        }
        said = format!("{said}\n{done}");
    }
    Some(format!("without {action}\n{said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_action_that_is_not_delegated_is_named() {
    let printed = Delegated::printed(&["--service-control-policies"]).delegation;
    let statements = printed["Statement"].as_array().unwrap().iter();
    let all: Vec<String> = statements
        .flat_map(|it| actions(&it["Action"]))
        // Asked of the caller's own account, it needs no delegation.
        .filter(|it| it != "organizations:DescribeOrganization")
        .collect();
    assert!(all.len() > 15, "{all:?}");
    let wrong = each(all, without).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bedrock policies are delegated, service control policies are not.
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_policy_that_is_not_delegated_is_named_and_holds_up_nothing_else() {
    let mut stage = Delegated::printed(&[]).stage().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("enforcements.yaml", &enforcements());
    let done = stage.finish(&["apply", "--wait", "30s"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["organizations:CreatePolicy", "service_control_policy", "resource policy"]);
    assert!(stage.effective(SHOP).await.contains_key("us-east-1"), "{done}");
    assert!(stage.enforced((ADA, "us-east-1")).await.is_some(), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_where_guardrails_belong_when_the_management_account_has_no_role_for_them() {
    let mut delegated = Delegated::printed(&[]);
    // The role of any other account: it may not make guardrails.
    delegated.management = delegated.member.clone();
    let mut stage = delegated.stage().await;
    let done = stage.command(&["doctor"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["FAILED", "permissions", "us-east-1", "bedrock:ListGuardrails"]);
    done.line(&["→", "member-role.yaml", MANAGEMENT, "ManageGuardrails=true"]);
}
