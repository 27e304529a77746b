//! The same story under every behaviour of AWS that nobody authoritative has confirmed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{ADA, MANAGEMENT, SHOP, SMALL, Stage, edited, everything};

/// Named switches that differ from the simulator's defaults.
fn variants() -> Vec<(&'static str, Value)> {
    vec![
        ("every default is echoed", json!({"echo_defaults": "all"})),
        ("no default is echoed", json!({"echo_defaults": "none"})),
        ("lists come back reversed", json!({"list_order": "reversed"})),
        ("an empty enforced list is not found", json!({"enforced_list_empty": "not_found"})),
        ("a put without id overwrites", json!({"enforced_put_without_id": "overwrite"})),
        ("versions show the guardrail's description", json!({"version_description": "guardrail"})),
        ("accounts carry no paths", json!({"account_paths": false})),
        ("accounts carry the retired status", json!({"account_status": true})),
        ("paths end with the parent", json!({"account_paths_end_with_account": false})),
        ("READY flickers", json!({"ready_flicker": true})),
        ("an omitted member stays", json!({"update_omission": "keep"})),
        ("policies take effect late", json!({"effective_policy_delay_ms": 1500})),
        ("policy names are unique in the organization", json!({"policy_duplicate_scope": "org"})),
        ("numbers of deleted versions come back", json!({"version_numbers_reused": true})),
        ("referenced versions can be deleted", json!({"version_delete_in_use": "allow"})),
        ("deleted things are still read", json!({"delete_read_lag_ms": 200})),
        (
            "all at once",
            json!({
                "echo_defaults": "all", "list_order": "reversed", "enforced_list_empty": "not_found",
                "version_description": "guardrail", "account_paths": false, "ready_flicker": true,
                "update_omission": "keep",
            }),
        ),
    ]
}

/// Converges, rests, changes content, rests, takes all down.
async fn live_through(scenario: String, switches: Value, regions: [&'static str; 2]) {
    let [first, second] = regions;
    let mut stage = Stage::start(&scenario).await;
    stage.set("AWS_REGION", first);
    stage.switch(&switches).await;
    if switches.get("effective_policy_delay_ms").is_some() {
        stage.set("BEDRAIL_OWN_WRITE_GRACE", "2s");
    }
    let manifests =
        edited(&everything(), "[us-east-1, eu-west-1]", &format!("[{first}, {second}]"));
    stage.manifest("all.yaml", &manifests);
    stage.apply(0).await;
    stage.assert_at_rest().await;
    assert_in_force(&stage, regions, 1).await;
    stage.manifest("all.yaml", &edited(&manifests, "heliotrope", "vermilion"));
    stage.apply(0).await;
    stage.assert_at_rest().await;
    assert_in_force(&stage, regions, 2).await;
    stage.intend_removal().await;
    stage.manifest("all.yaml", &manifests.replace("\nspec:\n", "\nspec:\n  state: Absent\n"));
    stage.apply_with_approval().await;
    stage.assert_at_rest().await;
    for region in regions {
        assert!(stage.guardrails((MANAGEMENT, region), "baseline").await.is_empty());
    }
}

async fn assert_in_force(stage: &Stage, regions: [&str; 2], number: u32) {
    let mut references = BTreeMap::new();
    for region in regions {
        let place = (MANAGEMENT, region);
        let expected: Vec<u32> = (1..=number).collect();
        assert_eq!(stage.versions(place, "baseline").await, expected, "{region}");
        let arn = stage.guardrail(place, "baseline").await;
        let live = stage.enforced_version((ADA, region)).await;
        assert_eq!(live, Some(format!("{arn}:{number}")), "{region}");
        references.insert(region.to_owned(), format!("{arn}:{number}"));
    }
    stage
        .eventually("the effective policy names the version", || async {
            (stage.effective(SHOP).await == references).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unconfirmed_behaviour_of_aws_ends_in_the_same_state() {
    let mut lives = JoinSet::new();
    for (name, switches) in variants() {
        lives.spawn(async move {
            let life = live_through(SMALL.to_owned(), switches, ["us-east-1", "eu-west-1"]);
            (name, tokio::spawn(life).await)
        });
    }
    let failed: Vec<String> = lives
        .join_all()
        .await
        .into_iter()
        .filter_map(|(name, ended)| Some(format!("{name}: {}", said(ended.err()?))))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// What a task that panicked had to say.
fn said(error: tokio::task::JoinError) -> String {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap_or(&"?").to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_government_partition_works_alike() {
    let scenario = format!("partition: aws-us-gov\n{SMALL}");
    live_through(scenario, json!({}), ["us-gov-west-1", "us-gov-east-1"]).await;
}
