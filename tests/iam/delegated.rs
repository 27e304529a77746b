//! A controller in another account than the management account's.

use serde_json::{Value, json};

use super::documents;
use crate::support::{MANAGEMENT, SEARCH, SHOP, SMALL, Stage};

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
