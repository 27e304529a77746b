//! Service control policies from manifests, through the real binary, in an organization like a
//! landing zone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure of a test")]

mod changes;
mod continued;
mod drift;
mod five_kinds;
mod landing;
mod lockout;
mod removal;
mod room;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use support::Stage;

pub(crate) const ROOT: &str = "r-test";
pub(crate) const WORKLOADS: &str = "ou-test-workload";
pub(crate) const PROD: &str = "ou-test-prod0000";
pub(crate) const SANDBOX: &str = "ou-test-sandbox0";

pub(crate) const AUDIT: &str = "200000000001";
pub(crate) const SHOP: &str = "310000000001";
pub(crate) const ADA: &str = "410000000001";

/// Root: Security, Infrastructure, Workloads with Prod, Test and Dev, Sandbox, Suspended. Somebody
/// denies the root user at the top.
pub(crate) const LANDING_ZONE: &str = r#"
organization: {id: o-exampleorg, rootId: r-test}
managementAccount: {id: "100000000001", name: management}
units:
  - {name: Security, id: ou-test-security, accounts: [{id: "200000000001", name: audit}]}
  - {name: Infrastructure, id: ou-test-infrastr, accounts: [{id: "220000000001", name: network}]}
  - name: Workloads
    id: ou-test-workload
    units:
      - {name: Prod, id: ou-test-prod0000, accounts: [{id: "310000000001", name: shop}]}
      - {name: Test, id: ou-test-test0000, accounts: [{id: "310000000002", name: shop-test}]}
      - {name: Dev, id: ou-test-dev00000, accounts: [{id: "310000000003", name: shop-dev}]}
  - {name: Sandbox, id: ou-test-sandbox0, accounts: [{id: "410000000001", name: ada}]}
  - name: Suspended
    id: ou-test-suspende
    accounts: [{id: "510000000001", name: old, state: SUSPENDED}]
policies:
  - name: no-root-user
    id: p-norootuser
    type: SERVICE_CONTROL_POLICY
    content: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "*", Resource: "*", Condition: {StringLike: {"aws:PrincipalArn": "arn:aws:iam::*:root"}}}]}
    targets: [root]
switches: {ready_delay_ms: 30, effective_policy_delay_ms: 20, policy_type_delay_ms: 20}
"#;

/// Only these models, everywhere below the root.
pub(crate) const MODELS: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: models}
spec:
  approvedModels: [amazon.nova-*]
  targets: [{organization: true}]
";

/// Nobody but us changes what is enforced below Workloads and Sandbox.
pub(crate) const PROTECTION: &str = r"
apiVersion: bedrail.dev/v1alpha1
kind: ServiceControlPolicy
metadata: {name: protection}
spec:
  protectEnforcement: {exemptRoles: [BreakGlass]}
  targets: [{organizationalUnit: /Workloads}, {organizationalUnit: /Sandbox}]
";

/// A manifest with a document of its own.
pub(crate) fn written(name: &str, document: &Value, targets: &str) -> String {
    format!(
        "apiVersion: bedrail.dev/v1alpha1\nkind: ServiceControlPolicy\nmetadata: {{name: {name}}}\n\
         spec:\n  document: {document}\n  targets: [{targets}]\n"
    )
}

/// A document that denies one action.
pub(crate) fn denies(action: &str) -> Value {
    json!({"Version": "2012-10-17",
        "Statement": [{"Sid": "No", "Effect": "Deny", "Action": action, "Resource": "*"}]})
}

/// One service control policy as it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Control {
    pub(crate) id: String,
    pub(crate) content: Value,
    pub(crate) targets: BTreeSet<String>,
}

/// Every service control policy that is not AWS's, by name.
pub(crate) async fn controls(stage: &Stage) -> BTreeMap<String, Control> {
    let world = stage.world().await;
    let attachments = world["attachments"].as_object().unwrap();
    let policies = world["policies"].as_object().unwrap().iter();
    policies
        .filter(|(_, it)| it["type"] == json!("SERVICE_CONTROL_POLICY"))
        .filter(|(_, it)| it["awsManaged"] == json!(false))
        .map(|(id, policy)| {
            let is_there = |ids: &Value| ids.as_array().unwrap().iter().any(|it| it == id);
            let targets = attachments.iter().filter(|(_, ids)| is_there(ids));
            let control = Control {
                id: id.clone(),
                content: policy["content"].clone(),
                targets: targets.map(|(target, _)| target.clone()).collect(),
            };
            (policy["name"].as_str().unwrap().to_owned(), control)
        })
        .collect()
}

/// The one policy of a manifest.
pub(crate) async fn control(stage: &Stage, manifest: &str) -> Control {
    let prefix = format!("bedrail-default-{manifest}.scp");
    let found: Vec<Control> = controls(stage)
        .await
        .into_iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(_, control)| control)
        .collect();
    let [one] = found.as_slice() else { panic!("{manifest}: {found:#?}") };
    one.clone()
}

/// Targets.
pub(crate) fn at<const N: usize>(targets: [&str; N]) -> BTreeSet<String> {
    targets.map(str::to_owned).into()
}

/// The policies of others on the landing zone, which nobody has touched.
pub(crate) async fn assert_strangers_stay(stage: &Stage) {
    let controls = controls(stage).await;
    let theirs = &controls["no-root-user"];
    assert_eq!((theirs.id.as_str(), &theirs.targets), ("p-norootuser", &at([ROOT])));
    let world = stage.world().await;
    let attachments = world["attachments"].as_object().unwrap();
    for (target, ids) in attachments {
        let has_full = ids.as_array().unwrap().contains(&json!("p-FullAWSAccess"));
        assert!(has_full, "FullAWSAccess left {target}");
    }
}
