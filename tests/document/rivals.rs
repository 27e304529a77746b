//! Two controllers at once.

use std::process::Command;

use crate::support::{ADA, GUARDRAIL, SEARCH, SHOP, SMALL, Stage};

fn members(accounts: &[&str]) -> String {
    let targets: Vec<String> = accounts.iter().map(|id| format!("{{account: \"{id}\"}}")).collect();
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: AccountEnforcement\nmetadata: {{name: members}}\n\
         spec: {{guardrail: baseline, regions: [us-east-1], targets: [{}]}}\n",
        targets.join(", ")
    )
}

fn signal(stage: &mut Stage, name: &str) {
    let pid = stage.running().id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

async fn is_enforced(stage: &Stage, account: &str) -> bool {
    stage.enforced((account, "us-east-1")).await.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_another_controller_protects_on_and_takes_nothing_away() {
    let mut stage = Stage::start(SMALL).await;
    stage.intend_removal().await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("members.yaml", &members(&[SHOP, SEARCH, ADA]));
    stage.set("BEDRAIL_INSTANCE", "before");
    stage.apply(0).await;
    stage.set("BEDRAIL_INSTANCE", "first");
    stage.run().await;
    stage.at_rest().await;

    // While it sleeps, another works beside it.
    signal(&mut stage, "STOP");
    stage.delete_enforced((ADA, "us-east-1")).await;
    stage.set("BEDRAIL_INSTANCE", "second");
    stage.apply(0).await;
    assert!(is_enforced(&stage, ADA).await);
    signal(&mut stage, "CONT");
    stage.logged(&["another controller, bedrail-second", ADA]).await;

    stage.forget_log();
    stage.forget_calls().await;
    stage.manifest("members.yaml", &members(&[SHOP, SEARCH]));
    stage.logged(&[&format!("key=cell {ADA} us-east-1"), "Contested"]).await;
    stage.delete_enforced((SHOP, "us-east-1")).await;
    stage
        .eventually("what protects goes on", || async {
            is_enforced(&stage, SHOP).await.then_some(())
        })
        .await;
    assert!(is_enforced(&stage, ADA).await);
    let deleted = "bedrock:DeleteEnforcedGuardrailConfiguration";
    assert_eq!(stage.writes().await.iter().filter(|it| it.contains(deleted)).count(), 0);

    // A process that starts after both have ended finds signatures of the dead.
    stage.kill();
    stage.set("BEDRAIL_INSTANCE", "third");
    stage.apply(0).await;
    assert!(!is_enforced(&stage, ADA).await);
    stage.assert_at_rest().await;
}
