//! Identifiers, parsed once at the edge; patterns are those of the AWS service models.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Why a text is not the identifier it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// What it should have been, with an example.
    pub expected: &'static str,
}

/// Declares a string newtype that is parsed by a predicate. Most identifiers are short, and a fleet
/// holds a great many of them: up to 24 bytes need no memory of their own.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(CompactString);

        impl $name {
            /// What a value of this type looks like, for error messages.
            pub const EXPECTED: &'static str = $expected;

            /// The text as AWS spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { text: text.to_owned(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Whether `text` has `min..=max` characters, all of them accepted by `accepts`.
fn is_made_of(text: &str, min: usize, max: usize, accepts: fn(char) -> bool) -> bool {
    (min..=max).contains(&text.chars().count()) && text.chars().all(accepts)
}

fn is_lower_alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Whether `text` is `prefix` followed by 4–32 characters, a hyphen and 8–32 more.
fn is_unit_id(text: &str) -> bool {
    let Some((root, unit)) = text.strip_prefix("ou-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    is_made_of(root, 4, 32, is_lower_alphanumeric) && is_made_of(unit, 8, 32, is_lower_alphanumeric)
}

id!(
    /// An AWS account: 12 digits, leading zeros included.
    AccountId, "a 12-digit account id such as \"111122223333\" (quoted, so that leading zeros stay)",
    |text| is_made_of(text, 12, 12, |c| c.is_ascii_digit())
);
id!(
    /// A Region code: `us-east-1`.
    Region, "a Region code such as us-east-1",
    |text| is_made_of(text, 5, 25, |c| is_lower_alphanumeric(c) || c == '-')
        && text.split('-').count() >= 3
        && text.split('-').all(|part| !part.is_empty())
        && text.ends_with(|c: char| c.is_ascii_digit())
);
id!(
    /// An organization: `o-…`.
    OrganizationId, "an organization id such as o-abcdefghij",
    |text| text.strip_prefix("o-").is_some_and(|rest| is_made_of(rest, 10, 32, is_lower_alphanumeric))
);
id!(
    /// The root of an organization: `r-…`.
    RootId, "a root id such as r-ab12",
    |text| text.strip_prefix("r-").is_some_and(|rest| is_made_of(rest, 4, 32, is_lower_alphanumeric))
);
id!(
    /// An organizational unit: `ou-<root>-<id>`.
    UnitId, "an organizational unit id such as ou-ab12-cd34ef56", is_unit_id
);
id!(
    /// The name in a manifest's metadata. For a guardrail it is also its name in AWS, so it follows
    /// the pattern of CreateGuardrail (`aws-facts` 1.1).
    Name, "1 to 50 letters, digits, hyphens and underscores",
    |text| is_made_of(text, 1, 50, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
);
id!(
    /// Who owns what we made: the value of the owner tag. One id per installation.
    OwnerId, "1 to 32 lower-case letters, digits and hyphens",
    |text| is_made_of(text, 1, 32, |c| is_lower_alphanumeric(c) || c == '-')
);
id!(
    /// The generated id of a guardrail: the last part of its ARN.
    GuardrailId, "a guardrail id such as a1b2c3d4e5f6",
    |text| is_made_of(text, 1, 64, is_lower_alphanumeric)
);
id!(
    /// The id of an enforced configuration; the slot of a cell has at most one.
    ConfigId, "an enforced configuration id",
    |text| is_made_of(text, 1, 256, is_lower_alphanumeric)
);
id!(
    /// An Organizations policy: `p-…`.
    PolicyId, "a policy id such as p-ab12cd34",
    |text| text.strip_prefix("p-").is_some_and(|rest| {
        is_made_of(rest, 8, 128, |c| c.is_ascii_alphanumeric() || c == '_')
    })
);
id!(
    /// A guardrail profile for cross-Region inference: `us.guardrail.v1:0`.
    ProfileId, "a guardrail profile id such as us.guardrail.v1:0",
    |text| is_made_of(text, 15, 30, |c| is_lower_alphanumeric(c) || "-.:".contains(c))
        && text.split_once(".guardrail.v").is_some_and(|(geography, number)| {
            !geography.is_empty()
                && !number.is_empty()
                && number.chars().all(|c| c.is_ascii_digit() || c == ':')
        })
);

id!(
    /// An IAM role within its account: its name, with its path before it if it has one.
    RoleName, "the name of a role such as Application, with its path if it has one: teams/Application",
    |text| {
        let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
        is_made_of(name, 1, 64, is_part)
            && path.len() <= 510
            && (path.is_empty() || path.split('/').all(|it| is_made_of(it, 1, 510, is_part)))
            && !text.starts_with('/')
    }
);

/// A published version of a guardrail. DRAFT has no value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(NonZeroU32);

impl Version {
    /// What a value of this type looks like, for error messages.
    pub const EXPECTED: &'static str = "a published version number; DRAFT is never referenced";

    /// The number.
    pub fn number(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for Version {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError { text: text.to_owned(), expected: Self::EXPECTED };
        let canonical = is_made_of(text, 1, 8, |c| c.is_ascii_digit()) && !text.starts_with('0');
        if canonical { text.parse().map(Self).map_err(|_| error()) } else { Err(error()) }
    }
}

impl TryFrom<String> for Version {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `arn:PARTITION:bedrock:REGION:ACCOUNT:guardrail/ID`, never with a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuardrailArn {
    /// `aws`, `aws-us-gov`, …
    pub partition: CompactString,
    /// Where the guardrail lives.
    pub region: Region,
    /// Who owns it.
    pub account: AccountId,
    /// Its generated id.
    pub id: GuardrailId,
}

impl GuardrailArn {
    /// `ARN:VERSION`, as an organization policy names a version (`aws-facts` 3.1).
    pub fn with_version(&self, version: Version) -> String {
        format!("{self}:{version}")
    }

    /// Parses `ARN:VERSION`.
    pub fn parse_versioned(text: &str) -> Option<(Self, Version)> {
        let (arn, version) = text.rsplit_once(':')?;
        Some((arn.parse().ok()?, version.parse().ok()?))
    }
}

impl FromStr for GuardrailArn {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let mut parts = text.splitn(6, ':');
            let (scheme, partition) = (parts.next()?, parts.next()?);
            let (service, region) = (parts.next()?, parts.next()?);
            let (account, resource) = (parts.next()?, parts.next()?);
            (scheme == "arn" && partition.starts_with("aws") && service == "bedrock")
                .then_some(())?;
            Some(Self {
                partition: partition.into(),
                region: region.parse().ok()?,
                account: account.parse().ok()?,
                id: resource.strip_prefix("guardrail/")?.parse().ok()?,
            })
        };
        parse().ok_or_else(|| IdError {
            text: text.to_owned(),
            expected: "a guardrail ARN without a version",
        })
    }
}

impl TryFrom<String> for GuardrailArn {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<GuardrailArn> for String {
    fn from(arn: GuardrailArn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for GuardrailArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, id } = self;
        write!(f, "arn:{partition}:bedrock:{region}:{account}:guardrail/{id}")
    }
}

/// What an organization policy attaches to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TargetId {
    /// The whole organization.
    Root(RootId),
    /// A unit and everything below it.
    Unit(UnitId),
    /// One account.
    Account(AccountId),
}

impl TargetId {
    /// The id as the Organizations API takes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root(id) => id.as_str(),
            Self::Unit(id) => id.as_str(),
            Self::Account(id) => id.as_str(),
        }
    }
}

impl FromStr for TargetId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse()
            .map(Self::Root)
            .or_else(|_| text.parse().map(Self::Unit))
            .or_else(|_| text.parse().map(Self::Account))
            .map_err(|_: IdError| IdError {
                text: text.to_owned(),
                expected: "a root, organizational unit or account id",
            })
    }
}

impl TryFrom<String> for TargetId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TargetId> for String {
    fn from(id: TargetId) -> Self {
        id.as_str().to_owned()
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draft_is_not_a_version() {
        for text in ["DRAFT", "0", "01", "", "-1", "123456789"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert_eq!("12345678".parse::<Version>().unwrap().number(), 12_345_678);
    }

    #[test]
    fn guardrail_arns_round_trip_and_never_carry_a_version() {
        let text = "arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:guardrail/abc123";
        let arn: GuardrailArn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        assert!(format!("{text}:3").parse::<GuardrailArn>().is_err());
        let versioned = GuardrailArn::parse_versioned(&format!("{text}:3")).unwrap();
        assert_eq!(versioned, (arn, "3".parse().unwrap()));
    }

    #[test]
    fn targets_are_told_apart_by_their_pattern() {
        assert!(matches!("r-ab12".parse(), Ok(TargetId::Root(_))));
        assert!(matches!("ou-ab12-cd34ef56".parse(), Ok(TargetId::Unit(_))));
        assert!(matches!("111122223333".parse(), Ok(TargetId::Account(_))));
        assert!("ou-ab12".parse::<TargetId>().is_err());
    }

    #[test]
    fn regions_and_profiles_follow_their_patterns() {
        for text in ["us-east-1", "us-gov-west-1", "ap-southeast-7", "mx-central-1"] {
            assert!(text.parse::<Region>().is_ok(), "{text}");
        }
        for text in ["us-east", "US-EAST-1", "us--1", "everywhere"] {
            assert!(text.parse::<Region>().is_err(), "{text}");
        }
        assert!("us.guardrail.v1:0".parse::<ProfileId>().is_ok());
        assert!("us-gov.guardrail.v1:0".parse::<ProfileId>().is_ok());
        assert!("guardrail.v1:0".parse::<ProfileId>().is_err());
    }
}
