//! Manifests whose text can take something away.

use std::fmt;

use serde::{Serialize, Serializer};

use super::ids::Name;
use super::selection::EnforcementKey;

/// One manifest: names are unique within a kind only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ManifestKey {
    /// Either kind of enforcement.
    Enforcement(EnforcementKey),
    /// `kind: InvocationLogging`.
    InvocationLogging(Name),
}

impl From<EnforcementKey> for ManifestKey {
    fn from(key: EnforcementKey) -> Self {
        Self::Enforcement(key)
    }
}

impl fmt::Display for ManifestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enforcement(key) => key.fmt(f),
            Self::InvocationLogging(name) => write!(f, "InvocationLogging/{name}"),
        }
    }
}

impl Serialize for ManifestKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
