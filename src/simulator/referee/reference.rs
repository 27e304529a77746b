//! A reference to a version of a guardrail, and whether an account can apply what it names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::bedrock::{self, Context, Enforced, permit_guardrail};
use super::super::call::{Caller, Millis};
use super::super::identity::Access;
use super::super::world::World;

/// A guardrail and a version, as an enforced configuration or an organization document names them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// Without a version.
    pub(super) arn: String,
    /// As written: a number, `DRAFT`, or empty.
    pub(super) version: String,
}

/// Which level of enforcement holds a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// An enforced configuration.
    Account,
    /// An organization document: only guardrails of the management account.
    Organization,
}

impl Reference {
    /// What an enforced configuration names.
    pub(super) fn of_enforced(enforced: &Enforced) -> Self {
        Self { arn: enforced.guardrail.clone(), version: enforced.version.to_string() }
    }

    /// What an identifier of an organization document names: an ARN, a colon and a version.
    pub(super) fn of_identifier(identifier: &str) -> Self {
        let resource = identifier.splitn(6, ':').nth(5).unwrap_or_default();
        match resource.rsplit_once(':') {
            Some((_, version)) => Self {
                arn: identifier
                    .strip_suffix(&format!(":{version}"))
                    .unwrap_or(identifier)
                    .to_owned(),
                version: version.to_owned(),
            },
            None => Self { arn: identifier.to_owned(), version: String::new() },
        }
    }

    /// The account that owns the guardrail.
    pub(super) fn owner(&self) -> &str {
        self.part(4)
    }

    /// The Region of the guardrail.
    pub(super) fn region(&self) -> &str {
        self.part(3)
    }

    /// The version, if it is a number.
    pub(super) fn number(&self) -> Option<u32> {
        self.version.parse().ok()
    }

    /// Whether it is gone, and reads at `at` show it all the same.
    pub(super) fn is_gone_unseen(&self, world: &World, at: Millis) -> bool {
        let id = self.part(5).strip_prefix("guardrail/").unwrap_or_default();
        let regional = world.regional(self.owner(), self.region());
        regional.zip(self.number()).is_some_and(|(regional, number)| {
            regional.shows_gone((id, number), at, &world.switches)
        })
    }

    /// The guardrail, if it exists.
    pub(super) fn guardrail<'a>(&self, world: &'a World) -> Option<&'a bedrock::Guardrail> {
        let id = self.part(5).strip_prefix("guardrail/")?;
        world.regional(self.owner(), self.region())?.guardrail(id)
    }

    /// What the version says, in the members of `CreateGuardrail`.
    pub(super) fn content(&self, world: &World) -> Option<Value> {
        let body = self.guardrail(world)?.body(Some(self.number()?))?;
        Some(Value::Object(body.clone()))
    }

    /// The name the controller knows the guardrail by, else the guardrail's own.
    pub(super) fn name(&self, world: &World) -> Option<String> {
        self.guardrail(world).map(|guardrail| name_of(guardrail).to_owned())
    }

    /// Why `account` cannot apply this in `region`; `None` when it can.
    pub(super) fn broken(
        &self,
        world: &World,
        level: Level,
        (account, region): (&str, &str),
        at: Millis,
    ) -> Option<String> {
        if self.region() != region {
            return Some(format!("{self} is not in {region}"));
        }
        if level == Level::Organization && self.owner() != world.organization.management() {
            return Some(format!("{self} is not owned by the management account"));
        }
        let Some(guardrail) = self.guardrail(world) else {
            return Some(format!("{self} does not exist"));
        };
        let Some(status) =
            self.number().and_then(|number| guardrail.status(Some(number), at, &world.switches))
        else {
            return Some(format!("{self} has no such version"));
        };
        if status != "READY" {
            return Some(format!("{self} is {status}"));
        }
        let content = self.content(world).unwrap_or_default();
        if content.get("automatedReasoningPolicyConfig").is_some() {
            return Some(format!("{self} has automated reasoning checks"));
        }
        self.refused(world, account, &content)
    }

    /// Why the policies do not let `account` apply the guardrail: its own resource policy, those
    /// of the guardrail profile in every destination, and the service control policies.
    fn refused(&self, world: &World, account: &str, content: &Value) -> Option<String> {
        let caller = Caller {
            account: account.to_owned(),
            arn: format!("arn:{}:iam::{account}:user/workload", world.partition),
            role: None,
        };
        let reference = bedrock::Reference::parse(&self.arn)?;
        let guardrail =
            permit_guardrail(world, &caller, "ApplyGuardrail", &reference, Context::new());
        let profile = || {
            profiles_of(world, self, content).into_iter().try_for_each(|arn| {
                let policy =
                    world.regional(self.owner(), arn.split(':').nth(3).unwrap_or_default());
                world.authorize(&Access {
                    caller: &caller,
                    action: "bedrock:ApplyGuardrail",
                    resource: &arn,
                    resource_owner: self.owner(),
                    resource_policy: policy.and_then(|regional| regional.resource_policy(&arn)),
                    context: BTreeMap::new(),
                })
            })
        };
        guardrail.and_then(|()| profile()).err().map(|failure| failure.message)
    }

    fn part(&self, index: usize) -> &str {
        self.arn.splitn(6, ':').nth(index).unwrap_or_default()
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.arn, self.version)
    }
}

/// The name the controller knows a guardrail by, else the guardrail's own.
pub(super) fn name_of(guardrail: &bedrock::Guardrail) -> &str {
    guardrail.tags().get("bedrail:guardrail").map_or_else(|| guardrail.name(), String::as_str)
}

/// The id of the guardrail profile a content names.
pub(super) fn profile_of(content: &Value) -> Option<&str> {
    let named = content.pointer("/crossRegionConfig/guardrailProfileIdentifier")?.as_str()?;
    named.rsplit('/').next()
}

/// The ARNs of the guardrail profile in every Region where text may go.
fn profiles_of(world: &World, reference: &Reference, content: &Value) -> Vec<String> {
    let Some(profile) = profile_of(content) else { return Vec::new() };
    let arn = |region: &str| {
        let (partition, owner) = (&world.partition, reference.owner());
        format!("arn:{partition}:bedrock:{region}:{owner}:guardrail-profile/{profile}")
    };
    bedrock::destinations(profile, reference.region()).into_iter().map(arn).collect()
}

/// What an organization document names, operators or not: (Region, reference).
pub(super) fn references_in(document: &Value) -> Vec<(String, Reference)> {
    let regions = document.pointer("/bedrock/guardrail_inference").and_then(Value::as_object);
    let mut references = Vec::new();
    for (region, configurations) in regions.into_iter().flatten() {
        for configuration in configurations.as_object().into_iter().flat_map(|all| all.values()) {
            let identifier = configuration.get("identifier");
            let assigned = identifier.and_then(|leaf| leaf.get("@@assign")).or(identifier);
            if let Some(identifier) = assigned.and_then(Value::as_str) {
                references.push((region.clone(), Reference::of_identifier(identifier)));
            }
        }
    }
    references
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_splits_into_the_arn_and_the_version() {
        let arn = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123abc123";
        for (identifier, version) in
            [(format!("{arn}:3"), "3"), (format!("{arn}:DRAFT"), "DRAFT"), (arn.to_owned(), "")]
        {
            let reference = Reference::of_identifier(&identifier);
            assert_eq!((reference.arn.as_str(), reference.version.as_str()), (arn, version));
            assert_eq!((reference.region(), reference.owner()), ("us-east-1", "111122223333"));
        }
    }
}
