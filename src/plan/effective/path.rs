//! What some policies alone come to at one target, in whatever order they were attached.

use std::collections::BTreeSet;

use serde_json::Value;

use super::merge::{Leaves, merge};
use crate::model::{GuardrailArn, Version};

/// Everything that policies may come to at a target.
pub(in crate::plan) struct Outcomes(Vec<Leaves>);

/// Merges policies, level by level from the root down to the target, with each policy of a level
/// attached first in turn.
pub(in crate::plan) fn outcomes(levels: &[Vec<&Value>]) -> Outcomes {
    let turns = levels.iter().map(Vec::len).max().unwrap_or_default();
    let turned = |turn: usize| {
        let mut levels = levels.to_vec();
        for level in &mut levels {
            if !level.is_empty() {
                let turn = turn % level.len();
                level.rotate_left(turn);
            }
        }
        merge(&levels)
    };
    Outcomes((0..turns.max(1)).map(turned).collect())
}

impl Outcomes {
    /// What a Region may reference; `None` for nothing, or nothing that is understood.
    pub(in crate::plan) fn references(
        &self,
        region: &str,
    ) -> BTreeSet<Option<(GuardrailArn, Version)>> {
        self.0.iter().map(|leaves| leaves.reference(region)).collect()
    }

    /// Whether any of them says something of a Region.
    pub(in crate::plan) fn has(&self, region: &str) -> bool {
        self.0.iter().any(|leaves| leaves.regions().contains(region))
    }

    /// The Regions that any of them says something of.
    pub(in crate::plan) fn regions(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|leaves| leaves.regions()).map(str::to_owned).collect()
    }
}
