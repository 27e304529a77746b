//! Targets take a few policies and no more.

use serde_json::json;

use crate::support::Stage;
use crate::{LANDING_ZONE, MODELS, PROTECTION, ROOT, at, control, controls, denies};

/// Attaches so many policies of somebody else at the root.
async fn crowd(stage: &Stage, count: usize) -> Vec<String> {
    let client = stage.organizations().await;
    let mut ids = Vec::new();
    for number in 0..count {
        let created = client
            .create_policy()
            .name(format!("theirs-{number}"))
            .description("by hand")
            .r#type(aws_sdk_organizations::types::PolicyType::ServiceControlPolicy)
            .content(denies(&format!("s3:Delete{number}")).to_string())
            .send()
            .await
            .unwrap();
        let id = created.policy.unwrap().policy_summary.unwrap().id.unwrap();
        client.attach_policy().policy_id(&id).target_id(ROOT).send().await.unwrap();
        ids.push(id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_room_it_is_held_and_the_others_go_on() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    // With FullAWSAccess and the one that denies the root user these are five.
    let ids = crowd(&stage, 3).await;
    stage.manifest("models.yaml", MODELS);
    stage.manifest("protection.yaml", PROTECTION);
    let done = stage.apply(3).await;
    done.line(&["held (Quota)", "where 5 are already", "theirs-2", "--scp-attachments-max"]);
    assert!(!control(&stage, "models").await.targets.contains(ROOT));
    assert_eq!(control(&stage, "protection").await.targets.len(), 2);
    let client = stage.organizations().await;
    client.detach_policy().policy_id(&ids[0]).target_id(ROOT).send().await.unwrap();
    stage.apply(0).await;
    assert_eq!(control(&stage, "models").await.targets, at([ROOT]));
}

/// The setting is a guess; what AWS says counts.
#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_for_a_limit_is_held_and_not_asked_again_at_once() {
    let mut stage = Stage::start(LANDING_ZONE).await;
    stage.switch(&json!({"service_control_attachments_max": 5})).await;
    stage.set("BEDRAIL_SCP_ATTACHMENTS_MAX", "10");
    crowd(&stage, 3).await;
    stage.manifest("models.yaml", MODELS);
    stage.forget_calls().await;
    let done = stage.apply(3).await;
    done.line(&["held (Quota)", "AWS takes no more policies there"]);
    let attached = stage.writes().await.iter().filter(|it| it.contains("AttachPolicy")).count();
    assert_eq!(attached, 2, "at one account, and refused at the root once");
    let all = controls(&stage).await;
    assert_eq!(all.len(), 5, "{all:#?}");
}
