//! Members under one account enforcement, and what stands in their slots.

use serde_json::Value;

use super::Stage;

/// A guardrail in one Region, shared with all.
pub(crate) const GUARDRAIL: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: Guardrail
metadata: {name: baseline}
spec:
  regions: [us-east-1]
  shareWith: Organization
  content:
    blockedInputMessaging: Blocked by policy.
    blockedOutputsMessaging: Blocked by policy.
    wordPolicyConfig: {wordsConfig: [{text: heliotrope}]}
";

/// An account enforcement of that guardrail on these targets, one a line.
pub(crate) fn enforcement(name: &str, targets: &[String]) -> String {
    let targets: String = targets.iter().map(|target| format!("    - {target}\n")).collect();
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: AccountEnforcement\nmetadata: {{name: {name}}}\n\
         spec:\n  guardrail: baseline\n  targets:\n{targets}"
    )
}

/// Accounts as targets.
pub(crate) fn accounts(ids: impl IntoIterator<Item = impl std::fmt::Display>) -> Vec<String> {
    ids.into_iter().map(|id| format!("account: \"{id}\"")).collect()
}

/// Account and guardrail version of every enforced configuration.
pub(crate) fn slots(world: &Value) -> Vec<(String, String)> {
    let places = world["bedrock"].as_object().unwrap().iter();
    places
        .filter_map(|(place, regional)| {
            let (account, _) = place.split_once('/').unwrap();
            let guardrail = regional["enforced"]["guardrail"].as_str()?;
            Some((account.to_owned(), guardrail.to_owned()))
        })
        .collect()
}

/// The accounts that have an enforced configuration of which `is` is true, in order.
pub(crate) async fn enforced(stage: &Stage, is: impl Fn(&str) -> bool) -> Vec<String> {
    let slots = slots(&stage.world().await).into_iter();
    slots.filter(|(_, arn)| is(arn)).map(|(account, _)| account).collect()
}

/// How many accounts have an enforced configuration.
pub(crate) async fn count(stage: &Stage) -> usize {
    enforced(stage, |_| true).await.len()
}
