//! Taking things down: by consent, in order, and nothing that is not ours.

use std::collections::BTreeMap;

use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, REGIONS, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS,
    everything, with,
};

const ABSENT: &str = "state: Absent";

fn everything_absent() -> String {
    [GUARDRAIL, WORKLOADS, SANDBOX].map(|manifest| with(manifest, ABSENT)).join("---")
}

async fn assert_gone(stage: &Stage) {
    for region in REGIONS {
        let left = stage.guardrails((MANAGEMENT, region), "baseline").await;
        assert!(left.is_empty(), "{region}: {left:?}");
        assert_eq!(stage.enforced_version((ADA, region)).await, None, "{region}");
    }
    assert!(!stage.policies().await.contains_key("bedrail-default-workloads"));
    assert_eq!(stage.effective(SHOP).await, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_enforcements_go_first_and_the_guardrail_after_them() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.intend_removal().await;
    let enforcements = [WORKLOADS, SANDBOX].map(|manifest| with(manifest, ABSENT)).join("---");
    stage.manifest("all.yaml", &format!("{GUARDRAIL}---{enforcements}"));
    stage.plan(2).await;
    stage.apply_with_approval().await;
    for region in REGIONS {
        assert_eq!(stage.enforced_version((ADA, region)).await, None, "{region}");
        assert_eq!(stage.versions((MANAGEMENT, region), "baseline").await, [1], "{region}");
    }
    stage.manifest("all.yaml", &everything_absent());
    stage.apply(0).await;
    assert_gone(&stage).await;
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_absent_at_once_still_goes_in_order() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.intend_removal().await;
    stage.manifest("all.yaml", &everything_absent());
    stage.forget_calls().await;
    stage.apply_with_approval().await;
    assert_gone(&stage).await;
    let writes = stage.writes().await;
    let last = |name: &str| writes.iter().rposition(|write| write.contains(name)).unwrap();
    let first = |name: &str| writes.iter().position(|write| write.contains(name)).unwrap();
    assert!(last(":DetachPolicy") < first(":DeletePolicy"), "{writes:#?}");
    assert!(last(":DetachPolicy") < first(":DeleteGuardrail"), "{writes:#?}");
    assert!(last(":DeleteEnforced") < last(":DeleteGuardrail"), "{writes:#?}");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_that_a_stranger_references_stays_and_the_reason_is_said() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.apply(0).await;
    let arn = stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await;
    stage.put_enforced((SEARCH, "us-east-1"), &arn, "1").await;
    stage.intend(serde_json::json!({"absent": ["baseline"]})).await;
    stage.manifest("guardrail.yaml", &with(GUARDRAIL, ABSENT));
    let done = stage.apply(3).await;
    done.line(&["Referenced", SEARCH]);
    assert_eq!(stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await, arn);
    assert!(stage.guardrails((MANAGEMENT, "eu-west-1"), "baseline").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_made_survives_a_whole_life() {
    let mut stage = Stage::start(SMALL).await;
    let place = (MANAGEMENT, "us-east-1");
    let theirs = stage.create_guardrail(place, "theirs", &[]).await;
    let client = stage.bedrock(place.0, place.1).await;
    client.create_guardrail_version().guardrail_identifier(&theirs).send().await.unwrap();
    stage.ready(place, &theirs).await;
    // Not claimed by any manifest: management is in neither unit.
    stage.put_enforced(place, &theirs, "1").await;
    let before = stage.world().await["bedrock"][format!("{MANAGEMENT}/us-east-1")].clone();

    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.intend_removal().await;
    stage.manifest("all.yaml", &everything_absent());
    stage.apply_with_approval().await;
    assert_gone(&stage).await;
    let after = stage.world().await["bedrock"][format!("{MANAGEMENT}/us-east-1")].clone();
    assert_eq!(after["guardrails"], before["guardrails"]);
    assert_eq!(after["enforced"], before["enforced"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_file_takes_nothing_away() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("workloads.yaml", WORKLOADS);
    stage.manifest("sandbox.yaml", SANDBOX);
    stage.apply(0).await;
    stage.remove("workloads.yaml");
    stage.remove("sandbox.yaml");
    stage.forget_calls().await;
    let planned = stage.plan(0).await;
    planned.line(&["orphan", "workloads"]);
    stage.apply(0).await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len());
    for region in REGIONS {
        assert!(stage.enforced_version((ADA, region)).await.is_some(), "{region}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_is_refused_and_takes_nothing_away() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.remove("all.yaml");
    stage.forget_calls().await;
    stage.apply(2).await;
    assert_eq!(stage.writes().await, Vec::<String>::new());
    for region in REGIONS {
        assert!(stage.enforced_version((ADA, region)).await.is_some(), "{region}");
    }
}
