//! Guardrails that member accounts have for themselves.

use serde_json::json;

use crate::REGIONS;
use crate::support::{ADA, MANAGEMENT, SEARCH, SHOP, SMALL, Stage, words};

const EAST: &str = "us-east-1";
const WEST: &str = "eu-west-1";

/// Makes a guardrail called `local` that blocks a word, publishes it and enforces it there.
async fn enforce_own(stage: &Stage, place: (&str, &str), word: &str) -> String {
    let client = stage.bedrock(place.0, place.1).await;
    let request = client.create_guardrail().name("local").word_policy_config(words(&[word]));
    let request = request.blocked_input_messaging("No.").blocked_outputs_messaging("No.");
    let arn = request.send().await.unwrap().guardrail_arn;
    stage.ready(place, &arn).await;
    stage.publish(place, &arn).await;
    stage.put_enforced(place, &arn, "1").await;
    arn
}

fn file(stage: &Stage, name: &str) -> String {
    std::fs::read_to_string(stage.folder.path().join(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_members_enforce_of_their_own_is_written_with_its_accounts_and_only_marked() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["local"]})).await;
    for account in [SHOP, SEARCH] {
        for region in [EAST, WEST] {
            enforce_own(&stage, (account, region), "heliotrope").await;
        }
    }
    // One that says something else, one that nobody enforces, and one of the same name at home.
    enforce_own(&stage, (ADA, EAST), "vermilion").await;
    let of_an_application = stage.create_guardrail((SHOP, EAST), "application", &[]).await;
    stage.publish((SHOP, EAST), &of_an_application).await;
    let home = stage.create_guardrail((MANAGEMENT, EAST), "local", &[]).await;
    stage.publish((MANAGEMENT, EAST), &home).await;
    let before = stage.world().await;

    stage.forget_calls().await;
    let done = stage.import(&[REGIONS], 0).await;
    assert_eq!(stage.writes().await, Vec::<String>::new(), "an import writes nothing to AWS");
    done.line(&["3 guardrails, 0 organization policies, 2 account enforcements", "0 left"]);
    let at_home = file(&stage, "guardrail-local.yaml");
    assert!(!at_home.contains("accounts:"), "{at_home}");
    let shared = file(&stage, "guardrail-local-accounts.yaml");
    let accounts = format!(
        "  accounts:\n    - account: \"{SHOP}\"  # shop\n    - account: \"{SEARCH}\"  # search\n"
    );
    assert!(shared.contains("guardrailName: local") && shared.contains(&accounts), "{shared}");
    let single = file(&stage, &format!("guardrail-local-{ADA}.yaml"));
    assert!(single.contains("vermilion") && single.contains(ADA), "{single}");

    stage.validate(0).await;
    let planned = stage.plan(2).await;
    planned.line(&["Plan: 0 to create, 6 to update, 0 to delete; 0 held; 6 API writes"]);
    stage.forget_calls().await;
    stage.apply(0).await;
    let mut writes = stage.writes().await;
    writes.sort();
    let tagged = [
        (MANAGEMENT, EAST),
        (SHOP, WEST),
        (SHOP, EAST),
        (SEARCH, WEST),
        (SEARCH, EAST),
        (ADA, EAST),
    ];
    assert_eq!(
        writes,
        tagged.map(|(account, region)| format!("bedrock:TagResource {account} {region}"))
    );
    stage.assert_at_rest().await;

    // All of them stand as they did, and what an application has is still nobody's.
    let after = stage.world().await;
    for (account, region) in tagged {
        let place = format!("{account}/{region}");
        let enforced = |world: &serde_json::Value| world["bedrock"][&place]["enforced"].clone();
        assert_eq!(enforced(&after), enforced(&before), "{place}");
    }
    let guardrails = after["bedrock"][format!("{SHOP}/{EAST}")]["guardrails"].as_array().unwrap();
    let application = guardrails.iter().find(|it| it["name"] == "application").unwrap();
    assert_eq!(application["tags"], json!({}));

    // And are kept so from now on: here as what they are, and there when their text changes.
    stage.delete_enforced((SEARCH, WEST)).await;
    let changed = file(&stage, "guardrail-local-accounts.yaml").replace("heliotrope", "turnsole");
    stage.manifest("guardrail-local-accounts.yaml", &changed);
    stage.apply(0).await;
    for place in [(SHOP, EAST), (SHOP, WEST), (SEARCH, EAST), (SEARCH, WEST)] {
        let own = stage.guardrail(place, "local").await;
        assert_eq!(stage.enforced_version(place).await, Some(format!("{own}:2")), "{place:?}");
    }
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_what_is_ours_already_changes_nothing_at_all() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["local"]})).await;
    for account in [SHOP, SEARCH] {
        enforce_own(&stage, (account, EAST), "heliotrope").await;
    }
    stage.import(&[REGIONS], 0).await;
    stage.apply(0).await;
    let first = file(&stage, "guardrail-local.yaml");
    stage.import(&[REGIONS, "--force"], 0).await;
    assert_eq!(file(&stage, "guardrail-local.yaml"), first);
    stage.assert_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_cannot_be_read_are_said() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend(json!({"adopt": ["local"]})).await;
    for account in [SHOP, ADA] {
        enforce_own(&stage, (account, EAST), "heliotrope").await;
    }
    stage
        .faults(json!([{"kind": "Denied", "operation": "bedrock:ListGuardrails", "account": ADA}]))
        .await;
    let done = stage.import(&[REGIONS], 1).await;
    done.line(&["could not read the guardrails of", ADA, EAST]);
    done.line(&["left", "enforced configuration", ADA, "is not imported"]);
    let text = file(&stage, "guardrail-local.yaml");
    assert!(text.contains("INCOMPLETE") && text.contains(SHOP), "{text}");
    stage.validate(0).await;
}
