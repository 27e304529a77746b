//! What goes, and what whoever references it keeps.

use aws_sdk_organizations::types::{PolicyType, PolicyTypeStatus, PolicyTypeSummary};
use serde_json::json;

use crate::support::{ADA, SEARCH, SHOP, SMALL, Stage};
use crate::{PLACE, SANDBOX, SHARED, WORKLOADS, apply_revisions, guardrail, word};

#[tokio::test(flavor = "multi_thread")]
async fn revisions_in_a_row_keep_the_current_the_previous_and_the_limit() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("sandbox.yaml", SANDBOX);
    stage.manifest("workloads.yaml", WORKLOADS);
    apply_revisions(&mut stage, 1..=4, &SHARED).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [1, 2, 3, 4]);
    apply_revisions(&mut stage, 5..=8, &SHARED).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [5, 6, 7, 8]);
    let arn = stage.guardrail(PLACE, "baseline").await;
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:8")));
    assert_eq!(stage.effective(SHOP).await[PLACE.1], format!("{arn}:8"));
    stage.assert_at_rest().await;
}

/// At rest a long history costs no call more than a short one.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_at_rest_that_was_not_asked_before() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("workloads.yaml", WORKLOADS);
    apply_revisions(&mut stage, 1..=1, &SHARED).await;
    let mut counts = Vec::new();
    for more in [None, Some(2..=7)] {
        apply_revisions(&mut stage, more.into_iter().flatten(), &SHARED).await;
        stage.forget_calls().await;
        stage.apply(0).await;
        let mut calls = stage.calls().await;
        // The content of each live version is read once in the life of a process; how often the
        // organization is visited depends on who comes first.
        calls.retain(|name, _| name.starts_with("bedrock:") && name != "bedrock:GetGuardrail");
        counts.push(calls);
    }
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0].get("bedrock:ListEnforcedGuardrailsConfiguration"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_configuration_in_another_account_keeps_what_it_references() {
    let mut stage = Stage::start(SMALL).await;
    stage.switch(&json!({"version_delete_in_use": "allow"})).await;
    apply_revisions(&mut stage, 1..=2, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    stage.put_enforced((SEARCH, PLACE.1), &arn, "2").await;
    apply_revisions(&mut stage, 3..=8, &SHARED).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [2, 5, 6, 7, 8]);
    stage.delete_enforced((SEARCH, PLACE.1)).await;
    stage.apply(0).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [5, 6, 7, 8]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_policy_keeps_what_it_references_attached_or_not() {
    let mut stage = Stage::start(SMALL).await;
    stage.switch(&json!({"version_delete_in_use": "allow"})).await;
    apply_revisions(&mut stage, 1..=3, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    let document = |version: u32| {
        json!({"bedrock": {"guardrail_inference": {"us-east-1": {"config_1":
            {"identifier": {"@@assign": format!("{arn}:{version}")}}}}}})
    };
    let organizations = stage.organizations().await;
    let request = organizations.enable_policy_type().root_id("r-test");
    request.policy_type(PolicyType::BedrockPolicy).send().await.unwrap();
    stage
        .eventually("the policy type is enabled", || async {
            let listed = organizations.list_roots().send().await.unwrap().roots.unwrap();
            let mut types = listed[0].policy_types().iter();
            let is_enabled = |it: &PolicyTypeSummary| {
                it.r#type() == Some(&PolicyType::BedrockPolicy)
                    && it.status() == Some(&PolicyTypeStatus::Enabled)
            };
            types.any(is_enabled).then_some(())
        })
        .await;
    let detached = stage.attach("theirs", &document(1), "ou-test-workload").await;
    stage.attach("theirs too", &document(3), "ou-test-sandbox0").await;
    let request = organizations.detach_policy().policy_id(detached);
    request.target_id("ou-test-workload").send().await.unwrap();
    apply_revisions(&mut stage, 4..=9, &SHARED).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [1, 3, 6, 7, 8, 9]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_manifests_pin_or_name_stays() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("workloads.yaml", WORKLOADS);
    apply_revisions(&mut stage, 1..=1, &SHARED).await;
    let planned = stage.finish(&["plan", "-o", "json"]).await;
    assert_eq!(planned.code, 0, "{planned}");
    // The first revision, as AWS shows it in the index.
    let client = stage.bedrock(PLACE.0, PLACE.1).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    let read = client.get_guardrail().guardrail_identifier(&arn).guardrail_version("1");
    let index = read.send().await.unwrap().description.unwrap();
    let revision = index.split(' ').nth(2).unwrap();
    let pin = WORKLOADS.replace(
        "guardrail: baseline",
        &format!("guardrail: {{name: baseline, revision: {revision}}}"),
    );
    // Pinned by a manifest whose target is not there, too.
    let nowhere = pin.replace("/Workloads", "/Nowhere").replace("name: workloads", "name: nowhere");
    stage.manifest("workloads.yaml", &pin);
    apply_revisions(&mut stage, 2..=2, &SHARED).await;
    stage.manifest("workloads.yaml", WORKLOADS);
    stage.manifest("nowhere.yaml", &nowhere);
    let lines = [SHARED[0], SHARED[1], "keepVersions: [2]"];
    for revision in 3..=8 {
        stage.manifest("baseline.yaml", &guardrail("baseline", &word(revision), &lines));
        // The target that is not there is refused.
        stage.apply(1).await;
    }
    assert_eq!(stage.versions(PLACE, "baseline").await, [1, 2, 5, 6, 7, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_points_at_the_kept_version_and_publishes_nothing() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("sandbox.yaml", SANDBOX);
    apply_revisions(&mut stage, 1..=6, &SHARED).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [3, 4, 5, 6]);
    stage.forget_calls().await;
    apply_revisions(&mut stage, 3..=3, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:3")));
    assert_eq!(stage.versions(PLACE, "baseline").await, [3, 4, 5, 6]);
    let writes = stage.writes().await;
    assert!(
        writes.iter().all(|it| !it.contains("Version") && !it.contains("Delete")),
        "{writes:?}"
    );
    stage.assert_at_rest().await;
    // And forward again.
    apply_revisions(&mut stage, 6..=7, &SHARED).await;
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:7")));
    assert_eq!(stage.versions(PLACE, "baseline").await, [4, 5, 6, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_published_counts_and_is_never_deleted() {
    let mut stage = Stage::start(SMALL).await;
    apply_revisions(&mut stage, 1..=2, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    let client = stage.bedrock(PLACE.0, PLACE.1).await;
    client.create_guardrail_version().guardrail_identifier(&arn).send().await.unwrap();
    apply_revisions(&mut stage, 3..=8, &SHARED).await;
    assert_eq!(stage.versions(PLACE, "baseline").await, [3, 6, 7, 8, 9]);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_collects_too_and_being_killed_in_between_is_harmless() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("sandbox.yaml", SANDBOX);
    apply_revisions(&mut stage, 1..=4, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    for revision in 5..=9 {
        stage.manifest("baseline.yaml", &guardrail("baseline", &word(revision), &SHARED));
        stage.run().await;
        // Somewhere between the publishing and the end of the collection, another place each time.
        stage
            .eventually("the version is published", || async {
                let versions = stage.versions(PLACE, "baseline").await;
                versions.contains(&revision).then_some(())
            })
            .await;
        for _ in 0..(revision - 5) * 4 {
            stage.versions(PLACE, "baseline").await;
        }
        stage.kill();
        let live = stage.enforced_version((ADA, PLACE.1)).await.unwrap();
        let number: u32 = live.strip_prefix(&format!("{arn}:")).unwrap().parse().unwrap();
        assert!(stage.versions(PLACE, "baseline").await.contains(&number), "{live} is gone");
    }
    stage.run().await;
    stage
        .eventually("the history is as long as it should be", || async {
            (stage.versions(PLACE, "baseline").await == [6, 7, 8, 9]).then_some(())
        })
        .await;
    stage.at_rest().await;
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:9")));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_lag_behind_and_numbers_given_again_do_no_harm() {
    for switches in [
        json!({"delete_read_lag_ms": 300}),
        json!({"version_numbers_reused": true}),
        json!({"version_delete_in_use": "allow", "ready_flicker": true}),
    ] {
        let mut stage = Stage::start(SMALL).await;
        stage.switch(&switches).await;
        stage.manifest("sandbox.yaml", SANDBOX);
        stage.manifest("workloads.yaml", WORKLOADS);
        apply_revisions(&mut stage, (1..=7).chain([3, 8]), &SHARED).await;
        stage
            .eventually("reads show what was deleted", || async {
                (stage.versions(PLACE, "baseline").await.len() <= 4).then_some(())
            })
            .await;
        stage.assert_at_rest().await;
    }
}
