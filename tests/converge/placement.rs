//! Where guardrails stand and who is enforced: placement, selectors, locks, slots of others.

use serde_json::{Value, json};

use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, REGIONS, SANDBOX, SEARCH, SHOP, SMALL, Stage, WORKLOADS, edited,
    everything, with,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_placed_in_member_accounts_is_enforced_from_each_ones_own_replica() {
    let mut stage = Stage::start(SMALL).await;
    let placed = with(GUARDRAIL, "accounts: [{organizationalUnit: /Workloads}]");
    let placed = edited(&placed, "shareWith: Organization", "shareWith: None");
    let enforced = edited(SANDBOX, "/Sandbox", "/Workloads");
    stage.manifest("all.yaml", &[&placed, enforced.as_str()].join("---"));
    stage.apply(0).await;
    for account in [SHOP, SEARCH] {
        for region in REGIONS {
            let arn = stage.guardrail((account, region), "baseline").await;
            assert!(arn.contains(account), "{arn}");
            let live = stage.enforced_version((account, region)).await;
            assert_eq!(live, Some(format!("{arn}:1")), "{account} {region}");
        }
    }
    assert!(stage.guardrails((MANAGEMENT, "us-east-1"), "baseline").await.is_empty());
    assert!(stage.guardrails((ADA, "us-east-1"), "baseline").await.is_empty());
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_select_accounts() {
    let mut stage = Stage::start(SMALL).await;
    let target = "targets: [{accountsWithTags: {environment: production}}]";
    let tagged = edited(SANDBOX, "targets: [{organizationalUnit: /Sandbox}]", target);
    stage.manifest("all.yaml", &[GUARDRAIL, tagged.as_str()].join("---"));
    stage.apply(0).await;
    assert!(stage.enforced_version((SHOP, "us-east-1")).await.is_some());
    assert_eq!(stage.enforced_version((SEARCH, "us-east-1")).await, None);
    assert_eq!(stage.enforced_version((ADA, "us-east-1")).await, None);
}

/// The document of a policy by which a member's administrator would point somewhere else.
fn document(region: &str, reference: &str) -> Value {
    json!({"bedrock": {"guardrail_inference": {region: {"config_1": {
        "identifier": {"@@assign": reference},
    }}}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn without_override_a_policy_nearer_the_account_cannot_change_the_outcome() {
    for allowed in [true, false] {
        let mut stage = Stage::start(SMALL).await;
        let enforcement = with(WORKLOADS, &format!("allowOverride: {allowed}"));
        stage.manifest("all.yaml", &[GUARDRAIL, enforcement.as_str()].join("---"));
        stage.apply(0).await;
        let place = (MANAGEMENT, "us-east-1");
        let ours = format!("{}:1", stage.guardrail(place, "baseline").await);
        let theirs = stage.create_guardrail(place, "theirs", &[]).await;
        let client = stage.bedrock(place.0, place.1).await;
        client.create_guardrail_version().guardrail_identifier(&theirs).send().await.unwrap();
        let theirs = format!("{theirs}:1");
        stage.attach("theirs", &document("us-east-1", &theirs), SHOP).await;
        // Another account of the unit has no policy of its own either way.
        let expected = if allowed { &theirs } else { &ours };
        stage
            .eventually("the effective policy says who wins", || async {
                let effective = stage.effective(SHOP).await;
                (effective.get("us-east-1") == Some(expected)).then_some(())
            })
            .await;
        assert_eq!(stage.effective(SEARCH).await.get("us-east-1"), Some(&ours));
        if allowed {
            // The last word is the stranger's, so this is never called in sync.
            stage.forget_calls().await;
            let done = stage.apply(3).await;
            done.line(&["ForeignPolicy", "`theirs`", SHOP]);
            assert_eq!(stage.writes().await, Vec::<String>::new());
        } else {
            stage.assert_at_rest().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_configuration_is_replaced_or_held_as_the_manifest_says() {
    let mut stage = Stage::start(SMALL).await;
    let place = (ADA, "us-east-1");
    let theirs = stage.create_guardrail(place, "theirs", &[]).await;
    let client = stage.bedrock(place.0, place.1).await;
    client.create_guardrail_version().guardrail_identifier(&theirs).send().await.unwrap();
    stage.ready(place, &theirs).await;
    stage.put_enforced(place, &theirs, "1").await;

    stage.manifest("all.yaml", &[GUARDRAIL, &with(SANDBOX, "onForeign: Hold")].join("---"));
    let held = stage.apply(3).await;
    held.line(&["ForeignConfiguration", &theirs]);
    assert_eq!(stage.enforced_version(place).await, Some(format!("{theirs}:1")));
    let other = stage.enforced_version((ADA, "eu-west-1")).await;
    assert!(other.is_some(), "the other Region goes on");

    stage.manifest("all.yaml", &everything());
    stage.apply(0).await;
    let ours = stage.guardrail((MANAGEMENT, "us-east-1"), "baseline").await;
    assert_eq!(stage.enforced_version(place).await, Some(format!("{ours}:1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_enforcements_that_claim_one_cell_leave_it_as_it_is_and_both_are_named() {
    let mut stage = Stage::start(SMALL).await;
    let rival = edited(SANDBOX, "name: sandbox", "name: rival");
    let rival = edited(&rival, "organizationalUnit: /Sandbox", &format!("account: \"{ADA}\""));
    stage.manifest("all.yaml", &[GUARDRAIL, SANDBOX, rival.as_str()].join("---"));
    let refused = stage.apply(1).await;
    refused.line(&["AccountEnforcement/sandbox", "`rival`", ADA]);
    refused.line(&["AccountEnforcement/rival", "`sandbox`", ADA]);
    assert_eq!(stage.enforced_version((ADA, "us-east-1")).await, None);
}
