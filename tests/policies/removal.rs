//! What a text gives up goes, and nothing else.

use serde_json::json;

use crate::support::{Stage, edited};
use crate::{
    LANDING_ZONE, MODELS, PROTECTION, ROOT, SANDBOX, WORKLOADS, assert_strangers_stay, at, control,
    controls, written,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_the_text_gave_up_is_left_and_absent_takes_all_down() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.intend_removal().await;
    stage.manifest("protection.yaml", PROTECTION);
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    let less = edited(PROTECTION, "{organizationalUnit: /Workloads}, ", "");
    stage.manifest("protection.yaml", &less);
    stage.apply(0).await;
    assert_eq!(control(&stage, "protection").await.targets, at([SANDBOX]));
    stage.assert_at_rest().await;

    stage.manifest("protection.yaml", &format!("{less}  state: Absent\n"));
    stage.apply(0).await;
    let names: Vec<String> = controls(&stage).await.into_keys().collect();
    assert_eq!(names, ["bedrail-default-models.scp", "no-root-user"]);
    assert_strangers_stay(&stage).await;
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_leaves_an_orphan_and_a_renamed_unit_loses_nothing() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("protection.yaml", PROTECTION);
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    let before = controls(&stage).await;
    stage.remove("protection.yaml");
    stage.forget_calls().await;
    stage.apply(0).await.line(&["bedrail-default-protection.scp", "no manifest describes it"]);
    assert!(stage.writes().await.is_empty());
    stage.manifest("protection.yaml", PROTECTION);
    let client = stage.organizations().await;
    let renamed = client.update_organizational_unit().organizational_unit_id(WORKLOADS);
    renamed.name("Products").send().await.unwrap();
    stage.apply(1).await.line(&["there is no organizational unit `/Workloads`"]);
    assert_eq!(controls(&stage).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_handed_over() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    let before = control(&stage, "models").await;
    let renamed = edited(MODELS, "{name: models}", "{name: approved, formerNames: [models]}");
    stage.manifest("models.yaml", &renamed);
    stage.apply(0).await;
    assert_eq!(control(&stage, "models").await, before, "the same policy, still attached");
    stage.assert_at_rest().await;
    let client = stage.organizations().await;
    let tags = client.list_tags_for_resource().resource_id(&before.id).send().await.unwrap();
    let tags = format!("{:?}", tags.tags());
    assert!(tags.contains("approved"), "{tags}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_off_many_targets_waits_for_approval() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.intend(json!({"removals": ["all"]})).await;
    stage.manifest("protection.yaml", PROTECTION);
    stage.apply(0).await;
    stage.manifest("protection.yaml", &format!("{PROTECTION}  state: Absent\n"));
    let held = stage.apply(3).await;
    held.line(&["held (ChangeGuard)", "2 cells and targets"]);
    assert_eq!(control(&stage, "protection").await.targets, at([WORKLOADS, SANDBOX]));
    stage.manifest("approval.yaml", &held.approval());
    stage.apply(0).await;
    let names: Vec<String> = controls(&stage).await.into_keys().collect();
    assert_eq!(names, ["no-root-user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusive_manifest_takes_the_policies_of_others_off_its_targets() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.intend(json!({"detaches": ["p-norootuser"]})).await;
    stage.manifest("models.yaml", &format!("{MODELS}  attachment: Exclusive\n"));
    stage.apply(0).await;
    let all = controls(&stage).await;
    assert_eq!(all["no-root-user"].targets, at([]), "one is replaced at once");
    assert_eq!(all["bedrail-default-models.scp"].targets, at([ROOT]));
    let full = stage.world().await["attachments"][ROOT].clone();
    assert!(full.as_array().unwrap().contains(&json!("p-FullAWSAccess")), "{full}");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_nobody_is_taken_over_only_where_it_is_written() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    let document = controls(&stage).await["no-root-user"].content.clone();
    let text = written("root-user", &document, "{organization: true}");
    let named = format!("{text}  policyName: no-root-user\n");
    stage.manifest("root-user.yaml", &named);
    stage.apply(1).await.line(&["carries no owner; write `adopt: true`"]);
    stage.intend(json!({"adopt": ["no-root-user"]})).await;
    stage.manifest("root-user.yaml", &format!("{named}  adopt: true\n"));
    stage.apply(0).await;
    let after = controls(&stage).await;
    assert_eq!(after.len(), 1, "tags, and nothing else");
    assert_eq!(after["no-root-user"].targets, at([ROOT]));
    stage.assert_at_rest().await;
}
