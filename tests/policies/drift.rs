//! What somebody changes by hand is put right.

use crate::support::Stage;
use crate::{
    LANDING_ZONE, MODELS, PROTECTION, ROOT, SANDBOX, WORKLOADS, at, control, controls, denies,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_detached_or_edited_comes_back_and_what_is_added_by_others_stays() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("models.yaml", MODELS);
    stage.manifest("protection.yaml", PROTECTION);
    stage.apply(0).await;
    let before = controls(&stage).await;
    stage.run().await;
    stage.at_rest().await;
    let client = stage.organizations().await;
    let models = control(&stage, "models").await;
    client.detach_policy().policy_id(&models.id).target_id(ROOT).send().await.unwrap();
    let protection = control(&stage, "protection").await;
    let content = denies("s3:DeleteBucket").to_string();
    client.update_policy().policy_id(&protection.id).content(content).send().await.unwrap();
    stage
        .eventually("both are put right", || async {
            (controls(&stage).await == before).then_some(())
        })
        .await;
    stage.logged(&["applied", "organizations:UpdatePolicy"]).await;
    let client = stage.organizations().await;
    client.detach_policy().policy_id(&protection.id).target_id(SANDBOX).send().await.unwrap();
    stage
        .eventually("it is attached again", || async {
            let targets = control(&stage, "protection").await.targets;
            (targets == at([WORKLOADS, SANDBOX])).then_some(())
        })
        .await;
    stage.kill();
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_deleted_by_hand_is_made_again() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.manifest("models.yaml", MODELS);
    stage.apply(0).await;
    let before = control(&stage, "models").await;
    let client = stage.organizations().await;
    client.detach_policy().policy_id(&before.id).target_id(ROOT).send().await.unwrap();
    client.delete_policy().policy_id(&before.id).send().await.unwrap();
    stage.apply(0).await;
    let after = control(&stage, "models").await;
    assert_eq!((after.content, after.targets), (before.content, before.targets));
}
