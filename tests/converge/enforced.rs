//! What is in force after `apply`, as AWS tells a client that is not ours.

use std::collections::BTreeMap;

use crate::support::{ADA, GONE, MANAGEMENT, REGIONS, SEARCH, SHOP, SMALL, Stage, everything};

#[tokio::test(flavor = "multi_thread")]
async fn plan_on_an_empty_world_shows_everything_and_writes_nothing() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let planned = stage.plan(2).await;
    planned.line(&["+ create the guardrail", "2 Regions"]);
    assert_eq!(stage.writes().await, Vec::<String>::new());
    let plain = stage.finish(&["plan"]).await;
    assert_eq!(plain.code, 0, "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_after_apply_is_empty_and_another_apply_writes_nothing() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    stage.assert_at_rest().await;
    let again = stage.apply(0).await;
    again.line(&["; 0 writes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_unit_get_the_published_version_of_each_region() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    let mut expected = BTreeMap::new();
    for region in REGIONS {
        let arn = stage.guardrail((MANAGEMENT, region), "baseline").await;
        assert!(arn.contains(&format!(":{region}:{MANAGEMENT}:")), "{arn}");
        assert_eq!(stage.versions((MANAGEMENT, region), "baseline").await, [1]);
        expected.insert(region.to_owned(), format!("{arn}:1"));
    }
    for account in [SHOP, SEARCH] {
        let effective = stage
            .eventually("an effective policy", || async {
                Some(stage.effective(account).await).filter(|effective| !effective.is_empty())
            })
            .await;
        assert_eq!(effective, expected, "{account}");
    }
    assert_eq!(stage.effective(ADA).await, BTreeMap::new(), "outside of the unit");
    for region in REGIONS {
        let live = stage.enforced_version((ADA, region)).await;
        assert_eq!(live.as_ref(), expected.get(region), "{region}");
        assert_eq!(stage.enforced_version((SHOP, region)).await, None, "not an account target");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_a_member_account_is_judged_by_the_enforced_guardrail() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    for (account, origin) in [(SHOP, "ORGANIZATION_ENFORCED"), (ADA, "ACCOUNT_ENFORCED")] {
        for region in REGIONS {
            let arn = stage.guardrail((MANAGEMENT, region), "baseline").await;
            let harmful = stage
                .eventually("the guardrail takes effect", || async {
                    let asked = stage.converse((account, region), "Tell me of heliotrope.").await;
                    (!asked.applied.is_empty()).then_some(asked)
                })
                .await;
            assert_eq!(harmful.stop_reason, "guardrail_intervened", "{account} {region}");
            let expected = (arn, "1".to_owned(), vec![origin.to_owned()]);
            assert!(harmful.applied.contains(&expected), "{account} {region}: {harmful:?}");
            let harmless = stage.converse((account, region), "What is our refund policy?").await;
            assert_eq!(harmless.stop_reason, "end_turn", "{account} {region}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn embedding_models_of_each_region_are_excluded_by_name() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    for region in REGIONS {
        let live = stage.enforced((ADA, region)).await.unwrap();
        let models = live.model_enforcement.unwrap();
        assert_eq!(models.included_models, ["ALL"], "{region}");
        let listed = stage
            .bedrock(ADA, region)
            .await
            .list_foundation_models()
            .by_output_modality(aws_sdk_bedrock::types::ModelModality::Embedding)
            .send()
            .await
            .unwrap();
        let embedding =
            |id: &str| listed.model_summaries().iter().any(|summary| summary.model_id == id);
        assert!(!models.excluded_models.is_empty(), "{region}");
        for id in &models.excluded_models {
            assert!(embedding(id), "{id} of {region} is no embedding model there");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_is_left_alone_and_said_so() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let done = stage.apply(0).await;
    done.line(&[GONE, "SUSPENDED"]);
    let log = stage.get("calls/log").await.to_string();
    assert!(!log.contains(GONE), "nothing was even asked there");
}
