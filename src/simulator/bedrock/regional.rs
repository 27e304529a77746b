//! What Bedrock holds in one account and Region.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::call::{Failure, Millis};
use super::super::switches::Switches;
use super::failure::conflict;
use super::guardrail::{Guardrail, Read, Version};
use super::timestamp::iso8601;

/// What Bedrock holds in one account and Region.
#[derive(Clone, Debug, Default)]
pub struct Regional {
    /// By id; deleted ones included while reads lag.
    pub(crate) guardrails: BTreeMap<String, Guardrail>,
    pub(crate) enforced: Option<Enforced>,
    pub(super) policies: BTreeMap<String, ResourcePolicy>,
    pub(super) logging: Option<Value>,
    tokens: BTreeMap<(&'static str, String), Arc<Remembered>>,
}

/// The enforced configuration of an account in a Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// `configId`.
    pub config: String,
    /// ARN of the guardrail, without a version.
    pub guardrail: String,
    /// The numeric version.
    pub version: u32,
    /// `selectiveContentGuarding` as sent.
    pub selective: Option<Value>,
    /// `modelEnforcement` as sent.
    pub models: Option<Value>,
    /// When it was first put, and by whom.
    pub created: Stamp,
    /// When it was last put, and by whom.
    pub updated: Stamp,
}

/// When and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: Millis,
    /// ARN of the caller.
    pub by: String,
}

/// A resource policy: the text as stored, and what it says.
#[derive(Clone, Debug)]
pub(super) struct ResourcePolicy {
    pub(super) text: String,
    pub(super) document: Value,
}

/// The first answer to a client request token.
#[derive(Debug)]
struct Remembered {
    parameters: Value,
    answer: Value,
}

impl Regional {
    /// A guardrail that exists.
    pub fn guardrail(&self, id: &str) -> Option<&Guardrail> {
        self.guardrails.get(id).filter(|guardrail| guardrail.deleted_at.is_none())
    }

    /// Whether a read at `at` still shows a version that is gone, or whose guardrail is.
    pub(crate) fn shows_gone(
        &self,
        (id, number): (&str, u32),
        at: Millis,
        switches: &Switches,
    ) -> bool {
        let read = Read::new(at, switches);
        let exists = |it: &Guardrail| it.deleted_at.is_none() && it.version(number).is_some();
        self.readable(id, read).is_some_and(|guardrail| {
            !exists(guardrail) && guardrail.readable_version(number, read).is_some()
        })
    }

    /// Every guardrail that exists.
    pub fn guardrails(&self) -> impl Iterator<Item = &Guardrail> {
        self.guardrails.values().filter(|guardrail| guardrail.deleted_at.is_none())
    }

    /// The account-level enforcement.
    pub fn enforced(&self) -> Option<&Enforced> {
        self.enforced.as_ref()
    }

    /// The policy on a guardrail or guardrail profile, parsed.
    pub fn resource_policy(&self, arn: &str) -> Option<&Value> {
        self.policies.get(arn).map(|policy| &policy.document)
    }

    /// Puts the text of a policy on a guardrail or guardrail profile; without one, takes it off.
    pub(in crate::simulator) fn set_resource_policy(&mut self, arn: &str, text: Option<&str>) {
        match text.and_then(|text| Some((text, serde_json::from_str(text).ok()?))) {
            Some((text, document)) => {
                let policy = ResourcePolicy { text: text.to_owned(), document };
                self.policies.insert(arn.to_owned(), policy);
            }
            None => {
                self.policies.remove(arn);
            }
        }
    }

    /// The model invocation logging configuration.
    pub fn logging(&self) -> Option<&Value> {
        self.logging.as_ref()
    }

    /// Everything, for a person to read.
    pub fn dump(&self) -> Value {
        let guardrails: Vec<Value> = self.guardrails().map(dump_guardrail).collect();
        let policies: BTreeMap<&str, &Value> =
            self.policies.iter().map(|(arn, policy)| (arn.as_str(), &policy.document)).collect();
        json!({
            "guardrails": guardrails,
            "enforced": self.enforced.as_ref().map(Enforced::dump),
            "resourcePolicies": policies,
            "logging": self.logging,
        })
    }

    pub(super) fn guardrail_mut(&mut self, id: &str) -> Option<&mut Guardrail> {
        self.guardrails.get_mut(id).filter(|guardrail| guardrail.deleted_at.is_none())
    }

    pub(super) fn readable(&self, id: &str, read: Read) -> Option<&Guardrail> {
        self.guardrails.get(id).filter(|guardrail| read.shows(guardrail.deleted_at))
    }

    pub(super) fn readable_guardrails(&self, read: Read) -> impl Iterator<Item = &Guardrail> {
        self.guardrails.values().filter(move |guardrail| read.shows(guardrail.deleted_at))
    }

    /// Forgets the deleted guardrails and versions that no read shows any more.
    pub(super) fn purge(&mut self, read: Read) {
        self.guardrails.retain(|_, guardrail| read.shows(guardrail.deleted_at));
        for guardrail in self.guardrails.values_mut() {
            guardrail.versions.retain(|_, version| read.shows(version.deleted_at));
        }
    }

    /// The first answer to `token`, if the operation saw it with the same parameters.
    pub(super) fn replay(
        &self,
        operation: &'static str,
        token: Option<&str>,
        parameters: &Value,
    ) -> Result<Option<Value>, Failure> {
        let Some(token) = token else { return Ok(None) };
        match self.tokens.get(&(operation, token.to_owned())) {
            Some(first) if first.parameters == *parameters => Ok(Some(first.answer.clone())),
            Some(_) => {
                Err(conflict("The clientRequestToken was already used with different parameters"))
            }
            None => Ok(None),
        }
    }

    /// Remembers the first answer to `token`, for ever: what it named may be deleted meanwhile.
    pub(super) fn remember(
        &mut self,
        operation: &'static str,
        token: Option<String>,
        parameters: Value,
        answer: Value,
    ) {
        if let Some(token) = token {
            self.tokens.insert((operation, token), Arc::new(Remembered { parameters, answer }));
        }
    }
}

impl Enforced {
    fn dump(&self) -> Value {
        json!({
            "configId": self.config,
            "guardrail": format!("{}:{}", self.guardrail, self.version),
            "selectiveContentGuarding": self.selective,
            "modelEnforcement": self.models,
            "updatedAt": iso8601(self.updated.at),
            "updatedBy": self.updated.by,
        })
    }
}

fn dump_guardrail(guardrail: &Guardrail) -> Value {
    let versions: BTreeMap<String, Value> = guardrail
        .live_versions()
        .map(|(number, version)| (number.to_string(), dump_version(version)))
        .collect();
    json!({
        "id": guardrail.id,
        "arn": guardrail.arn,
        "name": guardrail.name(),
        "tags": guardrail.tags,
        "createdAt": iso8601(guardrail.created_at),
        "updatedAt": iso8601(guardrail.updated_at),
        "draft": guardrail.draft.body,
        "versions": versions,
    })
}

fn dump_version(version: &Version) -> Value {
    json!({
        "description": version.description,
        "createdAt": iso8601(version.created_at),
        "content": version.content.body,
    })
}
