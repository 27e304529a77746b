//! An attachment is all or nothing; a cell stands for itself.

use serde_json::json;

use crate::support::{
    ADA, GUARDRAIL, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS, edited, everything,
};
use crate::{WITHOUT_APPLY, controlled, probes, with};

#[tokio::test(flavor = "multi_thread")]
async fn one_denied_account_holds_the_whole_attachment_and_is_named() {
    let mut stage = Stage::start(&with(SMALL, "search", WITHOUT_APPLY)).await;
    stage.manifest("all.yaml", &everything());
    let done = stage.apply(3).await;
    let line = done.line(&["held (PreflightDenied)", "workloads", "/Workloads", SEARCH]);
    assert!(!line.contains(SHOP), "{line}");
    let (id, _) = stage.policy("bedrail-default-workloads").await;
    assert!(stage.targets(&id).await.is_empty(), "not one account is put under it");
    assert!(stage.enforced_version((ADA, "us-east-1")).await.is_some(), "others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_cell_is_held_alone() {
    let mut stage = Stage::start(&with(SMALL, "search", WITHOUT_APPLY)).await;
    // A denial is believed as long as our own writes take to show.
    stage.set("BEDRAIL_OWN_WRITE_GRACE", "60s");
    let everywhere = edited(SANDBOX, "{organizationalUnit: /Sandbox}", "{organization: true}");
    stage.manifest("all.yaml", &[GUARDRAIL, &everywhere].join("---"));
    let done = stage.apply(3).await;
    done.line(&["held (PreflightDenied)", SEARCH]);
    for account in [SHOP, ADA] {
        assert!(stage.enforced_version((account, "us-east-1")).await.is_some(), "{account}");
    }
    assert_eq!(stage.enforced_version((SEARCH, "us-east-1")).await, None);
    assert_eq!(probes(&stage).await, 8, "four accounts in two Regions, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_another_version_is_held_while_an_account_cannot_apply_it() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &[GUARDRAIL, WORKLOADS].join("---"));
    stage.apply(0).await;
    let before = stage.policy("bedrail-default-workloads").await;
    let statement = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Later",
        "Effect": "Deny", "Action": "bedrock:ApplyGuardrail", "Resource": "*"}]});
    let client = stage.organizations().await;
    let created = client
        .create_policy()
        .name("later")
        .description("by hand")
        .r#type(aws_sdk_organizations::types::PolicyType::ServiceControlPolicy)
        .content(statement.to_string())
        .send()
        .await
        .unwrap();
    let denying = created.policy.unwrap().policy_summary.unwrap().id.unwrap();
    client.attach_policy().policy_id(&denying).target_id(SEARCH).send().await.unwrap();

    stage.manifest(
        "all.yaml",
        &[&edited(GUARDRAIL, "heliotrope", "vermilion"), WORKLOADS].join("---"),
    );
    let done = stage.apply(3).await;
    done.line(&["held (DeniedByPolicy)", "workloads", SEARCH, "`Later`", &denying]);
    assert_eq!(stage.policy("bedrail-default-workloads").await, before, "nothing moved");
    client.detach_policy().policy_id(&denying).target_id(SEARCH).send().await.unwrap();
    stage.apply(0).await;
    assert_ne!(stage.policy("bedrail-default-workloads").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_entered_is_unknown_and_tolerated_only_as_far_as_written() {
    let mut stage = Stage::start(&with(SMALL, "search", "withoutRoles: [BedrailMember]")).await;
    stage.manifest("all.yaml", &[GUARDRAIL, WORKLOADS].join("---"));
    let done = stage.apply(3).await;
    done.line(&["held (PreflightUnknown)", "`maxUnknown` is 0", SEARCH, "BedrailMember"]);
    let (id, _) = stage.policy("bedrail-default-workloads").await;
    assert!(stage.targets(&id).await.is_empty());
    let tolerant = edited(WORKLOADS, "spec:\n", "spec:\n  rollout: {maxUnknown: 1}\n");
    stage.manifest("all.yaml", &[GUARDRAIL, &tolerant].join("---"));
    stage.apply(0).await.line(&["WARN", "not proven", SEARCH]);
    assert_eq!(stage.targets(&id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_control_policies_do_not_bind_the_management_account() {
    let statement = "{Sid: NoAi, Effect: Deny, Action: \"bedrock:*\", Resource: \"*\"}";
    let mut stage = Stage::start(&controlled(SMALL, statement, "root")).await;
    let here = edited(SANDBOX, "{organizationalUnit: /Sandbox}", "{account: \"100000000001\"}");
    stage.manifest("all.yaml", &[GUARDRAIL, &here].join("---"));
    stage.apply(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_an_account_has_not_enabled_is_no_reason_to_hold_an_attachment() {
    let mut stage = Stage::start(&with(SMALL, "search", "disabledRegions: [eu-south-1]")).await;
    let manifests = [GUARDRAIL, WORKLOADS].join("---");
    stage.manifest("all.yaml", &edited(&manifests, "eu-west-1", "eu-south-1"));
    stage.apply(0).await;
    assert_eq!(stage.effective(SEARCH).await.len(), 2);
    assert_eq!(probes(&stage).await, 4, "asked there too, since only the answer tells");
}
