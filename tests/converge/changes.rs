//! What a changed manifest changes, and what it leaves as it is.

use std::collections::BTreeMap;

use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, REGIONS, SANDBOX, SHOP, SMALL, Stage, WORKLOADS, edited, everything,
};

/// Fails unless both kinds of enforcement reference version `number` in every Region.
async fn assert_in_force(stage: &Stage, number: u32) {
    let mut expected = BTreeMap::new();
    for region in REGIONS {
        let arn = stage.guardrail((MANAGEMENT, region), "baseline").await;
        expected.insert(region.to_owned(), format!("{arn}:{number}"));
    }
    for (region, version) in &expected {
        let live = stage.enforced_version((ADA, region)).await;
        assert_eq!(live.as_ref(), Some(version), "cell {ADA} {region}");
    }
    stage
        .eventually("the effective policy names the version", || async {
            (stage.effective(SHOP).await == expected).then_some(())
        })
        .await;
}

async fn assert_versions(stage: &Stage, numbers: &[u32]) {
    for region in REGIONS {
        assert_eq!(stage.versions((MANAGEMENT, region), "baseline").await, numbers, "{region}");
    }
}

fn another_word() -> String {
    edited(&everything(), "[{text: heliotrope}]", "[{text: heliotrope}, {text: vermilion}]")
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_content_becomes_one_new_version_per_region_and_every_reference_follows() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.manifest("all.yaml", &another_word());
    let planned = stage.plan(2).await;
    planned.line(&["vermilion"]);
    stage.apply(0).await;
    assert_versions(&stage, &[1, 2]).await;
    assert_in_force(&stage, 2).await;
    let blocked = stage.converse((ADA, "eu-west-1"), "Tell me of vermilion.").await;
    assert_eq!(blocked.stop_reason, "guardrail_intervened");
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_to_an_earlier_content_points_at_its_version_and_publishes_nothing() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.manifest("all.yaml", &another_word());
    stage.apply(0).await;
    stage.intend(serde_json::json!({"rollback": ["baseline"]})).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    assert_versions(&stage, &[1, 2]).await;
    assert_in_force(&stage, 1).await;
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_description_reaches_the_guardrail_and_publishes_nothing() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.forget_calls().await;
    stage.manifest("all.yaml", &edited(&everything(), "What everybody gets.", "For everybody."));
    stage.apply(0).await;
    assert_versions(&stage, &[1]).await;
    assert_in_force(&stage, 1).await;
    let writes = stage.writes().await;
    assert!(writes.iter().all(|it| it.starts_with("bedrock:UpdateGuardrail ")), "{writes:?}");
    assert_eq!(writes.len(), REGIONS.len(), "{writes:?}");
    for region in REGIONS {
        let listed = stage.guardrails((MANAGEMENT, region), "baseline").await;
        assert_eq!(listed[0].description.as_deref(), Some("For everybody."), "{region}");
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_guardrail_beside_changes_nothing_of_what_is_there() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.forget_calls().await;
    let other = edited(GUARDRAIL, "name: baseline", "name: research");
    stage.manifest("research.yaml", &edited(&other, "[us-east-1, eu-west-1]", "[us-west-2]"));
    stage.apply(0).await;
    for write in stage.writes().await {
        assert!(write.ends_with(" 100000000001 us-west-2"), "{write}");
    }
    assert_eq!(stage.versions((MANAGEMENT, "us-west-2"), "research").await, [1]);
    assert_versions(&stage, &[1]).await;
    assert_in_force(&stage, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_region_is_added_without_touching_the_others() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.forget_calls().await;
    let wider =
        edited(&everything(), "[us-east-1, eu-west-1]", "[us-east-1, eu-west-1, us-west-2]");
    stage.manifest("all.yaml", &wider);
    stage.apply(0).await;
    for write in stage.writes().await {
        // Every replica's tags say what the text selects.
        let is_expected = write.starts_with("bedrock:") && write.ends_with(" us-west-2")
            || write.starts_with("bedrock:TagResource ")
            || write.starts_with("organizations:UpdatePolicy ");
        assert!(is_expected, "{write}");
    }
    assert!(stage.enforced_version((ADA, "us-west-2")).await.is_some());
    stage
        .eventually("the effective policy has three Regions", || async {
            (stage.effective(SHOP).await.len() == 3).then_some(())
        })
        .await;
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enforcement_pinned_to_a_revision_stays_when_the_content_moves_on() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("workloads.yaml", WORKLOADS);
    stage.manifest("sandbox.yaml", SANDBOX);
    stage.apply(0).await;
    let place = (MANAGEMENT, "us-east-1");
    let arn = stage.guardrail(place, "baseline").await;
    let client = stage.bedrock(place.0, place.1).await;
    let version =
        client.get_guardrail().guardrail_identifier(&arn).guardrail_version("1").send().await;
    // `r1 revision=<hash> …`: whatever stands in the index beside it, a revision is hexadecimal.
    let description = version.unwrap().description.unwrap();
    let revision = description
        .split(|c: char| !c.is_ascii_hexdigit())
        .find(|word| word.len() >= 12)
        .unwrap_or_else(|| panic!("no revision in `{description}`"));
    let pinned = format!("guardrail: {{name: baseline, revision: {revision}}}");
    stage.manifest("sandbox.yaml", &edited(SANDBOX, "guardrail: baseline", &pinned));
    stage.manifest("guardrail.yaml", &edited(GUARDRAIL, "heliotrope", "vermilion"));
    stage.apply(0).await;
    for region in REGIONS {
        let arn = stage.guardrail((MANAGEMENT, region), "baseline").await;
        let live = stage.enforced_version((ADA, region)).await;
        assert_eq!(live, Some(format!("{arn}:1")), "{region}");
    }
    stage
        .eventually("the unit moves on", || async {
            let effective = stage.effective(SHOP).await;
            effective.values().all(|version| version.ends_with(":2")).then_some(())
        })
        .await;
    stage.assert_at_rest().await;
}
