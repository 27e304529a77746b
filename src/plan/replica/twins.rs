//! Chooses among versions of one content. Whoever publishes an unchanged DRAFT once more makes a
//! twin of ours, and nothing is to move to it, nor back.

use std::collections::BTreeMap;

use super::Visit;
use super::index::indexed;
use crate::model::{
    GuardrailStatus, ObservedGuardrail, ObservedVersion, Read, ReplicaContent, ReplicaRevision,
    Version,
};
use crate::plan::step::{Held, HoldReason, Plan};

/// By what a version comes before its twins: ours before a stranger's, then the earlier. It never
/// changes, so that every process chooses the same.
pub(super) fn rank(version: &ObservedVersion) -> (bool, Version) {
    (indexed(version.description.as_deref()).is_none(), version.version)
}

/// Of each content, the version to reference.
///
/// READY versions whose content was read back are candidates. A content has none while a version
/// that comes before them may have it, too, and could not be read: what is referenced then stays.
pub(super) fn chosen(
    versions: &BTreeMap<Version, ObservedVersion>,
) -> BTreeMap<ReplicaRevision, &ObservedVersion> {
    let mut chosen: BTreeMap<ReplicaRevision, &ObservedVersion> = BTreeMap::new();
    for version in versions.values() {
        let Read::Known(content) = &version.content else { continue };
        let is_ready = version.status == GuardrailStatus::Ready;
        #[cfg(feature = "planted")]
        let is_ready = is_ready || crate::planted::is(crate::planted::Planted::FailedTakenAsReady);
        if !is_ready {
            continue;
        }
        let best = chosen.entry(content.replica_revision()).or_insert(version);
        if rank(version) < rank(best) {
            *best = version;
        }
    }
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Planted::TwinBelieved) {
        return chosen;
    }
    chosen.retain(|content, best| {
        !versions.values().any(|other| may_have(other, content) && rank(other) < rank(best))
    });
    chosen
}

/// Holds while a content that is to be referenced has a READY version but none is [`chosen`]: the
/// version that stands before it is to be looked at again.
pub(super) fn plan_choice(visit: &Visit, live: &ObservedGuardrail, plan: &mut Plan) {
    let (chosen, kept) = (chosen(&live.versions), visit.revisions_kept());
    let is_referenced = |content: &&ReplicaContent| {
        content.is_version_of(&visit.desired.content) || kept.contains(&content.revision())
    };
    let ready = live.versions.values().filter(|it| it.status == GuardrailStatus::Ready);
    let contents = ready.filter_map(|it| it.content.known().map(|(content, _)| content));
    let mut contents = contents.filter(is_referenced).map(ReplicaContent::replica_revision);
    let Some(content) = contents.find(|it| !chosen.contains_key(it)) else { return };
    let Some(before) = live.versions.values().find(|it| may_have(it, &content)) else { return };
    let number = before.version;
    plan.hold(match &before.content {
        Read::Unknown(unread) if before.status == GuardrailStatus::Ready => {
            Held::unread(&format!("version {number}"), unread, visit.context)
        }
        Read::Unknown(_) | Read::Known(_) | Read::KnownAbsent => {
            let message = format!("AWS is still making version {number}");
            Held::after(HoldReason::InProgress, visit.context.timing.confirm_after, message)
        }
    });
}

/// Whether a version that cannot be judged by its content yet may turn out to have this one.
fn may_have(version: &ObservedVersion, content: &ReplicaRevision) -> bool {
    let is_open = match (&version.status, &version.content) {
        (GuardrailStatus::Ready, Read::Unknown(_)) | (GuardrailStatus::Pending, _) => true,
        (GuardrailStatus::Ready, Read::Known(_) | Read::KnownAbsent)
        | (GuardrailStatus::Failed(_) | GuardrailStatus::Deleting | GuardrailStatus::Other(_), _) => {
            false
        }
    };
    is_open && indexed(version.description.as_deref()).is_none_or(|index| index == *content)
}

#[cfg(test)]
mod tests {
    use super::super::index::index;
    use super::*;
    use crate::plan::fixture::{content, published, unread, version};

    /// Of `a` if it is ours, and changed.
    fn twin(number: u32, is_ours: bool, change: impl Fn(&mut ObservedVersion)) -> ObservedVersion {
        let a = content("a");
        let (_, mut made) = published(number, &a);
        let of = |it: &ReplicaContent| index(&it.revision(), &it.replica_revision());
        made.description = is_ours.then(|| of(&a));
        change(&mut made);
        made
    }

    fn chosen_of(twins: impl IntoIterator<Item = ObservedVersion>) -> Option<Version> {
        let twins = twins.into_iter().map(|it| (it.version, it)).collect();
        chosen(&twins).get(&content("a").replica_revision()).map(|it| it.version)
    }

    #[test]
    fn a_strangers_twin_takes_nothing_over() {
        let rows = [
            ("published later", [(1, true), (2, false)], 1),
            ("published earlier", [(1, false), (2, true)], 2),
            ("two of ours", [(3, true), (4, true)], 3),
            ("two of strangers", [(3, false), (4, false)], 3),
        ];
        for (what, twins, expected) in rows {
            let twins = twins.map(|(number, is_ours)| twin(number, is_ours, |_| {}));
            assert_eq!(chosen_of(twins), Some(version(expected)), "{what}");
        }
    }

    #[test]
    fn a_twin_is_no_substitute_for_one_that_cannot_be_read() {
        let unread = |it: &mut ObservedVersion| it.content = Read::Unknown(unread());
        let pending = |it: &mut ObservedVersion| it.status = GuardrailStatus::Pending;
        let failed = |it: &mut ObservedVersion| it.status = GuardrailStatus::Failed(Vec::new());
        let other = |it: &mut ObservedVersion| {
            unread(it);
            let b = content("b");
            it.description = Some(index(&b.revision(), &b.replica_revision()));
        };
        let later = || twin(2, false, |_| {});
        assert_eq!(chosen_of([twin(1, true, unread), later()]), None);
        assert_eq!(chosen_of([twin(1, true, pending), later()]), None);
        assert_eq!(chosen_of([twin(1, false, unread), later()]), None);
        assert_eq!(chosen_of([twin(1, true, failed), later()]), Some(version(2)));
        assert_eq!(chosen_of([twin(1, true, other), later()]), Some(version(2)));
        // What comes after it cannot take its place, whatever it is.
        let ours = || twin(2, true, |_| {});
        assert_eq!(chosen_of([twin(1, false, unread), ours()]), Some(version(2)));
        assert_eq!(chosen_of([ours(), twin(3, true, unread)]), Some(version(2)));
    }
}
