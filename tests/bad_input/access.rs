//! Missing rights, roles, Regions, credentials, endpoints.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{ADA, REGIONS, SHOP, SMALL, Stage, edited, everything};

const GRACE: &str = "410000000002";

/// Another account beside Ada's, with `more` in its entry.
fn with_grace(more: &str) -> String {
    let ada = "      - {id: \"410000000001\", name: ada}\n";
    edited(SMALL, ada, &format!("{ada}      - {{id: \"{GRACE}\", name: grace, {more}}}\n"))
}

async fn assert_others_in_force(stage: &Stage) {
    for region in REGIONS {
        assert!(stage.enforced_version((ADA, region)).await.is_some(), "{region}");
    }
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer_ends_soon_and_is_named() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    for command in ["plan", "apply"] {
        #[expect(clippy::disallowed_methods, reason = "a real process is timed")]
        let start = Instant::now();
        let done = stage.finish(&[command]).await;
        assert_eq!(done.code, 1, "{command}\n{done}");
        assert!(start.elapsed() < Duration::from_secs(20), "{command} took {:?}", start.elapsed());
        assert!(done.stderr.contains("sts:GetCallerIdentity"), "which call\n{done}");
        assert!(done.stderr.contains("127.0.0.1:9"), "which endpoint\n{done}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_it_says_what_to_set() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.unset("AWS_ACCESS_KEY_ID");
    stage.unset("AWS_SECRET_ACCESS_KEY");
    let done = stage.finish(&["plan"]).await;
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("AWS_ACCESS_KEY_ID") || done.stderr.contains("AWS_PROFILE"),
        "{done}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_missing_fails_its_account_alone_and_is_named() {
    let mut stage = Stage::start(
        &with_grace("without_roles: [BedrailMember]").replace("without_roles", "withoutRoles"),
    )
    .await;
    stage.manifest("all.yaml", &everything());
    let done = stage.apply(1).await;
    done.line(&["failed", "Denied", GRACE, "BedrailMember"]);
    assert_others_in_force(&stage).await;
    for region in REGIONS {
        assert_eq!(stage.enforced_version((GRACE, region)).await, None, "{region}");
    }
    stage.forget_calls().await;
    stage.apply(1).await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_external_id_fails_its_account_alone_and_the_right_one_heals_it() {
    let role = "roles: [{name: BedrailMember, externalId: right, allow: [\"bedrock:*\"]}]";
    let mut stage = Stage::start(&with_grace(role)).await;
    stage.manifest("all.yaml", &everything());
    stage.set("BEDRAIL_EXTERNAL_ID", "wrong");
    let done = stage.apply(1).await;
    done.line(&["failed", "Denied", GRACE, "BedrailMember"]);
    assert!(!done.to_string().contains("wrong"), "an external id is not printed\n{done}");
    assert_others_in_force(&stage).await;
    stage.set("BEDRAIL_EXTERNAL_ID", "right");
    stage.apply(0).await;
    assert!(stage.enforced_version((GRACE, "us-east-1")).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_read_and_not_write_fails_its_cells_with_the_operation() {
    let role = "roles: [{name: BedrailMember, allow: [\"bedrock:List*\", \"bedrock:Get*\", \"bedrock:ApplyGuardrail\"]}]";
    let mut stage = Stage::start(&with_grace(role)).await;
    stage.manifest("all.yaml", &everything());
    let done = stage.apply(1).await;
    done.line(&["failed", "Denied", GRACE, "PutEnforcedGuardrailConfiguration"]);
    assert_others_in_force(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_one_account_has_not_enabled_holds_that_cell_alone() {
    let mut stage = Stage::start(&with_grace("disabledRegions: [eu-south-1]")).await;
    stage.manifest("all.yaml", &edited(&everything(), "eu-west-1", "eu-south-1"));
    let done = stage.apply(3).await;
    done.line(&["held (RegionUnavailable)", GRACE, "eu-south-1", "enable the Region"]);
    assert!(stage.enforced_version((GRACE, "us-east-1")).await.is_some());
    assert!(stage.enforced_version((ADA, "eu-south-1")).await.is_some());
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_cannot_be_read_ends_with_the_call_that_was_denied() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.faults(json!([{"kind": "Denied", "operation": "organizations:ListAccounts"}])).await;
    let done = stage.apply(1).await;
    done.line(&["failed", "Denied", "organizations:ListAccounts"]);
    assert_eq!(stage.writes().await, Vec::<String>::new(), "what is not known is not changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_printed() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.set("AWS_SECRET_ACCESS_KEY", "a-very-secret-key");
    stage.set("BEDRAIL_EXTERNAL_ID", "a-very-secret-id");
    let done = stage.finish(&["apply", "-vv"]).await;
    assert_eq!(done.code, 0, "{done}");
    assert!(!done.to_string().contains("a-very-secret"), "{done}");
}
