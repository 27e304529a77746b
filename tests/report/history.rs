//! What the journal says of the past, and whether it can be believed.

use super::support::{ADA, SMALL, Stage, everything};
use super::{in_effect, json, report};

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_told_with_who_did_it_and_a_journal_that_was_changed_is_called_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    stage.set("BEDRAIL_JOURNAL", path.to_str().unwrap());
    stage.run().await;
    stage.at_rest().await;
    in_effect(&stage).await;
    stage.delete_enforced((ADA, "us-east-1")).await;
    stage
        .eventually("the cell is enforced again", || async {
            stage.enforced((ADA, "us-east-1")).await.map(|_| ())
        })
        .await;
    stage.at_rest().await;
    stage.kill();

    let found = json(&mut stage, 0, &[]).await;
    let history = &found["history"];
    assert_eq!(history["integrity"]["result"], "Unbroken", "{history:#}");
    let drift = history["drift"].as_array().unwrap();
    assert_eq!(drift.len(), 1, "{history:#}");
    assert_eq!(drift[0]["operation"], "bedrock:PutEnforcedGuardrailConfiguration");
    assert_eq!((&drift[0]["account"], &drift[0]["isCorrected"]), (&ADA.into(), &true.into()));
    assert!(history["writes"].as_u64().unwrap() > 1);
    let late = json(&mut stage, 0, &["--since", "0s"]).await;
    assert_eq!(late["history"]["writes"], 0);
    let html = report(&mut stage, 0, &[]).await.stdout;
    assert!(html.contains("is unbroken") && html.contains("PutEnforcedGuardrailConfiguration"));

    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"Drift\"", "\"Manifest\"", 1)).unwrap();
    let controls = folder.path().join("controls.yaml");
    std::fs::write(&controls, "controls: [{id: past, covers: [journal, drift]}]\n").unwrap();
    let found = json(&mut stage, 0, &["--controls", controls.to_str().unwrap()]).await;
    assert_eq!(found["history"]["integrity"]["result"], "Broken", "{found:#}");
    assert_eq!(found["controls"][0]["standing"], "NotMet");
    let html = report(&mut stage, 0, &[]).await.stdout;
    assert!(html.contains("BROKEN") && html.contains("it was changed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_not_there_is_an_error_and_no_clean_past() {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("all.yaml", &everything());
    let done = report(&mut stage, 1, &["--journal", "/nowhere/journal.jsonl"]).await;
    assert_eq!(done.stdout, "");
    done.line(&["no journal at /nowhere"]);
}
