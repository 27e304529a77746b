//! The names we give: tokens that make a repeated create harmless, and the index in a version's
//! description.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::model::{DesiredReplica, GuardrailArn, ReplicaKey, ReplicaRevision, Revision, SCHEME};

/// `bedrail r1 <revision> <replica revision>`: at most 76 of 200 characters.
pub(super) fn index(revision: &Revision, replica_revision: &ReplicaRevision) -> String {
    format!("bedrail {SCHEME} {revision} {replica_revision}")
}

/// The replica revision that a description names. It only hints at the content: a version is what
/// reads back from it.
pub(super) fn indexed(description: Option<&str>) -> Option<ReplicaRevision> {
    let mut words = description?.split(' ');
    let ours = words.next() == Some("bedrail") && words.next() == Some(SCHEME);
    words.next()?.parse::<Revision>().ok()?;
    let replica_revision = words.next()?.parse().ok()?;
    (ours && words.next().is_none()).then_some(replica_revision)
}

/// Token of CreateGuardrail: another for every other request, since AWS remembers what a token came
/// with and refuses it with anything else.
pub(super) fn guardrail_token(
    key: &ReplicaKey,
    desired: &DesiredReplica,
    tags: &BTreeMap<String, String>,
    salt: &str,
) -> String {
    let ReplicaKey { guardrail, account, region } = key;
    let parts = [
        guardrail.as_str(),
        account.as_str(),
        region.as_str(),
        desired.name.as_str(),
        desired.replica_revision.as_str(),
    ];
    let tags = tags.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    token(&parts.into_iter().chain(tags).chain([salt]).collect::<Vec<_>>())
}

/// Token of CreateGuardrailVersion with this [`index`].
pub(super) fn version_token(arn: &GuardrailArn, index: &str, salt: &str) -> String {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::TokenAcrossRevisions) {
        return token(&[arn.id.as_str(), salt]);
    }
    token(&[arn.id.as_str(), index, salt])
}

/// 64 hexadecimal digits: within the pattern of a token (`aws-facts` 1.1).
fn token(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::RandomToken) {
        hasher.update(fastrand::u64(..).to_be_bytes());
    }
    for part in parts {
        hasher.update(part);
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ReplicaContent;

    #[test]
    fn an_index_reads_back_and_nothing_else_does() {
        let content = ReplicaContent::default();
        let (revision, replica) = (content.revision(), content.replica_revision());
        let text = index(&revision, &replica);
        assert!(text.len() <= 200);
        assert_eq!(indexed(Some(&text)), Some(replica.clone()));
        let others = [
            format!("{text} more"),
            text.replace("r1", "r0"),
            text.replace("bedrail", "railbed"),
            format!("bedrail r1 {replica}"),
            String::new(),
        ];
        for other in others {
            assert_eq!(indexed(Some(&other)), None, "{other}");
        }
        assert_eq!(indexed(None), None);
    }
}
