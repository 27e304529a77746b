//! How an object says whose it is.

use std::collections::BTreeMap;

pub use crate::model::{ENFORCEMENT_TAG, OWNER_TAG};
use crate::model::{Name, OwnerId};

/// Tag on guardrails: the name of the manifest.
pub const GUARDRAIL_TAG: &str = "bedrail:guardrail";

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership<'a> {
    /// Ours.
    Ours,
    /// Nobody's: it carries no owner tag.
    Nobodys,
    /// Another installation's. A tag that is no owner id at all counts as one too.
    Others(&'a str),
}

/// Reads the owner tag.
pub(super) fn ownership<'a>(owner_tag: Option<&'a str>, us: &OwnerId) -> Ownership<'a> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::OwnerIgnored) {
        return Ownership::Ours;
    }
    match owner_tag {
        None => Ownership::Nobodys,
        Some(owner) if owner == us.as_str() => Ownership::Ours,
        Some(owner) => Ownership::Others(owner),
    }
}

/// The tags that make a guardrail ours and the one of a manifest.
pub fn guardrail_tags(owner: &OwnerId, guardrail: &Name) -> BTreeMap<String, String> {
    tags(owner, (GUARDRAIL_TAG, guardrail.as_str()), &BTreeMap::new())
}

/// The tags of ours on an object, the user's beside them.
pub(super) fn tags(
    owner: &OwnerId,
    (key, value): (&str, &str),
    users: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut tags = users.clone();
    tags.insert(OWNER_TAG.to_owned(), owner.to_string());
    tags.insert(key.to_owned(), value.to_owned());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guardrail_says_whose_it_is_and_which_manifest_it_is_of() {
        let tags = guardrail_tags(&"us".parse().unwrap(), &"baseline".parse().unwrap());
        let expected = [("bedrail:owner", "us"), ("bedrail:guardrail", "baseline")];
        assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn only_our_own_tag_makes_an_object_ours() {
        let us: OwnerId = "us".parse().unwrap();
        assert_eq!(ownership(Some("us"), &us), Ownership::Ours);
        assert_eq!(ownership(None, &us), Ownership::Nobodys);
        for other in ["them", "", "US", "us "] {
            assert_eq!(ownership(Some(other), &us), Ownership::Others(other), "{other:?}");
        }
    }
}
