//! What becomes of a guardrail: revisions, replicas, its resource policy, its old versions.

use aws_sdk_bedrock::Client as Bedrock;
use aws_sdk_bedrock::types::{GuardrailWordConfig, GuardrailWordPolicyConfig};
use serde_json::json;

use super::converged;
use crate::change::{Change, by_hand};
use crate::stage::{Scene, Wanted};
use crate::sweep::sweep;
use crate::text::{AMARANTH, Document, HELIOTROPE, ORGANIZATION, three, wanted};

fn revision() -> Change {
    Change::run("revision", &converged(), wanted(three(AMARANTH), &[HELIOTROPE, AMARANTH]))
}

#[test]
fn a_new_revision_survives_whatever_strikes_any_call() {
    let change = revision();
    assert!(change.makes("bedrock:CreateGuardrailVersion"));
    sweep(&change);
}

#[test]
fn a_rollback_survives_whatever_strikes_any_call() {
    let wanted = wanted(three(HELIOTROPE), &[AMARANTH, HELIOTROPE]);
    let change = Change::run("rollback", revision().after(), wanted);
    assert!(!change.makes("bedrock:CreateGuardrailVersion"), "{:?}", change.calls);
    sweep(&change);
}

#[test]
fn a_replica_in_a_second_region_survives_whatever_strikes_any_call() {
    let [guardrail, policy, configuration] = three(HELIOTROPE);
    let wider = guardrail.with("regions", json!(["us-east-1", "eu-west-1"]));
    let wanted = wanted([wider, policy, configuration], &[HELIOTROPE]);
    let change = Change::run("second Region", &converged(), wanted);
    assert!(change.makes("bedrock:CreateGuardrail"));
    sweep(&change);
}

/// The guardrail is enforced below one unit only, and shared no further.
#[test]
fn another_resource_policy_survives_whatever_strikes_any_call() {
    let shared = |with: serde_json::Value| {
        let guardrail = Document::guardrail(HELIOTROPE).with("shareWith", with);
        wanted([guardrail, Document::configuration("/Sandbox")], &[HELIOTROPE])
    };
    let one_unit = shared(json!(["/Sandbox"]));
    let first = Change::run("shared with a unit", &Scene::empty(ORGANIZATION), one_unit.clone());
    let wider = Change::run("shared with all", first.after(), shared(json!("Organization")));
    assert!(wider.makes("bedrock:PutResourcePolicy"));
    sweep(&wider);
    let narrower = Change::run("shared with a unit again", wider.after(), one_unit);
    assert!(narrower.makes("bedrock:PutResourcePolicy"));
    sweep(&narrower);
}

#[test]
fn an_adoption_survives_whatever_strikes_any_call() {
    let [guardrail, policy, configuration] = three(HELIOTROPE);
    let adopting = [guardrail.with("adopt", json!(true)), policy, configuration];
    let wanted = wanted(adopting, &[HELIOTROPE]).telling("adopt", json!(["baseline"]));
    let before = by_hand(&Scene::empty(ORGANIZATION), &wanted, |console| async move {
        let bedrock = Bedrock::new(&console);
        let word = GuardrailWordConfig::builder().text(HELIOTROPE).build().unwrap();
        let words = GuardrailWordPolicyConfig::builder().words_config(word).build();
        let created = bedrock
            .create_guardrail()
            .name("baseline")
            .blocked_input_messaging("Blocked by policy.")
            .blocked_outputs_messaging("Blocked by policy.")
            .word_policy_config(words);
        let arn = created.send().await.unwrap().guardrail_arn;
        publish(&bedrock, &arn).await;
    });
    let change = Change::run("adoption", &before, wanted);
    let makes_none = |it: &str| !change.makes(it);
    assert!(makes_none("bedrock:CreateGuardrail") && makes_none("bedrock:CreateGuardrailVersion"));
    sweep(&change);
}

/// One version more, as soon as AWS is ready for it.
async fn publish(bedrock: &Bedrock, arn: &str) {
    loop {
        let read = bedrock.get_guardrail().guardrail_identifier(arn).send().await.unwrap();
        if read.status.as_str() == "READY" {
            break;
        }
    }
    bedrock.create_guardrail_version().guardrail_identifier(arn).send().await.unwrap();
}

/// A revision of a guardrail of which so many old ones are kept.
fn numbered(revision: usize, kept: u8) -> Wanted {
    let words: Vec<String> = (1..=revision).map(|it| format!("word{it}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut documents = three(words[revision - 1]);
    documents[0] = documents[0].clone().with("revisionHistoryLimit", json!(kept));
    wanted(documents, &words)
}

/// The scene in which so many revisions were in force one after another.
fn revisions(count: usize, kept: u8) -> Scene {
    let first = Scene::empty(ORGANIZATION);
    (1..=count).fold(first, |scene, revision| {
        Change::run("a revision before", &scene, numbered(revision, kept)).after().clone()
    })
}

#[test]
fn the_collection_of_an_old_version_survives_whatever_strikes_any_call() {
    let change = Change::run("collection", &revisions(3, 1), numbered(4, 1));
    assert!(change.makes("bedrock:DeleteGuardrail"), "{:?}", change.calls);
    sweep(&change);
}

/// AWS keeps twenty versions of a guardrail; a stranger has published into the last places.
#[test]
fn room_made_for_a_version_survives_whatever_strikes_any_call() {
    let before = by_hand(&revisions(3, 15), &numbered(3, 15), |console| async move {
        let bedrock = Bedrock::new(&console);
        let listed = bedrock.list_guardrails().send().await.unwrap();
        let arn = listed.guardrails()[0].arn();
        for _ in 3..20 {
            publish(&bedrock, arn).await;
        }
    });
    let change = Change::run("all places taken", &before, numbered(4, 15));
    let at = |name: &str| change.calls.iter().position(|it| it.operation == name);
    let (deleted, made) = (at("bedrock:DeleteGuardrail"), at("bedrock:CreateGuardrailVersion"));
    assert!(deleted.unwrap() < made.unwrap(), "{:?}", change.calls);
    sweep(&change);
}
