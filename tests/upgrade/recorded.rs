//! The world that a release left behind: as a scenario that any later simulator begins with.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::stage::{Scene, Wanted};

/// What a release converged, and with what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// Of the controller.
    pub(crate) release: String,
    /// When the world was like this.
    at: Timestamp,
    pub(crate) manifests: String,
    scenario: Value,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/worlds")
}

impl Recorded {
    /// Every release that was recorded.
    pub(crate) fn all() -> Vec<Self> {
        let entries = fs::read_dir(folder()).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
        paths.sort();
        let read = |path: PathBuf| {
            serde_json::from_str(&fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        paths.into_iter().map(read).collect()
    }

    /// The world of the dump `seen`, which is what became of `organization`.
    pub(crate) fn of(organization: &str, manifests: &str, seen: &Value, at: Timestamp) -> Self {
        let mut scenario: Value = serde_yaml::from_str(organization).unwrap();
        let types = seen["organization"]["policyTypes"].as_object().unwrap();
        let enabled = types.iter().filter(|(_, status)| **status == "ENABLED");
        scenario["policyTypes"] = enabled.map(|(kind, _)| json!(kind)).collect();
        let policies = seen["policies"].as_object().unwrap().iter();
        let ours = policies.filter(|(_, policy)| policy["awsManaged"] == false);
        scenario["policies"] = ours.map(|(id, policy)| policy_spec(seen, id, policy)).collect();
        scenario["bedrock"] = seen["bedrock"].clone();
        Self {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            manifests: manifests.to_owned(),
            scenario,
        }
    }

    /// Keeps it beside the others.
    pub(crate) fn keep(&self) -> PathBuf {
        let path = folder().join(format!("{}.json", self.release));
        fs::write(&path, serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
        path
    }

    /// The scene to go on from.
    pub(crate) fn scene(&self) -> Scene {
        Scene::at(&serde_json::from_value(self.scenario.clone()).unwrap(), self.at)
    }

    /// What it was converged with.
    pub(crate) fn wanted(&self) -> Wanted {
        let intent = json!({"owner": "default"});
        Wanted { manifests: self.manifests.clone(), intent }
    }
}

fn policy_spec(seen: &Value, id: &str, policy: &Value) -> Value {
    let attachments = seen["attachments"].as_object().unwrap().iter();
    let is_here = |ids: &Value| ids.as_array().unwrap().iter().any(|it| it == id);
    let targets: Vec<&String> =
        attachments.filter(|(_, ids)| is_here(ids)).map(|(target, _)| target).collect();
    let mut spec = Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("targets".to_owned(), json!(targets)),
        ("tags".to_owned(), seen["tags"].get(id).cloned().unwrap_or_else(|| json!({}))),
    ]);
    for member in ["name", "type", "description", "content"] {
        spec.insert(member.to_owned(), policy[member].clone());
    }
    spec.into()
}
