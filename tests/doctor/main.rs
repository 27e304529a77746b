//! `bedrail doctor`: one broken prerequisite each, and what is said of it.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};

use support::{ADA, Finished, MANAGEMENT, SHOP, SMALL, Stage, edited};

const ARGUMENTS: [&str; 3] = ["doctor", "--regions", "us-east-1,eu-west-1"];

/// An organization to which nothing is left to do.
fn healthy() -> String {
    format!("{SMALL}\npolicyTypes: [SERVICE_CONTROL_POLICY, BEDROCK_POLICY]\n")
}

async fn doctor(stage: &mut Stage, more: &[&str]) -> Finished {
    stage.command(&[&ARGUMENTS[..], more].concat()).await
}

/// The lines of a report that are not fine, as `status check subject`.
async fn complaints(stage: &mut Stage) -> (i32, Vec<String>, Value) {
    let done = doctor(stage, &["-o", "json"]).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["kind"], "DoctorReport");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = report["checks"].as_array().unwrap();
    let complaints = rows.iter().filter(|row| row["status"] != "fine").map(|row| {
        assert!(!text(row, "todo").is_empty(), "{row} says what to do");
        format!("{} {} {}", text(row, "status"), text(row, "check"), text(row, "subject"))
    });
    (done.code, complaints.collect(), report.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_fine_is_a_table_and_exit_code_0() {
    let mut stage = Stage::start(&healthy()).await;
    let (code, complaints, report) = complaints(&mut stage).await;
    assert_eq!((code, complaints), (0, Vec::new()), "{report:#}");
    assert_eq!(report["fine"], true);
    let done = doctor(&mut stage, &[]).await;
    assert_eq!(done.code, 0, "{done}");
    for words in [
        &["fine", "endpoint", "STS"][..],
        &["fine", "credentials", MANAGEMENT],
        &["fine", "clock"],
        &["fine", "all-features"],
        &["fine", "delegation", "is the management account"],
        &["fine", "policy-types", "r-test"],
        &["fine", "permissions", "us-east-1", "reads guardrails"],
        &["fine", "permissions", "eu-west-1", "reads models"],
        &["fine", "role", ADA, "(ada)", "BedrailMember", "eu-west-1, us-east-1"],
    ] {
        done.line(words);
    }
    assert!(!done.stdout.contains(support::GONE), "a suspended account is passed over");
    assert_eq!(stage.writes().await, Vec::<String>::new());
}

/// A prerequisite that is missing from an otherwise healthy organization.
struct Broken {
    scenario: String,
    variables: Vec<(&'static str, String)>,
    switch: Value,
    faults: Value,
    /// The lines that are not fine.
    complaints: Vec<String>,
    /// Words of what to do.
    todo: &'static str,
}

fn broken(complaints: &[&str], todo: &'static str) -> Broken {
    Broken {
        scenario: healthy(),
        variables: Vec::new(),
        switch: json!({}),
        faults: json!([]),
        complaints: complaints.iter().map(|it| (*it).to_owned()).collect(),
        todo,
    }
}

async fn assert_told(broken: Broken) {
    let mut stage = Stage::start(&broken.scenario).await;
    stage.switch(&broken.switch).await;
    stage.faults(broken.faults).await;
    for (name, value) in &broken.variables {
        stage.set(name, value);
    }
    let (code, complaints, report) = complaints(&mut stage).await;
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(complaints, broken.complaints, "{report:#}");
    assert!(report.to_string().contains(broken.todo), "{report:#}\ndoes not say: {}", broken.todo);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer() {
    let nowhere = vec![("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned())];
    let expected = ["failed endpoint STS", "unknown all-features organization"];
    assert_told(Broken { variables: nowhere, ..broken(&expected, "AWS_ENDPOINT_URL") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_whose_endpoint_does_not_answer() {
    let outage = json!([{"kind": "Outage", "operation": "bedrock:*", "region": "eu-west-1",
        "probability": 1.0}]);
    let own = format!("failed endpoint {MANAGEMENT} (management)");
    let expected = [
        "failed endpoint eu-west-1",
        &own,
        "failed endpoint 310000000001 (shop)",
        "failed endpoint 310000000002 (search)",
        "failed endpoint 410000000001 (ada)",
    ];
    assert_told(Broken { faults: outage, ..broken(&expected, "VPC endpoints") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_aws_does_not_know() {
    let denied = json!([{"kind": "Denied", "operation": "sts:GetCallerIdentity",
        "probability": 1.0}]);
    let expected = ["failed credentials our own", "unknown all-features organization"];
    assert_told(Broken { faults: denied, ..broken(&expected, "standard AWS environment") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off() {
    for ahead in [-290, 290] {
        let switch = json!({"clock_ahead_s": ahead});
        let expected = ["failed clock our own"];
        assert_told(Broken { switch, ..broken(&expected, "set it by NTP") }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_only_consolidates_bills() {
    let scenario =
        edited(&healthy(), "rootId: r-test", "rootId: r-test, featureSet: CONSOLIDATED_BILLING");
    let expected = ["failed all-features organization"];
    assert_told(Broken { scenario, ..broken(&expected, "enable-all-features") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_type_that_is_not_enabled() {
    let scenario = SMALL.to_owned();
    let expected = ["failed policy-types r-test"];
    assert_told(Broken { scenario, ..broken(&expected, "enable-policy-type --root-id r-test") })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_in_an_account_to_which_nothing_is_delegated() {
    let mut stage = Stage::start(&healthy()).await;
    stage.act_as(SHOP, "OrganizationAccountAccessRole").await;
    let (code, complaints, report) = complaints(&mut stage).await;
    assert_eq!(code, 1);
    let delegation = format!("failed delegation {SHOP}");
    assert!(complaints.contains(&delegation), "{report:#}");
    assert!(report.to_string().contains("--delegated-administrator 310000000001"), "{report:#}");
    assert!(complaints.contains(&"unknown role accounts".to_owned()), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_denied() {
    for (operation, subject) in [
        ("organizations:ListPolicies", "organization"),
        ("organizations:DescribeEffectivePolicy", "organization"),
        ("organizations:ListTagsForResource", "organization"),
        ("organizations:ListAccountsWithInvalidEffectivePolicy", "organization"),
        ("bedrock:ListGuardrails", "eu-west-1"),
        ("bedrock:ListFoundationModels", "eu-west-1"),
    ] {
        let mut stage = Stage::start(&healthy()).await;
        let region = if subject == "organization" { "us-east-1" } else { subject };
        stage
            .faults(json!([{"kind": "Denied", "operation": operation, "region": region,
                "probability": 1.0}]))
            .await;
        let (code, complaints, report) = complaints(&mut stage).await;
        assert_eq!(code, 1, "{operation}: {report:#}");
        let expected = format!("failed permissions {subject}");
        assert!(!complaints.is_empty(), "{operation}");
        assert!(complaints.iter().all(|it| *it == expected), "{operation}: {complaints:?}");
        assert!(report.to_string().contains("the policy that bedrail iam prints"), "{report:#}");
        assert!(report.to_string().contains(operation), "{report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_the_member_role_or_with_another_external_id() {
    let scenario = edited(&healthy(), "name: ada", "name: ada, withoutRoles: [BedrailMember]");
    let expected = ["failed role 410000000001 (ada)"];
    assert_told(Broken { scenario, ..broken(&expected, "--format cloudformation") }).await;

    let strict = "name: ada, roles: [{name: BedrailMember, externalId: sesame, allow: [\"*\"]}]";
    let scenario = edited(&healthy(), "name: ada", strict);
    assert_told(Broken { scenario, ..broken(&expected, "--external-id") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_role_that_may_not_read() {
    let weak = "name: ada, roles: [{name: BedrailMember, allow: [\"bedrock:ApplyGuardrail\"]}]";
    let scenario = edited(&healthy(), "name: ada", weak);
    let expected = ["failed permissions 410000000001 (ada)"];
    assert_told(Broken { scenario, ..broken(&expected, "service control policy above") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_an_account_has_not_enabled() {
    let mut stage = {
        let disabled = "name: ada, disabledRegions: [eu-south-1]";
        Stage::start(&edited(&healthy(), "name: ada", disabled)).await
    };
    let done = stage.command(&["doctor", "--regions", "eu-south-1"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["FAILED", "region", "410000000001 (ada)", "eu-south-1"]);
    done.line(&["→ enable the Region in this account"]);
    done.line(&["fine", "role", "310000000001 (shop)", "eu-south-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_certificate_authorities() {
    let mut stage = Stage::start(&healthy()).await;
    stage.set("SSL_CERT_FILE", "/dev/null");
    // Plain HTTP needs none.
    let (code, complaints, report) = complaints(&mut stage).await;
    assert_eq!((code, complaints), (0, Vec::new()), "{report:#}");
    stage.unset("AWS_ENDPOINT_URL");
    let done = doctor(&mut stage, &[]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["FAILED", "endpoint", "STS", "ca-certificates", "SSL_CERT_FILE"]);
    let done = stage.command(&["import", "--output-dir", "/nonexistent"]).await;
    assert_eq!(done.code, 1, "{done}");
    done.line(&["no certificate authority is known", "ca-certificates"]);
    assert!(!done.stderr.contains("panicked"), "{done}");
}
