//! Who may apply a guardrail: resource policies on guardrails and on guardrail profiles.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    ADA, GUARDRAIL, MANAGEMENT, REGIONS, SANDBOX, SHOP, SMALL, Stage, WORKLOADS, edited,
};

const PLACE: (&str, &str) = (MANAGEMENT, "us-east-1");

/// A statement of somebody else's that AWS takes.
fn foreign(sid: &str, action: &str, arn: &str) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{MANAGEMENT}:root")},
        "Action": action,
        "Resource": arn,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_statements_of_a_resource_policy_stay_equal_and_in_order() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.apply(0).await;
    let arn = stage.guardrail(PLACE, "baseline").await;
    let theirs = [
        foreign("Zeta", "bedrock:ApplyGuardrail", &arn),
        foreign("Alpha", "bedrock:GetGuardrail", &arn),
    ];
    let document = json!({"Version": "2012-10-17", "Statement": theirs});
    stage.put_resource_policy("us-east-1", &arn, &document).await;

    stage.apply(0).await;
    let live = stage.resource_policy("us-east-1", &arn).await.unwrap();
    let statements = live["Statement"].as_array().unwrap();
    assert_eq!(statements[..2], theirs, "{live:#}");
    assert_eq!(statements.len(), 3, "ours is back: {live:#}");
    stage.assert_at_rest().await;

    // Sharing with nobody takes ours away and leaves theirs.
    stage.manifest(
        "guardrail.yaml",
        &edited(GUARDRAIL, "shareWith: Organization", "shareWith: None"),
    );
    stage.intend_removal().await;
    stage.apply(0).await;
    let live = stage.resource_policy("us-east-1", &arn).await.unwrap();
    assert_eq!(live["Statement"], json!(theirs));
    assert_eq!(stage.resource_policy("eu-west-1", &arn_of(&stage, "eu-west-1").await).await, None);
}

async fn arn_of(stage: &Stage, region: &str) -> String {
    stage.guardrail((MANAGEMENT, region), "baseline").await
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_with_a_unit_admits_its_accounts_and_no_others() {
    let mut stage = Stage::start(SMALL).await;
    let shared = edited(GUARDRAIL, "shareWith: Organization", "shareWith: [/Workloads]");
    stage.manifest("all.yaml", &[&shared, WORKLOADS].join("---"));
    stage.apply(0).await;
    let arn = arn_of(&stage, "us-east-1").await;
    for (account, is_admitted) in [(SHOP, true), (ADA, false)] {
        let client = stage.bedrock(account, "us-east-1").await;
        let read = client.get_guardrail().guardrail_identifier(&arn).guardrail_version("1").send();
        assert_eq!(read.await.is_ok(), is_admitted, "{account}");
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enforcement_beyond_the_sharing_is_refused_before_it_breaks_anybody() {
    let mut stage = Stage::start(SMALL).await;
    let shared = edited(GUARDRAIL, "shareWith: Organization", "shareWith: [/Workloads]");
    stage.manifest("all.yaml", &[&shared, WORKLOADS, SANDBOX].join("---"));
    let refused = stage.apply(1).await;
    refused.line(&["refused", ADA, "shareWith"]);
    for region in REGIONS {
        assert_eq!(stage.enforced_version((ADA, region)).await, None, "{region}");
    }
    assert_eq!(stage.effective(SHOP).await.len(), REGIONS.len(), "the others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_tier_guardrail_shares_its_profile_in_every_destination_region() {
    let mut stage = Stage::start(SMALL).await;
    let standard = edited(
        GUARDRAIL,
        "    contentPolicyConfig:\n",
        "    contentPolicyConfig:\n      tierConfig: {tierName: STANDARD}\n",
    );
    let auto = edited(
        &standard,
        "shareWith: Organization",
        "shareWith: Organization\n  crossRegion: Auto",
    );
    stage.manifest("all.yaml", &[&auto, WORKLOADS].join("---"));
    stage.apply(0).await;
    // The documented destinations of both geographies of AWS.
    let expected: BTreeSet<(&str, &str)> = [
        ("us.guardrail.v1:0", &["us-east-1", "us-east-2", "us-west-2"][..]),
        (
            "eu.guardrail.v1:0",
            &["eu-central-1", "eu-west-1", "eu-west-3", "eu-north-1", "eu-south-1", "eu-south-2"],
        ),
    ]
    .into_iter()
    .flat_map(|(profile, regions)| regions.iter().map(move |region| (profile, *region)))
    .collect();
    for (profile, region) in &expected {
        let arn = format!("arn:aws:bedrock:{region}:{MANAGEMENT}:guardrail-profile/{profile}");
        let policy = stage.resource_policy(region, &arn).await;
        let policy = policy.unwrap_or_else(|| panic!("no policy on {arn}"));
        assert!(policy.to_string().contains("o-exampleorg"), "{policy}");
    }
    let world = stage.world().await;
    let places = world["bedrock"].as_object().unwrap();
    let shared: usize = places
        .values()
        .filter_map(|place| place["resourcePolicies"].as_object())
        .map(|policies| policies.keys().filter(|arn| arn.contains(":guardrail-profile/")).count())
        .sum();
    assert_eq!(shared, expected.len(), "and nowhere else");
    let asked = stage
        .eventually("the guardrail takes effect", || async {
            let asked = stage.converse((SHOP, "eu-west-1"), "Tell me of heliotrope.").await;
            (!asked.applied.is_empty()).then_some(asked)
        })
        .await;
    assert_eq!(asked.stop_reason, "guardrail_intervened");
    stage.assert_at_rest().await;
}
