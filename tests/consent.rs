//! What takes protection away is the text of a manifest, and nothing else, through the real binary.

#![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]

mod support;

use std::fs;

use aws_sdk_organizations::Client as Organizations;

use support::members::{GUARDRAIL, accounts, count, enforced, enforcement};
use support::{MANAGEMENT, SMALL, Stage};

const SHOP: &str = "310000000001";
const SEARCH: &str = "310000000002";
const ADA: &str = "410000000001";

async fn stage(targets: &[String]) -> Stage {
    let mut stage = Stage::start(SMALL).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &enforcement("members", targets));
    stage.apply(0).await;
    stage
}

async fn console(stage: &Stage) -> Organizations {
    Organizations::new(&stage.administrator(MANAGEMENT, "us-east-1").await)
}

/// Nothing of these accounts is taken away, however often a new process looks.
async fn stays(stage: &mut Stage, expected: &[&str], code: i32, says: &str) {
    for _ in 0..2 {
        let done = stage.apply(code).await;
        assert_eq!(enforced(stage, |_| true).await, expected, "{done}");
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains(says), "wanted: {says}\n{done}");
        assert!(done.stdout.contains("; 0 writes"), "{done}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_unit_loses_nothing() {
    let targets = ["organizationalUnit: /Workloads", "organizationalUnit: /Sandbox"];
    let mut stage = stage(&targets.map(str::to_owned)).await;
    let renamed = console(&stage).await.update_organizational_unit();
    renamed.organizational_unit_id("ou-test-workload").name("Products").send().await.unwrap();
    stays(&mut stage, &[SHOP, SEARCH, ADA], 1, "there is no organizational unit `/Workloads`")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_account_keeps_what_it_had() {
    let mut stage = stage(&["organizationalUnit: /Workloads".to_owned()]).await;
    let moved = console(&stage).await.move_account().account_id(SHOP);
    let moved =
        moved.source_parent_id("ou-test-workload").destination_parent_id("ou-test-sandbox0");
    moved.send().await.unwrap();
    stays(&mut stage, &[SHOP, SEARCH], 0, "Deselected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_a_stranger_removed_takes_nothing_away_until_the_text_releases_it() {
    let targets =
        ["accountsWithTags: {environment: production}".to_owned(), accounts([ADA]).remove(0)];
    let mut stage = stage(&targets).await;
    assert_eq!(enforced(&stage, |_| true).await, [SHOP, ADA]);
    let untagged = console(&stage).await.tag_resource().resource_id(SHOP);
    let tag = aws_sdk_organizations::types::Tag::builder().key("environment").value("other");
    untagged.tags(tag.build().unwrap()).send().await.unwrap();
    let again = console(&stage).await.tag_resource().resource_id(SEARCH);
    let tag = aws_sdk_organizations::types::Tag::builder().key("environment").value("production");
    again.tags(tag.build().unwrap()).send().await.unwrap();
    stage.apply(0).await;
    stays(&mut stage, &[SHOP, SEARCH, ADA], 0, "Deselected").await;

    let text = format!("{}  onDeselect: Release\n", enforcement("members", &targets));
    stage.manifest("members.yaml", &text);
    stage.apply(0).await;
    assert_eq!(enforced(&stage, |_| true).await, [SEARCH, ADA]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_takes_nothing_away_and_holds_what_others_give_up() {
    let mut stage = stage(&accounts([SHOP])).await;
    stage.manifest("search.yaml", &enforcement("search", &accounts([SEARCH])));
    stage.manifest("ada.yaml", &enforcement("ada", &accounts([ADA])));
    stage.apply(0).await;
    fs::remove_file(stage.folder.path().join("ada.yaml")).unwrap();
    stays(&mut stage, &[SHOP, SEARCH, ADA], 0, "the manifest of AccountEnforcement/ada is missing")
        .await;

    let absent = format!("{}  state: Absent\n", enforcement("search", &accounts([SEARCH])));
    stage.manifest("search.yaml", &absent);
    stays(&mut stage, &[SHOP, SEARCH, ADA], 3, "held (Orphaned)").await;

    // Back under another file's name: the text is what counts.
    stage.manifest("people.yaml", &enforcement("ada", &accounts([ADA])));
    stage.apply(0).await;
    assert_eq!(enforced(&stage, |_| true).await, [SHOP, ADA]);
    // What was carried out is forgotten, so that its file may go.
    fs::remove_file(stage.folder.path().join("search.yaml")).unwrap();
    let done = stage.apply(0).await;
    assert!(done.stdout.contains("0 orphans"), "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_takes_nothing_away() {
    let mut stage = stage(&accounts([SHOP, ADA])).await;
    for file in ["guardrail.yaml", "members.yaml"] {
        fs::remove_file(stage.folder.path().join(file)).unwrap();
    }
    let done = stage.apply(2).await;
    assert!(done.stderr.contains("an empty folder never means"), "{done}");
    assert_eq!(enforced(&stage, |_| true).await, [SHOP, ADA]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_target_removed_from_the_text_goes_at_once() {
    let mut stage = stage(&accounts([SHOP, SEARCH, ADA])).await;
    stage.manifest("members.yaml", &enforcement("members", &accounts([SHOP, ADA])));
    stage.plan(2).await;
    let done = stage.apply(0).await;
    assert!(done.stdout.contains("DeleteEnforcedGuardrailConfiguration"), "{done}");
    assert_eq!(enforced(&stage, |_| true).await, [SHOP, ADA]);
    stage.plan(0).await;
    assert_eq!(count(&stage).await, 2);
}

/// What a stranger does in the same hour is not in the text.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_gives_one_up_does_not_give_up_what_left_by_itself() {
    let mut targets = vec!["organizationalUnit: /Workloads".to_owned()];
    targets.extend(accounts([ADA]));
    let mut stage = stage(&targets).await;
    let moved = console(&stage).await.move_account().account_id(SHOP);
    let moved =
        moved.source_parent_id("ou-test-workload").destination_parent_id("ou-test-sandbox0");
    moved.send().await.unwrap();
    stage.manifest("members.yaml", &enforcement("members", &targets[..1]));
    stage.apply(0).await;
    assert_eq!(enforced(&stage, |_| true).await, [SHOP, SEARCH]);
}

/// The same for policies: a target and a Region that the text gave up.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_leaves_the_target_and_the_region_that_its_text_gave_up() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", &GUARDRAIL.replace("[us-east-1]", "[us-east-1, eu-west-1]"));
    let text = |regions: &str, targets: &str| {
        format!(
            "apiVersion: bedrail.dev/v1alpha1\nkind: OrganizationEnforcement\n\
             metadata: {{name: units}}\nspec: {{guardrail: baseline, regions: {regions}, targets: {targets}}}\n"
        )
    };
    let both = "[{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]";
    stage.manifest("units.yaml", &text("[us-east-1, eu-west-1]", both));
    stage.apply(0).await;
    let one = "[{organizationalUnit: /Workloads}]";
    stage.manifest("units.yaml", &text("[us-east-1, eu-west-1]", one));
    let done = stage.apply(0).await;
    assert!(done.stdout.contains("DetachPolicy"), "{done}");
    stage.manifest("units.yaml", &text("[us-east-1]", one));
    stage.put("intent", &serde_json::json!({"removals": [{"region": "eu-west-1"}]})).await;
    stage.apply(0).await;
    let world = stage.world().await.to_string();
    assert!(
        !world.contains("arn:aws:bedrock:eu-west-1:100000000001:guardrail/") || {
            let policies = stage.world().await["policies"].to_string();
            !policies.contains("eu-west-1")
        }
    );
    stage.plan(0).await;

    // A stranger attaches it elsewhere: no text ever named that.
    let world = stage.world().await;
    let policies = world["policies"].as_object().unwrap();
    let (id, _) = policies.iter().find(|(_, it)| it["type"] == "BEDROCK_POLICY").unwrap();
    let attach = console(&stage).await.attach_policy().policy_id(id).target_id(ADA);
    attach.send().await.unwrap();
    let done = stage.apply(0).await;
    assert!(done.stderr.contains("Deselected") && done.stdout.contains("; 0 writes"), "{done}");
}
