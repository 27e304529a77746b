//! An enforcement that is called otherwise now.

use crate::EVERYWHERE;
use crate::support::{GUARDRAIL, SHOP, SMALL, Stage, edited};

const OLD: &str = "bedrail-default-everywhere";
const NEW: &str = "bedrail-default-all-accounts";

async fn stage() -> Stage {
    let mut stage = Stage::start(SMALL).await;
    stage.manifest("guardrail.yaml", GUARDRAIL);
    stage.manifest("everywhere.yaml", EVERYWHERE);
    stage.apply(0).await;
    stage.assert_at_rest().await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_name_keeps_the_policy_attached_under_its_id() {
    let mut stage = stage().await;
    let (id, document) = stage.policy(OLD).await;
    let targets = stage.targets(&id).await;
    stage.remove("everywhere.yaml");
    let name = "{name: all-accounts, formerNames: [everywhere]}";
    stage.manifest("all.yaml", &edited(EVERYWHERE, "{name: everywhere}", name));
    stage.forget_calls().await;
    stage.apply(0).await;
    let writes = stage.writes().await;
    for operation in ["CreatePolicy", "AttachPolicy", "DetachPolicy", "DeletePolicy"] {
        assert!(!writes.iter().any(|it| it.contains(operation)), "{writes:?}");
    }
    assert_eq!(stage.policy(NEW).await, (id.clone(), document));
    assert_eq!(stage.targets(&id).await, targets);
    assert_eq!(stage.policies().await.len(), 1);
    stage.assert_at_rest().await;

    // Once it is handed over the former name need not be written any more.
    stage.manifest("all.yaml", &edited(EVERYWHERE, "{name: everywhere}", "{name: all-accounts}"));
    stage.assert_at_rest().await;

    // And it can be taken down under its new name.
    stage.intend_removal().await;
    stage.manifest(
        "all.yaml",
        &edited(
            &edited(EVERYWHERE, "{name: everywhere}", "{name: all-accounts}"),
            "spec:\n",
            "spec:\n  state: Absent\n",
        ),
    );
    stage.apply(0).await;
    assert!(stage.policies().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_gone_without_a_trace_leaves_an_orphan_and_loses_nothing() {
    let mut stage = stage().await;
    let (id, document) = stage.policy(OLD).await;
    let before = stage.effective(SHOP).await;
    stage.remove("everywhere.yaml");
    stage.manifest("all.yaml", &edited(EVERYWHERE, "{name: everywhere}", "{name: all-accounts}"));
    let done = stage.apply(0).await;
    done.line(&["orphan", OLD, "no manifest describes it"]);
    assert_eq!(stage.policy(OLD).await, (id.clone(), document.clone()));
    assert_eq!(stage.policy(NEW).await.1, document);
    assert!(!stage.targets(&id).await.is_empty());
    assert_eq!(stage.effective(SHOP).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_enforcement_hands_its_cells_over_too() {
    let mut stage = Stage::start(SMALL).await;
    let text = "
apiVersion: bedrail.dev/v1alpha1
kind: AccountEnforcement
metadata: {name: members}
spec: {guardrail: baseline, targets: [{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]}
";
    stage.manifest("all.yaml", &[GUARDRAIL, text].join("---"));
    stage.apply(0).await;
    let named = edited(text, "{name: members}", "{name: people, formerNames: [members]}");
    stage.manifest("all.yaml", &[GUARDRAIL, &named].join("---"));
    stage.forget_calls().await;
    stage.apply(0).await;
    let writes = stage.writes().await;
    assert!(!writes.iter().any(|it| it.contains("Enforced")), "{writes:?}");
    stage.assert_at_rest().await;
    // What the text gives up under its new name is given up.
    stage.intend_removal().await;
    let named = edited(text, "{name: members}", "{name: people}");
    let named = edited(&named, ", {organizationalUnit: /Sandbox}", "");
    stage.manifest("all.yaml", &[GUARDRAIL, &named].join("---"));
    stage.apply(3).await.line(&["held", "ChangeGuard"]);
    stage.manifest(
        "all.yaml",
        &[GUARDRAIL, &edited(&named, "]}\n", "], state: Absent}\n")].join("---"),
    );
    stage.apply(3).await.line(&["held", "ChangeGuard"]);
}
