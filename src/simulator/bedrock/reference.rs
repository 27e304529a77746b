//! ARNs, and which guardrail an identifier names.

use sha2::{Digest, Sha256};

use super::super::call::{Call, Failure};
use super::failure::{denied, validation};
use super::shape::accept_text;
use super::shapes;

/// A partition, Region and account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
}

impl<'a> Place<'a> {
    /// Where `call` is made.
    pub(crate) fn of(call: &'a Call, partition: &'a str) -> Self {
        Self { partition, region: &call.region, account: &call.caller.account }
    }

    /// The ARN of a Bedrock resource here: `arn("guardrail/abc")`.
    pub(crate) fn arn(&self, resource: &str) -> String {
        let Self { partition, region, account } = self;
        format!("arn:{partition}:bedrock:{region}:{account}:{resource}")
    }
}

/// The six parts of a Bedrock ARN that name a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) place: Place<'a>,
    /// `guardrail/abc123abc123`.
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits `text` if it is the ARN of a Bedrock resource.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        (prefix == "arn" && service == "bedrock")
            .then_some(Self { place: Place { partition, region, account }, resource })
    }
}

/// A guardrail by its owner, Region and id, whether or not it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) owner: String,
    pub(crate) region: String,
    pub(crate) id: String,
    pub(crate) arn: String,
}

impl Reference {
    /// The guardrail that `identifier` (an id or an ARN) names for `call`.
    pub(crate) fn resolve(call: &Call, partition: &str, identifier: &str) -> Result<Self, Failure> {
        accept_text(&shapes::IDENTIFIER, "guardrailIdentifier", identifier)?;
        if !identifier.starts_with("arn:") {
            let place = Place::of(call, partition);
            return Ok(Self {
                owner: place.account.to_owned(),
                region: place.region.to_owned(),
                id: identifier.to_owned(),
                arn: place.arn(&format!("guardrail/{identifier}")),
            });
        }
        let reference = Self::parse(identifier)
            .ok_or_else(|| validation(format!("The ARN {identifier} is not a guardrail's")))?;
        let is_here =
            reference.region == call.region && identifier.starts_with(&format!("arn:{partition}:"));
        if !is_here {
            return Err(validation(format!(
                "The guardrail {identifier} is not in the Region {}",
                call.region
            )));
        }
        Ok(reference)
    }

    /// The guardrail that `arn` names, wherever it is.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let Arn { place, resource } = Arn::parse(arn)?;
        let id = resource.strip_prefix("guardrail/")?;
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_id.then(|| Self {
            owner: place.account.to_owned(),
            region: place.region.to_owned(),
            id: id.to_owned(),
            arn: arn.to_owned(),
        })
    }

    /// Refuses a guardrail of another account: only reads and application cross accounts.
    pub(crate) fn require_own(&self, call: &Call) -> Result<(), Failure> {
        if self.owner == call.caller.account {
            return Ok(());
        }
        Err(denied(format!(
            "User: {} is not authorized to perform: bedrock:{} on resource: {}",
            call.caller.arn, call.operation, self.arn
        )))
    }
}

/// The key ARN behind any form of `kmsKeyId`. There is no KMS here, so an alias stands for a key
/// id derived from its name: the same alias is the same key, in its account and Region.
pub(super) fn key_arn(place: &Place<'_>, key: &str) -> Result<String, Failure> {
    let Place { partition, region, account } = place;
    let prefix = format!("arn:{partition}:kms:{region}:");
    let (owner, resource) = match key.strip_prefix(&prefix) {
        Some(rest) => rest
            .split_once(':')
            .ok_or_else(|| validation(format!("The KMS key {key} is invalid")))?,
        None if key.starts_with("arn:") => {
            return Err(validation(format!("The KMS key {key} is not in the Region {region}")));
        }
        None => (*account, key),
    };
    let id = match resource.strip_prefix("key/") {
        Some(id) => id.to_owned(),
        None if resource.starts_with("alias/") => {
            alias_target(&format!("{partition}/{region}/{owner}/{resource}"))
        }
        None => resource.to_owned(),
    };
    Ok(format!("{prefix}{owner}:key/{id}"))
}

fn alias_target(alias: &str) -> String {
    let digest = Sha256::digest(alias);
    let groups: Vec<String> = [0..4, 4..6, 6..8, 8..10, 10..16]
        .into_iter()
        .filter_map(|range| digest.get(range))
        .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
        .collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> =
        Place { partition: "aws", region: "us-east-1", account: "111122223333" };

    #[test]
    fn every_form_of_a_key_becomes_a_key_arn() {
        let id = "12345678-1234-1234-1234-123456789012";
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
        assert_eq!(key_arn(&HERE, id).unwrap(), arn);
        assert_eq!(key_arn(&HERE, &arn).unwrap(), arn);
        let alias = key_arn(&HERE, "alias/a").unwrap();
        assert_eq!(alias, key_arn(&HERE, "arn:aws:kms:us-east-1:111122223333:alias/a").unwrap());
        assert_eq!(alias.len(), arn.len());
        let elsewhere = key_arn(&HERE, "arn:aws:kms:us-east-2:111122223333:alias/a").unwrap_err();
        assert_eq!(elsewhere.code, "ValidationException");
    }

    #[test]
    fn only_the_arn_of_a_guardrail_without_a_version_is_a_reference() {
        let rows = [
            ("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc", true),
            ("arn:aws:bedrock:us-east-1:111122223333:guardrail/abc:1", false),
            ("arn:aws:bedrock:us-east-1:111122223333:guardrail-profile/abc", false),
            ("arn:aws:s3:us-east-1:111122223333:guardrail/abc", false),
            ("guardrail/abc", false),
        ];
        for (arn, expect) in rows {
            assert_eq!(Reference::parse(arn).is_some(), expect, "{arn}");
        }
    }
}
