//! Contents of published versions, read once.
//!
//! A version is an immutable snapshot (`aws-facts` 1.4), so its content needs no second read. The
//! creation time is part of the key: were a number ever given out twice, it would not be the same
//! version.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_types::DateTime;

use crate::model::{GuardrailArn, ReplicaContent, Version};

/// Which version, and since when.
pub(super) type VersionKey = (Version, DateTime);

/// The contents of all versions of one guardrail that were read.
type Contents = BTreeMap<VersionKey, Arc<ReplicaContent>>;

/// The contents that were read, by guardrail.
#[derive(Debug, Default)]
pub(super) struct VersionContents(Mutex<BTreeMap<GuardrailArn, Contents>>);

impl VersionContents {
    /// What was read of this version, if anything.
    pub(super) fn get(&self, arn: &GuardrailArn, key: &VersionKey) -> Option<Arc<ReplicaContent>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(arn)?.get(key).cloned()
    }

    /// Remembers one content.
    pub(super) fn insert(&self, arn: &GuardrailArn, key: VersionKey, content: ReplicaContent) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(arn.clone()).or_default().insert(key, Arc::new(content));
    }

    /// Forgets versions that no longer exist, so that the memory is bounded by what is live.
    pub(super) fn retain(&self, arn: &GuardrailArn, live: &[VersionKey]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contents) = all.get_mut(arn) {
            contents.retain(|key, _| live.contains(key));
        }
    }

    /// Forgets a deleted guardrail.
    pub(super) fn forget(&self, arn: &GuardrailArn) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(arn);
    }
}
