//! Manifests, as the controller reads them and as the referee is told of them.

use serde_json::{Value, json};

use crate::stage::Wanted;

pub(crate) const ROOT: &str = "r-test";
pub(crate) const WORKLOADS: &str = "ou-test-workload";
pub(crate) const SANDBOX: &str = "ou-test-sandbox0";
pub(crate) const SHOP: &str = "310000000001";
pub(crate) const ADA: &str = "410000000001";

/// Management and two members. Statuses take a while, as AWS's do.
pub(crate) const ORGANIZATION: &str = r#"
organization: {id: o-exampleorg, rootId: r-test}
managementAccount: {id: "100000000001", name: management}
units:
  - {name: Workloads, id: ou-test-workload, accounts: [{id: "310000000001", name: shop}]}
  - {name: Sandbox, id: ou-test-sandbox0, accounts: [{id: "410000000001", name: ada}]}
switches: {ready_delay_ms: 1500, effective_policy_delay_ms: 2000, policy_type_delay_ms: 1500}
"#;

/// The word of the first content.
pub(crate) const HELIOTROPE: &str = "heliotrope";
/// The word of the second.
pub(crate) const AMARANTH: &str = "amaranth";

/// The body of CreateGuardrail that blocks a word.
pub(crate) fn content(word: &str) -> Value {
    json!({
        "blockedInputMessaging": "Blocked by policy.",
        "blockedOutputsMessaging": "Blocked by policy.",
        "wordPolicyConfig": {"wordsConfig": [{"text": word}]},
    })
}

/// A manifest.
#[derive(Clone, Debug)]
pub(crate) struct Document(Value);

impl Document {
    fn new(kind: &str, name: &str, spec: Value) -> Self {
        Self(json!({
            "apiVersion": "bedrail.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name}, "spec": spec,
        }))
    }

    /// The guardrail `baseline`, which blocks a word.
    pub(crate) fn guardrail(word: &str) -> Self {
        let spec = json!({
            "regions": ["us-east-1"], "shareWith": "Organization", "content": content(word),
        });
        Self::new("Guardrail", "baseline", spec)
    }

    /// Its enforcement by a policy on a unit.
    pub(crate) fn policy(unit: &str) -> Self {
        Self::enforcement("OrganizationEnforcement", "workloads", json!([unit_target(unit)]))
    }

    /// Its enforcement in each account of a unit.
    pub(crate) fn configuration(unit: &str) -> Self {
        Self::enforcement("AccountEnforcement", "sandbox", json!([unit_target(unit)]))
    }

    fn enforcement(kind: &str, name: &str, targets: Value) -> Self {
        let spec = json!({
            "guardrail": "baseline",
            "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": ["EMBEDDINGS"]},
            "targets": targets,
        });
        Self::new(kind, name, spec)
    }

    /// A service control policy of one form.
    pub(crate) fn control(name: &str, form: &str, value: Value, targets: Value) -> Self {
        let mut spec = json!({"targets": targets});
        spec[form] = value;
        Self::new("ServiceControlPolicy", name, spec)
    }

    /// Logs of the accounts of one unit, each in a bucket.
    pub(crate) fn logging(prefix: &str) -> Self {
        let spec = json!({
            "loggingConfig": {
                "s3Config": {"bucketName": "logs-${account}-${region}", "keyPrefix": prefix},
            },
            "regions": ["us-east-1"],
            "targets": [unit_target("/Workloads")],
        });
        Self::new("InvocationLogging", "invocations", spec)
    }

    /// The same with a member of its spec.
    pub(crate) fn with(mut self, member: &str, value: Value) -> Self {
        self.0["spec"][member] = value;
        self
    }

    /// The same, given up.
    pub(crate) fn absent(self) -> Self {
        self.with("state", json!("Absent"))
    }

    /// The same under another name.
    pub(crate) fn renamed(mut self, name: &str) -> Self {
        let former = self.0["metadata"]["name"].take();
        self.0["metadata"] = json!({"name": name, "formerNames": [former]});
        self
    }
}

pub(crate) fn unit_target(unit: &str) -> Value {
    json!({"organizationalUnit": unit})
}

pub(crate) fn account_target(account: &str) -> Value {
    json!({"account": account})
}

/// What these documents want, of a guardrail that has had these contents, the last of which it is
/// to have now.
pub(crate) fn wanted(documents: impl IntoIterator<Item = Document>, words: &[&str]) -> Wanted {
    let documents: Vec<String> = documents.into_iter().map(|it| it.0.to_string()).collect();
    let contents: Vec<Value> = words.iter().map(|word| content(word)).collect();
    let intent = json!({
        "owner": "default",
        "content": {"baseline": contents.last()},
        "orderedContents": {"baseline": contents},
    });
    Wanted { manifests: documents.join("\n---\n"), intent }
}

impl Wanted {
    /// The same, with more said to the referee.
    pub(crate) fn telling(mut self, member: &str, value: Value) -> Self {
        self.intent[member] = value;
        self
    }
}

/// A guardrail that blocks a word, enforced on one unit by a policy and in the account of the other
/// by its configuration.
pub(crate) fn three(word: &str) -> [Document; 3] {
    [Document::guardrail(word), Document::policy("/Workloads"), Document::configuration("/Sandbox")]
}
