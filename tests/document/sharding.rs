//! A document that is too long for one policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::EVERYWHERE;
use crate::support::{ADA, GUARDRAIL, SHOP, SMALL, Stage, edited};

const REGIONS: [&str; 8] = [
    "us-east-1",
    "us-east-2",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "ap-southeast-2",
];

/// The enforcement, with so many excluded models that some 2,000 characters go to a Region.
fn enforcement(models: usize) -> String {
    let models: Vec<String> = (0..models)
        .map(|index| format!("example.a-model-with-quite-a-long-name-v{index}:0"))
        .collect();
    edited(
        EVERYWHERE,
        "excludedModels: [EMBEDDINGS]",
        &format!("excludedModels: [{}]", models.join(", ")),
    )
}

fn guardrail(regions: &[&str]) -> String {
    edited(GUARDRAIL, "[us-east-1, eu-west-1]", &format!("[{}]", regions.join(", ")))
}

/// The Regions of each policy, by its name.
async fn regions(stage: &Stage) -> BTreeMap<String, BTreeSet<String>> {
    let policies = stage.policies().await;
    let regions = |content: String| {
        let document: serde_json::Value = serde_json::from_str(&content).unwrap();
        let blocks = document["bedrock"]["guardrail_inference"].as_object().unwrap().clone();
        blocks.into_iter().map(|(region, _)| region).collect()
    };
    policies.into_iter().map(|(name, it)| (name, regions(it.content.unwrap()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_are_split_over_policies_stay_where_they_are_and_are_torn_down() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", &guardrail(&REGIONS[..6]));
    stage.manifest("everywhere.yaml", &enforcement(34));
    stage.apply(0).await;
    let first = regions(&stage).await;
    assert_eq!(first.len(), 2, "{first:?}");
    let effective = stage
        .eventually("the policies take effect", || async {
            let effective = stage.effective(SHOP).await;
            (effective.len() == 6).then_some(effective)
        })
        .await;
    assert_eq!(stage.effective(ADA).await, effective);
    stage.assert_at_rest().await;

    // More Regions move nobody.
    stage.manifest("guardrail.yaml", &guardrail(&REGIONS));
    stage.apply(0).await;
    let second = regions(&stage).await;
    assert_eq!(second.values().flatten().count(), 8, "{second:?}");
    for (name, before) in &first {
        assert!(second[name].is_superset(before), "{name}: {first:?} {second:?}");
    }
    stage.assert_at_rest().await;

    // Longer blocks do, one policy after the other, and no account is ever without.
    stage.manifest("everywhere.yaml", &enforcement(60));
    stage.apply(0).await;
    let third = regions(&stage).await;
    assert!(third.len() > second.len(), "{third:?}");
    assert_eq!(third.values().flatten().count(), 8, "each Region stands once: {third:?}");
    stage.assert_at_rest().await;

    stage.intend_removal().await;
    let absent = edited(&enforcement(60), "spec:\n", "spec:\n  state: Absent\n");
    stage.manifest("everywhere.yaml", &absent);
    stage.apply(0).await;
    assert!(stage.policies().await.is_empty());
    assert!(stage.effective(SHOP).await.is_empty());
    stage.assert_at_rest().await;
}
