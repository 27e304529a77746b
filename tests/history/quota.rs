//! AWS's twenty places.

use crate::support::{ADA, SEARCH, SMALL, Stage};
use crate::{PLACE, SANDBOX, SHARED, apply_revisions, guardrail, word};

/// Publishes by hand until all places are taken, as somebody before us did.
async fn fill(stage: &Stage, arn: &str) {
    let client = stage.bedrock(PLACE.0, PLACE.1).await;
    for _ in stage.versions(PLACE, "baseline").await.len()..20 {
        client.create_guardrail_version().guardrail_identifier(arn).send().await.unwrap();
        stage.ready(PLACE, arn).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_places_needed_publishing_is_held_and_says_by_what() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("sandbox.yaml", SANDBOX);
    apply_revisions(&mut stage, 1..=1, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    fill(&stage, &arn).await;
    stage.put_enforced((SEARCH, PLACE.1), &arn, "7").await;
    stage.manifest("baseline.yaml", &guardrail("baseline", &word(2), &SHARED));
    // An earlier process knows of the slot; this one asks nobody before it must.
    let done = stage.apply(3).await;
    done.line(&["Quota", "20", "somebody else"]);
    assert_eq!(stage.versions(PLACE, "baseline").await.len(), 20);
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:1")));
    stage.forget_calls().await;
    stage.apply(3).await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "held, and nothing is tried");
    // Whoever makes room ends it.
    let client = stage.bedrock(PLACE.0, PLACE.1).await;
    let request = client.delete_guardrail().guardrail_identifier(&arn).guardrail_version("20");
    request.send().await.unwrap();
    stage.apply(0).await;
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:21")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_go_goes_first_and_then_the_next_is_published() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("sandbox.yaml", SANDBOX);
    let long = [SHARED[0], "revisionHistoryLimit: 15"];
    apply_revisions(&mut stage, 1..=3, &long).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    fill(&stage, &arn).await;
    stage.forget_calls().await;
    apply_revisions(&mut stage, 4..=4, &long).await;
    let writes = stage.writes().await;
    let at = |name: &str| writes.iter().position(|it| it.contains(name)).unwrap();
    assert!(at(":DeleteGuardrail") < at(":CreateGuardrailVersion"), "{writes:#?}");
    let versions = stage.versions(PLACE, "baseline").await;
    assert_eq!((versions.len(), versions[0], versions[19]), (20, 2, 21), "{versions:?}");
    assert_eq!(stage.enforced_version((ADA, PLACE.1)).await, Some(format!("{arn}:21")));
    stage.assert_at_rest().await;
}

/// The account is closed, so that nobody can look into it.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_aws_says_is_in_use_stays_and_the_others_go() {
    let mut stage = Stage::start(SMALL).await;
    apply_revisions(&mut stage, 1..=4, &SHARED).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    stage.put_enforced((SEARCH, PLACE.1), &arn, "1").await;
    stage.organizations().await.close_account().account_id(SEARCH).send().await.unwrap();
    stage.forget_calls().await;
    stage.manifest("baseline.yaml", &guardrail("baseline", &word(5), &SHARED));
    stage.run().await;
    stage.logged(&["WARN", "in use", "baseline"]).await;
    stage.manifest("baseline.yaml", &guardrail("baseline", &word(6), &SHARED));
    stage
        .eventually("the others are gone", || async {
            (stage.versions(PLACE, "baseline").await == [1, 3, 4, 5, 6]).then_some(())
        })
        .await;
    let writes = stage.writes().await;
    let deletions = writes.iter().filter(|it| it.contains(":DeleteGuardrail")).count();
    assert_eq!(deletions, 2, "one was refused, and not asked for again: {writes:?}");
    stage.at_rest().await;
}
