//! Clears what a document moves to, or where it is attached, with those who would depend on it
//! (DESIGN section 8).

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{blocks, references};
use super::enforcement::Visit;
use super::find::Shards;
use crate::model::TargetId;
use crate::plan::preflight::Scope;
use crate::plan::step::{Held, Plan};

impl Visit<'_> {
    /// Gives the block back once all below the policies can apply what it moves to, those included
    /// that do not carry our mark, or the present name, yet.
    pub(super) fn clear_move(
        &self,
        live: Option<&Value>,
        block: Value,
        shards: &Shards,
        plan: &mut Plan,
    ) -> Result<Value, Held> {
        let named = |block: &Value| references(block).unwrap_or_default().into_iter().collect();
        let old: BTreeSet<_> = live.map(named).unwrap_or_default();
        let new: BTreeSet<_> = named(&block);
        let targets = shards.values().flat_map(|shard| &shard.live.targets).collect();
        self.scope().clear(&targets, &new.difference(&old).cloned().collect(), plan)?;
        Ok(block)
    }

    /// Clears an attachment of whichever of the documents will be there.
    pub(super) fn clear_attachment(
        &self,
        target: &TargetId,
        documents: &[&Value],
        plan: &mut Plan,
    ) -> Result<(), Held> {
        let blocks = documents.iter().flat_map(|document| blocks(document).into_values());
        let named = blocks.filter_map(|block| references(&block)).flatten().collect();
        self.scope().clear_attachment(target, &named, plan).map_err(|held| {
            let place = self.fleet.describe(target);
            held.prefixed(&format!("{} will be attached to {place}", self.name))
        })
    }

    fn scope(&self) -> Scope<'_> {
        let preflight = &self.desired.preflight;
        Scope { enforcement: self.name, preflight, context: self.context }
    }
}
