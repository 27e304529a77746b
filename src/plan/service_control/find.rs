//! Finds the policies of a manifest among all, and which of them say what it says now.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{hash, is_same};
use super::keep::Visit;
use crate::model::{ControlBody, ObservedControl, OwnerId, Selection};

/// Characters of a policy's name (`aws-facts` 4.3).
const NAME_MAX: usize = 128;

/// Characters of a document's hash that a name may end with.
const NAME_HASH: usize = 8;

/// A policy of the manifest.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) live: &'a ObservedControl,
    pub(super) body: &'a ControlBody,
}

/// The policies of a manifest against what it says now.
pub(super) struct Matched<'a> {
    /// By the number of the document, from 0: those that say it, or were written to.
    pub(super) current: BTreeMap<usize, Own<'a>>,
    /// Those that say what the manifest said before.
    pub(super) outdated: Vec<Own<'a>>,
}

impl<'a> Matched<'a> {
    /// A policy that says it is it, whatever its tags claim; one that was written with it and says
    /// something else was edited. Of several, the one that is attached to most.
    pub(super) fn of(documents: &[Value], own: &[Own<'a>]) -> Self {
        let mut left: Vec<Own<'a>> = own.to_vec();
        left.sort_by_key(|it| (Reverse(it.body.targets.len()), it.live.id.clone()));
        let mut current = BTreeMap::new();
        let mut take = |claim: &dyn Fn(&Own<'a>, &Value) -> bool| {
            for (number, document) in documents.iter().enumerate() {
                if current.contains_key(&number) {
                    continue;
                }
                if let Some(at) = left.iter().position(|it| claim(it, document)) {
                    current.insert(number, left.remove(at));
                }
            }
        };
        take(&|own, document| is_same(&own.body.content, document));
        take(&|own, document| own.live.marks.document.as_deref() == Some(&hash(document)));
        Self { current, outdated: left }
    }
}

impl<'a> Visit<'a> {
    /// Its policies, found by tags, so that one renamed by hand stays ours.
    pub(super) fn own(&self) -> Vec<Own<'a>> {
        let is_its = |it: &&ObservedControl| {
            let manifest = it.marks.manifest.as_ref();
            it.marks.is_owned_by(self.context.owner)
                && manifest
                    .is_some_and(|it| it == self.name || self.desired.former_names.contains(it))
        };
        let own = self.observed.policies.values().filter(is_its);
        own.filter_map(|live| Some(Own { live, body: live.body.as_ref()? })).collect()
    }

    /// What the text selected when its policies were tagged last.
    pub(super) fn recorded(own: &[Own<'_>]) -> Option<Selection> {
        let selections = own.iter().filter_map(|it| it.live.marks.selection.clone());
        selections.reduce(|one, other| one.union(&other))
    }

    /// The policy of the written name that is not ours.
    pub(super) fn stranger(&self) -> Option<&'a ObservedControl> {
        let name = self.desired.policy_name.as_deref()?;
        let mut policies = self.observed.policies.values();
        policies.find(|it| it.name == name && !it.marks.is_owned_by(self.context.owner))
    }

    /// A name that no policy has: the plain one where it is free, else with the document's hash, as
    /// while the policy before is still there. `None`: both are taken.
    pub(super) fn free_name(&self, number: usize, document: &Value) -> Option<String> {
        let base = match &self.desired.policy_name {
            Some(written) => written.clone(),
            None => default_name(self.context.owner, self.name.as_str()),
        };
        let part = if number == 0 { String::new() } else { format!(".{}", number + 1) };
        let digits: String = hash(document).chars().take(NAME_HASH).collect();
        let taken: BTreeSet<&str> =
            self.observed.policies.values().map(|it| it.name.as_str()).collect();
        [part.clone(), format!("-{digits}{part}")]
            .into_iter()
            .map(|end| {
                let room = NAME_MAX.saturating_sub(end.len());
                base.chars().take(room).chain(end.chars()).collect::<String>()
            })
            .find(|name| !taken.contains(name.as_str()))
    }
}

/// The name where the manifest writes none. The policy of an enforcement has no such end, should
/// AWS want names to differ across types.
pub(in crate::plan) fn default_name(owner: &OwnerId, manifest: &str) -> String {
    format!("bedrail-{owner}-{manifest}.scp")
}
