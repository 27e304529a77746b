//! Brings together what is equal but for its place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::{Cell, FieldChange, Strength, changes};
use crate::plan::hold::listed;
use crate::plan::replica::document;
use crate::plan::service_control::ControlStep;
use crate::plan::step::Step;
use crate::plan::strength;

/// Items in the order in which they first appeared, each with all its places.
pub(super) struct Groups<T> {
    items: Vec<(T, BTreeSet<Cell>)>,
    index: BTreeMap<T, usize>,
}

impl<T: Ord + Clone> Groups<T> {
    pub(super) fn new() -> Self {
        Self { items: Vec::new(), index: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, item: T, place: Option<&Cell>) {
        let index = *self.index.entry(item.clone()).or_insert(self.items.len());
        if index == self.items.len() {
            self.items.push((item, BTreeSet::new()));
        }
        if let Some((_, places)) = self.items.get_mut(index) {
            places.extend(place.cloned());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&T, &BTreeSet<Cell>)> {
        self.items.iter().map(|(item, places)| (item, places))
    }
}

/// `111122223333 us-east-1`, `42 accounts × 8 Regions`, or a count where the places are no full
/// grid. Empty for no place.
pub(super) fn places(cells: &BTreeSet<Cell>) -> String {
    let accounts: BTreeSet<_> = cells.iter().map(|cell| &cell.account).collect();
    let regions: BTreeSet<_> = cells.iter().map(|cell| &cell.region).collect();
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => one.to_owned(),
        count => format!("{count} {many}"),
    };
    match cells.len() {
        0 => String::new(),
        1 => listed(cells),
        count if count == accounts.len() * regions.len() => {
            let account = accounts.first().map(|it| it.as_str()).unwrap_or_default();
            let region = regions.first().map(|it| it.as_str()).unwrap_or_default();
            format!(
                "{} × {}",
                counted(accounts.len(), account, "accounts"),
                counted(regions.len(), region, "Regions")
            )
        }
        count => format!(
            "{count} cells of {} × {}",
            counted(accounts.len(), "1 account", "accounts"),
            counted(regions.len(), "1 Region", "Regions")
        ),
    }
}

/// What a step does, without its place.
pub(super) fn title(step: &Step) -> String {
    match step {
        Step::Control(step) => step.title(),
        Step::CreateGuardrail { .. } => "create the guardrail".to_owned(),
        Step::UpdateGuardrail { changes, .. } => match strength::overall(changes) {
            Some(strength @ (Strength::Weaker | Strength::Mixed)) => {
                format!("update its DRAFT: {}", strength.as_str())
            }
            Some(Strength::Same | Strength::Stronger) | None => "update its DRAFT".to_owned(),
        },
        Step::TagGuardrail { .. } => "tag the guardrail".to_owned(),
        Step::UntagGuardrail { .. } => "remove tags of the guardrail".to_owned(),
        Step::PublishVersion { revision, .. } => format!("publish revision {}", revision.short()),
        Step::DeleteGuardrail { .. } => "delete the guardrail and all its versions".to_owned(),
        Step::DeleteVersion { version, .. } => format!("delete version {version}"),
        Step::PutResourcePolicy { .. } => "put its resource policy".to_owned(),
        Step::DeleteResourcePolicy { .. } => "delete its resource policy".to_owned(),
        Step::EnablePolicyType { root } => format!("enable BEDROCK_POLICY on {root}"),
        Step::CreatePolicy { name, .. } => format!("create the policy {name}"),
        Step::UpdatePolicy { enforcement, id, .. } => {
            format!("update the policy of {enforcement} ({id})")
        }
        Step::TagPolicy { enforcement, id, .. } => {
            format!("tag the policy of {enforcement} ({id})")
        }
        Step::RenamePolicy { enforcement, id, .. } => {
            format!("rename the policy of {enforcement} ({id})")
        }
        Step::DeletePolicy { enforcement, id, .. } => {
            format!("delete the policy of {enforcement} ({id})")
        }
        Step::AttachPolicy { enforcement, target, .. } => {
            format!("attach the policy of {enforcement} to {target}")
        }
        Step::DetachPolicy { enforcement, target, .. } => {
            format!("detach the policy of {enforcement} from {target}")
        }
        Step::DropRegions { enforcement, id, .. } => {
            format!("drop Regions from the policy of {enforcement} ({id})")
        }
        Step::PutEnforced { .. } => "put the enforced configuration".to_owned(),
        Step::DeleteEnforced { .. } => "delete the enforced configuration".to_owned(),
        Step::PutLogging { .. } => "put the invocation logging".to_owned(),
        Step::DeleteLogging { .. } => "delete the invocation logging".to_owned(),
    }
}

/// Old and new of each field, those of something new included.
pub(super) fn fields(step: &Step) -> Vec<FieldChange> {
    match step {
        Step::CreateGuardrail { content, tags, .. } => {
            let mut new = document(content);
            if let Some(members) = new.as_object_mut() {
                members.insert("tags".to_owned(), json!(tags));
            }
            changes(&Value::Null, &new)
        }
        Step::CreatePolicy { content, .. } | Step::Control(ControlStep::Create { content, .. }) => {
            changes(&Value::Null, content)
        }
        // The resource's own ARN would set equal policies of two Regions apart.
        Step::PutResourcePolicy { resource, changes, .. } => {
            let itself = |side: &Option<String>| {
                side.as_ref().map(|text| text.replace(resource.as_str(), "(itself)"))
            };
            let masked = |change: &FieldChange| {
                FieldChange::new(&change.path, itself(&change.old), itself(&change.new))
            };
            changes.iter().map(masked).collect()
        }
        Step::PutLogging { cell, changes, .. } | Step::DeleteLogging { cell, changes, .. } => {
            changes.iter().map(|change| without_place(change, cell)).collect()
        }
        Step::UpdateGuardrail { .. }
        | Step::TagGuardrail { .. }
        | Step::UntagGuardrail { .. }
        | Step::DropRegions { .. }
        | Step::PublishVersion { .. }
        | Step::DeleteGuardrail { .. }
        | Step::DeleteVersion { .. }
        | Step::DeleteResourcePolicy { .. }
        | Step::EnablePolicyType { .. }
        | Step::UpdatePolicy { .. }
        | Step::TagPolicy { .. }
        | Step::RenamePolicy { .. }
        | Step::DeletePolicy { .. }
        | Step::AttachPolicy { .. }
        | Step::DetachPolicy { .. }
        | Step::PutEnforced { .. }
        | Step::DeleteEnforced { .. }
        | Step::Control(_) => step.changes().to_vec(),
    }
}

/// The same in every cell where it differs by account and Region only.
fn without_place(change: &FieldChange, cell: &Cell) -> FieldChange {
    let masked = |side: &Option<String>| side.as_deref().map(|text| placeless(text, cell));
    FieldChange::new(&change.path, masked(&change.old), masked(&change.new))
}

/// A text with placeholders where it names the account and Region of a cell.
pub(in crate::plan) fn placeless(text: &str, cell: &Cell) -> String {
    text.replace(cell.account.as_str(), "${account}").replace(cell.region.as_str(), "${region}")
}
