//! Contents of published versions, read once.
//!
//! A version is an immutable snapshot (`aws-facts` 1.4), so its content needs no second read. The
//! creation time is part of the key: were a number ever given out twice, it would not be the same
//! version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_types::DateTime;

use crate::model::{GuardrailArn, ReplicaContent, Version};

/// Which version, and since when.
pub(super) type VersionKey = (Version, DateTime);

/// What is remembered of one guardrail.
#[derive(Debug, Default)]
struct Remembered {
    contents: BTreeMap<VersionKey, Arc<ReplicaContent>>,
    /// Versions that we deleted ourselves. Reads right after still show them as READY (`aws-facts`
    /// 1.6), and a reference made to such a one would break all that depend on it.
    deleted: BTreeSet<VersionKey>,
}

/// The contents that were read, by guardrail.
#[derive(Debug, Default)]
pub(super) struct VersionContents(Mutex<BTreeMap<GuardrailArn, Remembered>>);

impl VersionContents {
    /// What was read of this version, if anything.
    pub(super) fn get(&self, arn: &GuardrailArn, key: &VersionKey) -> Option<Arc<ReplicaContent>> {
        self.lock().get(arn)?.contents.get(key).cloned()
    }

    /// Remembers one content.
    pub(super) fn insert(&self, arn: &GuardrailArn, key: VersionKey, content: ReplicaContent) {
        let mut all = self.lock();
        all.entry(arn.clone()).or_default().contents.insert(key, Arc::new(content));
    }

    /// Forgets versions that no longer exist, so that the memory is bounded by what is live.
    pub(super) fn retain(&self, arn: &GuardrailArn, live: &[VersionKey]) {
        if let Some(remembered) = self.lock().get_mut(arn) {
            remembered.contents.retain(|key, _| live.contains(key));
        }
    }

    /// Notes that we deleted a version.
    pub(super) fn deleted(&self, arn: &GuardrailArn, version: Version) {
        if let Some(Remembered { contents, deleted }) = self.lock().get_mut(arn) {
            deleted.extend(contents.keys().filter(|(number, _)| *number == version));
        }
    }

    /// Whether we deleted this version.
    pub(super) fn is_deleted(&self, arn: &GuardrailArn, key: &VersionKey) -> bool {
        self.lock().get(arn).is_some_and(|remembered| remembered.deleted.contains(key))
    }

    /// Forgets a deleted guardrail.
    pub(super) fn forget(&self, arn: &GuardrailArn) {
        self.lock().remove(arn);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<GuardrailArn, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_we_deleted_stays_deleted_and_one_of_its_number_made_later_is_another() {
        let arn: GuardrailArn =
            "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc".parse().unwrap();
        let one: Version = "1".parse().unwrap();
        let (old, new) = ((one, DateTime::from_secs(1)), (one, DateTime::from_secs(2)));
        let memory = VersionContents::default();
        memory.insert(&arn, old, ReplicaContent::default());
        assert!(!memory.is_deleted(&arn, &old));
        memory.deleted(&arn, one);
        memory.retain(&arn, &[]);
        assert!(memory.is_deleted(&arn, &old) && !memory.is_deleted(&arn, &new));
    }
}
