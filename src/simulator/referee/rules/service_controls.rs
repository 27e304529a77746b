//! S1 and S2 for service control policies: an account that one of a manifest's binds is bound by
//! another of the same after it leaves, unless the intent removes it.

use super::super::memory::owns_policy;
use super::super::protection::{accounts_below, policy_kind, targets};
use super::{Violation, Write};
use crate::simulator::organization::PolicyKind;
use crate::simulator::world::World;

/// The tag that keeps the policies of one manifest together.
const MANIFEST_TAG: &str = "bedrail:service-control";

pub(super) fn judge(write: &Write<'_>) -> Vec<Violation> {
    let is_detached = write.call.operation == "DetachPolicy" && write.has_succeeded();
    let id = write.call.text("PolicyId").unwrap_or_default();
    let is_ours = owns_policy(write.memory, write.intent, write.before, id);
    if !write.intent.is_told()
        || !is_detached
        || !is_ours
        || policy_kind(write.before, write.call) != Some(PolicyKind::ServiceControlPolicy)
    {
        return Vec::new();
    }
    let organization = &write.before.organization;
    let manifest = organization.tags.get(id).and_then(|tags| tags.get(MANIFEST_TAG));
    let bare = accounts_below(write.after, &targets(write.before, write.call)).into_iter().find(
        |account| {
            !write.intent.removes(organization, account, "")
                && !binds(write.after, account, manifest)
        },
    );
    let complaint = |account| format!("{id} leaves {account}, which nothing in its place binds");
    bare.map(|account| write.violates("S1", complaint(account))).into_iter().collect()
}

/// Whether a policy of the manifest is attached above an account.
fn binds(world: &World, account: &str, manifest: Option<&String>) -> bool {
    let organization = &world.organization;
    let line = organization.tree.lineage(account);
    let above = line.into_iter().filter_map(|level| organization.attachments.get(level)).flatten();
    let is_its = |id: &String| {
        let tags = organization.tags.get(id);
        tags.and_then(|tags| tags.get(MANIFEST_TAG)) == manifest
    };
    manifest.is_some() && above.into_iter().any(is_its)
}
