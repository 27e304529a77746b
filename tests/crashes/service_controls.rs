//! Service control policies change and go, killed after every call.

use serde_json::{Value, json};

use super::scenarios::{converged, intent, present};
use super::{Change, sweep_kills};

/// The manifests with a service control policy, in a state.
fn with(models: &str, state: &str) -> String {
    let control: Value = json!({
        "apiVersion": "bedrail.dev/v1alpha1", "kind": "ServiceControlPolicy",
        "metadata": {"name": "models"},
        "spec": {"approvedModels": [models], "targets": [{"organization": true}], "state": state},
    });
    format!("{}\n---\n{control}", present())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_control_policy_survives_a_kill_after_every_call() {
    // What a first one does, a change does as well.
    let first = with("amazon.*", "Present");
    let (_, world) = Change::run("a first one", converged().await, first, intent()).await;
    let (change, world) =
        Change::run("another document", world, with("anthropic.*", "Present"), intent()).await;
    sweep_kills(&change).await;
    let mut removing = intent();
    removing["removals"] = json!(["all"]);
    let (gone, _) =
        Change::run("its teardown", world, with("anthropic.*", "Absent"), removing).await;
    sweep_kills(&gone).await;
}
