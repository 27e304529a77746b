//! What an account holds in a Region from the start, in the members in which the dump of a world
//! shows it: what one simulator ended with, another can begin with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::call::Millis;
use super::content::Content;
use super::guardrail::{Guardrail, Settling, Version};
use super::reference::Place;
use super::regional::{Enforced, Regional, ResourcePolicy, Stamp};
use super::rules;

/// What an account holds in a Region. Everything has been READY for long.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Recorded {
    guardrails: Vec<RecordedGuardrail>,
    enforced: Option<RecordedEnforced>,
    resource_policies: BTreeMap<String, Value>,
    logging: Option<Value>,
}

/// A guardrail; its name is a member of its draft.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordedGuardrail {
    id: String,
    created_at: String,
    updated_at: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    draft: Map<String, Value>,
    #[serde(default)]
    versions: BTreeMap<u32, RecordedVersion>,
}

/// A version of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RecordedVersion {
    #[serde(default)]
    description: Option<String>,
    created_at: String,
    content: Map<String, Value>,
}

/// The enforced configuration. It was first put when it was last.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RecordedEnforced {
    config_id: String,
    /// `ARN:VERSION`.
    guardrail: String,
    #[serde(default)]
    selective_content_guarding: Option<Value>,
    #[serde(default)]
    model_enforcement: Option<Value>,
    updated_at: String,
    updated_by: String,
}

impl Recorded {
    /// The same as the simulator keeps it. An error says what cannot be.
    pub(in super::super) fn build(&self, place: Place<'_>) -> Result<Regional, String> {
        let mut regional = Regional::default();
        regional.logging.clone_from(&self.logging);
        for recorded in &self.guardrails {
            let guardrail = recorded.build(place)?;
            regional.guardrails.insert(guardrail.id.clone(), guardrail);
        }
        regional.enforced = self.enforced.as_ref().map(RecordedEnforced::build).transpose()?;
        let policies = self.resource_policies.iter().map(|(arn, document)| {
            let text = document.to_string();
            (arn.clone(), ResourcePolicy { text, document: document.clone() })
        });
        regional.policies = policies.collect();
        Ok(regional)
    }
}

impl RecordedGuardrail {
    fn build(&self, place: Place<'_>) -> Result<Guardrail, String> {
        let created_at = millis(&self.created_at)?;
        let versions: Result<BTreeMap<u32, Version>, String> = self
            .versions
            .iter()
            .map(|(number, version)| Ok((*number, version.build(place)?)))
            .collect();
        let versions = versions?;
        Ok(Guardrail {
            arn: place.arn(&format!("guardrail/{}", self.id)),
            id: self.id.clone(),
            created_at,
            updated_at: millis(&self.updated_at)?,
            draft: content(place, &self.draft)?,
            settling: Settling::ready(created_at),
            last_number: versions.keys().next_back().copied().unwrap_or(0),
            versions,
            tags: self.tags.clone(),
            deleted_at: None,
        })
    }
}

impl RecordedVersion {
    fn build(&self, place: Place<'_>) -> Result<Version, String> {
        let created_at = millis(&self.created_at)?;
        Ok(Version {
            content: content(place, &self.content)?,
            description: self.description.clone(),
            created_at,
            settling: Settling::ready(created_at),
            deleted_at: None,
        })
    }
}

impl RecordedEnforced {
    fn build(&self) -> Result<Enforced, String> {
        let wrong = || format!("`{}` is not an ARN and a version", self.guardrail);
        let (guardrail, version) = self.guardrail.rsplit_once(':').ok_or_else(wrong)?;
        let put = Stamp { at: millis(&self.updated_at)?, by: self.updated_by.clone() };
        Ok(Enforced {
            config: self.config_id.clone(),
            guardrail: guardrail.to_owned(),
            version: version.parse().map_err(|_| wrong())?,
            selective: self.selective_content_guarding.clone(),
            models: self.model_enforcement.clone(),
            created: put.clone(),
            updated: put,
        })
    }
}

fn content(place: Place<'_>, body: &Map<String, Value>) -> Result<Arc<Content>, String> {
    rules::content(place, body.clone()).map(Arc::new).map_err(|failure| failure.message)
}

fn millis(text: &str) -> Result<Millis, String> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let millis = parsed.ok().and_then(|it| Millis::try_from(it.as_millisecond()).ok());
    millis.ok_or_else(|| format!("`{text}` is not a date"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLACE: Place<'_> =
        Place { partition: "aws", region: "us-east-1", account: "111122223333" };

    fn recorded() -> Value {
        let content = json!({
            "name": "baseline",
            "blockedInputMessaging": "No.",
            "blockedOutputsMessaging": "No.",
            "wordPolicyConfig": {"wordsConfig": [{"text": "heliotrope"}]},
        });
        let arn = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";
        let at = "2026-01-05T10:00:00.000000Z";
        json!({
            "guardrails": [{
                "id": "abc123abc123", "arn": arn, "name": "baseline", "tags": {"team": "security"},
                "createdAt": at, "updatedAt": at, "draft": content,
                "versions": {"2": {"description": "the second", "createdAt": at, "content": content}},
            }],
            "enforced": {
                "configId": "config1", "guardrail": format!("{arn}:2"),
                "selectiveContentGuarding": null, "modelEnforcement": {"includedModels": ["ALL"]},
                "updatedAt": at, "updatedBy": "arn:aws:iam::111122223333:user/administrator",
            },
            "resourcePolicies": {arn: {"Version": "2012-10-17", "Statement": []}},
            "logging": {"s3Config": {"bucketName": "logs"}},
        })
    }

    fn build(recorded: Value) -> Result<Regional, String> {
        let recorded: Recorded = serde_json::from_value(recorded).map_err(|it| it.to_string())?;
        recorded.build(PLACE)
    }

    #[test]
    fn what_is_recorded_is_shown_again() {
        assert_eq!(build(recorded()).unwrap().dump(), recorded());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let rows = [
            ("/guardrails/0/createdAt", json!("yesterday"), "`yesterday` is not a date"),
            ("/enforced/guardrail", json!("arn"), "`arn` is not an ARN and a version"),
        ];
        for (path, value, expected) in rows {
            let mut wrong = recorded();
            *wrong.pointer_mut(path).unwrap() = value;
            let said = build(wrong).err().unwrap_or_default();
            assert!(said.contains(expected), "{path}: {said}");
        }
    }
}
